"""Infinitely repeated games between memory-k policies, with exact values."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from games.base import Game, Joint, Own, check_shapes, normal_init, precision
from games.checks import check_count, check_range, concrete, floating
from games.device_memory import check_room
from games.exact import markov_chain as chain, memory_one_2x2 as two_by_two
from games.exact.matrix import MatrixGame, outer
from games.exact.tables import as_table, kl_divergence, log_chances, probabilities, table_shape

PATIENCE = 1e4
"""If $1-d$ is below this multiple of machine epsilon, states are eliminated: the resolvent loses digits."""


class Iterated(Game):
    r"""The infinitely repeated game between policies with memory of the last k joint actions; exact values.

    For discounts $d < 1$ the value is the return $V_i = \sum_t d^t E[u_i(a_t)] = p_0^\top (I - dP)^{-1} u_i$,
    not normalized, because published learning rates refer to it; tables show the per-step value $(1-d) V_i$.
    For $d = 1$ the value is the long-run average reward from the start, $\lim_{d \to 1} (1-d) V_i$, also for
    reducible and periodic chains. Values are computed by the resolvent, or, at discounts so close to 1 that
    it would lose digits (from .9988 in float32, from 1 - 2e-12 in float64), by elimination of states, which
    takes longer. A discount that is traced when the game is made is assumed to be smaller than these.

    A policy is a table of logits with one row per history: the start, then the histories of length 1 to k.
    Histories of one length are ordered with the latest joint action varying fastest, and in a joint action
    **the player's own action comes first**, then the others' by seat. With two actions and k = 1 a player's
    five logits are `[start, CC, CD, DC, DD]`, each the logit of P(action 0).

    Args:
        stage: the stage game, any number of players and actions.
        discount: in [0, 1]; 1 means the average reward. Another discount below 1 does not recompile.
        memory: k, at least 1.
        name: name in tables.
        init_std: standard deviation of the initial logits, at least 0.

    Raises:
        ValueError: for a discount outside [0, 1] or a memory below 1.

    Example:
        >>> game = Iterated(MatrixGame.symmetric([[-1, -3], [0, -2]]))
        >>> params = (jnp.zeros(5), jnp.zeros(5))
        >>> game.per_step(game.values(params)).round(4).tolist()
        [-1.5, -1.5]
    """

    stage: MatrixGame
    discount: Float[Array, ""] = eqx.field(converter=floating, default=0.96)
    memory: int = eqx.field(static=True, default=1)
    name: str = eqx.field(static=True, default="iterated")
    init_std: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    criterion: str = eqx.field(static=True, init=False, default="discounted")
    patient: bool = eqx.field(static=True, init=False, default=False)

    def __post_init__(self):
        check_range("discount", self.discount, 0.0, 1.0)
        if not concrete(self.discount):
            return
        discount = np.asarray(self.discount, jax.dtypes.canonicalize_dtype(float))
        self.patient = bool((1 - discount < PATIENCE * np.finfo(discount.dtype).eps).any())
        average = discount == 1  # including discounts that round to 1
        if average.any():
            if not average.all():
                raise ValueError(
                    "discount holds 1 (the average reward) beside smaller numbers; make one game for each of the two criteria."
                )
            self.criterion = "average"

    def __check_init__(self):
        if not isinstance(self.stage, MatrixGame):
            raise ValueError(
                f"stage is a {type(self.stage).__name__}; it must be a MatrixGame, such as MatrixGame.symmetric([[-1, -3], [0, -2]])."
            )
        check_count("memory", self.memory)
        what = f"The chain of {self.n_players} players who remember {self.memory} joint actions, {self.n_outcomes**self.memory} histories,"
        check_room(
            what, 12.0 * self.n_outcomes ** (2 * self.memory), "choose a smaller memory or fewer players"
        )  # three times its transition matrix
        check_range("init_std", self.init_std, 0.0)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.stage.n_players

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.stage.n_actions

    @property
    def n_outcomes(self) -> int:
        """Number of joint actions."""
        return math.prod(self.n_actions)

    @property
    def n_observations(self) -> int:
        """Number of histories of length 0 to k, which is the number of rows of a policy."""
        return sum(self.n_outcomes**length for length in range(self.memory + 1))

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each player's table of logits."""
        return tuple(table_shape(self.n_observations, a) for a in self.n_actions)

    @property
    def stop(self) -> Float[Array, ""]:
        """$1 - d$ in the precision of the discount; in that of parameters the discount might round to 1."""
        return jax.lax.sub(jax.lax.full_like(self.discount, 1), self.discount)

    @property
    def is_scalar(self) -> bool:
        """Whether `memory_one_2x2` applies: a 2x2 stage game, memory one, a discount not too close to 1."""
        return self.n_actions == (2, 2) and self.memory == 1 and not self.patient

    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw all players' logits from $N(0, std^2)$."""
        return normal_init(key, self.shapes, self.init_std)

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' returns from the start (average rewards at discount 1)."""
        if self.is_scalar:
            check_shapes(self.name, params, self.shapes)
            (own, other), dtype = params, precision(params)
            return two_by_two.values(
                own,
                other,
                self.stage.payoffs.astype(dtype),
                self.discount.astype(dtype),
                self.stop.astype(dtype),
            )
        return self.expected(params, self.stage.payoffs.reshape(self.n_players, -1).T)

    def frequencies(self, params: Joint) -> Float[Array, " n_outcomes"]:
        """Frequency of each joint action; step t has the weight $(1-d) d^t$.

        At discount 1 it is the long-run frequency.

        Example:
            >>> game = Iterated(MatrixGame.symmetric([[-1, -3], [0, -2]]))
            >>> game.frequencies((jnp.zeros(5), jnp.zeros(5))).round(4).tolist()
            [0.25, 0.25, 0.25, 0.25]
        """
        return self.per_step(self.expected(params, jnp.eye(self.n_outcomes, dtype=self.stage.payoffs.dtype)))

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """$(1 - d) V$; at discount 1 the values themselves."""
        return values if self.criterion == "average" else self.stop.astype(values.dtype) * values

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """Kullback-Leibler divergence of the new policy from the old, summed over histories, as in POLA."""
        return kl_divergence(old, new, self.n_actions[player])

    def split(self, params: Joint) -> Joint:
        """One scalar per logit if `is_scalar`; otherwise the parameters as they are."""
        return tuple(tuple(own[s] for s in range(5)) for own in params) if self.is_scalar else params

    def join(self, params: Joint) -> Joint:
        """The inverse of `split`."""
        return tuple(jnp.stack(own, axis=-1) for own in params) if self.is_scalar else params

    def exchanged(self) -> "Iterated | None":
        """The repeated exchanged stage game; policies stay the same, since the own action comes first."""
        stage = self.stage.exchanged()
        return None if stage is None else eqx.tree_at(lambda game: game.stage, self, stage)

    def joint(
        self, params: Joint, numbers: Callable[..., Array], combine: Callable[..., Array]
    ) -> Float[Array, "n_observations n_outcomes"]:
        """The (log-)probability of every joint action after every history, both with players by seat.

        Args:
            params: all players' tables.
            numbers: `probabilities` or `log_chances`, of a table.
            combine: `jnp.multiply` for probabilities, `jnp.add` for their logarithms.
        """
        check_shapes(self.name, params, self.shapes)
        tables = [
            numbers(as_table(own), a)[own_first(self.n_actions, self.memory, i)]
            for i, (own, a) in enumerate(zip(params, self.n_actions, strict=True))
        ]
        return outer(tuple(tables), combine).reshape(self.n_observations, self.n_outcomes)

    def expected(self, params: Joint, rewards: Float[Array, "n_outcomes m"]) -> Float[Array, " m"]:
        """The returns (averages at discount 1) of m rewards of the joint action."""
        dtype = precision(params)
        joint, rewards = self.joint(params, probabilities, jnp.multiply), rewards.astype(dtype)
        discount, stop = self.discount.astype(dtype), self.stop.astype(dtype)
        size, histories = self.n_outcomes, self.n_outcomes**self.memory
        expected_rewards = joint[-histories:] @ rewards

        def transitions(
            rows: Float[Array, "histories size"], empty: float
        ) -> Float[Array, "histories histories"]:
            if self.memory == 1:
                return rows
            before = np.repeat(np.arange(histories), size)
            after = (before * size + np.tile(np.arange(size), histories)) % histories
            return jnp.full((histories, histories), empty, dtype).at[before, after].set(rows.ravel())

        average = self.criterion == "average"
        if average or self.patient:
            logs = transitions(self.joint(params, log_chances, jnp.add)[-histories:], chain.NEVER)
            ahead = (
                chain.average(logs, expected_rewards)
                if average
                else chain.average(jnp.log(discount) + logs, expected_rewards, jnp.log(stop))
            )
        else:
            ahead = stop * chain.discounted(transitions(joint[-histories:], 0.0), expected_rewards, discount)
        for length in range(self.memory - 1, -1, -1):  # shorter histories occur only at the start of play
            first = sum(size**shorter for shorter in range(length))
            p = joint[first : first + size**length]
            onwards = jnp.einsum("ho,hom->hm", p, ahead.reshape(-1, size, ahead.shape[-1]))
            ahead = onwards if average else stop * (p @ rewards) + discount * onwards
        return ahead[0] if average else ahead[0] / stop


def own_first(n_actions: tuple[int, ...], memory: int, player: int) -> Any:
    """The row in a player's table, own action first, of every history with players by seat.

    Example:
        >>> own_first((2, 2), 1, 1).tolist()
        [0, 1, 3, 2, 4]
    """
    order = (player, *(j for j in range(len(n_actions)) if j != player))
    sizes = tuple(n_actions[j] for j in order)
    outcome = [
        int(np.ravel_multi_index(tuple(actions[j] for j in order), sizes))
        for actions in itertools.product(*(range(a) for a in n_actions))
    ]
    rows, block = [0], np.zeros(1, dtype=int)
    for _ in range(memory):
        block = (block[:, None] * len(outcome) + np.array(outcome)[None, :]).ravel()
        rows.extend(len(rows) + block)
    return np.array(rows)
