"""Policies trained by playing: known answers on a ladder of toys, and the laws of the three optimizers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from shaping.model_free import METHODS, Es, Ga, Ppo, categorical, gaussian
from shaping.model_free.episodes import episode_keys, greedy, play_episodes
from shaping.model_free.ppo import Batch
from shaping.training import PolicyTrainer, run
from tests.reference import toys
from tests.reference.compilations import compilations

SMALL = {
    "ppo": Ppo(lr=0.005, episodes=64, length=toys.HORIZON),
    "es": Es(lr=0.05, sigma=0.2, discount=0.99, pairs=32, episodes=16, length=toys.HORIZON),
    "ga": Ga(sigma=0.3, discount=0.99, population=64, parents=4, episodes=16, trials=64, length=toys.HORIZON),
}
CLICKS, POINTS = categorical(toys.SIZE, 2, width=16), gaussian(2, 2, width=16, least=0.01)

PLAY = eqx.filter_jit(play_episodes)


def train(env, draw, method, key=0, **settings):
    """A training in chunks of 60 iterations."""
    return run(PolicyTrainer(env, draw, method), key, chunk=60, **settings)


over_methods = pytest.mark.parametrize("name", list(METHODS))


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """The programs are tiny: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def with_discount(method, discount):
    return eqx.tree_at(lambda m: m.discount, method, jnp.asarray(discount, jnp.float32))


def chosen(policy):
    """The most probable action in every state."""
    return np.asarray(jax.vmap(policy.mode)(jnp.eye(toys.SIZE)))


@over_methods
@pytest.mark.parametrize("problem", ["bandit", "patience", "two_doors"])
def test_the_best_play_by_backward_induction_is_found(name, problem):
    env = getattr(toys, problem)()
    found = train(env, CLICKS, SMALL[name], iterations=60)
    assert found.record.ok.all()
    assert toys.worth(env, chosen(found.learners[0]), 0.99) == pytest.approx(toys.best(env, 0.99), abs=1e-9)


@over_methods
def test_an_impatient_policy_takes_what_comes_at_once(name):
    env = toys.patience()
    found = train(env, CLICKS, with_discount(SMALL[name], 0.5), iterations=60)
    assert toys.best(env, 0.5) == 0.5
    assert toys.worth(env, chosen(found.learners[0]), 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=pytest.mark.slow) if x != "ppo" else x for x in SMALL]
)
def test_every_player_reaches_its_own_point(name):
    """One fixed target each: the optimum of a quadratic, which PPO must find from samples and evolution from whole returns."""
    env = toys.reach()
    found = train(env, POINTS, SMALL[name], iterations=240)
    for player, target in enumerate(env.center):
        np.testing.assert_allclose(found.learners[player].mode(target), target, atol=0.15)


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=pytest.mark.slow) if x != "ppo" else x for x in SMALL]
)
def test_what_is_seen_is_what_is_reached(name):
    """Targets differ from episode to episode; the best policy copies its observation."""
    env = toys.reach(center=((0.0, 0.0), (0.5, 0.5)), spread=0.5, scale=(1.0, 1.0))
    found = train(env, POINTS, SMALL[name], iterations=240)
    played = PLAY(env, found.state.policies, episode_keys(jax.random.key(9), 64), 1, greedy)
    short = -np.asarray(played.rewards.mean(axis=(0, 1)))
    assert (short < 0.08).all()  # the best constant answer falls short by the variance, 2 * .25 / 3 = .17


@over_methods
def test_same_key_same_run_in_pieces_or_whole_and_another_key_another(name):
    env, looks = toys.reach(), []
    whole = train(env, POINTS, SMALL[name], 3, iterations=7)
    part = train(env, POINTS, SMALL[name], 3, iterations=2)
    pieces = train(
        env,
        POINTS,
        SMALL[name],
        iterations=7,
        start=part,
        callback=lambda now: looks.append(now.iterations),
    )
    jax.tree.map(np.testing.assert_array_equal, whole.record, pieces.record)
    jax.tree.map(np.testing.assert_array_equal, whole.state.policies, pieces.state.policies)
    assert looks == [7]
    other = train(env, POINTS, SMALL[name], 4, iterations=7)
    assert not np.array_equal(whole.record.returns, other.record.returns)


