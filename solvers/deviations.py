"""How much players gain by deviating from a given profile: regrets, NashConv and exploitability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from games.exact.iterated import Iterated
from games.exact.parameterized import Parameterized
from games.sampled.catalog import as_game
from solvers import payoffs as tables
from solvers.repeated.best_responses import best_response, repeated_payoffs


def regrets(game: Any, profile: Sequence[Any]) -> Float[np.ndarray, " n_players"]:
    r"""How much each player gains by a best response to the others, $\max_{\sigma'_i} u_i(\sigma'_i, \sigma_{-i}) - u_i(\sigma)$.

    In a repeated game the best response is one among all strategies of any memory, and gains are per step.

    Args:
        game: a normal-form game or a repeated game with exact values: a game, its name, a factory, or payoffs
            `(n, A1, ..., An)`.
        profile: one strategy per player by seat: probabilities of the actions in a normal-form game; in a
            repeated game a name in `games.STRATEGIES`, probabilities of action 0 after every history, or a
            table, as `best_response` takes them.

    Returns:
        One number per player, at least 0 up to rounding; 0 for all players at a Nash equilibrium.

    Raises:
        ValueError: for another kind of game, or strategies that do not fit it.

    Example:
        >>> regrets("prisoners_dilemma", ([1, 0], [1, 0])).tolist()
        [1.0, 1.0]
        >>> regrets("ipd_axelrod", ("tft", "allc")).round(9).tolist()
        [2.0, 0.0]
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    if not isinstance(game, (Iterated, Parameterized)):
        payoffs = tables.payoff_tensor(game)
        return np.asarray(tables.regrets(payoffs, tables.check_profile(payoffs, profile)), float)
    values = repeated_payoffs(game, profile)
    best = [best_response(game, profile, player).value for player in range(len(values))]
    return np.maximum(np.array(best) - values, 0.0)


def nash_conv(game: Any, profile: Sequence[Any]) -> float:
    r"""The sum of all players' regrets, 0 at a Nash equilibrium.

    Args:
        game: as for `regrets`.
        profile: as for `regrets`.

    Raises:
        ValueError: as `regrets` does.

    Source:
        Lanctot et al. 2017, "A unified game-theoretic approach to multiagent reinforcement learning".

    Example:
        >>> nash_conv("matching_pennies", ([1, 0], [0.5, 0.5]))
        1.0
    """
    return float(regrets(game, profile).sum())


def exploitability(game: Any, profile: Sequence[Any]) -> float:
    """NashConv divided by the number of players, the usual measure of a profile of a zero-sum game.

    Args:
        game: as for `regrets`.
        profile: as for `regrets`.

    Raises:
        ValueError: as `regrets` does.

    Example:
        >>> exploitability("matching_pennies", ([1, 0], [0.5, 0.5]))
        0.5
    """
    found = regrets(game, profile)
    return float(found.sum() / len(found))
