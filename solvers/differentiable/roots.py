"""Roots of flat functions under JAX's transformations."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def find_root(
    function: Callable[[Any], Any], start: Float[Array, " d"], max_steps: int
) -> tuple[Float[Array, " d"], Int[Array, ""]]:
    """Where Powell's dogleg method ends, and after how many steps; whether that is a root is the caller's to check.

    Steps are least-squares solutions of Newton's equation, so that a singular Jacobian (at a continuum of
    roots, or towards a root at infinity) stops nothing.
    """
    import lineax
    import optimistix

    eps = float(jnp.finfo(start.dtype).eps) ** 0.75
    method = optimistix.Dogleg(eps, eps, linear_solver=lineax.SVD())
    found = optimistix.root_find(
        lambda theta, _: function(theta), method, start, max_steps=max_steps, throw=False
    )
    return found.value, found.stats["num_steps"]
