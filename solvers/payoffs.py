"""Payoff tensors in float64 or exact rationals; expected payoffs, regrets and residuals in numpy."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from games.base import Game
from games.checks import check_pairs
from games.exact.matrix import given
from games.sampled.catalog import as_game

Payoffs = Shaped[np.ndarray, "n_players *actions"]
"""An array of float64, or of `fractions.Fraction` objects."""
Profile = tuple[Shaped[np.ndarray, " actions"], ...]
"""One mixed strategy per player."""
NUMBER = re.compile(r"([+-]?)(?:(\d+)/(\d+)|(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?)")
"""An integer, a decimal with or without an exponent, or `p/q`."""
MAX_EXPONENT = 400
"""The largest absolute value of a decimal's exponent, so that a short text cannot produce millions of
digits."""
MAX_TEXT_LENGTH = 4000
"""The largest number of characters of a number as text; Python reads integers of up to 4300 digits."""
RELATIVE_RESOLUTION = 1e-6
"""If the range of a player's payoffs is less than this times their largest absolute value, differences are
computed in rationals, because float64 would lose digits."""


def payoff_tensor(game: Any, exact: bool = False) -> Payoffs:
    """The payoffs `(n, A1, ..., An)` of a game as float64, or as exact rationals.

    A float is converted to the shortest decimal that rounds to it: 0.1 is 1/10 both in float32 and in
    float64, so a game stored in float32 has the equilibria of the decimals that the user wrote. For a
    `games.MatrixGame`, the numbers that were passed to its constructor are used.

    Args:
        game: a `games.MatrixGame`, its name or factory, the tensor itself, or for two players the pair `(row,
            column)` of payoff matrices; entries are integers, floats, `Fraction`s or texts such as `"1/3"`.
        exact: whether to return `Fraction`s instead of float64.

    Raises:
        ValueError: if rows differ in length, an entry is not a finite number, the first axis does not have
            one entry per player, or a player has no action.

    Example:
        >>> from games import MatrixGame
        >>> payoff_tensor(MatrixGame.symmetric([[0.1, 0], [1, 2]]), exact=True)[0, 0, 0]
        Fraction(1, 10)
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    check_pairs("The payoffs", game)
    if isinstance(game, Game) and not hasattr(game, "payoffs"):
        raise ValueError(
            f"{game.name!r} is not a matrix game; pass a games.MatrixGame, payoffs, or a repeated game's "
            "stage (game.stage)."
        )
    try:
        array = array_without_rounding(given(getattr(game, "payoffs", game)))
        if array.dtype.kind == "V":  # the narrow types of jax, such as bfloat16
            array = array.astype(float)
        if array.dtype.kind not in "biufOU" or (array.dtype == object and not array.ndim):
            raise TypeError
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The payoffs must be a rectangular array (n, A1, ..., An) of finite numbers; rows of different "
            "length and other entries are not accepted."
        ) from error
    n = array.ndim - 1
    if n < 1 or array.shape[0] != n:
        raise ValueError(
            f"The payoffs have shape {array.shape}; they must be (n, A1, ..., An): one leading entry per "
            "player and one axis per player's actions."
        )
    if 0 in array.shape:
        raise ValueError(f"The payoffs have shape {array.shape}; every player needs at least one action.")
    if exact:
        return rationals(array)
    try:
        tensor = (
            array.astype(float)
            if array.dtype == float or array.dtype.kind in "biu"
            else rationals(array).astype(float)
        )
    except OverflowError as error:
        raise ValueError(
            "A payoff exceeds 1.8e308, the largest number of float64; divide all payoffs by a constant."
        ) from error
    if not np.isfinite(tensor).all():
        raise ValueError(
            f"{tensor[~np.isfinite(tensor)][0]} is not a payoff; all payoffs must be finite numbers."
        )
    if array.dtype == object or array.dtype.kind in "iuU":
        check_rounding(array, tensor)
    return tensor


def check_rounding(
    given: Shaped[np.ndarray, "n_players *actions"], rounded: Float[np.ndarray, "n_players *actions"]
) -> None:
    """Check that rounding to float64 changes payoffs by at most 1e-9 of each player's payoff range.

    Raises:
        ValueError: if it does for some player.
    """
    for player, (own, floats) in enumerate(zip(given, rounded, strict=True)):
        if abs(floats).max() <= 1e6 * np.ptp(floats):  # the rounding error is below 1e-9 of the range
            continue
        exact = rationals(own)
        if exact.max() == exact.min():
            continue  # the player is indifferent between all profiles
        kept = [
            min(abs(x - Fraction(f)), abs(x - rational(f)))
            for x, f in zip(exact.ravel(), floats.ravel().tolist(), strict=True)
        ]
        if max(kept) > (exact.max() - exact.min()) / 10**9:
            raise ValueError(
                f"Player {player}'s payoffs differ by less than float64 can represent; subtract a constant "
                "from all of them, or use a method with exact=True."
            )


