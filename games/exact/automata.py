"""Repeated two-player games between finite automata, with exact values: strategies beyond memory one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from games.base import Game, Joint, Own
from games.checks import as_float, check_count, check_range, floating
from games.exact import markov_chain as chain
from games.exact.iterated import PATIENCE
from games.exact.matrix import MatrixGame
from games.exact.parameterized import ExecutionErrors
from games.exact.tables import CERTAIN, kl_divergence

OUTCOMES = 4
"""Joint actions of two players with two actions, own action first: CC, CD, DC, DD."""


class Automaton(eqx.Module):
    """A strategy for a repeated game of two players with two actions, as a finite automaton.

    It starts in state 0. In state s it takes action 0 with probability `probabilities[s]`; after the joint
    action o, own action first (CC, CD, DC, DD), it goes to state `successors[s, o]`.

    Args:
        probabilities: of action 0 in every state, `(states,)`, each in [0, 1].
        successors: the next state after every joint action, `(states, 4)`, each in [0, states - 1].

    Raises:
        ValueError: for probabilities outside [0, 1], or states that do not exist.

    Source:
        Rubinstein 1986, "Finite automata play the repeated prisoner's dilemma".

    Example:
        >>> alternate = Automaton([1.0, 0.0], [[1, 1, 1, 1], [0, 0, 0, 0]])
        >>> alternate.n_states
        2
    """

    probabilities: Float[Array, " states"] = eqx.field(converter=as_float)
    successors: Int[np.ndarray, "states 4"] = eqx.field(converter=np.asarray)

    def __check_init__(self):
        check_range("probabilities", self.probabilities, 0.0, 1.0)
        states = self.probabilities.size
        there = self.successors
        if self.probabilities.ndim != 1 or there.shape != (states, OUTCOMES):
            raise ValueError(
                f"An automaton of {states} states has successors of shape {there.shape}; they must have shape ({states}, 4), "
                "one state per joint action."
            )
        if not (np.issubdtype(there.dtype, np.integer) and (there >= 0).all() and (there < states).all()):
            raise ValueError(
                f"The successors are {there.tolist()}; each must be a state, an integer in [0, {states - 1}]."
            )

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.successors)


def memory_one_automaton(probabilities: Float[Array, " 5"]) -> Automaton:
    """A memory-one strategy as an automaton: its states are the start and the last joint action.

    Args:
        probabilities: of action 0, `[start, CC, CD, DC, DD]`, own action first.

    Example:
        >>> memory_one_automaton([1, 1, 0, 1, 0]).successors[0].tolist()
        [1, 2, 3, 4]
    """
    return Automaton(probabilities, np.tile(np.arange(1, 1 + OUTCOMES), (1 + OUTCOMES, 1)))


class AutomatonGame(Game):
    r"""The repeated game between two players whose policies are finite automata; exact values.

    The pair of states is a Markov chain with at most `states`$^2$ states, from which the return follows:
    $V_i = \sum_t d^t E[u_i(a_t)]$, for ever, or over the first `length` steps. At discount 1 without an end
    the value is the long-run average reward. A player's parameters are the logits of action 0 in every state
    and the successors of the states; the initial parameters are those of a memory-one strategy with random
    logits, as in `Iterated`. Learners ascend the logits; the successors have gradient 0 and stay.

    Args:
        stage: the stage game, two players with two actions.
        discount: in [0, 1].
        length: number of steps of a match; None for a match without an end.
        states: the largest number of states of an automaton, at least 5.
        error: probability that an action is replaced by the other one, in [0, 1]; both players see what was
            done.
        name: name in tables.
        init_std: standard deviation of the initial logits, at least 0.

    Raises:
        ValueError: for a stage game of another size, or a number out of range.

    Example:
        >>> from games import ipd_axelrod
        >>> from games.strategies import automaton
        >>> game = AutomatonGame(ipd_axelrod().stage, length=10, discount=1.0)
        >>> pair = game.policy(automaton("tit_for_two_tats")), game.policy(automaton("alld"))
        >>> game.values(pair).tolist()
        [8.0, 18.0]
    """

    stage: MatrixGame
    discount: Float[Array, ""] = eqx.field(converter=floating, default=0.96)
    length: int | None = eqx.field(static=True, default=None)
    states: int = eqx.field(static=True, default=9)
    error: Float[Array, ""] = eqx.field(converter=floating, default=0.0)
    name: str = eqx.field(static=True, default="automata")
    init_std: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    patient: bool = eqx.field(static=True, init=False, default=False)

    def __post_init__(self):
        check_range("discount", self.discount, 0.0, 1.0)
        discount = np.asarray(self.discount, jax.dtypes.canonicalize_dtype(float))
        self.patient = bool((1 - discount < PATIENCE * np.finfo(discount.dtype).eps).any())

    def __check_init__(self):
        if not isinstance(self.stage, MatrixGame) or self.stage.n_actions != (2, 2):
            raise ValueError(
                "The stage game of automata must be a MatrixGame of two players with two actions, such as games.prisoners_dilemma()."
            )
        check_count("states", self.states, 1 + OUTCOMES)
        if self.length is not None:
            check_count("length", self.length)
        check_range("error", self.error, 0.0, 1.0)
        check_range("init_std", self.init_std, 0.0)

    @property
    def n_players(self) -> int:
        """Number of players, two."""
        return 2

    @property
    def n_actions(self) -> tuple[int, int]:
        """Number of actions of each player."""
        return 2, 2

    def policy(self, automaton: Automaton) -> Own:
        """A player's parameters that play an automaton; unused states are added up to the game's number.

        Raises:
            ValueError: for an automaton with more states than the game's.
        """
        if automaton.n_states > self.states:
            raise ValueError(
                f"The automaton has {automaton.n_states} states, and {self.name!r} takes at most {self.states}; "
                f"make the game with states={automaton.n_states}."
            )
        p, more = jnp.asarray(automaton.probabilities), self.states - automaton.n_states
        logits = jnp.clip(jnp.log(p) - jnp.log1p(-p), -CERTAIN, CERTAIN)
        return {
            "logits": jnp.pad(logits, (0, more)),
            "successors": jnp.pad(jnp.asarray(automaton.successors, logits.dtype), ((0, more), (0, 0))),
        }

    def init(self, key: Key[Array, ""]) -> Joint:
        """Memory-one strategies, logits from $N(0, std^2)$."""
        half = memory_one_automaton(jnp.full(1 + OUTCOMES, 0.5))
        drawn = []
        for i in range(2):
            noise = jax.random.normal(jax.random.fold_in(key, i), (1 + OUTCOMES,), self.init_std.dtype)
            own = self.policy(half)
            drawn.append(own | {"logits": own["logits"].at[: 1 + OUTCOMES].set(self.init_std * noise)})
        return tuple(drawn)

    def executed(self, own: Own) -> Float[Array, "states 2"]:
        """Probabilities of the actions that a player carries out in every state."""
        table = ExecutionErrors(self.error).table(own["logits"], own["logits"].shape, np.empty((0, 0)))
        return jax.nn.sigmoid(jnp.stack([table, -table], axis=-1))

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' returns from the start (average rewards at discount 1 without an end)."""
        payoffs = self.stage.payoffs.reshape(2, -1).T
        return self.expected(params, payoffs)

    def frequencies(self, params: Joint) -> Float[Array, " 4"]:
        """Frequency of each joint action, player 0's action first; step t has a weight proportional to $d^t$."""
        return self.per_step(self.expected(params, jnp.eye(OUTCOMES, dtype=self.stage.payoffs.dtype)))

    def expected(self, params: Joint, rewards: Float[Array, "4 m"]) -> Float[Array, " m"]:
        """The returns of m rewards of the joint action, player 0's action first."""
        first, second = (self.executed(own) for own in params)
        dtype, size = first.dtype, len(first)
        rewards, discount = rewards.astype(dtype), self.discount.astype(dtype)
        joint = jnp.einsum("si,tj->stij", first, second).reshape(size * len(second), OUTCOMES)
        one, other = (
            jax.nn.one_hot(jax.lax.stop_gradient(own["successors"]).round().astype(int), size, dtype=dtype)
            for own in params
        )
        onwards = jnp.einsum(
            "stij,sijx,tjiy->stxy",
            joint.reshape(size, size, 2, 2),
            one.reshape(size, 2, 2, size),
            other.reshape(size, 2, 2, size),
        ).reshape(size * size, size * size)
        expected_rewards = joint @ rewards
        if self.length is not None:
            ahead, _ = jax.lax.scan(
                lambda ahead, _: (expected_rewards + discount * (onwards @ ahead), None),
                jnp.zeros_like(expected_rewards),
                length=self.length,
            )
            return ahead[0]
        if not self.patient:
            return chain.discounted(onwards, expected_rewards, discount)[0]
        logs = jnp.where(onwards > 0, jnp.log(jnp.where(onwards > 0, onwards, 1.0)), chain.NEVER)
        stop = self.stop.astype(dtype)
        means = chain.average(
            jnp.log(discount) + logs, expected_rewards, jnp.maximum(jnp.log(stop), chain.NEVER)
        )[0]
        return means / jnp.where(stop == 0, 1.0, stop)

    @property
    def stop(self) -> Float[Array, ""]:
        """$1 - d$ in the precision of the discount."""
        return jax.lax.sub(jax.lax.full_like(self.discount, 1), self.discount)

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """The value divided by the sum of the weights $d^t$; at discount 1 without an end the value itself."""
        d, stop = self.discount.astype(values.dtype), self.stop.astype(values.dtype)
        if self.length is None:
            return values * jnp.where(stop == 0, 1.0, stop)
        total = jnp.where(stop == 0, self.length, (1 - d**self.length) / jnp.where(stop == 0, 1.0, stop))
        return values / total

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """Kullback-Leibler divergence of the new probabilities from the old, summed over the states."""
        return kl_divergence(old["logits"], new["logits"], 2)

    def exchanged(self) -> "AutomatonGame | None":
        """The repeated exchanged stage game; automata stay the same, since the own action comes first."""
        stage = self.stage.exchanged()
        return None if stage is None else eqx.tree_at(lambda game: game.stage, self, stage)
