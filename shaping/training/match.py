"""A match as a training: learners play, and the parameters that they have learned are kept."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Key, PyTree

from games.base import Game, Joint
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, finite
from shaping.engine import BEFORE, advance, begin, lane_keys, record
from shaping.learners.fixed import Settled
from shaping.training.trainer import Trainer, Values


class MatchState(NamedTuple):
    """Where a match stands.

    Attributes:
        joint: joint parameters in the form that `game.split` gives them.
        states: one learner state per seat.
        key: the key of all recorded values.
        time: number of steps done.
    """

    joint: Joint
    states: tuple[PyTree, ...]
    key: Key[Array, ""]
    time: Int[Array, ""]


class MatchTrainer(Trainer):
    """Let learners play one match, that of `play` with one seed and the same key, and keep their parameters.

    Args:
        game: the game, sampled or exact.
        seats: one learner per seat, in order.
        kept: the seats whose parameters are kept; by default all.

    Raises:
        ValueError: if the learners are not one per seat.

    Example:
        >>> from games import ipd
        >>> from shaping import Lola, Naive, play
        >>> from shaping.training import run
        >>> trained = run(MatchTrainer(ipd(), [Lola(), Naive()]), iterations=3)
        >>> trained.learners[0].label, trained.record.per_step.shape
        ('lola', (3, 2))
        >>> match = play(ipd(), [Lola(), Naive()], steps=3)
        >>> bool(jnp.allclose(match.values[0, :-1], trained.record.per_step, rtol=1e-4))
        True
    """

    loops: ClassVar[bool] = True
    remedy: ClassVar[str] = "take smaller learning rates"

    game: Game
    seats: Sequence[Any]
    kept: tuple[int, ...] | None = eqx.field(static=True, default=None)

    def __post_init__(self):
        self.game = as_game(self.game)
        self.seats = as_learners(self.seats, self.game)

    def init(self, key: Key[Array, ""]) -> MatchState:
        """The match before its first step."""
        init_key, match_key = (lane_keys(key, stream, 1)[0] for stream in ("init", "match"))
        joint, states = begin(self.game, self.seats, init_key, match_key)
        return MatchState(joint, states, jax.random.fold_in(match_key, BEFORE), jnp.zeros((), jnp.uint32))

    def iteration_key(self, key: Key[Array, ""], t: Int[Array, ""]) -> Key[Array, ""]:
        """The key of step t of the match."""
        return jax.random.fold_in(lane_keys(key, "match", 1)[0], t)

    def step(self, state: MatchState, key: Key[Array, ""]) -> tuple[MatchState, Values]:
        """One learning step of everybody; the record is everybody's per-step value before it."""
        values = jnp.stack(record(self.game, state.joint, state.key))
        joint, states = advance(self.game, self.seats, state.joint, state.states, key, state.time)
        return MatchState(joint, states, state.key, state.time + 1), Values(values)

    def ok(self, state: MatchState, record: Values) -> Bool[Array, ""]:
        """Whether parameters, states and values are finite."""
        return finite((state.joint, state.states, record))

    def learners(self, state: MatchState) -> tuple[Learner, ...]:
        """The last parameters of every kept seat, as learners that do not learn."""
        joint = self.game.join(state.joint)
        kept = range(self.game.n_players) if self.kept is None else self.kept
        return tuple(Settled(joint[seat], self.seats[seat].label) for seat in kept)
