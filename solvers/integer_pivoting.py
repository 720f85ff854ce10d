"""Exact linear algebra in Python's integers: pivoting without fractions, and linear systems."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Shaped


def positive_integers(table: Shaped[np.ndarray, "rows columns"]) -> Shaped[np.ndarray, "rows columns"]:
    r"""Convert rationals to positive integers, $L\,(u - \min u) + 1$ with the smallest possible $L > 0$.

    This is an affine change of payoffs, so best responses and equilibria are the same.

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
    r"""Pivot a tableau of integers in place, and return the pivot element, the next step's `previous`.

    $t_{ij} \leftarrow (t_{ij}\, t_{rc} - t_{ic}\, t_{rj}) / \text{previous}$ for $i \ne r$; every division is
    exact.

    Args:
        tableau: $t$, an array of Python integers (of objects).
        row: $r$, the row of the pivot element.
        column: $c$, its column.
        previous: the pivot element of the previous step; 1 in the first.

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
    """Solve a linear system of integers exactly, by elimination without fractions.

    Args:
        matrix: Python integers; at least as many rows as columns.
        right: the right-hand side.

    Returns:
        The numerators of the solution and their common positive denominator, or None unless the system has
        exactly one solution.

    Example:
        >>> unique_solution([[2, 1], [1, 3], [3, 4]], [1, 1, 2])
        ([2, 1], 5)
        >>> unique_solution([[1, 1], [2, 2]], [1, 2]) is None
        True
    """
    rows = [[*row, entry] for row, entry in zip(matrix, right, strict=True)]
    unknowns, previous = len(rows[0]) - 1 if rows else 0, 1
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


def rational_solution(
    matrix: Shaped[np.ndarray, "n n"], right: Shaped[np.ndarray, " n"]
) -> Shaped[np.ndarray, " n"] | None:
    """The solution of a square linear system of `Fraction`s; None if the matrix is singular.

    Each equation is multiplied by its common denominator, and the integers are eliminated without fractions,
    which is 4 to 16 times as fast as elimination in `Fraction`s for 2 to 25 unknowns.

    Example:
        >>> from solvers.payoffs import rationals
        >>> rational_solution(rationals(np.array([[0.5, 1], [1, 1.5]])), rationals(np.array([1, 1]))).tolist()
        [Fraction(-2, 1), Fraction(2, 1)]
    """
    rows = []
    for row in np.column_stack([matrix, right]).tolist():
        scale = math.lcm(*(entry.denominator for entry in row))
        rows.append([entry.numerator * (scale // entry.denominator) for entry in row])
    solved = unique_solution([row[:-1] for row in rows], [row[-1] for row in rows])
    return None if solved is None else np.array([Fraction(x, solved[1]) for x in solved[0]], dtype=object)
