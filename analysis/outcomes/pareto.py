"""The Pareto gap: how far two players' payoffs are from the Pareto frontier of the payoff polygon."""

import numpy as np
from jaxtyping import ArrayLike, Float

from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import outcome
from solvers.repeated.polygons import Polygon


def pareto_frontier(polygon: Polygon) -> Float[np.ndarray, "points 2"]:
    """The vertices of the Pareto frontier of a convex polygon, from the first player's best to the second's.

    The frontier is the set of points from which no player can gain unless the other loses. It is a chain of
    edges; a single point if both players' best payoffs are at one vertex.

    Args:
        polygon: vertices, counterclockwise.

    Source:
        Luce & Raiffa 1957, "Games and decisions", section 6.2.

    Example:
        >>> pareto_frontier(np.array([[0.0, 5.0], [1.0, 1.0], [5.0, 0.0], [3.0, 3.0]])).tolist()
        [[5.0, 0.0], [3.0, 3.0], [0.0, 5.0]]
    """
    first = np.lexsort((polygon[:, 1], polygon[:, 0]))[-1]
    ordered = np.roll(polygon, -first, axis=0)
    last = np.lexsort((ordered[:, 0], ordered[:, 1]))[-1]
    return ordered[: last + 1]


def distance_to_frontier(
    points: Float[ArrayLike, "2 *lanes"], frontier: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "*lanes"]:
    """The Euclidean distance of payoffs from the Pareto frontier, 0 on it.

    Args:
        points: both players' payoffs, players first.
        frontier: from `pareto_frontier`.

    Example:
        >>> frontier = np.array([[5.0, 0.0], [3.0, 3.0], [0.0, 5.0]])
        >>> distance_to_frontier([[1.0, 3.0], [1.0, 3.0]], frontier).round(4).tolist()
        [2.7735, 0.0]
    """
    x = np.moveaxis(np.asarray(points, dtype=float), 0, -1)[..., None, :]
    starts = frontier[:-1] if len(frontier) > 1 else frontier
    edges = (frontier[1:] if len(frontier) > 1 else frontier) - starts
    squares = np.maximum((edges**2).sum(axis=-1), np.finfo(float).tiny)
    share = np.clip(((x - starts) * edges).sum(axis=-1) / squares, 0, 1)
    return np.hypot(*np.moveaxis(x - starts - share[..., None] * edges, -1, 0)).min(axis=-1)


@outcome("pareto_gap", "luce1957games", units="difference")
def _pareto_gap(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Distance of both players' values from the Pareto frontier of the payoff polygon."""
    return distance_to_frontier(match.values, pareto_frontier(match.facts.polygon))
