"""Gradient ascent on a game of one player, such as a match against learners: back-propagation through everything it does."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, PyTree, UInt32

from games.base import Game
from games.checks import as_key, check_count, check_range
from games.compiler import filter_jit
from games.sampled.catalog import as_game
from shaping.base import Scalar, finite


class AscentProgress(NamedTuple):
    """What the next step needs: the player and Adam's moments, the words of the run's key, and how many steps came before.

    All arrays if the player is, so that it can be kept on disk as it is.
    """

    player: PyTree
    moments: PyTree
    key: UInt32[Array, " words"]
    iteration: Int[Array, ""]


class Ascent(NamedTuple):
    """A run, finished or not.

    Attributes:
        progress: where it stands; another call of `ascend` goes on from here.
        curve: the player's per-step value before every step.
    """

    progress: AscentProgress
    curve: Float[np.ndarray, " iterations"]

    @property
    def iterations(self) -> int:
        """How many steps came before."""
        return len(self.curve)

    @property
    def player(self) -> Any:
        """The player after the last step."""
        return self.progress.player


def ascend(
    game: Game,
    start: Any,
    key: Key[Array, ""] | int = 0,
    *,
    steps: int = 1000,
    lr: float = 0.01,
    chunk: int = 100,
    watch: Callable[[Ascent], Any] | None = None,
    seed: int | None = None,
) -> Ascent:
    r"""Ascend the value of the only player of a game with Adam: $\theta \leftarrow \theta + \mathrm{Adam}(\nabla_\theta V(\theta))$.

    On a `MetaGame` this differentiates through the co-players' learning and everything they know: the
    white-box baseline that learners with less information are measured against; where large steps make the
    match chaotic, `bounded` keeps the gradient finite. Steps run in compiled chunks; between them `watch` is
    handed the run as it stands, to show it or to keep it. Step t draws the game's randomness from
    `fold_in(key, t)`, so that a run in pieces is the run in one.

    Args:
        game: a game of one player.
        start: the player's first parameters (on a `MetaGame`, a learner); or a run to go on with, whose key
            is kept.
        key: a seed or a typed key.
        steps: how many in all, at least 1, those of `start` included.
        lr: Adam's step size, at least 0.
        chunk: how many steps between two looks.
        watch: called after every chunk.
        seed: another name of `key`.

    Returns:
        The run.

    Raises:
        ValueError: for a game of several players, a count that is no positive integer, or parameters that are
            not finite any more; the last run that `watch` was handed is finite.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive
        >>> from shaping.meta.game import MetaGame
        >>> meta = MetaGame(tandem(), [None, Naive(0.1)], steps=2)
        >>> run = ascend(meta, meta.init(jax.random.key(0))[0], steps=3)
        >>> run.player.path.shape, run.curve.shape
        ((2, 1), (3,))
    """
    game, key = as_game(game), as_key(key, seed)
    check_count("steps", steps)
    check_count("chunk", chunk)
    check_range("lr", lr, 0.0)
    if game.n_players != 1:
        raise ValueError(
            f"{game.name!r} has {game.n_players} players; ascent is for one. With several, give them learners: play(game, [...])."
        )
    run = start if isinstance(start, Ascent) else begun(start, key)
    while run.iterations < steps:
        due = min(chunk, steps - run.iterations)
        progress, values = _advance(game, run.progress, jnp.asarray(due), jnp.asarray(lr, float), chunk)
        if not finite((eqx.filter(progress.player, eqx.is_inexact_array), progress.moments)):
            raise ValueError(
                f"The ascent on {game.name!r} left the finite numbers; choose an lr below {lr:g}, another start, or, for a match "
                "against learners, shaping.meta.bounded_gradients(game)."
            )
        run = Ascent(progress, np.concatenate([run.curve, np.asarray(values)[:due]]))
        if watch is not None:
            watch(run)
    return run


def begun(player: Any, key: Key[Array, ""] | int) -> Ascent:
    """A run before its first step."""
    key = as_key(key)
    moments = optax.adam(1.0).init(eqx.filter(player, eqx.is_inexact_array))
    return Ascent(
        AscentProgress(player, moments, jax.random.key_data(key), jnp.zeros((), jnp.uint32)),
        np.zeros(0, jnp.zeros(0).dtype),
    )


@filter_jit(large="This training")
def _advance(game: Game, progress: AscentProgress, due: Int[Array, ""], lr: Scalar, chunk: int):
    """`due` steps, at most `chunk`, and their values; the program is the same for any number of them."""
    run = jax.random.wrap_key_data(progress.key)
    first, rest = eqx.partition(progress.player, eqx.is_inexact_array)

    def step(n, carry):
        numbers, moments, t, values = carry
        value, gradient = jax.value_and_grad(
            lambda own: game.values((eqx.combine(own, rest),), jax.random.fold_in(run, t))[0]
        )(numbers)
        change, moments = optax.adam(lr).update(optax.tree.scale(-1.0, gradient), moments, numbers)
        return (
            optax.apply_updates(numbers, change),
            moments,
            t + 1,
            values.at[n].set(game.per_step(value[None])[0]),
        )

    carry = (first, progress.moments, progress.iteration, jnp.zeros(chunk))
    numbers, moments, t, values = jax.lax.fori_loop(0, due, step, carry)
    return AscentProgress(eqx.combine(numbers, rest), moments, progress.key, t), values
