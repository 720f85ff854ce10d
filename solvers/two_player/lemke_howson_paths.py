"""The Lemke-Howson algorithm in floats with exact verification, with lexicographic pivoting."""

import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_count
from solvers.base import EquilibriumSet, solution
from solvers.integer_pivoting import pivot, positive_integers, unique_solution
from solvers.payoffs import Payoffs, is_exact
from solvers.registry import solver, two_player_payoffs
from solvers.two_player.support import in_one_to_two, rational_sets, screen

ZERO, DOUBT = 1e-11, 1e-8
"""In a tableau of floats, whose entries are about 1, a number up to `ZERO` counts as zero; between `ZERO` and
`DOUBT` it is undecided whether it is zero."""
CERTAIN_TIE = 1e-6
"""Ties found in floats are accepted if any two different payoffs differ by more than this times the largest
payoff."""
PIVOTS = 100_000
"""The largest number of pivots of a path in floats, because rounding errors can make a path cycle."""

Sets = tuple[tuple[int, ...], tuple[int, ...]]
"""The actions that a strategy may play, and equally many actions of the opponent that are best replies to
it."""


class PathEnd(NamedTuple):
    """The end of a path in floats.

    Args:
        sets: for each player, the basic actions and the binding actions of the opponent.
        pivots: number of pivots of the path.
        tied: number of pivots up to the first ratio test with a tie; None if there was none.
    """

    sets: tuple[Sets, Sets]
    pivots: int
    tied: int | None


@solver("lemke_howson", "lemke1964equilibrium", "lh", players=2, finds="some", exact=True)
def lemke_howson(game: Any, exact: bool = False, label: int | None = None) -> EquilibriumSet:
    r"""Some equilibria of a two-player game: the ends of the Lemke-Howson paths from every label.

    Labels $0, \dots, m-1$ are the row player's actions and $m, \dots, m+n-1$ the column player's. A path
    leaves the artificial equilibrium by dropping one label, and then drops the duplicate label until no label
    is missing. Ties in the ratio test are broken lexicographically, so that no path cycles in a degenerate
    game. Paths are followed in floats; an error bound, or the solution in rationals, proves that the supports
    at the end are those of an equilibrium. If the proof fails, or if it is undecided whether a tie in floats
    is a tie, the path is followed again in integers.

    Args:
        game: a two-player game; see `payoff_tensor`.
        exact: whether profiles are returned as `Fraction`s instead of float64.
        label: the label that is dropped first; if None, one path is followed for each label.

    Returns:
        The distinct equilibria. The message of each names the labels whose paths lead to it, and its
        iterations are the pivots of the first of these paths. `degenerate` is True if a tie proved it, else
        None.

    Raises:
        ValueError: if there are not two players, or if the game has no such label.

    Example:
        >>> for e in lemke_howson(([[2, 0], [0, 1]], [[1, 0], [0, 2]]), exact=True):
        ...     print(e.as_json()["profile"], e.message, e.iterations)
        [[1, 0], [1, 0]] Found from labels 0, 2. 2
        [[0, 1], [0, 1]] Found from labels 1, 3. 2

    Source:
        Lemke and Howson (1964); tableaux, integer pivoting and the lexicographic rule as in von Stengel
        (2007), Sections 3.4 to 3.6.
    """
    payoffs = two_player_payoffs(game, "lemke_howson", exact)
    total = sum(payoffs.shape[1:])
    if label is not None:
        check_count("label", label, 0)
        if label >= total:
            raise ValueError(
                f"label is {label}; a game of {payoffs.shape[1]} x {payoffs.shape[2]} actions has the labels "
                f"0 to {total - 1}."
            )
    found, tied = path_ends(Tables(game, payoffs), range(total) if label is None else [label], exact)
    equilibria = tuple(
        solution(
            payoffs,
            profile,
            f"Found from label{'s' * (len(labels) > 1)} {', '.join(map(str, labels))}.",
            pivots,
        )
        for profile, labels, pivots in found
    )
    failed = any(e.status != "solved" for e in equilibria)
    return EquilibriumSet(
        payoffs,
        "lemke_howson",
        equilibria,
        degenerate=tied or None,
        status="not_converged" if failed else "solved",
        message="Other equilibria may exist.",
    )


