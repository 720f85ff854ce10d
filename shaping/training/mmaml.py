"""Training M-MAML: initial parameters and a step size, by the gradient of the whole match."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Key

from games.base import Game
from games.checks import as_key
from games.registry import nearest
from games.sampled.catalog import as_game
from shaping.base import Learner
from shaping.catalog import as_learners
from shaping.learners.mmaml import Mmaml
from shaping.meta.ascent import Ascent, ascend
from shaping.meta.game import MetaGame
from shaping.meta.gradient_terms import detached


class MmamlTraining(NamedTuple):
    """What came of a training.

    Attributes:
        learner: after the last iteration.
        run: its mean per-step value at every iteration, and what another call goes on from.
    """

    learner: Mmaml
    run: Ascent


TERMS = ("all", "own")
"""What the gradient of a training may consist of."""


def train_mmaml(
    game: Game,
    learners: Sequence[Learner | None],
    key: Key[Array, ""] | int = 0,
    *,
    steps: int = 100,
    lanes: int = 128,
    iterations: int = 1000,
    lr: float = 0.01,
    terms: str = "all",
    chunk: int = 100,
    start: Ascent | None = None,
    watch: Callable[[Ascent], Any] | None = None,
    seed: int | None = None,
) -> MmamlTraining:
    r"""Learn initial parameters and a step size against learners: Adam on the mean value of the match, from $N(0, std^2)$ and U(0, 1).

    The gradient is that of Meta-MAPG through an exact game (`shaping.meta.gradient_terms.chain_terms`): with
    `steps=100` this is M-MAML, with `steps=8`, a chain of 7 updates, it learns from as much of the match as
    Meta-MAPG does in its paper. `terms="own"` leaves the peer learning out, which is Meta-PG.

    Args:
        game: an exact game.
        learners: one per seat, in order; None for the seat that is trained.
        key: a seed or a typed key, of the first numbers and of the co-players' draws, which are new at every
            iteration.
        steps: policies of a match, one more than the updates between them.
        lanes: matches per iteration.
        iterations: steps of Adam in all, those of `start` included.
        lr: its step size.
        terms: `"all"`, or `"own"` for the terms of the current policy and the own learning alone.
        chunk: iterations between two looks.
        start: a run to go on with, whose key is kept.
        watch: called with the run after every chunk.
        seed: another name of `key`.

    Returns:
        The trained learner and the run; `run.curve` is the mean per-step value at every iteration.

    Raises:
        ValueError: unless exactly one seat is open, for unknown terms, and as `MetaGame` and `ascend` do.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", its baseline M-MAML and published code; Kim et al. 2021
        for a chain of 7.

    Example:
        >>> from games import GAMES
        >>> from shaping import Naive
        >>> training = train_mmaml(GAMES.make("chicken"), [None, Naive()], steps=2, lanes=2, iterations=3)
        >>> training.learner.logits.shape, training.run.curve.shape
        ((1,), (3,))
    """
    game, key = as_game(game), as_key(key, seed)
    learners = as_learners(learners, game, opens=True)
    if sum(x is None for x in learners) != 1:
        raise ValueError("M-MAML learns in one open seat; put None in place of exactly one learner.")
    if terms not in TERMS:
        raise ValueError(f"Unknown terms {terms!r}; {nearest(terms, TERMS)}.")
    meta = MetaGame(game, learners, steps, warm_up=0, lanes=lanes)
    first, later = jax.random.split(key)
    player = Mmaml(
        game.init(first)[meta.open[0]], jax.random.uniform(jax.random.fold_in(first, game.n_players))
    )
    meta = detached(meta) if terms == "own" else meta
    run = ascend(meta, start or player, later, steps=iterations, lr=lr, chunk=chunk, watch=watch)
    return MmamlTraining(run.player, run)