def array_without_rounding(entries: Any) -> Shaped[np.ndarray, "..."]:
    """Convert numbers to an array without rounding: of objects if numpy's common dtype would round an entry.

    Raises:
        ValueError: for rows of different length.

    Example:
        >>> array_without_rounding([2**63 + 1, -1, 0.5]).tolist()
        [9223372036854775809, -1, 0.5]
    """
    array = np.asarray(entries)
    if array.dtype.kind in "biu" or not isinstance(entries, (list, tuple)):
        return array
    if all(hasattr(part, "dtype") and part.dtype == array.dtype for part in entries):
        return array
    leaves = list(entries)
    while leaves and (isinstance(leaves[0], (list, tuple)) or np.ndim(leaves[0])):
        leaves = list(chain.from_iterable(np.asarray(x) if hasattr(x, "dtype") else x for x in leaves))
    if set(map(type, leaves)) <= {float, int} and all(-(2**53) < x < 2**53 for x in leaves):
        return array
    result = np.empty(array.size, dtype=object)
    result[:] = [np.asarray(x)[()] if hasattr(x, "dtype") else x for x in leaves]
    return result.reshape(array.shape)


def rationals(array: np.ndarray) -> Shaped[np.ndarray, "..."]:
    """Convert an array to `Fraction`s, entry by entry with `rational`."""
    result = np.empty(array.size, dtype=object)
    narrow = (
        array.dtype.kind == "f" and array.dtype != float
    )  # their own shortest decimals, not those of float64
    result[:] = list(map(rational, array.ravel() if narrow else array.ravel().tolist()))
    return result.reshape(array.shape)


def rational(entry: Any) -> Fraction:
    """Convert a number to a `Fraction`: a float through its shortest decimal, a text by `number`.

    Raises:
        ValueError: for NaN, an infinite number, an exponent beyond 400, a text that is not a number, or
            another type.

    Example:
        >>> rational(0.1), rational("1/3"), rational(2**63 + 1)
        (Fraction(1, 10), Fraction(1, 3), Fraction(9223372036854775809, 1))
    """
    kind = type(entry)
    if kind is Fraction:
        return entry
    if kind is int:
        return Fraction(entry)
    if kind is str:
        return number(entry.strip())
    if isinstance(entry, (float, np.floating)):
        if not math.isfinite(entry):
            raise ValueError(f"{entry} is not a payoff; all payoffs must be finite numbers.")
        whole = kind is float and entry.is_integer() and abs(entry) < 2**53
        return Fraction(int(entry)) if whole else Fraction(Decimal(str(entry)))
    if isinstance(entry, (int, np.integer, np.bool_)):
        return Fraction(int(entry))
    if isinstance(entry, Decimal) and entry.is_finite() and abs(entry.adjusted()) > MAX_EXPONENT:
        raise ValueError(
            f"{entry} has an exponent beyond {MAX_EXPONENT}; use payoffs with smaller exponents."
        )
    try:
        return Fraction(entry)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{entry!r} is not a payoff; all payoffs must be finite numbers: integers, decimals, fractions "
            "or texts such as '1/3'."
        ) from error


def number(text: str) -> Fraction:
    """Read a text as an exact number: an integer, a decimal with or without an exponent, or `p/q`.

    Raises:
        ValueError: for a text that is not a number or has more than 4000 characters, a denominator of 0, or
            an exponent beyond 400.

    Example:
        >>> number("0.1"), number("-3/6"), number("1e2")
        (Fraction(1, 10), Fraction(-1, 2), Fraction(100, 1))
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise ValueError(
            f"{text[:20]!r}... has {len(text)} characters; a number has at most {MAX_TEXT_LENGTH}."
        )
    if text.isdecimal():
        return Fraction(int(text))
    match = NUMBER.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a number; write an integer, a decimal or p/q.")
    if match[3] is not None and int(match[3]) == 0:
        raise ValueError(f"{text!r} divides by 0; write another denominator.")
    if match[4] and abs(int(match[4])) > MAX_EXPONENT:
        raise ValueError(f"{text!r} has an exponent beyond {MAX_EXPONENT}; write a smaller one.")
    return Fraction(text) if match[3] else Fraction(Decimal(text))


def is_exact(payoffs: Payoffs) -> bool:
    """Whether an array of payoffs or probabilities holds `Fraction`s."""
    return payoffs.dtype == object


def n_players(payoffs: Payoffs) -> int:
    """Number of players."""
    return payoffs.ndim - 1


def payoff_range(table: Shaped[np.ndarray, "..."]) -> Any:
    """The unit of tolerances: one player's largest minus its smallest payoff, or 1 if all are equal."""
    return (table.max() - table.min()) or 1


