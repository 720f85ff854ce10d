"""What the exact methods for two players share: the game in rationals, tables of positive integers, and pivoting in integers."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped


def positive_integers(table: Shaped[np.ndarray, "rows columns"]) -> Shaped[np.ndarray, "rows columns"]:
    r"""A table of rationals as positive integers, $L\,(u - \min u) + 1$ with the least L that does: best replies stay as they are.

    Example:
        >>> from solvers.payoffs import payoff_tensor
        >>> positive_integers(payoff_tensor([[[0.5, 1]], [["1/3", 0]]], exact=True)[1]).tolist()
        [[2, 1]]
    """
    entries = table.ravel().tolist()
    scale = math.lcm(*(entry.denominator for entry in entries))
    numerators = [entry.numerator * (scale // entry.denominator) for entry in entries]
    least = min(numerators)
    common = math.gcd(scale, *(x - least for x in numerators))
    integers = np.empty(table.size, dtype=object)
    integers[:] = [(x - least) // common + 1 for x in numerators]
    return integers.reshape(table.shape)


def pivot(tableau: Shaped[np.ndarray, "rows columns"], row: int, column: int, previous: int) -> int:
    r"""Pivot a tableau of integers in place, and return the pivot: the common denominator of the next step.

    $t_{ij} \leftarrow (t_{ij}\, t_{rc} - t_{ic}\, t_{rj}) / \text{previous}$ for $i \ne r$; every division is
    exact.

    Args:
        tableau: Python integers in an array of objects.
        row: r.
        column: c.
        previous: the pivot of the step before, 1 at first.

    Source:
        von Stengel (2007), Section 3.5, "integer pivoting".
    """
    element, own, factors = tableau[row, column], tableau[row].copy(), tableau[:, column].copy()
    tableau *= element
    tableau -= np.multiply.outer(factors, own)
    tableau //= previous
    tableau[row] = own
    return element


def unique_solution(matrix: Sequence[Sequence[int]], right: Sequence[int]) -> tuple[list[int], int] | None:
    """The solution of a linear system in integers, as numerators over one positive denominator; None if there is none, or not one only.

    Args:
        matrix: at least as many rows as unknowns; Python integers.
        right: the right-hand side.

    Example:
        >>> unique_solution([[2, 1], [1, 3], [3, 4]], [1, 1, 2])
        ([2, 1], 5)
        >>> unique_solution([[1, 1], [2, 2]], [1, 2]) is None
        True
    """
    rows = [[*row, entry] for row, entry in zip(matrix, right, strict=True)]
    unknowns, previous = len(rows[0]) - 1, 1
    for k in range(unknowns):
        at = next((r for r in range(k, len(rows)) if rows[r][k]), None)
        if at is None:
            return None
        rows[k], rows[at] = rows[at], rows[k]
        own, element = rows[k], rows[k][k]
        for r, other in enumerate(rows):
            if r != k:
                factor = other[k]
                rows[r] = [(element * x - factor * y) // previous for x, y in zip(other, own, strict=True)]
        previous = element
    if any(row[-1] for row in rows[unknowns:]):
        return None
    sign = 1 if previous > 0 else -1
    return [sign * row[-1] for row in rows[:unknowns]], sign * previous
