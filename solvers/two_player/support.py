"""All equilibria of a two-player game by support enumeration, in floats with error bounds or in rationals."""

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
from solvers.registry import solver, two_player_payoffs
from solvers.two_player.nash_subsets import equilibrium_set

LIMIT = 4_000_000
"""The largest number of pairs of supports without `force=True`."""
SECONDS = 5e-6
"""Seconds per pair of supports on one core if floats suffice."""
BATCH = 20_000
"""Number of linear systems in one call of numpy."""
EPSILON = float(np.finfo(float).eps)

Sets = tuple[Bool[np.ndarray, "found own"], Bool[np.ndarray, "found others"]]
"""For each strategy, the mask of its support and the mask of the opponent's best replies to it."""


@solver("support", "porter2008simple", players=2, finds="all", exact=True)
def support_enumeration(game: Any, exact: bool = False, force: bool = False) -> EquilibriumSet:
    r"""All equilibria of a nondegenerate two-player game; all extreme equilibria of a degenerate one.

    For supports I and J of equal size, the strategy x on I makes the opponent indifferent on J, $\sum_{i \in
    I} x_i B_{ij} = v$ for $j \in J$, with no better reply outside J. All such strategies of both players are
    computed; x and y form an equilibrium if each is a mixture of best replies to the other. Strategies from
    different pairs of supports are combined too, which finds the equilibria of degenerate games with supports
    of different sizes.

    Args:
        game: a two-player game; see `payoff_tensor`. Floats are read as their shortest decimals.
        exact: whether profiles are returned as `Fraction`s instead of float64. In both cases, numbers whose
            sign rounding could change are computed in rationals.
        force: whether to solve games with more than four million pairs of supports.

    Returns:
        The extreme equilibria with the maximal Nash subsets that they span; `complete` is True, and
        `degenerate` is True or False.

    Raises:
        ValueError: if there are not two players, or if the game is too large; the message gives the estimate.

    Example:
        >>> found = support_enumeration(([[2, 0], [0, 1]], [[1, 0], [0, 2]]), exact=True)
        >>> [e.as_json()["profile"] for e in found], found.complete
        ([[[1, 0], [1, 0]], [['2/3', '1/3'], ['1/3', '2/3']], [[0, 1], [0, 1]]], True)

    Source:
        Porter, Nudelman and Shoham (2008). The strategies are the vertices of the best-response polytopes of
        von Stengel (2007), Section 3.3.
    """
    rationals = two_player_payoffs(game, "support")
    _, m, n = rationals.shape
    systems = math.comb(m + n, n) - 1
    if systems > LIMIT and not force:
        raise ValueError(
            f"Support enumeration of a game of {m} x {n} actions solves {systems:.3g} pairs of linear "
            f"systems, about {systems * SECONDS:.2g} s or more; pass force=True for that, or use the method "
            "'lemke_howson' for some equilibria."
        )
    opponent_payoffs = (positive_integers(rationals[1]), positive_integers(rationals[0].T))
    sets = [equalizing_sets(table) for table in opponent_payoffs]
    mutual = subset_matrix(sets[0][0], sets[1][1]) & subset_matrix(sets[1][0], sets[0][1]).T
    pairs = [(int(i), int(j)) for i, j in np.argwhere(mutual)]
    kind = object if exact else float
    rows, columns = (
        {k: np.array(equalizing_strategy(table, support[k], replies[k]), dtype=kind) for k in used}
        for table, (support, replies), used in zip(
            opponent_payoffs, sets, map(set, zip(*pairs, strict=True)), strict=True
        )
    )
    degenerate = any(bool((replies.sum(axis=1) > support.sum(axis=1)).any()) for support, replies in sets)
    message = (
        "The game is degenerate: these are its extreme equilibria; mixtures within a clique are equilibria "
        "too."
        if degenerate
        else ""
    )
    payoffs = rationals if exact else payoff_tensor(game)
    return equilibrium_set(
        payoffs, "support", rows, columns, pairs, complete=True, degenerate=degenerate, message=message
    )


