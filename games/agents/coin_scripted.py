"""Scripted players of the coin game, in the registry `COIN_AGENTS`."""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from games.agents.base import Agent
from games.environments.coin import CoinGame
from games.exact.tables import CERTAIN
from games.registry import Registry

COIN_AGENTS = Registry("coin agent")
Cell = Int[Array, "..."]
Logits = Float[Array, " n_actions"]
Observation = Float[Array, "4 size size"]


@dataclasses.dataclass(frozen=True)
class Seat:
    """The properties of a game and a seat that a player needs to interpret its observations.

    Attributes:
        size: number of rows and of columns.
        n_actions: number of actions: four moves, and perhaps to stay.
        own_second: whether the own planes come second.
        wins_ties: whether this player alone takes a coin that both players reach.
    """

    size: int
    n_actions: int
    own_second: bool
    wins_ties: bool

    def cells(self, observation: Observation) -> tuple[Cell, Cell, Cell, Cell]:
        """Cells `row * size + column` of player, other player, own coin and other's coin; -1 for none."""
        marks = observation.reshape(4, -1) > 0.5
        red, blue, red_coin, blue_coin = (
            jnp.sum(jnp.where(marks, jnp.arange(1, self.size**2 + 1)[None], 0), axis=1) - 1
        )
        return (blue, red, blue_coin, red_coin) if self.own_second else (red, blue, red_coin, blue_coin)

    def ahead(self, cell: Cell) -> Int[Array, " n_actions"]:
        """The cells after the actions right, left, down, up and stay."""
        rows, columns = (
            cell // self.size + jnp.array([0, 0, 1, -1, 0]),
            cell % self.size + jnp.array([1, -1, 0, 0, 0]),
        )
        return (rows % self.size * self.size + columns % self.size)[: self.n_actions]

    def respectful(self, ahead: Cell, mine: Cell, theirs: Cell) -> Cell:
        """A cooperator's cost of each cell: the distance to its own coin around the other's coin.

        Without an own coin, the cost is minus the distance to the other's. A cell with both coins counts as
        the own coin; otherwise two cooperators would both wait for it forever.
        """
        away = jnp.where(theirs < 0, 0, -steps(ahead, theirs, self.size))
        return jnp.where(
            mine < 0, away, steps_around(ahead, mine, jnp.where(theirs == mine, -1, theirs), self.size)
        )

    def greedy(self, ahead: Cell, mine: Cell, theirs: Cell) -> Cell:
        """A defector's cost of each cell: the distance to the nearest coin."""
        far = 2 * self.size
        return jnp.minimum(
            *(jnp.where(coin < 0, far, steps(ahead, coin, self.size)) for coin in (mine, theirs))
        )


class CoinAgent(Agent):
    """A scripted player, without parameters.

    Attributes:
        seat: how to interpret the observations.
    """

    seat: eqx.AbstractVar[Seat]


class Cooperate(CoinAgent):
    """Walk to the own coin, around the other's; if there is only the other's, stay away from it."""

    seat: Seat = eqx.field(static=True)

    def __call__(self, observation: Observation, memory: PyTree[Array]) -> tuple[Logits, PyTree[Array]]:
        """Logits of the actions."""
        me, _, mine, theirs = self.seat.cells(observation)
        return choices(self.seat.respectful(self.seat.ahead(me), mine, theirs)), memory


class Defect(CoinAgent):
    """Walk to the nearest coin of either color."""

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
    """The cell of the own coin before the last step, and whether the other took the last own coin taken."""

    mine: Cell
    robbed: Bool[Array, ""]


class TitForTat(CoinAgent):
    """Play as `Defect` if the other took the last own coin that was taken, and as `Cooperate` otherwise."""

    seat: Seat = eqx.field(static=True)

    def memory(self) -> Remembered:
        """The memory at the start: no coin seen, none lost."""
        return Remembered(jnp.array(-1), jnp.array(False))

    def __call__(self, observation: Observation, memory: Remembered) -> tuple[Logits, Remembered]:
        """Logits of the actions, and the new memory; the player on the cell of the own coin has taken it."""
        me, other, mine, theirs = self.seat.cells(observation)
        kept, lost = me == memory.mine, other == memory.mine
        if self.seat.wins_ties:
            lost = lost & ~kept
        robbed = lost | (memory.robbed & ~kept)
        ahead = self.seat.ahead(me)
        cost = jnp.where(
            robbed, self.seat.greedy(ahead, mine, theirs), self.seat.respectful(ahead, mine, theirs)
        )
        return choices(cost), Remembered(mine, robbed)


