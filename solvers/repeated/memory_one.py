"""Nash and subgame-perfect equilibria in memory-k strategies, with a profitable deviation as disproof."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_range
from solvers.payoffs import payoff_range
from solvers.printing import result_text, rounded_text
from solvers.repeated.best_responses import history_values, respond
from solvers.repeated.histories import (
    Play,
    Repeated,
    Table,
    as_repeated,
    as_table,
    from_table,
    history,
    payoffs_in_play,
    play,
)

History = tuple[tuple[int, ...], ...]
"""Joint actions, oldest first, players by seat."""


@dataclasses.dataclass(frozen=True)
class Deviation:
    """A profitable deviation of one player.

    Args:
        player: the player that deviates.
        after: the history after which the player deviates, joint actions by seat; empty for the start.
        action: the action of a one-shot deviation; None if the whole strategy changes.
        policy: the strategy that earns more from there on; its histories list the player's own action first.
        gain: the gain, in units of payoff: of one step for a one-shot deviation, per step for another
            strategy.
    """

    player: int
    after: History
    action: int | None
    policy: Float[np.ndarray, "..."]
    gain: float

    def __repr__(self) -> str:
        where = f"after {self.after}" if self.after else "at the start"
        change = "another strategy" if self.action is None else f"action {self.action}"
        return (
            f"Deviation(player {self.player} gains {rounded_text(self.gain)} by {change} {where}, "
            f"policy {rounded_text(self.policy)})"
        )


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a profile is an equilibrium; its truth value is `holds`.

    Args:
        holds: whether it is an equilibrium.
        payoffs: per-step payoff of every player from the start.
        gain: the largest gain of any deviation, over the range of its player's payoffs in play; at most
            `tolerance` if the profile is an equilibrium.
        deviation: the most profitable deviation if the profile is not an equilibrium, otherwise None.
    """

    holds: bool
    payoffs: Float[np.ndarray, " n_players"]
    gain: float
    deviation: Deviation | None

    def __repr__(self) -> str:
        return result_text(
            "Verdict: an equilibrium" if self.holds else "Verdict: no equilibrium",
            {"payoffs": self.payoffs, "largest gain": self.gain, "deviation": self.deviation},
        )

    def __bool__(self) -> bool:
        return self.holds


def is_nash(
    game: Any, profile: Sequence[Any], discount: float | None = None, tolerance: float = 1e-9
) -> Verdict:
    r"""Whether a profile is a Nash equilibrium: no strategy of any memory gains from the start.

    $\max_{\tau} \pi_i(\tau, \sigma_{-i}) - \pi_i(\sigma) \le \epsilon$ for every player i, by the best
    response of `best_response`.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, in a form that `best_response` accepts.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        tolerance: the largest gain that counts as 0, over the range of the player's payoffs that can occur
            under the profile or the deviation; at least 0.

    Raises:
        ValueError: for a negative tolerance, and for the reasons given in `best_response`.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> bool(is_nash(axelrod, ("tft", "tft"), 0.9))
        True
        >>> round(is_nash(axelrod, ("tft", "tft"), 0.5).deviation.gain, 6)
        0.333333
    """
    check_range("tolerance", tolerance, 0.0)
    repeated = as_repeated(game, discount, errors=True)
    joint_play = play(repeated.in_own_units, profile)
    values = history_values(joint_play)
    found = []
    for player in range(repeated.n_players):
        response = respond(joint_play, player)
        table = as_table(repeated, player, response.policy)[0][joint_play.rows(player)]
        gain = response.value - float(values[0, player])
        found.append(
            (
                gain / float(payoffs_in_play(joint_play, player, table)[0]),
                Deviation(player, (), None, response.policy, gain),
            )
        )
    return verdict(found, repeated, profile, tolerance)


def is_subgame_perfect(
    game: Any, profile: Sequence[Any], discount: float | None = None, tolerance: float = 1e-9
) -> Verdict:
    r"""Whether a profile is subgame perfect: no deviation gains after any history, on or off the path.

    With discounting, one-shot deviations after each history of length 0 to k suffice:

    $E[u_i(a_i, \sigma_{-i})] + d\, E[V_i(h')] - V_i(h) \le \epsilon$ for all $i, h, a_i$.

    For the long-run average a one-shot deviation never matters, and the value after each history is compared
    with that of the best response.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, in a form that `best_response` accepts.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        tolerance: the largest gain that counts as 0, over the range of the player's payoffs that can occur
            under the profile or the deviation; at least 0.

    Raises:
        ValueError: for a negative tolerance, and for the reasons given in `best_response`.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> bool(is_subgame_perfect(axelrod, ("grim", "grim"), 0.6))
        True
        >>> is_subgame_perfect(axelrod, ("tft", "tft"), 0.9).deviation.after
        ((1, 1),)

    Source:
        Mailath & Samuelson (2006), Proposition 2.2.1, the one-shot deviation principle.
    """
    check_range("tolerance", tolerance, 0.0)
    repeated = as_repeated(game, discount, errors=True)
    joint_play = play(repeated.in_own_units, profile)
    values = history_values(joint_play)
    best_deviation = strategy_gains if repeated.discount == 1 else one_shot_gains
    found = [best_deviation(joint_play, values, player) for player in range(repeated.n_players)]
    return verdict(found, repeated, profile, tolerance)


def verdict(
    found: list[tuple[float, Deviation]], repeated: Repeated, profile: Sequence[Any], tolerance: float
) -> Verdict:
    """The `Verdict` from each player's best deviation and its gain over the range of payoffs in play."""
    share, worst = max(found, key=lambda deviation: deviation[0])
    worst = dataclasses.replace(worst, gain=worst.gain * float(payoff_range(repeated.payoffs[worst.player])))
    payoffs = history_values(play(repeated, profile))[0]
    return Verdict(share <= tolerance, payoffs, max(share, 0.0), None if share <= tolerance else worst)


