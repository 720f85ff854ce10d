"""Equilibrium selection: by welfare, by fairness, or by risk dominance."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from games.registry import nearest
from solvers.base import EquilibriumSet, Solution
from solvers.payoffs import Payoffs, is_exact

TOLERANCE = 1e-9
"""Two scores in floats are equal if they differ by at most this times the largest difference between
equilibria,"""
ROUNDING = 1e-14
"""or by at most this times the largest absolute value of a score."""


def select(equilibria: EquilibriumSet, by: str = "welfare") -> Solution:
    r"""Select one equilibrium of a set by a criterion; among ties the first, and the message reports the tie.

    `"welfare"` maximizes $\sum_i u_i$. `"fairness"` maximizes $\min_i u_i$, and among ties the welfare (the
    maximin rule of Rawls 1971). Both compare payoffs of different players, so they depend on the units of the
    payoffs. Within a maximal Nash subset of a two-player game, each player's payoff depends on the other's
    strategy only, so both criteria are largest at an extreme equilibrium, and the selected equilibrium is the
    best of all if the set is complete.

    `"risk_dominance"` returns the pure equilibrium that no other pure equilibrium risk-dominates: in the 2x2
    game of the actions of equilibria a and b, a risk-dominates b if $\prod_i (u_i(a) - u_i(b_i, a_{-i})) >
    \prod_i (u_i(b) - u_i(a_i, b_{-i}))$ (Harsanyi & Selten 1988, Lemma 5.4.4; "pairwise" in larger games,
    Kandori & Rob 1998). It does not depend on the units of the payoffs, and ignores mixed equilibria.

    Args:
        equilibria: the result of a solver.
        by: `"welfare"`, `"fairness"` or `"risk_dominance"`.

    Raises:
        ValueError: if the set is empty or the criterion unknown; for risk dominance also if there are several
            equilibria and more than two players, or no pure equilibrium, or if the pure equilibria
            risk-dominate each other in a cycle.

    Example:
        >>> from solvers import vertex_enumeration
        >>> stag_hunt = vertex_enumeration(([[4, 0], [3, 2]], [[4, 3], [0, 2]]), exact=True)
        >>> [select(stag_hunt, by).support for by in ("welfare", "risk_dominance")]
        [((0,), (0,)), ((1,), (1,))]
    """
    if by not in CRITERIA:
        raise ValueError(f"Unknown criterion {by!r}; {nearest(by, CRITERIA)}.")
    if not len(equilibria):
        raise ValueError(
            "There is no equilibrium to select from; solve the game with a method that finds one, such as "
            "'vertex'."
        )
    best = CRITERIA[by](equilibria)
    parts = [f"Selected by {by.replace('_', ' ')} from {len(equilibria)}"]
    if len(best) > 1:
        parts.append(f"tied with {len(best) - 1} of them, of which it is the first")
    if not equilibria.complete:
        parts.append("and there may be equilibria that were not found")
    return dataclasses.replace(equilibria[best[0]], message=", ".join(parts) + ".")


def largest(scores: Sequence[Any], among: Sequence[int], payoffs: Payoffs) -> list[int]:
    """The indices in `among` whose scores equal the largest one up to rounding."""
    top, least = max(scores), min(scores)
    tolerance = (
        0 if is_exact(payoffs) else max(TOLERANCE * (top - least), ROUNDING * max(abs(top), abs(least)))
    )
    top = max(scores[k] for k in among)
    return [k for k in among if scores[k] >= top - tolerance]


def best_welfare(equilibria: EquilibriumSet) -> list[int]:
    """The indices of the equilibria with the largest sum of payoffs."""
    return largest([e.payoffs.sum() for e in equilibria], range(len(equilibria)), equilibria.game)


def fairest(equilibria: EquilibriumSet) -> list[int]:
    """The equilibria with the largest smallest payoff, and among these the largest sum of payoffs."""
    fair = largest([e.payoffs.min() for e in equilibria], range(len(equilibria)), equilibria.game)
    return largest([e.payoffs.sum() for e in equilibria], fair, equilibria.game)


def risk_undominated(equilibria: EquilibriumSet) -> list[int]:
    """The pure equilibria that no other one risk-dominates in the 2x2 game of their actions."""
    if len(equilibria) == 1:
        return [0]
    if equilibria.game.ndim != 3:
        raise ValueError(
            f"Pairwise risk dominance is defined for 2 players and this game has {equilibria.game.ndim - 1}; "
            "select by 'welfare' or 'fairness'."
        )
    pure = {
        k: (e.support[0][0], e.support[1][0])
        for k, e in enumerate(equilibria)
        if all(len(s) == 1 for s in e.support)
    }
    if not pure:
        raise ValueError(
            "Risk dominance compares pure equilibria and this game has none; select by 'welfare' or "
            "'fairness'."
        )
    tolerance = 0 if is_exact(equilibria.game) else TOLERANCE
    best = [k for k in pure if all(risk_gap(equilibria.game, pure[j], pure[k]) <= tolerance for j in pure)]
    if not best:
        raise ValueError(
            "Each pure equilibrium of this game is risk-dominated by another one, in a cycle; select by "
            "'welfare' or 'fairness'."
        )
    return best


def risk_gap(payoffs: Payoffs, a: tuple[int, int], b: tuple[int, int]) -> Any:
    """The product of deviation losses at a minus that at b, in units of each player's larger loss."""
    losses = [
        (payoffs[0][own] - payoffs[0][other[0], own[1]], payoffs[1][own] - payoffs[1][own[0], other[1]])
        for own, other in ((a, b), (b, a))
    ]
    units = [max(abs(first), abs(second)) or 1 for first, second in zip(*losses, strict=True)]
    (a_row, a_column), (b_row, b_column) = ((row / units[0], column / units[1]) for row, column in losses)
    return a_row * a_column - b_row * b_column


CRITERIA: dict[str, Callable[[EquilibriumSet], list[int]]] = {
    "welfare": best_welfare,
    "fairness": fairest,
    "risk_dominance": risk_undominated,
}
