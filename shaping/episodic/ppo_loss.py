"""The clipped objective of proximal policy optimization."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from shaping.base import Scalar


def clipped(
    ratio: Float[Array, "*batch"], advantage: Float[Array, "*batch"], clip: Scalar
) -> Float[Array, "*batch"]:
    r"""The clipped surrogate objective $\min(\rho A, \mathrm{clip}(\rho, 1 - c, 1 + c) A)$.

    Args:
        ratio: $\rho$, new over old probability of the action.
        advantage: $A$.
        clip: $c$, at least 0.

    Example:
        >>> clipped(jnp.array([2.0, 2.0]), jnp.array([1.0, -1.0]), 0.2).tolist()
        [1.2..., -2.0]
    """
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def normalized(x: Float[Array, "*batch"], weights: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """The numbers shifted and scaled to weighted mean 0 and variance 1; the weights sum to 1."""
    mean = jnp.sum(weights * x)
    return (x - mean) / (jnp.sqrt(jnp.sum(weights * (x - mean) ** 2)) + 1e-5)