def one_shot_gains(
    joint_play: Play, values: Float[np.ndarray, "histories n"], player: int
) -> tuple[float, Deviation]:
    """A player's most profitable one-shot deviation, and its gain over the range of payoffs in play."""
    repeated = joint_play.game
    transitions, rewards = joint_play.decision_process(player)
    own = joint_play.tables[player]
    assert own is not None, "every player's table is given"
    joint = joint_play.joint()
    chain = joint_play.chain(joint)
    excess = (
        joint @ repeated.rewards[:, player] - values[0, player]
    )  # minus the value at the start, so that discounted sums stay bounded as d goes to 1
    ahead = rewards[..., player] + repeated.discount * transitions @ np.linalg.solve(
        np.eye(len(chain)) - repeated.discount * chain, excess
    )
    gains = ahead - np.einsum("ha,ah->h", own, ahead)
    best = np.eye(repeated.n_actions[player])[gains.argmax(axis=0)]
    share = gains.max(axis=0) / payoffs_in_play(joint_play, player, best)
    index = int(share.argmax())
    action, changed = int(gains[:, index].argmax()), own.copy()
    changed[index] = best[index]
    policy = from_table(changed[np.argsort(joint_play.rows(player))])
    after = history(index, repeated.n_actions, joint_play.memory)
    return float(share[index]), Deviation(player, after, action, policy, float(gains[action, index]))


def strategy_gains(
    joint_play: Play, values: Float[np.ndarray, "histories n"], player: int
) -> tuple[float, Deviation]:
    """A player's most profitable change of strategy, and its gain over the range of payoffs in play."""
    rows = joint_play.rows(player)
    response = respond(joint_play, player)
    gains = response.values[rows] - values[:, player]
    share = gains / payoffs_in_play(
        joint_play, player, as_table(joint_play.game, player, response.policy)[0][rows]
    )
    index = int(share.argmax())
    after = history(index, joint_play.game.n_actions, joint_play.memory)
    return float(share[index]), Deviation(player, after, None, response.policy, float(gains[index]))


@dataclasses.dataclass(frozen=True)
class MemoryOneEquilibrium:
    """An equilibrium in deterministic memory-one strategies.

    Args:
        profile: each player's probabilities of action 0, `[start, CC, CD, DC, DD]`, own action first.
        payoffs: per-step payoff of both players from the start.
    """

    profile: tuple[Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]
    payoffs: Float[np.ndarray, " 2"]

    def __repr__(self) -> str:
        strategies = " against ".join(rounded_text(p) for p in self.profile)
        return f"MemoryOneEquilibrium({strategies}, payoffs {rounded_text(self.payoffs)})"


def memory_one_equilibria(
    game: Any, discount: float | None = None, perfect: bool = True, tolerance: float = 1e-9
) -> tuple[MemoryOneEquilibrium, ...]:
    """All equilibria of a repeated 2x2 game in deterministic memory-one strategies, among 1,024 profiles.

    Args:
        game: a `games.Iterated`, or a stage game of two players with two actions each.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        perfect: whether they must be subgame perfect; otherwise Nash equilibria from the start.
        tolerance: the largest gain that counts as 0, over the range of the player's payoffs in play: in stage
            payoffs with discounting, per step for the average.

    Raises:
        ValueError: for a game that is not 2x2, and for the reasons given in `best_response`.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> sorted({tuple(e.payoffs.round(3).tolist()) for e in memory_one_equilibria(axelrod, 0.45)})
        [(1.0, 1.0)]
    """
    check_range("tolerance", tolerance, 0.0)
    repeated = as_repeated(game, discount, errors=True)
    if repeated.n_actions != (2, 2):
        raise ValueError(
            f"The stage game has actions {repeated.n_actions}; deterministic memory-one strategies are "
            "enumerated for 2x2 games."
        )
    unit = repeated.in_own_units
    policies = [np.array(p) for p in itertools.product((1.0, 0.0), repeat=5)]
    tables = [[play(unit, (p, p)).tables[seat] for p in policies] for seat in range(2)]
    best = [[best_response_values(unit, tables, seat, j) for j in range(len(policies))] for seat in range(2)]
    allowed = tolerance * (1 - repeated.discount if repeated.discount < 1 else 1)
    checked = slice(None) if perfect else slice(1)
    found = []
    for i, j in itertools.product(range(len(policies)), repeat=2):
        joint_play = Play(unit, 1, (tables[0][i], tables[1][j]))
        values = history_values(joint_play)
        gains = np.stack([best[0][j][0] - values[:, 0], best[1][i][0] - values[:, 1]])[:, checked]
        if (gains <= allowed).all():
            widths = [
                payoffs_in_play(joint_play, player, own[1])[checked]
                for player, own in enumerate((best[0][j], best[1][i]))
            ]
            if (gains <= allowed * np.stack(widths)).all():
                payoffs = history_values(dataclasses.replace(joint_play, game=repeated))[0]
                found.append(MemoryOneEquilibrium((policies[i], policies[j]), payoffs))
    return tuple(found)


def best_response_values(
    repeated: Repeated, tables: list[list[Any]], seat: int, other: int
) -> tuple[Float[np.ndarray, " 5"], Table]:
    """A player's best response to one strategy of the other: its values and its table, in joint order."""
    others = Play(repeated, 1, (None, tables[1][other]) if seat == 0 else (tables[0][other], None))
    response, rows = respond(others, seat), others.rows(seat)
    return response.values[rows], as_table(repeated, seat, response.policy)[0][rows]
