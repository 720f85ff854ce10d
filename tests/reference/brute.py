"""Equilibria of small two-player games by trying every pair of supports in rationals, with nothing taken from the solvers."""

from fractions import Fraction
from itertools import chain, combinations, product


class Degenerate(ArithmeticError):
    """Some strategy has more best replies than actions it plays."""


def subsets(n):
    return list(chain.from_iterable(combinations(range(n), k) for k in range(1, n + 1)))


def solve(equations):
    """The unique solution of [coefficients..., right-hand side] rows, else None."""
    rows = [[Fraction(x) for x in row] for row in equations]
    unknowns = len(rows[0]) - 1
    for k in range(unknowns):
        pivot = next((r for r in range(k, len(rows)) if rows[r][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for r in range(len(rows)):
            if r != k and rows[r][k]:
                rows[r] = [x - rows[r][k] * y for x, y in zip(rows[r], rows[k], strict=True)]
    return None if any(row[-1] for row in rows[unknowns:]) else [row[-1] for row in rows[:unknowns]]


def equalizer(payoffs, own, others):
    """The one strategy that plays all of `own`, nothing else, and makes all of `others` best replies; None if there is no such one.

    `payoffs[i][j]` is what the opponent gets.
    """
    solved = solve([[*(payoffs[i][j] for i in own), -1, 0] for j in others] + [[1] * len(own) + [0, 1]])
    if solved is None or min(solved[:-1]) <= 0:
        return None
    weights, best = dict(zip(own, solved[:-1], strict=True)), solved[-1]
    if any(sum(w * payoffs[i][j] for i, w in weights.items()) > best for j in range(len(payoffs[0]))):
        return None
    return tuple(weights.get(i, Fraction(0)) for i in range(len(payoffs)))


def equilibria(row, column):
    """All equilibria of a game that is not degenerate, as a set of profiles.

    Where one support is larger, the other player's equations outnumber the unknowns; a solution proves the
    game degenerate, and every degenerate game has one. Without one, all equilibria have supports of equal
    size and solve both players' equations uniquely.

    Raises:
        Degenerate: if the game is.
    """
    flipped = [list(c) for c in zip(*row, strict=True)]
    found = set()
    for own, others in product(subsets(len(row)), subsets(len(row[0]))):
        x = equalizer(column, own, others) if len(own) <= len(others) else None
        y = (
            equalizer(flipped, others, own)
            if len(own) >= len(others) and (x or len(own) > len(others))
            else None
        )
        if (x or y) and len(own) != len(others):
            raise Degenerate
        if x and y:
            found.add((x, y))
    return found