def own_ranges(payoffs: Payoffs) -> Shaped[np.ndarray, " n_players"]:
    """Each player's `payoff_range`.

    Example:
        >>> own_ranges(payoff_tensor(([[2, 0], [0, 1]], [[7, 7], [7, 7]]))).tolist()
        [2.0, 1.0]
    """
    return np.array([payoff_range(own) for own in payoffs])


def in_own_units(payoffs: Payoffs) -> Float[np.ndarray, "n_players *actions"]:
    """Rescale each player's payoffs to a range of 1 with the median at 0, in float64.

    The median is subtracted, not the minimum or the maximum: these may be huge payoffs that forbid an action,
    and subtracting them would round off the digits of all other payoffs.

    Example:
        >>> in_own_units(payoff_tensor([[[1.000000000002, 1]], [[1e12, 3e12]]])).tolist()
        [[[0.0, -1.0]], [[-1.0, 0.0]]]
    """
    scaled = []
    for own in payoffs:
        width = payoff_range(own)
        if not RELATIVE_RESOLUTION * abs(own).max() <= width < np.inf:
            own = rationals(own)
            width = payoff_range(own)
        scaled.append(((own - np.sort(own, axis=None)[own.size // 2]) / width).astype(float))
    return np.stack(scaled)


def check_profile(payoffs: Payoffs, profile: Sequence[Any], tolerance: float = 1e-9) -> Profile:
    """Check a profile and convert it to one array per player, of `Fraction`s if the payoffs are `Fraction`s.

    Raises:
        ValueError: if the number of strategies or the length of one is wrong, or if probabilities are
            negative or do not sum to 1, by more than `tolerance`.
    """
    if len(profile) != n_players(payoffs):
        raise ValueError(
            f"The profile has {len(profile)} strategies for {n_players(payoffs)} players; it must have one "
            "for each player."
        )
    checked = []
    for player, (strategy, actions) in enumerate(zip(profile, payoffs.shape[1:], strict=True)):
        entries = np.asarray(strategy)
        if entries.shape != (actions,):
            raise ValueError(
                f"Player {player}'s strategy has shape {entries.shape}; the game gives this player {actions} "
                "actions."
            )
        entries = rationals(entries) if is_exact(payoffs) else entries.astype(float)
        if not (entries >= -tolerance).all() or not abs(entries.sum() - 1) <= tolerance:
            raise ValueError(
                f"Player {player}'s strategy {[float(x) for x in entries]} is off the simplex; its entries "
                "must be probabilities that sum to 1."
            )
        checked.append(entries)
    return tuple(checked)


def action_values(payoffs: Payoffs, profile: Profile, player: int) -> Shaped[np.ndarray, " actions"]:
    r"""Expected payoff of each action of a player against the others, $u_i(a_i, \sigma_{-i})$.

    Example:
        >>> payoffs = payoff_tensor(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
        >>> action_values(payoffs, (np.ones(2) / 2, np.array([1.0, 0.0])), 0).tolist()
        [2.0, 0.0]
    """
    return mean_over_others(payoffs[player], profile, player)


def mean_over_others(
    table: Shaped[np.ndarray, "*actions"], profile: Profile, player: int
) -> Shaped[np.ndarray, " actions"]:
    """The expectation of a table over the other players' mixed strategies, for each action of one player.

    Args:
        table: one number per joint action.
        profile: one mixed strategy per player.
        player: the player whose axis remains.
    """
    skip_zeros = table.dtype == object  # products of `Fraction`s are slow
    for own in reversed(profile[player + 1 :]):
        table = table[..., played := own.nonzero()[0]] @ own[played] if skip_zeros else table @ own
    for own in profile[:player]:
        if skip_zeros:
            table, own = table[played := own.nonzero()[0]], own[played]
        table = (own @ table.reshape(len(own), -1)).reshape(table.shape[1:])
    return table


def expected_payoffs(payoffs: Payoffs, profile: Profile) -> Shaped[np.ndarray, " n_players"]:
    r"""Each player's expected payoff, $u_i(\sigma)$."""
    return payoffs_and_regrets(payoffs, profile)[0]


def regrets(payoffs: Payoffs, profile: Profile) -> Shaped[np.ndarray, " n_players"]:
    r"""How much each player would gain by a best response, $\max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$.

    0 at equilibrium.

    Example:
        >>> payoffs = payoff_tensor(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
        >>> regrets(payoffs, (np.array([1.0, 0.0]), np.array([0.0, 1.0]))).tolist()
        [1.0, 1.0]
    """
    return payoffs_and_regrets(payoffs, profile)[1]


def payoffs_and_regrets(
    payoffs: Payoffs, profile: Profile
) -> tuple[Shaped[np.ndarray, " n_players"], Shaped[np.ndarray, " n_players"]]:
    """Each player's expected payoff and regret, from one computation of the action values."""
    values = [action_values(payoffs, profile, i) for i in range(n_players(payoffs))]
    expected = np.array([own @ v for own, v in zip(profile, values, strict=True)], dtype=payoffs.dtype)
    return expected, np.array([v.max() for v in values], dtype=payoffs.dtype) - expected


def evaluate(
    payoffs: Payoffs, profile: Profile
) -> tuple[Shaped[np.ndarray, " n_players"], Shaped[np.ndarray, " n_players"], float]:
    r"""Expected payoffs, regrets, and the residual: the largest regret relative to the payoffs in play.

    Player i's regret is divided by the larger of two means of $|u_i(a) - u_i(\sigma)|$: with $a$ sampled from
    the profile, and with player i's action replaced by its best response. This unit is at least the regret,
    so the residual lies in [0, 1]. It does not depend on payoffs of actions that are neither played nor best
    responses, such as the penalty of a forbidden action, nor on the units of the other players' payoffs.

    Returns:
        Expected payoffs, regrets and the residual.

    Example:
        >>> pennies = payoff_tensor(([[1, -1], [-1, 1], [-1e9, -1e9]], [[-1, 1], [1, -1], [0, 0]]))
        >>> evaluate(pennies, (np.array([1.0, 0, 0]), np.array([0.5, 0.5])))[2]
        1.0
    """
    rows = [evaluate_player(own, profile, player) for player, own in enumerate(payoffs)]
    expected, regret, units = (np.array(column, dtype=payoffs.dtype) for column in zip(*rows, strict=True))
    return expected, regret, float(max(r / u if u else 0 for r, u in zip(regret, units, strict=True)))


def evaluate_player(
    table: Shaped[np.ndarray, "*actions"], profile: Profile, player: int
) -> tuple[Any, Any, Any]:
    """One player's expected payoff and regret, and the unit by which the regret is divided.

    They are computed in rationals if the differences of the payoffs are too small for float64.
    """
    base = table[tuple([s.argmax() for s in profile])]
    relative = table - base  # differences, which a large constant in all payoffs would round
    values = mean_over_others(relative, profile, player)
    mean, best = profile[player] @ values, values.argmax()
    regret = values[best] - mean
    if is_exact(table) and not regret:
        return base + mean, regret, regret
    deviation = mean_over_others(abs(relative - mean), profile, player)
    unit = max(profile[player] @ deviation, deviation[best])
    if not is_exact(table) and unit and not RELATIVE_RESOLUTION * abs(base) <= unit < np.inf:
        exact = tuple(np.array([Fraction(p) for p in s.tolist()], dtype=object) for s in profile)
        expected, regret, unit = evaluate_player(rationals(table), exact, player)
        return float(expected), float(regret), float(unit)
    return base + mean, regret, unit


def nash_conv(payoffs: Payoffs, profile: Profile) -> Any:
    r"""Sum of the regrets, $\sum_i \max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$ (Lanctot et al. 2017)."""
    return regrets(payoffs, profile).sum()


def exploitability(payoffs: Payoffs, profile: Profile) -> Any:
    """NashConv divided by the number of players, the convention for two-player zero-sum games."""
    return nash_conv(payoffs, profile) / n_players(payoffs)


def relabel_players(payoffs: Payoffs, order: Sequence[int]) -> Float[np.ndarray, "n_players *actions"]:
    """Permute the players: player k of the result is player `order[k]` of the given game."""
    return np.transpose(payoffs[list(order)], (0, *(1 + k for k in order)))


def restrict(payoffs: Payoffs, kept: Sequence[Sequence[int]]) -> Payoffs:
    """The game in which each player has only the kept actions.

    Args:
        payoffs: `(n, A1, ..., An)`.
        kept: for each player, the indices of the actions that remain.
    """
    return payoffs[np.ix_(range(n_players(payoffs)), *kept)]


def embed(
    strategies: Sequence[np.ndarray], kept: Sequence[Sequence[int]], actions: Sequence[int]
) -> tuple[np.ndarray, ...]:
    """Convert strategies of a restricted game to strategies of the whole game, normalized to sum 1.

    Args:
        strategies: for each player, the probabilities of the kept actions.
        kept: for each player, the indices of these actions in the whole game.
        actions: the number of actions of each player in the whole game.
    """
    profile = tuple(np.zeros(a) for a in actions)
    for strategy, own, used in zip(profile, strategies, kept, strict=True):
        strategy[list(used)] = own / own.sum()
    return profile
