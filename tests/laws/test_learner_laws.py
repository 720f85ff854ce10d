"""The laws that every learner obeys, over the registry and a few games, in float64."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from games import ENVIRONMENTS, GAMES, MatrixGame
from games.sampled.game import Sampled
from shaping import LEARNERS, Cgd, Fixed, Hola, Lola, LookAhead, Naive, Sos, View, play, sweep
from tests.reference import dense
from tests.reference.compilations import compilations
from tests.reference.exact_games import MatrixForm

pytestmark = pytest.mark.usefixtures("quickly_compiled")
MAKERS = {
    "ipd": lambda: MatrixForm(GAMES.make("ipd").stage, GAMES.make("ipd").discount),
    "ipd_in_scalars": lambda: GAMES.make("ipd"),
    "rock_paper_scissors": lambda: GAMES.make("rock_paper_scissors"),
    "tandem": lambda: GAMES.make("tandem", init_std=1.0),
    "three_players": lambda: MatrixGame(np.random.default_rng(0).normal(size=(3, 2, 2, 2)), init_std=1.0),
    "three_contributors": lambda: GAMES.make("ipd_contribution", n_players=3, init_std=1.0),
}
PLAYING = [entry for entry in LEARNERS if not entry.facts["trained"]]
LEARNING = [entry for entry in PLAYING if entry.facts["learns"] and not entry.facts["sampled"]]
STANDING = [entry for entry in LEARNERS if not entry.facts["learns"] and not entry.facts["automaton"]]

over_learners = pytest.mark.parametrize("entry", LEARNING, ids=lambda e: e.name)
LONG_TO_COMPILE = ("ipd_in_scalars", "three_contributors")
over_games = pytest.mark.parametrize(
    "game", [pytest.param(x, marks=pytest.mark.slow) if x in LONG_TO_COMPILE else x for x in MAKERS]
)


@pytest.fixture(autouse=True)
def precise(x64):
    """Everything here is in float64."""


def made(entry, **numbers):
    """The learner with the given settings, of those it has."""
    return entry.make(**{k: v for k, v in numbers.items() if k in entry.settings()})


@eqx.filter_jit
def steps(game, learner, joint, then, time):
    """Everybody's step at `then`, after an `init` at `joint`, all players being learners of one kind; flat, in split form."""
    joint, then = game.split(joint), game.split(then)
    out = []
    for seat in range(game.n_players):
        state = learner.init(View(game, joint, seat))
        out.append(learner.update(state, View(game, then, seat, time=time)))
    return tuple(out)


def flat(results):
    """All steps as one vector."""
    return ravel_pytree(tuple(step for step, _ in results))[0]


def at(game, seed=0):
    return game.init(jax.random.key(seed))


@over_games
@over_learners
def test_a_step_keeps_structure_shape_and_dtype(entry, game):
    game = MAKERS[game]()
    joint = game.split(at(game))
    learner = made(entry, lr=0.3)
    for seat, (step, state) in enumerate(steps(game, learner, at(game), at(game), 0)):
        before = learner.init(View(game, joint, seat))
        for old, new in ((joint[seat], step), (before, state)):
            assert jax.tree.structure(old) == jax.tree.structure(new)
            assert [(x.shape, x.dtype) for x in jax.tree.leaves(old)] == [
                (x.shape, x.dtype) for x in jax.tree.leaves(new)
            ]


@over_games
@over_learners
def test_lr_zero_changes_nothing(entry, game):
    game = MAKERS[game]()
    assert not np.any(flat(steps(game, made(entry, lr=0.0), at(game), at(game), 0)))


