"""Repeated games as Markov chains over histories: strategies are tables of action probabilities."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_range
from games.exact.iterated import Iterated, own_first
from games.exact.parameterized import ExecutionErrors, Parameterized
from games.sampled.catalog import as_game
from games.strategies.named import STRATEGIES
from solvers.payoffs import in_own_units, own_ranges, payoff_range, payoff_tensor, rational

Table = Float[np.ndarray, "histories actions"]
"""Action probabilities after each history of length 0 to k; rows as in `games.Iterated`, own action first."""


@dataclasses.dataclass(frozen=True)
class Repeated:
    """An infinitely repeated stage game.

    Args:
        payoffs: `(n, A1, ..., An)`, float64.
        discount: in [0, 1]; 1 is the long-run average.
        error: probability that an action is replaced by another one (see `games.trembling`), in [0, 1].
    """

    payoffs: Float[np.ndarray, "n_players *actions"]
    discount: float
    error: float = 0.0

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
        """The payoff of every player for each joint action, in joint order."""
        return self.payoffs.reshape(self.n_players, -1).T

    @property
    def scale(self) -> float:
        """The range of all payoffs, or 1 if it is 0: the unit for comparing payoffs across players."""
        return float(payoff_range(self.payoffs))

    @property
    def in_own_units(self) -> "Repeated":
        """The same game with each player's payoffs in units of their range, accurate to rounding."""
        return Repeated(in_own_units(self.payoffs), self.discount, self.error)

    def in_payoffs(
        self, points: Float[np.ndarray, "points n_players"]
    ) -> Float[np.ndarray, "points n_players"]:
        """Convert points from the units of `in_own_units` to payoffs of this game."""
        middle = [np.sort(own, axis=None)[own.size // 2] for own in self.payoffs]
        return points * own_ranges(self.payoffs) + middle


def as_repeated(game: Any, discount: float | None = None, errors: bool = False) -> Repeated:
    """A `Repeated` game from a game, payoffs, or a game's name.

    Args:
        game: a `games.Iterated`, or the stage game: a `games.MatrixGame`, its payoff tensor, or the pair of
            payoff matrices; also a game's name or factory.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        errors: whether the caller takes execution errors (`games.trembling`) into account; otherwise such a game is
            refused.

    Raises:
        ValueError: for invalid payoffs, a missing discount, or one outside [0, 1]; for execution errors where
            `errors` is false.

    Example:
        >>> from games import ipd
        >>> as_repeated(ipd()).discount
        0.96
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    error = 0.0
    if isinstance(game, Parameterized) and isinstance(game.policy, ExecutionErrors):
        game, error = game.game, float(game.policy.error)
        if error and not errors:
            raise ValueError(
                f"The game has execution errors of probability {error:g}, which this solver ignores; give the game "
                "without them, or use best_response, repeated_payoffs, is_nash, is_subgame_perfect or "
                "memory_one_equilibria."
            )
    if isinstance(game, Iterated):
        own = np.asarray(game.discount)
        if own.ndim and discount is None:
            raise ValueError(
                f"The game's discount has shape {own.shape}; solve one discount at a time by giving "
                "discount=."
            )
        discount = float(rational(own[()])) if discount is None else discount
        game = game.stage
    if discount is None:
        raise ValueError(
            "A stage game was given without a discount; add discount= in [0, 1], where 1 is the long-run "
            "average."
        )
    check_range("discount", discount, 0.0, 1.0)
    return Repeated(payoff_tensor(game), float(discount), error)


def n_histories(n_outcomes: int, memory: int) -> int:
    """Number of histories of length 0 to k."""
    return sum(n_outcomes**length for length in range(memory + 1))


def as_table(game: Repeated, player: int, strategy: Any) -> tuple[Table, int]:
    """Convert a strategy to a table with one column per action; also return its memory.

    Args:
        game: the repeated game.
        player: the player of the strategy.
        strategy: the name of a memory-one strategy in `games.STRATEGIES`, a vector of probabilities of action
            0 (two actions), or a table `(histories, actions)`.

    Raises:
        ValueError: for a wrong number of rows or columns, or rows that are not probabilities.

    Example:
        >>> as_table(as_repeated([[[3, 0], [5, 1]], [[3, 5], [0, 1]]], 0.9), 0, "tft")[0][:, 0].tolist()
        [1.0, 1.0, 0.0, 1.0, 0.0]
    """
    actions = game.n_actions[player]
    table = np.asarray(STRATEGIES.make(strategy) if isinstance(strategy, str) else strategy, dtype=float)
    if table.ndim == 1 and actions == 2:
        table = np.stack([table, 1 - table], axis=1)
    lengths = [n_histories(game.n_outcomes, k) for k in range(1, 6)]
    if table.ndim != 2 or table.shape[1] != actions or len(table) not in lengths:
        raise ValueError(
            f"Player {player}'s strategy has shape {np.shape(strategy)}; it must have one row per history, "
            f"{lengths[0]} for memory one, {lengths[1]} for memory two, and {actions} probabilities in each"
            + (" or that of action 0." if actions == 2 else ".")
        )
    if not (table >= -1e-12).all() or not (abs(table.sum(axis=1) - 1) <= 1e-9).all():
        raise ValueError(
            f"Player {player}'s strategy has an entry outside [0, 1] or a row that does not sum to 1."
        )
    return np.clip(table, 0, 1), 1 + lengths.index(len(table))


def from_table(table: Table) -> Float[np.ndarray, "..."]:
    """The short form of a table: for two actions the probabilities of action 0, otherwise the table."""
    return table[:, 0] if table.shape[1] == 2 else table


def with_longer_memory(table: Table, n_outcomes: int, memory: int, longer: int) -> Table:
    """The same strategy as a table of longer memory, which ignores the additional joint actions.

    Example:
        >>> with_longer_memory(np.arange(5.0)[:, None], 4, 1, 2)[:, 0].astype(int).tolist()
        [0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]
    """
    last = table[-(n_outcomes**memory) :]
    return np.concatenate(
        [table, *(np.tile(last, (n_outcomes**extra, 1)) for extra in range(1, longer - memory + 1))]
    )


def successors(n_outcomes: int, memory: int) -> Int[np.ndarray, "histories n_outcomes"]:
    """The index of the next history for each history and joint action, both in joint order.

    Joint order lists the empty history first, then all histories of length 1, and so on; histories of one
    length are in lexicographic order of their joint actions, players by seat.
    """
    blocks, begin = [], 0
    for length in range(memory + 1):
        size = n_outcomes**length
        begin += size
        following = np.arange(size * n_outcomes).reshape(size, n_outcomes)
        blocks.append(begin + following if length < memory else begin - size + following % size)
    return np.concatenate(blocks)


def history(index: int, n_actions: tuple[int, ...], memory: int) -> tuple[tuple[int, ...], ...]:
    """The joint actions, oldest first, of the history with a given index in joint order.

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
    raise ValueError(f"There is no history with this index within memory {memory}.")


@dataclasses.dataclass(frozen=True)
class Play:
    """A profile of strategies as tables of the same memory, histories in joint order (see `successors`).

    Args:
        game: the repeated game.
        memory: the longest memory of any player.
        tables: for each player the action probabilities after each history, `(histories, actions)`, in joint
            order; None for a player whose strategy is not fixed.
    """

    game: Repeated
    memory: int
    tables: tuple[Table | None, ...]

    @property
    def next_histories(self) -> Int[np.ndarray, "histories n_outcomes"]:
        """The next history for each history and joint action."""
        return successors(self.game.n_outcomes, self.memory)

    def rows(self, player: int) -> Int[np.ndarray, " histories"]:
        """For each history in joint order, its row in the player's table, which lists own actions first."""
        return own_first(self.game.n_actions, self.memory, player)

    def joint(
        self, player: int | None = None, table: Table | None = None
    ) -> Float[np.ndarray, "histories n_outcomes"]:
        """The probability of each joint action after each history; `table` replaces that of `player`."""
        tables = [table if i == player else own for i, own in enumerate(self.tables)]
        product = np.ones((n_histories(self.game.n_outcomes, self.memory), 1))
        for own in tables:
            assert own is not None, "a free player's table must be given"
            own = with_errors(own, self.game.error)
            product = (product[:, :, None] * own[:, None, :]).reshape(len(product), -1)
        return product

    def chain(
        self, joint: Float[np.ndarray, "histories n_outcomes"]
    ) -> Float[np.ndarray, "histories histories"]:
        """Transition probabilities between histories."""
        matrix = np.zeros((len(joint), len(joint)))
        np.add.at(matrix, (np.arange(len(joint))[:, None], self.next_histories), joint)
        return matrix

    def decision_process(
        self, player: int
    ) -> tuple[Float[np.ndarray, "actions histories histories"], Float[np.ndarray, "actions histories n"]]:
        """A player's Markov decision process: transitions and all players' rewards for each own action."""
        actions = self.game.n_actions[player]
        joints = [
            self.joint(
                player, np.tile(np.eye(actions)[a], (n_histories(self.game.n_outcomes, self.memory), 1))
            )
            for a in range(actions)
        ]
        return np.stack([self.chain(j) for j in joints]), np.stack([j @ self.game.rewards for j in joints])


def with_errors(table: Table, error: float) -> Table:
    r"""Probabilities of the actions carried out, $(1 - e) \pi + \frac{e}{A - 1} (1 - \pi)$.

    Example:
        >>> with_errors(np.array([[1.0, 0.0]]), 0.1).tolist()
        [[0.9, 0.1]]
    """
    return table if error == 0 else (1 - error) * table + error / (table.shape[-1] - 1) * (1 - table)


def payoffs_in_play(joint_play: Play, player: int, table: Table) -> Float[np.ndarray, " histories"]:
    """The range of the payoffs a player can get after each history, with its own table or with another one.

    Where this range is 0, no deviation gains, and the range of all payoffs of the player is returned.
    """
    rewards, extremes = joint_play.game.rewards[:, player], []
    for joint in (joint_play.joint(), joint_play.joint(player, table)):
        reached = np.eye(len(joint), dtype=bool) | (joint_play.chain(joint) > 0)
        for _ in range(len(joint).bit_length()):
            reached = reached.astype(np.float32) @ reached.astype(np.float32) > 0
        possible = reached.astype(np.float32) @ (joint > 0).astype(np.float32) > 0
        extremes.append(
            (
                np.where(possible, rewards, np.inf).min(axis=1),
                np.where(possible, rewards, -np.inf).max(axis=1),
            )
        )
    width = np.maximum(extremes[0][1], extremes[1][1]) - np.minimum(extremes[0][0], extremes[1][0])
    return np.where(width > 0, width, payoff_range(rewards))


def play(game: Repeated, profile: Sequence[Any], free: int | None = None, memory: int = 1) -> Play:
    """Convert a profile of strategies to a `Play`: tables of the same memory, histories in joint order.

    Args:
        game: the repeated game.
        profile: one strategy per player by seat, in a form that `as_table` accepts.
        free: a player whose strategy is not fixed; its entry in the profile is ignored.
        memory: the smallest memory of the result.

    Raises:
        ValueError: for a wrong number of strategies or an invalid strategy.
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
        with_longer_memory(given[i][0], game.n_outcomes, given[i][1], longest)[
            own_first(game.n_actions, longest, i)
        ]
        if i in given
        else None
        for i in range(game.n_players)
    ]
    return Play(game, longest, tuple(tables))
