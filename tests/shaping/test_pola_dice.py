"""POLA-DiCE beside exact POLA, LOLA-DiCE and backward differentiation through everything."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS, PLAYABLE, ipd
from games.agents.base import ActorCritic, Table
from games.agents.policies import GruPolicy
from games.sampled.episodes import sample
from games.sampled.estimators import LoadedDice
from games.sampled.game import Sampled
from shaping import LEARNERS, Lola, Optimized, Pola
from shaping.base import View, replaced
from shaping.learners.pola_dice import PolaDice
from shaping.training.presets import preset
from tests.reference import through_episodes

pytestmark = pytest.mark.usefixtures("quickly_compiled")
DISCOUNT = 0.6
TABLES = (jnp.array([0.3, -0.5, 0.8, 0.1, -1.0]), jnp.array([-0.2, 0.6, -0.4, 0.9, 0.5]))
CRITIC = jnp.array([[-4.0], [-3.0], [-5.5], [-2.0], [-4.5]])
KEY = jax.random.key(3)


def sampled(batch, length=16, critic=1.0):
    """The exact game's twin; 16 steps leave out 1.5 per mille of a step's payoff."""
    return Sampled(
        ENVIRONMENTS.make("ipd_rollout", length=length),
        discount=DISCOUNT,
        batch=batch,
        critic=critic,
        estimator=LoadedDice(),
    )


def actor_critics():
    return tuple(ActorCritic(Table(x), Table(CRITIC)) for x in TABLES)


@jax.jit
def updated(learner, game, params, key=KEY):
    """The step of one update from a learner's first state."""
    view = View(game, params, 0, key)
    return learner.update(learner.init(view), view)[0]


@pytest.mark.parametrize("k", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_the_slope_is_the_gradient_through_everything(x64, k):
    """Differentiated in one piece, the others' steps unrolled, with critics, fresh episodes and penalties; critics do not shape."""
    game = sampled(10, length=4, critic=2.0)
    params = jax.tree.map(lambda x: x.astype(float), actor_critics())
    learner = PolaDice(look_ahead=0.3, penalty=2.0, inner_penalty=1.5, inner_critic=0.1, inner_steps=k)
    away = jax.tree.map(lambda p: p + 0.2, params[0])
    view = View(game, params, 0, KEY)

    def whole(own):
        joint = view.with_own(own)
        for m in range(k):
            near = view.afresh(m)

            def objective(theirs, joint=joint, near=near):
                at = replaced(joint, 1, theirs)
                return game.values(at, near.key)[1] - 1.5 * game.divergence(
                    1, params[1], theirs, at, near.key
                )

            slope = jax.grad(objective)(joint[1])
            moved = (
                joint[1].actor.logits + 0.3 * slope.actor.logits,
                joint[1].critic.logits + 0.1 * slope.critic.logits,
            )
            joint = (joint[0], ActorCritic(*map(Table, moved)))
        return game.values(joint, view.key)[0] - 2.0 * game.divergence(
            0, params[0], joint[0], joint, view.key
        )

    ours, theirs = jax.jit(lambda own: learner.gradient(own, view))(away), jax.jit(jax.grad(whole))(away)
    assert np.abs(theirs.actor.logits).min() > 0.01
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.slow
def test_the_slope_of_recurrent_players_is_that_through_the_episodes_as_they_are_played():
    """Networks along episodes, episodes last, few observations looked at once: none of it changes the gradient."""
    game, learner = (
        PLAYABLE.make("ipd_gru", batch=16, width=8, length=12),
        PolaDice(look_ahead=0.3, inner_steps=2, penalty=5.0),
    )
    params, away = game.init(KEY), game.init(jax.random.key(4))[0]
    expected = jax.jit(through_episodes.slope)(learner, game, params, away, KEY)
    ours = jax.jit(lambda learner, game, params: learner.gradient(away, View(game, params, 0, KEY)))(
        learner, game, params
    )
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max() + 1e-7)


@pytest.mark.slow
def test_on_the_exact_game_many_steps_solve_the_proximal_problem(x64):
    """The solution is exact POLA's; Adam's last steps are of the size of its rate."""
    game, tables = ipd(discount=DISCOUNT), jax.tree.map(lambda x: x.astype(float), TABLES)
    solved = updated(Pola(0.3, 1.0, 2.0, tolerance=1e-16, iterations=20_000.0), game, tables)
    close = updated(PolaDice(0.002, 1.0, 2.0, 0.0, inner_steps=1, steps=3000), game, tables)
    assert np.abs(solved).max() > 0.1
    np.testing.assert_allclose(close, solved, atol=2e-3)


