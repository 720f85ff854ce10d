"""Payoff tensors as solvers take them, in float64 or in exact rationals, and what a profile earns and could gain in them."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from games.base import Game
from games.matrix import given

Payoffs = Shaped[np.ndarray, "n_players *actions"]
"""Float64, or objects that are all `fractions.Fraction`."""
Profile = tuple[Shaped[np.ndarray, " actions"], ...]
"""One mixed strategy per player."""


def payoff_tensor(game: Any, exact: bool = False) -> Payoffs:
    """The payoffs `(n, A1, ..., An)` of a game as float64, or as exact rationals.

    A number in float32 or float64 stands for its shortest decimal: 0.1 is read as 1/10 whatever its width, so that a game held in
    float32 has the equilibria of the game that was typed. A `games.MatrixGame` is solved by the numbers that it was made from.

    Args:
        game: a `games.MatrixGame`, the tensor itself, or for two players the pair `(row, column)` of payoff matrices; entries may be
            integers, floats, `Fraction` or strings such as `"1/3"`.
        exact: whether rationals are wanted.

    Raises:
        ValueError: if it is ragged, has an entry that is no finite number, its player axis disagrees with its rank, or a player has no
            action.

    Example:
        >>> from games import MatrixGame
        >>> payoff_tensor(MatrixGame.symmetric([[0.1, 0], [1, 2]]), exact=True)[0, 0, 0]
        Fraction(1, 10)
    """
    if isinstance(game, Game) and not hasattr(game, "payoffs"):
        raise ValueError(f"{game.name!r} is no matrix game; give a games.MatrixGame, payoffs, or a repeated game's stage (game.stage).")
    entries = given(getattr(game, "payoffs", game))
    try:
        array = np.asarray(entries)
        if array.dtype.kind not in "biufOUS":
            raise TypeError
        if not exact and array.dtype == float:
            if not np.isfinite(array).all():
                raise ValueError
            tensor = array
        else:
            tensor = rationals(array)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise ValueError(
            "The payoffs must be a rectangular array (n, A1, ..., An) of finite numbers; rows of different length, NaN, infinite or "
            "other entries have no equilibrium."
        ) from error
    n = array.ndim - 1
    if n < 1 or array.shape[0] != n:
        raise ValueError(
            f"The payoffs have shape {array.shape}; they must be (n, A1, ..., An): one leading entry per player and one axis per player's "
            "actions."
        )
    if min(array.shape[1:]) < 1:
        raise ValueError(f"The payoffs have shape {array.shape}; every player needs at least one action.")
    return tensor if exact else tensor.astype(float)


def rationals(array: np.ndarray) -> Shaped[np.ndarray, "..."]:
    """An array of the same shape that holds `Fraction`s."""
    result = np.empty(array.size, dtype=object)
    result[:] = [rational(entry) for entry in array.ravel()]
    return result.reshape(array.shape)


def rational(entry: Any) -> Fraction:
    """A number as a rational: a float by its shortest decimal, a string as it is written.

    Raises:
        ValueError: for NaN, infinite entries and text that is no number.
        TypeError: for anything else.
    """
    if isinstance(entry, (np.floating, float)):
        if not math.isfinite(entry):
            raise ValueError(f"{entry} is not finite.")
        return Fraction(str(entry))
    return Fraction(int(entry)) if isinstance(entry, (int, np.integer, np.bool_)) else Fraction(entry)


def is_exact(payoffs: Payoffs) -> bool:
    """Whether a payoff tensor or a strategy holds rationals."""
    return payoffs.dtype == object


def n_players(payoffs: Payoffs) -> int:
    """Number of players."""
    return payoffs.ndim - 1


def payoff_range(payoffs: Payoffs) -> Any:
    """The largest less the smallest payoff of any player, or 1 where all are equal: the unit of every relative tolerance."""
    return (payoffs.max() - payoffs.min()) or 1


def check_profile(payoffs: Payoffs, profile: Sequence[Any], tolerance: float = 1e-9) -> Profile:
    """A profile as arrays of the payoffs' kind, one strategy per player.

    Raises:
        ValueError: if a player is missing, a strategy has the wrong length, or it is off the simplex by more than `tolerance`.
    """
    if len(profile) != n_players(payoffs):
        raise ValueError(f"The profile has {len(profile)} strategies for {n_players(payoffs)} players; give one each.")
    checked = []
    for player, (strategy, actions) in enumerate(zip(profile, payoffs.shape[1:], strict=True)):
        entries = np.asarray(strategy)
        if entries.shape != (actions,):
            raise ValueError(f"Player {player}'s strategy has shape {entries.shape}; the game gives this player {actions} actions.")
        entries = rationals(entries) if is_exact(payoffs) else entries.astype(float)
        if not (entries >= -tolerance).all() or not abs(entries.sum() - 1) <= tolerance:
            raise ValueError(
                f"Player {player}'s strategy {[float(x) for x in entries]} is off the simplex; its entries must be probabilities that "
                "sum to 1."
            )
        checked.append(entries)
    return tuple(checked)


def action_values(payoffs: Payoffs, profile: Profile, player: int) -> Shaped[np.ndarray, " actions"]:
    r"""What each action earns a player against the others' mixed strategies, $u_i(a_i, \sigma_{-i})$.

    Example:
        >>> action_values(payoff_tensor(([[2, 0], [0, 1]], [[1, 0], [0, 2]])), (np.ones(2) / 2, np.array([1.0, 0.0])), 0).tolist()
        [2.0, 0.0]
    """
    table = payoffs[player]
    for other in reversed(range(n_players(payoffs))):
        if other != player:
            played = np.flatnonzero(profile[other])  # rationals are slow to multiply
            table = np.moveaxis(table, other, -1)[..., played] @ profile[other][played]
    return table


def expected_payoffs(payoffs: Payoffs, profile: Profile) -> Shaped[np.ndarray, " n_players"]:
    r"""Everybody's expected payoff, $u_i(\sigma)$."""
    return gains(payoffs, profile)[0]


