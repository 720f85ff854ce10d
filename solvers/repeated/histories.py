"""Repeated play as solvers see it: strategies as tables of probabilities, the histories they answer, and the chain they make."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_range
from games.exact.iterated import Iterated, own_first
from games.sampled.catalog import as_game
from games.strategies.named import STRATEGIES
from solvers.payoffs import in_own_units, own_ranges, payoff_range, payoff_tensor, rational

Table = Float[np.ndarray, "histories actions"]
"""Action probabilities after every history of length 0 to k; rows as in `games.Iterated`, the player's own action first."""


@dataclasses.dataclass(frozen=True)
class Repeated:
    """A stage game for ever.

    Args:
        payoffs: `(n, A1, ..., An)`, float64.
        discount: in [0, 1]; 1 is the long-run average.
    """

    payoffs: Float[np.ndarray, "n_players *actions"]
    discount: float

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.payoffs.ndim - 1

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.payoffs.shape[1:]

    @property
    def n_outcomes(self) -> int:
        """Number of joint actions."""
        return math.prod(self.n_actions)

    @property
    def rewards(self) -> Float[np.ndarray, "n_outcomes n_players"]:
        """What everybody gets from each joint action, in joint order."""
        return self.payoffs.reshape(self.n_players, -1).T

    @property
    def scale(self) -> float:
        """The largest less the smallest payoff of any player, or 1: the unit of what compares players' payoffs with each other."""
        return float(payoff_range(self.payoffs))

    @property
    def in_own_units(self) -> "Repeated":
        """The same game with everybody's payoffs in units of their own range, correct to the last digits."""
        return Repeated(in_own_units(self.payoffs), self.discount)

    def in_payoffs(
        self, points: Float[np.ndarray, "points n_players"]
    ) -> Float[np.ndarray, "points n_players"]:
        """Points in everybody's own units as payoffs of this game."""
        middle = [np.sort(own, axis=None)[own.size // 2] for own in self.payoffs]
        return points * own_ranges(self.payoffs) + middle


def repeated(game: Any, discount: float | None = None) -> Repeated:
    """A repeated game from whatever describes one.

    Args:
        game: a `games.Iterated`, or the stage game: a `games.MatrixGame`, its payoff tensor, or the pair of
            payoff matrices; also a game's name or factory.
        discount: in [0, 1], 1 being the long-run average; where `game` is a stage game, or to replace the
            game's own.

    Raises:
        ValueError: for payoffs that are none, a missing discount, or one outside [0, 1].

    Example:
        >>> from games import ipd
        >>> repeated(ipd()).discount
        0.96
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    if isinstance(game, Iterated):
        own = np.asarray(game.discount)
        if own.ndim and discount is None:
            raise ValueError(
                f"The game's discount has shape {own.shape}; solve one discount at a time by giving discount=."
            )
        discount = float(rational(own[()])) if discount is None else discount
        game = game.stage
    if discount is None:
        raise ValueError(
            "A stage game was given without a discount; add discount= in [0, 1], where 1 is the long-run average."
        )
    check_range("discount", discount, 0.0, 1.0)
    return Repeated(payoff_tensor(game), float(discount))


def n_histories(n_outcomes: int, memory: int) -> int:
    """Number of histories of length 0 to k."""
    return sum(n_outcomes**length for length in range(memory + 1))


def as_table(game: Repeated, player: int, strategy: Any) -> tuple[Table, int]:
    """A strategy as a table with one column per action, and its memory.

    Args:
        game: the repeated game.
        player: whose strategy it is.
        strategy: the name of a memory-one strategy in `games.STRATEGIES`, a vector of probabilities of action
            0 (two actions), or a table `(histories, actions)`.

    Raises:
        ValueError: for a wrong number of rows or columns, or rows that are no probabilities.

    Example:
        >>> as_table(repeated([[[3, 0], [5, 1]], [[3, 5], [0, 1]]], 0.9), 0, "tft")[0][:, 0].tolist()
        [1.0, 1.0, 0.0, 1.0, 0.0]
    """
    actions = game.n_actions[player]
    table = np.asarray(STRATEGIES.make(strategy) if isinstance(strategy, str) else strategy, dtype=float)
    if table.ndim == 1 and actions == 2:
        table = np.stack([table, 1 - table], axis=1)
    lengths = [n_histories(game.n_outcomes, k) for k in range(1, 6)]
    if table.ndim != 2 or table.shape[1] != actions or len(table) not in lengths:
        raise ValueError(
            f"Player {player}'s strategy has shape {np.shape(strategy)}; it must have one row per history, {lengths[0]} for memory one, "
            f"{lengths[1]} for memory two, and {actions} probabilities in each"
            + (" or that of action 0." if actions == 2 else ".")
        )
    if not (table >= -1e-12).all() or not (abs(table.sum(axis=1) - 1) <= 1e-9).all():
        raise ValueError(
            f"Player {player}'s strategy has an entry outside [0, 1] or a row that does not sum to 1."
        )
    return np.clip(table, 0, 1), 1 + lengths.index(len(table))


def from_table(table: Table) -> Float[np.ndarray, "..."]:
    """A table in the laboratory's form: the probabilities of action 0 where there are two actions."""
    return table[:, 0] if table.shape[1] == 2 else table


def lifted(table: Table, n_outcomes: int, memory: int, longer: int) -> Table:
    """The same strategy as one of longer memory, which ignores what happened earlier.

    Example:
        >>> lifted(np.arange(5.0)[:, None], 4, 1, 2)[:, 0].astype(int).tolist()
        [0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]
    """
    last = table[-(n_outcomes**memory) :]
    return np.concatenate(
        [table, *(np.tile(last, (n_outcomes**extra, 1)) for extra in range(1, longer - memory + 1))]
    )


def successors(n_outcomes: int, memory: int) -> Int[np.ndarray, "histories n_outcomes"]:
    """Where each joint action leads from each history; both in joint order, histories by length."""
    blocks, begin = [], 0
    for length in range(memory + 1):
        size = n_outcomes**length
        begin += size
        following = np.arange(size * n_outcomes).reshape(size, n_outcomes)
        blocks.append(begin + following if length < memory else begin - size + following % size)
    return np.concatenate(blocks)


def history(index: int, n_actions: tuple[int, ...], memory: int) -> tuple[tuple[int, ...], ...]:
    """The joint actions, oldest first and players by seat, that make up a history given by its number in joint order.

    Example:
        >>> history(0, (2, 2), 1), history(2, (2, 2), 1)
        ((), ((0, 1),))
    """
    size = math.prod(n_actions)
    for length in range(memory + 1):
        if index < size**length:
            numbers = np.unravel_index(index, (size,) * length) if length else ()
            return tuple(tuple(int(a) for a in np.unravel_index(int(o), n_actions)) for o in numbers)
        index -= size**length
    raise ValueError(f"There is no history of this number within memory {memory}.")


@dataclasses.dataclass(frozen=True)
class Play:
    """A profile of strategies brought to one memory, in joint order.

    Args:
        game: the repeated game.
        memory: the longest memory of anybody.
        tables: per player the action probabilities after each history in joint order; None for a player who
            is free to choose.
    """

    game: Repeated
    memory: int
    tables: tuple[Table | None, ...]

    @property
    def follows(self) -> Int[np.ndarray, "histories n_outcomes"]:
        """The next history by history and joint action."""
        return successors(self.game.n_outcomes, self.memory)

    def rows(self, player: int) -> Int[np.ndarray, " histories"]:
        """For every history in joint order, its row in the player's own table."""
        return own_first(self.game.n_actions, self.memory, player)

    def joint(
        self, player: int | None = None, table: Table | None = None
    ) -> Float[np.ndarray, "histories n_outcomes"]:
        """The probability of every joint action after every history, with a player's table (in joint order) replaced."""
        tables = [table if i == player else own for i, own in enumerate(self.tables)]
        product = np.ones((n_histories(self.game.n_outcomes, self.memory), 1))
        for own in tables:
            assert own is not None, "a free player's table must be given"
            product = (product[:, :, None] * own[:, None, :]).reshape(len(product), -1)
        return product

    def chain(
        self, joint: Float[np.ndarray, "histories n_outcomes"]
    ) -> Float[np.ndarray, "histories histories"]:
        """Transition probabilities between histories."""
        matrix = np.zeros((len(joint), len(joint)))
        np.add.at(matrix, (np.arange(len(joint))[:, None], self.follows), joint)
        return matrix

    def choices(
        self, player: int
    ) -> tuple[Float[np.ndarray, "actions histories histories"], Float[np.ndarray, "actions histories n"]]:
        """A player's decision process: transitions and everybody's expected rewards for each of its actions."""
        actions = self.game.n_actions[player]
        joints = [
            self.joint(
                player, np.tile(np.eye(actions)[a], (n_histories(self.game.n_outcomes, self.memory), 1))
            )
            for a in range(actions)
        ]
        return np.stack([self.chain(j) for j in joints]), np.stack([j @ self.game.rewards for j in joints])


def payoffs_in_play(everybody: Play, player: int, table: Table) -> Float[np.ndarray, " histories"]:
    """For every history, the range of a player's payoffs that can come after it when the player follows its own table or another one.

    Where these are all the same, nothing can be gained, and it is the range of all payoffs.
    """
    rewards, ends = everybody.game.rewards[:, player], []
    for joint in (everybody.joint(), everybody.joint(player, table)):
        reached = np.eye(len(joint), dtype=bool) | (everybody.chain(joint) > 0)
        for _ in range(len(joint).bit_length()):
            reached = reached.astype(np.float32) @ reached.astype(np.float32) > 0
        met = reached.astype(np.float32) @ (joint > 0).astype(np.float32) > 0
        ends.append((np.where(met, rewards, np.inf).min(axis=1), np.where(met, rewards, -np.inf).max(axis=1)))
    width = np.maximum(ends[0][1], ends[1][1]) - np.minimum(ends[0][0], ends[1][0])
    return np.where(width > 0, width, payoff_range(rewards))


def play(game: Repeated, profile: Sequence[Any], free: int | None = None, memory: int = 1) -> Play:
    """Bring everybody's strategy to one memory and one order.

    Args:
        game: the repeated game.
        profile: one strategy per player by seat, as `as_table` takes them.
        free: a player whose strategy is left open; its entry is ignored.
        memory: the least memory.

    Raises:
        ValueError: for a wrong number of strategies or a strategy that is none.
    """
    if isinstance(profile, str) or len(profile) != game.n_players:
        found = f"is {profile!r}" if isinstance(profile, str) else f"has {len(profile)}"
        raise ValueError(
            f"The profile {found}; it must hold {game.n_players} strategies, one per player by seat."
        )
    if free is not None and not 0 <= free < game.n_players:
        raise ValueError(f"player is {free}; the game has players 0 to {game.n_players - 1}.")
    given = {i: as_table(game, i, strategy) for i, strategy in enumerate(profile) if i != free}
    longest = max([memory, *(k for _, k in given.values())])
    tables = [
        lifted(given[i][0], game.n_outcomes, given[i][1], longest)[own_first(game.n_actions, longest, i)]
        if i in given
        else None
        for i in range(game.n_players)
    ]
    return Play(game, longest, tuple(tables))
