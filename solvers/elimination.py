"""Small dense linear systems in JAX without a LAPACK call: elimination with pivoting, one vector operation per column over a batch."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def solve(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """The solution of a small linear system, differentiable to any order.

    Under `vmap` every step of the elimination is one operation on the whole batch; a library solve would be a
    call per system and can hang on the CPU under jax 0.10.

    Args:
        matrix: any square matrix; where it is singular the result is not finite.
        right: the right-hand side.

    Example:
        >>> solve(jnp.array([[0.0, 2.0], [1.0, 1.0]]), jnp.array([2.0, 3.0])).tolist()
        [2.0, 1.0]
    """
    return jax.lax.custom_linear_solve(
        lambda x: matrix @ x, right, lambda _, b: solved(matrix, b), lambda _, b: solved(matrix.T, b)
    )


def solved(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """As `solve`, not for differentiation."""
    return eliminate(matrix, right[:, None])[0][:, 0]


def eliminate(
    matrix: Float[Array, "n n"], right: Float[Array, "n m"]
) -> tuple[Float[Array, "n m"], Float[Array, ""]]:
    """The solutions by Gauss-Jordan elimination with partial pivoting, and the sign of the determinant; not for differentiation."""
    n = len(right)
    if n == 0:
        return right, jnp.ones((), right.dtype)
    rows = jnp.arange(n)

    def step(k, carry):
        system, sign = carry
        pivot = jnp.argmax(jnp.where(rows >= k, jnp.abs(system[:, k]), -1.0))
        chosen, displaced = system[pivot], system[k]
        sign = sign * jnp.sign(chosen[k]) * jnp.where(pivot == k, 1.0, -1.0)
        system = jnp.where((rows == pivot)[:, None], displaced[None, :], system)
        chosen = chosen / chosen[k]
        reduced = system - system[:, k][:, None] * chosen[None, :]
        return jnp.where((rows == k)[:, None], chosen[None, :], reduced), sign

    system, sign = jax.lax.fori_loop(
        0, n, step, (jnp.concatenate([matrix, right], axis=1), jnp.ones((), matrix.dtype))
    )
    return system[:, n:], sign
