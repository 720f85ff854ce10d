"""Repeated games in other coordinates: a basis or a network maps parameters to tables of logits."""

import abc
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from games.base import Game, Joint, Own
from games.checks import check_count, check_range, floating, numeric_array
from games.exact.iterated import Iterated
from games.exact.markov_chain import NEVER
from games.exact.tables import as_table, log_probabilities, probabilities

Table = Float[Array, "..."]
"""A player's logits, one row per history, own action first."""
Histories = Float[np.ndarray, "n_observations features"]
"""The input of a policy for every history, one row each."""


class Policy(eqx.Module):
    """A map from parameters to a table of logits."""

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], drawn: Table, histories: Histories) -> Own:
        """Draw initial parameters; `drawn` is the initial table that the repeated game draws."""

    @abc.abstractmethod
    def table(self, own: Own, shape: tuple[int, ...], histories: Histories) -> Table:
        """The table of logits of these parameters."""


class Tabular(Policy):
    """The parameters are the table."""

    def init(self, key: Key[Array, ""], drawn: Table, histories: Histories) -> Own:
        """The initial table of the repeated game."""
        return drawn

    def table(self, own: Own, shape: tuple[int, ...], histories: Histories) -> Table:
        """The parameters as they are."""
        return as_table(own)


class Preconditioned(Policy):
    r"""The parameters are coordinates of the table in another basis: logits $M \theta$.

    The default is the basis of the POLA paper for two actions and memory one, in which a step of
    $\theta_{DD}$ changes all other logits too: $M\theta = (\theta_s - 2 \theta_{DD})_{s \ne DD},
    \theta_{DD}$.

    Args:
        matrix: M, square, one row per history, `[start, CC, CD, DC, DD]` with memory one.

    Raises:
        ValueError: if the matrix is not square, or an entry is not finite.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", section 5.1; the matrix is
        that of its public code.

    Example:
        >>> policy = Preconditioned()
        >>> policy.table({"theta": jnp.array([0.0, 0.0, 0.0, 0.0, 1.0])}, (5,), None).tolist()
        [-2.0, -2.0, -2.0, -2.0, 1.0]
    """

    matrix: Float[Array, "rows rows"] = eqx.field(
        converter=lambda m: numeric_array("The matrix", m),
        default_factory=lambda: np.eye(5) - 2 * np.outer([1, 1, 1, 1, 0], [0, 0, 0, 0, 1]),
    )

    def __check_init__(self):
        if self.matrix.ndim != 2 or self.matrix.shape[0] != self.matrix.shape[1]:
            raise ValueError(
                f"The matrix has shape {self.matrix.shape}; it must be square, one row per history."
            )

    def init(self, key: Key[Array, ""], drawn: Table, histories: Histories) -> Own:
        r"""$\theta$ is distributed as the repeated game's initial table."""
        if drawn.shape[0] != self.matrix.shape[0]:
            raise ValueError(
                f"The matrix has {self.matrix.shape[0]} rows, but a table of this game has {drawn.shape[0]}; give one row per history."
            )
        return {"theta": drawn}

    def table(self, own: Own, shape: tuple[int, ...], histories: Histories) -> Table:
        r"""$M \theta$."""
        return jnp.tensordot(self.matrix.astype(own["theta"].dtype), own["theta"], 1)


