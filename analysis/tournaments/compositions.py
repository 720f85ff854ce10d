"""Games of three or more players: every composition of a population of learners over the seats.

A composition is a multiset of learners where the seats of the game are alike, and otherwise an assignment of
one learner to every seat. All compositions and seeds advance in one compiled loop whose body holds one update
per seat and structure of learner, so that compile time does not grow with the number of compositions.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from analysis.tournaments.round_robins import Loop, Run, anonymous, grouped
from games.base import Game, Joint
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame, relabeled
from shaping.base import Learner
from shaping.engine import BEFORE, begin_one, lane_keys, record, start, step_one


class State(NamedTuple):
    """State of the loop; the leading axes are composition and seed.

    Attributes:
        joint: parameters of all seats, in the form that `game.split` gives them.
        states: learner states by seat and group; the leading axis is the compositions in which the group
            holds the seat.
        total: sum of the per-step values over all records so far.
        values: per-step values now.
        ok: in which lanes all values so far are finite.
    """

    joint: Joint
    states: PyTree
    total: Float[Array, "n compositions seeds"]
    values: Float[Array, "n compositions seeds"]
    ok: Bool[Array, "compositions seeds"]


Layout = tuple[tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...], ...]
"""By seat, the groups that hold it: group, their compositions, and the group's member in each of these."""


def are_seats_alike(game: Game) -> bool:
    """Whether the payoffs stay the same under every exchange of two seats and of their actions.

    Example:
        >>> from games import tandem
        >>> are_seats_alike(MatrixGame.symmetric([[-1, -3], [0, -2]])), are_seats_alike(tandem())
        (True, False)
    """
    stage = game.stage if isinstance(game, Iterated) else game
    if not isinstance(stage, MatrixGame) or len(set(stage.n_actions)) != 1:
        return False
    seats = range(stage.n_players)
    for k in range(stage.n_players - 1):
        order = tuple({k: k + 1, k + 1: k}.get(seat, seat) for seat in seats)
        if not np.array_equal(relabeled(stage, order).payoffs, stage.payoffs):
            return False
    return True


