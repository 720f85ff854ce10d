"""Gradient ascent on a match against learners: back-propagation through everything they do."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Key, PyTree

from games.base import Game
from games.checks import check_flag
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, Scalar, count, number
from shaping.learners.mfos import Mfos
from shaping.meta.bounded_gradients import bounded
from shaping.meta.game import MetaGame
from shaping.model_free import gaussian
from shaping.training.trainer import Trainer, Values


class AscentState(NamedTuple):
    """The player, and Adam's moments."""

    player: Any
    moments: PyTree


class GradientTrainer(Trainer):
    r"""Gradient ascent by Adam on the value of the only player of a game.

    $\theta \leftarrow \theta + \mathrm{Adam}(\nabla_\theta V(\theta))$. On a `MetaGame` this differentiates
    through the co-players' learning: the white-box baseline for learners with less information. Where large
    steps make the match chaotic, `shaping.bounded` keeps the gradient finite.

    Args:
        game: a game of one player.
        start: the player's first parameters; on a `MetaGame`, a learner.
        lr: Adam's step size, at least 0.

    Raises:
        ValueError: for a game of several players.

    Example:
        >>> from games import tandem
        >>> from shaping import MetaGame, Naive
        >>> from shaping.training import run
        >>> meta = MetaGame(tandem(), [None, Naive(0.1)], steps=2)
        >>> trained = run(GradientTrainer(meta, meta.init(jax.random.key(0))[0]), iterations=3)
        >>> trained.state.player.path.shape, trained.record.per_step.shape
        ((2, 1), (3,))
    """

    remedy: ClassVar[str] = (
        "choose a smaller lr, another start, or, for a match against learners, shaping.bounded(game)"
    )

    game: Game
    start: Any
    lr: Scalar = number(0.01)

    def __post_init__(self):
        self.game = as_game(self.game)

    def __check_init__(self):
        if self.game.n_players != 1:
            raise ValueError(
                f"{self.game.name!r} has {self.game.n_players} players; ascent is for one. With several, give them "
                "learners: play(game, [...])."
            )

    @property
    def label(self) -> str:
        """The label of `AscentTrainer`."""
        return "ascent"

    def init(self, key: Key[Array, ""]) -> AscentState:
        """The start, and moments of zero."""
        return ascent_state(self.start)

    def step(self, state: AscentState, key: Key[Array, ""]) -> tuple[AscentState, Values]:
        """One step of Adam, on the value that the key draws."""
        return ascent_step(self.game, state, key, self.lr)

    def learners(self, state: AscentState) -> tuple[Learner, ...]:
        """The player."""
        return (state.player,)


class AscentTrainer(Trainer):
    """M-FOS's policy without noise, trained by the gradient through the match.

    The gradient is bounded at the co-players' steps (`shaping.bounded`).

    Args:
        game: an exact game.
        seats: one learner per seat, in order; None for the seat that is trained.
        steps: meta-steps of a match.
        lanes: matches per iteration.
        width: hidden units of the policy.
        centered: whether the policy sees probabilities o as 2o - 1.
        lr: Adam's step size, at least 0.

    Raises:
        ValueError: unless exactly one seat is open; also as `MetaGame`.

    Example:
        >>> from games import GAMES
        >>> from shaping.training import run
        >>> trainer = AscentTrainer(GAMES.make("chicken"), [None, "naive"], steps=2, lanes=2, width=4)
        >>> run(trainer, iterations=2).learners[0].acts
        'mode'
    """

    remedy: ClassVar[str] = "choose a smaller lr or fewer steps"

    game: Game
    seats: Sequence[Any]
    steps: int = count(100)
    lanes: int = count(64)
    width: int = count(256)
    centered: bool = eqx.field(static=True, default=False)
    lr: Scalar = number(0.002)

    def __post_init__(self):
        self.game = as_game(self.game)
        self.seats = as_learners(self.seats, self.game, opens=True)

    def __check_init__(self):
        check_flag("centered", self.centered)
        check_one_open("Gradient ascent", self.seats)

    @property
    def meta(self) -> MetaGame:
        """The match as a game of one player."""
        return MetaGame(self.game, self.seats, self.steps, lanes=self.lanes)

    def init(self, key: Key[Array, ""]) -> AscentState:
        """A new policy."""
        sizes = self.meta.observation_shape[0], self.meta.action_shape[0]
        policy = gaussian(*sizes, self.width, centered=self.centered)(jax.random.fold_in(key, 1))
        return ascent_state(Mfos(policy, "mode"))

    def step(self, state: AscentState, key: Key[Array, ""]) -> tuple[AscentState, Values]:
        """One step of Adam."""
        return ascent_step(bounded(self.meta), state, key, self.lr)

    def learners(self, state: AscentState) -> tuple[Learner, ...]:
        """The policy as a learner."""
        return (state.player,)


def ascent_state(player: Any) -> AscentState:
    """A player before its first step of Adam."""
    return AscentState(player, optax.adam(1.0).init(eqx.filter(player, eqx.is_inexact_array)))


def ascent_step(
    game: Game, state: AscentState, key: Key[Array, ""], lr: Scalar
) -> tuple[AscentState, Values]:
    """One step of Adam on a one-player game's value; the record is the per-step value before it."""
    numbers, rest = eqx.partition(state.player, eqx.is_inexact_array)
    value, gradient = jax.value_and_grad(lambda own: game.values((eqx.combine(own, rest),), key)[0])(numbers)
    change, moments = optax.adam(lr).update(optax.tree.scale(-1.0, gradient), state.moments, numbers)
    player = eqx.combine(optax.apply_updates(numbers, change), rest)
    return AscentState(player, moments), Values(game.per_step(jnp.asarray(value)[None])[0])


def check_one_open(what: str, seats: Sequence[Learner | None]) -> None:
    """Refuse another number of open seats than one.

    Raises:
        ValueError: naming the training.
    """
    if sum(x is None for x in seats) != 1:
        raise ValueError(f"{what} learns in one open seat; put None in place of exactly one learner.")