class Network(Policy):
    r"""A network with one hidden layer of tanh units; its inputs are one-hot codes of the remembered actions.

    A history is encoded by one block per remembered action, own action first, with one entry per action and
    one for "before the start". With two actions and memory one there are six inputs. Weights and biases start
    uniform in $[-1/\sqrt n, 1/\sqrt n]$ for n inputs.

    Args:
        hidden: number of tanh units, at least 1.

    Raises:
        ValueError: for a number of units below 1.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", section 5.1: 16 units.

    Example:
        >>> from games import ipd
        >>> own = Parameterized(ipd(), Network()).init(jax.random.key(0))[0]
        >>> {name: leaf.shape for name, leaf in own.items()}
        {'bias_in': (16,), 'bias_out': (1,), 'weight_in': (16, 6), 'weight_out': (1, 16)}
    """

    hidden: int = eqx.field(static=True, default=16)

    def __check_init__(self):
        check_count("hidden", self.hidden)

    def init(self, key: Key[Array, ""], drawn: Table, histories: Histories) -> Own:
        """Uniform weights and biases; only the shape of the drawn table is used."""
        n_in, n_out = histories.shape[1], 1 if drawn.ndim == 1 else drawn.shape[1]
        shapes = {
            "bias_in": ((self.hidden,), n_in),
            "bias_out": ((n_out,), self.hidden),
            "weight_in": ((self.hidden, n_in), n_in),
            "weight_out": ((n_out, self.hidden), self.hidden),
        }
        return {
            name: jax.random.uniform(jax.random.fold_in(key, i), shape, drawn.dtype, -1.0, 1.0) / np.sqrt(n)
            for i, (name, (shape, n)) in enumerate(shapes.items())
        }

    def table(self, own: Own, shape: tuple[int, ...], histories: Histories) -> Table:
        """The network's outputs for every history."""
        hidden = jnp.tanh(
            histories.astype(own["weight_in"].dtype) @ own["weight_in"].T + own["bias_in"][None]
        )
        return (hidden @ own["weight_out"].T + own["bias_out"][None]).reshape(shape)


class ExecutionErrors(Policy):
    r"""Execution errors ("trembling hands"): every action is replaced by another one with probability e.

    With A actions, an intended action is carried out with probability $1 - e$, and each of the others with
    probability $e / (A - 1)$: $\tilde\pi(a | h) = (1 - e)\, \pi(a | h) + \frac{e}{A - 1} (1 - \pi(a | h))$. Both
    players see and remember the actions that were carried out. The values are exact, and learners
    differentiate through the errors.

    Args:
        error: e, in [0, 1]; at 0 the policy is unchanged.
        policy: the map from parameters to the table of the intended actions.

    Source:
        Selten 1975, "Reexamination of the perfectness concept for equilibrium points in extensive games";
        Boyd 1989, "Mistakes allow evolutionary stability in the repeated prisoner's dilemma game".

    Example:
        >>> from games import ipd
        >>> table = ExecutionErrors(0.1).table(jnp.array([1000.0, 0.0, -1000.0]), (3,), None)
        >>> [round(float(p), 3) for p in jax.nn.sigmoid(table)]
        [0.9, 0.5, 0.1]
    """

    error: Float[Array, ""] = eqx.field(converter=floating)
    policy: Policy = eqx.field(default_factory=Tabular)

    def __check_init__(self):
        check_range("error", self.error, 0.0, 1.0)

    def init(self, key: Key[Array, ""], drawn: Table, histories: Histories) -> Own:
        """The initial parameters of the inner policy."""
        return self.policy.init(key, drawn, histories)

    def table(self, own: Own, shape: tuple[int, ...], histories: Histories) -> Table:
        """The logits of the actions that are carried out."""
        intended = self.policy.table(own, shape, histories)
        n_actions = 2 if len(shape) == 1 else shape[-1]
        if n_actions == 2:
            logs = log_probabilities(intended, 2)
            stays, slips = (
                jnp.maximum(jnp.log(x), NEVER).astype(logs.dtype) for x in (1 - self.error, self.error)
            )
            executed = jnp.logaddexp(stays + logs, slips + logs[..., ::-1])
            return executed[..., 0] - executed[..., 1]
        p, error = probabilities(intended, n_actions), self.error.astype(intended.dtype)
        executed = (1 - error) * p + error / (n_actions - 1) * (1 - p)
        return jnp.log(jnp.maximum(executed, jnp.finfo(executed.dtype).tiny))


