"""A repeated stage game as an environment: the game whose exact values `Iterated` computes."""

import itertools
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from games.base import Environment
from games.checks import check_count
from games.exact.matrix import MatrixGame
from games.registry import nearest

ENCODINGS = ("one_hot", "index", "per_player")


class RepetitionState(NamedTuple):
    """The last joint action, one scalar per player, and the number of steps played."""

    last: tuple[Int[Array, ""], ...]
    time: Int[Array, ""]


class Repetition(Environment):
    r"""A finitely repeated stage game; players observe the last joint action, their own action first.

    An observation stands for a row of the player's table in `Iterated`, `[start, CC, CD, DC, DD]` with two
    actions. Row 0 is the start; row 1 + m follows the joint action m, the number whose digits are the
    player's own action and then the others' by seat.

    Args:
        stage: the stage game, any number of players and actions.
        length: number of steps of an episode, at least 1.
        encoding: `"one_hot"`, a one-hot vector over the rows; `"index"`, the number of the row;
            `"per_player"`, for each player, own first, a one-hot vector over the start and its last action.
        name: name in tables.

    Raises:
        ValueError: for a stage that is not a `MatrixGame`, a length below 1 or an unknown encoding.

    Example:
        >>> import jax
        >>> game = Repetition(MatrixGame.symmetric([[-1, -3], [0, -2]]), encoding="index")
        >>> _, state = game.reset(jax.random.key(0))
        >>> observations, state, rewards, *_ = game.step(jax.random.key(1), state, jnp.array([0, 1]))
        >>> observations.tolist(), rewards.tolist()
        ([2, 3], [-3.0, 0.0])
    """

    stage: MatrixGame
    length: int = eqx.field(static=True, default=150)
    encoding: str = eqx.field(static=True, default="one_hot")
    name: str = eqx.field(static=True, default="repetition")

    def __check_init__(self):
        if not isinstance(self.stage, MatrixGame):
            raise ValueError(
                f"stage is a {type(self.stage).__name__}; it must be a MatrixGame, such as MatrixGame.symmetric([[-1, -3], [0, -2]])."
            )
        check_count("length", self.length)
        if self.encoding not in ENCODINGS:
            raise ValueError(f"Unknown encoding {self.encoding!r}; {nearest(str(self.encoding), ENCODINGS)}.")

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.stage.n_players

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.stage.n_actions

    @property
    def n_outcomes(self) -> int:
        """Number of joint actions."""
        return math.prod(self.n_actions)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one player's observation."""
        if self.encoding == "per_player":
            if len(set(self.n_actions)) > 1:
                raise ValueError(
                    f"The players have {self.n_actions} actions; encoding 'per_player' needs equally many, so take 'one_hot' or 'index'."
                )
            return (self.n_players * (self.n_actions[0] + 1),)
        return () if self.encoding == "index" else (1 + self.n_outcomes,)

    @property
    def distinct(self) -> Float[Array, "observations size"] | None:
        """The observations at the start and after each joint action; None if there are more than 32."""
        if self.encoding == "index" or self.n_outcomes >= 32:
            return None
        if self.encoding == "one_hot":
            return jnp.eye(1 + self.n_outcomes)
        joint = [
            (0,) * self.n_players,
            *itertools.product(range(1, self.n_actions[0] + 1), repeat=self.n_players),
        ]
        return jnp.eye(self.n_actions[0] + 1)[jnp.array(joint)].reshape(len(joint), -1)

    def reset(self, key: Key[Array, ""]) -> tuple[Array, RepetitionState]:
        """Start an episode; the key is not used."""
        zero = jnp.zeros((), jnp.int32)
        state = RepetitionState((zero,) * self.n_players, zero)
        return self.observe(state), state

    def step(
        self, key: Key[Array, ""], state: RepetitionState, actions: Int[Array, " n_players"]
    ) -> tuple[
        Array, RepetitionState, Float[Array, " n_players"], Bool[Array, ""], Bool[Array, ""], dict[str, Any]
    ]:
        """Play the stage game once; the key is not used."""
        after = RepetitionState(
            tuple(actions[i].astype(jnp.int32) for i in range(self.n_players)), state.time + 1
        )
        rewards = self.stage.payoffs.reshape(self.n_players, -1)[:, self.outcome(after, 0)]
        done = after.time >= self.length
        return self.observe(after), after, rewards, jnp.zeros_like(done), done, {}

    def outcome(self, state: RepetitionState, player: int) -> Int[Array, ""]:
        """The last joint action as a number, the player's own action first."""
        number = jnp.zeros((), jnp.int32)
        for j in (player, *(j for j in range(self.n_players) if j != player)):
            number = number * self.n_actions[j] + state.last[j]
        return number

    def observe(self, state: RepetitionState) -> Array:
        """All players' observations."""
        if self.encoding == "per_player":
            size = self.observation_shape[0] // self.n_players
            last = [jnp.where(state.time > 0, 1 + action, 0) for action in state.last]
            own_first = [
                [last[i], *(last[j] for j in range(self.n_players) if j != i)] for i in range(self.n_players)
            ]
            return (
                (jnp.array(own_first)[..., None] == jnp.arange(size)[None, None])
                .astype(float)
                .reshape(self.n_players, -1)
            )
        rows = jnp.stack(
            [jnp.where(state.time > 0, 1 + self.outcome(state, i), 0) for i in range(self.n_players)]
        )
        return (
            rows
            if self.encoding == "index"
            else (rows[:, None] == jnp.arange(1 + self.n_outcomes)[None]).astype(float)
        )

    def render(self, state: RepetitionState) -> str:
        """The last joint action, or "start"."""
        return " ".join(str(int(action)) for action in state.last) if int(state.time) else "start"