@pytest.mark.slow
def test_a_slope_on_episodes_is_that_of_the_exact_twin():
    """Within four standard errors, and these are small: the shaping and both penalties are seen through the noise."""
    learner = PolaDice(look_ahead=2.0, penalty=0.0, inner_penalty=0.0, inner_steps=1)
    view = View(ipd(discount=DISCOUNT), TABLES, 0, KEY)
    truth, naive = learner.gradient(TABLES[0], view), view.gradient(TABLES)
    game, params = sampled(4000), actor_critics()
    slopes = jax.jit(
        lambda keys: jax.lax.map(
            lambda k: learner.gradient(params[0], View(game, params, 0, k)).actor.logits, keys
        )
    )
    drawn = np.asarray(slopes(jax.random.split(jax.random.key(5), 8)))
    mean, error = drawn.mean(0), drawn.std(0, ddof=1) / 8**0.5
    assert np.abs(naive - truth).max() > 10 * error.max()
    assert (np.abs(mean - truth) < 4 * error + 2e-3).all()


@pytest.mark.slow
def test_one_step_without_penalties_is_lola_dice_with_adam():
    """To rounding: the episodes are the same, and it does not matter whether second derivatives are taken forward or backward."""
    game, params = sampled(50), TABLES
    ours = updated(PolaDice(0.1, 0.5, 0.0, 0.0, inner_steps=1, steps=1), game, params)
    lola = updated(Optimized(Lola(1.0, 0.5, steps=1), "adam", 0.1), game, params, jax.random.fold_in(KEY, 0))
    np.testing.assert_allclose(ours, lola, rtol=1e-4)


def test_renewed_moments_forget_and_first_steps_have_the_size_of_the_rate():
    """After another update, the first of its kind again; kept moments make another step of it."""
    game, view = sampled(20), View(sampled(20), TABLES, 0, KEY)
    kept, renewed = (
        PolaDice(0.1, 0.5, 0.0, 0.0, inner_steps=1, steps=1, moments=m) for m in ("kept", "renewed")
    )
    step = jax.jit(lambda learner, state, view: learner.update(state, view))
    _, state = step(kept, kept.init(view), View(game, TABLES, 0, jax.random.key(9)))
    first, again, other = (
        step(kept, kept.init(view), view)[0],
        step(renewed, state, view)[0],
        step(kept, state, view)[0],
    )
    np.testing.assert_allclose(again, first, rtol=1e-5)
    np.testing.assert_allclose(jnp.abs(again), 0.1, rtol=1e-4)
    assert np.abs(other - again).max() > 0.01


@pytest.mark.slow
def test_at_rate_zero_nothing_moves_and_critics_have_a_rate_of_their_own():
    game = sampled(20)
    zero, still, both = (
        updated(PolaDice(lr, 0.5, 1.0, 1.0, critic, inner_steps=1, steps=1), game, actor_critics())
        for lr, critic in ((0.0, 1.0), (0.1, 0.0), (0.1, 0.5))
    )
    assert not any(np.any(leaf) for leaf in (*jax.tree.leaves(zero), still.critic.logits))
    np.testing.assert_allclose(np.abs(both.actor.logits), 0.1, rtol=1e-3)
    np.testing.assert_allclose(np.abs(both.critic.logits), 0.05, rtol=1e-3)


@pytest.mark.slow
def test_penalties_hold_behavior():
    """The stronger the penalty, the less the policy moves; the start, one of 16 steps, is held less."""
    game, params = sampled(200), actor_critics()
    learner = PolaDice(0.05, 1.0, 0.0, 0.0, 1.0, inner_steps=1, steps=15)
    free, held = (
        updated(dataclasses.replace(learner, penalty=jnp.asarray(b)), game, params).actor.logits
        for b in (0.0, 30.0)
    )
    assert np.abs(held).mean() < 0.5 * np.abs(free).mean()


@pytest.mark.slow
def test_looking_at_every_observation_once_changes_nothing():
    """Step by step and along episodes; everything that is seen is in the table of what can be seen."""
    environment = ENVIRONMENTS.make("ipd_contribution_rollout", length=6)
    game = Sampled(environment, GruPolicy(4), LoadedDice(), batch=7)
    params = game.init(jax.random.key(0))
    played, plain = game.rollout(params, KEY), sample(environment, params, KEY, 7, 6)
    np.testing.assert_array_equal(played.actions, plain.actions)
    for seat in range(2):
        seen = played.seen(seat)
        np.testing.assert_array_equal(
            (seen[:, :, None] == environment.distinct[None, None]).all(-1).sum(-1), 1
        )
        for network in (params[seat].actor, params[seat].critic):
            np.testing.assert_allclose(
                network.specialize(environment.distinct).unroll_batch(seen),
                network.unroll_batch(seen),
                atol=1e-6,
            )


def test_forms_without_few_observations_have_no_table():
    assert ENVIRONMENTS.make("ipd_rollout", encoding="index").distinct is None
    assert ENVIRONMENTS.make("coin_lola").distinct is None


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"moments 'new'.*accepted"):
        PolaDice(moments="new")


def test_the_earlier_name_of_lola_dice_with_adam_is_an_alias():
    """Scripts and presets that ask for it get the same learner and settings."""
    assert LEARNERS.get("lola_dice") is LEARNERS.get("lola_dice_adam")
    assert preset("lola_dice", "ipd_gru", "paper") == preset("lola_dice_adam", "ipd_gru", "paper")
