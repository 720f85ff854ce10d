r"""The best-response polytopes of a two-player game and all their vertices, by the double description method.

A player's own strategy $x$ and the opponent's best payoff $v$ against it span the cone $x \ge 0,\; v \ge
\sum_i x_i b_{ij}$ for every action $j$ of the opponent. Its extreme rays, scaled to $\sum_i x_i = 1$, are the
vertices of the best-response polytope. They are found by inserting one action $j$ at a time: rays that
violate its inequality give way to the points where it cuts the edges to rays that satisfy it (Motzkin et al.
1953; Fukuda & Prodon 1996). The same steps run on integers, which is exact, or on floats with bounds on their
errors, which proves the outcome or gives up.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from math import comb, gcd
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt64

EPSILON = float(np.finfo(float).eps)
PAIRS = 4_000_000
"""How many pairs of rays are looked at in one numpy call."""
FEW = 10
"""Up to so many actions of both players, lists are faster than arrays."""


class Unproven(ArithmeticError):
    """A float is too close to zero for its error bound: whether a ray satisfies an inequality is not known."""


class Vertices(NamedTuple):
    """The vertices of one player's best-response polytope.

    Args:
        points: strategies, each up to a positive factor where they are integers.
        labels: for each vertex, which own actions are not played, then which actions of the opponent are best
            replies.
        error: a bound on the error of every probability; 0 for integers.
    """

    points: Shaped[np.ndarray, "vertices own"]
    labels: Bool[np.ndarray, "vertices own+other"]
    error: Shaped[np.ndarray, " vertices"]

    @property
    def simple(self) -> bool:
        """Whether no vertex has more labels than the player has actions, as in every game that is not degenerate."""
        return bool((self.labels.sum(axis=1) == self.points.shape[1]).all())


def most_vertices(own: int, other: int) -> int:
    r"""The largest number of vertices of a best-response polytope, by the upper bound theorem.

    $\binom{N - \lceil d/2 \rceil}{\lfloor d/2 \rfloor} + \binom{N - 1 - \lceil (d-1)/2 \rceil}{\lfloor
    (d-1)/2 \rfloor}$ for dimension $d$ and $N = d + $ `other` facets.

    Args:
        own: actions of the player, the dimension.
        other: actions of the opponent.

    Example:
        >>> [most_vertices(n, n) for n in (2, 8, 12, 16)]
        [4, 660, 24752, 980628]

    Source: McMullen (1970), "The maximum numbers of faces of a convex polytope".
    """
    facets, half, rest = own + other, own // 2, (own - 1) // 2
    return comb(facets - (own - half), half) + comb(facets - 1 - (own - 1 - rest), rest)


def vertices(payoffs: Shaped[np.ndarray, "own other"]) -> Vertices:
    r"""All vertices of a player's best-response polytope but the origin.

    $\{(x, v) : x \ge 0,\; \sum_i x_i = 1,\; v \ge \sum_i x_i b_{ij} \;\forall j\}$

    Args:
        payoffs: `[own, other]`: what the *opponent* earns from each of its actions against each action of the
            player; integers (of any size as objects, below 2^62 otherwise) for an exact answer, floats for
            one that is proven or refused. Adding a number to a row changes nothing.

    Returns:
        The vertices, in no particular order.

    Raises:
        Unproven: for floats, where a comparison is closer than the errors allow, as in every degenerate game.

    Example:
        >>> found = vertices(np.array([[3, 2], [2, 6], [3, 1]]))
        >>> sorted(map(tuple, found.points.tolist()))
        [(0, 0, 1), (0, 1, 0), (0, 1, 2), (1, 0, 0), (4, 1, 0)]

    Source: Motzkin, Raiffa, Thompson & Thrall (1953); Fukuda & Prodon (1996), "Double description method
    revisited".
    """
    few = sum(payoffs.shape) <= FEW and payoffs.dtype.kind != "f"
    return few_vertices(payoffs) if few else array_vertices(payoffs)


def array_vertices(payoffs: Shaped[np.ndarray, "own other"]) -> Vertices:
    """The same for any number of actions, all rays at once.

    Raises:
        Unproven: as `vertices`.
    """
    own, other = payoffs.shape
    payoffs = payoffs.astype({"f": float, "i": np.int64}.get(payoffs.dtype.kind, object))
    rays, tight = first_cone(payoffs)
    combine = combined_floats if payoffs.dtype == float else combined
    waiting = list(range(1, other))
    while waiting:
        deepest = int(
            (rays[:, 0, own:] < 0).sum(axis=0).argmax()
        )  # to cut off many rays early keeps the cones small
        slack = rays[:, :, own + deepest].copy()
        rays[:, :, own + deepest] = rays[:, :, -1]
        rays, action, waiting[deepest] = rays[:, :, :-1], waiting[deepest], waiting[-1]
        waiting.pop()
        above, below = sides(slack)
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


def few_vertices(payoffs: Shaped[np.ndarray, "own other"]) -> Vertices:
    """The same for a few actions, where calls of numpy take longer than what they compute: lists of Python's integers."""
    own, other = payoffs.shape
    table = payoffs.tolist()
    rays = [([0] * own, [1] * other, (1 << own) - 1)]  # x, the slacks, and the tight inequalities as bits
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


