"""Maxima that are functions of other things: solved to tolerance, differentiated by the implicit function theorem."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from shaping.base import Scalar
from shaping.calculus import least_squares as krylov
from shaping.calculus.gradients import dot

SOLVER = 200
"""At most so many iterations for the linear system of a derivative; one per direction in which behavior can move would do."""


def climbed(x: PyTree, rate: Scalar, slope: PyTree) -> PyTree:
    """A step up a slope, in the precision of where it starts."""
    return jax.tree.map(lambda a, g: (a + rate * g).astype(a.dtype), x, slope)


def change(distance: Callable[[Any, Any], Scalar], old: PyTree, new: PyTree) -> Float[Array, ""]:
    """The larger of the distances there and back."""
    return jnp.maximum(distance(old, new), distance(new, old)).astype(float)


def maximum(
    objective: Callable[[Any], Scalar],
    start: PyTree,
    distance: Callable[[Any, Any], Scalar],
    iterations: Scalar,
    tolerance: Scalar,
) -> tuple[PyTree, Float[Array, ""]]:
    r"""The local maximum $x^*$ of an objective uphill from a start, and how far from it the search stopped.

    Gradient ascent whose rate grows by a fifth after every step at whose end the line still rises, and is
    halved, the step taken back, after any other. It has arrived once a step of unit rate would move x by no
    more than the tolerance. With $F(x, y) = \nabla_x f(x; y)$, where y is everything that f closes over,
    derivatives are $\partial_y x^* = -(\partial_x F)^{-1} \partial_y F$: nothing is unrolled. Where f is flat
    along some directions, they are left alone ($(\partial_x F)^{-1}$ is the pseudo-inverse).

    Args:
        objective: what is maximized; twice differentiable.
        start: where to start; no derivative passes through it.
        distance: how far two points are apart, of second order in their difference.
        iterations: at most so many.
        tolerance: on the distance, at least 0.

    Returns:
        The point reached, and how far a step of unit rate would still move it: at most the tolerance, or no
        maximum was found.

    Example:
        >>> def best(y):
        ...     return maximum(lambda x: -((x - y**2) ** 2), jnp.zeros(()), lambda a, b: (a - b) ** 2, 100.0, 1e-12)[0]
        >>> round(float(best(3.0)), 3), round(float(jax.grad(best)(3.0)), 3)
        (9.0, 6.0)
    """
    gradient = jax.grad(objective)

    def unfinished(carry):
        k, _, _, _, short = carry
        return (k < iterations) & (short > tolerance)

    def climb(carry):
        k, x, slope, rate, short = carry
        there = climbed(x, rate, slope)
        steep = gradient(there)
        rises = dot(slope, steep) >= 0
        x, slope, nearer = jax.tree.map(
            lambda new, old: jnp.where(rises, new, old),
            (there, steep, change(distance, x, there) / jnp.minimum(1.0, rate) ** 2),
            (x, slope, short),
        )
        return k + 1, x, slope, jnp.where(rises, 1.2 * rate, 0.5 * rate), nearer

    def solve(_, x):
        begin = (jnp.zeros((), int), x, gradient(x), jnp.ones((), float), jnp.asarray(jnp.inf, float))
        _, x, _, _, short = jax.lax.while_loop(unfinished, climb, begin)
        return x, short

    def linear(g, rhs):
        transposed = jax.linear_transpose(g, rhs)
        return krylov.solve(
            g, lambda y: transposed(y)[0], rhs, SOLVER, jnp.asarray(jnp.finfo(float).eps * 10)
        )

    return jax.lax.custom_root(gradient, start, solve, linear, has_aux=True)