class Tables:
    """Both players' payoffs in floats and in integers; integers are computed only if they are needed.

    Args:
        game: the game as given by the user.
        payoffs: its payoff tensor.
    """

    def __init__(self, game: Any, payoffs: Payoffs):
        self.game, self.payoffs = game, payoffs

    @functools.cached_property
    def integers(self) -> tuple[np.ndarray, np.ndarray]:
        """Both tables as positive integers."""
        row, column = two_player_payoffs(self.game, "lemke_howson")
        return positive_integers(row), positive_integers(column)

    @functools.cached_property
    def ties_are_certain(self) -> bool:
        """Whether different payoffs differ by so much that a tie in floats is a tie; see `CERTAIN_TIE`."""
        values = [sorted(set(table.ravel().tolist())) for table in self.integers]
        return all(y - x > CERTAIN_TIE * v[-1] for v in values for x, y in itertools.pairwise(v))

    @functools.cached_property
    def floats(self) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m n"]]:
        """Both tables rescaled to [1, 2], computed from the integers if floats would lose digits."""
        row, column = (
            1 + (table - table.min()) / span
            if 1e-290 < (span := np.ptp(table)) < 1e290 and np.abs(table).max() <= span
            else None
            for table in (self.payoffs if not is_exact(self.payoffs) else [np.zeros((1, 1))] * 2)
        )
        return (
            in_one_to_two(self.integers[0]) if row is None else row,
            in_one_to_two(self.integers[1]) if column is None else column,
        )


def path_ends(
    tables: Tables, labels: Sequence[int], exact: bool
) -> tuple[list[tuple[Any, list[int], int]], bool]:
    """Follow one path for each label.

    Args:
        tables: the game.
        labels: the labels that are dropped first.
        exact: whether profiles are returned as `Fraction`s.

    Returns:
        The distinct ends, each as a profile, the labels that lead to it and the pivots of the first path; and
        whether a tie proves that the game is degenerate.
    """
    paths = {label: float_path(*tables.floats, label) for label in labels}
    tied = False
    if doubtful := sorted((end.tied, label) for label, end in paths.items() if end and end.tied is not None):
        tied = tables.ties_are_certain and integer_path(*tables.integers, doubtful[0][1], doubtful[0][0])[2]
        paths |= {} if tied else {label: None for _, label in doubtful}
    known: dict[tuple[Sets, Sets], Any] = {}
    found: dict[Any, tuple[Any, list[int], int]] = {}
    for label in labels:
        end = paths[label]
        if end is not None and end.sets not in known:
            known[end.sets] = verified_equilibrium(tables, end.sets, exact)
        if end is not None and known[end.sets] is not None:
            (key, profile), pivots = known[end.sets], end.pivots
        else:
            profile, pivots, ties = integer_path(*tables.integers, label)
            key, tied = equilibrium_key(*tables.integers, profile), tied or ties
        found.setdefault(key, (profile, [], pivots))[1].append(label)
    return list(found.values()), tied


def verified_equilibrium(tables: Tables, sets: tuple[Sets, Sets], exact: bool) -> tuple[Any, Any] | None:
    """The equilibrium at the end of a path, from its bases, with a key that identifies it.

    None if the bases do not belong to an equilibrium.

    If floats prove that both strategies are positive on exactly the best replies to each other, these sets
    are the key; otherwise `equilibrium_key` gives it.
    """
    opponent_payoffs = tables.floats[1], tables.floats[0].T  # the opponents' payoffs, own actions in rows
    if sets[0] == sets[1][::-1] and all(
        screen(table, np.array([own]), np.array([other]))[0][0]
        for table, (own, other) in zip(opponent_payoffs, sets, strict=True)
    ):
        if not exact:
            return sets[0], tuple(
                float_strategy(table, *pair) for table, pair in zip(opponent_payoffs, sets, strict=True)
            )
        opponent_payoffs = tables.integers[1], tables.integers[0].T
        return sets[0], tuple(
            exact_strategy(table, *pair) for table, pair in zip(opponent_payoffs, sets, strict=True)
        )
    opponent_payoffs = tables.integers[1], tables.integers[0].T
    found = [rational_sets(table.tolist(), *pair) for table, pair in zip(opponent_payoffs, sets, strict=True)]
    if (
        found[0] is None
        or found[1] is None
        or not (set(found[0][0]) <= set(found[1][1]) and set(found[1][0]) <= set(found[0][1]))
    ):
        return None
    profile = tuple(exact_strategy(table, *pair) for table, pair in zip(opponent_payoffs, sets, strict=True))
    return equilibrium_key(*tables.integers, profile), profile


