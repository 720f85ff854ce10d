"""COLA: consistent updates in closed form, networks trained to them, and how they play."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from analysis.consistency import (
    anticipated_gradients,
    consistency_loss,
    cosine,
    cosine_similarity,
    directions,
)
from analysis.tournaments.run import tournament
from games import GAMES, MatrixGame
from shaping import Cgd, Hola, Lola, LookAhead, Naive, play
from shaping.checkpoint import folder as checkpoint
from shaping.learners.cola import Cola, new_networks, normal_network
from shaping.training import ColaTrainer, run
from shaping.training.presets import cola
from tests.reference.smooth_games import consistent_on_tandem, uniform_parameters

TANDEM = GAMES.make("tandem")
LINEAR = cola("tandem", "quick") | {"hidden": ()}
"""The smaller of the two presets, its networks without hidden layers."""
ITERATIONS = LINEAR.pop("iterations")


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Small programs that run a few times: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def linear(weights, bias):
    """A network without hidden layers."""
    network = normal_network(jax.random.key(0), (len(weights), 1), "relu", 0.0)
    return jax.tree.unflatten(
        jax.tree.structure(network), [jnp.array([weights], float), jnp.array([bias], float)]
    )


def losses(game, learner, params, b):
    """Consistency losses in self-play at many parameters."""
    return all_losses(game, learner, params, jnp.asarray(b, float))


@eqx.filter_jit
def all_losses(game, learner, params, b):
    return jax.vmap(lambda p: consistency_loss(game, [learner] * game.n_players, p, b))(params)


@eqx.filter_jit
def steps(game, learner, params):
    """Everybody's directions in self-play."""
    return directions(game, [learner] * game.n_players, params)


@pytest.mark.parametrize("b", [0.01, 0.1, 0.5, 1.0])
def test_the_closed_form_is_consistent_at_every_look_ahead(b, x64):
    """Where HOLA's orders diverge, from b = 1/2 on, too."""
    p, q = consistent_on_tandem(b)
    learner = Cola((linear([q, q], p),) * 2)
    assert losses(TANDEM, learner, uniform_parameters(), b).max() < 1e-24
    assert losses(TANDEM, Lola(look_ahead=b), uniform_parameters(), b).mean() > 1e-6


def test_hola_tends_to_the_closed_form(x64):
    p, q = consistent_on_tandem(0.1)
    at = (jnp.array([0.3]), jnp.array([-0.8]))
    errors = [
        abs(float(steps(TANDEM, Hola(look_ahead=0.1, order=n), at)[0][0]) - (p + q * -0.5)) for n in (1, 2)
    ]
    assert errors[0] > 2 * errors[1] > 0


def test_training_finds_the_closed_form(x64):
    """A network without hidden layers, on the game whose consistent updates are linear."""
    training = run(ColaTrainer(TANDEM, **LINEAR), iterations=ITERATIONS, chunk=1000)
    best = training.learners[0]
    p, q = consistent_on_tandem(0.1)
    assert losses(TANDEM, best, uniform_parameters(), 0.1).max() < 1e-10
    for network in best.networks:
        assert network.layers[0].bias is not None
        np.testing.assert_allclose(network.layers[0].weight, [[q, q]], atol=1e-5)
        np.testing.assert_allclose(network.layers[0].bias, [p], atol=1e-5)
    loss = training.record.loss[:, 0]
    assert loss[-100:].mean() < 1e-6 * loss[:100].mean()


@pytest.mark.parametrize(("order", "published"), [(1, 0.94), pytest.param(2, 0.98, marks=pytest.mark.slow)])
def test_cosine_similarity_to_hola_on_tandem(order, published, x64):
    """Table 1b at look-ahead .1, COLA against LOLA and HOLA2; two digits are printed."""
    p, q = consistent_on_tandem(0.1)
    cola, hola = Cola((linear([q, q], p),) * 2), Hola(look_ahead=0.1, order=order)
    found = jax.jit(jax.vmap(lambda at: cosine_similarity(TANDEM, [cola] * 2, [hola] * 2, at)))(
        uniform_parameters(20_000)
    )
    assert float(found.mean()) == pytest.approx(published, abs=0.01)


def test_cosine_is_that_of_the_angle():
    x, y = (jnp.array([3.0, 0.0]), jnp.array([4.0])), (jnp.array([0.0, 1.0]), jnp.array([1.0]))
    assert float(cosine(x, y)) == pytest.approx(4 / (5 * np.sqrt(2)))
    assert float(cosine(x, tuple(-2 * v for v in x))) == pytest.approx(-1)