def subset_matrix(
    parts: Bool[np.ndarray, "parts actions"], wholes: Bool[np.ndarray, "wholes actions"]
) -> Bool[np.ndarray, "parts wholes"]:
    """Which of the sets `parts` are subsets of which of the sets `wholes`."""
    return parts.astype(np.float32) @ (~wholes).T.astype(np.float32) == 0


def equalizing_sets(table: Shaped[np.ndarray, "own others"]) -> Sets:
    r"""The supports and best replies of all vertices of a best-response polytope except 0.

    $\{z \ge 0 : \sum_i z_i u_{ij} \le 1 \text{ for all } j\}$

    Every vertex solves $\sum_{i \in I} z_i u_{ij} = 1,\ j \in J$, for some I and J of equal size. All these
    systems are solved in floats; where the error bound does not prove whether the solution is feasible, the
    system is solved in rationals.

    Args:
        table: $u$, the opponent's payoffs as positive integers; own actions in rows.

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


def equalizing_strategy(
    table: Shaped[np.ndarray, "own others"],
    support: Bool[np.ndarray, " own"],
    replies: Bool[np.ndarray, " others"],
) -> list[Fraction]:
    """The strategy on a support that makes the opponent's best replies equally good, in rationals.

    Args:
        table: as for `equalizing_sets`.
        support: mask of the support, a row of the result of `equalizing_sets`.
        replies: mask of the best replies, the same row.

    Example:
        >>> both = np.array([True, True])
        >>> equalizing_strategy(np.array([[1, 3], [2, 1]], dtype=object), both, both)
        [Fraction(1, 3), Fraction(2, 3)]
    """
    solved = unique_solution(table[np.ix_(support, replies)].T.tolist(), [1] * int(replies.sum()))
    assert solved is not None, "the sets come from a vertex"
    weights = dict(zip(np.flatnonzero(support).tolist(), solved[0], strict=True))
    return [Fraction(weights.get(i, 0), sum(solved[0])) for i in range(len(table))]


def in_one_to_two(table: Shaped[np.ndarray, "own others"]) -> Float[np.ndarray, "own others"]:
    """Rescale positive integers with minimum 1 to floats in [1, 2], correct to the last bit but one."""
    top = int(table.max()) - 1 or 1
    return np.array([[1 + (u - 1) / top for u in row] for row in table.tolist()])


def systems(
    own: int, others: int
) -> Iterator[tuple[Int[np.ndarray, "batch size"], Int[np.ndarray, "batch size"]]]:
    """All pairs of an own support and an equally large set of the opponent's actions, in batches."""
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
    r"""Solve a batch of systems $M z = 1$, $M_{ji} = u_{ij}$, and decide which solutions are feasible.

    For an approximate inverse X of M with $\|I - X M\| \le 1/2$, $\|M^{-1}\| \le 2 \|X\|$, so the error of z
    is at most $2 \|X\|\, \|M z - 1\|$, where the rounding of the residual is included (all norms are maximum
    norms). A solution is proven feasible if every $z_i$ and every slack outside J exceeds its error, and
    proven infeasible if one of them is below minus its error.

    Returns:
        Two masks: proven feasible, with every $z_i$ and every slack outside J positive; and undecided.
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
    np.put_along_axis(slack, columns, np.inf, axis=1)  # the slacks in J are 0
    least, least_slack = z.min(axis=-1), slack.min(axis=-1)
    bounded = regular & (defect <= 0.5)
    feasible = bounded & (least > error) & (least_slack > slack_error)
    infeasible = bounded & ((least < -error) | (least_slack < -slack_error))
    return feasible, ~feasible & ~infeasible


def rational_sets(
    table: Sequence[Sequence[int]], rows: Sequence[int], columns: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Solve one system in rationals: the support and best replies of its vertex; None if it has no vertex."""
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
