"""Fixed points of the simultaneous gradient, or of any vector field on joint parameters, from many starts.

The dogleg method (optimistix) runs from all starts in one compiled program; it finds repelling as well as
attracting fixed points. It may stop at a local minimum of the field's norm that is not 0; such starts are
reported as not converged.

Policies parameterized by logits have fixed points at infinity, where an action's probability and the gradient
of its logit go to 0. Every pure profile is such a point. For these points `at_infinity` is True, and
`outward` is whether the field points towards them.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Complex, Float, Int, Key

from games.base import Game, Joint
from games.checks import as_float, as_key, check_count, check_range
from games.compiler import filter_jit
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.tables import as_table, probabilities
from games.sampled.catalog import as_game
from solvers.differentiable.classification import (
    Classification,
    all_negative,
    classify,
    classify_from_derivatives,
)
from solvers.differentiable.jacobian import Field, GradientField, eigenvalues
from solvers.differentiable.roots import find_root
from solvers.payoffs_jax import in_default_precision
from solvers.printing import result_text, rounded_text

if TYPE_CHECKING:
    import pandas as pd


EDGE = 1e-4
"""An action's probability below this counts as 0, and its logit as infinite."""

velocity = filter_jit(lambda field, params: field(params))


def has_logits(game: Game) -> bool:
    """Whether a game's parameters are logits of action probabilities."""
    return isinstance(game, (Iterated, MatrixGame))


def action_probabilities(game: Game, params: Joint) -> Float[Array, " m"]:
    """All players' action probabilities if parameters are logits, otherwise the parameters; flat."""
    if isinstance(game, (Iterated, MatrixGame)):
        tables = [probabilities(as_table(own), a) for own, a in zip(params, game.n_actions, strict=True)]
        return jnp.concatenate([t.ravel() for t in tables])
    return ravel_pytree(params)[0]


def pushes_outward(game: Any, field: Field, params: Joint) -> bool:
    r"""Whether a field decreases every probability below `EDGE`, evaluated with it raised to about `EDGE`.

    For the simultaneous gradient this is the first-order condition of a Nash equilibrium on the boundary of
    the policy space: no action of probability 0 earns more.
    """
    ceiling = float(np.log1p(-EDGE) - np.log(EDGE))
    tables = [np.asarray(as_table(own), dtype=float) for own in params]
    interior = []
    for own, table, a in zip(params, tables, game.n_actions, strict=True):
        clipped = (
            np.clip(table, -ceiling, ceiling)
            if a == 2
            else np.maximum(table, table.max(-1, keepdims=True) - ceiling)
        )
        clipped = jnp.asarray(clipped, jnp.result_type(*jax.tree.leaves(own)))
        interior.append(tuple(clipped) if isinstance(own, tuple) else clipped)
    velocities_there = [np.asarray(as_table(own), dtype=float) for own in velocity(field, tuple(interior))]
    decreasing = []
    for table, clipped, vector_field, a in zip(
        tables, interior, velocities_there, game.n_actions, strict=True
    ):
        rare = np.asarray(probabilities(jnp.asarray(table), a)) < EDGE
        mean = (
            np.sum(np.asarray(probabilities(as_table(clipped), a)) * vector_field, axis=-1, keepdims=True)
            if a > 2
            else 0.0
        )
        growth = (
            np.stack([vector_field, -vector_field], axis=-1) if a == 2 else vector_field - mean
        )  # has the sign of d log p / dt
        decreasing.append(((growth < 0) | ~rare).all())
    return bool(all(decreasing))


@dataclasses.dataclass(frozen=True)
class FixedPoint:
    """A point at which a vector field on joint parameters vanishes.

    Args:
        params: joint parameters.
        profile: all players' action probabilities if parameters are logits, otherwise the parameters; flat.
        residual: norm of the field, recomputed at `params`.
        starts: number of starts that reached the point.
        at_infinity: whether some action's probability is below `EDGE`.
        outward: at infinity, whether the field decreases the probability of every such action further;
            otherwise None.
        eigenvalues: of the field's Jacobian, by descending real part; at infinity, those that belong to
            directions to infinity are near 0.
        attracting: whether all eigenvalues have negative real parts; None if undecided, as at infinity.
        classification: the result of `classify` at the point; None at infinity, and if the field's Jacobian
            is not finite.
    """

    params: Joint
    profile: Float[np.ndarray, " m"]
    residual: float
    starts: int
    at_infinity: bool
    outward: bool | None
    eigenvalues: Complex[np.ndarray, " d"]
    attracting: bool | None
    classification: Classification | None

    def __repr__(self) -> str:
        kind = "at infinity" if self.classification is None else self.classification.kind
        return result_text(
            f"FixedPoint: {kind}",
            {
                "profile": self.profile,
                "residual": self.residual,
                "starts": self.starts,
                "attracting": self.attracting,
                "outward": self.outward,
                "eigenvalues": self.eigenvalues,
            },
        )


