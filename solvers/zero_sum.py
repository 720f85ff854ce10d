"""Zero-sum games by linear programming: the value and an optimal strategy of each player."""

from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.base import EquilibriumSet, solution
from solvers.payoffs import payoff_range, payoff_tensor
from solvers.registry import SOLVERS, solver
from solvers.two_player import two_players

CONSTANT = 1e-9
"""How far the sum of the payoffs may vary, in units of the payoff range."""


@solver("zero_sum", "neumann1928spiele", "minimax", players=2, finds="one", zero_sum=True)
def zero_sum(game: Any) -> EquilibriumSet:
    r"""One equilibrium of a two-player game whose payoffs sum to a constant: optimal strategies of both, and the value.

    $v = \max_x \min_j \sum_i x_i u_1(i, j)$, and likewise for the column player, each a linear program.

    Args:
        game: what `payoff_tensor` takes.

    Returns:
        A set with one member; its payoffs are the value and the constant less the value. Other optimal strategies may exist; they
        have the same value.

    Raises:
        ValueError: for another number of players, and for payoffs whose sum is not constant.

    Example:
        >>> rps = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
        >>> zero_sum((rps, -rps))[0].profile[0].round(6).tolist()
        [0.333333, 0.333333, 0.333333]

    Source:
        von Neumann (1928); the linear program in von Stengel (2007), Section 3.3.
    """
    two_players(game, "zero_sum")
    payoffs = payoff_tensor(game)
    total = payoffs.sum(axis=0)
    if np.ptp(total) > CONSTANT * payoff_range(payoffs):
        others = ", ".join(e.name for e in SOLVERS if e.facts["players"] == 2 and not e.facts["zero_sum"])
        raise ValueError(
            f"The method 'zero_sum' takes payoffs that sum to a constant, and these sum to between {total.min():g} and {total.max():g}; "
            f"methods for any game of 2 players: {others}."
        )
    row, value = maximin(payoffs[0])
    column, _ = maximin(payoffs[1].T)
    found = solution(payoffs, (row, column), f"The value is {value:g} to the row player.")
    return EquilibriumSet(payoffs, "zero_sum", (found,), status=found.status, message="Other optimal strategies may exist.")


def maximin(table: Float[np.ndarray, "own others"]) -> tuple[Float[np.ndarray, " own"], float]:
    r"""The mixed strategy that secures the most, and what it secures.

    $\max_x \min_j \sum_i x_i u_{ij}$.

    Args:
        table: what the player gets; own actions in rows, all that the others can do together in columns; finite payoffs.

    Raises:
        ValueError: if the linear program cannot be solved, which finite payoffs do not cause.

    Example:
        >>> strategy, value = maximin(np.array([[3.0, 0.0], [1.0, 2.0]]))
        >>> strategy.round(6).tolist(), round(value, 6)
        ([0.25, 0.75], 1.5)

    Source:
        von Neumann (1928).
    """
    from scipy.optimize import linprog

    low, unit = table.min(), np.ptp(table) or 1.0
    own, others = table.shape
    program = linprog(
        np.append(np.zeros(own), -1.0),
        A_ub=np.hstack([-((table - low) / unit).T, np.ones((others, 1))]),
        b_ub=np.zeros(others),
        A_eq=np.append(np.ones(own), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * own + [(None, None)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if program.x is None:
        raise ValueError(f"The linear program was not solved: {program.message} Scale the payoffs, or use the method 'lemke_howson'.")
    strategy = np.maximum(program.x[:own], 0)
    strategy /= strategy.sum()
    return strategy, float((strategy @ table).min())
