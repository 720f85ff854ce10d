r"""Derivatives of a game that several learners share, all as nested `jvp` and `vjp`: no Hessian is materialized.

Signs: players maximize, so $\xi_i = \nabla_i V_i$ is the simultaneous gradient and $H = D\xi$ the game
Jacobian of the *values*, with off-diagonal blocks $H_o$; with the losses $L = -V$ of the papers $\xi$ and $H$
change sign, and products of two of them do not.

Every function returns one entry per player. A learner uses the entry of its own seat, and the compiler
removes the computation of the others.
"""

import functools

import jax
import jax.numpy as jnp
import optax

from games.base import Joint, Own
from shaping.base import Scalar, View, replaced


def simultaneous(view: View, joint: Joint) -> Joint:
    r"""The simultaneous gradient $\xi(\theta)$: every player's gradient with respect to its own parameters."""
    return tuple(view.gradient(joint, j) for j in range(len(joint)))


def full_gradient(view: View, joint: Joint, player: int) -> Joint:
    r"""The gradient of one player's value with respect to all parameters, $\nabla_j V_i$ for every j."""
    return jax.grad(lambda p: view.value(p, player))(joint)


def directional_derivative(view: View, joint: Joint, player: int, of: int, directions: dict[int, Own]) -> Own:
    r"""The derivative of $\nabla_{of} V_{player}$ along directions of some players, $\sum_j \partial_j \nabla_{of} V_{player} \cdot x_j$.

    Args:
        view: the game.
        joint: everybody's parameters.
        player: whose value is differentiated.
        of: with respect to whose parameters the gradient is taken.
        directions: $x_j$ by player.
    """

    def gradient(moved: dict[int, Own]) -> Own:
        at = tuple(moved.get(j, p) for j, p in enumerate(joint))
        return jax.grad(lambda own: view.value(replaced(at, of, own), player))(at[of])

    return jax.jvp(gradient, ({j: joint[j] for j in directions},), (directions,))[1]


def interaction(view: View, joint: Joint, x: Joint) -> Joint:
    r"""$H_o x$: the change of every player's gradient as the *others* move along $x$."""
    n = len(joint)
    return tuple(
        directional_derivative(view, joint, i, i, {j: x[j] for j in range(n) if j != i}) for i in range(n)
    )


def shaping_terms(view: View, joint: Joint) -> Joint:
    r"""Every player's shaping term $\chi_i = \sum_{j \ne i} (\partial_i \xi_j)^\top \nabla_j V_i$.

    To first order, this is how player i's value after the others' naive steps changes because those steps
    depend on i's parameters. It is computed as the derivative of $\nabla_i V_j$ along $\nabla_j V_i$ in player
    j's parameters, since second derivatives commute.
    """
    n = len(joint)
    if n == 1:
        return optax.tree.zeros_like(joint)
    gradients = tuple(full_gradient(view, joint, i) for i in range(n))
    return tuple(
        functools.reduce(
            optax.tree.add,
            (directional_derivative(view, joint, j, i, {j: gradients[i][j]}) for j in range(n) if j != i),
        )
        for i in range(n)
    )


def jacobian_product(view: View, joint: Joint, x: Joint) -> Joint:
    r"""$H x$: the change of every player's gradient as all players move along $x$."""
    return jax.jvp(lambda p: simultaneous(view, p), (joint,), (x,))[1]


def jacobian_transposed_product(view: View, joint: Joint, x: Joint) -> Joint:
    r"""$H^\top x$; for $x = \xi$ this is the gradient of $|\xi|^2 / 2$."""
    return jax.vjp(lambda p: simultaneous(view, p), joint)[1](x)[0]


def computed_once(x: Scalar) -> Scalar:
    """The same number, as the result of a division by 1, for a coefficient that scales every parameter of a step.

    XLA computes a division once and shares its result, but computes a minimum, a comparison or a square root
    anew for each parameter that it scales: without this, updates of SOS take half as long again (4.7 million
    updates per CPU-second become 3.1 million, 4096 seeds of the iterated prisoner's dilemma).
    `jax.lax.optimization_barrier` does not help.
    """
    one = jnp.where(x == x, 1.0, 2.0)  # 1 but for NaN, which the compiler cannot exclude
    return x / one.astype(jnp.result_type(x))
