"""The compiled program of a round robin: all pairs of learners, both seats and all seeds in one loop.

Parameters are held as `theta[seat][i, j, seed]`: learner i in seat 0 plays learner j in seat 1, and the pair
(i, j) is a cell. One step applies learner i's update to row i of seat 0 and to column i of seat 1, vectorized
over its opponents and the seeds. The loop's body holds one update per learner where the game is symmetric up
to its numbers (see `SeatBatch`), and otherwise two, so compile time grows with the number of learners and not
with that of cells. Learners of one structure are stacked into one. Rows and columns may hold different
learners, as where a tournament grows; then the two seats are updated apart.
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

from games.base import Game, Joint
from games.compiler import options
from games.device_memory import footprint, size_of
from games.printing import text_table
from games.sampled.catalog import as_game
from shaping.arguments import as_learner
from shaping.base import Learner
from shaping.engine import BEFORE, begin_one, lane_keys, record, start, step_one
from shaping.match import in_parts, lanes_at_once

CHUNK_SECONDS = 0.5
"""How long one call of the compiled loop should take: short enough for progress lines and for Ctrl-C."""


class State(NamedTuple):
    """State of a round robin; the leading axes are row learner, column learner and seed.

    Attributes:
        joint: parameters of both seats, in the form that `game.split` gives them.
        states: learner states, by seat batch and group.
        total: sum of the per-step values over all records so far, the one before the first step included.
        values: per-step values now.
        ok: in which lanes all values so far are finite.
    """

    joint: Joint
    states: PyTree
    total: Float[Array, "2 row column seeds"]
    values: Float[Array, "2 row column seeds"]
    ok: Bool[Array, "row column seeds"]


class Group(NamedTuple):
    """Learners of one structure.

    Attributes:
        learner: the learners, their numbers stacked along a leading axis; a single learner is not stacked.
        members: their positions among all learners.
    """

    learner: Learner
    members: tuple[int, ...]


Sides = tuple[tuple[Learner, ...], ...]
"""Learners by side (rows and columns, or one for both) and group."""
Members = tuple[tuple[tuple[int, ...], ...], ...]
"""Positions of each group's learners, by side and group."""


class Loop(NamedTuple):
    """A loop of learning steps: its functions, and their arguments.

    Attributes:
        begin: a function of (game, learners, layout, keys) that gives the initial state.
        advance: a function of (game, learners, layout, state, match keys, first step, count).
        game: the game, without names.
        learners: the stacked learners.
        layout: which learner plays where; hashable.
        keys: the lanes' init keys and match keys.
        what: what is computed, for error messages.
    """

    begin: Callable
    advance: Callable
    game: Game
    learners: Any
    layout: Any
    keys: tuple[Any, Any]
    what: str


class Run(NamedTuple):
    """The end of a loop.

    Attributes:
        state: the state after the last step.
        curves: the values at the records that were asked for.
        compile_s: seconds spent tracing and compiling.
        run_s: seconds spent running.
    """

    state: Any
    curves: list[np.ndarray]
    compile_s: float
    run_s: float


class SeatBatch(NamedTuple):
    """Seats of the match whose learners are updated in one batch.

    Seat 1 of a game is seat 0 of the game with its seats exchanged. Where the exchanged game differs from the
    game by numbers alone (`Game.exchanged`), the two games are stacked, and both seats are updated at once.

    Attributes:
        games: the games in which the learners are updated, stacked, one per seat of the match.
        seat: the learners' seat in those games.
        match_seats: the seats of the match, one per stacked game.
    """

    games: Game
    seat: int
    match_seats: tuple[int, ...]


