"""The compiled program of a round robin: every learner against every learner, both seats and all seeds in one loop.

Parameters are held as `theta[seat][i, j, seed]`: learner i in seat 0 against learner j in seat 1. One step
applies learner i's update to row i of seat 0 and to column i of seat 1, vectorized over its opponents and the
seeds. Where exchanging the seats changes only the game's numbers, seat 1 is played as seat 0 of the exchanged
game, and the loop's body holds one update per learner; elsewhere it holds two. Either way compile time does
not grow with the number of pairings. Learners of one structure are one stacked learner. Rows and columns may
hold different learners, as where a tournament grows; then the seats' updates are two.
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from analysis.tournaments.stances import facing, over_lanes, stances
from games.base import Game, Joint
from games.compiler import options
from games.device_memory import footprint, size_of
from games.printing import text_table
from games.sampled.catalog import as_game
from shaping import engine
from shaping.base import Learner
from shaping.catalog import as_learner
from shaping.engine import BEFORE, begin_one, lane_keys, start, step_one
from shaping.match import in_parts, lanes_at_once

CHUNK_SECONDS = 0.5
"""How long one call of the compiled loop should take: often enough for a progress line, and for Ctrl-C to be heard."""


class State(NamedTuple):
    """Where a round robin stands; the leading axes are row learner, column learner and seed.

    Attributes:
        joint: both seats' parameters, as `game.split` gives them.
        states: the learners' states, by stance and group.
        total: sum of the per-step values over all records so far, the one before the first step included.
        values: per-step values now.
        ok: which lanes have stayed finite.
    """

    joint: Joint
    states: PyTree
    total: Float[Array, "2 row column seeds"]
    values: Float[Array, "2 row column seeds"]
    ok: Bool[Array, "row column seeds"]


class Group(NamedTuple):
    """Learners of one structure, their numbers stacked along a leading axis, and where they stand among all learners."""

    learner: Learner
    members: tuple[int, ...]


Sides = tuple[tuple[Learner, ...], ...]
"""Stacked learners by side and group."""
Members = tuple[tuple[tuple[int, ...], ...], ...]
"""Where each group's learners stand, by side and group."""


class RoundRobin(NamedTuple):
    """What came of a round robin, on the host; `values[k, i, j, s]` belongs to seat k where learner i meets learner j in lane s.

    Attributes:
        values: final per-step values.
        mean_values: their mean over the trajectory, the initial and the final record included.
        params: final parameters in the game's own form, each leaf with leading axes row, column, seed.
        ok: in which lanes values stayed finite throughout, and parameters and the learners' states are finite
            at the end.
        compile_s: seconds spent tracing and compiling; next to nothing for a program met before.
        run_s: seconds spent running.
    """

    values: Float[np.ndarray, "2 row column seeds"]
    mean_values: Float[np.ndarray, "2 row column seeds"]
    params: Joint
    ok: Bool[np.ndarray, "row column seeds"]
    compile_s: float
    run_s: float

    def __repr__(self) -> str:
        _, rows, columns, seeds = self.values.shape
        means = [
            [f"{np.mean(own[ok]):.3f}" if ok.any() else "none" for own, ok in zip(*line, strict=True)]
            for line in zip(self.values[0], self.ok, strict=True)
        ]
        heading = (
            f"Round robin of {rows} x {columns} learners, {seeds} seeds, {int((~self.ok).sum())} of {self.ok.size} "
            "lanes diverged; final value per step of the row learner (seat 0), mean over finite seeds:"
        )
        lines = [[str(k), *line] for k, line in enumerate(means)]
        return f"{heading}\n{text_table(['', *map(str, range(columns))], lines)}"


def grouped(learners: Sequence[Learner]) -> tuple[Group, ...]:
    """Learners of the same class and structure together, in order of first appearance.

    Example:
        >>> from shaping import Lola, Naive
        >>> [group.members for group in grouped([Lola(), Naive(), Lola(lr=0.1)])]
        [(0, 2), (1,)]
    """
    families: dict[Any, list[int]] = {}
    for index, learner in enumerate(learners):
        leaves, structure = jax.tree.flatten(learner)
        families.setdefault(
            (structure, tuple((jnp.shape(x), jnp.result_type(x)) for x in leaves)), []
        ).append(index)
    return tuple(
        Group(
            jax.tree.map(lambda *leaves: jnp.stack(leaves), *(learners[i] for i in members)), tuple(members)
        )
        for members in families.values()
    )


