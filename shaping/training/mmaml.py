"""Training of M-MAML: initial parameters and a step size, by the gradient of the whole match."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
from jaxtyping import Array, Int, Key

from games.base import Game
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, Scalar, choice, count, number
from shaping.learners.mmaml import Mmaml
from shaping.meta.game import MetaGame
from shaping.meta.gradient_terms import detached
from shaping.training.ascent import AscentState, ascent_state, ascent_step, check_one_open
from shaping.training.trainer import Trainer, Values


class MmamlTrainer(Trainer):
    r"""Learn initial parameters and a step size against learners: Adam on the mean value of the match.

    They begin at $\phi \sim N(0, std^2)$, as the game draws parameters, and $a \sim U(0, 1)$. The gradient is
    that of Meta-MAPG through an exact game (`shaping.meta.gradient_terms.chain_terms`): with `steps=100` this
    is M-MAML; with `steps=8`, a chain of 7 updates, it learns from as much of the match as Meta-MAPG does in
    its paper. `terms="own"` leaves out the peer-learning term, which is Meta-PG.

    Args:
        game: an exact game.
        seats: one learner per seat, in order; None for the seat that is trained.
        steps: policies of a match, one more than the updates between them.
        lanes: matches per iteration.
        lr: Adam's step size, at least 0.
        terms: `"all"`, or `"own"` for the terms of the current policy and of the own learning alone.

    Raises:
        ValueError: unless exactly one seat is open, for unknown terms, and as `MetaGame`.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", its baseline M-MAML and published code; Kim et al. 2021
        for a chain of 7.

    Example:
        >>> from games import GAMES
        >>> from shaping.training import run
        >>> trained = run(MmamlTrainer(GAMES.make("chicken"), [None, "naive"], steps=2, lanes=2), iterations=3)
        >>> trained.learners[0].logits.shape, trained.record.per_step.shape
        ((1,), (3,))
    """

    remedy: ClassVar[str] = "choose a smaller lr or fewer steps"

    game: Game
    seats: Sequence[Any]
    steps: int = count(100)
    lanes: int = count(128)
    lr: Scalar = number(0.01)
    terms: str = choice("all", "own")

    def __post_init__(self):
        self.game = as_game(self.game)
        self.seats = as_learners(self.seats, self.game, opens=True)

    def __check_init__(self):
        check_one_open("M-MAML", self.seats)

    @property
    def meta(self) -> MetaGame:
        """The match as a one-player game; with `terms="own"`, without the gradient of the peers' learning."""
        meta = MetaGame(self.game, self.seats, self.steps, warm_up=0, lanes=self.lanes)
        return detached(meta) if self.terms == "own" else meta

    def init(self, key: Key[Array, ""]) -> AscentState:
        """The first parameters and step size."""
        first, _ = jax.random.split(key)
        own = self.game.init(first)[self.seats.index(None)]
        return ascent_state(Mmaml(own, jax.random.uniform(jax.random.fold_in(first, self.game.n_players))))

    def iteration_key(self, key: Key[Array, ""], t: Int[Array, ""]) -> Key[Array, ""]:
        """Of the second half of the key; the first half is that of `init`."""
        return jax.random.fold_in(jax.random.split(key)[1], t)

    def step(self, state: AscentState, key: Key[Array, ""]) -> tuple[AscentState, Values]:
        """One step of Adam on fresh draws of the co-players."""
        return ascent_step(self.meta, state, key, self.lr)

    def learners(self, state: AscentState) -> tuple[Learner, ...]:
        """The trained learner."""
        return (state.player,)