def seat_of(game: CoinGame, player: int) -> Seat:
    """The seat of a player of a coin game.

    Args:
        game: the game.
        player: 0 for red, 1 for blue.

    Raises:
        ValueError: for another player.
    """
    if player not in (0, 1):
        raise ValueError(f"player is {player!r}; it must be 0, red, or 1, blue.")
    own_second = player == 1 and not (game.own_first or game.egocentric)
    return Seat(game.size, game.n_actions[player], own_second, wins_ties=game.ties == "red" and player == 0)


@COIN_AGENTS.register("aghajohari2024loqa", "cooperate")
def always_cooperate(game: CoinGame, player: int) -> Cooperate:
    """Takes its own coins by the shortest way around the other's coins, and stays away from those.

    Raises:
        ValueError: for a player that is neither 0 nor 1.

    Source:
        The evaluation of LOQA (Aghajohari et al. 2024).

    Example:
        >>> agent = always_cooperate(CoinGame.loqa(), 0)
        >>> marks = jnp.array([[0, 0], [1, 1], [0, 1], [9, 9]])  # red, blue, red coin, no blue coin
        >>> planes = (marks @ jnp.array([3, 1]))[:, None] == jnp.arange(9)[None]
        >>> agent(planes.reshape(4, 3, 3).astype(float), ())[0].tolist()
        [0.0, -1000.0, -1000.0, -1000.0]
    """
    return Cooperate(seat_of(game, player))


@COIN_AGENTS.register("aghajohari2024loqa", "defect")
def always_defect(game: CoinGame, player: int) -> Defect:
    """Takes the nearest coin of either color.

    Raises:
        ValueError: for a player that is neither 0 nor 1.
    """
    return Defect(seat_of(game, player))


@COIN_AGENTS.register("lerer2017cooperation", "tft")
def tit_for_tat(game: CoinGame, player: int) -> TitForTat:
    """Takes any coin if the last own coin that was taken was taken by the other; otherwise own coins only.

    Raises:
        ValueError: for a player that is neither 0 nor 1, and for egocentric views, in which it cannot see
            who took a coin.
    """
    if game.egocentric:
        raise ValueError(
            "Tit for tat cannot see who took a coin in egocentric views; take CoinGame(egocentric=False)."
        )
    return TitForTat(seat_of(game, player))


@COIN_AGENTS.register("lerer2017cooperation")
def random(game: CoinGame, player: int) -> Uniform:
    """Moves uniformly at random.

    Raises:
        ValueError: for a player that is neither 0 nor 1.
    """
    return Uniform(seat_of(game, player))


def choices(cost: Int[Array, " n_actions"]) -> Logits:
    """Logits of the uniform distribution on the actions of least cost: 0 for these, `-CERTAIN` for others."""
    return jnp.where(cost == cost.min(), 0.0, -CERTAIN)


def ring(a: Int[Array, "..."], b: Int[Array, "..."], size: int) -> Int[Array, "..."]:
    """Distance of two rows, or of two columns, of a torus."""
    return jnp.minimum((a - b) % size, (b - a) % size)


def steps(start: Cell, goal: Cell, size: int) -> Cell:
    """Distance of two cells of a torus, in steps."""
    return ring(start // size, goal // size, size) + ring(start % size, goal % size, size)


def steps_around(start: Cell, goal: Cell, shut: Cell, size: int) -> Cell:
    """Distance of two cells of a torus by ways that avoid a third.

    The third cell blocks all shortest ways only if it lies between the two in one row or column and the way
    round the torus is longer. Then the distance is that of the way round or two more than the direct one,
    whichever is smaller.

    Args:
        start: cells.
        goal: a cell other than the one to avoid.
        shut: the cell to avoid, -1 for none.
        size: number of rows and of columns.

    Returns:
        Numbers of steps; `2 size` from the cell to avoid.

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
