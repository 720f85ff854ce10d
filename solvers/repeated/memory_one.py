"""Equilibria in memory-one and memory-k strategies of repeated games, each refusal with the deviation that proves it."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_range
from solvers.payoffs import payoff_range
from solvers.repeated.best_responses import history_values, respond
from solvers.repeated.histories import (
    Play,
    Repeated,
    Table,
    as_table,
    from_table,
    history,
    payoffs_in_play,
    play,
    repeated,
)

History = tuple[tuple[int, ...], ...]
"""Joint actions, oldest first, players by seat."""


@dataclasses.dataclass(frozen=True)
class Deviation:
    """What a player gains by, and where.

    Args:
        player: who deviates.
        after: the history from which it pays, joint actions by seat; empty for the start.
        action: the action to take there once; None where the whole strategy changes.
        policy: a strategy that earns more from there on, in the player's own-first form.
        gain: how much more. For one action, in units of the stage payoffs; for a strategy, per step.
    """

    player: int
    after: History
    action: int | None
    policy: Float[np.ndarray, "..."]
    gain: float


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a profile is an equilibrium; true or false in conditions.

    Args:
        holds: the answer.
        payoffs: everybody's per-step payoff from the start.
        gain: the largest gain of any deviation, over the range of its player's payoffs in play; at most
            `tolerance` where the answer is yes.
        deviation: the most profitable deviation, where the answer is no.
    """

    holds: bool
    payoffs: Float[np.ndarray, " n_players"]
    gain: float
    deviation: Deviation | None

    def __bool__(self) -> bool:
        return self.holds


def is_nash(
    game: Any, profile: Sequence[Any], discount: float | None = None, tolerance: float = 1e-9
) -> Verdict:
    r"""Whether nobody gains by any other strategy, of whatever memory, from the start.

    $\max_{\tau} \pi_i(\tau, \sigma_{-i}) - \pi_i(\sigma) \le \epsilon$ for every player i, by the best
    response of `best_response`.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, as `best_response` takes them.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        tolerance: what a deviation may gain, over the range of the player's payoffs in play, those of the
            profile and of the deviation; at least 0.

    Raises:
        ValueError: for what `best_response` refuses, and for a negative tolerance.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> bool(is_nash(axelrod, ("tft", "tft"), 0.9)), round(is_nash(axelrod, ("tft", "tft"), 0.5).deviation.gain, 6)
        (True, 0.333333)
    """
    check_range("tolerance", tolerance, 0.0)
    rules = repeated(game, discount)
    everybody = play(rules.in_own_units, profile)
    values = history_values(everybody)
    found = []
    for player in range(rules.n_players):
        response = respond(everybody, player)
        table = as_table(rules, player, response.policy)[0][everybody.rows(player)]
        gain = response.value - float(values[0, player])
        found.append(
            (
                gain / float(payoffs_in_play(everybody, player, table)[0]),
                Deviation(player, (), None, response.policy, gain),
            )
        )
    return verdict(found, rules, profile, tolerance)


def is_subgame_perfect(
    game: Any, profile: Sequence[Any], discount: float | None = None, tolerance: float = 1e-9
) -> Verdict:
    r"""Whether nobody gains by deviating after any history, whether the profile leads there or not (Markov perfection).

    Discounted, deviating once is all that need be tried, after each history of length 0 to k:

    $E[u_i(a_i, \sigma_{-i})] + d\, E[V_i(h')] - V_i(h) \le \epsilon$ for all $i, h, a_i$.

    For the long-run average a single deviation never matters, and the best response from every history is
    compared instead.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, as `best_response` takes them.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        tolerance: what a deviation may gain, over the range of the player's payoffs in play, those of the
            profile and of the deviation; at least 0.

    Raises:
        ValueError: for what `best_response` refuses, and for a negative tolerance.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> bool(is_subgame_perfect(axelrod, ("grim", "grim"), 0.6))
        True
        >>> is_subgame_perfect(axelrod, ("tft", "tft"), 0.9).deviation.after
        ((1, 1),)

    Source:
        Mailath & Samuelson (2006), Proposition 2.2.1, for deviations of one step.
    """
    check_range("tolerance", tolerance, 0.0)
    rules = repeated(game, discount)
    everybody = play(rules.in_own_units, profile)
    values = history_values(everybody)
    by_player = whole_gains if rules.discount == 1 else one_step_gains
    found = [by_player(everybody, values, player) for player in range(rules.n_players)]
    return verdict(found, rules, profile, tolerance)


def verdict(
    found: list[tuple[float, Deviation]], rules: Repeated, profile: Sequence[Any], tolerance: float
) -> Verdict:
    """The verdict that the best deviation of each player implies, from its gain over the payoffs in play and over the payoff range."""
    share, worst = max(found, key=lambda deviation: deviation[0])
    worst = dataclasses.replace(worst, gain=worst.gain * float(payoff_range(rules.payoffs[worst.player])))
    payoffs = history_values(play(rules, profile))[0]
    return Verdict(share <= tolerance, payoffs, max(share, 0.0), None if share <= tolerance else worst)


