"""Matches, sweeps and wrappers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from games import GAMES, Smooth, hamiltonian, ipd, tandem
from shaping import (
    LEARNERS,
    Alternating,
    Clipped,
    EveryK,
    Frozen,
    Lola,
    Naive,
    Optimistic,
    Optimized,
    View,
    play,
    sweep,
)
from shaping.engine import lane_keys

pytestmark = pytest.mark.usefixtures("quickly_compiled")


@pytest.fixture(scope="module")
def dilemma():
    """A match of two naive players, which several tests look at."""
    return play(ipd(), [Naive(), Naive()], 3, steps=4, seeds=5, trajectory=True)


def test_values_are_per_step_and_start_before_any_step(dilemma):
    game, match = ipd(), dilemma
    assert match.values.shape == (5, 5, 2)
    assert match.steps.tolist() == [0, 1, 2, 3, 4]
    assert (match.values <= 0).all()
    assert (match.values >= -3).all()
    last = jax.vmap(lambda *p: game.per_step(game.values(p)))(*match.params)
    np.testing.assert_allclose(match.values[:, -1], last, rtol=1e-5)


def test_every_takes_a_subset_of_the_records():
    learners = [Naive(0.1), Lola(0.1, 0.1)]
    fine, coarse = (
        play(tandem(), learners, steps=12, seeds=2, every=every, trajectory=True) for every in (1, 4)
    )
    assert coarse.steps.tolist() == [0, 4, 8, 12]
    np.testing.assert_allclose(coarse.values, fine.values[:, ::4], rtol=1e-4)
    np.testing.assert_allclose(coarse.trajectory[0], fine.trajectory[0][:, ::4], rtol=1e-3, atol=1e-4)


def test_a_trajectory_begins_with_the_draw_and_ends_with_the_final_parameters(dilemma):
    drawn = jax.vmap(ipd().init)(lane_keys(3, "init", 5))
    for path, first, final in zip(dilemma.trajectory, drawn, dilemma.params, strict=True):
        assert path.shape == (5, 5, 5)
        np.testing.assert_allclose(path[:, 0], first, rtol=1e-6)  # drawn by another program
        np.testing.assert_array_equal(path[:, -1], final)
    assert play(tandem(), [Naive(), Naive()], steps=3).trajectory is None


def test_given_parameters_replace_the_draw():
    given = (jnp.full(1, 0.25), jnp.full(1, -0.25))
    match = play(tandem(), [Naive(), Naive()], steps=1, seeds=2, trajectory=True, params=given)
    np.testing.assert_array_equal(match.trajectory[0][:, 0], jnp.full((2, 1), 0.25))


def test_everybody_steps_at_once_from_a_frozen_copy():
    """On the rotation L = (xy, -xy), simultaneous ascent from (1, 1) reaches (1 - a, 1 + a); stepping in turn would not."""
    match = play(hamiltonian(), [Naive(0.5)] * 2, steps=1, params=(jnp.ones(1), jnp.ones(1)))
    np.testing.assert_allclose(jnp.stack(match.params).ravel(), [0.5, 1.5])


def test_adding_seeds_changes_no_existing_lane(dilemma):
    few = play(ipd(), [Naive(), Naive()], 3, steps=4, seeds=3, trajectory=True)
    np.testing.assert_allclose(few.values, dilemma.values[:3], rtol=1e-5)


def test_a_table_has_one_row_per_seed_record_and_player():
    frame = play(tandem(), [Lola(0.1, 0.1), Naive(0.1)], steps=4, seeds=3, every=2).to_frame()
    assert sorted(frame.columns) == ["game", "learner", "ok", "seat", "seed", "step", "value"]
    assert len(frame) == 3 * 3 * 2
    assert frame.groupby("seat")["learner"].unique().map(list).tolist() == [["lola"], ["naive"]]
    assert frame["ok"].all()


def test_a_table_holds_the_values_of_the_match():
    match = play(tandem(), [sweep(Naive, lr=[0.5, 1.0]), Naive()], steps=2, seeds=3)
    frame = match.to_frame()
    assert len(frame) == 2 * 3 * 3 * 2
    row = frame.query("point == 1 and seed == 2 and step == 1 and seat == 1").iloc[0]
    assert row["value"] == pytest.approx(float(match.values[1, 2, 1, 1]))
    assert row["lr_0"] == 1.0


def test_a_diverging_lane_is_marked_and_leaves_the_others_alone():
    """Naive ascent on L = x^4 explodes from a large start, and settles from a small one."""
    game = Smooth(lambda x, y: (x**4, y**2), name="steep", init_std=1.0)
    match = play(game, [Naive(0.1)] * 2, 0, steps=60, seeds=16)
    start = jnp.abs(play(game, [Naive(0.0)] * 2, 0, steps=1, seeds=16).params[0]).ravel()
    explodes = np.asarray(start**2 > 5)  # |x - 0.4 x^3| > |x| iff x^2 > 5
    assert not explodes.any()
    wild = play(
        Smooth(lambda x, y: (x**4, y**2), name="steep", init_std=3.0), [Naive(0.1)] * 2, 0, steps=60, seeds=16
    )
    explodes = np.asarray((3 * start) ** 2 > 5)
    assert explodes.any()
    assert not explodes.all()
    np.testing.assert_array_equal(wild.ok, ~explodes)
    assert match.ok.all()
    assert np.isfinite(wild.values[np.asarray(wild.ok)]).all()
    assert set(wild.to_frame().groupby("seed")["ok"].first()) == {True, False}


def test_a_sweep_is_its_separate_runs():
    grid = sweep(Lola, lr=[0.02, 0.1], look_ahead=[0.0, 0.5])
    match = play(tandem(), [grid, Naive(0.1)], 1, steps=5, seeds=3)
    assert match.values.shape == (4, 3, 6, 2)
    for point in range(4):
        lr, look_ahead = float(match.points["lr_0"][point]), float(match.points["look_ahead_0"][point])
        alone = play(tandem(), [Lola(lr, look_ahead), Naive(0.1)], 1, steps=5, seeds=3)
        np.testing.assert_allclose(match.values[point], alone.values, rtol=1e-4, atol=1e-5)


def test_two_sweeps_are_walked_through_together():
    match = play(tandem(), [sweep(Naive, lr=[0.1, 0.2]), sweep(Naive, lr=[0.2, 0.1])], steps=2, seeds=2)
    mirrored = play(tandem(), [Naive(0.2), Naive(0.1)], steps=2, seeds=2)
    np.testing.assert_allclose(match.values[1], mirrored.values, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is 0.*at least 1"),
        ({"seeds": 0}, "seeds is 0.*at least 1"),
        ({"every": 0}, "every is 0.*at least 1"),
        ({"steps": 10, "every": 3}, "every is 3.*divide.*10"),
        ({"steps": 2.5}, "steps is 2.5.*integer"),
    ],
)
def test_bad_counts_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        play(tandem(), [Naive(), Naive()], **settings)


def test_learners_must_be_one_per_seat():
    with pytest.raises(ValueError, match=r"3 learners.*2 seats.*'tandem'.*one per seat"):
        play(tandem(), [Naive()] * 3)


def test_bad_sweeps_are_refused():
    with pytest.raises(ValueError, match="at least one setting"):
        sweep(Naive)
    with pytest.raises(ValueError, match="at least one number"):
        sweep(Naive, lr=[])
    with pytest.raises(ValueError, match=r"sweep.*match of its own"):
        sweep(Lola, variant=["exact", "taylor"])
    with pytest.raises(ValueError, match=r"\[2, 3\] points"):
        play(tandem(), [sweep(Naive, lr=[0.1, 0.2]), sweep(Naive, lr=[0.1, 0.2, 0.3])])


def test_adam_is_adam_written_by_hand():
    lr, b1, b2, eps = 0.1, 0.8, 0.95, 1e-8
    game = tandem(init_std=1.0)
    match = play(
        game, [Optimized(Naive(), "adam", lr, {"b1": b1, "b2": b2}), Naive(0.0)], steps=6, trajectory=True
    )
    x, y = (float(p[0, 0, 0]) for p in match.trajectory)
    m = v = 0.0
    for t in range(1, 7):
        gradient = -(2 * (x + y) - 2)
        m, v = b1 * m + (1 - b1) * gradient, b2 * v + (1 - b2) * gradient**2
        x += lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    assert float(match.params[0][0, 0]) == pytest.approx(x, rel=1e-5)


def test_sgd_with_momentum_is_momentum_written_by_hand():
    match = play(
        tandem(init_std=1.0),
        [Optimized(Naive(), "sgd", 0.05, {"momentum": 0.9}), Naive(0.0)],
        steps=6,
        trajectory=True,
    )
    x, y = (float(p[0, 0, 0]) for p in match.trajectory)
    trace = 0.0
    for _ in range(6):
        trace = 0.9 * trace - (2 * (x + y) - 2)
        x += 0.05 * trace
    assert float(match.params[0][0, 0]) == pytest.approx(x, rel=1e-5)


def test_plain_sgd_is_the_inner_learner():
    ours, inner = (
        play(tandem(), [x, x], steps=5, seeds=2).values for x in (Optimized(Lola(), "sgd", 0.05), Lola(0.05))
    )
    np.testing.assert_allclose(ours, inner, rtol=1e-4)


@pytest.mark.parametrize("name", ["adam", "adamw", "adagrad", "amsgrad", "lion", "rmsprop", "sgd", "yogi"])
def test_every_optimizer_ascends(name):
    match = play(
        tandem(), [Optimized(Naive(), name, 0.02), Naive(0.0)], steps=20, params=(jnp.zeros(1), jnp.zeros(1))
    )
    assert match.values[0, -1, 0] > match.values[0, 0, 0]


def test_an_optimizer_is_swept_like_any_number():
    match = play(
        tandem(), [sweep(lambda lr: Optimized(Naive(), "adam", lr), lr=[0.1, 0.2]), Naive(0.1)], steps=3
    )
    alone = play(tandem(), [Optimized(Naive(), "adam", 0.2), Naive(0.1)], steps=3)
    np.testing.assert_allclose(match.values[1], alone.values, rtol=1e-4, atol=1e-6)


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match=r"optimizer 'adm'.*did you mean 'adam'"):
        Optimized(Naive(), "adm")
    with pytest.raises(ValueError, match="lr is -1"):
        Optimized(Naive(), "adam", -1.0)


def test_a_clipped_step_keeps_its_direction_and_is_no_longer_than_the_norm():
    game = ipd()
    joint = game.init(jax.random.key(0))
    view = View(game, joint, 0)
    step, _ = Naive().update((), view)
    length = jnp.linalg.norm(step)
    short, _ = Clipped(Naive(), norm=length / 2).update((), view)
    np.testing.assert_allclose(short, step / 2, rtol=1e-5)
    same, _ = Clipped(Naive(), norm=length * 2).update((), view)
    np.testing.assert_array_equal(same, step)
    still, _ = Clipped(Naive(0.0), norm=1.0).update((), view)
    np.testing.assert_array_equal(still, jnp.zeros(5))


def test_a_frozen_learner_stops_after_its_steps():
    match = play(tandem(), [Frozen(Optimistic(0.1), after=3), Naive(0.1)], steps=6, trajectory=True)
    free = play(tandem(), [Optimistic(0.1), Naive(0.1)], steps=6, trajectory=True)
    np.testing.assert_allclose(match.trajectory[0][:, :4], free.trajectory[0][:, :4], rtol=1e-5)
    for record in (4, 5, 6):
        np.testing.assert_array_equal(match.trajectory[0][:, record], match.trajectory[0][:, 3])


def test_every_k_steps_when_due_and_keeps_its_state_in_between():
    match = play(tandem(), [EveryK(Optimistic(0.1), k=3, offset=1), Naive(0.0)], steps=7, trajectory=True)
    moved = np.flatnonzero(np.diff(np.asarray(match.trajectory[0][0, :, 0])))
    assert moved.tolist() == [1, 4]
    direct = play(tandem(), [Optimistic(0.1), Naive(0.0)], steps=2)
    np.testing.assert_allclose(match.params[0], direct.params[0], rtol=1e-6)
    with pytest.raises(ValueError, match=r"offset is 3.*\[0, 2\]"):
        EveryK(Naive(), k=3, offset=3)


class Counted(Naive):
    """A naive learner that appends to a list whenever its update is computed."""

    calls: list = eqx.field(static=True, default_factory=list)

    def update(self, state, view):
        jax.debug.callback(lambda _: self.calls.append(1), view.key)
        return super().update(state, view)


@pytest.mark.parametrize(
    ("wrap", "learning"), [(lambda x: EveryK(x, 5, 1), 2), (lambda x: Frozen(x, 3), 3), (Frozen, 0)]
)
def test_steps_that_are_not_taken_are_not_computed(wrap, learning):
    counted = Counted(0.1)
    play(tandem(), [wrap(counted), Naive(0.1)], steps=10, seeds=2).values.block_until_ready()
    jax.effects_barrier()
    assert len(counted.calls) == 2 * learning


def test_alternating_players_see_what_the_others_just_did():
    """On the rotation L = (xy, -xy) from (1, 1): x moves to 1 - a, and then y by a times the new x."""
    match = play(hamiltonian(), [Alternating(Naive(0.5))] * 2, steps=2, params=(jnp.ones(1), jnp.ones(1)))
    np.testing.assert_allclose(jnp.stack(match.params).ravel(), [0.5, 1.25])


def test_wrappers_nest_and_name_themselves():
    learner = Clipped(EveryK(Optimized(Lola(), "adam", 0.1), k=2), norm=0.1)
    match = play(tandem(), [learner, Naive(0.1)], steps=4)
    assert match.learners == ("clipped(every2(adam(lola)))", "naive")
    assert match.ok.all()


@pytest.mark.parametrize(
    "entry",
    [e for e in LEARNERS if e.facts["learns"] and not e.facts["sampled"] and not e.facts["trained"]],
    ids=lambda e: e.name,
)
def test_every_learner_plays_in_single_precision(entry):
    """The figures and targets play the dilemma in this precision too."""
    match = play(GAMES.make("matching_pennies"), [entry.make(), Naive()], steps=2, seeds=2)
    assert match.ok.all()
    assert match.values.dtype == jnp.float32
    assert all(p.dtype == jnp.float32 for p in match.params)


@pytest.mark.parametrize("entry", [e for e in LEARNERS if not e.facts["learns"]], ids=lambda e: e.name)
def test_every_fixed_strategy_holds_single_precision(entry):
    game = GAMES.make("ipd")
    view = View(game, game.init(jax.random.key(0)), 0)
    learner = entry.make()
    step, _ = learner.update(learner.init(view), view)
    assert step.dtype == jnp.float32
    assert jnp.isfinite(step).all()


def test_optax_sees_the_same_direction_as_the_player():
    """The sign: what optax descends is minus the step."""
    game = ipd()
    joint = game.init(jax.random.key(0))
    view = View(game, joint, 0)
    learner = Optimized(Naive(), "rmsprop", 0.1)
    step, _ = learner.update(learner.init(view), view)
    direction, _ = Naive().update((), view)
    expected, _ = optax.rmsprop(0.1).update(-direction, optax.rmsprop(0.1).init(joint[0]))
    np.testing.assert_allclose(step, expected, rtol=1e-5)
