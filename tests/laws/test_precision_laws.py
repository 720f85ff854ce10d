"""Games, learners and programs built anywhere, in any precision: results take the precision of the parameters.

`jax.eval_shape` traces a program, derivatives included, without compiling it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS, GAMES, STRATEGIES, Iterated, MatrixGame, policy
from games.sampled.catalog import PLAYABLE
from games.sampled.game import Sampled
from shaping import LEARNERS, Lola, Naive, View, play

pytestmark = pytest.mark.usefixtures("quickly_compiled")
KEY = jax.eval_shape(lambda: jax.random.key(0))
HEAVY = {"ipd_gru", "coin_lola", "coin_loqa", "coin_mfos", "coin_jaxmarl", "ipd_in_the_matrix", "imp_rollout"}
every_game = pytest.mark.parametrize(
    "entry",
    [pytest.param(e, id=e.name, marks=[pytest.mark.slow] if e.name in HEAVY else []) for e in PLAYABLE],
)
every_learner = pytest.mark.parametrize(
    "entry", [entry for entry in LEARNERS if not entry.facts["trained"]], ids=lambda e: e.name
)


def types(game):
    """The floating-point types of parameters, values and gradients."""

    def everything(key):
        params = game.init(key)
        slope = jax.grad(lambda p: game.values(p, key)[0])(params)
        return params, game.values(params, key), game.per_step(game.values(params, key)), slope

    return {
        x.dtype.name
        for x in jax.tree.leaves(jax.eval_shape(everything, KEY))
        if jnp.issubdtype(x.dtype, jnp.floating)
    }


@every_game
@pytest.mark.filterwarnings(
    "ignore:Explicitly requested dtype"
)  # JAX, of what a sampled game holds in float64
def test_a_game_can_be_used_in_another_precision_than_it_was_made_in(entry):
    game = entry.make()
    with jax.enable_x64(True):
        assert types(game) == {"float64"}
        precise = entry.make()
    assert types(precise) == {"float32"}


@pytest.mark.parametrize(("memory", "discount"), [(1, 0.9), (1, 1.0), (2, 0.9)])
def test_results_take_the_precision_of_the_parameters(memory, discount):
    payoffs = MatrixGame.symmetric([[-1, -3], [0, -2]])
    rough = Iterated(payoffs, discount, memory)
    own = np.random.default_rng(0).normal(size=rough.shapes[0])
    with jax.enable_x64(True):
        precise = Iterated(payoffs, discount, memory)
        for game in (rough, precise):
            low, high = (game.values((jnp.asarray(own, t),) * 2) for t in (jnp.float32, jnp.float64))
            assert (low.dtype, high.dtype) == (jnp.float32, jnp.float64)
            np.testing.assert_allclose(game.per_step(low), game.per_step(high), rtol=1e-5)
    outside = precise.values((jnp.asarray(own, jnp.float32),) * 2)
    assert outside.dtype == jnp.float32
    np.testing.assert_allclose(outside, low, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
def test_matches_in_another_precision():
    def matched(game, learners):
        return jax.eval_shape(lambda key: play(game, learners, key, steps=2).values, KEY).dtype

    game, learners = GAMES.make("ipd"), [Lola(), Naive()]
    with jax.enable_x64(True):
        assert matched(game, learners) == jnp.float64
        precise, exact = GAMES.make("ipd"), [Lola(), Naive()]
    assert matched(precise, exact) == jnp.float32


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_payoffs_of_low_precision_leave_results_theirs(dtype):
    stage = MatrixGame(jnp.asarray([[[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]], dtype))
    for game in (stage, Iterated(stage, 0.96), Iterated(stage, 1.0)):
        assert types(game) == {"float32"}
    values = Iterated(stage, 0.96).values((jnp.zeros(5),) * 2)
    np.testing.assert_allclose(values, -37.5, rtol=1e-5)


@every_game
def test_every_game_can_be_built_inside_a_compiled_function(entry):
    def values(key):
        game = entry.make()
        return game.values(game.init(key), key)

    assert jax.eval_shape(values, KEY).shape == (entry.make().n_players,)


@pytest.mark.parametrize("entry", list(ENVIRONMENTS), ids=lambda e: e.name)
def test_every_environment_can_be_built_inside_a_compiled_function(entry):
    assert jax.tree.leaves(jax.eval_shape(lambda key: entry.make().reset(key), KEY))


@pytest.mark.parametrize("entry", list(STRATEGIES), ids=lambda e: e.name)
def test_every_strategy_can_be_built_inside_a_compiled_function(entry):
    assert jax.eval_shape(lambda: policy(entry.name)).shape == (5,)


@every_learner
def test_every_learner_can_be_built_inside_a_compiled_function(entry):
    sampled = entry.facts["sampled"]

    def step(key):
        game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=3), batch=2) if sampled else GAMES.make("ipd")
        learner, joint = entry.make(), game.init(key)
        view = View(game, joint, 0, key)
        return learner.update(learner.init(view), view)[0], joint[0]

    found, own = jax.eval_shape(step, KEY)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), found) == jax.tree.map(
        lambda x: (x.shape, x.dtype), own
    )


def test_payoffs_and_discounts_as_axes_of_a_batch():
    """A family of games inside one compiled function, against the games one by one."""
    own = jnp.linspace(-1, 1, 5)

    def value(temptation, discount):
        game = Iterated(
            MatrixGame.symmetric(jnp.array([[-1.0, -3.0], [0.0, -2.0]]).at[1, 0].set(temptation)), discount
        )
        return game.per_step(game.values((own, -own)))

    together = jax.jit(jax.vmap(value))(jnp.array([0.0, 0.5]), jnp.array([0.5, 0.9]))
    for found, temptation, discount in zip(together, (0.0, 0.5), (0.5, 0.9), strict=True):
        game = GAMES.make("ipd", discount=discount, payoffs=[[-1, -3], [temptation, -2]])
        np.testing.assert_allclose(found, game.per_step(game.values((own, -own))), rtol=1e-5)
    compiled = jax.jit(lambda p: GAMES.make("ipd").values((p, p)))(own)
    np.testing.assert_allclose(compiled, GAMES.make("ipd").values((own, own)), rtol=1e-6)
