"""Memory-one play of two actions, exact and over all lanes at once: outcome frequencies and all deviations."""

import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from games.base import Game
from games.compiler import jit
from games.exact import markov_chain as chain
from games.exact.iterated import Iterated
from games.exact.markov_chain import NEVER
from games.exact.memory_one_2x2 import SECOND_SEAT
from games.exact.tables import log_chances
from solvers.repeated.histories import with_errors

STATES = ("CC", "CD", "DC", "DD")
"""Joint actions, own action first; C is cooperation where a game has one, otherwise action 0."""
DETERMINISTIC = np.array(list(itertools.product([1.0, 0.0], repeat=5)))
"""All 32 deterministic memory-one strategies, probabilities of C after start, CC, CD, DC and DD."""
SMALLEST, BATCH = 128, 16384
"""The smallest and the largest number of lanes of one compiled program."""
PATIENT = 1e-5
"""If $1 - d$ is below this, states are eliminated: the resolvent would lose digits. It takes a fifth of the time."""

LogChances = Float[np.ndarray, "*lanes 5 2"]
"""Logarithms of the probabilities of both actions after start, CC, CD, DC and DD, own action first."""


class MemoryOnePlay(NamedTuple):
    """Memory-one play of two players with two actions, in every lane.

    Attributes:
        log_chances: of both seats, (2, lanes, 5, 2), with execution errors.
        payoffs: for each seat, its own and the other's payoff after CC, CD, DC and DD, (2, 4, 2).
        discount: in [0, 1]; 1 is the long-run average.
        error: the probability with which an intended action is replaced by the other one.
    """

    log_chances: LogChances
    payoffs: Float[np.ndarray, "2 4 2"]
    discount: float
    error: float

    @property
    def policies(self) -> Float[np.ndarray, "2 lanes 5"]:
        """Probabilities of C of both seats after start, CC, CD, DC and DD."""
        return np.exp(self.log_chances[..., 0])

    @property
    def symmetric(self) -> bool:
        """Whether both seats have the same payoffs."""
        return bool(np.allclose(self.payoffs[0], self.payoffs[1]))


def log_chances_of(strategies: Float[np.ndarray, "*any 5"], error: float = 0.0) -> LogChances:
    """Logarithms of both actions' probabilities, each replaced by the other with probability `error`.

    Example:
        >>> np.exp(log_chances_of(np.array([1.0, 0.5, 0.0, 0.0, 1.0]), 0.1))[:3].round(3).tolist()
        [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]
    """
    p = np.asarray(strategies, dtype=float)
    p = with_errors(np.stack([p, 1 - p], axis=-1), error)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), NEVER)


def log_chances_of_logits(logits: Float[np.ndarray, "*any 5"]) -> LogChances:
    """Logarithms of both actions' probabilities, from logits of action 0, in float64."""
    with jax.enable_x64(True):
        return np.asarray(log_chances(jnp.asarray(logits, dtype=float), 2))


def plays_memory_one(game: Game | None) -> bool:
    """Whether the players' parameters are tables of memory one over two actions, carried out without errors."""
    return type(game) is Iterated and game.n_actions == (2, 2) and game.memory == 1


def game_frequencies(
    game: Any, own: Float[np.ndarray, "*lanes 5"], other: Float[np.ndarray, "*lanes 5"]
) -> Float[np.ndarray, "*lanes 4"]:
    """`outcome_frequencies` of a game for which `plays_memory_one` holds, from the logits of both seats."""
    logs = [log_chances_of_logits(logits) for logits in (own, other)]
    return outcome_frequencies(logs[0], logs[1], float(game.discount))


@jit
def _discounted(
    own: Float[Array, "lanes 5 2"], other: Float[Array, "lanes 5 2"], discount: Float[Array, ""]
) -> Float[Array, "lanes 4"]:
    """`outcome_frequencies` of one batch at a discount that is not close to 1, by the resolvent."""

    def of_one_lane(x: Float[Array, "5 2"], y: Float[Array, "5 2"]) -> Float[Array, " 4"]:
        joint, stop = jnp.exp(joint_logs(x, y)), 1 - discount
        return stop * (joint[0] + discount * joint[0] @ chain.discounted(joint[1:], joint[1:], discount))

    return jax.vmap(of_one_lane)(own, other)


@jit
def _patient(
    own: Float[Array, "lanes 5 2"], other: Float[Array, "lanes 5 2"], discount: Float[Array, ""]
) -> Float[Array, "lanes 4"]:
    """`outcome_frequencies` of one batch at any discount, 1 included, by elimination of states."""

    def of_one_lane(x: Float[Array, "5 2"], y: Float[Array, "5 2"]) -> Float[Array, " 4"]:
        logs, stop = joint_logs(x, y), 1 - discount
        joint = jnp.exp(logs)
        log_stop = jnp.where(stop > 0, jnp.log(jnp.where(stop > 0, stop, 1)), NEVER)
        later = chain.average(jnp.log(discount) + logs[1:], joint[1:], log_stop)
        return stop * joint[0] + discount * (joint[0] @ later)

    return jax.vmap(of_one_lane)(own, other)