def one_step_gains(
    everybody: Play, values: Float[np.ndarray, "histories n"], player: int
) -> tuple[float, Deviation]:
    """The most profitable deviation of one step, and its gain over the payoffs in play."""
    rules = everybody.game
    transitions, rewards = everybody.choices(player)
    own = everybody.tables[player]
    assert own is not None, "everybody's table is given"
    joint = everybody.joint()
    chain = everybody.chain(joint)
    above = (
        joint @ rules.rewards[:, player] - values[0, player]
    )  # sums of what exceeds the average stay small however long they run
    ahead = rewards[..., player] + rules.discount * transitions @ np.linalg.solve(
        np.eye(len(chain)) - rules.discount * chain, above
    )
    gains = ahead - np.einsum("ha,ah->h", own, ahead)
    best = np.eye(rules.n_actions[player])[gains.argmax(axis=0)]
    share = gains.max(axis=0) / payoffs_in_play(everybody, player, best)
    index = int(share.argmax())
    action, changed = int(gains[:, index].argmax()), own.copy()
    changed[index] = best[index]
    policy = from_table(changed[np.argsort(everybody.rows(player))])
    after = history(index, rules.n_actions, everybody.memory)
    return float(share[index]), Deviation(player, after, action, policy, float(gains[action, index]))


def whole_gains(
    everybody: Play, values: Float[np.ndarray, "histories n"], player: int
) -> tuple[float, Deviation]:
    """The history from which another strategy gains the most on average, and the gain over the payoffs in play."""
    rows = everybody.rows(player)
    response = respond(everybody, player)
    gains = response.values[rows] - values[:, player]
    share = gains / payoffs_in_play(
        everybody, player, as_table(everybody.game, player, response.policy)[0][rows]
    )
    index = int(share.argmax())
    after = history(index, everybody.game.n_actions, everybody.memory)
    return float(share[index]), Deviation(player, after, None, response.policy, float(gains[index]))


@dataclasses.dataclass(frozen=True)
class MemoryOneEquilibrium:
    """A profile of deterministic memory-one strategies, `[start, CC, CD, DC, DD]` each, and everybody's per-step payoff."""

    profile: tuple[Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]
    payoffs: Float[np.ndarray, " 2"]


def memory_one_equilibria(
    game: Any, discount: float | None = None, perfect: bool = True, tolerance: float = 1e-9
) -> tuple[MemoryOneEquilibrium, ...]:
    """All equilibria of a repeated 2x2 game in deterministic memory-one strategies, by comparing all 1,024 profiles with best responses.

    Args:
        game: a `games.Iterated`, or a stage game of two players with two actions each.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        perfect: whether they must be subgame perfect; otherwise Nash equilibria from the start.
        tolerance: what a deviation may gain, over the range of the player's payoffs in play, in stage payoffs
            (per step for the average).

    Raises:
        ValueError: for a game that is not 2x2, and what `best_response` refuses.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> sorted({tuple(e.payoffs.round(3).tolist()) for e in memory_one_equilibria(axelrod, 0.45)})
        [(1.0, 1.0)]
    """
    check_range("tolerance", tolerance, 0.0)
    rules = repeated(game, discount)
    if rules.n_actions != (2, 2):
        raise ValueError(
            f"The stage game has actions {rules.n_actions}; deterministic memory-one strategies are enumerated for 2x2 games."
        )
    unit = rules.in_own_units
    policies = [np.array(p) for p in itertools.product((1.0, 0.0), repeat=5)]
    tables = [[play(unit, (p, p)).tables[seat] for p in policies] for seat in range(2)]
    best = [[own_values(unit, tables, seat, j) for j in range(len(policies))] for seat in range(2)]
    allowed = tolerance * (1 - rules.discount if rules.discount < 1 else 1)
    checked = slice(None) if perfect else slice(1)
    found = []
    for i, j in itertools.product(range(len(policies)), repeat=2):
        everybody = Play(unit, 1, (tables[0][i], tables[1][j]))
        values = history_values(everybody)
        gains = np.stack([best[0][j][0] - values[:, 0], best[1][i][0] - values[:, 1]])[:, checked]
        if (gains <= allowed).all():
            widths = [
                payoffs_in_play(everybody, player, own[1])[checked]
                for player, own in enumerate((best[0][j], best[1][i]))
            ]
            if (gains <= allowed * np.stack(widths)).all():
                payoffs = history_values(dataclasses.replace(everybody, game=rules))[0]
                found.append(MemoryOneEquilibrium((policies[i], policies[j]), payoffs))
    return tuple(found)


def own_values(
    rules: Repeated, tables: list[list[Any]], seat: int, other: int
) -> tuple[Float[np.ndarray, " 5"], Table]:
    """A player's best-response values against one strategy of the other's list, and the response, both in joint order."""
    others = Play(rules, 1, (None, tables[1][other]) if seat == 0 else (tables[0][other], None))
    response, rows = respond(others, seat), others.rows(seat)
    return response.values[rows], as_table(rules, seat, response.policy)[0][rows]
