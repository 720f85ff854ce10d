"""Folk theorems: minimax values, feasible and individually rational payoffs, grim-trigger thresholds."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from games.exact.iterated import Iterated
from solvers.base import TOLERANCE
from solvers.n_player.pure import best_replies
from solvers.payoffs import (
    Payoffs,
    check_profile,
    evaluate,
    expected_payoffs,
    n_players,
    own_ranges,
    payoff_tensor,
)
from solvers.printing import rounded_text
from solvers.repeated.polygons import Polygon, clip, hull
from solvers.two_player.zero_sum_games import saddle_point


@dataclasses.dataclass(frozen=True)
class Minimax:
    """The minimax payoff of a player: the lowest payoff that the others can force on it.

    Args:
        value: the minimax payoff.
        punishment: probabilities of the others' joint actions, one axis per other player by seat.
        defense: probabilities of the player's actions: if mixed, a strategy that guarantees the value; if
            pure, a best reply to the punishment.
    """

    value: float
    punishment: Float[np.ndarray, "*others"]
    defense: Float[np.ndarray, " actions"]

    def __repr__(self) -> str:
        return (
            f"Minimax(value {rounded_text(self.value)}, punishment {rounded_text(self.punishment)}, "
            f"defense {rounded_text(self.defense)})"
        )


def stage(game: Any) -> Payoffs:
    """The payoffs of a stage game, or of the stage of an iterated game."""
    return payoff_tensor(game.stage if isinstance(game, Iterated) else game)


def minimax(game: Any, player: int, mixed: bool = True) -> Minimax:
    r"""The lowest payoff that the others can force on a player that best responds.

    In mixed strategies $\min_{\mu} \max_{a_i} u_i(a_i, \mu)$, a linear program over distributions $\mu$ of
    the others' joint actions: with more than two players the others may correlate their actions, which can
    force a lower payoff than independent strategies. In pure strategies $\min_{a_{-i}} \max_{a_i} u_i(a_i,
    a_{-i})$.

    Args:
        game: a stage game, or a `games.Iterated`.
        player: the punished player.
        mixed: whether the others may mix.

    Raises:
        ValueError: for invalid payoffs, or a player that is not in the game.

    Example:
        >>> pennies = ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
        >>> round(minimax(pennies, 0).value, 9), minimax(pennies, 0, mixed=False).value
        (0.0, 1.0)

    Source:
        Mailath & Samuelson (2006), Section 2.1.
    """
    payoffs = stage(game)
    if not 0 <= player < n_players(payoffs):
        raise ValueError(f"player is {player}; the game has players 0 to {n_players(payoffs) - 1}.")
    own_first = np.moveaxis(payoffs[player], player, 0)
    table = own_first.reshape(len(own_first), -1)
    if mixed:
        defense, punishment = saddle_point(table)
        value = (table @ punishment).max()
    else:
        joint = int(table.max(axis=0).argmin())
        value, punishment = float(table[:, joint].max()), np.eye(table.shape[1])[joint]
        defense = np.eye(len(table))[table[:, joint].argmax()]
    return Minimax(float(value) + 0.0, punishment.reshape(own_first.shape[1:]), defense)


def minimax_values(game: Any, mixed: bool = True) -> Float[np.ndarray, " n_players"]:
    """The minimax value of each player, as in `minimax`.

    Example:
        >>> minimax_values(([[3, 0], [5, 1]], [[3, 5], [0, 1]])).tolist()
        [1.0, 1.0]
    """
    return np.array([minimax(game, i, mixed).value for i in range(n_players(stage(game)))])


def feasible_set(game: Any) -> Polygon:
    """The feasible payoffs of two players: the convex hull of the stage payoffs.

    Args:
        game: a stage game of two players, or a `games.Iterated`.

    Returns:
        Vertices, counterclockwise; one row is a point, two are a segment.

    Raises:
        ValueError: for another number of players.

    Example:
        >>> feasible_set(([[3, 0], [5, 1]], [[3, 5], [0, 1]])).tolist()
        [[0.0, 5.0], [1.0, 1.0], [5.0, 0.0], [3.0, 3.0]]
    """
    return two_player_hull(stage(game), 1e-12)


def two_player_hull(payoffs: Payoffs, close: float) -> Polygon:
    """The convex hull of two players' payoffs; see `hull` for `close`, in units of the payoff ranges."""
    if n_players(payoffs) != 2:
        raise ValueError(
            f"The game has {n_players(payoffs)} players; the set of feasible payoffs is a polygon for 2 "
            "players."
        )
    ranges = own_ranges(payoffs)
    return hull(payoffs.reshape(2, -1).T / ranges, close) * ranges


