"""Tabular policies: action probabilities from logits and back, one row per observation."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

CERTAIN = 1000.0
"""The logit used for probability 1: finite, and its sigmoid is exactly 1 in float32 and float64."""


def table_shape(n_observations: int, n_actions: int) -> tuple[int, ...]:
    """Shape of a table: one logit per observation for two actions, else one per observation and action."""
    return (n_observations,) if n_actions == 2 else (n_observations, n_actions)


def as_table(own: Float[Array, "..."] | tuple[Float[Array, ""], ...]) -> Float[Array, "..."]:
    """A player's table as one array; it may be given as a tuple of scalars."""
    return jnp.stack(own) if isinstance(own, tuple) else own


def probabilities(logits: Float[Array, "..."], n_actions: int) -> Float[Array, "... n_actions"]:
    r"""Action probabilities of a table of logits.

    $\pi(0) = \sigma(\theta)$ for two actions (one logit per observation), $\pi = \mathrm{softmax}(\theta)$
    for more. The two probabilities of a two-action policy are computed by one sigmoid each, not as 1 minus
    the other, which would cancel digits.

    Example:
        >>> probabilities(jnp.zeros(5), 2).shape
        (5, 2)
    """
    if n_actions == 2:
        return jax.nn.sigmoid(jnp.stack([logits, -logits], axis=-1))
    return jax.nn.softmax(logits, axis=-1)


def log_probabilities(logits: Float[Array, "..."], n_actions: int) -> Float[Array, "... n_actions"]:
    """Logarithm of `probabilities`, without underflow."""
    if n_actions == 2:
        return jax.nn.log_sigmoid(jnp.stack([logits, -logits], axis=-1))
    return jax.nn.log_softmax(logits, axis=-1)


def log_chances(logits: Float[Array, "..."], n_actions: int) -> Float[Array, "... n_actions"]:
    """Logarithm of `probabilities`; those below the smallest normal number count as 0."""
    logs = log_probabilities(logits, n_actions)
    return jnp.where(logs < np.log(jnp.finfo(logs.dtype).tiny), -jnp.inf, logs)


def longer_memory_rows(n_outcomes: int, memory: int, longer: int) -> Int[np.ndarray, " rows"]:
    """The row of a table of memory k for every row of the same strategy's table of longer memory.

    The table of longer memory ignores the additional joint actions, which are the oldest ones.

    Args:
        n_outcomes: number of joint actions.
        memory: k, at least 1.
        longer: the longer memory, at least k.

    Example:
        >>> longer_memory_rows(4, 1, 2).tolist()
        [0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]
    """
    rows = np.arange(sum(n_outcomes**length for length in range(memory + 1)))
    last = rows[-(n_outcomes**memory) :]
    return np.concatenate(
        [rows, *(np.tile(last, n_outcomes**extra) for extra in range(1, longer - memory + 1))]
    )


def kl_divergence(old: Float[Array, "..."], new: Float[Array, "..."], n_actions: int) -> Float[Array, ""]:
    r"""The Kullback-Leibler divergence of two tables of logits, summed over rows.

    It is $\sum_o \mathrm{KL}(\pi_{old}(\cdot | o) \,\|\, \pi_{new}(\cdot | o))$, computed as the sum of
    $\pi_{old}\,(e^r - 1 - r) \ge 0$ over actions, with $r = \log \pi_{new} - \log \pi_{old}$. This equals the
    usual sum, since both policies sum to 1, and loses no digits for close policies.
    """
    old, new = as_table(old), as_table(new)
    p, q = probabilities(old, n_actions), probabilities(new, n_actions)
    r = log_probabilities(new, n_actions) - log_probabilities(old, n_actions)
    near = jnp.abs(r) < 1
    small = jnp.where(near, r, 0.0)
    return jnp.sum(jnp.where(near, p * (jnp.expm1(small) - small), q - p - p * r))


def logits(p: ArrayLike) -> Float[Array, "..."]:
    """Two-action logits whose sigmoid is `p`; probabilities 1 and 0 become plus and minus `CERTAIN`.

    Args:
        p: probabilities of action 0, each in [0, 1].

    Raises:
        ValueError: for an entry outside [0, 1].

    Example:
        >>> logits([1.0, 0.5, 0.0]).tolist()
        [1000.0, 0.0, -1000.0]
    """
    p = np.asarray(p, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"Probabilities are {p.tolist()}; each must be in [0, 1].")
    with np.errstate(divide="ignore"):
        return jnp.asarray(np.clip(np.log(p) - np.log1p(-p), -CERTAIN, CERTAIN), dtype=float)
