"""Matches as trainings, and what they leave behind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS, ipd, tandem
from games.agents.base import ActorCritic
from games.agents.policies import MlpPolicy
from games.sampled.game import Sampled
from shaping import Lola, Naive, Optimized, play
from shaping.learners.settled import Settled
from shaping.training.match import train_match

pytestmark = pytest.mark.usefixtures("quickly_compiled")
LEARNERS = [Optimized(Lola(), "adam", lr=0.1), Naive()]


def test_pieces_are_the_whole():
    whole = train_match(ipd(), LEARNERS, 3, iterations=7, chunk=4)
    seen = []
    half = train_match(ipd(), LEARNERS, 3, iterations=3, chunk=4, watch=seen.append)
    rest = train_match(ipd(), LEARNERS, 3, iterations=7, chunk=4, start=half.run)
    assert [run.iterations for run in seen] == [3]
    for a, b in zip(
        jax.tree.leaves((whole.learners, whole.run)), jax.tree.leaves((rest.learners, rest.run)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_steps_are_those_of_play():
    training = train_match(ipd(), [Lola(), Naive()], iterations=5)
    begun = tuple(
        jnp.asarray(x)
        for x in ipd().join(train_match(ipd(), [Lola(0.0), Naive(0.0)], iterations=1).run.progress.joint)
    )
    match = play(ipd(), [Lola(), Naive()], steps=5, params=begun)
    np.testing.assert_allclose(training.run.curve, match.values[0, :-1], rtol=1e-4)


@pytest.mark.slow
def test_what_was_learned_plays_on():
    game = Sampled(
        ENVIRONMENTS.make("ipd_contribution_rollout", length=3), MlpPolicy((2,), critic=True), batch=2
    )
    (first, _), _ = train_match(game, [Naive(0.1)] * 2, iterations=1)
    assert isinstance(first.own, ActorCritic)
    match = play(game, [first, Naive(0.1)], steps=1)
    for a, b in zip(jax.tree.leaves(first.own), jax.tree.leaves(match.params[0]), strict=True):
        np.testing.assert_array_equal(a, b[0])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"lola.*\(4,\)|form"):
        play(ipd(), [Settled(jnp.zeros(4), "lola"), Naive()], steps=1)
    with pytest.raises(ValueError, match="2 seats"):
        train_match(ipd(), [Naive()])
    with pytest.raises(ValueError, match="smaller learning rates"):
        train_match(tandem(), [Naive(1e30)] * 2, iterations=9)
