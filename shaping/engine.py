"""The engine of a match: its initial state, one simultaneous learning step, and the recorded values.

`play`, trainings, the meta-game, meta-value learning and round robins are loops over `begin`, `advance` and
`record`, with one convention for keys. A match has two keys. The game draws the initial parameters with the
init key. Everything after that uses the match key: at step t, the learner in seat i uses
`fold_in(fold_in(match_key, t), i)`. The learners' initial states belong to the step number `BEFORE`, and all
recorded values of a match use `fold_in(match_key, BEFORE)`, so that they differ by the parameters alone.
"""

import functools
import zlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int, Key, PyTree

from games.base import Game, Joint, Own
from games.checks import as_key
from games.compiler import jit
from shaping.base import Learner, Scalar, View

BEFORE = 2**32 - 1
"""Step number of the key for initial states and recorded values, which belong to no learning step."""


def lane_keys(key: Key[Array, ""] | int, stream: str, lanes: int) -> Key[Array, " lanes"]:
    """One key per lane, `fold_in(fold_in(key, crc32(stream)), lane)`.

    More lanes or other streams change no existing key. A match uses the streams `"init"` and `"match"`.

    Args:
        key: a seed or a typed key.
        stream: name of what the keys are used for.
        lanes: number of keys.

    Example:
        >>> few, many = lane_keys(0, "init", 2), lane_keys(0, "init", 4)
        >>> bool((few == many[:2]).all())
        True
    """
    return _lane_keys(as_key(key), np.uint32(zlib.crc32(stream.encode())), lanes)


@functools.partial(jit, static_argnums=2)
def _lane_keys(key, stream, lanes):
    """`lane_keys` of a stream's number."""
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.fold_in(key, stream), jnp.arange(lanes))


def start(
    game: Game, learners: Sequence[Learner | None], init_key: Key[Array, ""], params: Joint | None = None
) -> Joint:
    """Initial parameters: those the game draws, or `params`, replaced by a learner's own start if it has one.

    Args:
        game: the game.
        learners: one per seat, in order; None for a seat without a learner.
        init_key: randomness of the draw.
        params: joint parameters in place of the draw.

    Returns:
        Joint parameters in the form that `game.split` gives them.
    """
    joint = game.init(init_key) if params is None else params
    return game.split(
        tuple(
            own if learner is None else learner.start(View(game, joint, seat))
            for seat, (learner, own) in enumerate(zip(learners, joint, strict=True))
        )
    )


def begin(
    game: Game,
    learners: Sequence[Learner | None],
    init_key: Key[Array, ""],
    match_key: Key[Array, ""],
    params: Joint | None = None,
) -> tuple[Joint, tuple[PyTree, ...]]:
    """Initial parameters and learner states of a match.

    Args:
        game: the game.
        learners: one per seat, in order; None for a seat without a learner, which has no state.
        init_key: randomness of the initial parameters.
        match_key: randomness of everything after that.
        params: joint parameters in place of the game's draw.

    Returns:
        Joint parameters in the form that `game.split` gives them, and one state per seat.

    Example:
        >>> from games import ipd
        >>> from shaping import Lola, Naive
        >>> game, learners, key = ipd(), (Lola(), Naive()), jax.random.key(0)
        >>> joint, states = begin(game, learners, key, key)
        >>> joint, states = advance(game, learners, joint, states, jax.random.fold_in(key, 0), 0)
        >>> len(record(game, joint, jax.random.fold_in(key, BEFORE)))
        2
    """
    joint, key = start(game, learners, init_key, params), jax.random.fold_in(match_key, BEFORE)
    return joint, tuple(
        () if learner is None else begin_one(game, learner, joint, seat, key)
        for seat, learner in enumerate(learners)
    )


def begin_one(
    game: Game,
    learner: Learner,
    joint: Joint,
    seat: int,
    key: Key[Array, ""],
    match_seat: Int[Array, ""] | None = None,
) -> PyTree:
    """Initial state of one learner.

    Args:
        game: the game.
        learner: the learner.
        joint: initial parameters of all players.
        seat: the learner's seat in this game.
        key: `fold_in(match_key, BEFORE)`.
        match_seat: the learner's seat in the match as an array, where the game is shown with its seats
            exchanged; None where it is `seat`.
    """
    key = jax.random.fold_in(key, seat if match_seat is None else match_seat)
    return learner.init(View(game, joint, seat, key, 0, match_seat))


def advance(
    game: Game,
    learners: Sequence[Learner | None],
    joint: Joint,
    states: Sequence[PyTree],
    key: Key[Array, ""],
    t: Int[Array, ""] | int,
) -> tuple[Joint, tuple[PyTree, ...]]:
    """One simultaneous learning step: all learners update from the same joint parameters.

    Args:
        game: the game.
        learners: one per seat, in order; None for a seat whose parameters stay as they are.
        joint: parameters of all players before the step.
        states: one learner state per seat.
        key: randomness of this step, `fold_in(match_key, t)`.
        t: number of steps of the match before this one.

    Returns:
        Joint parameters and states after the step.
    """
    results = [
        (joint[seat], state) if learner is None else step_one(game, learner, state, joint, seat, key, t)
        for seat, (learner, state) in enumerate(zip(learners, states, strict=True))
    ]
    return tuple(own for own, _ in results), tuple(state for _, state in results)


def step_one(
    game: Game,
    learner: Learner,
    state: PyTree,
    joint: Joint,
    seat: int,
    key: Key[Array, ""],
    t: Int[Array, ""] | int,
    match_seat: Int[Array, ""] | None = None,
) -> tuple[Own, PyTree]:
    """One learning step of one learner: its parameters, in their own precision, and its state after the step.

    Args:
        game: the game.
        learner: the learner.
        state: its state.
        joint: parameters of all players before the step.
        seat: the learner's seat in this game.
        key: randomness of this step, `fold_in(match_key, t)`.
        t: number of steps of the match before this one.
        match_seat: as in `begin_one`.
    """
    key = jax.random.fold_in(key, seat if match_seat is None else match_seat)
    step, state = learner.update(state, View(game, joint, seat, key, t, match_seat))
    return optax.apply_updates(joint[seat], step), state


def record(game: Game, joint: Joint, key: Key[Array, ""] | None) -> tuple[Scalar, ...]:
    """Per-step value of every player, as one scalar each.

    Args:
        game: the game.
        joint: parameters of all players.
        key: randomness of sampled values; `fold_in(match_key, BEFORE)` for the records of a match.
    """
    return tuple(game.per_step(value) for value in game.values(joint, key))