@over_methods
def test_other_numbers_compile_nothing(name):
    train(toys.reach(), POINTS, SMALL[name], iterations=1)
    other = jax.tree.map(lambda x: x * jnp.float32(0.9), SMALL[name])
    with compilations() as count:
        train(toys.reach(scale=(2.0, 1.0), spread=0.1), POINTS, other, 1, iterations=2)
    assert count == []


@over_methods
def test_what_is_not_finite_is_counted_and_teaches_nothing(name):
    lost = train(toys.reach(edge=0.0), POINTS, SMALL[name], iterations=2)
    fresh = train(toys.reach(edge=0.0), POINTS, SMALL[name], iterations=1)
    assert (lost.record.failed == 1).all()
    assert not lost.record.ok.any()
    jax.tree.map(np.testing.assert_array_equal, lost.state.policies, fresh.state.policies)
    some = train(toys.reach(edge=1.5), POINTS, SMALL[name], iterations=60)
    assert some.record.failed.max() > 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(some.state.policies))


def test_callbacks_come_between_chunks():
    looks = []
    train(
        toys.bandit(),
        CLICKS,
        SMALL["es"],
        iterations=125,
        callback=lambda now: looks.append(now.record.returns.shape),
    )
    assert looks == [(60, 1), (120, 1), (125, 1)]


def test_a_champion_is_never_exchanged_for_a_worse_one():
    """Where every episode is the same, what the champion gains never falls."""
    found = train(toys.reach(), POINTS, SMALL["ga"], 5, iterations=60)
    alone = found.record.returns[:, 0]
    assert (np.diff(alone) >= -1e-5).all()
    assert alone[-1] > alone[0]


def test_an_episode_does_not_depend_on_how_many_there_are():
    env = toys.reach(spread=0.5)
    policies = jax.vmap(POINTS)(jax.random.split(jax.random.key(0), 2))
    few, many = (PLAY(env, policies, episode_keys(jax.random.key(1), n), 1, greedy) for n in (3, 64))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b[:, :3], atol=1e-5), few[:5], many[:5])


def test_nothing_is_gained_after_the_end():
    """Every step pays 1, and the second is the last, of four that are played."""
    env = toys.finite(
        {0: 1.0},
        {(0, 0): {1: 1.0}, (0, 1): {1: 1.0}},
        {(s, a): 1.0 for s in range(3) for a in (0, 1)},
        last=(1,),
    )
    for method in SMALL.values():
        record = train(env, CLICKS, method, iterations=1).record
        assert record.returns.tolist() == [[2.0]]
        assert record.per_step.tolist() == [[1.0]]


class Linear(eqx.Module):
    """Two actions, logits linear in the observation; the critic is one number per observation."""

    weights: jax.Array
    critic: jax.Array

    def evaluate(self, observation, action):
        log_p = jax.nn.log_softmax(self.weights @ observation)
        return log_p[action], -jnp.sum(jnp.exp(log_p) * log_p), self.critic @ observation


