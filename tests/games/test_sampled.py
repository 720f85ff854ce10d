"""Sampled games beside their exact twins, estimators beside brute force, and networks along episodes beside step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from games import ENVIRONMENTS, ipd
from games.agents.base import ActorCritic, Agent, Table, Trembling, agent
from games.agents.policies import GruPolicy, MlpPolicy, TablePolicy
from games.environments.coin import CoinGame
from games.sampled.episodes import log_policy, sample, sample_with_logits
from games.sampled.estimators import Dice, LoadedDice, Surrogate, advantages, returns
from games.sampled.game import Sampled
from shaping import Lola, Naive
from shaping.base import View

pytestmark = pytest.mark.usefixtures("quickly_compiled")
DISCOUNT = 0.6
TABLES = (jnp.array([0.3, -0.5, 0.8, 0.1, -1.0]), jnp.array([-0.2, 0.6, -0.4, 0.9, 0.5]))
CRITIC = jnp.array([[-4.0], [-3.0], [-5.5], [-2.0], [-4.5]])
EXACT = ipd(discount=DISCOUNT)
ENVIRONMENT = ENVIRONMENTS.make("ipd_rollout", length=16)
UNBIASED = {
    "dice": Dice(),
    "dice_batch": Dice("batch"),
    "dice_critic": Dice("critic"),
    "loaded": LoadedDice(),
    "loaded_bootstrap": LoadedDice(bootstrap=True),
}
ESTIMATORS = {name: e for name, e in UNBIASED.items() if name != "loaded"} | {"surrogate": Surrogate()}


def sampled(estimator, batch=2000, **settings):
    """The exact game's twin, played for so long that what comes after does not matter: 1.5 per mille of a step's payoff."""
    return Sampled(ENVIRONMENT, estimator=estimator, discount=DISCOUNT, batch=batch, **settings)


def seated(tables):
    """A sampled game's parameters, with critics."""
    return tuple(ActorCritic(Table(x), Table(CRITIC)) for x in tables)


def estimated(measure, repetitions=8):
    """What is measured, from independent keys."""
    keys = jax.random.split(jax.random.key(5), repetitions)
    return jax.tree.map(np.asarray, jax.jit(lambda keys: jax.lax.map(measure, keys))(keys))


def mean_and_error(drawn):
    """Means and standard errors."""
    return drawn.mean(0), drawn.std(0, ddof=1) / len(drawn) ** 0.5


def derivatives(values):
    """Values, gradients of a mixture of both, and its Hessian applied to a vector, in rows."""
    direction = (jnp.linspace(-1.0, 1.0, 5), jnp.linspace(1.0, -0.5, 5))

    def mixture(*tables):
        both = values(tables)
        return jnp.dot(both, jnp.array([1.0, -2.0])), both

    (slopes, height), (bends, _) = jax.jvp(jax.grad(mixture, (0, 1), has_aux=True), TABLES, direction)
    return jnp.stack([jnp.zeros(5).at[:2].set(height), *slopes, *bends])


@pytest.fixture(scope="module")
def truth():
    """Derivatives of the exact game."""
    return np.asarray(jax.jit(lambda: derivatives(EXACT.values))())


@pytest.fixture(scope="module")
def drawn():
    """Derivatives by every estimator, from the same episodes: one program."""

    def measure(key):
        played = sampled(Dice()).rollout(TABLES, key)

        def objective(game, params):
            return game.objective(
                params, played, [agent(x).unroll_batch(played.seen(i)) for i, x in enumerate(params)]
            )

        def by(estimator):
            return derivatives(lambda tables: objective(sampled(estimator), seated(tables)))

        decays = jax.vmap(lambda decay: by(LoadedDice(decay)))(jnp.array([1.0, 0.0]))
        return {name: by(estimator) for name, estimator in ESTIMATORS.items()} | {
            "loaded": decays[0],
            "decayed": decays[1],
        }

    return estimated(measure)


@pytest.mark.parametrize("name", UNBIASED)
def test_values_and_derivatives_are_those_of_the_exact_twin(name, drawn, truth):
    """Within four standard errors, themselves small beside what is estimated."""
    mean, error = mean_and_error(drawn[name])
    assert (np.abs(mean - truth) < 4 * error + 2e-3).all()
    for rows in (slice(0, 1), slice(1, 3), slice(3, 5)):
        assert error[rows].max() < 0.15 * np.abs(truth[rows]).max()


def test_the_surrogate_is_right_once_and_wrong_twice(drawn, truth):
    mean, error = mean_and_error(drawn["surrogate"])
    assert (np.abs(mean - truth)[:3] < 4 * error[:3] + 2e-3).all()
    assert (np.abs(mean - truth)[3:] > 20 * error[3:]).any()