def trembling(game: "Iterated | Parameterized", error: float) -> "Parameterized":
    """The repeated game in which every action of every player is replaced by another with probability `error`.

    Args:
        game: a repeated game with exact values, in any parameterization.
        error: in [0, 1].

    Raises:
        ValueError: for an error outside [0, 1], or another kind of game.

    Example:
        >>> from games import ipd
        >>> from games.strategies import policy
        >>> tft = policy("tft")
        >>> game = trembling(ipd(discount=1.0), 0.01)
        >>> [round(float(v), 3) for v in game.values((tft, tft))]  # half of the time out of step: the mean of all payoffs
        [-1.5, -1.5]
    """
    if not isinstance(game, (Iterated, Parameterized)):
        raise ValueError(
            f"game is a {type(game).__name__}; execution errors need a repeated game with exact values, such as games.ipd()."
        )
    inner, policy = (game.game, game.policy) if isinstance(game, Parameterized) else (game, Tabular())
    return Parameterized(inner, ExecutionErrors(error, policy), f"trembling_{game.name}")


class Parameterized(Game):
    """A repeated game whose players' parameters are mapped to tables of logits by a policy.

    Values and divergences are those of the tables.

    Args:
        game: the repeated game.
        policy: the map from parameters to tables, the same for all players: `Tabular()`, `Preconditioned()`
            or `Network()`.
        name: name in tables.

    Raises:
        ValueError: if `game` is not a repeated game, or `policy` is not a `Policy`.

    Example:
        >>> from games import ipd
        >>> game = Parameterized(ipd(), Network(hidden=8))
        >>> game.values(game.init(jax.random.key(0))).shape
        (2,)
    """

    game: Iterated
    policy: Policy = eqx.field(default_factory=Tabular)
    name: str = eqx.field(static=True, default="parameterized")

    def __check_init__(self):
        if not isinstance(self.game, Iterated):
            raise ValueError(
                f"game is a {type(self.game).__name__}; it must be a repeated game, such as games.ipd()."
            )
        if not isinstance(self.policy, Policy):
            raise ValueError(
                f"policy is a {type(self.policy).__name__}; it must be a Policy, such as Network()."
            )

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.game.n_players

    def histories(self, player: int) -> Histories:
        """The inputs of the player's policy, one row per history, in the order of its table."""
        others = (a for j, a in enumerate(self.game.n_actions) if j != player)
        return one_hot_histories((self.game.n_actions[player], *others), self.game.memory)

    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw all players' initial parameters."""
        drawn = self.game.init(key)
        return tuple(
            self.policy.init(jax.random.fold_in(key, i), table, self.histories(i))
            for i, table in enumerate(drawn)
        )

    def table(self, player: int, own: Own) -> Table:
        """The table of logits of a player's parameters."""
        return self.policy.table(own, self.game.shapes[player], self.histories(player))

    def tables(self, params: Joint) -> Joint:
        """All players' tables, which are parameters of the repeated game."""
        return tuple(self.table(i, own) for i, own in enumerate(params))

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """The values of the tables."""
        return self.game.values(self.tables(params), key)

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """Per-step values of the repeated game."""
        return self.game.per_step(values)

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """The divergence of the tables; it is 0 between different parameters of one table."""
        return self.game.divergence(
            player, self.table(player, old), self.table(player, new), self.tables(params), key
        )

    def exchanged(self) -> "Parameterized | None":
        """The exchanged repeated game with the same policy."""
        game = self.game.exchanged()
        return None if game is None else eqx.tree_at(lambda g: g.game, self, game)


def one_hot_histories(n_actions: tuple[int, ...], memory: int) -> Histories:
    """One-hot codes of the histories of length 0 to `memory`, latest joint action last.

    An action before the start of play has a code of its own, the last entry of its block.

    Example:
        >>> one_hot_histories((2, 2), 1).astype(int).tolist()
        [[0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 1, 0], [0, 1, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0]]
    """
    before = tuple(n_actions)  # the code of "before the start" follows those of the actions
    joint: list[tuple[Any, ...]] = list(itertools.product(*(range(a) for a in n_actions)))
    rows = [
        np.concatenate(
            [
                np.eye(a + 1)[x]
                for outcome in (*[before] * (memory - length), *past)
                for a, x in zip(n_actions, outcome, strict=True)
            ]
        )
        for length in range(memory + 1)
        for past in itertools.product(joint, repeat=length)
    ]
    return np.stack(rows)
