"""Expected rewards of a Markov chain: discounted sums and long-run averages, without LAPACK.

LAPACK solves one matrix per call under `vmap`, and can hang on a CPU under jax 0.10. The matrices here are
M-matrices, for which elimination without pivoting is stable.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from games.linear_systems import inverse

NEVER = -1e30
"""The logarithm used for probability 0: finite, so that differences and derivatives are finite."""


def discounted(
    transitions: Float[Array, "s s"], rewards: Float[Array, "s n"], discount: Float[Array, ""]
) -> Float[Array, "s n"]:
    r"""Discounted sum of rewards from every state, $w = (I - dT)^{-1} r$.

    The inverse is computed once for the values and all their derivatives, which `jax.lax.custom_linear_solve`
    gets from $\dot w = (I - dT)^{-1}(\dot r + d \dot T w)$, to any order.

    Args:
        transitions: $T$, rows summing to 1.
        rewards: expected reward of a step taken in each state, one column per player.
        discount: $d$ in [0, 1).

    Example:
        >>> discounted(jnp.eye(2), jnp.array([[1.0], [2.0]]), 0.5).ravel().tolist()
        [2.0, 4.0]
    """

    def apply(x):
        return x - discount * (transitions @ x)

    inv = inverse(
        jax.lax.stop_gradient(jnp.eye(transitions.shape[0], dtype=transitions.dtype) - discount * transitions)
    )
    return jax.lax.custom_linear_solve(apply, rewards, lambda _, b: inv @ b, lambda _, b: inv.T @ b)


def average(
    transitions: Float[Array, "s s"], rewards: Float[Array, "s n"], stop: Float[Array, ""] | float = NEVER
) -> Float[Array, "s n"]:
    r"""Mean reward from every state, in the long run or until play stops.

    In the long run it is $\lim_{d \to 1} (1-d)(I - dT)^{-1} r$.

    States are eliminated one by one (Grassmann, Taksar & Heyman 1985). The method has no subtractions, so
    tiny transition probabilities keep all their digits. A remaining state stands for itself and for the
    visits to eliminated states until the next remaining one: it holds their mean reward and expected
    duration. A state that can only return to itself represents a recurrent class; it is not eliminated, and
    its mean is the mean reward of the class. Back substitution then gives every eliminated state the average
    of the means of the states that follow it. Reducible and periodic chains are included.

    Probabilities and durations are represented by logarithms, since products of a few tiny probabilities
    underflow and durations overflow; rewards by means. Every step is then a convex combination of rewards:
    the result lies between the smallest and the largest reward, and its derivatives are at most their
    difference.

    Args:
        transitions: $\log T$; `NEVER` and below mean probability 0.
        rewards: expected reward of a step taken in each state, one column per player.
        stop: logarithm of the probability that play stops after a step; the rows of $T$ then sum to 1 minus
            this probability. With $\log(1-d)$ and $\log(dT)$ the result is $(1-d)(I - dT)^{-1} r$.

    Example:
        >>> average(jnp.log(jnp.array([[0.5, 0.5], [1e-30, 1.0]])), jnp.array([[0.0], [3.0]])).ravel().tolist()
        [3.0, 3.0]
    """
    size, dtype = transitions.shape[0], transitions.dtype
    states = jnp.arange(size)
    stop = jnp.asarray(stop, dtype)

    def eliminate(carry, k):
        logs, mean, time, closed = carry
        left = (states < k) | closed  # the states not eliminated
        ahead = jnp.where(left, logs[k], NEVER)
        escape = jax.nn.logsumexp(ahead)
        closes = escape < NEVER / 2
        share = jnp.where(
            closes | (states >= k), NEVER, logs[:, k] - jnp.logaddexp(escape, stop + time[k])
        )  # visits to k per visit to each remaining state
        spent = share + time[k]
        carry = (
            jnp.where(left[None, :], jnp.logaddexp(logs, share[:, None] + ahead[None, :]), logs),
            mean + jax.nn.sigmoid(spent - time)[:, None] * (mean[k][None, :] - mean),
            jnp.logaddexp(time, spent),
            closed | (closes & (states == k)),
        )
        return carry, (jax.nn.softmax(ahead), jax.nn.sigmoid(escape - stop - time[k]), mean[k])

    logs = jnp.maximum(transitions, NEVER)
    start = (logs, rewards, jnp.zeros(size, dtype), jnp.zeros(size, bool))
    (*_, closed), (onwards, goes, means) = jax.lax.scan(eliminate, start, states, reverse=True)

    def inherit(found, k):
        later = onwards[k] @ found
        value = jnp.where(closed[k], means[k], means[k] + goes[k] * (later - means[k]))
        return found.at[k].set(value), None

    found, _ = jax.lax.scan(inherit, jnp.where(closed[:, None], means, 0.0), states)
    return found
