r"""Stackelberg solutions: points where a leader cannot gain through its followers' response, nor they by themselves.

Near a point where the followers' gradients vanish and their joint Jacobian $J_{ff}$ is invertible, their
response $r(\theta_l)$ is a function of the leader's parameters, with $r' = -J_{ff}^{-1} J_{fl}$. The leader
ascends $V_l(\theta_l, r(\theta_l))$. Several followers answer with a fixed point among themselves.
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
    game, (own, rest) = as_game(game), split_indices(params, leader)
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
    game, (own, rest) = as_game(game), split_indices(params, leader)
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


@dataclasses.dataclass(frozen=True)
class StackelbergSolution:
    """A point where a leader and its followers stay, and whether it is a maximum for each of them.

    Args:
        params: everybody's parameters.
        leader: the leader's seat.
        values: everybody's value.
        residual: norm of the leader's total gradient and the followers' gradients, recomputed at `params`.
        leader_eigenvalues: of the leader's total second derivative, ascending; all negative at a strict local
            maximum.
        follower_eigenvalues: of each follower's own second derivative, by seat.
        status: `"solved"` for a differential Stackelberg equilibrium within tolerance: vanishing gradients
            and strict local maxima.
        message: one sentence for people.
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
    """A differential Stackelberg equilibrium near a start: a local notion, found by roots of the first-order conditions or by ascent.

    `"root"` solves the conditions by the dogleg method, which may also end in a minimum or a saddle; the
    second-order conditions are then found wanting and the status says so. `"ascent"` lets the leader ascend
    its total gradient while the followers ascend their own, faster.

    Args:
        game: an exact game; players maximize.
        start: everybody's parameters.
        leader: the leader's seat; all others follow.
        method: `"root"` or `"ascent"`.
        lr: the leader's step (ascent), at least 0.
        follower_lr: the followers' step (ascent), at least 0.
        damping: as in `leader_gradient` (ascent), at least 0; it moves no solution, since the conditions are
            checked without it.
        max_steps: at most so many steps, 256 for roots and 100,000 for ascent by default.
        tolerance: the largest residual called solved; by default 4e-10 in float64 and 7e-5 in float32.

    Raises:
        ValueError: for an unknown method, a seat that does not exist, or a negative step.

    Example:
        >>> from games import Quadratic  # profits q (12 - q - r) and r (12 - q - r)
        >>> duopoly = Quadratic([[[-2.0, -1.0], [-1.0, 0.0]], [[0.0, -1.0], [-1.0, -2.0]]], [[12.0, 0.0], [0.0, 12.0]])
        >>> found = stackelberg(duopoly, (jnp.zeros(1), jnp.ones(1)))
        >>> [round(float(own[0]), 3) for own in found.params], found.status
        ([6.0, 3.0], 'solved')

    Source: Fiez, Chasnov & Ratliff 2020.
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
    small = eps**0.6 if tolerance is None else tolerance
    check_range("tolerance", small, 0.0)
    if method == "root":
        params, iterations = by_root(game, start, leader, steps)
    else:
        lr, follower_lr, damping = in_default_precision(
            (as_float(lr), as_float(follower_lr), as_float(damping))
        )
        params, iterations = by_ascent(
            game, start, leader, lr, follower_lr, damping, jnp.asarray(steps), small
        )
    return judged(game, params, leader, int(iterations), small)


@filter_jit
def by_root(game: Game, start: Joint, leader: int, max_steps: int) -> tuple[Joint, Any]:
    """The end of the dogleg method on the first-order conditions."""
    theta, unravel = ravel_pytree(start)
    end, steps = find_root(lambda t: stackelberg_residual(game, unravel(t), leader), theta, max_steps)
    return unravel(end), steps


@filter_jit
def by_ascent(
    game: Game,
    start: Joint,
    leader: int,
    lr,
    follower_lr,
    damping,
    max_steps: Int[Array, ""],
    tolerance: float,
) -> tuple[Joint, Any]:
    """The end of simultaneous ascent, the leader's along its total gradient."""
    theta, unravel = ravel_pytree(start)
    own, _ = split_indices(start, leader)

    def direction(t):
        return (
            simultaneous_gradient(game, unravel(t))
            .at[own]
            .set(leader_gradient(game, unravel(t), leader, damping))
        )

    rate = jnp.full(theta.shape, follower_lr, theta.dtype).at[own].set(lr)

    def goes_on(carry):
        _, slope, k = carry
        return (k < max_steps) & (jnp.linalg.norm(slope) > tolerance / 2)  # not-a-number ends it too

    def step(carry):
        t, slope, k = carry
        t = t + rate * slope
        return t, direction(t), k + 1

    end, _, steps = jax.lax.while_loop(goes_on, step, (theta, direction(theta), 0))
    return unravel(end), steps


@filter_jit
def conditions(game: Game, params: Joint, leader: int):
    """Everything the two orders of conditions are judged by."""
    return (
        game.values(params),
        stackelberg_residual(game, params, leader),
        leader_curvature(game, params, leader),
        game_jacobian(game, params),
    )


def judged(game: Game, params: Joint, leader: int, iterations: int, tolerance: float) -> StackelbergSolution:
    """The solution with residual, curvature and status recomputed from the game."""
    values, gradient, total, jacobian = (np.asarray(x, dtype=float) for x in conditions(game, params, leader))
    residual = float(np.linalg.norm(gradient))
    nothing = np.full(len(total), np.nan)
    leads = np.linalg.eigvalsh((total + total.T) / 2) if np.isfinite(total).all() else nothing
    follow = tuple(
        np.linalg.eigvalsh(block) if np.isfinite(block).all() else np.full(len(block), np.nan)
        for seat, where in enumerate(positions(params))
        if seat != leader
        for block in [(jacobian[where, where] + jacobian[where, where].T) / 2]
    )
    top = float(np.max(np.concatenate([leads, *follow])))  # NaN if any is
    margin = float(jnp.finfo(ravel_pytree(params)[0].dtype).eps) ** 0.5 * float(
        np.abs(np.concatenate([leads, *follow])).max()
    )
    if not np.isfinite([residual, top]).all():
        status, message = (
            "failed",
            "The followers' curvature is singular or the steps diverged; another start, damping or smaller steps may help.",
        )
    elif residual > tolerance:
        status, message = (
            "not_converged",
            f"The residual is {residual:.1e} after {iterations} steps; allow more, or start nearer.",
        )
    elif top > margin:
        status, message = (
            "failed",
            "The gradients vanish at no maximum: some second derivative is positive; another start or ascent may help.",
        )
    elif top > -margin:
        status, message = (
            "failed",
            "The gradients vanish where a second derivative vanishes too, so that a maximum is not decided.",
        )
    else:
        status, message = "solved", f"A differential Stackelberg equilibrium led by seat {leader}."
    return StackelbergSolution(params, leader, values, residual, leads, follow, status, message, iterations)
