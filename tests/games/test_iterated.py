import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from jax.flatten_util import ravel_pytree

from games import Iterated, MatrixGame
from games.exact import markov_chain as chain
from games.exact.iterated import own_first
from games.exact.tables import CERTAIN, logits, probabilities
from tests.reference import chains
from tests.reference.exact_games import IPD, values

pytestmark = pytest.mark.usefixtures("quickly_compiled")
SHAPES = {
    "2x2": ((2, 2), 1),
    "2x2, memory 2": ((2, 2), 2),
    "2x2, memory 3": ((2, 2), 3),
    "2x3": ((2, 3), 1),
    "3x3": ((3, 3), 1),
    "2x2x2": ((2, 2, 2), 1),
    "3x2x2": ((3, 2, 2), 1),
    "2x2x2, memory 2": ((2, 2, 2), 2),
    "2x2x2x2": ((2, 2, 2, 2), 1),
}


def drawn(shape, memory, discount, seed=0, spread=2.0):
    """A random game, random parameters, and the players' tables as the reference wants them."""
    rng = np.random.default_rng(seed)
    payoffs = rng.normal(size=(len(shape), *shape))
    game = Iterated(MatrixGame(payoffs), discount, memory)
    params = tuple(jnp.asarray(spread * rng.normal(size=own.shape)) for own in game.init(jax.random.key(0)))
    return game, params, payoffs, tables(game, params)


def tables(game, params):
    return [
        np.asarray(probabilities(own, a), dtype=float) for own, a in zip(params, game.n_actions, strict=True)
    ]


def certain(own, rng):
    """A deterministic policy of the same shape."""
    if own.ndim == 1:
        return jnp.asarray(np.where(rng.random(own.shape) < 0.5, CERTAIN, -CERTAIN))
    return jnp.asarray(
        np.where(
            np.arange(own.shape[1]) == rng.integers(own.shape[1], size=own.shape[:1])[:, None],
            CERTAIN,
            -CERTAIN,
        )
    )


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("discount", [0.0, 0.5, 0.96])
@pytest.mark.parametrize("name", SHAPES)
def test_discounted_value_is_the_sum_over_time(name, discount):
    game, params, payoffs, table = drawn(*SHAPES[name], discount)
    expected = chains.discounted(payoffs, table, game.memory, discount)
    np.testing.assert_allclose(values(game, params), expected, rtol=1e-9)
    np.testing.assert_allclose(game.per_step(expected), (1 - discount) * expected)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", ["random", "deterministic", "reducible"])
@pytest.mark.parametrize("name", SHAPES)
def test_average_is_the_limit_of_long_products(name, kind):
    shape, memory = SHAPES[name]
    for seed in range(3 if memory * len(shape) > 3 else 8):
        game, params, payoffs, _ = drawn(shape, memory, 1.0, seed)
        rng = np.random.default_rng(100 + seed)
        if kind == "deterministic":
            params = tuple(certain(own, rng) for own in params)
        elif kind == "reducible":  # half the rows certain, the other half random
            which = [rng.random(own.shape[0]) < 0.5 for own in params]
            params = tuple(
                jnp.where(w if own.ndim == 1 else w[:, None], certain(own, rng), own)
                for w, own in zip(which, params, strict=True)
            )
        expected = chains.average(payoffs, tables(game, params), memory)
        np.testing.assert_allclose(values(game, params), expected, rtol=1e-8, atol=1e-8)


corner = st.sampled_from([0.0, 1.0, 0.3, 0.5, 0.9])
policy = st.lists(corner, min_size=5, max_size=5)


@settings(max_examples=150)
@given(p=policy, q=policy)
def test_average_for_any_pattern_of_certainty(p, q):
    with jax.enable_x64(True):
        found = values(Iterated(MatrixGame.symmetric(IPD), 1.0), (logits(p), logits(q)))
    np.testing.assert_allclose(found, chains.memory_one(p, q, [IPD, np.transpose(IPD)], 1.0), atol=1e-7)


