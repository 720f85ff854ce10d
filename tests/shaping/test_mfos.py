"""Model-free opponent shaping: the learner is the meta-policy, and training raises its return."""

import jax
import numpy as np
import pytest

from games import ipd, matching_pennies
from shaping import Naive, play
from shaping.checkpoint.folder import load, load_state, save
from shaping.learners.mfos import Mfos
from shaping.meta.game import MetaGame
from shaping.model_free import Es, Ppo, gaussian
from shaping.training import MfosTrainer, run


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """The programs are small: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


SMALL = Ppo(lr=0.01, episodes=128, length=8)


@pytest.fixture(scope="module")
def trained():
    return run(MfosTrainer(ipd(), [None, Naive()], SMALL, steps=8, width=16), iterations=80, chunk=40)


@pytest.mark.parametrize("seat", [0, 1])
def test_a_match_pays_what_the_meta_game_pays(seat):
    """Step t+1 of the match is meta-step t: the policy saw what was played, and its choice meets what the other made of it."""
    game, policy = ipd(), gaussian(10, 5, width=8)(jax.random.key(1))
    meta = MetaGame(game, [None, Naive()] if seat == 0 else [Naive(), None], steps=4)

    def step(carry, key):
        observation, state = carry
        observation, state, reward, *_ = meta.step(key, state, policy.mode(observation[0])[None])
        return (observation, state), reward[0]

    rewards = jax.jit(lambda key: jax.lax.scan(step, meta.reset(key), jax.random.split(key, 4))[1])(
        jax.random.key(7)
    )
    learners = [Mfos(policy), Naive()] if seat == 0 else [Naive(), Mfos(policy)]
    match = play(game, learners, steps=4, params=game.init(jax.random.key(7)))
    np.testing.assert_allclose(match.values[0, 1:, seat], rewards, rtol=1e-4)


def test_a_centered_policy_sees_probabilities_from_minus_one_to_one():
    plain, centered = (gaussian(2, 1, width=4, centered=c)(jax.random.key(2)) for c in (False, True))
    seen = np.array([0.2, 0.9], np.float32)
    for ours, theirs in zip(
        centered.evaluate(seen, np.ones(1)), plain.evaluate(2 * seen - 1, np.ones(1)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert abs(float(centered.mode(seen)[0] - plain.mode(seen)[0])) > 1e-3


def test_training_raises_the_return(trained):
    curve = trained.record
    assert curve.ok.all()
    assert curve.per_step[-10:].mean() > curve.per_step[:5].mean() + 0.3


def test_the_trained_learner_gains_in_matches_what_it_gained_in_training(trained):
    learner = trained.learners[0]
    assert learner.acts == "sample"
    match = play(ipd(), [learner, Naive()], 5, steps=8, seeds=256)
    assert float(match.values[:, 1:, 0].mean()) == pytest.approx(
        float(trained.record.per_step[-10:].mean()), abs=0.1
    )


def test_a_trained_learner_and_its_training_are_kept(trained, tmp_path):
    save(trained.learners[0], tmp_path, game=ipd(), state=trained.state)
    again = load(tmp_path, ipd())
    jax.tree.map(np.testing.assert_array_equal, again, trained.learners[0])
    jax.tree.map(np.testing.assert_array_equal, load_state(tmp_path, trained.state), trained.state)


def test_other_games_and_lengths_are_refused_with_a_sentence():
    mfos = Mfos(gaussian(10, 5, width=8)(jax.random.key(1)))
    with pytest.raises(ValueError, match=r"5 parameters.*'matching_pennies'"):
        play(matching_pennies(), [mfos, Naive()], steps=1)
    with pytest.raises(ValueError, match=r"100 steps.*length=8"):
        MfosTrainer(ipd(), [None, Naive()], Es(), steps=8)
