"""Convex polygons in the plane of two players' payoffs, points and segments included (which general hull libraries refuse)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

Polygon = Float[np.ndarray, "vertices 2"]
"""Vertices counterclockwise; one row is a point, two are a segment, none the empty set."""


def hull(points: Sequence | np.ndarray, close: float = 0.0) -> Polygon:
    """The convex hull, with vertices that do not stand out left away (Andrew 1979).

    Args:
        points: any number of pairs.
        close: how far a vertex must lie from the others and stand out from its neighbors' line to count as
            one.

    Example:
        >>> hull([[0, 0], [1, 0], [2, 0], [2, 2], [1, 0.5]]).tolist()
        [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]
    """
    cloud = np.asarray(points, dtype=float).reshape(-1, 2)
    if not len(cloud):
        return cloud
    ordered = cloud[np.lexsort((cloud[:, 1], cloud[:, 0]))]
    lower, upper = half(ordered), half(ordered[::-1])
    vertices = np.array([*lower[:-1], *upper[:-1]] or [lower[0]])
    while len(vertices) > 1:
        before, after = np.roll(vertices, 1, axis=0), np.roll(vertices, -1, axis=0)
        flat = off(vertices, before, after)
        least = int(flat.argmin())
        if flat[least] > close:
            break
        vertices = np.delete(vertices, least, axis=0)
    return vertices


def off(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Float[np.ndarray, " n"]:
    """The distance of each point from its segment."""
    along, to = ends - starts, points - starts
    share = np.clip(
        (along * to).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), np.finfo(float).tiny), 0, 1
    )
    return np.hypot(*(to - share[..., None] * along).T)


def half(ordered: np.ndarray) -> list[np.ndarray]:
    """The side of the hull to the right of the way from the first to the last of points in order."""
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
    room = polygon @ np.asarray(normal, dtype=float) - offset
    kept = []
    for i, (p, here) in enumerate(zip(polygon, room, strict=True)):
        before, there = polygon[i - 1], room[i - 1]
        if here * there < 0:
            near, far, share = (
                (p, before, here / (here - there))
                if abs(here) < abs(there)
                else (before, p, there / (there - here))
            )
            kept.append(near + (far - near) * share)
        if here >= 0:
            kept.append(p)
    return np.array(kept).reshape(-1, 2)


def normals(polygon: Polygon) -> Float[np.ndarray, "edges 2"]:
    """Outward unit normals of the edges, both sides of a segment; none of a point."""
    if len(polygon) < 2:
        return np.zeros((0, 2))
    edges = np.roll(polygon, -1, axis=0) - polygon
    return np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.hypot(*edges.T)[:, None]


def distance(point: np.ndarray, polygon: Polygon) -> float:
    """Euclidean distance of a point from a polygon, 0 within it, infinite from the empty set."""
    if not len(polygon):
        return np.inf
    ends = np.roll(polygon, -1, axis=0)
    if len(polygon) > 2 and (cross(ends - polygon, point - polygon) >= 0).all():
        return 0.0
    return float(off(point[None], polygon, ends).min())


def excess(first: Polygon, second: Polygon) -> float:
    """The farthest that any point of the first polygon lies from the second; 0 where the first is a part of it."""
    return max((distance(p, second) for p in first), default=0.0)


def hausdorff(first: Polygon, second: Polygon) -> float:
    """The Hausdorff distance of two polygons."""
    return max(excess(first, second), excess(second, first))


def from_support(
    best: Callable[[Float[np.ndarray, " 2"]], Float[np.ndarray, " 2"]], tolerance: float
) -> tuple[Polygon, Polygon]:
    r"""The polygon $\{x : n \cdot x \le h(n)\}$ of which only a farthest point in each direction can be asked for.

    Every edge of the hull of the points found is either an edge of the polygon, or its normal finds a vertex
    beyond it.

    Args:
        best: a point of the polygon farthest in a direction.
        tolerance: how far a vertex must stand out to count as one.

    Returns:
        The polygon, and for each vertex the direction in which it was found.

    Example:
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> from_support(lambda n: square[(square @ n).argmax()], 1e-9)[0].tolist()
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    """
    found: list[np.ndarray] = []
    ways: list[np.ndarray] = []

    def ask(n: np.ndarray) -> np.ndarray:
        found.append(best(n))
        ways.append(n)
        return found[-1]

    for n in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]):
        ask(np.array(n))
    asked: set[tuple[float, ...]] = set()
    while True:
        vertices, grown = hull(found, tolerance), False
        for p, n in zip(vertices, normals(vertices), strict=False):
            if tuple(n) not in asked:
                asked.add(tuple(n))
                grown |= bool((ask(n) - p) @ n > tolerance)
        if not grown:
            vertices = hull(found, tolerance)
            cloud = np.array(found)
            return vertices, np.array([ways[int(np.abs(cloud - v).sum(axis=1).argmin())] for v in vertices])
