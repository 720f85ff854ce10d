r"""What kind of fixed point the simultaneous gradient has: stability, and whose maximum it is.

Players maximize: $J = D\xi$ is the Jacobian of ascent, and the papers' H for losses is $-J$. A question that
eigenvalues within tolerance of 0 leave open is answered None, since second derivatives do not decide it.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Complex, Float

from games.base import Game, Joint
from games.checks import as_float
from games.compiler import filter_jit
from games.sampled.catalog import as_game
from solvers.differentiable.jacobian import (
    eigenvalues,
    game_jacobian,
    positions,
    simultaneous_gradient,
    symmetric_part,
)
from solvers.differentiable.leader_follower import leader_curvature, stackelberg_residual

Kind = Literal["stable", "attracting", "unstable", "strict saddle", "degenerate", "not a fixed point"]


@dataclasses.dataclass(frozen=True)
class Classification:
    r"""A fixed point of the simultaneous gradient under the definitions in use; with losses, $H = -J$.

    Args:
        kind: one word: `"unstable"` ($H \prec 0$), otherwise `"strict saddle"` (H has an eigenvalue with
            negative real part), otherwise `"stable"` ($H \succeq 0$ and invertible), otherwise `"attracting"`
            (H is indefinite as a form, yet all its eigenvalues have positive real parts), otherwise
            `"degenerate"`; `"not a fixed point"` where the gradient does not vanish.
        stable: $H \succeq 0$, that is $u^\top J u \le 0$ for all u (Letcher et al. 2019), to within
            tolerance.
        unstable: $H \prec 0$.
        strict_saddle: H has an eigenvalue with negative real part; what is unstable is one too.
        attracting: all eigenvalues of J have negative real parts, so that ascent with small steps converges
            nearby.
        differential_nash: everybody's own block of J is negative definite (Ratliff, Burden & Sastry 2016).
        local_nash: nobody gains by a small deviation; implied by a differential Nash equilibrium, excluded by
            an own block with a positive eigenvalue, and otherwise None.
        stackelberg: by leader, whether this is a differential Stackelberg equilibrium (Fiez et al. 2020): the
            leader's total gradient and the followers' own gradients vanish, its total second derivative and
            the followers' own blocks are negative definite. In general-sum games it need not be a fixed point
            of the simultaneous gradient, nor conversely.
        degenerate: J is singular to within tolerance, so that the fixed point need not be isolated.
        residual: norm of the simultaneous gradient.
        eigenvalues: of J, by descending real part.
        symmetric_eigenvalues: of its symmetric part, ascending.
        own_eigenvalues: of everybody's own block, ascending.
        total_eigenvalues: of each leader's total second derivative, ascending; NaN where the followers'
            Jacobian is singular.
        tolerance: what counts as 0, in units of J's largest singular value.
    """

    kind: Kind
    stable: bool
    unstable: bool
    strict_saddle: bool
    attracting: bool | None
    differential_nash: bool
    local_nash: bool | None
    stackelberg: dict[int, bool | None]
    degenerate: bool
    residual: float
    eigenvalues: Complex[np.ndarray, " d"]
    symmetric_eigenvalues: Float[np.ndarray, " d"]
    own_eigenvalues: tuple[Float[np.ndarray, " own"], ...]
    total_eigenvalues: dict[int, Float[np.ndarray, " own"]]
    tolerance: float


def all_negative(numbers: Any, margin: float) -> bool | None:
    """Whether all numbers are below 0; None where one is within `margin` of it and none above.

    Example:
        >>> all_negative([-1, -2], 0.1), all_negative([-1, 0.01], 0.1), all_negative([-1, 1], 0.1)
        (True, None, False)
    """
    top = np.max(numbers)
    return None if not abs(top) > margin else bool(top < 0)


def every(answers: Sequence[bool | None]) -> bool | None:
    """Whether all are True: one False decides, otherwise one None leaves it open."""
    return False if False in answers else None if None in answers else True


def classify(
    game: Game,
    params: Joint,
    leaders: Sequence[int] | None = None,
    tolerance: float | None = None,
    residual_tolerance: float | None = None,
) -> Classification:
    r"""Classify a fixed point of the simultaneous gradient by the game Jacobian.

    Args:
        game: an exact game; players maximize.
        params: everybody's parameters.
        leaders: the seats asked about as Stackelberg leaders, everybody by default; the question takes third
            derivatives.
        tolerance: which eigenvalues count as 0, in units of the Jacobian's largest singular value; by default
            $\sqrt{\epsilon}$ of the parameters' precision.
        residual_tolerance: the largest norm of the gradient at a fixed point; by default $\sqrt{\epsilon}$
            times the larger of 1 and the Jacobian's largest singular value.

    Returns:
        The definitions' answers with the eigenvalues behind them.

    Raises:
        ValueError: for a leader that is no seat, or a gradient or Jacobian that is not finite.

    Example:
        >>> from games import balduzzi
        >>> found = classify(balduzzi(), (jnp.zeros(1), jnp.zeros(1)), leaders=())
        >>> found.kind, found.attracting, found.differential_nash, found.eigenvalues.round(3).tolist()
        ('stable', True, True, [(-1+10j), (-1-10j)])
    """
    game, params = as_game(game), jax.tree.map(as_float, params)
    gradient, jacobian = (np.asarray(x, dtype=float) for x in first_and_second_order(game, params))
    return judged(game, params, gradient, jacobian, leaders, tolerance, residual_tolerance)


def judged(
    game: Game,
    params: Joint,
    gradient: Float[np.ndarray, " d"],
    jacobian: Float[np.ndarray, "d d"],
    leaders: Sequence[int] | None = None,
    tolerance: float | None = None,
    residual_tolerance: float | None = None,
) -> Classification:
    """What `classify` says, where the gradient and the Jacobian are at hand already."""
    leaders = range(game.n_players) if leaders is None else leaders
    if not (np.isfinite(gradient).all() and np.isfinite(jacobian).all()):
        raise ValueError("The game's gradient or Jacobian is not finite here; a fixed point needs both.")
    root_eps = float(jnp.finfo(ravel_pytree(params)[0].dtype).eps) ** 0.5
    unit = root_eps if tolerance is None else tolerance
    singular = np.linalg.svd(jacobian, compute_uv=False)
    at_rest = root_eps * max(1.0, float(singular[0])) if residual_tolerance is None else residual_tolerance
    margin, residual = unit * float(singular[0]), float(np.linalg.norm(gradient))

    spectrum, symmetric = eigenvalues(jacobian), np.linalg.eigvalsh(symmetric_part(jacobian))
    own = tuple(np.linalg.eigvalsh(symmetric_part(jacobian[where, where])) for where in positions(params))
    fixed = residual <= at_rest
    stable, unstable = bool(symmetric[-1] <= margin), bool(symmetric[0] > margin)
    strict_saddle, degenerate = bool(np.real(spectrum)[0] > margin), bool(singular[-1] <= margin)
    attracting = all_negative(np.real(spectrum), margin)
    if not fixed:
        stable = unstable = strict_saddle = attracting = False
    own_answers = [all_negative(values, margin) for values in own] if fixed else [False]
    answers, totals = {}, {}
    for leader in leaders:
        others = [values for seat, values in enumerate(own) if seat != leader]
        residuals, curvature = (np.asarray(x, dtype=float) for x in total_orders(game, params, leader))
        answers[leader], totals[leader] = leads(residuals, curvature, others, margin, at_rest)
    return Classification(
        kind=named(fixed, stable, unstable, strict_saddle, attracting, degenerate),
        stable=stable,
        unstable=unstable,
        strict_saddle=strict_saddle,
        attracting=attracting,
        differential_nash=every(own_answers) is True,
        local_nash=every(own_answers),
        stackelberg=answers,
        degenerate=degenerate,
        residual=residual,
        eigenvalues=spectrum,
        symmetric_eigenvalues=symmetric,
        own_eigenvalues=own,
        total_eigenvalues=totals,
        tolerance=unit,
    )


def named(
    fixed: bool, stable: bool, unstable: bool, strict_saddle: bool, attracting: bool | None, degenerate: bool
) -> Kind:
    """The first of the kinds that applies."""
    if not fixed:
        return "not a fixed point"
    if unstable:
        return "unstable"
    if strict_saddle:
        return "strict saddle"
    if degenerate:
        return "degenerate"
    return "stable" if stable else "attracting" if attracting else "degenerate"


first_and_second_order = filter_jit(
    lambda game, params: (simultaneous_gradient(game, params), game_jacobian(game, params))
)
total_orders = filter_jit(
    lambda game, params, leader: (
        stackelberg_residual(game, params, leader),
        leader_curvature(game, params, leader),
    )
)


def leads(
    residuals: np.ndarray,
    curvature: np.ndarray,
    others: list[np.ndarray],
    margin: float,
    residual_tolerance: float,
) -> tuple[bool | None, Float[np.ndarray, " own"]]:
    """Whether a point is a differential Stackelberg equilibrium for one leader, and the eigenvalues of its total second derivative."""
    follow = every([all_negative(values, margin) for values in others])
    if not (np.isfinite(residuals).all() and np.isfinite(curvature).all()):
        return (False if follow is False else None), np.full(len(curvature), np.nan)
    total = np.linalg.eigvalsh(symmetric_part(curvature))
    if np.linalg.norm(residuals) > residual_tolerance:
        return False, total
    return every([follow, all_negative(total, margin)]), total
