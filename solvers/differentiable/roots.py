"""Root finding for functions of a flat vector, under jit and vmap."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def find_root(
    function: Callable[[Any], Any], start: Float[Array, " d"], max_steps: int
) -> tuple[Float[Array, " d"], Int[Array, ""]]:
    """The end of Powell's dogleg method and its number of steps; the caller checks whether it is a root.

    Newton's equation is solved by least squares, so that the method continues at a singular Jacobian (at a
    continuum of roots, or towards a root at infinity).
    """
    import lineax
    import optimistix

    eps = float(jnp.finfo(start.dtype).eps) ** 0.75
    method = optimistix.Dogleg(eps, eps, linear_solver=lineax.SVD())
    found = optimistix.root_find(
        lambda theta, _: function(theta), method, start, max_steps=max_steps, throw=False
    )
    return found.value, found.stats["num_steps"]