@dataclasses.dataclass(frozen=True)
class FixedPoints:
    """The fixed points that many starts reached, and how each start ended.

    Args:
        points: the distinct fixed points, by descending number of starts.
        labels: index into `points` for each start; -1 if it reached none.
        status: for each start, `"solved"`, `"at_infinity"`, `"not_converged"` or `"failed"` (not finite).
        residuals: norm of the field at the end of each start.
        iterations: number of steps of each start.
    """

    points: tuple[FixedPoint, ...]
    labels: Int[np.ndarray, " starts"]
    status: np.ndarray
    residuals: Float[np.ndarray, " starts"]
    iterations: Int[np.ndarray, " starts"]

    def __repr__(self) -> str:
        kinds = [
            "at infinity" if p.classification is None else p.classification.kind for p in self.points[:8]
        ]
        rows = {
            f"{k}: {kind}": f"{rounded_text(point.profile)}, "
            f"{point.starts / len(self.labels):.1%} of the starts"
            for k, (kind, point) in enumerate(zip(kinds, self.points, strict=False))
        }
        more = ", the first 8" if len(self.points) > 8 else ""
        return result_text(
            f"{len(self.points)} FixedPoints of {len(self.labels)} starts{more}",
            rows | {"failures": self.failures},
        )

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self):
        return iter(self.points)

    def __getitem__(self, index: int) -> FixedPoint:
        return self.points[index]

    @property
    def failures(self) -> float:
        """The fraction of starts that reached no fixed point."""
        return float(np.mean(self.labels < 0))

    def to_frame(self) -> "pd.DataFrame":
        """One row per fixed point: profile, residual, starts and their share, and the classification."""
        import pandas as pd

        rows = []
        for point in self.points:
            classification = point.classification
            rows.append(
                {"profile": point.profile.tolist(), "residual": point.residual, "starts": point.starts}
                | {
                    "share": point.starts / len(self.labels),
                    "kind": classification.kind if classification else "at infinity",
                }
                | {
                    "attracting": point.attracting,
                    "outward": point.outward,
                    "max_real": float(point.eigenvalues[0].real),
                }
                | {
                    name: getattr(classification, name, None)
                    for name in ("stable", "differential_nash", "local_nash", "degenerate")
                }
            )
        return pd.DataFrame(rows)


@filter_jit
def end_points(game: Game, field: Field, starts: Joint, max_steps: int):
    """The end of each start: parameters, profile, field, Jacobian of the field, and number of steps."""

    def one(start):
        theta, unravel = ravel_pytree(start)

        def flat(t):
            return ravel_pytree(field(unravel(t)))[0]

        end, steps = find_root(flat, theta, max_steps)
        return unravel(end), action_probabilities(game, unravel(end)), flat(end), jax.jacfwd(flat)(end), steps

    return jax.vmap(one)(starts)


