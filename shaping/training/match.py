"""A long match as a training: learners play, and what the open seats have learned is kept."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree, UInt32

from games.base import Game, Joint
from games.checks import as_key, check_count
from games.compiler import filter_jit
from games.sampled.catalog import as_game
from shaping.base import Learner, finite
from shaping.catalog import as_learners
from shaping.engine import BEFORE, advance, begin, lane_keys, record
from shaping.learners.settled import Settled


class MatchProgress(NamedTuple):
    """State of a match: all players' parameters and learner states, the words of its match key, and how many steps came before."""

    joint: Joint
    states: tuple[PyTree, ...]
    key: UInt32[Array, " words"]
    iteration: Int[Array, ""]


class MatchRun(NamedTuple):
    """A match, finished or not.

    Attributes:
        progress: where it stands; another call goes on from here.
        curve: everybody's per-step values before every step, `(steps, n_players)`.
    """

    progress: MatchProgress
    curve: Float[np.ndarray, "steps n_players"]

    @property
    def iterations(self) -> int:
        """How many steps came before."""
        return len(self.curve)


class MatchTraining(NamedTuple):
    """What came of it.

    Attributes:
        learners: what every seat has learned, in order.
        run: the match.
    """

    learners: tuple[Settled, ...]
    run: MatchRun


def train_match(
    game: Game,
    learners: Sequence[Learner],
    key: Key[Array, ""] | int = 0,
    *,
    iterations: int = 100,
    chunk: int = 1,
    start: MatchRun | None = None,
    watch: Callable[[MatchRun], Any] | None = None,
    seed: int | None = None,
) -> MatchTraining:
    """Let learners play one match, and keep everybody's last parameters.

    A match of one seed as `play` has it, in compiled chunks, so that it can be watched, kept and gone on
    with.

    Args:
        game: the game, sampled or exact.
        learners: one per seat, in order.
        key: a seed or a typed key.
        iterations: how many steps in all, those of `start` included.
        chunk: how many between two looks.
        start: a match to go on with.
        watch: called with the match after every chunk.
        seed: another name of `key`.

    Returns:
        A learner per seat that plays with the last parameters, and the match.

    Raises:
        ValueError: if the learners are not one per seat, a count is no positive integer, or parameters or
            states are not finite any more.

    Example:
        >>> from games import ipd
        >>> from shaping import Lola, Naive
        >>> training = train_match(ipd(), [Lola(), Naive()], iterations=3, chunk=2)
        >>> training.learners[0].label, training.run.curve.shape
        ('lola', (3, 2))
    """
    game = as_game(game)
    learners, key = as_learners(learners, game), as_key(key, seed)
    check_count("iterations", iterations)
    check_count("chunk", chunk)
    run = begun(game, learners, key) if start is None else start
    while run.iterations < iterations:
        due = min(chunk, iterations - run.iterations)
        progress, values = _advance(game, tuple(learners), run.progress, jnp.asarray(due), chunk)
        curve = np.concatenate([run.curve, np.asarray(values)[:due]])
        if not np.isfinite(curve).all() or not finite((progress.joint, progress.states)):
            raise ValueError(
                f"The match left the finite numbers after {run.iterations} steps or a few more; take smaller learning rates."
            )
        run = MatchRun(progress, curve)
        if watch is not None:
            watch(run)
    settled = tuple(
        Settled(own, x.label) for own, x in zip(game.join(run.progress.joint), learners, strict=True)
    )
    return MatchTraining(settled, run)


def begun(game: Game, learners: Sequence[Learner], key: Key[Array, ""] | int) -> MatchRun:
    """A match before its first step."""
    init_key, match_key = (lane_keys(key, stream, 1)[0] for stream in ("init", "match"))
    joint, states = begin(game, learners, init_key, match_key)
    progress = MatchProgress(joint, states, jax.random.key_data(match_key), jnp.zeros((), jnp.uint32))
    return MatchRun(progress, np.zeros((0, game.n_players), np.float32))


@filter_jit(large="This training")
def _advance(
    game: Game, learners: tuple[Learner, ...], progress: MatchProgress, due: Int[Array, ""], chunk: int
):
    """`due` steps, at most `chunk`; the program is the same for any number of them."""
    match_key = jax.random.wrap_key_data(progress.key)
    value_key = jax.random.fold_in(match_key, BEFORE)

    def step(n, carry):
        (joint, states, words, t), curve = carry
        values = jnp.stack(record(game, joint, value_key))
        joint, states = advance(game, learners, joint, states, jax.random.fold_in(match_key, t), t)
        return MatchProgress(joint, states, words, t + 1), curve.at[n].set(values.astype(curve.dtype))

    return jax.lax.fori_loop(0, due, step, (progress, jnp.zeros((chunk, game.n_players))))