def first_cone(
    payoffs: Shaped[np.ndarray, "own other"],
) -> tuple[Shaped[np.ndarray, "rays kinds columns"], Bool[np.ndarray, "rays labels"]]:
    r"""The rays where only action 0 of the opponent is counted: v alone, then one per own action.

    The columns of a ray are its x and its slacks $v - \sum_i x_i b_{ij}$ of the actions that are not counted
    yet. There is a second kind of row for floats: bounds on the errors of the first.
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


def sides(
    slack: Shaped[np.ndarray, "rays kinds"],
) -> tuple[Bool[np.ndarray, " rays"], Bool[np.ndarray, " rays"]]:
    """Which rays satisfy an inequality strictly, and which violate it."""
    if slack.dtype == float and not (np.abs(slack[:, 0]) > slack[:, 1]).all():
        raise Unproven
    return slack[:, 0] > 0, slack[:, 0] < 0


def combined(
    above: Shaped[np.ndarray, "cuts 1 columns"],
    slack: Shaped[np.ndarray, "cuts 1"],
    below: Shaped[np.ndarray, "cuts 1 columns"],
    lack: Shaped[np.ndarray, "cuts 1"],
) -> Shaped[np.ndarray, "cuts 1 columns"]:
    """The points where an inequality cuts the edges between rays that satisfy it, with some slack, and rays that violate it."""
    parts = slack[:, :, None], below, -lack[:, :, None], above
    largest = [int(np.abs(r).max(initial=0)) for r in parts]
    if above.dtype != object and largest[0] * largest[1] + largest[2] * largest[3] >= 2**63:
        parts = tuple(r.astype(object) for r in parts)
    rays = parts[0] * parts[1] + parts[2] * parts[3]
    rays //= np.gcd.reduce(rays, axis=-1, keepdims=True)
    return rays.astype(np.int64) if rays.dtype == object and np.abs(rays).max(initial=0) < 2**63 else rays


def combined_floats(
    above: Float[np.ndarray, "cuts 2 columns"],
    slack: Float[np.ndarray, "cuts 2"],
    below: Float[np.ndarray, "cuts 2 columns"],
    lack: Float[np.ndarray, "cuts 2"],
) -> Float[np.ndarray, "cuts 2 columns"]:
    r"""The same in floats, scaled to a largest entry of 1, with bounds on the errors that they have by now.

    $|\hat a \hat r - a r| \le |\hat a|\, \epsilon_r + \epsilon_a (|\hat r| + \epsilon_r)$, and a few
    roundings more.
    """
    (up, up_error), (down, down_error) = above.swapaxes(0, 1), below.swapaxes(0, 1)
    a, b, a_error, b_error = slack[:, :1], -lack[:, :1], slack[:, 1:], lack[:, 1:]
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
    """The pairs of a ray above and a ray below an inequality that an edge of the cone joins.

    Where one of the two has no more tight inequalities than the dimension needs, sharing all but one of these
    is enough. Otherwise no third ray may have all that the two share.
    """
    masks, simple = packed(tight), tight.sum(axis=1) == own
    if masks.shape[1] > 1:
        simple[:] = False
    easy, hard = (above[simple[above]], below[simple[below]]), (above[~simple[above]], below[~simple[below]])
    pairs = [easy_edges(masks[:, 0], *easy, own)]
    for a, b in ((hard[0], easy[1]), (easy[0], hard[1]), hard):
        for block in blocks(a, len(b)):
            words = zip(masks[block].T, masks[b].T, strict=True)
            shared = reduce(np.add, (np.bitwise_count(x[:, None] & y).astype(np.uint16) for x, y in words))
            i, j = np.nonzero(shared >= own - 1)
            pairs.append((block[i], b[j]))
            if a is hard[0] and b is hard[1]:
                pairs[-1] = alone(masks, *pairs[-1])
    return tuple(np.concatenate(side) for side in zip(*pairs, strict=True))


def easy_edges(
    masks: UInt64[np.ndarray, " rays"], above: Int[np.ndarray, " a"], below: Int[np.ndarray, " b"], own: int
):
    """Edges between rays with as many tight inequalities as the dimension needs: equal sets after each has lost one."""
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


def alone(masks, a, b):
    """Those of the pairs whose shared tight inequalities no third ray has."""
    keep = np.empty(len(a), dtype=bool)
    for part in blocks(np.arange(len(a)), len(masks)):
        shared = masks[a[part]] & masks[b[part]]
        keep[part] = np.count_nonzero(pairwise(shared, masks, lambda x, y: x & ~y, 0), axis=1) == 2
    return a[keep], b[keep]


def blocks(items: Int[np.ndarray, " items"], partners: int) -> Iterator[Int[np.ndarray, " block"]]:
    """The items in parts, so that all pairs of a part and its partners fit into memory; none without partners."""
    size = max(1, PAIRS // max(1, partners))
    return (items[start : start + size] for start in range(0, len(items) if partners else 0, size))


def pairwise(
    first, second, combine: Callable[..., np.ndarray], wanted: Any
) -> Bool[np.ndarray, "first second"]:
    """Which pairs of sets, as `packed` has them, combine to the wanted set."""
    wanted = np.broadcast_to(wanted, first.shape[1:])
    return reduce(
        np.logical_and,
        (combine(x[:, None], y) == w for x, y, w in zip(first.T, second.T, wanted, strict=True)),
    )


def packed(tight: Bool[np.ndarray, "rays labels"]) -> UInt64[np.ndarray, "rays words"]:
    """Sets of labels as words of 64 bits."""
    octets = np.packbits(tight, axis=1, bitorder="little")
    padded = np.zeros((len(octets), -(-octets.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view(np.uint64)
