r"""Classification of fixed points of the simultaneous gradient: stability, Nash and Stackelberg equilibrium.

Players maximize: $J = D\xi$ is the Jacobian of ascent, and the papers' H for losses is $-J$. Where an
eigenvalue is within tolerance of 0, second derivatives do not decide, and the answer is None.
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
from solvers.printing import result_text

Kind = Literal["stable", "attracting", "unstable", "strict saddle", "degenerate", "not a fixed point"]


@dataclasses.dataclass(frozen=True)
class Classification:
    r"""The kind of a fixed point by the definitions of the literature; for losses, $H = -J$.

    Args:
        kind: the first that applies: `"unstable"` ($H \prec 0$), otherwise `"strict saddle"` (H has an
            eigenvalue with negative real part), otherwise `"stable"` ($H \succeq 0$ and invertible),
            otherwise `"attracting"` (the symmetric part of H is indefinite, but all eigenvalues of H have
            positive real parts), otherwise `"degenerate"`; `"not a fixed point"` if the gradient is not 0.
        stable: $H \succeq 0$, that is $u^\top J u \le 0$ for all u (Letcher et al. 2019), to within
            tolerance.
        unstable: $H \prec 0$.
        strict_saddle: H has an eigenvalue with negative real part; includes the unstable points.
        attracting: all eigenvalues of J have negative real parts, so that ascent with small steps converges
            to the point from nearby.
        differential_nash: each player's own block of J is negative definite (Ratliff, Burden & Sastry 2016).
        local_nash: no player gains by a small deviation; True at a differential Nash equilibrium, False if
            some own block has a positive eigenvalue, otherwise None.
        stackelberg: for each leader, whether the point is a differential Stackelberg equilibrium (Fiez et al.
            2020): the leader's total gradient and the followers' own gradients vanish, its total second
            derivative and the followers' own blocks are negative definite. In general-sum games such a point
            need not be a fixed point of the simultaneous gradient, nor vice versa.
        degenerate: J is singular to within tolerance, so that the fixed point need not be isolated.
        residual: norm of the simultaneous gradient.
        eigenvalues: of J, by descending real part.
        symmetric_eigenvalues: of its symmetric part, ascending.
        own_eigenvalues: of each player's own block, ascending.
        total_eigenvalues: of each leader's total second derivative, ascending; NaN where the followers'
            Jacobian is singular.
        tolerance: eigenvalues below this count as 0, in units of J's largest singular value.
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

    def __repr__(self) -> str:
        return result_text(
            f"Classification: {self.kind}",
            {
                "attracting": self.attracting,
                "differential Nash": self.differential_nash,
                "local Nash": self.local_nash,
                "Stackelberg, by leader": self.stackelberg or None,
                "eigenvalues": self.eigenvalues,
                "residual": self.residual,
            },
        )


def all_negative(numbers: Any, margin: float) -> bool | None:
    """Whether all numbers are negative; None if the largest is within `margin` of 0.

    Example:
        >>> all_negative([-1, -2], 0.1), all_negative([-1, 0.01], 0.1), all_negative([-1, 1], 0.1)
        (True, None, False)
    """
    top = np.max(numbers)
    return None if not abs(top) > margin else bool(top < 0)