def anonymous(module: Any) -> Any:
    """The same game without its names, so that games which differ in payoffs alone share one compiled program."""
    leaves, structure = jax.tree.flatten(
        module, is_leaf=lambda x: isinstance(x, eqx.Module) and x is not module
    )
    copy = jax.tree.unflatten(structure, [anonymous(x) if isinstance(x, eqx.Module) else x for x in leaves])
    if "name" in vars(copy):
        object.__setattr__(copy, "name", "")
    return copy


def parts(groups: Sequence[Group]) -> list[Callable]:
    """For each group, how to cut its members out of an array whose second axis holds the learners in group order."""
    ends = np.cumsum([len(group.members) for group in groups])
    starts = ends - [len(group.members) for group in groups]
    return [
        functools.partial(jax.lax.slice_in_dim, start_index=int(a), limit_index=int(b), axis=1)
        for a, b in zip(starts, ends, strict=True)
    ]


def record(game: Game, joint: Joint, keys) -> Float[Array, "2 row column seeds"]:
    """Both seats' per-step values in every lane."""
    lane = functools.partial(engine.record, game)
    return jnp.stack(jax.vmap(jax.vmap(jax.vmap(lane), in_axes=(0, None)), in_axes=(0, None))(joint, keys))


def paired(learners: Sides, members: Members) -> tuple[list[Group], ...]:
    """The groups of each side."""
    return tuple(
        [Group(x, m) for x, m in zip(*side, strict=True)] for side in zip(learners, members, strict=True)
    )


def begin(game: Game, learners: Sides, members: Members, keys) -> State:
    """Initial parameters, states and values: the lanes of one seed start from the same draw in every cell.

    `learners` and `members` have one entry where rows and columns are the same, and otherwise one for each.
    """
    init_keys, match_keys = keys
    sides = paired(learners, members)
    sizes = tuple(sum(map(len, side)) for side in (members[0], members[-1]))

    begun = []
    for side in sides:
        draw = jax.vmap(lambda learner, key: start(game, (learner, learner), key), in_axes=(None, 0))
        drawn = [
            jax.vmap(draw, in_axes=(0, None), axis_size=len(group.members))(group.learner, init_keys)
            for group in side
        ]
        begun.append(jax.tree.map(lambda *parts: jnp.concatenate(parts), *drawn))  # (learner, seed, ...)
    joint = tuple(
        jax.tree.map(
            lambda x, seat=seat: jnp.broadcast_to(jnp.expand_dims(x, 1 - seat), (*sizes, *x.shape[1:])),
            begun[-seat][seat],
        )
        for seat in range(2)
    )
    first = jax.vmap(jax.random.fold_in, in_axes=(0, None))(match_keys, BEFORE)
    states = []
    for stance in stances(game, apart=len(sides) > 1):

        def init(learner, game, joint, _, key, place, seat=stance.seat):
            return begin_one(game, learner, joint, seat, key, place)

        seen, places, groups = facing(stance, joint), jnp.array(stance.places), sides[-stance.places[0]]
        states.append(
            tuple(
                over_lanes(init)(g.learner, stance.games, jax.tree.map(cut, seen), (), first, places)
                for g, cut in zip(groups, parts(groups), strict=True)
            )
        )
    values = record(game, joint, first)
    return State(joint, tuple(states), values, values, jnp.isfinite(values).all(0))


