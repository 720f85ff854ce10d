"""A match: learners play a game, every seed in one compiled program."""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Game, Joint, check_shapes
from games.checks import as_float, as_key, check_count, check_flag, shown
from games.sampled import Sampled
from games.sampled_catalog import as_game
from shaping.base import Learner, View, finite
from shaping.catalog import as_learners
from shaping.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd


ON_CPU = {"xla_disable_hlo_passes": "while-loop-invariant-code-motion"}
"""How loops of learners are compiled for a CPU. Moving what depends on payoffs alone out of the loop comes before equal operations are
merged, and gives every occurrence a name of its own, so that no two seats or terms share their work any more: SOS took twice the time."""
BEFORE = 2**32 - 1
"""The step number whose key is used before the first step."""


def lane_keys(key: Key[Array, ""] | int, stream: str, lanes: int) -> Key[Array, " lanes"]:
    """One key per lane, `fold_in(fold_in(key, crc32(stream)), lane)`: adding lanes or streams changes no existing one."""
    return _lane_keys(as_key(key), np.uint32(zlib.crc32(stream.encode())), lanes)


@functools.partial(jax.jit, static_argnums=2)
def _lane_keys(key, stream, lanes):
    """`lane_keys` of a stream's number."""
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.fold_in(key, stream), jnp.arange(lanes))


