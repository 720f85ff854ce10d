"""All equilibria of a two-player game by its supports, decided in floats where that is safe and in rationals where it is not."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from solvers.base import EquilibriumSet
from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.payoffs import payoff_tensor
from solvers.registry import solver, two_players
from solvers.two_player.nash_subsets import equilibrium_set

LIMIT = 4_000_000
"""Pairs of linear systems that are solved without being told to."""
SECONDS = 5e-6
"""A pair's cost, on one core, where floats decide."""
BATCH = 20_000
"""Linear systems that are solved at once."""
EPSILON = float(np.finfo(float).eps)

Sets = tuple[Bool[np.ndarray, "found own"], Bool[np.ndarray, "found others"]]
"""For each strategy, the actions it plays and the opponent's best replies to it."""


@solver("support", "porter2008simple", players=2, finds="all", exact=True)
def support_enumeration(game: Any, exact: bool = False, force: bool = False) -> EquilibriumSet:
    r"""All equilibria of a two-player game that is not degenerate, and all extreme equilibria of one that is.

    For supports I and J of equal size, x on I makes the actions J equally good, $\sum_{i \in I} x_i B_{ij} =
    v$ for $j \in J$, and none better; y on J does so for I. Each player's solutions are kept whatever the
    other's, and x and y are an equilibrium where each plays best replies only. So a strategy of one support
    meets strategies of any other: equilibria with supports of different size, which degenerate games have,
    are found, and every isolated equilibrium is among the extreme ones.

    Args:
        game: what `payoff_tensor` takes; floats are read as their shortest decimals.
        exact: whether the answers stay rationals. In either case a sign that rounding could have changed is
            decided in rationals.
        force: solve even if there are more than four million pairs of supports.

    Returns:
        The equilibria, of a degenerate game the extreme ones with the maximal Nash subsets that they span;
        always complete, and `degenerate` is proven either way.

    Raises:
        ValueError: for another number of players, and for a game too large, with the estimate.

    Example:
        >>> found = support_enumeration(([[2, 0], [0, 1]], [[1, 0], [0, 2]]), exact=True)
        >>> [e.as_json()["profile"] for e in found], found.complete
        ([[[1, 0], [1, 0]], [['2/3', '1/3'], ['1/3', '2/3']], [[0, 1], [0, 1]]], True)

    Source:
        Porter, Nudelman and Shoham (2008); the polytopes of von Stengel (2007), Section 3.3, whose vertices
        the solutions are.
    """
    rationals = two_players(game, "support")
    _, m, n = rationals.shape
    systems = math.comb(m + n, n) - 1
    if systems > LIMIT and not force:
        raise ValueError(
            f"Support enumeration of a game of {m} x {n} actions solves {systems:.3g} pairs of linear systems, about "
            f"{systems * SECONDS:.2g} s or more; pass force=True for that, or use the method 'lemke_howson' for some equilibria."
        )
    against = (
        positive_integers(rationals[1]),
        positive_integers(rationals[0].T),
    )  # what the opponent gets, by the own action
    sets = [equalizing_sets(table) for table in against]
    mutual = within(sets[0][0], sets[1][1]) & within(sets[1][0], sets[0][1]).T
    pairs = [(int(i), int(j)) for i, j in np.argwhere(mutual)]
    kind = object if exact else float
    rows, columns = (
        {k: np.array(equalizer(table, support[k], replies[k]), dtype=kind) for k in used}
        for table, (support, replies), used in zip(
            against, sets, map(set, zip(*pairs, strict=True)), strict=True
        )
    )
    degenerate = any(bool((replies.sum(axis=1) > support.sum(axis=1)).any()) for support, replies in sets)
    message = (
        "The game is degenerate: these are its extreme equilibria, and the cliques say which mixtures are too."
        if degenerate
        else ""
    )
    payoffs = rationals if exact else payoff_tensor(game)
    return equilibrium_set(
        payoffs, "support", rows, columns, pairs, complete=True, degenerate=degenerate, message=message
    )


def within(
    parts: Bool[np.ndarray, "parts actions"], wholes: Bool[np.ndarray, "wholes actions"]
) -> Bool[np.ndarray, "parts wholes"]:
    """Which sets of actions lie in which."""
    return parts.astype(np.float32) @ (~wholes).T.astype(np.float32) == 0


def equalizing_sets(table: Shaped[np.ndarray, "own others"]) -> Sets:
    r"""The support and the best replies of every vertex but 0 of $\{z \ge 0 : \sum_i z_i u_{ij} \le 1 \text{ for all } j\}$.

    A vertex solves $\sum_{i \in I} z_i u_{ij} = 1,\ j \in J$, for some I and J of equal size, and all such
    systems are tried. Floats decide whether a solution is feasible where a bound on their error allows it;
    other systems are solved in rationals.

    Args:
        table: u, what the opponent gets, as positive integers; own actions in rows.

    Example:
        >>> support, replies = equalizing_sets(np.array([[1, 3], [2, 1]], dtype=object))
        >>> [np.flatnonzero(s).tolist() for s in support], [np.flatnonzero(r).tolist() for r in replies]
        ([[0], [1], [0, 1]], [[1], [0], [0, 1]])

    Source:
        von Stengel (2007), Section 3.3.
    """
    scaled, integers = in_one_to_two(table), table.tolist()
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], None] = {}  # a set in order
    for rows, columns in systems(*table.shape):
        feasible, doubtful = screen(scaled, rows, columns)
        for k in np.flatnonzero(feasible | doubtful):
            support, replies = tuple(rows[k].tolist()), tuple(columns[k].tolist())
            sets = rational_sets(integers, support, replies) if doubtful[k] else (support, replies)
            if sets is not None:
                found[sets] = None
    support, replies = (
        np.array([[a in s[side] for a in range(table.shape[side])] for s in found]) for side in (0, 1)
    )
    return support, replies


