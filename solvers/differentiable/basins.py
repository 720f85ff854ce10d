"""Basins of attraction of an update map or a flow, over a grid of starts in a plane of the parameters.

To draw them: `plt.pcolormesh(found.xs, found.ys, found.labels.T, shading="nearest")`, where label -1 marks
unresolved starts; `found.to_frame()` has one row per start.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Float, Int

from games.base import Joint
from games.checks import as_float, check_count, check_range, numeric_array
from games.compiler import filter_jit
from solvers.differentiable.fixed_point_search import group_points
from solvers.differentiable.jacobian import Field
from solvers.payoffs_jax import in_default_precision
from solvers.printing import result_text, rounded_text

if TYPE_CHECKING:
    import pandas as pd


def one_number_each(x: Float[Array, ""], y: Float[Array, ""]) -> Joint:
    """Joint parameters of two players with one number each."""
    return x[None], y[None]


@dataclasses.dataclass(frozen=True)
class Basins:
    """The attractor that each start of a grid reaches.

    Args:
        xs: first coordinate of the starts.
        ys: second coordinate.
        labels: index into `attractors` for each start; -1 if its end is not finite or is farther than the
            radius from every attractor.
        attractors: flat parameters, one row per attractor.
        ends: flat parameters at which the path from each start ends.
        rest: for each start, the norm of the field at its end, or for a map the length of the next step from
            there; near 0 at a fixed point.
    """

    xs: Float[np.ndarray, " nx"]
    ys: Float[np.ndarray, " ny"]
    labels: Int[np.ndarray, "nx ny"]
    attractors: Float[np.ndarray, "attractors d"]
    ends: Float[np.ndarray, "nx ny d"]
    rest: Float[np.ndarray, "nx ny"]

    def __repr__(self) -> str:
        rows = {
            f"attractor {k} at {rounded_text(point)}": share
            for k, (point, share) in enumerate(zip(self.attractors[:8], self.fractions, strict=False))
        }
        more = f", the first 8 of {len(self.attractors)} attractors" if len(self.attractors) > 8 else ""
        return result_text(
            f"Basins of {len(self.xs)} x {len(self.ys)} starts, share of each{more}",
            rows | {"unresolved": self.unresolved},
        )

    @property
    def fractions(self) -> Float[np.ndarray, " attractors"]:
        """The share of the starts that reach each attractor."""
        return np.array([np.mean(self.labels == k) for k in range(len(self.attractors))])

    @property
    def unresolved(self) -> float:
        """The share of the starts that reach no attractor."""
        return float(np.mean(self.labels < 0))

    def to_frame(self) -> "pd.DataFrame":
        """One row per start: `x`, `y`, `label`, `rest` and the end's coordinates `end_k`."""
        import pandas as pd

        x, y = np.meshgrid(self.xs, self.ys, indexing="ij")
        ends = {f"end_{k}": self.ends[..., k].ravel() for k in range(self.ends.shape[-1])}
        return pd.DataFrame(
            {"x": x.ravel(), "y": y.ravel(), "label": self.labels.ravel(), "rest": self.rest.ravel()} | ends
        )


def basins_of_map(
    update: Callable[[Joint], Joint],
    xs: ArrayLike,
    ys: ArrayLike,
    attractors: ArrayLike | None = None,
    steps: int = 1000,
    radius: float = 1e-2,
    embed: Callable[[Any, Any], Joint] = one_number_each,
) -> Basins:
    r"""Basins of attraction of an update map $\theta \leftarrow F(\theta)$ over a grid of starts.

    Args:
        update: joint parameters to joint parameters, such as one step of learners; a function, or a pytree
            with `__call__`.
        xs: first coordinates, shape `(nx,)`.
        ys: second coordinates, shape `(ny,)`.
        attractors: flat parameters, shape `(m, d)`; by default the distinct ends that the map moves by less
            than a tenth of the radius.
        steps: number of applications of the map, at least 1.
        radius: largest distance of an end from its attractor in the maximum norm, positive.
        embed: maps the two coordinates to joint parameters; by default one number for each of two players.

    Raises:
        ValueError: for coordinates or attractors of the wrong shape, or numbers out of range.

    Example:
        >>> def update(joint):
        ...     return joint[0] ** 2, 0.5 * joint[1]
        >>> found = basins_of_map(update, [0.5, 2.0], [0.0, 1.0], steps=20)
        >>> found.labels.tolist(), found.unresolved
        ([[0, 0], [-1, -1]], 0.5)
    """
    check_count("steps", steps)
    x, y, grid = coordinates(xs, ys)
    ends, rest = map_ends(update, embed, grid, steps)
    return label_ends(x, y, ends, rest, attractors, radius)