def proceed(game: Game, learners: Sides, members: Members, state: State, match_keys, begun, count) -> State:
    """`count` steps from step `begun`; both are data, so that chunks of any length are one program."""
    sides = paired(learners, members)
    fold = jax.vmap(jax.random.fold_in, in_axes=(0, None))
    first = fold(match_keys, BEFORE)

    def step(t, now: State) -> State:
        after: dict[int, PyTree] = {}
        later = []
        for stance, states in zip(stances(game, apart=len(sides) > 1), now.states, strict=True):

            def update(learner, game, joint, state, key, place, seat=stance.seat):
                return step_one(game, learner, state, joint, seat, key, t, place)

            seen, keys, places = (
                facing(stance, now.joint),
                fold(match_keys, t),
                jnp.array(stance.places),
            )
            groups = sides[-stance.places[0]]
            moved = [
                over_lanes(update)(g.learner, stance.games, jax.tree.map(cut, seen), state, keys, places)
                for g, cut, state in zip(groups, parts(groups), states, strict=True)
            ]
            own = jax.tree.map(lambda *x: jnp.concatenate(x, axis=1), *(own for own, _ in moved))
            for k, place in enumerate(stance.places):
                after[place] = jax.tree.map(
                    lambda x, k=k, place=place: x[k] if place == 0 else jnp.swapaxes(x[k], 0, 1), own
                )
            later.append(tuple(state for _, state in moved))
        joint = (after[0], after[1])
        values = record(game, joint, first)
        return State(joint, tuple(later), now.total + values, values, now.ok & jnp.isfinite(values).all(0))

    return jax.lax.fori_loop(begun, begun + count, step, state)


@functools.lru_cache(maxsize=32)
def traced(function: Callable, static: Any, structure: Any, shapes: tuple, x64: bool) -> Any:
    """One of the two programs for arguments of this structure, whatever their numbers; `x64` is part of the key alone."""
    arguments = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    how: Any = {"compiler_options": options(loops=True) or None}
    return jax.jit(lambda game, learners, *rest: function(game, learners, static, *rest), **how).trace(
        *arguments
    )


@functools.lru_cache(maxsize=32)
def compiled(*key: Any) -> Callable:
    """`traced`, compiled once."""
    return traced(*key).lower().compile()


def key_of(function: Callable, static: Any, *arguments: Any) -> tuple:
    """What decides a program: the function and the structure of these arguments, or of what stands for their shapes."""
    leaves, structure = jax.tree.flatten(arguments)
    return (
        function,
        static,
        structure,
        tuple((jnp.shape(x), x.dtype) for x in leaves),
        bool(jax.config.read("jax_enable_x64")),
    )


