"""The coin game: players on a torus gain by coins, and lose when the other takes one of their color."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from games.base import Environment
from games.checks import check_count, check_flag, check_range, floating
from games.hash_random import Word, below, words
from games.registry import nearest

Scalar = Int[Array, ""]
Pair = tuple[Scalar, Scalar]


class CoinState(NamedTuple):
    """The state of the grid, in scalars, so that lanes are vectors.

    Attributes:
        rows: of the red and of the blue player.
        columns: of the red and of the blue player.
        coins: cell of the red and of the blue coin, `row * size + column`; -1 where there is none.
        time: number of steps played in the episode.
    """

    rows: Pair
    columns: Pair
    coins: Pair
    time: Scalar


class CoinGame(Environment):
    r"""The coin game: a player gains 1 by any coin it takes, and loses 2 when the other takes a coin of its color.

    Player 0 is red, player 1 blue. The actions are right, left, down, up (and stay); players move at the same
    time, on a torus. The literature has at least four different games of this name; their differences are
    arguments here, and `lola`, `mfos`, `jaxmarl` and `loqa` make the published combinations.

    Args:
        coins: `"one"` coin, whose color alternates each time it is taken, or `"two"`, one of each color.
        respawn: a new coin is placed uniformly on the cells without a player, `"free"`, or on all cells,
            `"anywhere"`.
        stay: whether there is a fifth action, to stay.
        ties: if both players reach a coin at once, whether `"both"` take it or only `"red"` does.
        egocentric: whether a player sees the torus shifted so that it stands at the center, its own planes
            first.
        own_first: whether a player sees its own planes first, even if not egocentric.
        start: players and coins start on different cells, `"apart"` (two coins may coincide), or
            `"anywhere"`.
        last_reward: whether the last step of an episode is `"paid"` or `"unpaid"`, as in codes whose reset
            drops its reward.
        size: number of rows and of columns, 2 to 16.
        length: number of steps of an episode, at least 1.
        reward: reward for a coin.
        penalty: subtracted when the other player takes a coin of the player's color.
        name: name in tables.

    Observations are four planes of zeros and ones, `(2, 4, size, size)`: red player, blue player, red coin,
    blue coin; if the own planes come first: own player, other player, own coin, other's coin.
    `info["picked"][i, c]` is true if player i took the coin of player c's color.

    Raises:
        ValueError: for a name or number that is not accepted.

    Source:
        Lerer & Peysakhovich 2017, "Maintaining cooperation in complex social dilemmas using deep
        reinforcement learning".

    Example:
        >>> import jax
        >>> game = CoinGame.lola()
        >>> observations, state = game.reset(jax.random.key(0))
        >>> observations.shape, observations.sum(axis=(1, 2, 3)).tolist()
        ((2, 4, 3, 3), [3.0, 3.0])
    """

    coins: str = eqx.field(static=True, default="one", metadata={"choices": ("one", "two")})
    respawn: str = eqx.field(static=True, default="free", metadata={"choices": ("free", "anywhere")})
    stay: bool = eqx.field(static=True, default=False)
    ties: str = eqx.field(static=True, default="both", metadata={"choices": ("both", "red")})
    egocentric: bool = eqx.field(static=True, default=False)
    own_first: bool = eqx.field(static=True, default=False)
    start: str = eqx.field(static=True, default="apart", metadata={"choices": ("apart", "anywhere")})
    last_reward: str = eqx.field(static=True, default="paid", metadata={"choices": ("paid", "unpaid")})
    size: int = eqx.field(static=True, default=3)
    length: int = eqx.field(static=True, default=50)
    reward: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    penalty: Float[Array, ""] = eqx.field(converter=floating, default=2.0)
    name: str = eqx.field(static=True, default="coin")

    def __check_init__(self):
        for field, given in (
            ("coins", self.coins),
            ("respawn", self.respawn),
            ("ties", self.ties),
            ("start", self.start),
        ):
            check_choice(field, given, self.__dataclass_fields__[field].metadata["choices"])
        check_choice("last_reward", self.last_reward, ("paid", "unpaid"))
        check_count("size", self.size, 2)
        check_range("size", self.size, 2, 16)
        check_count("length", self.length)
        for field in ("stay", "egocentric", "own_first"):
            check_flag(field, getattr(self, field))
        check_range("reward", self.reward)
        check_range("penalty", self.penalty)

    @classmethod
    def lola(cls, ties: str = "both", length: int = 150, **settings: Any) -> "CoinGame":
        """The game of LOLA, DiCE and POLA: one coin, placed on free cells.

        POLA plays 50 steps; in the first public code of LOLA red alone wins ties.
        """
        return cls(**{"ties": ties, "length": length, "name": "coin_lola"} | settings)

    @classmethod
    def loqa(cls, size: int = 3, length: int = 50, **settings: Any) -> "CoinGame":
        """The game of LOQA: that of LOLA on grids of 3 to 7 rows."""
        return cls(**{"size": size, "length": length, "name": "coin_loqa"} | settings)

    @classmethod
    def mfos(cls, length: int = 16, **settings: Any) -> "CoinGame":
        """The game of M-FOS: two coins anywhere, four actions, own planes first, the last step unpaid."""
        identity = {
            "coins": "two",
            "respawn": "anywhere",
            "start": "anywhere",
            "own_first": True,
            "last_reward": "unpaid",
        }
        return cls(**identity | {"length": length, "name": "coin_mfos"} | settings)

    @classmethod
    def jaxmarl(cls, egocentric: bool = False, length: int = 16, **settings: Any) -> "CoinGame":
        """The game of Pax and JaxMARL: that of M-FOS with a fifth action, to stay."""
        return cls.mfos(length, **{"stay": True, "egocentric": egocentric, "name": "coin_jaxmarl"} | settings)

    @property
    def n_players(self) -> int:
        """Number of players: two."""
        return 2

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player: four, or five with `stay`."""
        return (5, 5) if self.stay else (4, 4)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of an observation: four planes."""
        return 4, self.size, self.size

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "2 4 size size"], CoinState]:
        """Place players and coins."""
        a, b, c, d = words(key, 4)
        cells = self.size**2
        red = below(a, cells)
        blue = other_than(b, cells, red, red) if self.start == "apart" else below(b, cells)
        own, other = (
            other_than(w, cells, red, blue) if self.start == "apart" else below(w, cells) for w in (c, d)
        )
        if self.coins == "one":
            color = below(d, 2)
            own, other = jnp.where(color == 0, own, -1), jnp.where(color == 0, -1, own)
        state = CoinState(
            (red // self.size, blue // self.size),
            (red % self.size, blue % self.size),
            (own, other),
            jnp.zeros_like(red),
        )
        return self.observe(state), state

    def step(
        self, key: Key[Array, ""], state: CoinState, actions: Int[Array, " 2"]
    ) -> tuple[
        Float[Array, "2 4 size size"],
        CoinState,
        Float[Array, " 2"],
        Bool[Array, ""],
        Bool[Array, ""],
        dict[str, Any],
    ]:
        """Move, take coins, and replace those taken."""
        moved = tuple(
            self.move(r, c, actions[i])
            for i, (r, c) in enumerate(zip(state.rows, state.columns, strict=True))
        )
        (r0, c0), (r1, c1) = moved
        cells = r0 * self.size + c0, r1 * self.size + c1
        red = tuple(cells[0] == coin for coin in state.coins)
        blue = tuple(cells[1] == coin for coin in state.coins)
        if self.ties == "red":
            blue = blue[0] & ~red[0], blue[1] & ~red[1]

        time = state.time + 1
        rewards = (
            self.reward * count(red) - self.penalty * blue[0],
            self.reward * count(blue) - self.penalty * red[1],
        )
        if self.last_reward == "unpaid":
            rewards = tuple(jnp.where(time < self.length, x, 0) for x in rewards)
        coins = self.replace(key, state.coins, (red[0] | blue[0], red[1] | blue[1]), cells)
        after = CoinState((r0, r1), (c0, c1), coins, time)
        picked = jnp.stack([jnp.stack(red), jnp.stack(blue)])
        return (
            self.observe(after),
            after,
            jnp.stack(rewards),
            jnp.zeros_like(red[0]),
            time >= self.length,
            {"picked": picked},
        )

    def move(self, row: Scalar, column: Scalar, action: Scalar) -> Pair:
        """Row and column after an action: 0 right, 1 left, 2 down, 3 up, 4 stay."""
        sign = 1 - 2 * (action & 1)
        vertical = (action >> 1) & 1
        across = jnp.where(action < 4, sign * (1 - vertical), 0) if self.stay else sign * (1 - vertical)
        return self.wrap(row + sign * vertical), self.wrap(column + across)

    def wrap(self, x: Scalar) -> Scalar:
        """A coordinate modulo the size, for coordinates from -size to 2 size - 1."""
        return jnp.where(x >= self.size, x - self.size, jnp.where(x < 0, x + self.size, x))

    def replace(
        self, key: Key[Array, ""], coins: Pair, taken: tuple[Bool[Array, ""], Bool[Array, ""]], players: Pair
    ) -> Pair:
        """The coins after a step: those taken are replaced, a single coin by one of the other color."""
        cells = self.size**2
        fresh = tuple(
            other_than(w, cells, *players) if self.respawn == "free" else below(w, cells)
            for w in words(key, 2)
        )
        if self.coins == "one":
            red, blue = (jnp.where(taken[c], -1, jnp.where(taken[1 - c], fresh[0], coins[c])) for c in (0, 1))
        else:
            red, blue = (jnp.where(taken[c], fresh[c], coins[c]) for c in (0, 1))
        return red, blue

    def observe(self, state: CoinState) -> Float[Array, "2 4 size size"]:
        """Both players' observations."""
        state = jax.lax.optimization_barrier(
            state
        )  # without it a CPU computes the state again for every entry
        places = [(r, c) for r, c in zip(state.rows, state.columns, strict=True)]
        cells = tuple(r * self.size + c for r, c in places) + state.coins
        if not (self.egocentric or self.own_first):
            return jnp.broadcast_to(self.planes(cells)[None], (2, *self.observation_shape))
        first, second = (self.centered(cells, *place) if self.egocentric else cells for place in places)
        return jnp.stack([self.planes(first), self.planes(tuple(second[k] for k in (1, 0, 3, 2)))])

    def centered(self, cells: tuple[Scalar, ...], row: Scalar, column: Scalar) -> tuple[Scalar, ...]:
        """The cells after shifting the torus so that this row and column are at its center."""
        n, half = self.size, self.size // 2
        cells_shifted = (
            self.wrap(cell // n - row + half) * n + self.wrap(cell % n - column + half) for cell in cells
        )
        return tuple(jnp.where(cell < 0, -1, new) for cell, new in zip(cells, cells_shifted, strict=True))

    def planes(self, cells: tuple[Scalar, ...]) -> Float[Array, "4 size size"]:
        """One plane per cell, one at the cell and zero elsewhere."""
        grid = jnp.arange(self.size**2).reshape(1, self.size, self.size)
        return (jnp.stack(cells)[:, None, None] == grid).astype(float)

    def render(self, state: CoinState) -> str:
        """The grid: R and B are the players, r and b the coins.

        Example:
            >>> at = lambda *cells: tuple(jnp.int32(c) for c in cells)
            >>> print(CoinGame().render(CoinState(at(0, 1), at(0, 2), at(4, -1), jnp.int32(0))))
            R  .  .
            .  r  B
            .  .  .
        """
        n = self.size
        cells = [int(r) * n + int(c) for r, c in zip(state.rows, state.columns, strict=True)] + [
            int(c) for c in state.coins
        ]
        marks = [
            "".join(mark for mark, cell in zip("RBrb", cells, strict=True) if cell == here) or "."
            for here in range(n * n)
        ]
        width = max(2, *(len(mark) for mark in marks))
        return "\n".join(
            " ".join(f"{mark:<{width}}" for mark in marks[i * n : (i + 1) * n]).rstrip() for i in range(n)
        )


def count(flags: tuple[Bool[Array, ""], ...]) -> Float[Array, ""]:
    """The number of true flags among two."""
    return flags[0].astype(float) + flags[1].astype(float)


def other_than(word: Word, cells: int, first: Scalar, second: Scalar) -> Scalar:
    """A uniformly random cell other than two given ones, which may coincide."""
    low, high, same = jnp.minimum(first, second), jnp.maximum(first, second), first == second
    cell = jnp.where(same, below(word, cells - 1), below(word, cells - 2))
    cell = cell + (cell >= low)
    return cell + (~same & (cell >= high))


def check_choice(what: str, given: str, accepted: tuple[str, ...]) -> None:
    """Check that a name is one of the accepted ones."""
    if given not in accepted:
        raise ValueError(f"Unknown {what} {given!r}; {nearest(str(given), accepted)}.")
