"""Zero-sum games by linear programming: the value and an optimal strategy of each player."""

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.base import TOLERANCE, EquilibriumSet, solution
from solvers.dominance import undominated_actions
from solvers.payoffs import Payoffs, embed, evaluate, in_own_units, is_exact, payoff_tensor, restrict
from solvers.registry import SOLVERS, solver, two_player_payoffs
from solvers.two_player.lemke_howson_paths import lemke_howson

CONSTANT = 1e-15
"""The largest rounding error of a constant sum, relative to the absolute values of the payoffs that are
added."""
NOISE = 1e-9
"""Probabilities up to this may be caused by the tolerance of the linear program; they are set to 0 if the
result is then an equilibrium."""


@solver("zero_sum", "neumann1928spiele", "minimax", players=2, finds="one", zero_sum=True)
def zero_sum(game: Any) -> EquilibriumSet:
    r"""Optimal strategies and the value of a two-player constant-sum game, by linear programming.

    $v = \max_x \min_j \sum_i x_i u_1(i, j)$, a linear program whose dual is the column player's. If the
    residual of its solution is too large, as it can be for payoffs of very different sizes, the equilibrium
    is computed by `lemke_howson`.

    Args:
        game: a two-player game; see `payoff_tensor`.

    Returns:
        A set with one equilibrium; its payoffs are the value, and the constant minus the value. There may be
        other optimal strategies, with the same value.

    Raises:
        ValueError: if there are not two players, or if the sum of the payoffs is not constant.

    Example:
        >>> rps = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
        >>> zero_sum((rps, -rps))[0].profile[0].round(6).tolist()
        [0.333333, 0.333333, 0.333333]

    Source:
        von Neumann (1928); the linear program in von Stengel (2007), Section 3.3.
    """
    payoffs = two_player_payoffs(game, "zero_sum", exact=False)
    total = payoffs.sum(axis=0)
    if total.any() and not constant_sum(payoff_tensor(game, exact=True)):
        others = ", ".join(e.name for e in SOLVERS if e.facts["players"] == 2 and not e.facts["zero_sum"])
        raise ValueError(
            "The method 'zero_sum' requires payoffs that sum to a constant, and these sum to between "
            f"{total.min():g} and {total.max():g}; methods for any game of 2 players: {others}."
        )
    found = solution(payoffs, saddle_point(payoffs[0]))
    found = dataclasses.replace(
        found, message=f"The value of the game is {found.payoffs[0]:g} for the row player."
    )
    return EquilibriumSet(
        payoffs, "zero_sum", (found,), status=found.status, message="Other optimal strategies may exist."
    )


def constant_sum(payoffs: Payoffs) -> bool:
    """Whether both players' payoffs sum to a constant, up to rounding.

    Example:
        >>> table = np.array([[0.1, 0.7], [0.3, 0.2]])
        >>> constant_sum(payoff_tensor((table, 1 - table), exact=True))
        True
    """
    total = payoffs.sum(axis=0)
    if (total == total.flat[0]).all():
        return True
    middle = np.sort(total, axis=None)[total.size // 2]
    rounding = Fraction(CONSTANT) if is_exact(payoffs) else CONSTANT
    return not (abs(total - middle) > rounding * abs(payoffs).sum(axis=0)).any()


def maximin(table: Float[np.ndarray, "own others"]) -> tuple[Float[np.ndarray, " own"], float]:
    r"""A maximin strategy, and the expected payoff that it guarantees.

    $\max_x \min_j \sum_i x_i u_{ij}$.

    Args:
        table: the player's payoffs; own actions in rows, joint actions of the others in columns.

    Raises:
        ValueError: if the linear program is not solved.

    Example:
        >>> strategy, value = maximin(np.array([[3.0, 0.0], [1.0, 2.0]]))
        >>> strategy.round(6).tolist(), round(value, 6)
        ([0.25, 0.75], 1.5)

    Source:
        von Neumann (1928).
    """
    strategy, _ = saddle_point(table)
    return strategy, float((strategy @ table).min())


def saddle_point(
    table: Float[np.ndarray, "own others"],
) -> tuple[Float[np.ndarray, " own"], Float[np.ndarray, " others"]]:
    """Optimal strategies of the zero-sum game of a player against all others, who choose one joint action.

    Args:
        table: the player's payoffs; own actions in rows, joint actions of the others in columns.

    Raises:
        ValueError: if the linear program is not solved.
    """
    from scipy.optimize import linprog

    own, others = kept = undominated_actions(np.stack([table, -table]))
    unit = in_own_units(table[np.ix_(*kept)][None])[0]
    program = linprog(
        np.append(np.zeros(len(own)), -1.0),
        A_ub=np.hstack([-unit.T, np.ones((len(others), 1))]),
        b_ub=np.zeros(len(others)),
        A_eq=np.append(np.ones(len(own)), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * len(own) + [(None, None)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if program.x is None:
        raise ValueError(
            f"The linear program was not solved: {program.message} Rescale the payoffs, or use the method "
            "'lemke_howson'."
        )
    game, weights = np.stack([table, -table]), (program.x[:-1], -program.ineqlin.marginals)
    for noise in (NOISE, 0.0):
        row, column = embed([np.where(own > noise, own, 0.0) for own in weights], kept, table.shape)
        if evaluate(game, (row, column))[2] <= TOLERANCE:
            return row, column
    row, column = embed(lemke_howson(restrict(game, kept), label=0)[0].profile, kept, table.shape)
    return row, column
