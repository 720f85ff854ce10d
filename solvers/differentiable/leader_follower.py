r"""Stackelberg equilibria: the leader's gradient and curvature through the followers' best response.

Near a point where the followers' gradients vanish and their joint Jacobian $J_{ff}$ is invertible, their
response $r(\theta_l)$ is a function of the leader's parameters, with $r' = -J_{ff}^{-1} J_{fl}$. The leader
ascends $V_l(\theta_l, r(\theta_l))$. Several followers respond with a fixed point of the game among them.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Float, Int

from games.base import Game, Joint
from games.checks import as_float, check_count, check_range
from games.compiler import filter_jit
from games.sampled.catalog import as_game
from solvers.base import Status
from solvers.differentiable.jacobian import game_jacobian, positions, simultaneous_gradient
from solvers.differentiable.roots import find_root
from solvers.payoffs_jax import in_default_precision
from solvers.printing import result_text


def split_indices(params: Joint, leader: int) -> tuple[Int[np.ndarray, " own"], Int[np.ndarray, " rest"]]:
    """Indices of the leader's and of the followers' parameters in the flat parameter vector.

    Raises:
        ValueError: if there is no such player, or no follower.
    """
    where = positions(params)
    if (
        len(where) < 2
        or isinstance(leader, bool)
        or not isinstance(leader, (int, np.integer))
        or not 0 <= leader < len(where)
    ):
        raise ValueError(
            f"leader is {leader!r} in a game of {len(where)}; it must be a seat from 0 to {len(where) - 1} "
            "with a follower."
        )
    everyone = np.arange(where[-1].stop)
    return everyone[where[leader]], np.delete(everyone, where[leader])


@filter_jit
def leader_gradient(
    game: Game, params: Joint, leader: int = 0, damping: ArrayLike = 0.0
) -> Float[Array, " own"]:
    r"""The total derivative of the leader's value through the followers' response.

    $DV_l = \nabla_l V_l - J_{fl}^\top (J_{ff} - \lambda I)^{-\top} \nabla_f V_l$, for two players with
    $J_{ff} = \nabla_{ff} V_f$ and $J_{fl} = \nabla_{fl} V_f$. Where the followers best respond and $\lambda =
    0$ it is the gradient of $V_l(\theta_l, r(\theta_l))$; elsewhere it is the direction of the leader's
    ascent while the followers have not yet converged.

    Args:
        game: the game; players maximize.
        params: joint parameters.
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

    Source:
        Fiez, Chasnov & Ratliff 2020, who also regularize the inverse.
    """
    game, (own, rest) = as_game(game), split_indices(params, leader)
    theta, unravel = ravel_pytree(params)
    gradient = jax.grad(lambda t: game.values(unravel(t))[leader])(theta)
    jacobian = jax.jacfwd(lambda t: simultaneous_gradient(game, unravel(t))[rest])(theta)
    curvature = jacobian[:, rest] - jnp.asarray(damping, theta.dtype) * jnp.eye(len(rest), dtype=theta.dtype)
    return gradient[own] - jacobian[:, own].T @ jnp.linalg.solve(curvature.T, gradient[rest])


@filter_jit
def leader_curvature(game: Game, params: Joint, leader: int = 0) -> Float[Array, "own own"]:
    r"""The total second derivative of the leader's value along the followers' response.

    $D^2 V_l = \partial_l DV_l - \partial_f DV_l\, J_{ff}^{-1} J_{fl}$; in a zero-sum game the Schur
    complement $\nabla_{ll} V - \nabla_{lf} V (\nabla_{ff} V)^{-1} \nabla_{fl} V$.

    Args:
        game: the game; players maximize.
        params: joint parameters at which the followers' gradients vanish.
        leader: the leader's seat.

    Raises:
        ValueError: if there is no such seat.

    Source:
        Fiez, Chasnov & Ratliff 2020.
    """
    game, (own, rest) = as_game(game), split_indices(params, leader)
    theta, unravel = ravel_pytree(params)
    derivatives = jax.jacfwd(lambda t: leader_gradient(game, unravel(t), leader))(theta)
    jacobian = game_jacobian(game, params)
    return derivatives[:, own] - derivatives[:, rest] @ jnp.linalg.solve(
        jacobian[rest][:, rest], jacobian[rest][:, own]
    )


def stackelberg_residual(game: Game, params: Joint, leader: int = 0) -> Float[Array, " d"]:
    r"""$(DV_l, \xi_f)$, the leader's total gradient and the followers' own gradients; 0 at a solution."""
    own, _ = split_indices(params, leader)
    return simultaneous_gradient(game, params).at[own].set(leader_gradient(game, params, leader))


@dataclasses.dataclass(frozen=True)
class StackelbergSolution:
    """A stationary point of leader and followers, and whether it is a maximum for each of them.

    Args:
        params: joint parameters.
        leader: the leader's seat.
        values: the value of every player.
        residual: norm of the leader's total gradient and the followers' gradients, recomputed at `params`.
        leader_eigenvalues: of the leader's total second derivative, ascending; all negative at a strict local
            maximum.
        follower_eigenvalues: of each follower's own second derivative, by seat.
        status: `"solved"` at a differential Stackelberg equilibrium within tolerance: the gradients vanish
            and the maxima are strict.
        message: one sentence about the result.
        iterations: steps of the method.
    """

    params: Joint
    leader: int
    values: np.ndarray
    residual: float
    leader_eigenvalues: np.ndarray
    follower_eigenvalues: tuple[np.ndarray, ...]
    status: Status
    message: str
    iterations: int

    def __repr__(self) -> str:
        return result_text(
            f"StackelbergSolution: {self.status}, led by seat {self.leader}",
            {
                "params": tuple(ravel_pytree(own)[0] for own in self.params),
                "values": self.values,
                "residual": self.residual,
                "leader eigenvalues": self.leader_eigenvalues,
                "follower eigenvalues": self.follower_eigenvalues,
                "message": self.message,
            },
        )


def stackelberg(
    game: Game,
    start: Joint,
    leader: int = 0,
    method: Literal["root", "ascent"] = "root",
    lr: ArrayLike = 0.01,
    follower_lr: ArrayLike = 0.1,
    damping: ArrayLike = 0.0,
    max_steps: int | None = None,
    tolerance: float | None = None,
) -> StackelbergSolution:
    r"""Find a differential (local) Stackelberg equilibrium near a start, by root finding or by ascent.

    `"root"` solves the first-order conditions by the dogleg method, which may also end in a minimum or a
    saddle; the second-order conditions are checked at the end and decide the status. In `"ascent"` the leader
    ascends its total gradient while the followers ascend their own gradients with a larger step size.

    Args:
        game: an exact game; players maximize.
        start: joint parameters.
        leader: the leader's seat; all others follow.
        method: `"root"` or `"ascent"`.
        lr: the leader's step size (ascent), at least 0.
        follower_lr: the followers' step size (ascent), at least 0.
        damping: $\lambda$ of `leader_gradient` (ascent), at least 0; the conditions at the end are checked
            with $\lambda = 0$.
        max_steps: the largest number of steps; by default 256 for roots and 100,000 for ascent.
        tolerance: the largest residual of a solution; by default 4e-10 in float64 and 7e-5 in float32.

    Raises:
        ValueError: for an unknown method, a seat that does not exist, or a negative step.

    Example:
        >>> from games import Quadratic  # profits q (12 - q - r) and r (12 - q - r)
        >>> second_order = [[[-2.0, -1.0], [-1.0, 0.0]], [[0.0, -1.0], [-1.0, -2.0]]]
        >>> duopoly = Quadratic(second_order, [[12.0, 0.0], [0.0, 12.0]])
        >>> found = stackelberg(duopoly, (jnp.zeros(1), jnp.ones(1)))
        >>> [round(float(own[0]), 3) for own in found.params], found.status
        ([6.0, 3.0], 'solved')

    Source:
        Fiez, Chasnov & Ratliff 2020.
    """
    game = as_game(game)
    if method not in ("root", "ascent"):
        raise ValueError(f"method is {method!r}; it must be 'root' or 'ascent'.")
    for name, number in (("lr", lr), ("follower_lr", follower_lr), ("damping", damping)):
        check_range(name, number, 0.0)
    steps = {"root": 256, "ascent": 100_000}[method] if max_steps is None else max_steps
    check_count("max_steps", steps)
    split_indices(start, leader)
    start = in_default_precision(jax.tree.map(as_float, start))
    eps = float(jnp.finfo(ravel_pytree(start)[0].dtype).eps)
    largest_residual = eps**0.6 if tolerance is None else tolerance
    check_range("tolerance", largest_residual, 0.0)
    if method == "root":
        params, iterations = find_stationary_point(game, start, leader, steps)
    else:
        lr, follower_lr, damping = in_default_precision(
            (as_float(lr), as_float(follower_lr), as_float(damping))
        )
        params, iterations = ascend(
            game, start, leader, lr, follower_lr, damping, jnp.asarray(steps), largest_residual
        )
    return make_solution(game, params, leader, int(iterations), largest_residual)


@filter_jit
def find_stationary_point(game: Game, start: Joint, leader: int, max_steps: int) -> tuple[Joint, Any]:
    """The end point of the dogleg method for the first-order conditions, and its number of steps."""
    theta, unravel = ravel_pytree(start)
    end, steps = find_root(lambda t: stackelberg_residual(game, unravel(t), leader), theta, max_steps)
    return unravel(end), steps


@filter_jit
def ascend(
    game: Game,
    start: Joint,
    leader: int,
    lr,
    follower_lr,
    damping,
    max_steps: Int[Array, ""],
    tolerance: float,
) -> tuple[Joint, Any]:
    """The end point of simultaneous ascent, with the leader's total gradient, and its number of steps."""
    theta, unravel = ravel_pytree(start)
    own, _ = split_indices(start, leader)

    def direction(t):
        return (
            simultaneous_gradient(game, unravel(t))
            .at[own]
            .set(leader_gradient(game, unravel(t), leader, damping))
        )

    rate = jnp.full(theta.shape, follower_lr, theta.dtype).at[own].set(lr)

    def unfinished(carry):
        _, gradient, k = carry
        return (k < max_steps) & (jnp.linalg.norm(gradient) > tolerance / 2)  # false for NaN

    def step(carry):
        t, gradient, k = carry
        t = t + rate * gradient
        return t, direction(t), k + 1

    end, _, steps = jax.lax.while_loop(unfinished, step, (theta, direction(theta), 0))
    return unravel(end), steps


