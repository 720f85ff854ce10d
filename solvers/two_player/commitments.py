"""Commitment in two-player normal-form games: the leader's optimal mixed strategy (Stackelberg)."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from solvers.payoffs import payoff_tensor


class Commitment(NamedTuple):
    """An optimal commitment.

    Attributes:
        leader: seat of the leader.
        strategy: the leader's mixed strategy.
        response: the follower's action, the best for the leader among its best responses.
        payoffs: expected payoff of every player by seat.
        residual: how much the follower would gain by another action, at least 0; 0 up to rounding.
    """

    leader: int
    strategy: Float[np.ndarray, " actions"]
    response: int
    payoffs: Float[np.ndarray, "2"]
    residual: float


def optimal_commitment(game: Any, leader: int = 0) -> Commitment:
    r"""The mixed strategy to which a leader commits if the follower sees it and responds best.

    For every action b of the follower, the linear program $\max_x \sum_a x_a u_L(a, b)$ over the leader's mixed
    strategies x for which b is a best response, $\sum_a x_a (u_F(a, b) - u_F(a, b')) \ge 0$ for all b'; the
    best of them is optimal. A tie of the follower is broken in favor of the leader (strong Stackelberg). The
    leader earns at least its payoff in every Nash equilibrium.

    Args:
        game: a normal-form game of two players: a `MatrixGame`, its name, a factory, or payoffs `(2, A1, A2)`.
        leader: seat of the leader, 0 or 1.

    Raises:
        ValueError: if the game does not have two players, or for another seat.

    Source:
        Conitzer & Sandholm 2006, "Computing the optimal strategy to commit to", theorem 2.

    Example:
        >>> found = optimal_commitment([[[2, 4], [1, 3]], [[1, 0], [0, 1]]])
        >>> found.strategy.round(6).tolist(), found.response, found.payoffs.round(6).tolist()
        ([0.5, 0.5], 1, [3.5, 0.5])
    """
    from scipy.optimize import linprog

    payoffs = payoff_tensor(game).astype(float)
    if payoffs.ndim != 3:
        raise ValueError(
            f"The game has {payoffs.ndim - 1} players; a commitment is computed for a leader and one follower, so give "
            "a game of two players."
        )
    if leader not in (0, 1):
        raise ValueError(f"leader is {leader!r}; it must be the seat 0 or 1.")
    own, other = payoffs[leader], payoffs[1 - leader]
    if leader == 1:
        own, other = own.T, other.T
    best: tuple[float, int, np.ndarray] | None = None
    for b in range(own.shape[1]):
        rest = [k for k in range(own.shape[1]) if k != b]
        found = linprog(
            -own[:, b],
            A_ub=(other[:, rest] - other[:, [b]]).T if rest else None,
            b_ub=np.zeros(len(rest)) if rest else None,
            A_eq=np.ones((1, len(own))),
            b_eq=[1.0],
            bounds=(0, 1),
            method="highs",
        )
        if found.status == 0 and (best is None or -found.fun > best[0] + 1e-12 * np.ptp(own)):
            best = -found.fun, b, found.x
    assert best is not None, "some action of the follower is a best response to some strategy"
    _, response, x = best
    x = np.clip(x, 0, None) / np.clip(x, 0, None).sum()
    values = x @ other
    seats = np.array([x @ own[:, response], values[response]])
    return Commitment(
        leader, x, response, seats if leader == 0 else seats[::-1], float(values.max() - values[response])
    )
