"""Gradient ascent to a tolerance, and maxima differentiated by the implicit function theorem."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PyTree

from shaping.base import Scalar
from shaping.calculus import least_squares

SOLVER_ITERATIONS = 200
"""The most iterations for the linear system of a derivative; its rank would be enough in exact arithmetic."""

Distance = Callable[[Any, Any], Scalar]
"""How far a point is from another, of second order in their difference: `distance(old, new)`."""


class Ascent(NamedTuple):
    """Loop state of `ascend`.

    Attributes:
        iterations: steps taken.
        x: the current point.
        aux: what the objective returned beside its value at the previous point.
        change: how far the last step moved x; infinite before the first.
    """

    iterations: Int[Array, ""]
    x: PyTree
    aux: PyTree
    change: Float[Array, ""]


class Search(NamedTuple):
    """Loop state of `maximum`.

    Attributes:
        iterations: steps tried.
        x: the best point so far.
        gradient: of the objective at x.
        rate: of the next step.
        change: how far a step of unit rate would move x; infinite before the first step.
    """

    iterations: Int[Array, ""]
    x: PyTree
    gradient: PyTree
    rate: Float[Array, ""]
    change: Float[Array, ""]


def stepped(x: PyTree, rate: Scalar, gradient: PyTree) -> PyTree:
    """$x + a g$, in the precision of x."""
    return jax.tree.map(lambda a, g: (a + rate * g).astype(a.dtype), x, gradient)


def symmetric(distance: Distance, old: PyTree, new: PyTree) -> Float[Array, ""]:
    """The larger of the distances in both directions."""
    return jnp.maximum(distance(old, new), distance(new, old)).astype(float)


def unfinished(state: Ascent | Search, iterations: Scalar, tolerance: Scalar) -> Bool[Array, ""]:
    """Whether a loop goes on: fewer steps than allowed, and a last change above the tolerance."""
    return (state.iterations < iterations) & (state.change > tolerance)


def ascend(
    objective: Callable[[Any, Any], tuple[Scalar, Any]],
    start: PyTree,
    aux: PyTree,
    distance: Distance,
    rate: Scalar,
    iterations: Scalar,
    tolerance: Scalar,
) -> Ascent:
    r"""Gradient ascent $x \leftarrow x + a \nabla_x f(x)$ until a step moves x by no more than a tolerance.

    Args:
        objective: `objective(x, aux) -> f(x), aux`: a function of x, which also gets what it returned at the
            previous point, such as where to start an inner search.
        start: the first x.
        aux: the aux of the first evaluation.
        distance: how far two points are apart.
        rate: $a$.
        iterations: the most steps.
        tolerance: on the larger of the distances between consecutive points.

    Example:
        >>> end = ascend(lambda x, aux: (-(x - 3.0) ** 2, aux), jnp.zeros(()), (), lambda a, b: (a - b) ** 2, 0.25, 100, 1e-8)
        >>> round(float(end.x), 3), int(end.iterations)
        (3.0, 15)
    """

    def step(state: Ascent) -> Ascent:
        gradient, aux = jax.grad(objective, has_aux=True)(state.x, state.aux)
        x = stepped(state.x, rate, gradient)
        return Ascent(state.iterations + 1, x, aux, symmetric(distance, state.x, x))

    first = Ascent(jnp.zeros((), int), start, aux, jnp.asarray(jnp.inf, float))
    return jax.lax.while_loop(lambda state: unfinished(state, iterations, tolerance), step, first)


def maximum(
    objective: Callable[[Any], Scalar],
    start: PyTree,
    distance: Distance,
    iterations: Scalar,
    tolerance: Scalar,
) -> tuple[PyTree, Float[Array, ""]]:
    r"""The local maximum $x^*$ of an objective that gradient ascent reaches, and the last change of x.

    The rate of the ascent is multiplied by 1.2 after a step at whose end the objective still rises in the
    direction of the step; any other step is undone and the rate halved. The search stops once a step of unit
    rate would move x by no more than the tolerance. The ascent is not unrolled in derivatives: with $F(x, y)
    = \nabla_x f(x; y)$, where y is everything that f closes over, $\partial_y x^* = -(\partial_x F)^{-1}
    \partial_y F$, and $(\partial_x F)^{-1}$ is the pseudo-inverse where f is flat along some directions.

    Args:
        objective: $f$, twice differentiable.
        start: where to start; no derivative passes through it.
        distance: how far two points are apart, of second order in their difference.
        iterations: the most steps.
        tolerance: on the distance, at least 0.

    Returns:
        The point reached, and how far a step of unit rate would still move it; above the tolerance, no
        maximum was found.

    Example:
        >>> def best(y):
        ...     return maximum(lambda x: -((x - y**2) ** 2), jnp.zeros(()), lambda a, b: (a - b) ** 2, 100.0, 1e-12)[0]
        >>> round(float(best(3.0)), 3), round(float(jax.grad(best)(3.0)), 3)
        (9.0, 6.0)
    """
    gradient = jax.grad(objective)

    def step(state: Search) -> Search:
        x = stepped(state.x, state.rate, state.gradient)
        there = gradient(x)
        rises = jnp.asarray(optax.tree.vdot(state.gradient, there)) >= 0
        change = symmetric(distance, state.x, x) / jnp.minimum(1.0, state.rate) ** 2
        x, there, change = jax.tree.map(
            lambda new, old: jnp.where(rises, new, old),
            (x, there, change),
            (state.x, state.gradient, state.change),
        )
        rate = jnp.where(rises, 1.2 * state.rate, 0.5 * state.rate)
        return Search(state.iterations + 1, x, there, rate, change)

    def solve(_, x):
        first = Search(jnp.zeros((), int), x, gradient(x), jnp.ones((), float), jnp.asarray(jnp.inf, float))
        last = jax.lax.while_loop(lambda state: unfinished(state, iterations, tolerance), step, first)
        return last.x, last.change

    def solve_linear(apply, rhs):
        transposed = jax.linear_transpose(apply, rhs)
        precision = jnp.asarray(jnp.finfo(float).eps * 10)
        return least_squares.solve(apply, lambda y: transposed(y)[0], rhs, SOLVER_ITERATIONS, precision)

    return jax.lax.custom_root(gradient, start, solve, solve_linear, has_aux=True)