@filter_jit
def order_conditions(game: Game, params: Joint, leader: int):
    """The values, and the derivatives in the first- and second-order conditions."""
    return (
        game.values(params),
        stackelberg_residual(game, params, leader),
        leader_curvature(game, params, leader),
        game_jacobian(game, params),
    )


def make_solution(
    game: Game, params: Joint, leader: int, iterations: int, tolerance: float
) -> StackelbergSolution:
    """The solution with its residual, curvature and status recomputed from the game."""
    values, gradient, total, jacobian = (
        np.asarray(x, dtype=float) for x in order_conditions(game, params, leader)
    )
    residual = float(np.linalg.norm(gradient))
    nothing = np.full(len(total), np.nan)
    leader_eigenvalues = np.linalg.eigvalsh((total + total.T) / 2) if np.isfinite(total).all() else nothing
    follower_eigenvalues = tuple(
        np.linalg.eigvalsh(block) if np.isfinite(block).all() else np.full(len(block), np.nan)
        for seat, where in enumerate(positions(params))
        if seat != leader
        for block in [(jacobian[where, where] + jacobian[where, where].T) / 2]
    )
    largest = float(np.max(np.concatenate([leader_eigenvalues, *follower_eigenvalues])))  # NaN if any is
    margin = float(jnp.finfo(ravel_pytree(params)[0].dtype).eps) ** 0.5 * float(
        np.abs(np.concatenate([leader_eigenvalues, *follower_eigenvalues])).max()
    )
    if not np.isfinite([residual, largest]).all():
        status, message = (
            "failed",
            "The followers' curvature is singular or the steps diverged; another start, damping or smaller "
            "steps may help.",
        )
    elif residual > tolerance:
        status, message = (
            "not_converged",
            f"The residual is {residual:.1e} after {iterations} steps; allow more, or start nearer.",
        )
    elif largest > margin:
        status, message = (
            "failed",
            "The gradients vanish but some second derivative is positive, so this is not a maximum; another "
            "start or ascent may help.",
        )
    elif largest > -margin:
        status, message = (
            "failed",
            "The gradients vanish but so does a second derivative, so a maximum is not decided; another "
            "start may help.",
        )
    else:
        status, message = "solved", f"A differential Stackelberg equilibrium led by seat {leader}."
    return StackelbergSolution(
        params,
        leader,
        values,
        residual,
        leader_eigenvalues,
        follower_eigenvalues,
        status,
        message,
        iterations,
    )