def regrets(payoffs: Payoffs, profile: Profile) -> Shaped[np.ndarray, " n_players"]:
    r"""What everybody would gain by a best response, $\max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$; all 0 at a Nash equilibrium.

    Example:
        >>> regrets(payoff_tensor(([[2, 0], [0, 1]], [[1, 0], [0, 2]])), (np.array([1.0, 0.0]), np.array([0.0, 1.0]))).tolist()
        [1.0, 1.0]
    """
    return gains(payoffs, profile)[1]


def gains(payoffs: Payoffs, profile: Profile) -> tuple[Shaped[np.ndarray, " n_players"], Shaped[np.ndarray, " n_players"]]:
    """Everybody's expected payoff and regret at once."""
    values = [action_values(payoffs, profile, i) for i in range(n_players(payoffs))]
    earned = np.array([own @ v for own, v in zip(profile, values, strict=True)], dtype=payoffs.dtype)
    return earned, np.array([v.max() for v in values], dtype=payoffs.dtype) - earned


def nash_conv(payoffs: Payoffs, profile: Profile) -> Any:
    r"""The sum of everybody's regret, $\sum_i \max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$ (Lanctot et al. 2017)."""
    return regrets(payoffs, profile).sum()


def exploitability(payoffs: Payoffs, profile: Profile) -> Any:
    """NashConv per player, the convention of two-player zero-sum games."""
    return nash_conv(payoffs, profile) / n_players(payoffs)


def relabel_players(payoffs: Payoffs, order: Sequence[int]) -> Float[np.ndarray, "n_players *actions"]:
    """The same game with its seats renamed: seat k of the result is seat `order[k]`."""
    return np.transpose(payoffs[list(order)], (0, *(1 + k for k in order)))