def joint_logs(own: Float[Array, "5 2"], other: Float[Array, "5 2"]) -> Float[Array, "5 4"]:
    """Log-probabilities of CC, CD, DC and DD after start, CC, CD, DC and DD, the first player's action first."""
    return (own[:, :, None] + other[np.array(SECOND_SEAT)][:, None, :]).reshape(5, 4)


def outcome_frequencies(own: LogChances, other: LogChances, discount: float) -> Float[np.ndarray, "*lanes 4"]:
    r"""Frequencies of CC, CD, DC and DD, $(1-d) \sum_t d^t P(o_t = o)$, or in the long run at $d = 1$.

    The chain is solved exactly, in float64 and for all lanes in one compiled program. At discounts close to 1
    states are eliminated (`games.exact.markov_chain.average`), which also holds for chains with several recurrent
    classes. The number of lanes is rounded up to a power of two, so that few programs are compiled.

    Args:
        own: log-probabilities of the first player's actions; leading axes are broadcast against the other's.
        other: those of the second player, its own action first.
        discount: d in [0, 1].

    Returns:
        Frequencies, the first player's action first.

    Example:
        >>> tft, alld = log_chances_of(np.array([[1.0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]))
        >>> outcome_frequencies(tft, alld, 0.9).round(9).tolist()
        [0.0, 0.1, 0.0, 0.9]
    """
    lanes = np.broadcast_shapes(own.shape[:-2], other.shape[:-2])
    flat = [np.broadcast_to(x, (*lanes, 5, 2)).reshape(-1, 5, 2) for x in (own, other)]
    count = len(flat[0])
    batch = min(BATCH, 1 << max(count - 1, SMALLEST - 1).bit_length())
    found = np.empty((count, 4))
    program = _patient if 1 - discount < PATIENT else _discounted
    with jax.enable_x64(True):
        d = jnp.asarray(float(discount))
        for first in range(0, count, batch):
            part = [x[first : first + batch] for x in flat]
            part = [np.concatenate([x, np.repeat(x[:1], batch - len(x), axis=0)]) for x in part]
            found[first : first + batch] = program(*map(jnp.asarray, part), d)[: count - first]
    return found.reshape(*lanes, 4)


def visits(frequencies: Float[np.ndarray, "*lanes 4"], discount: float) -> Float[np.ndarray, "*lanes 5"]:
    """How often an action is chosen at the start and after CC, CD, DC and DD; the five numbers sum to 1.

    Example:
        >>> visits(np.array([0.0, 0.1, 0.0, 0.9]), 0.9).round(3).tolist()
        [0.1, 0.0, 0.09, 0.0, 0.81]
    """
    start = np.full((*frequencies.shape[:-1], 1), 1 - discount)
    return np.concatenate([start, discount * frequencies], axis=-1)


@functools.cache
def deviations(error: float) -> LogChances:
    """Log-probabilities of all deterministic memory-one strategies under execution errors."""
    return log_chances_of(DETERMINISTIC, error)


def payoffs_against_all(
    log_chances: LogChances, payoffs: Float[np.ndarray, "*seats 4 2"], discount: float, error: float = 0.0
) -> Float[np.ndarray, "*lanes 32 2"]:
    r"""Payoffs (own, other's) of a strategy against each of the 32 deterministic memory-one strategies.

    Against a memory-one strategy the opponent faces a Markov decision process whose states are start, CC, CD,
    DC and DD, so some deterministic memory-one strategy is a best response among strategies of any memory, and
    the feasible payoffs are the convex hull of these 32 points.

    Args:
        log_chances: of the strategies.
        payoffs: own and other's payoffs after CC, CD, DC and DD; its leading axes are those of the strategies
            that have different payoffs.
        discount: in [0, 1].
        error: the probability of execution errors, which the opponent makes too.

    Source:
        Press & Dyson 2012, appendix A; McAvoy & Nowak 2019.

    Example:
        >>> tft = log_chances_of(np.array([1.0, 1, 0, 1, 0]))
        >>> axelrod = np.array([[3.0, 3], [0, 5], [5, 0], [1, 1]])
        >>> payoffs_against_all(tft, axelrod, 1.0)[..., 1].max().round(9)
        np.float64(3.0)
    """
    found = outcome_frequencies(log_chances[..., None, :, :], deviations(error), discount)
    return found @ payoffs
