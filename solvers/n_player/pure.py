"""Equilibria in pure strategies, by checking every profile."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from solvers.base import TOLERANCE, EquilibriumSet, solution
from solvers.payoffs import Payoffs, n_players, own_ranges, payoff_tensor
from solvers.registry import solver


@solver("pure", "nash1950", finds="some", exact=True)
def pure_equilibria(game: Any, exact: bool = False, tolerance: float = 0.0) -> EquilibriumSet:
    r"""All equilibria in pure strategies of a game with any number of players.

    $u_i(a) \ge \max_{b} u_i(b, a_{-i}) - \epsilon$ for every player i.

    Args:
        game: a game of any number of players; see `payoff_tensor`.
        exact: whether profiles are returned as `Fraction`s instead of float64; this does not change which
            profiles are equilibria.
        tolerance: $\epsilon$ in units of each player's payoff range, at least 0. Use a positive value for
            estimated payoffs.

    Returns:
        The pure equilibria, in lexicographic order; there may be none. Mixed equilibria are not computed, so
        `complete` is True only for a game of one player with one best action.

    Raises:
        ValueError: if `game` is not a game, or if the tolerance is negative.

    Example:
        >>> [e.support for e in pure_equilibria(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))]
        [((0,), (0,)), ((1,), (1,))]

    Source:
        Nash (1950).
    """
    if not tolerance >= 0:
        raise ValueError(
            f"tolerance is {tolerance}; it must be a number of at least 0, in units of each player's payoff "
            "range."
        )
    payoffs = payoff_tensor(game, exact)
    margins = tolerance * own_ranges(payoffs).astype(float) if tolerance else np.zeros(len(payoffs))
    profiles = np.argwhere(best_replies(payoffs, margins).all(axis=0))
    enough = 1.0 if tolerance else TOLERANCE  # with a tolerance, the residual that it allows is accepted
    found = tuple(solution(payoffs, pure_profile(payoffs, a), tolerance=enough) for a in profiles)
    if len(payoffs) == 1 and len(found) == 1 and not np.any(margins):
        return EquilibriumSet(
            payoffs,
            "pure",
            found,
            complete=True,
            message="The player has one best action; there is no other equilibrium.",
        )
    return EquilibriumSet(
        payoffs,
        "pure",
        found,
        message="These are all equilibria in pure strategies; mixed equilibria were not looked for.",
    )


def best_replies(payoffs: Payoffs, margins: Sequence[float] | np.ndarray) -> np.ndarray:
    """For each player and profile of actions, whether the player's action is a best reply, up to a margin.

    Example:
        >>> best_replies(payoff_tensor(([[2, 0], [0, 1]], [[1, 0], [0, 2]])), (0, 0))[0].tolist()
        [[True, False], [False, True]]
    """
    return np.array(
        [(u.max(axis=i, keepdims=True) - u <= margins[i]).astype(bool) for i, u in enumerate(payoffs)]
    )


def pure_profile(payoffs: Payoffs, actions: np.ndarray) -> tuple[np.ndarray, ...]:
    """The profile of pure strategies with these actions."""
    return tuple(
        np.eye(payoffs.shape[1 + i], dtype=int)[a] for i, a in enumerate(actions[: n_players(payoffs)])
    )