def equilibrium_key(row: np.ndarray, column: np.ndarray, profile: tuple[tuple[Fraction, ...], ...]) -> Any:
    """A key that identifies an equilibrium: its supports if they are all best replies, else the profile."""
    supports = tuple(tuple(k for k, p in enumerate(s) if p) for s in profile)
    for own, other, table, strategy in zip(supports, supports[::-1], (column, row.T), profile, strict=True):
        expected = [sum(strategy[i] * table[i, j] for i in own) for j in range(table.shape[1])]
        if len(own) != len(other) or tuple(j for j, v in enumerate(expected) if v == max(expected)) != other:
            return profile
    return supports


def exact_strategy(table: np.ndarray, own: Sequence[int], other: Sequence[int]) -> tuple[Fraction, ...]:
    """The strategy on `own` that makes the opponent's actions `other` equally good, in rationals."""
    solved = unique_solution(table[np.ix_(own, other)].T.tolist(), [1] * len(other))
    assert solved is not None, "the system of a basis has one solution"
    weights = dict(zip(own, solved[0], strict=True))
    return tuple(Fraction(weights.get(i, 0), sum(solved[0])) for i in range(len(table)))


def float_strategy(
    table: Float[np.ndarray, "own others"], own: Sequence[int], other: Sequence[int]
) -> Float[np.ndarray, " own"]:
    """`exact_strategy` in floats."""
    weights = np.zeros(len(table))
    weights[list(own)] = np.linalg.solve(table[np.ix_(own, other)].T, np.ones(len(other)))
    return weights / weights.sum()


def float_path(row: Float[np.ndarray, "m n"], column: Float[np.ndarray, "m n"], label: int) -> PathEnd | None:
    r"""Follow one path in floats; None if it does not end, or if it is undecided whether a number is zero.

    A tableau has a row for each basic variable and a column for each nonbasic variable, with the right-hand
    side last. A pivot on $p = t_{rc}$ exchanges two of them: $t_{ij} - t_{ic} t_{rj} / p$, one call of BLAS.

    Args:
        row: the row player's payoffs, between 1 and 2.
        column: the column player's.
        label: the label that is dropped first.
    """
    from scipy.linalg.blas import dger  # pyright: ignore[reportAttributeAccessIssue]

    m, n = row.shape
    rows, columns = list(range(m)), list(range(m, m + n))
    tables = [np.asfortranarray(np.hstack([u, np.ones((len(u), 1))])) for u in (column.T, row)]
    basis, outside, slacks = [columns[:], rows[:]], [rows[:], columns[:]], [columns, rows]
    entering, side, tied = label, int(label >= m), None
    for pivots in range(1, PIVOTS):
        table = tables[side]
        c = outside[side].index(entering)
        factors = table[:, c].copy()
        positive = np.flatnonzero(factors > ZERO)
        if not len(positive) or factors[positive].min() < DOUBT:
            return None
        left = table[positive, -1] - (table[positive, -1] / factors[positive]).min() * factors[positive]
        near = positive[left <= ZERO]
        if np.count_nonzero(left < DOUBT) > len(near):
            return None
        if len(near) > 1:
            tied = pivots if tied is None else tied
            k = lexicographic_row(table, factors, near, slacks[side], basis[side], outside[side])
        else:
            k = int(near[0])
        own = table[k] / factors[k]
        element, factors[k] = factors[k], 0.0
        table = tables[side] = dger(-1.0, factors, own, a=table, overwrite_x=0, overwrite_y=0, overwrite_a=1)
        table[k] = own
        table[:, c], table[k, c] = factors / -element, 1 / element
        leaving, basis[side][k], outside[side][c] = basis[side][k], entering, basis[side][k]
        if leaving == label:
            sets = tuple(
                (
                    tuple(sorted(set(own) & set(basis[i]))),
                    tuple(sorted(j - other[0] for j in set(other) & set(outside[i]))),
                )
                for i, (own, other) in enumerate(((rows, columns), (columns, rows)))
            )
            first, second = sets
            return PathEnd((first, (tuple(j - m for j in second[0]), second[1])), pivots, tied)
        entering, side = leaving, 1 - side
    return None