def test_what_a_learner_of_one_order_anticipates_is_the_next_order(x64):
    game, at = GAMES.make("matching_pennies"), (jnp.array([0.3]), jnp.array([-0.8]))
    ours = jax.jit(lambda at: anticipated_gradients(game, [Lola(look_ahead=2.0)] * 2, at, 2.0))(at)
    for a, b in zip(ours, steps(game, Hola(look_ahead=2.0, order=2), at), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(
    ("learner", "factor"),
    [(Cgd(look_ahead=0.25, iterations=4, tolerance=0.0), 1 / 1.5), (LookAhead(look_ahead=0.25), 0.5)],
    ids=["cgd", "lookahead"],
)
def test_competitive_gradients_are_not_consistent(learner, factor, x64):
    """On tandem, b = 1/4: CGD's direction is (2 - 2s)/(1 + 2b), LookAhead's (2 - 2s)(1 - 2b); what either should anticipate is known."""
    b, s, p, q = 0.25, -0.5, 2 * factor, -2 * factor
    gap = p + q * s - (2 - 2 * (1 + b * q) * (s + b * (p + q * s)))
    at = (jnp.array([[0.3]]), jnp.array([[-0.8]]))
    assert float(losses(TANDEM, learner, at, b)[0]) == pytest.approx(2 * gap**2, rel=1e-6)


def test_networks_that_stand_still_miss_the_gradient(x64):
    """Directions of 0 leave the whole simultaneous gradient as gap; three players with different numbers of parameters."""
    game = MatrixGame(jax.random.normal(jax.random.key(2), (3, 2, 3, 2)))
    at = game.init(jax.random.key(0))
    still = Cola(new_networks(game, jax.random.key(1), hidden=(), std=0.0))
    expected = sum(float((d**2).sum()) for d in steps(game, Naive(), at))
    assert float(losses(game, still, jax.tree.map(lambda x: x[None], at), 0.7)[0]) == pytest.approx(
        expected, rel=1e-9
    )


def test_a_network_sees_its_player_first_then_the_others_by_seat():
    game = MatrixGame(jnp.zeros((3, 2, 2, 2)))
    joint = tuple(jnp.array([float(seat)]) for seat in range(3))
    learner = Cola((linear([1.0, 10.0, 100.0], 0.0),) * 3)
    assert [float(d[0]) for d in steps(game, learner, joint)] == [210.0, 201.0, 102.0]


def test_what_the_networks_see_is_clamped():
    learner = Cola(new_networks(TANDEM, jax.random.key(0), hidden=(4,), std=1.0), bound=0.5)
    far, edge = ((jnp.array([9.0]), jnp.array([-9.0])), (jnp.array([0.5]), jnp.array([-0.5])))
    assert (
        steps(TANDEM, learner, far)
        == steps(TANDEM, learner, edge)
        != steps(TANDEM, learner, (far[0] / 90, far[1] / 90))
    )


def test_a_round_robin_gives_every_seat_its_own_network():
    """Matching pennies is played with both seats in one batch; every cell equals the match of its pairing."""
    game = GAMES.make("matching_pennies")
    learners = {
        "cola": Cola(new_networks(game, jax.random.key(3), hidden=(4,), std=2.0), bound=7.0),
        "naive": Naive(),
    }
    frame = tournament([game], learners, steps=4, seeds=2).frame
    for row, column in (("cola", "cola"), ("cola", "naive"), ("naive", "cola")):
        match = play(game, [learners[row], learners[column]], steps=4, seeds=2)
        cell = frame[(frame["learner_0"] == row) & (frame["learner_1"] == column)]
        for seat in range(2):
            found = cell.loc[cell["seat"] == seat, "value"]
            np.testing.assert_allclose(found, match.values[:, -1, seat], rtol=1e-5, atol=1e-6)


def test_another_game_than_the_networks_is_refused():
    with pytest.raises(
        ValueError,
        match=r"Cola.*\(1, 1\).*\(5, 5\)",
    ):
        play(GAMES.make("ipd"), [Cola((linear([1.0, 1.0], 0.0),) * 2), Naive()], steps=1)


@pytest.mark.slow
def test_seeds_are_independent_of_how_many_there_are():
    two, one = (
        run(ColaTrainer(TANDEM, **LINEAR | {"seeds": seeds}), 5, iterations=40, chunk=10) for seeds in (2, 1)
    )
    assert two.record.loss.shape == (40, 2)
    for a, b in zip(jax.tree.leaves(one.state.networks), jax.tree.leaves(two.state.networks), strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-4, atol=1e-6)
    assert not np.allclose(two.record.loss[:, 0], two.record.loss[:, 1])
    np.testing.assert_allclose(one.record.loss[:, 0], two.record.loss[:, 0], rtol=1e-4)


def test_a_training_in_pieces_is_the_training_in_one():
    trainer, runs = ColaTrainer(TANDEM, **LINEAR | {"seeds": 2}), []
    whole = run(trainer, 5, iterations=40, callback=runs.append)
    assert [part.iterations for part in runs] == [10, 20, 30, 40]
    for part in runs:
        pieced = run(trainer, 5, iterations=40, start=part)
        for a, b in ((pieced.record, whole.record), (pieced.learners, whole.learners)):
            jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_training_of_which_every_seed_diverges_is_refused():
    trainer = ColaTrainer(TANDEM, **LINEAR | {"seeds": 2, "lr": 1e30})
    with pytest.raises(ValueError, match=r"'cola' left the finite numbers .*smaller lr or look_ahead"):
        run(trainer, iterations=40)


def test_a_trained_cola_is_kept_and_plays(tmp_path):
    best = run(ColaTrainer(TANDEM, **LINEAR), 5, iterations=40).learners[0]
    checkpoint.save(best, tmp_path, game=TANDEM, note={"settings": LINEAR})
    loaded = checkpoint.load(tmp_path, TANDEM)
    matches = [play(TANDEM, [learner, Naive(0.1)], steps=5, seeds=2) for learner in (best, loaded)]
    np.testing.assert_array_equal(matches[0].values, matches[1].values)
