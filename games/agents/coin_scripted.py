"""Scripted players of the coin game: policies from what a seat sees, entered in `COIN_AGENTS`."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from games.agents.base import Agent
from games.environments.coin import CoinGame
from games.exact.tables import CERTAIN
from games.registry import Entry, Registry, first_line

COIN_AGENTS = Registry("coin agent")
Cell = Int[Array, "..."]
Logits = Float[Array, " n_actions"]
Observation = Float[Array, "4 size size"]


@dataclasses.dataclass(frozen=True)
class Seat:
    """What a player must know to read its observations.

    Attributes:
        size: number of rows and of columns.
        n_actions: four moves, or five actions with that to stay.
        own_second: whether the own planes come second.
        yields: whether the other gets nothing by a coin that both reach.
    """

    size: int
    n_actions: int
    own_second: bool
    yields: bool

    def cells(self, observation: Observation) -> tuple[Cell, Cell, Cell, Cell]:
        """The cells, `row * size + column`, of the player, the other, the player's coin and the other's; -1 where there is none."""
        marks = observation.reshape(4, -1) > 0.5
        red, blue, red_coin, blue_coin = (
            jnp.sum(jnp.where(marks, jnp.arange(1, self.size**2 + 1)[None], 0), axis=1) - 1
        )
        return (blue, red, blue_coin, red_coin) if self.own_second else (red, blue, red_coin, blue_coin)

    def ahead(self, cell: Cell) -> Int[Array, " n_actions"]:
        """Where the actions lead: right, left, down, up, stay."""
        rows, columns = (
            cell // self.size + jnp.array([0, 0, 1, -1, 0]),
            cell % self.size + jnp.array([1, -1, 0, 0, 0]),
        )
        return (rows % self.size * self.size + columns % self.size)[: self.n_actions]

    def respectful(self, ahead: Cell, mine: Cell, theirs: Cell) -> Cell:
        """What a cooperator avoids: steps to its own coin around the other's, or nearness to the other's where there is no own coin.

        A cell that holds both coins is its own coin's, or two cooperators would both wait for it forever.
        """
        away = jnp.where(theirs < 0, 0, -steps(ahead, theirs, self.size))
        return jnp.where(
            mine < 0, away, steps_around(ahead, mine, jnp.where(theirs == mine, -1, theirs), self.size)
        )

    def greedy(self, ahead: Cell, mine: Cell, theirs: Cell) -> Cell:
        """What a defector avoids: steps to the nearest coin."""
        far = 2 * self.size
        return jnp.minimum(
            *(jnp.where(coin < 0, far, steps(ahead, coin, self.size)) for coin in (mine, theirs))
        )


class CoinAgent(Agent):
    """An agent without parameters.

    Attributes:
        seat: how the observations are to be read.
    """

    seat: eqx.AbstractVar[Seat]


class Cooperate(CoinAgent):
    """Walk to the own coin, around the other's; where there is only the other's, keep as far from it as possible."""

    seat: Seat = eqx.field(static=True)

    def __call__(self, observation: Observation, memory: PyTree[Array]) -> tuple[Logits, PyTree[Array]]:
        """Logits of the actions."""
        me, _, mine, theirs = self.seat.cells(observation)
        return choices(self.seat.respectful(self.seat.ahead(me), mine, theirs)), memory


class Defect(CoinAgent):
    """Walk to the nearest coin, whosever it is."""

    seat: Seat = eqx.field(static=True)

    def __call__(self, observation: Observation, memory: PyTree[Array]) -> tuple[Logits, PyTree[Array]]:
        """Logits of the actions."""
        me, _, mine, theirs = self.seat.cells(observation)
        return choices(self.seat.greedy(self.seat.ahead(me), mine, theirs)), memory


class Uniform(CoinAgent):
    """Every action with the same probability."""

    seat: Seat = eqx.field(static=True)

    def __call__(self, observation: Observation, memory: PyTree[Array]) -> tuple[Logits, PyTree[Array]]:
        """Logits of the actions."""
        return jnp.zeros(self.seat.n_actions), memory


class Remembered(NamedTuple):
    """Where the own coin lay before the last step, and whether it was the other who took the last of them that was taken."""

    mine: Cell
    robbed: Bool[Array, ""]


class TitForTat(CoinAgent):
    """Play as `Defect` while the last own coin that anybody took was taken by the other, as `Cooperate` otherwise."""

    seat: Seat = eqx.field(static=True)

    def memory(self) -> Remembered:
        """No coin seen, none lost."""
        return Remembered(jnp.array(-1), jnp.array(False))

    def __call__(self, observation: Observation, memory: Remembered) -> tuple[Logits, Remembered]:
        """Logits of the actions, and what was seen; who stands where the own coin lay has taken it."""
        me, other, mine, theirs = self.seat.cells(observation)
        kept, lost = me == memory.mine, other == memory.mine
        if self.seat.yields:
            lost = lost & ~kept
        robbed = lost | (memory.robbed & ~kept)
        ahead = self.seat.ahead(me)
        cost = jnp.where(
            robbed, self.seat.greedy(ahead, mine, theirs), self.seat.respectful(ahead, mine, theirs)
        )
        return choices(cost), Remembered(mine, robbed)


def seat_of(game: CoinGame, player: int) -> Seat:
    """How a player of a coin game reads its observations.

    Args:
        game: the game, whose size, actions, ties and order of planes matter.
        player: 0 for red, 1 for blue.

    Raises:
        ValueError: for another player.
    """
    if player not in (0, 1):
        raise ValueError(f"player is {player!r}; it must be 0, red, or 1, blue.")
    own_second = player == 1 and not (game.own_first or game.egocentric)
    return Seat(game.size, game.n_actions[player], own_second, yields=game.ties == "red" and player == 0)


def agent(citation: str, *aliases: str) -> Callable[[Callable[..., CoinAgent]], Callable[..., CoinAgent]]:
    """Enter a function in `COIN_AGENTS` under its own name, with the first line of its docstring."""

    def enter(make: Callable[..., CoinAgent]) -> Callable[..., CoinAgent]:
        COIN_AGENTS.add(Entry(make.__name__, make, first_line(make), citation, aliases))
        return make

    return enter


@agent("aghajohari2024loqa", "cooperate")
def always_cooperate(game: CoinGame, player: int) -> Cooperate:
    """Takes its own coins by the shortest way around the other's, and keeps as far as it can from those.

    Raises:
        ValueError: for a player that is neither 0 nor 1.

    Source:
        The evaluation of LOQA (Aghajohari et al. 2024).

    Example:
        >>> agent = always_cooperate(CoinGame.loqa(), 0)
        >>> marks = jnp.array([[0, 0], [1, 1], [0, 1], [9, 9]])  # red, blue, red coin: the way is to the right
        >>> planes = (marks @ jnp.array([3, 1]))[:, None] == jnp.arange(9)[None]
        >>> agent(planes.reshape(4, 3, 3).astype(float), ())[0].tolist()
        [0.0, -1000.0, -1000.0, -1000.0]
    """
    return Cooperate(seat_of(game, player))


@agent("aghajohari2024loqa", "defect")
def always_defect(game: CoinGame, player: int) -> Defect:
    """Takes the nearest coin, whosever it is.

    Raises:
        ValueError: for a player that is neither 0 nor 1.
    """
    return Defect(seat_of(game, player))


@agent("lerer2017cooperation", "tft")
def tit_for_tat(game: CoinGame, player: int) -> TitForTat:
    """Takes the other's coins while the other was the last to take one of its own.

    Raises:
        ValueError: for a player that is neither 0 nor 1, and for egocentric views, which hide who moved
            where.
    """
    if game.egocentric:
        raise ValueError(
            "Tit for tat cannot see who took a coin in egocentric views; take CoinGame(egocentric=False)."
        )
    return TitForTat(seat_of(game, player))


@agent("lerer2017cooperation")
def random(game: CoinGame, player: int) -> Uniform:
    """Moves uniformly at random.

    Raises:
        ValueError: for a player that is neither 0 nor 1.
    """
    return Uniform(seat_of(game, player))


def choices(cost: Int[Array, " n_actions"]) -> Logits:
    """The actions of least cost, each as likely as the others: logits of 0, all others' of `-CERTAIN`."""
    return jnp.where(cost == cost.min(), 0.0, -CERTAIN)


