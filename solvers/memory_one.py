"""Equilibria in memory-one and memory-k strategies of repeated games, each refusal with the deviation that proves it."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_range
from solvers.histories import Play, Repeated, from_table, history, play, repeated
from solvers.repeated import history_values, respond

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
        gain: the largest gain of any deviation, over the payoff range; at most `tolerance` where the answer is yes.
        deviation: the most profitable deviation, where the answer is no.
    """

    holds: bool
    payoffs: Float[np.ndarray, " n_players"]
    gain: float
    deviation: Deviation | None

    def __bool__(self) -> bool:
        return self.holds


def is_nash(game: Any, profile: Sequence[Any], discount: float | None = None, tolerance: float = 1e-9) -> Verdict:
    r"""Whether nobody gains by any other strategy, of whatever memory, from the start.

    $\max_{\tau} \pi_i(\tau, \sigma_{-i}) - \pi_i(\sigma) \le \epsilon$ for every player i, by the best response of `best_response`.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, as `best_response` takes them.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        tolerance: what a deviation may gain, over the payoff range; at least 0.

    Raises:
        ValueError: for what `best_response` refuses, and for a negative tolerance.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> bool(is_nash(axelrod, ("tft", "tft"), 0.9)), round(is_nash(axelrod, ("tft", "tft"), 0.5).deviation.gain, 6)
        (True, 0.333333)
    """
    check_range("tolerance", tolerance, 0.0)
    everybody = play(repeated(game, discount), profile)
    rules = everybody.game
    payoffs = history_values(everybody)[0]
    found = []
    for player in range(rules.n_players):
        response = respond(everybody, player)
        found.append(Deviation(player, (), None, response.policy, response.value - float(payoffs[player])))
    return verdict(found, payoffs, rules.scale, tolerance)


def is_subgame_perfect(game: Any, profile: Sequence[Any], discount: float | None = None, tolerance: float = 1e-9) -> Verdict:
    r"""Whether nobody gains by deviating after any history, whether the profile leads there or not (Markov perfection).

    Discounted, deviating once is all that need be tried, after each history of length 0 to k:

    $E[u_i(a_i, \sigma_{-i})] + d\, E[V_i(h')] - V_i(h) \le \epsilon$ for all $i, h, a_i$.

    For the long-run average a single deviation never matters, and the best response from every history is compared instead.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, as `best_response` takes them.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        tolerance: what a deviation may gain, over the payoff range; at least 0.

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
    everybody = play(repeated(game, discount), profile)
    rules = everybody.game
    values = history_values(everybody)
    by_player = whole_gains if rules.discount == 1 else one_step_gains
    found = [by_player(everybody, values, player) for player in range(rules.n_players)]
    return verdict(found, values[0], rules.scale, tolerance)


def verdict(found: list[Deviation], payoffs: np.ndarray, scale: float, tolerance: float) -> Verdict:
    """The verdict that the best deviation of each player implies."""
    worst = max(found, key=lambda deviation: deviation.gain)
    holds = worst.gain <= tolerance * scale
    return Verdict(holds, payoffs, max(worst.gain, 0.0) / scale, None if holds else worst)


def one_step_gains(everybody: Play, values: Float[np.ndarray, "histories n"], player: int) -> Deviation:
    """The most profitable deviation of one step."""
    rules = everybody.game
    transitions, rewards = everybody.choices(player)
    own = everybody.tables[player]
    assert own is not None, "everybody's table is given"
    joint = everybody.joint()
    chain = everybody.chain(joint)
    above = joint @ rules.rewards[:, player] - values[0, player]  # sums of what exceeds the average stay small however long they run
    ahead = rewards[..., player] + rules.discount * transitions @ np.linalg.solve(np.eye(len(chain)) - rules.discount * chain, above)
    gains = ahead - np.einsum("ha,ah->h", own, ahead)
    action, index = np.unravel_index(int(gains.argmax()), gains.shape)
    changed = own.copy()
    changed[index] = np.eye(rules.n_actions[player])[action]
    policy = from_table(changed[np.argsort(everybody.rows(player))])
    return Deviation(player, history(int(index), rules.n_actions, everybody.memory), int(action), policy, float(gains.max()))


def whole_gains(everybody: Play, values: Float[np.ndarray, "histories n"], player: int) -> Deviation:
    """The history from which another strategy gains the most on average."""
    rows = everybody.rows(player)
    response = respond(everybody, player)
    gains = response.values[rows] - values[:, player]
    index = int(gains.argmax())
    return Deviation(player, history(index, everybody.game.n_actions, everybody.memory), None, response.policy, float(gains[index]))


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
        tolerance: what a deviation may gain, over the payoff range, in stage payoffs (per step for the average).

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
        raise ValueError(f"The stage game has actions {rules.n_actions}; deterministic memory-one strategies are enumerated for 2x2 games.")
    policies = [np.array(p) for p in itertools.product((1.0, 0.0), repeat=5)]
    tables = [[play(rules, (p, p)).tables[seat] for p in policies] for seat in range(2)]
    best = [[own_values(rules, tables, seat, j) for j in range(len(policies))] for seat in range(2)]
    allowed = tolerance * rules.scale * (1 - rules.discount if rules.discount < 1 else 1)
    checked = slice(None) if perfect else slice(1)
    found = []
    for i, j in itertools.product(range(len(policies)), repeat=2):
        values = history_values(Play(rules, 1, (tables[0][i], tables[1][j])))
        gains = np.stack([best[0][j] - values[:, 0], best[1][i] - values[:, 1]])
        if (gains[:, checked] <= allowed).all():
            found.append(MemoryOneEquilibrium((policies[i], policies[j]), values[0]))
    return tuple(found)


def own_values(rules: Repeated, tables: list[list[Any]], seat: int, other: int) -> Float[np.ndarray, " 5"]:
    """A player's best-response values, in joint order, against one strategy of the other's list."""
    others = Play(rules, 1, (None, tables[1][other]) if seat == 0 else (tables[0][other], None))
    return respond(others, seat).values[others.rows(seat)]