def basins_of_flow(
    field: Field,
    xs: ArrayLike,
    ys: ArrayLike,
    attractors: ArrayLike | None = None,
    time: ArrayLike = 100.0,
    radius: float = 1e-2,
    embed: Callable[[Any, Any], Joint] = one_number_each,
    max_steps: int = 4096,
) -> Basins:
    r"""Basins of attraction of a flow $\dot\theta = f(\theta)$ over a grid of starts.

    All starts are integrated in one compiled program by diffrax's Tsit5 with adaptive steps.

    Args:
        field: joint parameters to velocities, such as `GradientField(game)`.
        xs: first coordinates, shape `(nx,)`.
        ys: second coordinates, shape `(ny,)`.
        attractors: flat parameters, shape `(m, d)`; by default the distinct ends where the field's norm is
            below a tenth of the radius.
        time: length of the time interval, positive.
        radius: largest distance of an end from its attractor in the maximum norm, positive.
        embed: maps the two coordinates to joint parameters; by default one number for each of two players.
        max_steps: largest number of integration steps; a start that needs more is unresolved.

    Raises:
        ValueError: for coordinates or attractors of the wrong shape, or numbers out of range.

    Example:
        >>> from games import Quadratic
        >>> from solvers.differentiable.jacobian import GradientField
        >>> spiral = Quadratic([[[-1.0, -10.0], [-10.0, 0.0]], [[0.0, 10.0], [10.0, -1.0]]])
        >>> found = basins_of_flow(GradientField(spiral), [-1.0, 0.5, 2.0], [-1.0, 0.5], time=20.0)
        >>> len(found.attractors), found.fractions.tolist()
        (1, [1.0])
    """
    check_range("time", time, float(np.finfo(np.float32).tiny))
    check_count("max_steps", max_steps)
    x, y, grid = coordinates(xs, ys)
    ends, rest = flow_ends(field, embed, grid, in_default_precision(as_float(time)), max_steps)
    return label_ends(x, y, ends, rest, attractors, radius)


def coordinates(
    xs: ArrayLike, ys: ArrayLike
) -> tuple[Any, Any, tuple[Float[Array, " n"], Float[Array, " n"]]]:
    """Both axes, and the coordinates of the grid points as two flat arrays.

    Raises:
        ValueError: if an axis is not a vector of finite numbers.
    """
    x, y = in_default_precision((numeric_array("xs", xs), numeric_array("ys", ys)))
    if x.ndim != 1 or y.ndim != 1 or not (x.size and y.size):
        raise ValueError(
            f"xs and ys have shapes {x.shape} and {y.shape}; each must be a vector of at least one number."
        )
    grid = jnp.meshgrid(x, y, indexing="ij")
    return x, y, (grid[0].ravel(), grid[1].ravel())


@filter_jit
def map_ends(update, embed, grid, steps: int):
    """The end of each start under an update map, and the norm of the map's displacement there."""

    def one(x, y):
        end, _ = jax.lax.scan(lambda joint, _: (update(joint), None), embed(x, y), length=steps)
        flat = ravel_pytree(end)[0]
        return flat, jnp.linalg.norm(ravel_pytree(update(end))[0] - flat)

    return jax.vmap(one)(*grid)


@filter_jit
def flow_ends(field, embed, grid, time, max_steps: int):
    """The end of each start under a flow, and the field's norm there; NaN beyond `max_steps`."""
    import diffrax

    term = diffrax.ODETerm(lambda _, joint, __: field(joint))
    accuracy = max(1e-8, 100 * float(jnp.finfo(grid[0].dtype).eps))

    def one(x, y):
        found = diffrax.diffeqsolve(
            term,
            diffrax.Tsit5(),
            t0=0.0,
            t1=time,
            dt0=None,
            y0=embed(x, y),
            stepsize_controller=diffrax.PIDController(rtol=accuracy, atol=accuracy),
            saveat=diffrax.SaveAt(t1=True),
            max_steps=max_steps,
            throw=False,
        )
        end = jax.tree.map(lambda leaf: leaf[0], found.ys)
        flat = jnp.where(found.result == diffrax.RESULTS.successful, ravel_pytree(end)[0], jnp.nan)
        return flat, jnp.linalg.norm(ravel_pytree(field(end))[0])

    return jax.vmap(one)(*grid)


def label_ends(x: Any, y: Any, ends: Any, rest: Any, attractors: ArrayLike | None, radius: float) -> Basins:
    """The `Basins` of given ends: the label of each end is that of the nearest attractor within the radius.

    Raises:
        ValueError: for attractors of the wrong shape or a radius that is not positive.
    """
    check_range("radius", radius, float(np.finfo(np.float32).tiny))
    ends, rest = np.asarray(ends, dtype=float), np.asarray(rest, dtype=float)
    d = ends.shape[-1]
    finite = np.isfinite(ends).all(1)
    if attractors is None:
        at_rest = finite & (rest < radius / 10)
        targets = ends[at_rest][group_points(ends[at_rest], radius, rest[at_rest])[1]]
        targets = targets[np.lexsort(targets.T[::-1])]
    else:
        targets = np.atleast_2d(np.asarray(attractors, dtype=float))
        if targets.ndim != 2 or targets.shape[1] != d:
            raise ValueError(
                f"attractors has shape {np.shape(attractors)}; it must be (m, {d}): flat parameters, one row "
                "per attractor."
            )
    labels = np.full(len(ends), -1)
    if len(targets):
        distance = np.abs(ends[:, None, :] - targets[None]).max(-1)
        near = finite & (distance.min(1) <= radius)
        labels[near] = distance[near].argmin(1)
    shape = (len(x), len(y))
    return Basins(
        np.asarray(x),
        np.asarray(y),
        labels.reshape(shape),
        targets,
        ends.reshape(*shape, d),
        rest.reshape(shape),
    )
