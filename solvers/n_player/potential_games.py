"""Exact potential games: the test and the potential."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from solvers.payoffs import own_ranges, payoff_tensor


class Potential(NamedTuple):
    """The potential that fits a game best, and how far the game is from having one.

    Attributes:
        potential: P, `(A1, ..., An)`, with mean 0.
        residual: the largest $|u_i(a'_i, a_{-i}) - u_i(a) - (P(a'_i, a_{-i}) - P(a))|$ over the range of
            player i's payoffs; 0 up to rounding in a potential game.
        is_potential_game: whether the residual is within the tolerance.
    """

    potential: Float[np.ndarray, "*actions"]
    residual: float
    is_potential_game: bool


def exact_potential(game: Any, tolerance: float = 1e-9) -> Potential:
    r"""The exact potential of a game, $P(a'_i, a_{-i}) - P(a) = u_i(a'_i, a_{-i}) - u_i(a)$ for all players and actions.

    Every maximizer of the potential is a pure equilibrium, and better-response dynamics end in one. The
    potential is the least-squares solution of these equations (the projection of the game on the potential
    games, Candogan et al. 2011); it solves them exactly if the game has a potential.

    Args:
        game: a normal-form game: a `MatrixGame`, its name, a factory, or payoffs `(n, A1, ..., An)`.
        tolerance: the largest residual of a potential game, at least 0.

    Raises:
        ValueError: if `game` is not a normal-form game.

    Source:
        Monderer & Shapley 1996, "Potential games", corollary 2.9.

    Example:
        >>> found = exact_potential("prisoners_dilemma")
        >>> found.is_potential_game, (found.potential.round(3) + 0.0).tolist()
        (True, [[-1.0, 0.0], [0.0, 1.0]])
        >>> exact_potential("matching_pennies").is_potential_game
        False
    """
    payoffs = payoff_tensor(game).astype(float)
    sizes = payoffs.shape[1:]
    # The normal equations are sum_i A_i Q_i P = sum_i A_i Q_i u_i, where Q_i subtracts the mean over a_i.
    index = np.arange(int(np.prod(sizes))).reshape(sizes)
    matrix, right = np.zeros((index.size, index.size)), np.zeros(index.size)
    for player, own in enumerate(payoffs):
        lines = np.moveaxis(index, player, -1).reshape(-1, sizes[player])
        centered = np.eye(sizes[player]) - 1 / sizes[player]
        for line in lines:
            matrix[np.ix_(line, line)] += sizes[player] * centered
        right += sizes[player] * (own - own.mean(axis=player, keepdims=True)).ravel()
    potential = np.linalg.lstsq(matrix, right, rcond=None)[0].reshape(sizes)
    potential -= potential.mean()
    ranges = np.asarray(own_ranges(payoffs), float)
    gaps = [np.ptp(own - potential, axis=player).max() for player, own in enumerate(payoffs)]
    residual = float(max(gap / (width or 1.0) for gap, width in zip(gaps, ranges.ravel(), strict=True)))
    return Potential(potential, residual, residual <= tolerance)