def fixed_points(
    game: Game,
    starts: int | Joint = 64,
    field: Field | None = None,
    *,
    key: Key[Array, ""] | int = 0,
    seed: int | None = None,
    merge: float = 1e-3,
    tolerance: float | None = None,
    max_steps: int = 256,
    leaders: tuple[int, ...] | None = (),
) -> FixedPoints:
    r"""Search for fixed points, $f(\theta) = 0$, from many starts, and classify them.

    Fixed points that no start reaches are missed. A continuum of fixed points appears as many degenerate
    ones.

    Args:
        game: an exact game; players maximize.
        starts: joint parameters with a leading axis of starts, or the number of starts to sample by
            `game.init`.
        field: a vector field on joint parameters, such as a learner's step; the simultaneous gradient by
            default.
        key: a seed or a typed key, for sampling starts.
        seed: another name of `key`.
        merge: ends whose profiles differ by at most this in every entry count as one point; at least 0.
        tolerance: the largest norm of the field at a fixed point; by default 4e-10 in float64 and 7e-5 in
            float32.
        max_steps: the largest number of steps per start.
        leaders: seats that `classify` checks as Stackelberg leaders, none by default and all for None.

    Raises:
        ValueError: for no start, or a `merge` or `tolerance` that is negative.

    Example:
        >>> from games import zero_sum_cycle
        >>> found = fixed_points(zero_sum_cycle(), 16)
        >>> len(found), found[0].classification.kind
        (1, 'unstable')
    """
    game = as_game(game)
    if isinstance(starts, int):
        check_count("starts", starts)
        initial = jax.vmap(game.init)(jax.random.split(as_key(key, seed), starts))
    else:
        initial = starts
    check_range("merge", merge, 0.0)
    check_count("max_steps", max_steps)
    initial = in_default_precision(jax.tree.map(as_float, initial))
    leaves = jax.tree.leaves(initial)
    if not leaves or any(jnp.ndim(leaf) < 1 or len(leaf) < 1 for leaf in leaves):
        raise ValueError(
            "starts holds no start; give joint parameters with a leading axis of starts, or the number of "
            "starts to sample."
        )
    eps = float(jnp.finfo(jnp.result_type(*leaves)).eps)
    largest_residual = eps**0.6 if tolerance is None else tolerance
    check_range("tolerance", largest_residual, 0.0)
    vector_field = GradientField(game) if field is None else field
    ends, *rest, steps = jax.tree.map(np.asarray, end_points(game, vector_field, initial, max_steps))
    profiles, velocities, jacobians = (x.astype(float) for x in rest)
    residuals = np.linalg.norm(velocities, axis=1)
    finite = np.isfinite(residuals) & np.isfinite(profiles).all(axis=1)
    at_boundary = np.any(profiles < EDGE, axis=1) & has_logits(game)
    status = np.where(
        ~finite,
        "failed",
        np.where(
            residuals > largest_residual, "not_converged", np.where(at_boundary, "at_infinity", "solved")
        ),
    )
    reached = np.isin(status, ("solved", "at_infinity"))
    labels = np.full(len(residuals), -1)
    labels[reached], first = group_points(profiles[reached], merge, residuals[reached])
    points = []
    for group, k in enumerate(np.flatnonzero(reached)[first]):
        params = jax.tree.map(lambda leaf, k=k: jnp.asarray(leaf[k]), ends)
        spectrum, attracting = linear_stability(jacobians[k], eps**0.5)
        classification = None
        if not at_boundary[k] and field is None and np.isfinite(jacobians[k]).all():
            classification = classify_from_derivatives(
                game, params, velocities[k], jacobians[k], leaders, residual_tolerance=largest_residual
            )
        elif not at_boundary[k] and field is not None:
            classification = classify(game, params, leaders, residual_tolerance=largest_residual)
        outward = pushes_outward(game, vector_field, params) if at_boundary[k] else None
        attracting = None if at_boundary[k] else attracting
        count = int(np.sum(labels == group))
        points.append(
            FixedPoint(
                params,
                profiles[k],
                float(residuals[k]),
                count,
                bool(at_boundary[k]),
                outward,
                spectrum,
                attracting,
                classification,
            )
        )
    return FixedPoints(tuple(points), labels, status, residuals, steps)


def group_points(
    points: Float[np.ndarray, "n m"], merge: float, cost: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " k"]]:
    """Group points within `merge` of a representative in the maximum norm; the largest group first.

    The representative of a group is its point of least cost.

    Returns:
        The group of each point, and the index of each group's representative.

    Example:
        >>> labels, first = group_points(np.array([[0.0], [1.0], [1.01]]), 0.1, np.array([0.0, 0.2, 0.1]))
        >>> labels.tolist(), first.tolist()
        ([1, 0, 0], [2, 0])
    """
    labels, first = np.full(len(points), -1), []
    for k in np.argsort(cost, kind="stable"):
        if labels[k] < 0:
            labels[(labels < 0) & (np.abs(points - points[k]).max(1) <= merge)] = len(first)
            first.append(k)
    sizes = np.bincount(labels, minlength=len(first))
    order = np.argsort(-sizes, kind="stable")
    return np.argsort(order)[labels], np.array(first, dtype=int)[order]


def linear_stability(
    jacobian: Float[np.ndarray, "d d"], tolerance: float
) -> tuple[Complex[np.ndarray, " d"], bool | None]:
    """Eigenvalues of a Jacobian, and whether all real parts are negative; NaN and None if not finite."""
    if not np.isfinite(jacobian).all():
        return np.full(len(jacobian), complex(np.nan)), None
    spectrum = eigenvalues(jacobian)
    return spectrum, all_negative(np.real(spectrum), tolerance * float(np.linalg.norm(jacobian, 2)))