def test_the_other_episodes_take_variance_off(drawn):
    """Of first and of second derivatives."""
    noise = {name: drawn[name].std(axis=0) for name in ("dice", "dice_batch")}
    for rows in (slice(1, 3), slice(3, 5)):
        assert noise["dice_batch"][rows].mean() < noise["dice"][rows].mean()


def test_loading_leaves_first_derivatives_alone_and_cuts_second_ones(drawn):
    """With decay 0, what an action changes later is left out of second derivatives; with 1 this is DiCE's dependence on the past."""
    none, full = drawn["decayed"], drawn["loaded"]
    np.testing.assert_allclose(none[:, :3], full[:, :3], rtol=1e-4, atol=1e-4)
    assert np.abs(none[:, 3:] - full[:, 3:]).max() > 0.1


def test_a_step_of_lola_is_that_of_the_exact_twin():
    def step(game, key):
        return Lola(look_ahead=3.0).update((), View(game, TABLES, 0, key))[0]

    truth, naive = jax.jit(lambda: (step(EXACT, None), View(EXACT, TABLES, 0).gradient(TABLES)))()
    mean, error = mean_and_error(estimated(lambda key: step(sampled(Dice("batch"), batch=6000), key)))
    assert np.abs(naive - truth).max() > 10 * error.max()
    assert (np.abs(mean - truth) < 4 * error + 2e-3).all()


@pytest.mark.parametrize("mix", [0.0, 0.7, 1.0])
def test_advantages_beside_their_definition(mix):
    rewards, values = (
        np.random.default_rng(0).normal(size=(6, 3, 2)),
        np.random.default_rng(1).normal(size=(7, 3, 2)),
    )
    gaps = rewards + 0.9 * values[1:] - values[:-1]
    expected = [sum((0.9 * mix) ** (s - t) * gaps[s] for s in range(t, 6)) for t in range(6)]
    np.testing.assert_allclose(
        advantages(jnp.array(rewards), jnp.array(values), 0.9, mix), expected, atol=1e-5
    )
    to_go = [sum(0.9 ** (s - t) * rewards[s] for s in range(t, 6)) for t in range(6)]
    np.testing.assert_allclose(returns(jnp.array(rewards), 0.9), to_go, atol=1e-5)