class RoundRobin(NamedTuple):
    """Results of a round robin, on the host.

    `values[k, i, j, s]` is the value of seat k in lane s of the match of learner i (seat 0) with learner j (seat 1).

    Attributes:
        values: final per-step values.
        mean_values: their mean over the trajectory, the initial and the final record included.
        params: final parameters in the game's own form, each leaf with leading axes row, column, seed.
        ok: in which lanes all values were finite throughout, and parameters and learner states are finite at
            the end.
        compile_s: seconds spent tracing and compiling; next to nothing for a program compiled before.
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


def seat_batches(game: Game, separate: bool = False) -> tuple[SeatBatch, ...]:
    """One batch of both seats where exchanging them changes only numbers; else, or if `separate`, two."""
    exchanged = game.exchanged()
    if exchanged is None:
        return tuple(SeatBatch(jax.tree.map(lambda x: x[None], game), seat, (seat,)) for seat in range(2))
    if separate:
        return tuple(
            SeatBatch(jax.tree.map(lambda x: x[None], g), 0, (match_seat,))
            for match_seat, g in enumerate((game, exchanged))
        )
    return (SeatBatch(jax.tree.map(lambda *x: jnp.stack(x), game, exchanged), 0, (0, 1)),)


def joint_seen(batch: SeatBatch, joint: Joint) -> Joint:
    """Joint parameters in the batch's games; leading axes: match seat, own learner, opponent, seed."""

    def seen(match_seat: int) -> Joint:
        own_first = joint if match_seat == 0 else jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), joint)
        return own_first if match_seat == batch.seat else own_first[::-1]

    return jax.tree.map(lambda *x: jnp.stack(x), *(seen(match_seat) for match_seat in batch.match_seats))


def over_lanes(function: Callable, group: Group) -> Callable:
    """A function of (learner, game, joint, state, key, match_seat), batched over all lanes of a group."""
    stacked = 0 if len(group.members) > 1 else None
    for axes in (
        (None, None, 0, 0, 0, None),  # seeds
        (None, None, 0, 0, None, None),  # opponents
        (stacked, None, 0, 0, None, None),  # members
        (None, 0, 0, 0, None, 0),  # match seats
    ):
        function = jax.vmap(function, in_axes=axes)
    return function


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

    def stack(members: list[int]) -> Learner:
        if len(members) == 1:
            return jax.tree.map(jnp.asarray, learners[members[0]])
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(learners[i] for i in members))

    return tuple(Group(stack(members), tuple(members)) for members in families.values())


def anonymous(module: Any) -> Any:
    """The same game without names, so that games that differ only in payoffs share one compiled program."""
    leaves, structure = jax.tree.flatten(
        module, is_leaf=lambda x: isinstance(x, eqx.Module) and x is not module
    )
    copy = jax.tree.unflatten(structure, [anonymous(x) if isinstance(x, eqx.Module) else x for x in leaves])
    if "name" in vars(copy):
        object.__setattr__(copy, "name", "")
    return copy


def group_slices(groups: Sequence[Group]) -> list[Callable]:
    """For each group, a function that takes its members from an array with all learners on axis 1."""
    ends = np.cumsum([len(group.members) for group in groups])
    starts = ends - [len(group.members) for group in groups]
    return [
        functools.partial(jax.lax.slice_in_dim, start_index=int(a), limit_index=int(b), axis=1)
        for a, b in zip(starts, ends, strict=True)
    ]


def record_cells(game: Game, joint: Joint, keys) -> Float[Array, "2 row column seeds"]:
    """Per-step values of both seats in every lane of every cell."""
    lane = functools.partial(record, game)
    return jnp.stack(jax.vmap(jax.vmap(jax.vmap(lane), in_axes=(0, None)), in_axes=(0, None))(joint, keys))


def groups_by_side(learners: Sides, members: Members) -> tuple[list[Group], ...]:
    """The groups of each side."""
    return tuple(
        [Group(x, m) for x, m in zip(*side, strict=True)] for side in zip(learners, members, strict=True)
    )