@over_games
@pytest.mark.parametrize("entry", [e for e in LEARNING if e.facts["look_ahead"]], ids=lambda e: e.name)
def test_looking_zero_steps_ahead_is_naive(entry, game):
    game = MAKERS[game]()
    learner = made(entry, lr=0.3, **{entry.facts["look_ahead"]: 0.0})
    theirs, naive = (flat(steps(game, x, at(game), at(game), 0)) for x in (learner, Naive(0.3)))
    np.testing.assert_allclose(theirs, naive, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("game", ["ipd", "rock_paper_scissors", "tandem"])
@pytest.mark.parametrize("entry", [e for e in LEARNING if e.facts["simultaneous"]], ids=lambda e: e.name)
def test_swapping_the_seats_of_a_symmetric_game_swaps_the_steps(entry, game):
    game = MAKERS[game]()
    learner = made(entry, lr=0.3, look_ahead=0.2)
    there = [ravel_pytree(step)[0] for step, _ in steps(game, learner, at(game), at(game, 1), 0)]
    back = [ravel_pytree(step)[0] for step, _ in steps(game, learner, at(game)[::-1], at(game, 1)[::-1], 0)]
    np.testing.assert_allclose(there, back[::-1], rtol=1e-7, atol=1e-9)


@over_learners
def test_a_batch_is_a_loop(entry):
    game = MAKERS["rock_paper_scissors"]()
    learner = made(entry, lr=0.3)
    lanes = [at(game, seed) for seed in range(3)]
    together = jax.vmap(lambda joint: flat(steps(game, learner, joint, joint, 0)))(
        jax.tree.map(lambda *x: jnp.stack(x), *lanes)
    )
    np.testing.assert_allclose(
        together, [flat(steps(game, learner, joint, joint, 0)) for joint in lanes], rtol=1e-9, atol=1e-12
    )


REFERENCES = {
    "naive": lambda d, lr, b: dense.naive(d),
    "lookahead": lambda d, lr, b: dense.lookahead(d, b),
    "lola": lambda d, lr, b: dense.lola(d, b),
    "lola_taylor": lambda d, lr, b: dense.lola_taylor(d, b),
    "lola_original": lambda d, lr, b: dense.lola_original(d, b),
    "hola2": lambda d, lr, b: dense.hola2(d, b),
    "sos": lambda d, lr, b: dense.sos(d, b, 0.5, 0.1),
    "pola": lambda d, lr, b: dense.pola(d, lr, b, 0.1, iterations=3),
    "consensus": lambda d, lr, b: dense.consensus(d, 1.0),
    "sga": lambda d, lr, b: dense.sga(d, 0.1),
    "extragradient": lambda d, lr, b: dense.extragradient(d, lr),
    "optimistic": lambda d, lr, b: dense.naive(d),
    "cgd": lambda d, lr, b: dense.cgd(d, b),
    "lss": lambda d, lr, b: dense.lss(d, 0.1),
    "alternating": lambda d, lr, b: np.where(np.arange(len(d.at)) < d.slices[0].stop, dense.naive(d), 0.0),
}


@over_games
@over_learners
def test_a_step_is_the_papers_formula_on_dense_matrices(entry, game):
    game = MAKERS[game]()
    lr, look_ahead = 0.3, 0.2
    tight = {"cgd": {"tolerance": 1e-12, "iterations": 100}, "pola": {"tolerance": 0.0, "iterations": 3}}.get(
        entry.name, {}
    )
    for seed in range(2):
        joint = at(game, seed)
        expected = -lr * REFERENCES[entry.name](dense.Dense(game, joint), lr, look_ahead)
        ours = flat(steps(game, made(entry, lr=lr, look_ahead=look_ahead, **tight), joint, joint, 0))
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_the_references_hessians_are_the_differences_of_their_gradients():
    game = MAKERS["ipd"]()
    d = dense.Dense(game, at(game))
    for i in range(d.n):
        differences = np.concatenate(
            [d.slope(lambda x, i=i, k=k: d.gradients(x)[i, k], 0) for k in range(10)]
        ).reshape(10, -1)
        np.testing.assert_allclose(d.hessians(d.at)[i][:, d.slices[0]], differences, rtol=1e-6, atol=1e-8)


def test_the_optimistic_step_remembers_the_last_gradient():
    game = MAKERS["ipd"]()
    before, now = (dense.naive(dense.Dense(game, at(game, seed))) for seed in (0, 1))
    ours = flat(steps(game, LEARNERS.make("optimistic", lr=0.3), at(game, 0), at(game, 1), 1))
    np.testing.assert_allclose(ours, -0.3 * (2 * now - before), rtol=1e-9)


@pytest.mark.parametrize("k", [2, 3])
def test_lola_looks_several_steps_ahead(k):
    game = MAKERS["tandem"]()
    expected = -0.3 * dense.lola(dense.Dense(game, at(game)), 0.2, steps=k)
    np.testing.assert_allclose(
        flat(steps(game, Lola(0.3, 0.2, steps=k), at(game), at(game), 0)), expected, rtol=1e-6
    )


def test_a_longer_look_ahead_is_no_longer_program():
    def size(learner, game, key):
        return len(
            str(
                jax.make_jaxpr(lambda joint: learner.update((), View(game, joint, 0, key))[0])(game.init(key))
            )
        )

    ipd, key = GAMES.make("ipd"), jax.random.key(0)
    sizes = [size(Lola(steps=k), ipd, key) for k in (1, 2, 3, 5, 9)]
    assert max(sizes[1:]) - min(sizes[1:]) < 100  # as many equations, whatever their numbers
    assert sizes[1] < 3 * sizes[0]


def test_every_step_of_a_long_look_ahead_draws_anew_as_it_did_one_by_one():
    game, key = Sampled(ENVIRONMENTS.make("ipd_rollout", length=3), batch=4), jax.random.key(7)
    view = View(game, game.init(jax.random.key(0)), 0, key)
    expected = view.params
    for step in range(3):
        there = View(game, expected, 0, jax.random.fold_in(key, step))
        expected = (expected[0], expected[1] + 0.5 * there.gradient(expected, 1))
    for found, wanted in zip(view.look_ahead(view.params, 0.5, 3), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


@over_games
def test_hola_of_order_one_is_exact_lola(game):
    game = MAKERS[game]()
    ours, lola = (
        flat(steps(game, x, at(game), at(game), 0)) for x in (Hola(0.3, 0.2, order=1), Lola(0.3, 0.2))
    )
    np.testing.assert_allclose(ours, lola, rtol=1e-9, atol=1e-12)


def test_sos_without_its_shaping_term_is_lookahead():
    """With alignment 0, p is 0 wherever the shaping term points against LookAhead's direction; stag hunt has such points."""
    game = GAMES.make("stag_hunt")
    against = 0
    for seed in range(12):
        joint = at(game, seed)
        d = dense.Dense(game, joint)
        ours, lookahead = (
            flat(steps(game, x, joint, joint, 0)) for x in (Sos(0.3, 0.2, alignment=0.0), LookAhead(0.3, 0.2))
        )
        same = np.allclose(ours, lookahead, rtol=1e-9, atol=1e-12)
        assert same == (d.chi(d.at) @ dense.lookahead(d, 0.2) > 0)
        against += same
    assert 0 < against < 12


def test_sos_measures_its_shaping_on_either_side_of_alignment():
    game = GAMES.make("stag_hunt")
    sides = set()
    for seed in range(12):
        joint = at(game, seed)
        d = dense.Dense(game, joint)
        for alignment in (0.01, 0.5):
            expected = -0.3 * dense.sos(d, 1.0, alignment, 0.1)
            np.testing.assert_allclose(
                flat(steps(game, Sos(0.3, 1.0, alignment), joint, joint, 0)), expected, rtol=1e-8
            )
        sides.add(bool(d.chi(d.at) @ dense.lookahead(d, 1.0) > 0))
    assert sides == {True, False}


def test_sos_shrinks_its_shaping_near_fixed_points():
    game = MAKERS["tandem"]()
    joint = (jnp.array([0.5]), jnp.array([0.5 + 1e-3]))
    expected = -0.3 * dense.sos(dense.Dense(game, joint), 0.2, 0.5, 0.1)
    np.testing.assert_allclose(flat(steps(game, Sos(0.3, 0.2), joint, joint, 0)), expected, rtol=1e-9)


@pytest.mark.parametrize("game", ["ipd", "three_players"])
def test_lookahead_is_the_first_order_of_cgd(game):
    game = MAKERS[game]()

    def gap(b):
        cgd, lookahead = (
            flat(steps(game, x, at(game), at(game), 0))
            for x in (Cgd(0.3, b, iterations=100, tolerance=1e-13), LookAhead(0.3, b))
        )
        return float(jnp.abs(cgd - lookahead).max())

    assert gap(1e-3) / gap(5e-4) == pytest.approx(4, rel=0.05)


@over_learners
def test_fixed_points_are_kept_or_moved_as_declared(entry):
    game = MAKERS["tandem"]()
    joint = (jnp.array([0.3]), jnp.array([0.7]))  # on the line x + y = 1, where both gradients vanish
    learner = made(entry, lr=0.3, look_ahead=0.2)
    largest = max(float(jnp.abs(flat(steps(game, learner, joint, joint, t))).max()) for t in range(2))
    assert largest < 1e-12 if entry.facts["keeps_fixed_points"] else largest > 1e-3


def test_every_learner_declares_its_facts():
    for entry in LEARNERS:
        names = {
            "learns",
            "look_ahead",
            "keeps_fixed_points",
            "simultaneous",
            "sampled",
            "anywhere",
            "tabular",
            "trained",
            "automaton",
        }
        assert set(entry.facts) == names
        assert entry.facts["look_ahead"] is None or entry.facts["look_ahead"] in entry.settings()


@over_learners
def test_three_players_learn(entry):
    game = MAKERS["three_players"]()
    learner = made(entry, lr=0.1)
    assert np.isfinite(flat(steps(game, learner, at(game), at(game), 0))).all()


def other_numbers(learner, factor):
    """The same learner with every number scaled."""
    return jax.tree.map(lambda x: x * factor if eqx.is_inexact_array(x) else x, learner)


@over_learners
def test_other_numbers_compile_nothing(entry):
    game = MAKERS["tandem"]()
    learner = made(entry, lr=0.1)
    fast = other_numbers(learner, 0.5)
    first = play(game, [learner] * 2, 0, steps=3, seeds=2)
    with compilations() as count:
        second = play(game, [learner, fast], 0, steps=3, seeds=2)
    assert count == []
    assert not np.array_equal(first.params[1], second.params[1])


@pytest.mark.parametrize("name", ["naive", "lola", "sos", "cgd"])
def test_a_sweep_of_other_numbers_compiles_nothing(name):
    game = MAKERS["tandem"]()
    entry = LEARNERS.get(name)
    play(game, [sweep(entry.make, lr=[0.1, 0.2]), Naive(0.1)], steps=3, seeds=2)
    grid = sweep(entry.make, lr=[0.3, 0.4])
    with compilations() as count:
        play(game, [grid, Naive(0.1)], steps=3, seeds=2)
    assert count == []


@over_learners
def test_same_key_same_run_and_another_key_another(entry):
    game = MAKERS["tandem"]()
    runs = [play(game, [made(entry, lr=0.1)] * 2, key, steps=3, seeds=2).values for key in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("entry", [e for e in PLAYING if e.facts["learns"]], ids=lambda e: e.name)
def test_tables_call_a_learner_what_it_is_asked_for_as(entry):
    """A learner made of another one says of which."""
    assert entry.make().label in (
        entry.name,
        {"alternating": "alternating(naive)", "pola_om": "modeling(pola_dice)"}.get(entry.name),
    )


@pytest.mark.parametrize("entry", STANDING, ids=lambda e: e.name)
def test_a_fixed_strategy_plays_its_probabilities_for_ever(entry):
    game = GAMES.make("ipd")
    learner = entry.make()
    match = play(game, [learner, Naive()], steps=3, seeds=2, trajectory=True)
    played = jax.nn.sigmoid(match.trajectory[0])
    np.testing.assert_allclose(played, np.broadcast_to(learner.probabilities, played.shape), atol=1e-12)
    assert match.learners[0] == entry.name == learner.label


def test_a_fixed_strategy_refuses_a_table_it_does_not_fit():
    with pytest.raises(ValueError, match=r"'tft'.*\(5,\).*player 1 .*'rock_paper_scissors'"):
        play(GAMES.make("rock_paper_scissors"), [Naive(), Fixed.named("tft")], steps=1)
    with pytest.raises(ValueError, match=r"probabilities is 1.5.*\[0, 1\]"):
        Fixed([0.5, 1.5])


def test_a_single_probability_fits_any_table():
    match = play(
        GAMES.make("ipd_contribution", n_players=3),
        [Fixed(1.0, "giver"), Fixed(0.0, "taker"), Fixed(0.5, "coin")],
        steps=1,
    )
    assert [float(jax.nn.sigmoid(p).mean()) for p in match.params] == [1.0, 0.0, 0.5]


@pytest.mark.parametrize("entry", LEARNING, ids=lambda e: e.name)
def test_bad_numbers_are_refused_with_a_sentence(entry):
    for bad in (-0.1, float("nan")):
        with pytest.raises(ValueError, match=f"lr is {bad}.*at least 0"):
            entry.make(lr=bad)


def test_choices_and_counts_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match=r"variant 'tailor'.*did you mean 'taylor'"):
        Lola(variant="tailor")
    with pytest.raises(ValueError, match="variant='exact'"):
        Lola(variant="taylor", steps=2)
    with pytest.raises(ValueError, match=r"order is 0.*at least 1"):
        Hola(order=0)
    with pytest.raises(ValueError, match=r"'naive'.*'rate'.*lr"):
        LEARNERS.make("naive", rate=1.0)
    with pytest.raises(ValueError, match="did you mean 'lola'"):
        LEARNERS.make("lolla")


def test_learners_are_values():
    """Frozen, with numbers as leaves: nothing a learner holds but its numbers is data."""
    for entry in LEARNING:
        learner = entry.make()
        assert all(eqx.is_inexact_array(leaf) for leaf in jax.tree.leaves(learner))
        with pytest.raises(dataclasses.FrozenInstanceError):
            learner.lr = 1.0