NETWORKS = {
    "mlp": (MlpPolicy((8,)), ENVIRONMENTS.make("ipd_rollout", length=4)),
    "gru": (GruPolicy(5, critic=False), ENVIRONMENTS.make("ipd_contribution_rollout", length=4)),
    "conv_gru": (GruPolicy(5, channels=(3, 4), critic=False), CoinGame.lola(length=4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_along_an_episode_is_step_by_step(name):
    policy, environment = NETWORKS[name]

    @jax.jit
    def both(key):
        network = policy.init(key, environment, 0)
        seen = jax.random.normal(key, (4, 3, *environment.observation_shape))

        def episode(seen):
            memory, outputs = network.memory(), []
            for t in range(4):
                logits, memory = network(seen[t], memory)
                outputs.append(jax.nn.log_softmax(logits))
            return jnp.stack(outputs)

        def together(agent):
            memories, turn = agent.start_batch(3)
            outputs = []
            for x in seen:
                logits, memories = turn(x, memories)
                outputs.append(jax.nn.log_softmax(logits))
            return jnp.stack(outputs)

        calm = Trembling(network, jnp.zeros(()))
        return (
            log_policy(network, seen),
            jax.vmap(episode, in_axes=1, out_axes=1)(seen),
            together(network),
            together(calm),
        )

    along, *others = both(jax.random.key(2))
    for other in others:
        np.testing.assert_allclose(along, other, atol=1e-5)
    assert np.ptp(along) > 0.01


@pytest.mark.slow
def test_derivatives_of_logits_as_they_are_played_and_along_the_episodes_are_those_of_equinox_step_by_step():
    """First and second, backward over backward and forward over backward, of two players with memories."""
    environment = ENVIRONMENTS.make("ipd_contribution_rollout", length=4)

    @jax.jit
    def all_three():
        agents = tuple(GruPolicy(3, critic=False).init(jax.random.key(i), environment, i) for i in range(2))
        setup = jax.random.key(3), 6, 4
        played = sample(environment, agents, *setup)

        def mixed(logits):
            return (jnp.tanh(logits[0]).sum(-1) * jnp.sin(logits[1][..., 0])).sum()

        def derivatives(logits):
            slope = jax.grad(lambda x: mixed(logits(x)))
            curved = jax.grad(lambda x: sum(jnp.vdot(a, a**2) for a in jax.tree.leaves(slope(x))))(agents)
            return slope(agents), curved, jax.jvp(slope, (agents,), (agents,))[1]

        plain = derivatives(
            lambda agents: [Agent.unroll_batch(x, played.seen(i)) for i, x in enumerate(agents)]
        )
        along = derivatives(lambda agents: [x.unroll_batch(played.seen(i)) for i, x in enumerate(agents)])
        return plain, along, derivatives(lambda agents: sample_with_logits(environment, agents, *setup)[1])

    plain, *others = (jax.tree.leaves(x) for x in all_three())
    for a, *bs in zip(plain, *others, strict=True):
        for b in bs:
            np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-4 * max(1, np.abs(a).max()))
    assert min(np.abs(a).max() for a in plain) > 1e-4


def test_no_episode_depends_on_how_many_there_are():
    environment = CoinGame.loqa(length=9)
    agents = tuple(
        jax.jit(lambda i: MlpPolicy((4,)).init(jax.random.key(i), environment, 0))(i) for i in range(2)
    )
    few, many = (
        jax.jit(lambda batch=batch: sample(environment, agents, jax.random.key(1), batch, 9))()
        for batch in (2, 5)
    )
    for a, b in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        np.testing.assert_array_equal(a, b[:, :2])


def test_actions_are_drawn_with_the_policy_s_probabilities():
    environment = ENVIRONMENTS.make("ipd_rollout", length=1)
    agents = agent(jnp.full(5, 0.7)), agent(jnp.full(5, -1.5))
    share = jax.jit(lambda key: (sample(environment, agents, key, 20_000, 1).actions == 0).mean(axis=(0, 1)))(
        jax.random.key(0)
    )
    np.testing.assert_allclose(share, jax.nn.sigmoid(jnp.array([0.7, -1.5])), atol=4 * 0.5 / 20_000**0.5)


def test_the_divergence_is_the_exact_one_over_what_is_seen():
    """Two one-step episodes of a table see the first row alone."""
    game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=1), batch=8)
    old, new = jnp.array([0.4, 9.0, 9.0, 9.0, 9.0]), jnp.array([-0.3, 0.0, 0.0, 0.0, 0.0])
    p, q = jax.nn.sigmoid(old[0]), jax.nn.sigmoid(new[0])
    expected = p * jnp.log(p / q) + (1 - p) * jnp.log((1 - p) / (1 - q))
    found = jax.jit(lambda key: game.divergence(0, old, new, (old, old), key))(jax.random.key(0))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_critic_trained_along_the_way_learns_the_returns():
    """Whoever stands still but for its critic learns what it earns: against each other, all cooperate, -1 per step from start to end."""
    game = Sampled(
        ENVIRONMENTS.make("ipd_rollout", length=4), TablePolicy(), discount=0.0, batch=64, critic=1.0
    )
    own = ActorCritic(Table(jnp.full(5, 50.0)), Table(jnp.zeros((5, 1))))

    def trained(t, own):
        return optax.apply_updates(
            own, Naive(2.0).update((), View(game, (own, own), 0, jax.random.key(t)))[0]
        )

    own = jax.jit(lambda own: jax.lax.fori_loop(0, 60, trained, own))(own)
    np.testing.assert_allclose(own.critic.logits[:2, 0], -1.0, atol=1e-3)
    np.testing.assert_array_equal(own.actor.logits, 50.0)


def test_lola_goes_through_networks_and_their_critics():
    """A step has the structure of the parameters, is finite, and moves actor and critic."""
    game = Sampled(
        ENVIRONMENTS.make("ipd_rollout", length=2), MlpPolicy((), critic=True), LoadedDice(), batch=2
    )

    @jax.jit
    def step(key):
        params = game.init(key)
        return params[0], Lola(0.1, 0.1).update((), View(game, params, 0, key))[0]

    own, moved = step(jax.random.key(0))
    assert jax.tree.map(jnp.shape, own) == jax.tree.map(jnp.shape, moved)
    for part in (moved.actor, moved.critic):
        leaves = [np.abs(x).max() for x in jax.tree.leaves(part)]
        assert np.isfinite(leaves).all()
        assert max(leaves) > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sampled(ipd()), "Environment"),
        (lambda: Sampled(CoinGame.lola(), batch=0), "batch is 0.*at least 1"),
        (lambda: Sampled(CoinGame.lola(), discount=1.5), r"discount is 1.5.*\[0, 1\]"),
        (lambda: Sampled(CoinGame.lola()).init(jax.random.key(0)), "encoding='one_hot'"),
        (lambda: View(EXACT, TABLES, 0).rollout(), "sampled game"),
    ],
)
def test_mistakes_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
