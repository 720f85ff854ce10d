"""A match: learners play a game, with all seeds in one compiled program."""

import dataclasses
import html
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Environment, Game, Joint, check_shapes
from games.checks import as_float, as_key, check_count, check_flag, concrete, shown
from games.compiler import SMALLER, filter_jit, traced
from games.device_memory import SHARE, SMALL, check_room, footprint, gigabytes, lacking, size_of
from games.printing import as_text, counted, html_table, text_table
from games.sampled.catalog import as_game
from games.sampled.game import Sampled
from shaping.arguments import as_learners
from shaping.base import Learner, finite
from shaping.engine import BEFORE, advance, begin, lane_keys, record
from shaping.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ROWS = 20
"""Largest number of rows of a match that are printed."""
ROW = 120
"""Bytes of memory per row of a match's table while it is made."""
MANY_SEEDS, FEW_SEEDS = 64, 4
"""Default numbers of seeds of a tournament: of exact games, and of sampled games, which need memory."""


class Match(eqx.Module):
    """The result of a match; the leading axes are the points of a sweep, if there is one, and the seeds.

    Attributes:
        values: per-step values `(..., seeds, records, n_players)`; the first record is before the first step.
        steps: number of learning steps before each record.
        params: final joint parameters.
        states: final learner states, for parameters in the form that `game.split` gives them.
        trajectory: joint parameters at every record, or None.
        ok: `(..., seeds)`, whether all values, parameters and learner states are finite; diverged lanes are reported and
            left out of all means.
        game: the game's name.
        learners: the learners' names.
        points: the settings of a sweep.
    """

    values: Float[Array, "*points seeds records n_players"]
    steps: Int[Array, " records"]
    params: Joint
    states: PyTree
    trajectory: Joint | None
    ok: Bool[Array, "*points seeds"]
    game: str = eqx.field(static=True)
    learners: tuple[str, ...] = eqx.field(static=True)
    points: dict[str, Float[Array, " points"]] = dataclasses.field(default_factory=dict)

    def to_frame(self) -> "pd.DataFrame":
        """A tidy table: one row per point of the sweep, seed, record and player."""
        import pandas as pd

        check_table(self.values.size)
        values = self.values if self.points else self.values[None]
        ok = self.ok if self.points else self.ok[None]
        axes = [range(values.shape[0]), range(values.shape[1]), self.steps.tolist(), range(values.shape[3])]
        index = pd.MultiIndex.from_product(axes, names=["point", "seed", "step", "seat"])
        frame = pd.DataFrame({"value": jax.device_get(values).ravel()}, index=index).reset_index()
        frame["ok"] = jax.device_get(ok)[frame["point"], frame["seed"]]
        frame.insert(0, "game", self.game)
        frame.insert(4, "learner", [self.learners[i] for i in frame["seat"]])
        for name, numbers in self.points.items():
            frame[name] = jax.device_get(numbers)[frame["point"]]
        return frame if self.points else frame.drop(columns="point")

    def plot(self, ax: "Axes | None" = None) -> "Figure | Axes":
        """Draw learning curves: every player's mean value per step, with pointwise 95 % intervals over seeds.

        Args:
            ax: axes to draw on; by default those of a new figure.

        Returns:
            The new figure, which notebooks show; or the axes that were given.

        Raises:
            ValueError: for a match with a sweep, each of whose points has curves of its own.
        """
        from shaping.drawing import draw_curves

        if self.points or self.values.ndim != 3:
            raise ValueError(
                f"The curves of one match are drawn, and this one has values of shape {self.values.shape}; choose a point of the "
                "sweep, as in analysis.curves(table[table['point'] == 0]) of table = match.to_frame()."
            )
        values = {f"{name} (seat {i})": self.values[..., i] for i, name in enumerate(self.learners)}
        return draw_curves(self.game, self.steps, values, self.ok, ax)

    def __repr__(self) -> str:
        return "\n".join([self._heading(), *([text_table(*table)] if (table := self._table()) else [])])

    def _repr_html_(self) -> str:
        """The heading and the final values as a table."""
        table = self._table()
        return html_table(*table, self._heading()) if table else f"<p>{html.escape(self._heading())}</p>"

    def _heading(self) -> str:
        """What was played, how many seeds and records there are, and how many seeds diverged."""
        shape = self.values.shape
        facts = [f"{counted(shape[-2], 'record')}"]
        if concrete((self.steps, self.ok)):
            last, ok = int(np.max(self.steps)), np.asarray(self.ok)
            facts = [f"{last} steps, {facts[0]}, {int((~ok).sum())} of {counted(ok.size, 'lane')} diverged"]
        points = f"{counted(math.prod(shape[:-3]), 'point')} of a sweep, " if shape[:-3] else ""
        return f"Match of {', '.join(self.learners)} at {self.game}: {points}{counted(shape[-3], 'seed')}, {', '.join(facts)}"

    def _table(self) -> tuple[list[str], list[list[str]]] | None:
        """Columns and rows of every player's final value: mean and standard error over the finite seeds."""
        if not concrete((self.values, self.ok, self.points)) or self.values.ndim != 3 + bool(self.points):
            return None
        final, ok = (np.asarray(x if self.points else x[None]) for x in (self.values[..., -1, :], self.ok))
        rows = []
        for point, seat in np.ndindex(len(final), final.shape[-1]):
            kept = final[point, ok[point], seat]
            error = f"{kept.std(ddof=1) / len(kept) ** 0.5:.3f}" if len(kept) > 1 else "-"
            mean = f"{kept.mean():.3f}" if len(kept) else "none"
            swept = [as_text(numbers[point]) for numbers in self.points.values()]
            rows.append(
                [*swept, str(seat), self.learners[seat], mean, error, f"{len(kept)} of {ok.shape[1]}"]
            )
        columns = [*self.points, "seat", "learner", "final value per step", "standard error", "finite seeds"]
        return columns, rows if len(rows) <= ROWS else [*rows[:ROWS], ["..."] * len(columns)]