def round_robin(
    game: Game | Any,
    learners: Sequence[Learner | Any],
    key: Any = 0,
    *,
    columns: Sequence[Learner | Any] | None = None,
    steps: int = 200,
    seeds: int = 64,
    first: int = 0,
    report: Callable[[int], None] | None = None,
) -> RoundRobin:
    """Every learner against every learner at one two-player game; each cell equals `play` of its pairing from the same key.

    Args:
        game: the game, its name, or a factory.
        learners: at least one, those in seat 0; or their names, or classes.
        key: a seed or a typed key, whose streams are those of `play`.
        columns: those in seat 1, if they are others.
        steps: how many steps.
        seeds: how many lanes per cell.
        first: the number of the first lane.
        report: called with the number of steps done, before the first and after every chunk.
    """
    game = as_game(game)
    entered = [[as_learner(x) for x in side] for side in (learners, columns) if side is not None]
    name, game, sides = game.name, anonymous(game), [grouped(side) for side in entered]
    stacked, members = (
        tuple(tuple(g.learner for g in side) for side in sides),
        tuple(tuple(g.members for g in side) for side in sides),
    )
    keys = lane_keys(key, "init", first + seeds)[first:], lane_keys(key, "match", first + seeds)[first:]
    at_once, told, took = fitting(name, game, stacked, members, keys), 0, np.zeros(2)

    def part(a: int, b: int) -> tuple:
        nonlocal told

        def tell(done: int) -> None:
            if report is not None:
                report(max(told, steps * a // seeds + done * (b - a) // seeds))

        result = _played(game, stacked, members, tuple(k[a:b] for k in keys), steps, tell)
        told = steps * b // seeds
        took[:] += result.compile_s, result.run_s
        values, means = (np.moveaxis(x, 3, 0) for x in (result.values, result.mean_values))
        return values, means, *jax.tree.map(lambda x: np.moveaxis(x, 2, 0), (result.params, result.ok))

    values, means, params, ok = in_parts(part, seeds, at_once, 0, np.concatenate)
    values, means = (np.moveaxis(x, 0, 3) for x in (values, means))
    return RoundRobin(
        values, means, *jax.tree.map(lambda x: np.moveaxis(x, 0, 2), (params, ok)), *took.tolist()
    )


def fitting(name: str, game: Game, stacked: Sides, members: Members, keys) -> int:
    """How many seeds fit into memory side by side.

    Raises:
        ValueError: where not even one does.
    """
    state = traced(*key_of(begin, members, game, stacked, keys)).out_info
    none = jax.ShapeDtypeStruct((), jnp.asarray(0).dtype)
    loop = traced(*key_of(proceed, members, game, stacked, state, keys[1], none, none))
    held = size_of(state)
    return lanes_at_once(
        len(keys[0]), 2 * held + footprint(loop.jaxpr.jaxpr), held, f"A round robin at {name!r}"
    )


def _played(
    game: Game, stacked: Sides, members: Members, keys, steps: int, report: Callable[[int], Any]
) -> RoundRobin:
    """The lanes of these keys, side by side."""
    none = jnp.asarray(0)
    clock = time.perf_counter()
    opening = (game, stacked, keys)
    state = compiled(*key_of(begin, members, *opening))(*opening)
    loop = compiled(*key_of(proceed, members, game, stacked, state, keys[1], none, none))
    compile_s = time.perf_counter() - clock

    clock, done, chunk = time.perf_counter(), 0, 1
    report(done)
    while done < steps:
        chunk = min(chunk, steps - done)
        before = time.perf_counter()
        state = jax.block_until_ready(
            loop(game, stacked, state, keys[1], jnp.asarray(done), jnp.asarray(chunk))
        )
        done += chunk
        chunk = max(1, round(chunk * min(8.0, CHUNK_SECONDS / (time.perf_counter() - before))))
        report(done)
    return _collected(game, state, members, steps, compile_s, time.perf_counter() - clock)


def _collected(game: Game, state: State, members, steps: int, compile_s: float, run_s: float) -> RoundRobin:
    """Results on the host, learners back in the order they were given."""
    backs = [np.argsort(np.concatenate([np.array(m) for m in side])) for side in members]
    place = np.ix_(backs[0], backs[-1])
    finite = [_finite_lanes(x, 3) for x in jax.tree.leaves(state.joint)]
    ok = np.logical_and.reduce([np.asarray(state.ok), *finite, *_finite_states(game, state, members)])
    params = jax.tree.map(lambda x: np.asarray(x)[place], game.join(state.joint))
    values, total = (np.asarray(x)[:, *place] for x in (state.values, state.total))
    return RoundRobin(values, total / (steps + 1), params, ok[place], compile_s, run_s)


def _finite_lanes(x: Any, axes: int) -> Bool[np.ndarray, "..."]:
    """Where, along its first axes, an array holds finite numbers alone."""
    x = np.asarray(x)
    return np.isfinite(x).all(tuple(range(axes, x.ndim)))


def _finite_states(game: Game, state: State, members: Members) -> list[Bool[np.ndarray, "row column seeds"]]:
    """For each seat, in which lanes its learners' states hold finite numbers alone; counters and keys are not looked at."""
    found = []
    for stance, states in zip(stances(game, apart=len(members) > 1), state.states, strict=True):
        lanes, seat = [], stance.places[0]
        for group, own in zip(members[-seat], states, strict=True):
            fine = np.ones(
                (len(stance.places), len(group), state.ok.shape[1 - seat], state.ok.shape[2]), bool
            )
            for x in jax.tree.leaves(own):
                if jnp.issubdtype(x.dtype, jnp.inexact):
                    fine &= _finite_lanes(x, 4)
            lanes.append(fine)
        for place, fine in zip(stance.places, np.concatenate(lanes, axis=1), strict=True):
            found.append(fine if place == 0 else np.swapaxes(fine, 0, 1))
    return found
