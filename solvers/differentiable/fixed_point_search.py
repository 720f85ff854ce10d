"""Fixed points of the simultaneous gradient, or of any vector field on joint parameters, from many starts at once.

The dogleg method (optimistix) runs from every start in one compiled program; it finds what repels as well as
what attracts. It may stall where the field's norm has a minimum above 0: those starts are reported as not
converged, never as fixed points.

Policies given by logits have fixed points at infinity, where an action's probability goes to 0 and its
logit's gradient with it. They are reported apart: all the corners of the policy space are such points, and
`outward` tells those the field points to from those it leaves.
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
from solvers.differentiable.classification import Classification, all_negative, classify, judged
from solvers.differentiable.jacobian import Field, GradientField, eigenvalues
from solvers.differentiable.roots import find_root
from solvers.payoffs_jax import in_default_precision

if TYPE_CHECKING:
    import pandas as pd


EDGE = 1e-4
"""An action's probability below this counts as 0, and its logit as infinite."""

velocity = filter_jit(lambda field, params: field(params))


def has_logits(game: Game) -> bool:
    """Whether a game's parameters are logits of action probabilities."""
    return isinstance(game, (Iterated, MatrixGame))


def behavior(game: Game, params: Joint) -> Float[Array, " m"]:
    """Everybody's action probabilities where parameters are logits, otherwise the parameters themselves; flat."""
    if isinstance(game, (Iterated, MatrixGame)):
        tables = [probabilities(as_table(own), a) for own, a in zip(params, game.n_actions, strict=True)]
        return jnp.concatenate([t.ravel() for t in tables])
    return ravel_pytree(params)[0]


def pushes_outward(game: Any, field: Field, params: Joint) -> bool:
    r"""Whether a field lowers the probability of every action that is below `EDGE`, seen from where it is about `EDGE`.

    For the simultaneous gradient this is the first-order condition of a Nash equilibrium on the boundary: no
    unused action earns more.
    """
    ceiling = float(np.log1p(-EDGE) - np.log(EDGE))
    tables = [np.asarray(as_table(own), dtype=float) for own in params]
    inside = []
    for own, table, a in zip(params, tables, game.n_actions, strict=True):
        near = (
            np.clip(table, -ceiling, ceiling)
            if a == 2
            else np.maximum(table, table.max(-1, keepdims=True) - ceiling)
        )
        near = jnp.asarray(near, jnp.result_type(*jax.tree.leaves(own)))
        inside.append(tuple(near) if isinstance(own, tuple) else near)
    moves = [np.asarray(as_table(own), dtype=float) for own in velocity(field, tuple(inside))]
    falls = []
    for table, near, move, a in zip(tables, inside, moves, game.n_actions, strict=True):
        rare = np.asarray(probabilities(jnp.asarray(table), a)) < EDGE
        mean = (
            np.sum(np.asarray(probabilities(as_table(near), a)) * move, axis=-1, keepdims=True)
            if a > 2
            else 0.0
        )
        growth = np.stack([move, -move], axis=-1) if a == 2 else move - mean  # the sign of d log p
        falls.append(((growth < 0) | ~rare).all())
    return bool(all(falls))