def begin_cells(game: Game, learners: Sides, members: Members, keys) -> State:
    """Initial parameters, states and values; lane s starts from the same draw in every cell.

    Args:
        game: the game.
        learners: learners by side and group, one side where rows and columns are the same.
        members: their positions.
        keys: the lanes' init keys and match keys.
    """
    init_keys, match_keys = keys
    sides = groups_by_side(learners, members)
    sizes = tuple(sum(map(len, side)) for side in (members[0], members[-1]))

    starts = []  # by side; leaves (learner, seed, ...)
    for side in sides:
        over_seeds = jax.vmap(lambda learner, key: start(game, (learner, learner), key), in_axes=(None, 0))
        by_group = [
            jax.vmap(
                over_seeds,
                in_axes=(0 if len(group.members) > 1 else None, None),
                axis_size=len(group.members),
            )(group.learner, init_keys)
            for group in side
        ]
        starts.append(jax.tree.map(lambda *x: jnp.concatenate(x), *by_group))
    joint = tuple(
        jax.tree.map(
            lambda x, seat=seat: jnp.broadcast_to(jnp.expand_dims(x, 1 - seat), (*sizes, *x.shape[1:])),
            starts[-seat][seat],
        )
        for seat in range(2)
    )
    keys_before = jax.vmap(jax.random.fold_in, in_axes=(0, None))(match_keys, BEFORE)
    states = []
    for batch in seat_batches(game, separate=len(sides) > 1):

        def initial_state(learner, game, joint, _, key, match_seat, seat=batch.seat):
            return begin_one(game, learner, joint, seat, key, match_seat)

        seen, match_seats = joint_seen(batch, joint), jnp.array(batch.match_seats)
        groups = sides[-batch.match_seats[0]]
        states.append(
            tuple(
                over_lanes(initial_state, group)(
                    group.learner, batch.games, jax.tree.map(cut, seen), (), keys_before, match_seats
                )
                for group, cut in zip(groups, group_slices(groups), strict=True)
            )
        )
    values = record_cells(game, joint, keys_before)
    return State(joint, tuple(states), values, values, jnp.isfinite(values).all(0))


def advance_cells(
    game: Game, learners: Sides, members: Members, state: State, match_keys, first_step, count
) -> State:
    """`count` learning steps from step `first_step` on; both are data, so all chunks are one program."""
    sides = groups_by_side(learners, members)
    fold = jax.vmap(jax.random.fold_in, in_axes=(0, None))
    value_keys = fold(match_keys, BEFORE)

    def step(t, now: State) -> State:
        after: dict[int, PyTree] = {}
        later, keys = [], fold(match_keys, t)
        for batch, states in zip(seat_batches(game, separate=len(sides) > 1), now.states, strict=True):

            def update(learner, game, joint, state, key, match_seat, seat=batch.seat):
                return step_one(game, learner, state, joint, seat, key, t, match_seat)

            seen, match_seats = joint_seen(batch, now.joint), jnp.array(batch.match_seats)
            groups = sides[-batch.match_seats[0]]
            results = [
                over_lanes(update, group)(
                    group.learner, batch.games, jax.tree.map(cut, seen), state, keys, match_seats
                )
                for group, cut, state in zip(groups, group_slices(groups), states, strict=True)
            ]
            own = jax.tree.map(lambda *x: jnp.concatenate(x, axis=1), *(own for own, _ in results))
            for k, match_seat in enumerate(batch.match_seats):
                after[match_seat] = jax.tree.map(
                    lambda x, k=k, seat=match_seat: x[k] if seat == 0 else jnp.swapaxes(x[k], 0, 1), own
                )
            later.append(tuple(state for _, state in results))
        joint = (after[0], after[1])
        values = record_cells(game, joint, value_keys)
        return State(joint, tuple(later), now.total + values, values, now.ok & jnp.isfinite(values).all(0))

    return jax.lax.fori_loop(first_step, first_step + count, step, state)


