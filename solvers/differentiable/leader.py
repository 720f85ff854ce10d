r"""The leader's gradient and curvature through the followers' best response.

Near a point where the followers' gradients vanish and their joint Jacobian $J_{ff}$ is invertible, their
response $r(\theta_l)$ is a function of the leader's parameters, with $r' = -J_{ff}^{-1} J_{fl}$. The leader
ascends $V_l(\theta_l, r(\theta_l))$. Several followers answer with a fixed point among themselves.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Float, Int

from games.base import Game, Joint
from games.compiler import filter_jit
from solvers.differentiable.jacobian import game_jacobian, positions, simultaneous_gradient


def split_indices(params: Joint, leader: int) -> tuple[Int[np.ndarray, " own"], Int[np.ndarray, " rest"]]:
    """Flat positions of the leader's and of the followers' parameters.

    Raises:
        ValueError: if there is no such player, or nobody to follow.
    """
    where = positions(params)
    if (
        len(where) < 2
        or isinstance(leader, bool)
        or not isinstance(leader, (int, np.integer))
        or not 0 <= leader < len(where)
    ):
        raise ValueError(
            f"leader is {leader!r} in a game of {len(where)}; it must be a seat from 0 to {len(where) - 1}, with others to follow."
        )
    everyone = np.arange(where[-1].stop)
    return everyone[where[leader]], np.delete(everyone, where[leader])


@filter_jit
def leader_gradient(
    game: Game, params: Joint, leader: int = 0, damping: ArrayLike = 0.0
) -> Float[Array, " own"]:
    r"""The leader's total derivative through the followers' response.

    $DV_l = \nabla_l V_l - J_{fl}^\top (J_{ff} - \lambda I)^{-\top} \nabla_f V_l$, for two players with
    $J_{ff} = \nabla_{ff} V_f$ and $J_{fl} = \nabla_{fl} V_f$. Where the followers best respond and $\lambda =
    0$ it is the gradient of $V_l(\theta_l, r(\theta_l))$; elsewhere it is what the leader ascends while the
    followers are on their way.

    Args:
        game: the game; players maximize.
        params: everybody's parameters.
        leader: the leader's seat; all others follow.
        damping: $\lambda$, at least 0, which keeps the inverse bounded where the followers' curvature
            vanishes.

    Returns:
        The gradient, flat, in the order of the leader's parameters.

    Raises:
        ValueError: if there is no such seat.

    Example:
        >>> from games import Smooth
        >>> game = Smooth(lambda x, y: ((x - 1) ** 2 + y**2, (y - x) ** 2))  # the follower imitates: r(x) = x
        >>> leader_gradient(game, (jnp.array([2.0]), jnp.array([2.0]))).tolist()
        [-6.0]

    Source: Fiez, Chasnov & Ratliff 2020, who also regularize the inverse.
    """
    own, rest = split_indices(params, leader)
    theta, unravel = ravel_pytree(params)
    whole = jax.grad(lambda t: game.values(unravel(t))[leader])(theta)
    jacobian = jax.jacfwd(lambda t: simultaneous_gradient(game, unravel(t))[rest])(theta)
    curvature = jacobian[:, rest] - jnp.asarray(damping, theta.dtype) * jnp.eye(len(rest), dtype=theta.dtype)
    return whole[own] - jacobian[:, own].T @ jnp.linalg.solve(curvature.T, whole[rest])


@filter_jit
def leader_curvature(game: Game, params: Joint, leader: int = 0) -> Float[Array, "own own"]:
    r"""The leader's total second derivative along the followers' response.

    $D^2 V_l = \partial_l DV_l - \partial_f DV_l\, J_{ff}^{-1} J_{fl}$; in a zero-sum game the Schur
    complement $\nabla_{ll} V - \nabla_{lf} V (\nabla_{ff} V)^{-1} \nabla_{fl} V$.

    Args:
        game: the game; players maximize.
        params: everybody's parameters, the followers' gradients being 0 there.
        leader: the leader's seat.

    Raises:
        ValueError: if there is no such seat.

    Source: Fiez, Chasnov & Ratliff 2020.
    """
    own, rest = split_indices(params, leader)
    theta, unravel = ravel_pytree(params)
    slopes = jax.jacfwd(lambda t: leader_gradient(game, unravel(t), leader))(theta)
    jacobian = game_jacobian(game, params)
    return slopes[:, own] - slopes[:, rest] @ jnp.linalg.solve(
        jacobian[rest][:, rest], jacobian[rest][:, own]
    )


def stackelberg_residual(game: Game, params: Joint, leader: int = 0) -> Float[Array, " d"]:
    r"""What vanishes at a Stackelberg solution: $(DV_l, \xi_f)$, the leader's total gradient and the followers' own, at their places."""
    own, _ = split_indices(params, leader)
    return simultaneous_gradient(game, params).at[own].set(leader_gradient(game, params, leader))