def equalizer(
    table: Shaped[np.ndarray, "own others"],
    support: Bool[np.ndarray, " own"],
    replies: Bool[np.ndarray, " others"],
) -> list[Fraction]:
    """The strategy that a support and its best replies determine, in rationals.

    Args:
        table: as for `equalizing_sets`.
        support: the actions that are played, a row of what `equalizing_sets` found.
        replies: the best replies, from the same row.

    Example:
        >>> both = np.array([True, True])
        >>> equalizer(np.array([[1, 3], [2, 1]], dtype=object), both, both)
        [Fraction(1, 3), Fraction(2, 3)]
    """
    solved = unique_solution(table[np.ix_(support, replies)].T.tolist(), [1] * int(replies.sum()))
    assert solved is not None, "the sets come from a vertex"
    weights = dict(zip(np.flatnonzero(support).tolist(), solved[0], strict=True))
    return [Fraction(weights.get(i, 0), sum(solved[0])) for i in range(len(table))]


def in_one_to_two(table: Shaped[np.ndarray, "own others"]) -> Float[np.ndarray, "own others"]:
    """A table of positive integers, the least of which is 1, on the scale from 1 to 2, correct to the last bit but one."""
    top = int(table.max()) - 1 or 1
    return np.array([[1 + (u - 1) / top for u in row] for row in table.tolist()])


def systems(
    own: int, others: int
) -> Iterator[tuple[Int[np.ndarray, "batch size"], Int[np.ndarray, "batch size"]]]:
    """All pairs of an own support and as many of the opponent's actions, in batches."""
    for size in range(1, min(own, others) + 1):
        rows, columns = (np.array(list(combinations(range(k), size))) for k in (own, others))
        total = len(rows) * len(columns)
        for start in range(0, total, BATCH):
            first, second = np.divmod(np.arange(start, min(start + BATCH, total)), len(columns))
            yield rows[first], columns[second]


def screen(
    table: Float[np.ndarray, "own others"],
    rows: Int[np.ndarray, "batch size"],
    columns: Int[np.ndarray, "batch size"],
) -> tuple[Bool[np.ndarray, " batch"], Bool[np.ndarray, " batch"]]:
    r"""Solve a batch of systems $M z = 1$, $M_{ji} = u_{ij}$, and say which solutions are feasible for sure and which may be.

    With an approximate inverse X of M and $\|I - X M\| \le 1/2$, $\|M^{-1}\| \le 2 \|X\|$, so that the error
    of z is at most $2 \|X\|\, \|M z - 1\|$, the residual being taken with its own rounding (all norms are
    maximum norms). A solution is feasible for sure where every $z_i$ and every slack outside J is positive by
    more than its error, and infeasible for sure where one is negative by more.

    Returns:
        Whether each z is feasible for sure, with no more zeros than it must have, and whether rationals must
        decide.
    """
    size = rows.shape[1]
    matrix = table[rows[:, None, :], columns[:, :, None]]
    regular = np.linalg.det(matrix) != 0
    matrix[~regular] = np.eye(size)
    inverse = np.linalg.inv(matrix)
    z = inverse.sum(axis=-1)
    rounding = 2 * (size + 4) * EPSILON
    residual = np.abs(np.einsum("bji,bi->bj", matrix, z) - 1) + rounding * (
        np.einsum("bji,bi->bj", matrix, np.abs(z)) + 1
    )
    norm = np.abs(inverse).sum(axis=-1).max(axis=-1)
    defect = np.abs(inverse @ matrix - np.eye(size)).sum(axis=-1).max(axis=-1) + rounding * size * norm * 2
    error = 2 * norm * residual.max(axis=-1)
    payoffs = np.einsum("bi,bio->bo", z, table[rows])
    slack = 1 - payoffs
    slack_error = 2 * size * error + rounding * (2 * np.abs(z).sum(axis=-1) + 1)
    np.put_along_axis(slack, columns, np.inf, axis=1)  # those in J are 0
    least, least_slack = z.min(axis=-1), slack.min(axis=-1)
    bounded = regular & (defect <= 0.5)
    feasible = bounded & (least > error) & (least_slack > slack_error)
    infeasible = bounded & ((least < -error) | (least_slack < -slack_error))
    return feasible, ~feasible & ~infeasible


def rational_sets(
    table: Sequence[Sequence[int]], rows: Sequence[int], columns: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The support and the best replies of the vertex that solves one system; None if there is none or it is infeasible."""
    solved = unique_solution([[table[i][j] for i in rows] for j in columns], [1] * len(rows))
    if solved is None or min(solved[0]) < 0:
        return None
    weights, one = [(w, table[i]) for w, i in zip(solved[0], rows, strict=True)], solved[1]
    slacks = [one - sum(w * row[j] for w, row in weights) for j in range(len(table[0]))]
    if min(slacks) < 0:
        return None
    return tuple(i for w, i in zip(solved[0], rows, strict=True) if w), tuple(
        j for j, s in enumerate(slacks) if s == 0
    )