@functools.lru_cache(maxsize=32)
def trace_program(function: Callable, static: Any, structure: Any, shapes: tuple, x64: bool) -> Any:
    """`begin_cells` or `advance_cells`, traced for these shapes; `x64` is only a part of the cache's key."""
    arguments = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    how: Any = {"compiler_options": options(loops=True) or None}
    return jax.jit(lambda game, learners, *rest: function(game, learners, static, *rest), **how).trace(
        *arguments
    )


@functools.lru_cache(maxsize=32)
def compile_program(*key: Any) -> Callable:
    """The program of `trace_program`, compiled once."""
    return trace_program(*key).lower().compile()


def program_key(function: Callable, static: Any, *arguments: Any) -> tuple:
    """Arguments of `trace_program`: the function, and structure, shapes and dtypes of the arguments."""
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
    """All learners against all learners at a two-player game.

    Each cell equals `play` of its pair of learners with the same key.

    Args:
        game: the game, its name, or a factory.
        learners: the learners in seat 0, at least one; or their names, or classes.
        key: a seed or a typed key, used as by `play`.
        columns: the learners in seat 1; by default those in seat 0.
        steps: number of learning steps.
        seeds: number of lanes per cell.
        first: number of the first lane.
        report: called with the number of steps done, before the first and after every chunk.
    """
    loop = round_robin_loop(game, learners, columns, key, seeds, first)
    at_once, reported, seconds = lanes_of_loop(loop), 0, np.zeros(2)

    def part(a: int, b: int) -> tuple:
        nonlocal reported

        def report_part(done: int) -> None:
            if report is not None:
                report(max(reported, steps * a // seeds + done * (b - a) // seeds))

        own = loop._replace(keys=tuple(k[a:b] for k in loop.keys))
        run = run_loop(own, steps, report_part)
        result = round_robin_result(own, run, steps)
        reported = steps * b // seeds
        seconds[:] += result.compile_s, result.run_s
        values, means = (np.moveaxis(x, 3, 0) for x in (result.values, result.mean_values))
        return values, means, *jax.tree.map(lambda x: np.moveaxis(x, 2, 0), (result.params, result.ok))

    values, means, params, ok = in_parts(part, seeds, at_once, 0, np.concatenate)
    values, means = (np.moveaxis(x, 0, 3) for x in (values, means))
    params, ok = jax.tree.map(lambda x: np.moveaxis(x, 0, 2), (params, ok))
    return RoundRobin(values, means, params, ok, *seconds.tolist())


def round_robin_loop(
    game: Game | Any, rows: Sequence[Any], columns: Sequence[Any] | None, key: Any, seeds: int, first: int = 0
) -> Loop:
    """The loop of a round robin, with `round_robin`'s arguments."""
    game = as_game(game)
    sides = [grouped([as_learner(x) for x in side]) for side in (rows, columns) if side is not None]
    stacked = tuple(tuple(group.learner for group in side) for side in sides)
    members = tuple(tuple(group.members for group in side) for side in sides)
    keys = lane_keys(key, "init", first + seeds)[first:], lane_keys(key, "match", first + seeds)[first:]
    what = f"A round robin at {game.name!r}"
    return Loop(begin_cells, advance_cells, anonymous(game), stacked, members, keys, what)


def lanes_of_loop(loop: Loop) -> int:
    """Number of seeds that fit into memory side by side.

    Raises:
        ValueError: where not even one does.
    """
    arguments = loop.game, loop.learners
    state = trace_program(*program_key(loop.begin, loop.layout, *arguments, loop.keys)).out_info
    none = jax.ShapeDtypeStruct((), jnp.asarray(0).dtype)
    program = trace_program(
        *program_key(loop.advance, loop.layout, *arguments, state, loop.keys[1], none, none)
    )
    held = size_of(state)
    return lanes_at_once(len(loop.keys[0]), 2 * held + footprint(program.jaxpr.jaxpr), held, loop.what)


def run_loop(
    loop: Loop,
    steps: int,
    report: Callable[[int], Any],
    snapshots: Any = None,
    records: Sequence[int] = (),
) -> Run:
    """All steps of the lanes of these keys, side by side, in compiled chunks of about `CHUNK_SECONDS`.

    Args:
        loop: the compiled functions and their arguments.
        steps: number of learning steps.
        report: called with the number of steps done, before the first and after every chunk.
        snapshots: where the state is read from at the start, and written to now and then
            (`analysis.tournaments.snapshots`); None to keep nothing.
        records: numbers of steps, ascending, after which the values are kept.
    """
    none = jnp.asarray(0)
    clock = time.perf_counter()
    arguments = (loop.game, loop.learners, loop.keys)
    begin = program_key(loop.begin, loop.layout, *arguments)
    found = None if snapshots is None else snapshots.read(lambda: trace_program(*begin).out_info)
    state, done, curves = found or (compile_program(*begin)(*arguments), 0, [])
    program = compile_program(
        *program_key(loop.advance, loop.layout, *arguments[:2], state, loop.keys[1], none, none)
    )
    compile_s = time.perf_counter() - clock

    clock, chunk = time.perf_counter(), 1
    report(done)
    while True:
        if done in records and len(curves) == list(records).index(done):
            curves.append(np.asarray(state.values))
        if done >= steps:
            break
        if snapshots is not None and done:
            snapshots.write(state, done, curves)
        count = min(chunk, next((k for k in records if k > done), steps) - done)
        before = time.perf_counter()
        state = jax.block_until_ready(
            program(*arguments[:2], state, loop.keys[1], jnp.asarray(done), jnp.asarray(count))
        )
        done += count
        chunk = max(1, round(count * min(8.0, CHUNK_SECONDS / (time.perf_counter() - before))))
        report(done)
    return Run(state, curves, compile_s, time.perf_counter() - clock)


def round_robin_result(loop: Loop, run: Run, steps: int) -> RoundRobin:
    """Results on the host, with the learners in the order in which they were given."""
    game, state, members = loop.game, run.state, loop.layout
    cells = given_order(members)
    finite = [_finite_lanes(x, 3) for x in jax.tree.leaves(state.joint)]
    ok = np.logical_and.reduce([np.asarray(state.ok), *finite, *_finite_states(game, state, members)])
    params = jax.tree.map(lambda x: np.asarray(x)[cells], game.join(state.joint))
    values, total = (np.asarray(x)[:, *cells] for x in (state.values, state.total))
    return RoundRobin(values, total / (steps + 1), params, ok[cells], run.compile_s, run.run_s)


def given_order(members: Members) -> tuple[np.ndarray, ...]:
    """Indices of rows and columns that bring learners in groups into the order in which they were given."""
    orders = [np.argsort(np.concatenate([np.array(m) for m in side])) for side in members]
    return np.ix_(orders[0], orders[-1])


def _finite_lanes(x: Any, axes: int) -> Bool[np.ndarray, "..."]:
    """Where, along its first axes, all numbers of an array are finite."""
    x = np.asarray(x)
    return np.isfinite(x).all(tuple(range(axes, x.ndim)))


def _finite_states(game: Game, state: State, members: Members) -> list[Bool[np.ndarray, "row column seeds"]]:
    """For each seat, in which lanes its learners' states are finite; integers and keys are not looked at."""
    found = []
    for batch, states in zip(seat_batches(game, separate=len(members) > 1), state.states, strict=True):
        lanes, seat = [], batch.match_seats[0]
        for group, own in zip(members[-seat], states, strict=True):
            fine = np.ones(
                (len(batch.match_seats), len(group), state.ok.shape[1 - seat], state.ok.shape[2]), bool
            )
            for x in jax.tree.leaves(own):
                if jnp.issubdtype(x.dtype, jnp.inexact):
                    fine &= _finite_lanes(x, 4)
            lanes.append(fine)
        for match_seat, fine in zip(batch.match_seats, np.concatenate(lanes, axis=1), strict=True):
            found.append(fine if match_seat == 0 else np.swapaxes(fine, 0, 1))
    return found