@dataclasses.dataclass(frozen=True)
class FixedPoint:
    """A point where a field on joint parameters vanishes.

    Args:
        params: everybody's parameters.
        profile: what tables show of them: everybody's action probabilities where parameters are logits,
            otherwise the parameters; flat.
        residual: norm of the field, recomputed at `params`.
        starts: number of starts that led there.
        at_infinity: whether some action's probability is below `EDGE`.
        outward: at infinity, whether the field pushes every such action's probability further down; otherwise
            None.
        eigenvalues: of the field's Jacobian, by descending real part; at infinity those of the vanishing
            directions are near 0.
        attracting: whether they all have negative real parts; None where that is not decided, as at infinity.
        classification: of the point in the game; None at infinity, and where the field's Jacobian is not
            finite.
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


@dataclasses.dataclass(frozen=True)
class FixedPoints:
    """What many starts led to.

    Args:
        points: the distinct fixed points, those most starts led to first.
        labels: index into `points` by start, -1 where none was reached.
        status: by start, `"solved"`, `"at_infinity"`, `"not_converged"` or `"failed"` (not finite).
        residuals: norm of the field where each start ended.
        iterations: steps by start.
    """

    points: tuple[FixedPoint, ...]
    labels: Int[np.ndarray, " starts"]
    status: np.ndarray
    residuals: Float[np.ndarray, " starts"]
    iterations: Int[np.ndarray, " starts"]

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
            kind = point.classification
            rows.append(
                {"profile": point.profile.tolist(), "residual": point.residual, "starts": point.starts}
                | {"share": point.starts / len(self.labels), "kind": kind.kind if kind else "at infinity"}
                | {
                    "attracting": point.attracting,
                    "outward": point.outward,
                    "max_real": float(point.eigenvalues[0].real),
                }
                | {
                    name: getattr(kind, name, None)
                    for name in ("stable", "differential_nash", "local_nash", "degenerate")
                }
            )
        return pd.DataFrame(rows)


@filter_jit
def end_points(game: Game, field: Field, starts: Joint, max_steps: int):
    """Where every start ends: parameters, profile, the field and its Jacobian there, and steps."""

    def one(start):
        theta, unravel = ravel_pytree(start)

        def flat(t):
            return ravel_pytree(field(unravel(t)))[0]

        end, steps = find_root(flat, theta, max_steps)
        return unravel(end), behavior(game, unravel(end)), flat(end), jax.jacfwd(flat)(end), steps

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
    r"""The distinct fixed points, $f(\theta) = 0$, that many starts lead to, classified.

    Nothing is claimed about fixed points that no start led to. A continuum of fixed points appears as many
    degenerate ones.

    Args:
        game: an exact game; players maximize.
        starts: everybody's parameters with a leading axis of starts, or how many to draw by `game.init`.
        field: a vector field on joint parameters, such as a learner's step; the simultaneous gradient by
            default.
        key: a seed or a typed key, for drawing starts.
        seed: another name of `key`.
        merge: ends whose profiles differ by at most this in every entry are one point, positive.
        tolerance: the largest norm of the field at a fixed point; by default 4e-10 in float64 and 7e-5 in
            float32.
        max_steps: at most so many steps per start.
        leaders: seats that `classify` asks about as Stackelberg leaders, none by default and all for None.

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
        drawn = jax.vmap(game.init)(jax.random.split(as_key(key, seed), starts))
    else:
        drawn = starts
    check_range("merge", merge, 0.0)
    check_count("max_steps", max_steps)
    drawn = in_default_precision(jax.tree.map(as_float, drawn))
    leaves = jax.tree.leaves(drawn)
    if not leaves or any(jnp.ndim(leaf) < 1 or len(leaf) < 1 for leaf in leaves):
        raise ValueError(
            "starts holds no start; give everybody's parameters with a leading axis of starts, or a number of starts to draw."
        )
    eps = float(jnp.finfo(jnp.result_type(*leaves)).eps)
    small = eps**0.6 if tolerance is None else tolerance
    check_range("tolerance", small, 0.0)
    move = GradientField(game) if field is None else field
    ends, *rest, steps = jax.tree.map(np.asarray, end_points(game, move, drawn, max_steps))
    profiles, velocities, jacobians = (x.astype(float) for x in rest)
    residuals = np.linalg.norm(velocities, axis=1)
    finite = np.isfinite(residuals) & np.isfinite(profiles).all(axis=1)
    edge = np.any(profiles < EDGE, axis=1) & has_logits(game)
    status = np.where(
        ~finite,
        "failed",
        np.where(residuals > small, "not_converged", np.where(edge, "at_infinity", "solved")),
    )
    reached = np.isin(status, ("solved", "at_infinity"))
    labels = np.full(len(residuals), -1)
    labels[reached], first = distinct(profiles[reached], merge, residuals[reached])
    points = []
    for group, k in enumerate(np.flatnonzero(reached)[first]):
        params = jax.tree.map(lambda leaf, k=k: jnp.asarray(leaf[k]), ends)
        spectrum, attracting = linear_stability(jacobians[k], eps**0.5)
        kind = None
        if not edge[k] and field is None and np.isfinite(jacobians[k]).all():
            kind = judged(game, params, velocities[k], jacobians[k], leaders, residual_tolerance=small)
        elif not edge[k] and field is not None:
            kind = classify(game, params, leaders, residual_tolerance=small)
        outward = pushes_outward(game, move, params) if edge[k] else None
        attracting = None if edge[k] else attracting
        count = int(np.sum(labels == group))
        points.append(
            FixedPoint(
                params,
                profiles[k],
                float(residuals[k]),
                count,
                bool(edge[k]),
                outward,
                spectrum,
                attracting,
                kind,
            )
        )
    return FixedPoints(tuple(points), labels, status, residuals, steps)


def distinct(
    points: Float[np.ndarray, "n m"], merge: float, cost: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " k"]]:
    """Groups of points within `merge` of a representative (maximum norm), the cheapest point of each; the largest group first.

    Example:
        >>> labels, first = distinct(np.array([[0.0], [1.0], [1.01]]), 0.1, np.array([0.0, 0.2, 0.1]))
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
    """Eigenvalues of a field's Jacobian, and whether all have negative real parts; NaN and None where it is not finite."""
    if not np.isfinite(jacobian).all():
        return np.full(len(jacobian), complex(np.nan)), None
    spectrum = eigenvalues(jacobian)
    return spectrum, all_negative(np.real(spectrum), tolerance * float(np.linalg.norm(jacobian, 2)))