def all_true(answers: Sequence[bool | None]) -> bool | None:
    """Three-valued conjunction: False if any is False, otherwise None if any is None, otherwise True."""
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
        params: joint parameters.
        leaders: the seats to check as Stackelberg leaders, all by default; the check takes third derivatives.
        tolerance: eigenvalues below this count as 0, in units of the Jacobian's largest singular value; by
            default $\sqrt{\epsilon}$ of the parameters' precision.
        residual_tolerance: the largest norm of the gradient at a fixed point; by default $\sqrt{\epsilon}$
            times the larger of 1 and the Jacobian's largest singular value.

    Returns:
        The kind of the fixed point, the answers to each definition, and the eigenvalues.

    Raises:
        ValueError: for a leader that is not a seat of the game, or a gradient or Jacobian that is not finite.

    Example:
        >>> from games import balduzzi
        >>> found = classify(balduzzi(), (jnp.zeros(1), jnp.zeros(1)), leaders=())
        >>> found.kind, found.attracting, found.differential_nash, found.eigenvalues.round(3).tolist()
        ('stable', True, True, [(-1+10j), (-1-10j)])
    """
    game, params = as_game(game), jax.tree.map(as_float, params)
    gradient, jacobian = (np.asarray(x, dtype=float) for x in first_and_second_order(game, params))
    return classify_from_derivatives(game, params, gradient, jacobian, leaders, tolerance, residual_tolerance)


def classify_from_derivatives(
    game: Game,
    params: Joint,
    gradient: Float[np.ndarray, " d"],
    jacobian: Float[np.ndarray, "d d"],
    leaders: Sequence[int] | None = None,
    tolerance: float | None = None,
    residual_tolerance: float | None = None,
) -> Classification:
    """`classify` with the simultaneous gradient and the game Jacobian already computed."""
    leaders = range(game.n_players) if leaders is None else leaders
    if not (np.isfinite(gradient).all() and np.isfinite(jacobian).all()):
        raise ValueError("The game's gradient or Jacobian is not finite here; a fixed point needs both.")
    root_eps = float(jnp.finfo(ravel_pytree(params)[0].dtype).eps) ** 0.5
    unit = root_eps if tolerance is None else tolerance
    singular = np.linalg.svd(jacobian, compute_uv=False)
    largest_residual = (
        root_eps * max(1.0, float(singular[0])) if residual_tolerance is None else residual_tolerance
    )
    margin, residual = unit * float(singular[0]), float(np.linalg.norm(gradient))

    spectrum, symmetric = eigenvalues(jacobian), np.linalg.eigvalsh(symmetric_part(jacobian))
    own = tuple(np.linalg.eigvalsh(symmetric_part(jacobian[where, where])) for where in positions(params))
    is_fixed_point = residual <= largest_residual
    stable, unstable = bool(symmetric[-1] <= margin), bool(symmetric[0] > margin)
    strict_saddle, degenerate = bool(np.real(spectrum)[0] > margin), bool(singular[-1] <= margin)
    attracting = all_negative(np.real(spectrum), margin)
    if not is_fixed_point:
        stable = unstable = strict_saddle = attracting = False
    own_answers = [all_negative(values, margin) for values in own] if is_fixed_point else [False]
    answers, totals = {}, {}
    for leader in leaders:
        others = [values for seat, values in enumerate(own) if seat != leader]
        residuals, curvature = (
            np.asarray(x, dtype=float) for x in stackelberg_derivatives(game, params, leader)
        )
        answers[leader], totals[leader] = stackelberg_answer(
            residuals, curvature, others, margin, largest_residual
        )
    return Classification(
        kind=kind_of(is_fixed_point, stable, unstable, strict_saddle, attracting, degenerate),
        stable=stable,
        unstable=unstable,
        strict_saddle=strict_saddle,
        attracting=attracting,
        differential_nash=all_true(own_answers) is True,
        local_nash=all_true(own_answers),
        stackelberg=answers,
        degenerate=degenerate,
        residual=residual,
        eigenvalues=spectrum,
        symmetric_eigenvalues=symmetric,
        own_eigenvalues=own,
        total_eigenvalues=totals,
        tolerance=unit,
    )


def kind_of(
    is_fixed_point: bool,
    stable: bool,
    unstable: bool,
    strict_saddle: bool,
    attracting: bool | None,
    degenerate: bool,
) -> Kind:
    """The first kind in the list of `Classification` that applies."""
    if not is_fixed_point:
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
stackelberg_derivatives = filter_jit(
    lambda game, params, leader: (
        stackelberg_residual(game, params, leader),
        leader_curvature(game, params, leader),
    )
)


def stackelberg_answer(
    residuals: np.ndarray,
    curvature: np.ndarray,
    others: list[np.ndarray],
    margin: float,
    residual_tolerance: float,
) -> tuple[bool | None, Float[np.ndarray, " own"]]:
    """Whether a point is a differential Stackelberg equilibrium, and the leader's total eigenvalues."""
    followers = all_true([all_negative(values, margin) for values in others])
    if not (np.isfinite(residuals).all() and np.isfinite(curvature).all()):
        return (False if followers is False else None), np.full(len(curvature), np.nan)
    total = np.linalg.eigvalsh(symmetric_part(curvature))
    if np.linalg.norm(residuals) > residual_tolerance:
        return False, total
    return all_true([followers, all_negative(total, margin)]), total
