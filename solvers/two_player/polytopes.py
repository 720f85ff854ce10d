r"""The best-response polytopes of a two-player game and all their vertices, by the double description method.

A player's strategy $x$ and the opponent's best payoff $v$ against it lie in the cone $x \ge 0,\; v \ge \sum_i
x_i b_{ij}$ for every action $j$ of the opponent. Its extreme rays, scaled to $\sum_i x_i = 1$, are the
vertices of the best-response polytope. They are found by inserting one action $j$ at a time: rays that
violate its inequality are replaced by the points where it cuts the edges to rays that satisfy it (Motzkin et
al. 1953; Fukuda & Prodon 1996). The computation is exact in integers; in floats every number has an error
bound, and `Unproven` is raised if a bound does not decide a sign.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from math import comb, gcd
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt64

EPSILON = float(np.finfo(float).eps)
PAIRS = 4_000_000
"""The largest number of pairs of rays in one call of numpy."""
MAX_LIST_ACTIONS = 10
"""Up to this total number of actions, Python lists are faster than arrays."""


class Unproven(ArithmeticError):
    """Raised if a float is within its error bound of 0, so that its sign is undecided."""


class Vertices(NamedTuple):
    """The vertices of one player's best-response polytope.

    Args:
        points: the strategies; if integers, each is a positive multiple of a strategy.
        labels: for each vertex, the mask of own actions that are not played, followed by the mask of the
            opponent's best replies.
        error: a bound on the error of every probability; 0 for integers.
    """

    points: Shaped[np.ndarray, "vertices own"]
    labels: Bool[np.ndarray, "vertices own+other"]
    error: Shaped[np.ndarray, " vertices"]

    @property
    def simple(self) -> bool:
        """Whether every vertex has as many labels as the player has actions.

        If this holds for both polytopes, the game is not degenerate.
        """
        return bool((self.labels.sum(axis=1) == self.points.shape[1]).all())


def most_vertices(own: int, other: int) -> int:
    r"""The largest number of vertices of a best-response polytope, by the upper bound theorem.

    $\binom{N - \lceil d/2 \rceil}{\lfloor d/2 \rfloor} + \binom{N - 1 - \lceil (d-1)/2 \rceil}{\lfloor
    (d-1)/2 \rfloor}$ for dimension $d$ and $N = d + $ `other` facets.

    Args:
        own: number of actions of the player, the dimension $d$.
        other: number of actions of the opponent.

    Example:
        >>> [most_vertices(n, n) for n in (2, 8, 12, 16)]
        [4, 660, 24752, 980628]

    Source:
        McMullen (1970), "The maximum numbers of faces of a convex polytope".
    """
    facets, half, rest = own + other, own // 2, (own - 1) // 2
    return comb(facets - (own - half), half) + comb(facets - 1 - (own - 1 - rest), rest)


def vertices(payoffs: Shaped[np.ndarray, "own other"]) -> Vertices:
    r"""All vertices of a player's best-response polytope except the origin.

    $\{(x, v) : x \ge 0,\; \sum_i x_i = 1,\; v \ge \sum_i x_i b_{ij} \;\forall j\}$

    Args:
        payoffs: the *opponent's* payoffs, `(own, other)`; as integers (Python integers in an array of
            objects, or machine integers below 2^62) or as floats. Adding a constant to a row changes nothing.

    Returns:
        The vertices, in no particular order.

    Raises:
        Unproven: for floats, if the error bounds do not decide a comparison, as in every degenerate game.

    Example:
        >>> found = vertices(np.array([[3, 2], [2, 6], [3, 1]]))
        >>> sorted(map(tuple, found.points.tolist()))
        [(0, 0, 1), (0, 1, 0), (0, 1, 2), (1, 0, 0), (4, 1, 0)]

    Source:
        Motzkin, Raiffa, Thompson & Thrall (1953); Fukuda & Prodon (1996), "Double description method
        revisited".
    """
    few = sum(payoffs.shape) <= MAX_LIST_ACTIONS and payoffs.dtype.kind != "f"
    return vertices_by_lists(payoffs) if few else vertices_by_arrays(payoffs)


def vertices_by_arrays(payoffs: Shaped[np.ndarray, "own other"]) -> Vertices:
    """`vertices` for any number of actions, with arrays of rays.

    Raises:
        Unproven: as `vertices`.
    """
    own, other = payoffs.shape
    payoffs = payoffs.astype({"f": float, "i": np.int64}.get(payoffs.dtype.kind, object))
    rays, tight = initial_rays(payoffs)
    combine = cut_points_in_floats if payoffs.dtype == float else cut_points
    waiting = list(range(1, other))
    while waiting:
        deepest = int(
            (rays[:, 0, own:] < 0).sum(axis=0).argmax()
        )  # inserting the action that cuts off most rays keeps the cones small
        slack = rays[:, :, own + deepest].copy()
        rays[:, :, own + deepest] = rays[:, :, -1]
        rays, action, waiting[deepest] = rays[:, :, :-1], waiting[deepest], waiting[-1]
        waiting.pop()
        above, below = sides_of_inequality(slack)
        tight[:, own + action] = ~(above | below)
        if not below.any():
            continue
        a, b = edges(tight, np.flatnonzero(above), np.flatnonzero(below), own)
        cut, cut_tight = combine(rays[a], slack[a], rays[b], slack[b]), tight[a] & tight[b]
        cut_tight[:, own + action] = True
        rays, tight = np.concatenate([rays[~below], cut]), np.concatenate([tight[~below], cut_tight])
    points, error = rays[1:, 0], np.zeros(len(rays) - 1)
    if payoffs.dtype == float:
        total = points.sum(axis=1)
        points, error = points / total[:, None], 4 * (rays[1:, 1].sum(axis=1) / total + own * EPSILON)
    return Vertices(points, tight[1:], error)


def vertices_by_lists(payoffs: Shaped[np.ndarray, "own other"]) -> Vertices:
    """`vertices` for few actions, with lists of integers, which are then faster than calls of numpy."""
    own, other = payoffs.shape
    table = payoffs.tolist()
    rays = [
        ([0] * own, [1] * other, (1 << own) - 1)
    ]  # x, the slacks, and a bit mask of the tight inequalities
    for i, (first, *rest) in enumerate(table):
        x, slacks = [int(k == i) for k in range(own)], [0, *(first - b for b in rest)]
        rays.append((x, slacks, (1 << own) - 1 - (1 << i) + (1 << own)))
    for j in range(1, other):
        bit = 1 << (own + j)
        kept = [(x, s, tight if s[j] else tight | bit) for x, s, tight in rays if s[j] >= 0]
        above, below, masks = (
            [r for r in rays if r[1][j] > 0],
            [r for r in rays if r[1][j] < 0],
            [r[2] for r in rays],
        )
        for x, s, tight in above:
            for y, t, other_tight in below:
                shared = tight & other_tight
                if shared.bit_count() < own - 1 or sum(shared & mask == shared for mask in masks) > 2:
                    continue
                a, b = s[j], -t[j]
                mixed = (
                    [a * v + b * u for u, v in zip(x, y, strict=True)],
                    [a * v + b * u for u, v in zip(s, t, strict=True)],
                )
                common = gcd(*mixed[0], *mixed[1])
                kept.append(([v // common for v in mixed[0]], [v // common for v in mixed[1]], shared | bit))
        rays = kept
    labels = [[tight >> k & 1 == 1 for k in range(own + other)] for _, _, tight in rays[1:]]
    points = np.array([x for x, _, _ in rays[1:]], dtype=object)
    return Vertices(points, np.array(labels), np.zeros(len(points)))


def initial_rays(
    payoffs: Shaped[np.ndarray, "own other"],
) -> tuple[Shaped[np.ndarray, "rays kinds columns"], Bool[np.ndarray, "rays labels"]]:
    r"""The extreme rays of the cone with action 0's inequality only: that of v, then one per own action.

    A ray holds x and the slacks $v - \sum_i x_i b_{ij}$ of the actions that are not inserted yet. For floats,
    a second row holds the error bounds of the first.
    """
    own, other = payoffs.shape
    floats = payoffs.dtype == float
    scaled = payoffs / (np.abs(payoffs).max() or 1) if floats else payoffs
    rays = np.zeros((own + 1, 1 + floats, own + other - 1), dtype=payoffs.dtype)
    rays[1:, 0, :own] = np.eye(own, dtype=int)
    rays[0, 0, own:], rays[1:, 0, own:] = 1, scaled[:, :1] - scaled[:, 1:]
    rays[1:, 1:, own:] = 4 * EPSILON
    tight = np.zeros((own + 1, own + other), dtype=bool)
    tight[:, :own], tight[1:, own] = rays[:, 0, :own] == 0, True
    return rays, tight


def sides_of_inequality(
    slack: Shaped[np.ndarray, "rays kinds"],
) -> tuple[Bool[np.ndarray, " rays"], Bool[np.ndarray, " rays"]]:
    """Masks of the rays that satisfy an inequality strictly, and of those that violate it."""
    if slack.dtype == float and not (np.abs(slack[:, 0]) > slack[:, 1]).all():
        raise Unproven
    return slack[:, 0] > 0, slack[:, 0] < 0


def cut_points(
    above: Shaped[np.ndarray, "cuts 1 columns"],
    slack: Shaped[np.ndarray, "cuts 1"],
    below: Shaped[np.ndarray, "cuts 1 columns"],
    deficit: Shaped[np.ndarray, "cuts 1"],
) -> Shaped[np.ndarray, "cuts 1 columns"]:
    """The rays in which the plane of an inequality cuts the edges between rays on its two sides.

    Args:
        above: the rays that satisfy the inequality, one per edge.
        slack: their positive slacks.
        below: the rays that violate it.
        deficit: their negative slacks.
    """
    parts = slack[:, :, None], below, -deficit[:, :, None], above
    largest = [int(np.abs(r).max(initial=0)) for r in parts]
    if above.dtype != object and largest[0] * largest[1] + largest[2] * largest[3] >= 2**63:
        parts = tuple(r.astype(object) for r in parts)
    rays = parts[0] * parts[1] + parts[2] * parts[3]
    rays //= np.gcd.reduce(rays, axis=-1, keepdims=True)
    return rays.astype(np.int64) if rays.dtype == object and np.abs(rays).max(initial=0) < 2**63 else rays


def cut_points_in_floats(
    above: Float[np.ndarray, "cuts 2 columns"],
    slack: Float[np.ndarray, "cuts 2"],
    below: Float[np.ndarray, "cuts 2 columns"],
    deficit: Float[np.ndarray, "cuts 2"],
) -> Float[np.ndarray, "cuts 2 columns"]:
    r"""`cut_points` in floats, scaled to a largest entry of 1, with error bounds.

    $|\hat a \hat r - a r| \le |\hat a|\, \epsilon_r + \epsilon_a (|\hat r| + \epsilon_r)$, plus the
    rounding of these operations.
    """
    (up, up_error), (down, down_error) = above.swapaxes(0, 1), below.swapaxes(0, 1)
    a, b, a_error, b_error = slack[:, :1], -deficit[:, :1], slack[:, 1:], deficit[:, 1:]
    rays = np.empty_like(above)
    rays[:, 0], down, up = a * down + b * up, np.abs(down), np.abs(up)
    error = (
        a * down_error
        + a_error * (down + down_error)
        + b * up_error
        + b_error * (up + up_error)
        + 2 * EPSILON * (a * down + b * up)
    )
    largest = np.abs(rays[:, 0]).max(axis=1, keepdims=True)
    rays[:, 0] /= largest
    rays[:, 1] = (error / largest + EPSILON * np.abs(rays[:, 0])) * (1 + 16 * EPSILON)
    rays[:, 1][(up == 0) & (down == 0)] = 0
    return rays


def edges(
    tight: Bool[np.ndarray, "rays labels"],
    above: Int[np.ndarray, " a"],
    below: Int[np.ndarray, " b"],
    own: int,
):
    """The edges of the cone between a ray above and a ray below an inequality, as two arrays of indices.

    If one of two rays has exactly as many tight inequalities as the dimension requires, they are adjacent if
    they share all but one of them. Otherwise they are adjacent if no third ray has all the tight inequalities
    that they share.
    """
    masks, simple = pack_sets(tight), tight.sum(axis=1) == own
    if masks.shape[1] > 1:
        simple[:] = False
    simple_pair, other_pair = (
        (above[simple[above]], below[simple[below]]),
        (above[~simple[above]], below[~simple[below]]),
    )
    pairs = [edges_of_simple_rays(masks[:, 0], *simple_pair, own)]
    for a, b in ((other_pair[0], simple_pair[1]), (simple_pair[0], other_pair[1]), other_pair):
        for block in blocks(a, len(b)):
            words = zip(masks[block].T, masks[b].T, strict=True)
            shared = reduce(np.add, (np.bitwise_count(x[:, None] & y).astype(np.uint16) for x, y in words))
            i, j = np.nonzero(shared >= own - 1)
            pairs.append((block[i], b[j]))
            if a is other_pair[0] and b is other_pair[1]:
                pairs[-1] = adjacent_pairs(masks, *pairs[-1])
    return tuple(np.concatenate(side) for side in zip(*pairs, strict=True))


def edges_of_simple_rays(
    masks: UInt64[np.ndarray, " rays"], above: Int[np.ndarray, " a"], below: Int[np.ndarray, " b"], own: int
):
    """Edges between rays with exactly as many tight inequalities as the dimension requires.

    Two of them are adjacent if their sets are equal after removing one inequality from each.
    """
    rays = np.concatenate([above, below])
    sets = masks[rays]
    keys, rest = np.empty((own, len(rays)), dtype=np.uint64), sets.copy()
    for key in keys:
        last = rest & (~rest + np.uint64(1))
        key[:], rest = sets ^ last, rest ^ last
    order = np.argsort(keys, axis=None)
    sorted_keys = keys.ravel()[order]
    twins = np.flatnonzero(sorted_keys[1:] == sorted_keys[:-1])
    first, second = order[twins] % len(rays), order[twins + 1] % len(rays)
    a, b = np.minimum(first, second), np.maximum(first, second)
    mixed = (a < len(above)) & (b >= len(above))
    return rays[a[mixed]], rays[b[mixed]]


def adjacent_pairs(masks, a, b):
    """The pairs of rays such that no third ray has all tight inequalities that the pair shares."""
    keep = np.empty(len(a), dtype=bool)
    for part in blocks(np.arange(len(a)), len(masks)):
        shared = masks[a[part]] & masks[b[part]]
        keep[part] = np.count_nonzero(pairs_with_result(shared, masks, lambda x, y: x & ~y, 0), axis=1) == 2
    return a[keep], b[keep]


def blocks(items: Int[np.ndarray, " items"], partners: int) -> Iterator[Int[np.ndarray, " block"]]:
    """Split the items into blocks, with at most `PAIRS` pairs of an item of the block and a partner.

    There are no blocks if there are no partners.
    """
    size = max(1, PAIRS // max(1, partners))
    return (items[start : start + size] for start in range(0, len(items) if partners else 0, size))


def pairs_with_result(
    first, second, combine: Callable[..., np.ndarray], wanted: Any
) -> Bool[np.ndarray, "first second"]:
    """For all pairs of packed sets, whether a bitwise operation on them gives the wanted set."""
    wanted = np.broadcast_to(wanted, first.shape[1:])
    return reduce(
        np.logical_and,
        (combine(x[:, None], y) == w for x, y, w in zip(first.T, second.T, wanted, strict=True)),
    )


def pack_sets(tight: Bool[np.ndarray, "rays labels"]) -> UInt64[np.ndarray, "rays words"]:
    """Pack sets of labels into words of 64 bits."""
    octets = np.packbits(tight, axis=1, bitorder="little")
    padded = np.zeros((len(octets), -(-octets.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view(np.uint64)