def compositions(
    learners: Sequence[str], n_players: int, alike: bool, opponents: Sequence[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Every composition of learners over the seats.

    Args:
        learners: the names of the population.
        n_players: the number of seats.
        alike: whether the seats are alike, so that the order of the learners makes no difference.
        opponents: names for all seats but one; by default the population.

    Example:
        >>> compositions(["a", "b"], 3, True)
        (('a', 'a', 'a'), ('a', 'a', 'b'), ('a', 'b', 'b'), ('b', 'b', 'b'))
    """
    if opponents is None:
        if alike:
            return tuple(itertools.combinations_with_replacement(learners, n_players))
        return tuple(itertools.product(learners, repeat=n_players))
    others = (
        tuple(itertools.combinations_with_replacement(opponents, n_players - 1))
        if alike
        else tuple(itertools.product(opponents, repeat=n_players - 1))
    )
    return tuple((own, *rest) for own in learners for rest in others)


def compositions_loop(
    game: Game, seatings: Sequence[Sequence[Learner]], key: Any, seeds: int, first: int = 0
) -> Loop:
    """The loop of these compositions; each equals `play` with the same learners and key.

    Args:
        game: the game.
        seatings: for each composition, one learner per seat.
        key: a seed or a typed key, used as by `play`.
        seeds: number of lanes per composition.
        first: number of the first lane.
    """
    different: dict[int, Learner] = {id(x): x for seating in seatings for x in seating}
    groups = grouped(list(different.values()))
    place = dict(zip(different, range(len(different)), strict=True))
    home = {m: (g, k) for g, group in enumerate(groups) for k, m in enumerate(group.members)}
    layout = []
    for seat in range(game.n_players):
        at = [home[place[id(seating[seat])]] for seating in seatings]
        held = []
        for g in sorted({g for g, _ in at}):
            where = tuple(c for c, (other, _) in enumerate(at) if other == g)
            held.append((g, where, tuple(at[c][1] for c in where)))
        layout.append(tuple(held))
    stacked = tuple(
        group.learner if len(group.members) > 1 else jax.tree.map(lambda x: x[None], group.learner)
        for group in groups
    )
    keys = lane_keys(key, "init", first + seeds)[first:], lane_keys(key, "match", first + seeds)[first:]
    what = f"A tournament at {game.name!r}"
    return Loop(begin_compositions, advance_compositions, anonymous(game), stacked, tuple(layout), keys, what)


def begin_compositions(game: Game, learners: Sequence[Learner], layout: Layout, keys) -> State:
    """Initial parameters, states and values; lane s starts from the same draw in every composition."""
    init_keys, match_keys = keys
    n = len(layout)
    starts = [
        jax.vmap(lambda learner: jax.vmap(lambda key: start(game, (learner,) * n, key))(init_keys))(group)
        for group in learners
    ]
    joint = tuple(
        _in_order(
            layout[seat],
            [jax.tree.map(lambda x: x[np.array(m)], starts[g][seat]) for g, _, m in layout[seat]],  # noqa: B023
        )
        for seat in range(n)
    )
    keys_before = _fold(match_keys, BEFORE)
    states = tuple(
        tuple(
            _over_lanes(lambda learner, _, joint, key, seat=seat: begin_one(game, learner, joint, seat, key))(
                *_seated(learners, joint, held), keys_before
            )
            for held in layout[seat]
        )
        for seat in range(n)
    )
    values = _record(game, joint, keys_before)
    return State(joint, states, values, values, jnp.isfinite(values).all(0))


def advance_compositions(
    game: Game, learners: Sequence[Learner], layout: Layout, state: State, match_keys, first_step, count
) -> State:
    """`count` learning steps from step `first_step` on; both are data, so all chunks are one program."""
    value_keys = _fold(match_keys, BEFORE)

    def step(t, now: State) -> State:
        keys, joint, states = _fold(match_keys, t), [], []
        for seat, held in enumerate(layout):

            def update(learner, state, joint, key, seat=seat):
                return step_one(game, learner, state, joint, seat, key, t)

            results = [
                _over_lanes(update)(*_seated(learners, now.joint, group, state), keys)
                for group, state in zip(held, now.states[seat], strict=True)
            ]
            joint.append(_in_order(held, [own for own, _ in results]))
            states.append(tuple(state for _, state in results))
        joint = tuple(joint)
        values = _record(game, joint, value_keys)
        return State(joint, tuple(states), now.total + values, values, now.ok & jnp.isfinite(values).all(0))

    return jax.lax.fori_loop(first_step, first_step + count, step, state)


def _seated(learners: Any, joint: Joint, held: Any, state: PyTree = ()) -> tuple[Any, PyTree, Joint]:
    """Learners, states and joint parameters in the compositions in which a group holds a seat."""
    g, where, members = held
    take = np.array(members)
    return (
        jax.tree.map(lambda x: x[take], learners[g]),
        state,
        jax.tree.map(lambda x: x[np.array(where)], joint),
    )


def _over_lanes(function: Any) -> Any:
    """A function of (learner, state, joint, key), batched over compositions and seeds."""
    return jax.vmap(jax.vmap(function, in_axes=(None, 0, 0, 0)), in_axes=(0, 0, 0, None))


def _in_order(held: Any, parts: Sequence[PyTree]) -> PyTree:
    """The groups' parts together, with the compositions in their order."""
    order = np.argsort(np.concatenate([np.array(where) for _, where, _ in held]))
    return jax.tree.map(lambda *x: jnp.concatenate(x)[order], *parts)


def _fold(keys: Any, step: Any) -> Any:
    """The keys of a step, one per lane."""
    return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, step)


def _record(game: Game, joint: Joint, keys: Any) -> Float[Array, "n compositions seeds"]:
    """Per-step values of all seats in every lane of every composition."""
    lane = functools.partial(record, game)
    return jnp.stack(jax.vmap(jax.vmap(lane), in_axes=(0, None))(joint, keys))


class Played(NamedTuple):
    """Results of compositions, on the host.

    Attributes:
        values: final per-step values.
        mean_values: their mean over the trajectory.
        params: final parameters in the game's own form, each leaf with leading axes composition and seed.
        ok: in which lanes all numbers are finite.
    """

    values: Float[np.ndarray, "n compositions seeds"]
    mean_values: Float[np.ndarray, "n compositions seeds"]
    params: Joint
    ok: Bool[np.ndarray, "compositions seeds"]


def compositions_result(loop: Loop, run: Run, steps: int) -> Played:
    """Results on the host."""
    state = run.state
    ok = np.array(state.ok)
    for x in jax.tree.leaves(state.joint):
        ok &= np.isfinite(np.asarray(x)).all(tuple(range(2, x.ndim)))
    for held, states in zip(loop.layout, state.states, strict=True):
        for (_, where, _), own in zip(held, states, strict=True):
            for x in jax.tree.leaves(own):
                if jnp.issubdtype(x.dtype, jnp.inexact):
                    ok[np.array(where)] &= np.isfinite(np.asarray(x)).all(tuple(range(2, x.ndim)))
    params = jax.tree.map(np.asarray, loop.game.join(state.joint))
    return Played(np.asarray(state.values), np.asarray(state.total) / (steps + 1), params, ok)