class Match(eqx.Module):
    """What came of a match; leading axes are the points of a sweep, if there is one, and the seeds.

    Attributes:
        values: per-step values `(..., seeds, records, n_players)`, the first record before any step.
        steps: after how many steps each record was taken.
        params: final parameters.
        states: final states of the learners, who see the parameters in the form `game.split` gives them.
        trajectory: everybody's parameters at every record, if asked for.
        ok: in which lanes values, parameters and the learners' states are finite; a diverged one is reported, never averaged in.
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
    r"""Let learners play a game: everybody steps at once, from a frozen copy of everyone's parameters.

    $\theta_i \leftarrow \theta_i + \mathrm{step}_i(\theta)$ for all i, `steps` times; one `lax.scan`, `vmap`ped over the seeds.

    Args:
        game: the game, its name in `games.PLAYABLE`, or a factory such as `games.ipd`.
        learners: one per seat, in order, or their names in `LEARNERS`, or classes such as `Lola`; a `Sweep` adds a leading axis, and
            several sweeps are walked through together.
        key: a seed, an integer in [0, 2**32 - 1], or a typed key; lane s uses `fold_in(fold_in(key, crc32(stream)), s)`, whatever the
            number of lanes.
        steps: how many steps, at least 1.
        seeds: how many lanes, at least 1, each with its own initial parameters.
        every: take a record every so many steps; must divide `steps`.
        trajectory: whether records hold everybody's parameters too.
        params: initial parameters for all lanes, in place of those the game draws.
        seed: another name of `key`.

    Returns:
        The match.

    Raises:
        ValueError: if the learners are not one per seat, a count is no positive integer, or parameters have other shapes than the game's.

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
    params = None if params is None else entered(game, params)
    sizes = {s.size for s in learners if isinstance(s, Sweep)}
    if len(sizes) > 1:
        raise ValueError(
            f"The sweeps have {sorted(sizes)} points; sweeps in one match are walked through together, so give them equal sizes."
        )
    points = {f"{name}_{seat}": numbers for seat, s in enumerate(learners) if isinstance(s, Sweep) for name, numbers in s.points.items()}
    members = tuple(s.learner if isinstance(s, Sweep) else s for s in learners)
    swept = tuple(jax.tree.map(eqx.if_array(0), s.learner) if isinstance(s, Sweep) else None for s in learners)
    keys = lane_keys(key, "init", seeds), lane_keys(key, "match", seeds)
    arguments = (game, members, keys, params, swept, jnp.asarray(every), (steps // every, trajectory))
    inside = any(isinstance(k, Tracer) for k in keys)  # of another compiled program, which has options of its own
    values, joint, states, path, ok = (_run if inside or jax.default_backend() != "cpu" else _run_on_cpu)(*arguments)
    records = jnp.arange(0, steps + 1, every)
    return Match(values, records, joint, states, path, ok, game.name, tuple(m.label for m in members), points)


def entered(game: Game, params: Any) -> Joint:
    """Everybody's parameters as they were given, in floating point; those that are one array per player must have the game's shapes.

    Raises:
        ValueError: naming the player and both shapes.
    """
    drawn = jax.eval_shape(game.init, jax.random.key(0))
    if not isinstance(params, (tuple, list)) or len(params) != len(drawn):
        raise ValueError(f"params is {shown(params)}; give a tuple with one entry per player of {game.name!r}, {len(drawn)} in all.")
    if isinstance(game, Sampled) or not all(isinstance(x, jax.ShapeDtypeStruct) for x in drawn):
        return tuple(params)  # agents, networks and learners have structures of their own
    params = tuple(tuple(as_float(x) for x in own) if isinstance(own, tuple) else as_float(own) for own in params)
    check_shapes(game.name, params, [x.shape for x in drawn])
    return params


def _lanes(game, learners, keys, params, swept, every, plan):
    """All lanes of all points."""
    lanes = jax.vmap(
        lambda learners, init_key, match_key: lane(game, learners, init_key, match_key, params, every, *plan), in_axes=(None, 0, 0)
    )
    if jax.tree.leaves(swept):
        lanes = jax.vmap(lanes, in_axes=(swept, None, None))
    return lanes(learners, *keys)


_run = eqx.filter_jit(_lanes)  # compiled once per structure
_run_on_cpu = eqx.filter_jit(_lanes, compiler_options=ON_CPU)  # pyright: ignore[reportCallIssue]


def lane(
    game: Game,
    learners: Sequence[Learner],
    init_key,
    match_key,
    params: Joint | None,
    every: Int[Array, ""],
    records: int,
    trajectory: bool,
):
    """One match of one seed, a pure function: `(values, params, states, trajectory, ok)`."""
    joint = game.init(init_key) if params is None else params
    views = (View(game, joint, seat) for seat in range(game.n_players))
    joint = game.split(tuple(x.start(v) for x, v in zip(learners, views, strict=True)))
    first = jax.random.fold_in(match_key, BEFORE)
    states = tuple(x.init(View(game, joint, seat, jax.random.fold_in(first, seat))) for seat, x in enumerate(learners))

    def record(joint):
        values = tuple(game.per_step(v) for v in game.values(joint, first))  # scalars: nothing is computed twice
        return values, joint if trajectory else None

    def step(t, carry):
        joint, states, seen = carry
        seen = jax.tree.map(lambda new, old: jnp.where(t % every == 0, new, old), record(joint), seen)
        return *advance(game, learners, joint, states, jax.random.fold_in(match_key, t), t), seen

    def stretch(carry, t):
        carry = jax.lax.fori_loop(t, t + every, step, carry)
        return carry, carry[-1]

    carry, path = jax.lax.scan(stretch, (joint, states, record(joint)), every * jnp.arange(records))
    joint, states, _ = carry
    values, path = jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), path, record(joint))
    values, final = jnp.stack(values, axis=-1), game.join(joint)
    return values, final, states, game.join(path) if trajectory else None, finite((values, final, states))


def advance(game: Game, learners: Sequence[Learner], joint: Joint, states: PyTree, key, t) -> tuple[Joint, PyTree]:
    """One simultaneous step of everybody: the next parameters and states."""
    after, later = [], []
    for seat, (learner, state) in enumerate(zip(learners, states, strict=True)):
        view = View(game, joint, seat, jax.random.fold_in(key, seat), t)
        step, state = learner.update(state, view)
        after.append(stepped(joint[seat], step))
        later.append(state)
    return tuple(after), tuple(later)


def stepped(own: PyTree, step: PyTree) -> PyTree:
    """Parameters after a step, in their own precision."""
    return jax.tree.map(lambda p, s: (p + s).astype(p.dtype), own, step)
