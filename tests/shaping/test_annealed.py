"""Learning alone at first: every player in an environment of its own, and the coin that falls for playing together more and more often."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import MatrixGame
from shaping import Lola, Naive
from shaping.meta.game import MetaGame
from shaping.model_free import Annealed, Apart, Method, Report, gaussian
from shaping.model_free.episodes import episode_keys, play_episodes
from shaping.training.mfos import against_naive
from tests.reference import toys

POINTS = gaussian(2, 2, width=8, least=0.01)
TOGETHER, HERS, HIS = (
    toys.reach(center=c) for c in (((0.5, -0.5), (-0.8, 0.2)), ((0.9, 0.9),), ((-0.1, 0.4),))
)
APART = Apart((HERS, HIS))


class Pulled(Method):
    """Moves every policy to what its player sees first, plus noise."""

    length: int = 1

    def init(self, policies):
        return jnp.zeros(2)

    def step(self, env, policies, state, key):
        seen = env.reset(key)[0]
        noise = jax.random.normal(key, (2,))
        return seen + noise[:, None], state + 1, Report(noise, noise, noise[0], noise > 0)


@pytest.fixture(autouse=True)
def quickly(quickly_compiled):
    """The programs are tiny: the compiler need not do its best."""


@pytest.fixture(scope="module")
def policies():
    return jax.vmap(POINTS)(jax.random.split(jax.random.key(0), 2))


def test_apart_everybody_plays_an_environment_of_its_own(policies):
    played = jax.jit(lambda keys: play_episodes(APART, policies, keys, 1))(
        episode_keys(jax.random.key(1), 16)
    )
    for player, env in enumerate((HERS, HIS)):
        observed, actions = played.observations[0, :, player], played.actions[0, :, player]
        np.testing.assert_allclose(observed, jnp.broadcast_to(env.center, observed.shape))
        expected = -np.sum((np.array([1.0, 2.0]) * np.asarray(actions - env.center)) ** 2, axis=-1)
        np.testing.assert_allclose(played.rewards[0, :, player], expected, rtol=1e-5)
    assert played.alive.all()


def test_an_iteration_is_the_methods_own_in_one_of_the_two():
    """Never alone at rate 1, always at rate 0; the rate is data."""
    method, key, policies = Pulled(), jax.random.key(3), jnp.ones((2, 2))

    @jax.jit
    def step(rate):
        annealed = Annealed(method, APART, rate)
        return annealed.step(TOGETHER, policies, annealed.init(policies), key)

    for rate, env in ((0.0, APART), (1.0, TOGETHER)):
        after, (inner, count), seen = step(rate)
        expected = method.step(env, policies, method.init(policies), jax.random.split(key)[1])
        jax.tree.map(np.testing.assert_array_equal, (after, inner, seen), expected)
        assert count == 1


@pytest.mark.parametrize("before", [0, 99, 599, 700])
def test_the_coin_falls_as_announced(before):
    coins = jax.random.split(jax.random.key(before), 4000)
    share = float(
        jax.vmap(lambda coin: Annealed(Pulled(), APART).is_alone(coin, jnp.uint32(before)))(coins).mean()
    )
    expected = max(0.0, 1 - 0.0015 * (before + 1))
    assert abs(share - expected) <= 4 * (expected * (1 - expected) / 4000) ** 0.5


def test_the_others_are_naive_where_a_policy_learns_alone():
    game = MatrixGame(np.random.default_rng(0).normal(size=(3, 2, 2, 2)))
    first, last = against_naive(MetaGame(game, [None, Lola(), None], steps=7, warm_up=0))
    assert [type(x) for x in first.learners] == [type(None), Lola, Naive]
    assert [type(x) for x in last.learners] == [Naive, Lola, type(None)]
    assert (first.steps, last.warm_up) == (7, 0)
