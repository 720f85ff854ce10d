r"""Derivatives of a game that several learners share, all as nested `jvp` and `vjp`: no Hessian is materialized.

Signs: players maximize, so $\xi_i = \nabla_i V_i$ is the simultaneous gradient and $H = D\xi$ the game
Jacobian of the *values*, with off-diagonal blocks $H_o$; with the losses $L = -V$ of the papers $\xi$ and $H$
change sign, and products of two of them do not.

Everything here is for all players at once. A learner takes its own seat's entry, and the compiler removes the
rest.
"""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.base import Joint, Own
from shaping.base import Scalar, View, replaced


def dot(x: PyTree, y: PyTree) -> Scalar:
    """Inner product of two trees of arrays."""
    return sum(jnp.sum(a * b) for a, b in zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True))


def simultaneous(view: View, joint: Joint) -> Joint:
    r"""Everybody's gradient with respect to their own parameters, $\xi(\theta)$."""
    return tuple(view.gradient(joint, j) for j in range(len(joint)))


def towards(view: View, joint: Joint, player: int) -> Joint:
    r"""One player's gradient with respect to everybody's parameters, $\nabla_j V_i$ for all j."""
    return jax.grad(lambda p: view.value(p, player))(joint)


def mixed(view: View, joint: Joint, player: int, of: int, moves: dict[int, Own]) -> Own:
    r"""How $\nabla_{of} V_{player}$ changes as some players move: $\sum_j \partial_j \nabla_{of} V_{player} \cdot \mathrm{moves}_j$."""

    def gradient(moving: dict[int, Own]) -> Own:
        at = tuple(moving.get(j, p) for j, p in enumerate(joint))
        return jax.grad(lambda own: view.value(replaced(at, of, own), player))(at[of])

    return jax.jvp(gradient, ({j: joint[j] for j in moves},), (moves,))[1]


def interaction(view: View, joint: Joint, x: Joint) -> Joint:
    r"""$H_o x$: how everybody's gradient changes as the *others* move along $x$."""
    n = len(joint)
    return tuple(mixed(view, joint, i, i, {j: x[j] for j in range(n) if j != i}) for i in range(n))


def shaping_terms(view: View, joint: Joint) -> Joint:
    r"""Everybody's shaping term $\chi_i = \sum_{j \ne i} (\partial_i \xi_j)^\top \nabla_j V_i$.

    What one gains, to first order, by the others' naive steps turning as the own parameters move. Computed as
    the derivative of $\nabla_i V_j$ along $\nabla_j V_i$ in player j's parameters, since second derivatives
    commute.
    """
    n = len(joint)
    if n == 1:
        return optax.tree.zeros_like(joint)
    gains = tuple(towards(view, joint, i) for i in range(n))
    return tuple(
        total(mixed(view, joint, j, i, {j: gains[i][j]}) for j in range(n) if j != i) for i in range(n)
    )


def jacobian_product(view: View, joint: Joint, x: Joint) -> Joint:
    r"""$H x$: how everybody's gradient changes as everybody moves along $x$."""
    return jax.jvp(lambda p: simultaneous(view, p), (joint,), (x,))[1]


def jacobian_transposed_product(view: View, joint: Joint, x: Joint) -> Joint:
    r"""$H^\top x$; for $x = \xi$ the gradient of $|\xi|^2 / 2$."""
    return jax.vjp(lambda p: simultaneous(view, p), joint)[1](x)[0]


def total(trees: PyTree) -> PyTree:
    """The sum of several trees of one structure."""
    first, *rest = trees
    for tree in rest:
        first = optax.tree.add(first, tree)
    return first
