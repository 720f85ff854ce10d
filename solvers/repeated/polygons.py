"""Convex polygons in the plane of two players' payoffs, including points and segments."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

Polygon = Float[np.ndarray, "vertices 2"]
"""Vertices counterclockwise; one row is a point, two rows are a segment, no row is the empty set."""


def hull(points: Sequence | np.ndarray, close: float = 0.0) -> Polygon:
    """The convex hull (Andrew 1979), without vertices within `close` of the line through their neighbors.

    Args:
        points: any number of pairs.
        close: vertices whose distance from the segment between their neighbors is at most this are removed.

    Example:
        >>> hull([[0, 0], [1, 0], [2, 0], [2, 2], [1, 0.5]]).tolist()
        [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]
    """
    cloud = np.asarray(points, dtype=float).reshape(-1, 2)
    if not len(cloud):
        return cloud
    ordered = cloud[np.lexsort((cloud[:, 1], cloud[:, 0]))]
    lower, upper = half_hull(ordered), half_hull(ordered[::-1])
    vertices = np.array([*lower[:-1], *upper[:-1]] or [lower[0]])
    while len(vertices) > 1:
        before, after = np.roll(vertices, 1, axis=0), np.roll(vertices, -1, axis=0)
        heights = distance_from_segments(vertices, before, after)
        least = int(heights.argmin())
        if heights[least] > close:
            break
        vertices = np.delete(vertices, least, axis=0)
    return vertices


def distance_from_segments(
    points: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> Float[np.ndarray, " n"]:
    """The distance of each point from its segment, given by start and end."""
    along, to = ends - starts, points - starts
    share = np.clip(
        (along * to).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), np.finfo(float).tiny), 0, 1
    )
    return np.hypot(*(to - share[..., None] * along).T)


def half_hull(ordered: np.ndarray) -> list[np.ndarray]:
    """The lower hull of points in lexicographic order; the upper hull if their order is reversed."""
    chain: list[np.ndarray] = []
    for p in ordered:
        while len(chain) > 1 and cross(chain[-1] - chain[-2], p - chain[-2]) <= 0:
            chain.pop()
        if not chain or (p != chain[-1]).any():
            chain.append(p)
    return chain


def cross(a: np.ndarray, b: np.ndarray) -> Any:
    """The cross product of vectors in the plane, along the last axis."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def clip(polygon: Polygon, normal: Sequence[float] | np.ndarray, offset: float) -> Polygon:
    r"""The part of a polygon in the half-plane $n \cdot x \ge c$ (Sutherland & Hodgman 1974).

    Example:
        >>> clip(np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]), (1, 0), 1.0).tolist()
        [[1.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]]
    """
    signed_distance = polygon @ np.asarray(normal, dtype=float) - offset
    inside = []
    for i, (p, value) in enumerate(zip(polygon, signed_distance, strict=True)):
        before, value_before = polygon[i - 1], signed_distance[i - 1]
        if value * value_before < 0:
            near, far, share = (
                (p, before, value / (value - value_before))
                if abs(value) < abs(value_before)
                else (before, p, value_before / (value_before - value))
            )
            inside.append(near + (far - near) * share)
        if value >= 0:
            inside.append(p)
    return np.array(inside).reshape(-1, 2)


def normals(polygon: Polygon) -> Float[np.ndarray, "edges 2"]:
    """Outward unit normals of the edges; two for a segment (one for each side), none for a point."""
    if len(polygon) < 2:
        return np.zeros((0, 2))
    edges = np.roll(polygon, -1, axis=0) - polygon
    return np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.hypot(*edges.T)[:, None]


def distance(point: np.ndarray, polygon: Polygon) -> float:
    """Euclidean distance of a point from a polygon: 0 inside, infinite if the polygon is empty."""
    if not len(polygon):
        return np.inf
    ends = np.roll(polygon, -1, axis=0)
    if len(polygon) > 2 and (cross(ends - polygon, point - polygon) >= 0).all():
        return 0.0
    return float(distance_from_segments(point[None], polygon, ends).min())


def one_sided_distance(a: Polygon, b: Polygon) -> float:
    r"""The one-sided Hausdorff distance $\max_{p \in A} d(p, B)$; 0 if A lies in B, or is empty."""
    return max((distance(p, b) for p in a), default=0.0)


def hausdorff(first: Polygon, second: Polygon) -> float:
    """The Hausdorff distance of two polygons, the larger of the two one-sided distances."""
    return max(one_sided_distance(first, second), one_sided_distance(second, first))


def polygon_from_support(
    best: Callable[[Float[np.ndarray, " 2"]], Float[np.ndarray, " 2"]], tolerance: float
) -> tuple[Polygon, Polygon]:
    r"""A convex polygon from its farthest points in given directions.

    Each edge of the hull of the points found so far is either an edge of the polygon, or the farthest point
    in the direction of its normal is a new vertex.

    Args:
        best: maps a direction to a farthest point of the polygon.
        tolerance: the least distance of a vertex from the hull of the others.

    Returns:
        The polygon, and for each vertex a direction in which it is farthest.

    Example:
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> polygon_from_support(lambda n: square[(square @ n).argmax()], 1e-9)[0].tolist()
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    """
    found: list[np.ndarray] = []
    directions: list[np.ndarray] = []

    def add_farthest_point(n: np.ndarray) -> np.ndarray:
        found.append(best(n))
        directions.append(n)
        return found[-1]

    for n in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]):
        add_farthest_point(np.array(n))
    tried: set[tuple[float, ...]] = set()
    while True:
        vertices, grown = hull(found, tolerance), False
        for p, n in zip(vertices, normals(vertices), strict=False):
            if tuple(n) not in tried:
                tried.add(tuple(n))
                grown |= bool((add_farthest_point(n) - p) @ n > tolerance)
        if not grown:
            vertices = hull(found, tolerance)
            cloud = np.array(found)
            return vertices, np.array(
                [directions[int(np.abs(cloud - v).sum(axis=1).argmin())] for v in vertices]
            )