def lexicographic_row(
    table: Float[np.ndarray, "basic columns"],
    factors: Float[np.ndarray, " basic"],
    near: Int[np.ndarray, " tied"],
    slacks: Sequence[int],
    basis: Sequence[int],
    outside: Sequence[int],
) -> int:
    """Break a tie of the ratio test lexicographically by the ratios in the columns of the slacks."""
    for slack in slacks:
        ratios = (
            table[near, outside.index(slack)] / factors[near]
            if slack in outside
            else (near == basis.index(slack)) / factors[near]
        )
        near = near[(ratios - ratios.min()) * factors[near] <= ZERO]
        if len(near) == 1:
            break
    return int(near[0])


def integer_path(
    row: np.ndarray, column: np.ndarray, label: int, max_pivots: float = np.inf
) -> tuple[tuple[tuple, tuple], int, bool]:
    """Follow one path from the artificial equilibrium to an equilibrium, in integers.

    Args:
        row: the row player's payoffs `(m, n)` as positive integers.
        column: the column player's.
        label: the label that is dropped first.
        max_pivots: the largest number of pivots; the profile is empty if the path does not end within them.

    Returns:
        The profile in rationals, the number of pivots, and whether a ratio test had a tie, which proves that
        the game is degenerate.
    """
    rows, columns = range(row.shape[0]), range(row.shape[0], sum(row.shape))
    tableaux = tableau(column.T, rows, columns), tableau(row, columns, rows)
    basis = list(columns), list(rows)  # the slacks: y's and x's labels are binding at the origin
    slacks = list(columns), list(rows)
    previous = [1, 1]
    entering, side, pivots, tied = label, int(label in columns), 0, False
    while True:
        k, ties = leaving_row(tableaux[side], entering, slacks[side])
        previous[side] = pivot(tableaux[side], k, entering, previous[side])
        leaving, basis[side][k] = basis[side][k], entering
        pivots, tied = pivots + 1, tied or ties
        if leaving == label:
            return (
                (strategy(tableaux[0], basis[0], rows), strategy(tableaux[1], basis[1], columns)),
                pivots,
                tied,
            )
        if pivots >= max_pivots:
            return ((), ()), pivots, tied
        entering, side = leaving, 1 - side


def tableau(table: np.ndarray, own: range, slack: range) -> np.ndarray:
    r"""The tableau of $U z + s = 1$: a column for each label, and the right-hand side last."""
    start = np.zeros((len(slack), len(own) + len(slack) + 1), dtype=int).astype(object)
    start[:, list(own)] = table
    start[range(len(slack)), list(slack)] = 1
    start[:, -1] = 1
    return start


def leaving_row(table: np.ndarray, entering: int, slacks: Sequence[int]) -> tuple[int, bool]:
    """The row of the lexicographic ratio test, and whether the ratios of the right-hand side have a tie."""
    rows = [k for k in range(len(table)) if table[k, entering] > 0]
    tied = False
    for column in (-1, *slacks):
        least = rows[:1]
        for k in rows[1:]:
            difference = (
                table[k, column] * table[least[0], entering] - table[least[0], column] * table[k, entering]
            )
            least = [k] if difference < 0 else [*least, k] if difference == 0 else least
        rows = least
        tied |= column == -1 and len(rows) > 1
        if len(rows) == 1:
            break
    return rows[0], tied


def strategy(table: np.ndarray, basis: Sequence[int], labels: range) -> tuple[Fraction, ...]:
    """The strategy of one player: its basic variables, normalized to probabilities."""
    weights = dict(zip(basis, table[:, -1], strict=True))
    total = sum(weights.get(k, 0) for k in labels)
    return tuple(Fraction(weights.get(k, 0), total) for k in labels)