def test_the_clipped_gradient_is_the_one_by_hand(x64):
    """Every sign of the advantage on every side of the clip, beside formulas of a softmax's derivatives written out."""
    rng = np.random.default_rng(0)
    n, clip, value, entropy = 12, 0.2, 0.5, 0.01
    observations, actions = rng.normal(size=(n, 3)), rng.integers(0, 2, n)
    policy = Linear(jnp.asarray(rng.normal(size=(2, 3))), jnp.asarray(rng.normal(size=3)))
    z = observations @ np.asarray(policy.weights).T
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    ratio = np.tile([0.5, 0.9, 1.1, 1.7], 3)
    values = observations @ np.asarray(policy.critic)
    advantage = np.repeat([-1.0, 0.5, 2.0], 4)
    old = np.log(p[np.arange(n), actions]) - np.log(ratio)
    weights = rng.uniform(size=n) / n
    batch = Batch(*(jnp.asarray(x) for x in (observations, actions, old, values + advantage, weights)))
    ours = jax.jit(jax.grad(Ppo(clip=clip, value=value, entropy=entropy).loss))(policy, batch)

    free = np.where(
        advantage > 0, ratio < 1 + clip, ratio > 1 - clip
    )  # where the minimum is the unclipped term
    on_logits = (free * advantage * ratio)[:, None] * (np.eye(2)[actions] - p)
    on_logits += entropy * -p * (np.log(p) - (p * np.log(p)).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours.weights, -(weights[:, None] * on_logits).T @ observations, rtol=1e-10)
    np.testing.assert_allclose(ours.critic, -2 * value * (weights * advantage) @ observations, rtol=1e-10)
    assert free.tolist() == [False, True, True, True] + [True, True, True, False] * 2


class Point(eqx.Module):
    """Always the same action."""

    at: jax.Array

    def mode(self, observation):
        return self.at


def test_the_evolution_gradient_is_unbiased_on_a_quadratic():
    """For F = -|s (x - c)|^2 an antithetic pair gives g(e) = (grad F . e) e: mean grad F, variance |grad F|^2 + (grad F)_i^2 each."""
    env = toys.reach(center=((0.5, -0.5),), scale=(1.0, 2.0))
    at, runs, pairs = jnp.array([[1.0, 0.25]]), 400, 8
    exact = -2 * np.array([1.0, 4.0]) * (np.asarray(at[0]) - [0.5, -0.5])
    method = Es(sigma=0.7, weighting="raw", pairs=pairs, episodes=1, length=1)
    estimate = jax.jit(jax.vmap(lambda key: method.estimate(env, Point(at), key)[0].at[0]))
    draws = np.asarray(estimate(jax.random.split(jax.random.key(0), runs)))
    spread = np.sqrt((exact @ exact + exact**2) / pairs)
    z = (draws - exact) / spread
    assert (np.abs(z.mean(axis=0)) < 4 / np.sqrt(runs)).all()
    assert (np.abs(z.var(axis=0) - 1) < 0.35).all()


def test_equals_draw_evolution_nowhere():
    env = toys.finite({0: 1.0}, {}, {}, last=(0,))
    found = train(env, CLICKS, SMALL["es"], 0, iterations=1)
    other = train(env, CLICKS, SMALL["es"], 0, iterations=3)
    jax.tree.map(np.testing.assert_array_equal, found.state.policies, other.state.policies)


def test_a_gaussian_is_the_textbooks():
    """Density and entropy from the covariance's determinant and inverse."""
    policy = gaussian(3, 2, width=4)(jax.random.key(0))
    observation, action = jnp.array([0.3, -1.0, 2.0]), jnp.array([0.5, -0.2])
    mean, variance = policy.moments(observation)
    covariance, gap = np.diag(np.asarray(variance)), np.asarray(action - mean)
    log_prob, entropy, _ = policy.evaluate(observation, action)
    expected = -0.5 * (gap @ np.linalg.inv(covariance) @ gap + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert float(log_prob) == pytest.approx(expected, rel=1e-5)
    assert float(entropy) == pytest.approx(
        0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1], rel=1e-5
    )


def test_bad_settings_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match=r"method 'pp'.*did you mean 'ppo'"):
        train(toys.bandit(), CLICKS, "pp")
    with pytest.raises(ValueError, match=r"iterations is 0.*at least 1"):
        train(toys.bandit(), CLICKS, "es", iterations=0)
    with pytest.raises(ValueError, match=r"Ppo: discount is 1.5.*\[0, 1\]"):
        Ppo(discount=1.5)
    with pytest.raises(ValueError, match=r"Es: .*weighting 'rank'.*did you mean 'ranks'"):
        Es(weighting="rank")
    with pytest.raises(ValueError, match=r"Ga: parents is 9.*population.*8"):
        Ga(population=8, parents=9)
