"""Small dense linear systems of any rank, without a LAPACK call."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def solve(
    matrix: Float[Array, "d d"], rhs: Float[Array, " d"]
) -> tuple[Float[Array, " d"], Float[Array, ""]]:
    """Solve $A x = b$ by Gauss-Jordan elimination with full pivoting.

    Full pivoting finds the rank as well: where it is below d, a pivot falls to the size of the rounding
    errors.

    Args:
        matrix: $A$.
        rhs: $b$.

    Returns:
        The solution (of no meaning where A is singular), and the smallest pivot as a share of the largest, in
        [0, 1]. A matrix counts as singular at a share up to d times the precision of its numbers, which is
        the usual rule for singular values.

    Example:
        >>> x, share = solve(jnp.array([[0.0, 2.0], [1.0, 0.0]]), jnp.array([2.0, 3.0]))
        >>> x.tolist(), share.item()
        ([3.0, 1.0], 0.5)
    """
    d = matrix.shape[0]
    index = jnp.arange(d)

    def eliminate(k, carry):
        system, free_rows, free_columns, order, smallest, largest = carry
        size = jnp.abs(system[:, :d]) * free_rows[:, None] * free_columns[None, :]
        flat = jnp.argmax(size)
        pick_row, pick_column = (
            (index == flat // d).astype(matrix.dtype),
            (index == flat % d).astype(matrix.dtype),
        )
        row, column = pick_row @ system, system[:, :d] @ pick_column
        pivot = pick_row @ column
        scaled = row / jnp.where(pivot == 0, 1.0, pivot)
        system = jnp.where(pick_row[:, None] > 0, scaled[None, :], system - column[:, None] * scaled[None, :])
        magnitude = jnp.max(size)  # 0 once the rank is used up, whatever pivot was then picked
        return (
            system,
            free_rows - pick_row,
            free_columns - pick_column,
            order + pick_column[:, None] * pick_row[None, :],
            jnp.minimum(smallest, magnitude),
            jnp.maximum(largest, magnitude),
        )

    ones, inf = jnp.ones(d, matrix.dtype), jnp.asarray(jnp.inf, matrix.dtype)
    start = (
        jnp.concatenate([matrix, rhs[:, None]], axis=1),
        ones,
        ones,
        jnp.zeros_like(matrix),
        inf,
        jnp.zeros((), matrix.dtype),
    )
    system, _, _, order, smallest, largest = jax.lax.fori_loop(0, d, eliminate, start)
    return order @ system[:, d], smallest / jnp.where(largest == 0, 1.0, largest)