@pytest.mark.usefixtures("x64")
def test_average_is_the_limit_of_the_discounted_value():
    rng = np.random.default_rng(3)
    patient, limit = Iterated(MatrixGame.symmetric(IPD), 1 - 1e-9), Iterated(MatrixGame.symmetric(IPD), 1.0)
    for _ in range(20):
        params = tuple(logits(rng.choice([0.0, 0.2, 0.7, 1.0], size=5)) for _ in range(2))
        np.testing.assert_allclose(
            patient.per_step(values(patient, params)), values(limit, params), atol=1e-6
        )


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("discount", [0.9, 1.0])
@pytest.mark.parametrize(
    "name", ["2x2", *(pytest.param(x, marks=pytest.mark.slow) for x in ("2x2, memory 2", "3x3")), "2x2x2"]
)
def test_gradient_equals_finite_differences(name, discount):
    game, params, *_ = drawn(*SHAPES[name], discount, seed=5, spread=1.0)
    flat, rebuild = ravel_pytree(params)
    h, steps = 1e-5, jnp.eye(flat.size)

    def valued(x):
        return game.values(rebuild(x))

    moved = jax.jit(jax.vmap(valued))
    above, below = (moved(flat[None] + sign * h * steps) for sign in (1, -1))
    numeric = (above - below).T / (2 * h)
    exact = jax.jit(jax.jacrev(valued))(flat)
    np.testing.assert_allclose(exact, numeric, atol=1e-6 * np.abs(numeric).max())
    np.testing.assert_allclose(jax.jit(jax.jacfwd(valued))(flat), exact, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_average_has_finite_derivatives_where_chains_are_reducible():
    game = Iterated(MatrixGame.symmetric(IPD), 1.0)
    params = (logits([1, 1, 0, 1, 0]), logits([0.5, 1, 1, 0, 0]))
    for derivative in (jax.jacrev(game.values), jax.hessian(game.values)):
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(jax.jit(derivative)(params)))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_longer_memory_that_is_ignored_changes_nothing(discount):
    rng = np.random.default_rng(2)
    short = Iterated(MatrixGame(rng.normal(size=(2, 2, 2))), discount)
    long = Iterated(short.stage, discount, memory=3)
    params = tuple(jnp.asarray(rng.normal(size=5)) for _ in range(2))
    histories = [0] + [
        1 + i % 4 for length in range(1, 4) for i in range(4**length)
    ]  # the latest joint action varies fastest
    ignoring = tuple(own[np.array(histories)] for own in params)
    np.testing.assert_allclose(values(long, ignoring), values(short, params), rtol=1e-10)


def test_a_longer_memory_is_used():
    """Against tit for two tats, two defections in a row are answered, one is not."""
    game = Iterated(MatrixGame.symmetric(IPD), 1.0, memory=2)
    rows = np.array(
        [1.0] * 5 + [0.0 if a % 2 and b % 2 else 1.0 for a in range(4) for b in range(4)]
    )  # odd: the other defected
    alternate = np.array([1.0, *([0.0, 0.0, 1.0, 1.0] * 5)])  # the opposite of one's own last action
    np.testing.assert_allclose(
        values(game, (logits(rows), logits(alternate))), [(-1 - 3) / 2, (-1 + 0) / 2], atol=1e-6
    )
    np.testing.assert_allclose(values(game, (logits(rows), logits(np.zeros(21)))), [-2, -2], atol=1e-6)


def test_own_action_comes_first_for_every_player():
    assert own_first((2, 2), 1, 0).tolist() == [0, 1, 2, 3, 4]
    assert own_first((2, 2), 1, 1).tolist() == [0, 1, 3, 2, 4]
    joint = [(a, b, c) for a in range(2) for b in range(3) for c in range(2)]
    assert own_first((2, 3, 2), 1, 1).tolist() == [0] + [1 + 4 * b + 2 * a + c for a, b, c in joint]
    assert own_first((2, 3, 2), 1, 2).tolist() == [0] + [1 + 6 * c + 3 * a + b for a, b, c in joint]