def ring(a: Int[Array, "..."], b: Int[Array, "..."], size: int) -> Int[Array, "..."]:
    """Steps between two rows, or columns, of a torus."""
    return jnp.minimum((a - b) % size, (b - a) % size)


def steps(start: Cell, goal: Cell, size: int) -> Cell:
    """Steps between two cells of a torus."""
    return ring(start // size, goal // size, size) + ring(start % size, goal % size, size)


def steps_around(start: Cell, goal: Cell, shut: Cell, size: int) -> Cell:
    """Steps between two cells of a torus around a third.

    One cell is in the way of all shortest ways only where it lies between the two in a row or a column, and
    the way round the torus is longer; then the detour takes two steps more, if the way round is not shorter
    even so.

    Args:
        start: cells.
        goal: another than the one that is shut.
        shut: a cell never to be entered, -1 for none.
        size: number of rows and of columns.

    Returns:
        Steps; `2 size` from the cell that is shut.

    Example:
        >>> steps_around(jnp.arange(5), jnp.array(2), jnp.array(1), 5).tolist()
        [3, 10, 0, 1, 2]
    """
    direct = steps(start, goal, size)
    between = steps(start, shut, size) + steps(shut, goal, size) == direct
    straight = ((start // size == goal // size) | (start % size == goal % size)) & (2 * direct != size)
    blocked = (shut >= 0) & (goal != shut) & between & straight
    return jnp.where(
        (shut >= 0) & (start == shut),
        2 * size,
        jnp.where(blocked, jnp.minimum(direct + 2, size - direct), direct),
    )