def play(
    game: Game | str | Callable[[], Game],
    learners: Sequence[Learner | Sweep | str | type[Learner]],
    key: Key[Array, ""] | int = 0,
    *,
    steps: int = 200,
    seeds: int = 1,
    every: int = 1,
    trajectory: bool = False,
    params: Joint | None = None,
    seed: int | None = None,
) -> Match:
    r"""Let learners play a game: all players update at once, from the same joint parameters.

    $\theta_i \leftarrow \theta_i + \mathrm{step}_i(\theta)$ for all i, `steps` times; one compiled loop, in
    parallel over the seeds.

    Args:
        game: the game, its name in `games.PLAYABLE`, or a factory such as `games.ipd`.
        learners: one per seat, in order, or their names in `LEARNERS`, or classes such as `Lola`; a `Sweep`
            adds a leading axis, and several sweeps of one match advance together, point by point.
        key: a seed, an integer in [0, 2**32 - 1], or a typed key; lane s uses `fold_in(fold_in(key,
            crc32(stream)), s)`, whatever the number of lanes.
        steps: number of learning steps, at least 1.
        seeds: number of lanes, at least 1, each with its own initial parameters.
        every: number of steps between records; must divide `steps`. A sampled game is valued at records only.
        trajectory: whether the joint parameters are recorded too.
        params: initial joint parameters in place of those that the game draws: the same for all lanes, or, with one
            more leading axis of length `seeds` in every array, one start per lane.
        seed: another name of `key`.

    Returns:
        The match.

    Raises:
        ValueError: if there is not one learner per seat, a count is not a positive integer, or the parameters
            do not have the shapes of the game's.

    Example:
        >>> from games import GAMES
        >>> from shaping import Lola, Naive
        >>> match = play(GAMES.make("ipd"), [Lola(), Naive()], steps=20, seeds=4)
        >>> match.values.shape, bool(match.ok.all())
        ((4, 21, 2), True)
    """
    game = as_game(game)
    learners, key = as_learners(learners, game), as_key(key, seed)
    check_count("steps", steps)
    check_count("seeds", seeds)
    check_count("every", every)
    if steps % every:
        raise ValueError(
            f"every is {every}, which does not divide steps, {steps}; choose a divisor, so that the last record is the last step."
        )
    check_flag("trajectory", trajectory)
    params, per_lane = (None, False) if params is None else as_joint(game, params, seeds)
    sizes = {s.size for s in learners if isinstance(s, Sweep)}
    if len(sizes) > 1:
        raise ValueError(
            f"The sweeps have {sorted(sizes)} points; sweeps in one match are walked through together, so give them equal sizes."
        )
    points = {
        f"{name}_{seat}": numbers
        for seat, s in enumerate(learners)
        if isinstance(s, Sweep)
        for name, numbers in s.points.items()
    }
    members = tuple(s.learner if isinstance(s, Sweep) else s for s in learners)
    swept = tuple(
        jax.tree.map(eqx.if_array(0), s.learner) if isinstance(s, Sweep) else None for s in learners
    )
    least = (
        seeds * max(sizes, default=1) * (2 * 4 * game.n_players * (steps // every + 1) + 32)
    )  # values twice, and two keys
    check_room(
        f"A match of {seeds} seeds with {steps // every + 1} records",
        least,
        "give fewer seeds or steps, or a larger every",
    )
    keys: tuple[Any, ...] = lane_keys(key, "init", seeds), lane_keys(key, "match", seeds)
    if per_lane:
        keys, params = (*keys, params), None
    values, joint, states, path, ok = _whole_or_in_parts(
        game, members, keys, params, swept, jnp.asarray(every), (steps // every, trajectory)
    )
    records = jnp.arange(0, steps + 1, every)
    return Match(values, records, joint, states, path, ok, game.name, tuple(m.label for m in members), points)


def as_joint(game: Game, params: Any, seeds: int) -> tuple[Joint, bool]:
    """The given joint parameters in floating point, and whether they hold one start per lane.

    Arrays are checked against the game's shapes; `seeds` is the length of the additional leading axis that starts
    per lane have.

    Raises:
        ValueError: naming the player and both shapes.
    """
    drawn = jax.eval_shape(game.init, jax.random.key(0))
    if not isinstance(params, (tuple, list)) or len(params) != len(drawn):
        raise ValueError(
            f"params is {shown(params)}; give a tuple with one entry per player of {game.name!r}, {len(drawn)} in all."
        )
    per_lane = _one_per_lane(tuple(params), drawn, seeds)
    if isinstance(game, Sampled) or not all(isinstance(x, jax.ShapeDtypeStruct) for x in drawn):
        return tuple(params), per_lane  # agents, networks and learners have structures of their own
    params = tuple(
        tuple(as_float(x) for x in own) if isinstance(own, tuple) else as_float(own) for own in params
    )
    first = tuple(own[0] for own in params) if per_lane else params
    check_shapes(game.name, first, [x.shape for x in drawn])
    return params, per_lane


def _one_per_lane(params: Joint, drawn: Joint, seeds: int) -> bool:
    """Whether every array has one more leading axis of length `seeds` than the game's parameters."""
    given, like = jax.tree.leaves(params), jax.tree.leaves(drawn)
    return jax.tree.structure(params) == jax.tree.structure(drawn) and all(
        jnp.shape(x) == (seeds, *y.shape) for x, y in zip(given, like, strict=True)
    )


def _lanes(game, learners, keys, params, swept, every, plan):
    """All lanes of all points of a sweep."""
    lanes = jax.vmap(
        lambda learners, init_key, match_key, *start: lane(
            game, learners, init_key, match_key, start[0] if start else params, every, *plan
        ),
        in_axes=(None, *(0 for _ in keys)),
    )
    if jax.tree.leaves(swept):
        lanes = jax.vmap(lanes, in_axes=(swept, *(None for _ in keys)))
    return lanes(learners, *keys)


_run = filter_jit(_lanes, loops=True)  # compiled once per structure


def _whole_or_in_parts(game, learners, keys, params, swept, *rest):
    """All lanes side by side or, if they do not fit into memory, in several parts; lanes are independent.

    Raises:
        ValueError: if not even one lane fits.
    """
    structure, seeds = jax.tree.structure((game, learners, params, swept)), len(keys[0])
    shapes = tuple(getattr(x, "shape", None) for x in jax.tree.leaves((game, learners, params, swept)))
    known = structure, shapes, seeds, rest[-1]
    if known in _small or traced((game, learners, keys, params)):
        return _run(game, learners, keys, params, swept, *rest)
    program = _run.trace(game, learners, keys, params, swept, *rest)  # not traced again by the call
    needed = footprint(program.jaxpr.jaxpr)
    at_once = lanes_at_once(seeds, needed, size_of(program.out_info), f"A match at {game.name!r}")
    if needed <= SMALL:
        _small.add(known)

    def part(a: int, b: int):
        return _run(game, learners, jax.tree.map(lambda x: x[a:b], keys), params, swept, *rest)

    return in_parts(part, seeds, at_once, int(bool(jax.tree.leaves(swept))), jnp.concatenate)


_small: set[Any] = set()
"""Structures of matches that fit into any memory, which are not traced for an estimate again."""


def lanes_at_once(seeds: int, needed: int, kept: int, what: str) -> int:
    """Number of lanes that fit into memory side by side.

    Args:
        seeds: number of all lanes.
        needed: bytes that all lanes need while they are computed.
        kept: bytes of all results.
        what: what is computed, for the error message.

    Raises:
        ValueError: if not even one does.

    Example:
        >>> lanes_at_once(64, 1000, 10, "A match")
        64
    """
    free = lacking(needed)
    if free is None:
        return seeds
    fitting = int(seeds * (SHARE * free - 2 * kept) / needed)
    if fitting < 1:
        alone = f"one alone {gigabytes(needed / seeds)}, and what comes out {gigabytes(kept)}"
        raise ValueError(
            f"{what} needs about {gigabytes(needed)} of memory for {seeds} seeds, {alone}, where {gigabytes(free)} are free; {SMALLER}."
        )
    return fitting


def in_parts(
    part: Callable[[int, int], PyTree], seeds: int, at_once: int, axis: int, concatenate: Callable[..., Any]
) -> PyTree:
    """Compute lanes in parts and concatenate the results; all parts have equally many lanes, so one program.

    Args:
        part: computes the lanes `begin` to `end - 1`, given `(begin, end)`.
        seeds: number of all lanes.
        at_once: largest number of lanes of a part.
        axis: the axis of the lanes in the results.
        concatenate: such as `jnp.concatenate`.

    Example:
        >>> in_parts(lambda a, b: jnp.arange(a, b), 7, 3, 0, jnp.concatenate).tolist()
        [0, 1, 2, 3, 4, 5, 6]
    """
    width = math.ceil(seeds / math.ceil(seeds / at_once))
    if width == seeds:
        return part(0, seeds)
    ends = [min(end, seeds) for end in range(width, seeds + width, width)]
    pieces = [part(end - width, end) for end in ends]
    new = [width] * (len(ends) - 1) + [ends[-1] - ends[-2]]  # the last part repeats lanes of the one before

    def concatenate_new(*xs):
        return concatenate(
            [
                x[(slice(None),) * (axis % x.ndim) + (slice(width - n, None),)]
                for x, n in zip(xs, new, strict=True)
            ],
            axis,
        )

    return jax.tree.map(concatenate_new, *pieces)


def check_table(rows: int) -> None:
    """Refuse a table that does not fit into memory.

    Raises:
        ValueError: with the estimate.
    """
    check_room(f"A table of {rows} rows", ROW * rows, "give fewer seeds or steps", on_host=True)


def lane(
    game: Game,
    learners: Sequence[Learner],
    init_key: Key[Array, ""],
    match_key: Key[Array, ""],
    params: Joint | None,
    every: Int[Array, ""],
    records: int,
    trajectory: bool,
) -> tuple[Float[Array, "records_1 n_players"], Joint, PyTree, Joint | None, Bool[Array, ""]]:
    """One match of one seed, of `every * records` steps: `(values, params, states, trajectory, ok)`.

    `every` is data, so that one compiled program serves all of its values.
    """
    joint, states = begin(game, learners, init_key, match_key, params)
    value_key = jax.random.fold_in(match_key, BEFORE)

    def snapshot(joint):
        return record(game, joint, value_key), joint if trajectory else None

    def step(t, carry):
        joint, states, latest = carry
        due = t % every == 0
        if isinstance(game, (Sampled, Environment)):
            latest = jax.lax.cond(due, snapshot, lambda _: latest, joint)
        else:  # the compiler merges these values with those that the learners differentiate
            latest = jax.tree.map(lambda new, old: jnp.where(due, new, old), snapshot(joint), latest)
        return *advance(game, learners, joint, states, jax.random.fold_in(match_key, t), t), latest

    def until_next_record(carry, t):
        carry = jax.lax.fori_loop(t, t + every, step, carry)
        return carry, carry[-1]

    (joint, states, _), history = jax.lax.scan(
        until_next_record, (joint, states, snapshot(joint)), every * jnp.arange(records)
    )
    values, path = jax.tree.map(lambda xs, x: jnp.concatenate([xs, x[None]]), history, snapshot(joint))
    values, params = jnp.stack(values, axis=-1), game.join(joint)
    ok = finite((values, params, states))
    return values, params, states, game.join(path) if trajectory else None, ok
