"""In-the-matrix games: the shares of the coins that two players collect on a grid are their mixed actions."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from games.base import Environment
from games.checks import check_count
from games.environments.bitboard import (
    SIZE,
    Board,
    Pair,
    Scalar,
    across,
    beam_cells,
    board,
    both,
    down,
    has,
    move,
    union,
    without,
)
from games.exact.matrix import MatrixGame
from games.hash_random import Words, below, words
from games.registry import nearest

VIEW = 5
"""Number of rows and of columns that a player sees."""
LEFT, RIGHT, FORWARD, INTERACT, STAY = range(5)
SELF, OTHER, FIRST, SECOND, WALL, BEAM, EMPTY = range(7)
COINS = ((1, 1), (2, 1), (1, 2), (6, 1), (6, 2), (5, 1), (2, 6), (1, 5), (1, 6), (6, 6), (5, 6), (6, 5))
"""Rows and columns of the coins; if they are fixed, coins 0, 2, 4, ... are of the second kind."""
STARTS = (*((row, column) for row in (0, 7) for column in (0, 1, 2, 5, 6, 7)), (1, 0), (6, 0), (1, 7), (6, 7))
"""Rows and columns where a player may start; the other player starts at the point reflection."""


class MatrixState(NamedTuple):
    """The state of the grid, in scalars, so that lanes are vectors.

    Attributes:
        rows: of both players.
        columns: of both players.
        headings: of both players: 0 down, 1 right, 2 up, 3 left.
        held: numbers of coins of the first and of the second kind that each player holds.
        layout: cells of the coins of each kind at the start of a round.
        coins: cells of the coins of each kind that are left.
        beams: cells of the beams of the last step.
        frozen: number of steps for which the players cannot act.
        time: number of steps played in the episode.
    """

    rows: Pair
    columns: Pair
    headings: Pair
    held: tuple[Pair, Pair]
    layout: tuple[Board, Board]
    coins: tuple[Board, Board]
    beams: Board
    frozen: Scalar
    time: Scalar


class InTheMatrix(Environment):
    r"""Players collect coins of two kinds; if one hits the other with its beam, both play the stage game.

    Let $x$ and $y$ be the shares of the first kind among the coins of player 0 and of player 1. An
    interaction pays player i $(x, 1-x)\, u_i\, (y, 1-y)^\top$ and freezes both players for some steps. Then a
    new round starts: coins and players return to the grid, and nobody holds a coin. An interaction needs both
    players to hold a coin. The grid has 8 by 8 cells, walls around it, and 6 coins of each kind.

    Actions: turn left, turn right, forward, interact, stay. A beam covers one and two cells ahead, and the
    cells left and right of the first. A player does not move into the cell of a player that stands still; if
    both players move to one cell, a random one of them gets it.

    A player sees 5 by 5 cells and stands in the middle of the nearest row. Its observation is a vector of 256
    numbers: planes `(10, 5, 5)` of zeros and ones (itself, the other player, coins of the first kind, coins
    of the second kind, walls, beams, and four planes for the other's direction relative to its own), rows
    ahead and columns from left to right; then its numbers of coins of each kind, whether it holds any,
    whether the other does, and the other's numbers of coins, which are zero unless the players are frozen.

    Args:
        stage: a two-player game with two actions each; coins of the first kind stand for action 0.
        coins: whether the kinds of the coins are `"fixed"` or `"shuffled"` at the start of an episode.
        freeze: number of steps for which an interaction freezes the players, at least 1.
        length: number of steps of an episode, at least 1.
        last_reward: whether the last step of an episode is `"paid"` or `"unpaid"`, as in codes whose reset
            drops its reward.
        name: name in tables.

    Raises:
        ValueError: for a stage of another shape, or a name or number that is not accepted.

    Source:
        Khan et al. 2024, "Scaling opponent shaping to high dimensional games", and JaxMARL's `storm_2p`. The
        start differs from the latter: players face any of the four directions (there never left), and no
        player starts on a coin.

    Example:
        >>> game = InTheMatrix(MatrixGame.symmetric([[3, 0], [5, 1]]))
        >>> observations, state = game.reset(jax.random.key(0))
        >>> observations.shape
        (2, 256)
    """

    stage: MatrixGame
    coins: str = eqx.field(static=True, default="fixed")
    freeze: int = eqx.field(static=True, default=5)
    length: int = eqx.field(static=True, default=152)
    last_reward: str = eqx.field(static=True, default="paid")
    name: str = eqx.field(static=True, default="in_the_matrix")

    def __check_init__(self):
        if not isinstance(self.stage, MatrixGame) or self.stage.payoffs.shape != (2, 2, 2):
            raise ValueError(
                "stage must be a MatrixGame of two players with two actions each, such as games.prisoners_dilemma()."
            )
        for what, given, accepted in (
            ("coins", self.coins, ("fixed", "shuffled")),
            ("last_reward", self.last_reward, ("paid", "unpaid")),
        ):
            if given not in accepted:
                raise ValueError(f"Unknown {what} {given!r}; {nearest(str(given), accepted)}.")
        check_count("freeze", self.freeze)
        check_count("length", self.length)

    @property
    def n_players(self) -> int:
        """Two."""
        return 2

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Five each."""
        return 5, 5

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Ten planes of 5 by 5, and six numbers."""
        return (10 * VIEW**2 + 6,)

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "2 256"], MatrixState]:
        """Place the coins and start a round."""
        draws = words(key, 15 if self.coins == "shuffled" else 3)
        zero = jnp.zeros_like(draws[0])
        layout = (
            random_layout(draws[3:])
            if self.coins == "shuffled"
            else (board(COINS[1::2], zero), board(COINS[::2], zero))
        )
        state = new_round(draws, layout, zero.astype(jnp.int32), zero.astype(jnp.int32))
        return self.observe(state), state

    def step(
        self, key: Key[Array, ""], state: MatrixState, actions: Int[Array, " 2"]
    ) -> tuple[
        Float[Array, "2 256"],
        MatrixState,
        Float[Array, " 2"],
        Bool[Array, ""],
        Bool[Array, ""],
        dict[str, Any],
    ]:
        """Turn or move, collect coins, interact; start a new round when the freeze ends."""
        draws = words(key, 4)
        acts = both(lambda i: jnp.where(state.frozen > 0, STAY, actions[i]))
        headings = both(lambda i: (state.headings[i] + (acts[i] == LEFT) - (acts[i] == RIGHT)) & 3)
        rows, columns = move(
            state.rows, state.columns, state.headings, both(lambda i: acts[i] == FORWARD), below(draws[3], 2)
        )
        cells = both(lambda i: rows[i] * SIZE + columns[i])
        held = both(lambda i: both(lambda kind: state.held[i][kind] + has(state.coins[kind], cells[i])))
        coins = both(lambda kind: without(state.coins[kind], cells))

        reach = both(lambda i: beam_cells(rows[i], columns[i], headings[i]))
        zaps = both(lambda i: acts[i] == INTERACT)
        hits = both(lambda i: zaps[i] & (sum(cell == cells[1 - i] for cell in reach[i]) > 0))
        total = both(lambda i: held[i][0] + held[i][1])
        meet = (hits[0] | hits[1]) & (total[0] > 0) & (total[1] > 0)
        shares = both(lambda i: both(lambda kind: held[i][kind].astype(float) / jnp.maximum(total[i], 1)))
        paid = sum(
            self.stage.payoffs[:, a, b] * (shares[0][a] * shares[1][b]) for a in (0, 1) for b in (0, 1)
        )
        rewards = jnp.where(meet, paid, 0)

        time = state.time + 1
        if self.last_reward == "unpaid":
            rewards = jnp.where(time < self.length, rewards, 0)
        frozen = jnp.where(meet, self.freeze, jnp.maximum(state.frozen - 1, 0))
        after = MatrixState(
            rows, columns, headings, held, state.layout, coins, union(reach, zaps), frozen, time
        )
        restarted = new_round(draws, state.layout, frozen, time)
        after = jax.tree.map(lambda new, old: jnp.where(state.frozen == 1, new, old), restarted, after)
        info = {"interaction": meet, "held": jnp.stack([jnp.stack(own) for own in held])}
        return self.observe(after), after, rewards, jnp.zeros_like(meet), time >= self.length, info

    def observe(self, state: MatrixState) -> Float[Array, "2 256"]:
        """Both players' observations."""
        state = jax.lax.optimization_barrier(
            state
        )  # without it a CPU computes the state again for every entry
        rows, columns, headings = (jnp.stack(x) for x in (state.rows, state.columns, state.headings))
        poses = rows, columns, headings, rows[::-1], columns[::-1]
        # as a loop: otherwise a CPU computes the content of a cell again for every plane
        items = jax.lax.map(lambda pose: view(state, *pose), poses)
        return jnp.stack([self.observation(state, i, items[i]) for i in (0, 1)])

    def observation(self, state: MatrixState, i: int, items: Int[Array, " 25"]) -> Float[Array, " 256"]:
        """Player i's observation, from the contents of the cells in its view."""
        planes = items[None] == np.arange(EMPTY)[:, None]
        relative = (state.headings[1 - i] - state.headings[i]) & 3
        headings = (items == OTHER)[None] & (relative == np.arange(4))[:, None]
        own, other = state.held[i], state.held[1 - i]
        shown = [jnp.where(state.frozen > 0, n, 0) for n in other]
        numbers = jnp.stack(
            [
                *own,
                (own[0] + own[1] > 0).astype(jnp.int32),
                (other[0] + other[1] > 0).astype(jnp.int32),
                *shown,
            ]
        )
        return jnp.concatenate(
            [planes.ravel().astype(float), headings.ravel().astype(float), numbers.astype(float)]
        )

    def render(self, state: MatrixState) -> str:
        """The grid: arrows are player 0, letters of the direction player 1, o and x the coins, * a beam."""
        marks = np.full(SIZE**2, ".")
        for cells, mark in ((state.beams, "*"), (state.coins[0], "o"), (state.coins[1], "x")):
            marks[np.asarray(has(cells, jnp.arange(SIZE**2))) == 1] = mark
        for i, names in ((0, "v>^<"), (1, "DRUL")):
            marks[int(state.rows[i]) * SIZE + int(state.columns[i])] = names[int(state.headings[i])]
        return "\n".join(" ".join(line) for line in marks.reshape(SIZE, SIZE))


def view(
    state: MatrixState, row: Scalar, column: Scalar, heading: Scalar, *other: Scalar
) -> Int[Array, " 25"]:
    """The contents of the 25 cells that a player at this row and column, facing this direction, sees."""
    ahead, right = np.arange(VIEW).repeat(VIEW), np.tile(np.arange(VIEW) - VIEW // 2, VIEW)
    rows = row + ahead * down(heading) + right * down(heading - 1)
    columns = column + ahead * across(heading) + right * across(heading - 1)
    inside = (rows >= 0) & (rows < SIZE) & (columns >= 0) & (columns < SIZE)
    cells = rows * SIZE + columns

    item = jnp.where(has(state.beams, cells) == 1, BEAM, EMPTY)
    for kind, code in zip(state.coins, (FIRST, SECOND), strict=True):
        item = jnp.where(has(kind, cells) == 1, code, item)
    for place, code in ((other, OTHER), ((row, column), SELF)):
        item = jnp.where(cells == place[0] * SIZE + place[1], code, item)
    return jnp.where(inside, item, WALL)


def new_round(draws: Words, layout: tuple[Board, Board], frozen: Scalar, time: Scalar) -> MatrixState:
    """The start of a round: players at reflected cells, in random directions, all coins on the grid."""
    low = jnp.zeros_like(draws[0])
    none = low.astype(jnp.int32)
    which = below(draws[0], len(STARTS))
    row, column = (jnp.array(STARTS, jnp.int32)[which, axis] for axis in (0, 1))
    headings = below(draws[1], 4), below(draws[2], 4)
    rows, columns = (row, SIZE - 1 - row), (column, SIZE - 1 - column)
    return MatrixState(
        rows, columns, headings, ((none, none), (none, none)), layout, layout, (low, low), frozen, time
    )


def random_layout(draws: Words) -> tuple[Board, Board]:
    """A random half of the coins' cells for the first kind, and the rest for the second."""
    zero = jnp.zeros_like(draws[0])
    missing = jnp.full_like(zero, len(COINS) // 2).astype(jnp.int32)
    cells, chosen = [], []
    for k, (row, column) in enumerate(COINS):
        here = below(draws[k], len(COINS) - k) < missing
        missing = missing - here
        cells.append((jnp.full_like(missing, row * SIZE + column),))
        chosen.append(here)
    return union(cells, chosen), union(cells, [~here for here in chosen])