@pytest.mark.parametrize("name", ["2x2", "2x2x2"])
def test_average_under_jit_vmap_and_grad(name):
    shape, memory = SHAPES[name]
    game, *_ = drawn(shape, memory, 1.0)
    lanes = [tuple(p.astype(jnp.float32) for p in drawn(shape, memory, 1.0, seed)[1]) for seed in range(3)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *lanes)

    def slope(params):
        return jax.value_and_grad(lambda p: game.values(p)[0])(params)

    together, alone = jax.jit(jax.vmap(slope))(stacked), jax.jit(slope)
    for lane, params in enumerate(lanes):
        for x, y in zip(jax.tree.leaves(together), jax.tree.leaves(alone(params)), strict=True):
            np.testing.assert_allclose(x[lane], y, rtol=1e-3, atol=1e-5)


def test_average_keeps_tiny_probabilities():
    """Grim against itself with a tremble of 1e-6: float32 still knows how long cooperation lasts."""
    tremble = 1e-6
    transitions = jnp.array([[1 - tremble, tremble], [3 * tremble, 1 - 3 * tremble]])
    np.testing.assert_allclose(
        chain.average(jnp.log(transitions), jnp.array([[1.0], [0.0]]))[:, 0], [0.75, 0.75], rtol=1e-6
    )


@pytest.mark.parametrize("discount", [0.96, 1.0])
def test_frequencies_add_up_to_the_values(discount):
    game, params, payoffs, _ = drawn((2, 3), 1, discount)
    frequencies, per_step = jax.jit(lambda p: (game.frequencies(p), game.per_step(game.values(p))))(params)
    np.testing.assert_allclose(frequencies.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(payoffs.reshape(2, -1) @ frequencies, per_step, rtol=1e-4, atol=1e-5)


def test_numbers_are_data():
    traces = []

    @eqx.filter_jit
    def traced(game, params):
        traces.append(game)
        return game.values(params)

    params = (jnp.zeros(5), jnp.ones(5))
    for discount in (0.5, 0.9):
        for temptation in (0.0, 0.5):
            traced(Iterated(MatrixGame.symmetric([[-1, -3], [temptation, -2]]), discount), params)
    assert len(traces) == 1


def test_discount_that_rounds_to_one_is_the_average():
    nearly = Iterated(MatrixGame.symmetric(IPD), 1 - 1e-12)
    np.testing.assert_allclose(values(nearly, (logits(np.ones(5)), logits(np.ones(5)))), [-1, -1])


def test_payoffs_can_be_differentiated_and_batched():
    game, params, payoffs, _ = drawn((2, 2), 1, 0.9)

    def per_step(payoffs):
        return game.per_step(Iterated(MatrixGame(payoffs), 0.9).values(params))

    slopes = jax.jacrev(per_step)(jnp.asarray(payoffs, jnp.float32))
    np.testing.assert_allclose(slopes[0, 0].ravel(), game.frequencies(params), rtol=1e-4)
    np.testing.assert_allclose(slopes[0, 1], 0)
    family = jnp.asarray(np.stack([payoffs, 2 * payoffs]), jnp.float32)
    np.testing.assert_allclose(jax.vmap(per_step)(family)[1], 2 * per_step(family[0]), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda s: Iterated(s, 1.01), r"discount is 1.01.*\[0, 1\]"),
        (lambda s: Iterated(s, -0.1), r"discount is -0.1"),
        (lambda s: Iterated(s, float("nan")), r"discount is nan"),
        (lambda s: Iterated(s, jnp.array([0.5, 1.0])), "two criteria"),
        (lambda s: Iterated(s, memory=0), "memory is 0.*at least 1"),
        (lambda s: Iterated(s, memory=1.5), r"memory is 1.5"),
        (lambda s: Iterated(s, init_std=-1), r"init_std is -1"),
    ],
)
def test_bad_numbers_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make(MatrixGame.symmetric(IPD))


def test_a_stage_game_is_no_list_of_payoffs():
    with pytest.raises(ValueError, match=r"stage is a list.*MatrixGame"):
        Iterated([[-1, -3], [0, -2]])  # pyright: ignore[reportArgumentType]