def individually_rational_set(game: Any, mixed: bool = True) -> Polygon:
    r"""The feasible and individually rational payoffs, $\{v \in F : v_i \ge \underline v_i\}$.

    Args:
        game: a stage game of two players, or a `games.Iterated`.
        mixed: whether the minimax values are in mixed strategies.

    Returns:
        Vertices, counterclockwise; never empty.

    Raises:
        ValueError: for another number of players.

    Example:
        >>> individually_rational_set(([[3, 0], [5, 1]], [[3, 5], [0, 1]])).round(6).tolist()
        [[1.0, 1.0], [4.333333, 1.0], [3.0, 3.0], [1.0, 4.333333]]

    Source:
        Fudenberg & Maskin (1986).
    """
    payoffs = stage(game)
    values = minimax_values(game, mixed)
    relevant_range = (
        payoffs.max(axis=(1, 2)) - values
    )  # the lowest payoffs are irrelevant and may be very low
    slack = 1e-12 * relevant_range + 4 * np.finfo(float).eps * abs(values)
    polygon = two_player_hull(payoffs, 0.0)
    for side, value in zip(np.eye(2), values - slack, strict=True):
        polygon = clip(polygon, side, value)
    unit = np.where(relevant_range > 0, relevant_range, 1.0)
    return hull(polygon / unit, 1e-9) * unit


@dataclasses.dataclass(frozen=True)
class Threshold:
    """The least discount at which reverting to a stage equilibrium sustains a target.

    Args:
        discount: the least discount; infinite if no discount below 1 suffices.
        by_player: the least discount at which each player does not deviate.
        target: per-step payoff of each player on the path of play.
        reversion: payoff of each player after its own deviation.
    """

    discount: float
    by_player: Float[np.ndarray, " n_players"]
    target: Float[np.ndarray, " n_players"]
    reversion: Float[np.ndarray, " n_players"]

    def __repr__(self) -> str:
        return (
            f"Threshold(discount {rounded_text(self.discount)}, by player {rounded_text(self.by_player)}, "
            f"target {rounded_text(self.target)}, reversion {rounded_text(self.reversion)})"
        )


def grim_threshold(
    game: Any, target: Sequence[int] | np.ndarray, reversion: Sequence[Any] | None = None
) -> Threshold:
    r"""The least discount at which grim trigger sustains a target, with reversion to a stage equilibrium.

    Let $v_i$ be player i's payoff in the target and $e_i$ its payoff in the stage equilibrium that is played
    forever after its deviation. No player deviates from any joint action a in the support of the target if
    and only if

    $d \ge \max_{i, a} \frac{g_i(a)}{g_i(a) + v_i - e_i}, \qquad g_i(a) = \max_b u_i(b, a_{-i}) - u_i(a)$,

    which in the prisoner's dilemma is $(T-R)/(T-P)$. A target that mixes joint actions is
    coordinated by a public signal.

    Args:
        game: a stage game of any number of players, or a `games.Iterated`.
        target: one action per player, or probabilities of the joint actions `(A1, ..., An)`.
        reversion: the stage equilibrium after a deviation, one mixed strategy per player; by default the pure
            stage equilibrium that is worst for the deviating player.

    Raises:
        ValueError: for an invalid target or reversion, or if no reversion is given and the stage game has no
            pure equilibrium.

    Example:
        >>> grim_threshold(([[3, 0], [5, 1]], [[3, 5], [0, 1]]), (0, 0)).discount
        0.5

    Source:
        Friedman (1971).
    """
    payoffs = stage(game)
    weights = target_distribution(payoffs, target)
    axes = tuple(range(1, payoffs.ndim))
    v = (payoffs * weights).sum(axis=axes)
    e = punishment_payoffs(payoffs, reversion)
    gains = np.array([(u.max(axis=i, keepdims=True) - u)[weights > 0].max() for i, u in enumerate(payoffs)])
    close = 1e-12 * own_ranges(payoffs)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(
            v > e + close, gains / (gains + v - e), np.where((gains <= close) & (v >= e - close), 0.0, np.inf)
        )
    return Threshold(float(bound.max()), bound, v, e)


def target_distribution(
    payoffs: Payoffs, target: Sequence[int] | np.ndarray
) -> Float[np.ndarray, "*actions"]:
    """The target as probabilities of the joint actions."""
    shape, given = payoffs.shape[1:], np.asarray(target)
    if (given.shape == shape and given.ndim > 1) or given.shape == shape == (1,):
        if not (given >= 0).all() or not abs(given.sum() - 1) <= 1e-9:
            raise ValueError(
                "The target's probabilities of the joint actions must be at least 0 and sum to 1."
            )
        return given.astype(float)
    if (
        given.shape != (len(shape),)
        or given.dtype.kind not in "iu"
        or not ((given >= 0) & (given < shape)).all()
    ):
        raise ValueError(
            f"target is {target}; it must be one action per player below {shape}, or probabilities of shape "
            f"{shape}."
        )
    weights = np.zeros(shape)
    weights[tuple(given)] = 1
    return weights


def punishment_payoffs(payoffs: Payoffs, reversion: Sequence[Any] | None) -> Float[np.ndarray, " n_players"]:
    """The payoff of each player in the stage equilibrium that follows its own deviation."""
    if reversion is not None:
        profile = check_profile(payoffs, reversion)
        if evaluate(payoffs, profile)[2] > TOLERANCE:
            raise ValueError(
                "The reversion is not an equilibrium of the stage game; give one, such as a member of "
                "`pure_equilibria`."
            )
        return expected_payoffs(payoffs, profile)
    equilibria = best_replies(payoffs, np.zeros(len(payoffs))).all(axis=0)
    if not equilibria.any():
        raise ValueError(
            "The stage game has no equilibrium in pure strategies; give the one to revert to by reversion=."
        )
    return np.array([u[equilibria].min() for u in payoffs])
