"""Equilibria in pure strategies, by looking at every profile."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from solvers.base import TOLERANCE, EquilibriumSet, solution
from solvers.payoffs import Payoffs, n_players, own_ranges, payoff_tensor
from solvers.registry import solver


@solver("pure", "nash1950", finds="some", exact=True)
def pure_equilibria(game: Any, exact: bool = False, tolerance: float = 0.0) -> EquilibriumSet:
    r"""All equilibria in pure strategies of a game with any number of players, in the order of their actions.

    $u_i(a) \ge \max_{b} u_i(b, a_{-i}) - \epsilon$ for every player i.

    Args:
        game: what `payoff_tensor` takes.
        exact: whether the profiles are rationals; which profiles are equilibria does not depend on it.
        tolerance: $\epsilon$ in units of each player's own payoff range, at least 0. At 0 equal payoffs are
            those that are equal as written; payoffs that were estimated need a margin.

    Returns:
        A set that may be empty; mixed equilibria are not looked for, so that it is complete for one player
        with one best action alone.

    Raises:
        ValueError: for what is no game, and for a negative tolerance.

    Example:
        >>> [e.support for e in pure_equilibria(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))]
        [((0,), (0,)), ((1,), (1,))]

    Source:
        Nash (1950).
    """
    if not tolerance >= 0:
        raise ValueError(
            f"tolerance is {tolerance}; it must be a number of at least 0, in units of each player's payoff range."
        )
    payoffs = payoff_tensor(game, exact)
    margins = tolerance * own_ranges(payoffs).astype(float) if tolerance else np.zeros(len(payoffs))
    profiles = np.argwhere(best_replies(payoffs, margins).all(axis=0))
    enough = 1.0 if tolerance else TOLERANCE  # whoever gives a margin takes the residual that it leaves
    found = tuple(solution(payoffs, pure_profile(payoffs, a), tolerance=enough) for a in profiles)
    if len(payoffs) == 1 and len(found) == 1 and not np.any(margins):
        return EquilibriumSet(
            payoffs,
            "pure",
            found,
            complete=True,
            message="The player's one best action; there is no other equilibrium.",
        )
    return EquilibriumSet(
        payoffs, "pure", found, message="All equilibria in pure strategies; mixed ones were not looked for."
    )


def best_replies(payoffs: Payoffs, margins: Sequence[float] | np.ndarray) -> np.ndarray:
    """For every player and profile of actions, whether the player's action is a best reply to the others' up to a margin of its own.

    Example:
        >>> best_replies(payoff_tensor(([[2, 0], [0, 1]], [[1, 0], [0, 2]])), (0, 0))[0].tolist()
        [[True, False], [False, True]]
    """
    return np.array(
        [(u.max(axis=i, keepdims=True) - u <= margins[i]).astype(bool) for i, u in enumerate(payoffs)]
    )


def pure_profile(payoffs: Payoffs, actions: np.ndarray) -> tuple[np.ndarray, ...]:
    """One action per player as a profile of strategies."""
    return tuple(
        np.eye(payoffs.shape[1 + i], dtype=int)[a] for i, a in enumerate(actions[: n_players(payoffs)])
    )
