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
from shaping.learners.fixed import Settled
from shaping.training import MatchTrainer, run

pytestmark = pytest.mark.usefixtures("quickly_compiled")
LEARNERS = [Optimized(Lola(), "adam", lr=0.1), Naive()]


def test_pieces_are_the_whole():
    trainer = MatchTrainer(ipd(), LEARNERS)
    whole = run(trainer, 3, iterations=7, chunk=4)
    seen = []
    half = run(trainer, 3, iterations=3, chunk=4, callback=seen.append)
    rest = run(trainer, 3, iterations=7, chunk=4, start=half)
    assert [now.iterations for now in seen] == [3]
    for a, b in zip(
        jax.tree.leaves((whole.learners, whole.record)),
        jax.tree.leaves((rest.learners, rest.record)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("game", "learners"),
    [
        (ipd(), [Lola(), Naive()]),
        (Sampled(ENVIRONMENTS.make("ipd_contribution_rollout", length=3), batch=2), [Naive()] * 2),
    ],
    ids=["exact", "sampled"],
)
def test_the_match_is_that_of_play(game, learners):
    """The same seed gives the same parameters and values, to float32 rounding."""
    trained = run(MatchTrainer(game, learners), 5, iterations=5)
    match = play(game, learners, 5, steps=5)
    np.testing.assert_allclose(trained.record.per_step, match.values[0, :-1], rtol=1e-4)
    for player, own in zip(trained.learners, match.params, strict=True):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b[0], rtol=1e-3, atol=1e-6), player.own, own)


@pytest.mark.slow
def test_what_was_learned_plays_on():
    game = Sampled(
        ENVIRONMENTS.make("ipd_contribution_rollout", length=3), MlpPolicy((2,), critic=True), batch=2
    )
    first, _ = run(MatchTrainer(game, [Naive(0.1)] * 2), iterations=1).learners
    assert isinstance(first.own, ActorCritic)
    match = play(game, [first, Naive(0.1)], steps=1)
    for a, b in zip(jax.tree.leaves(first.own), jax.tree.leaves(match.params[0]), strict=True):
        np.testing.assert_array_equal(a, b[0])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"lola.*\(4,\)|form"):
        play(ipd(), [Settled(jnp.zeros(4), "lola"), Naive()], steps=1)
    with pytest.raises(ValueError, match="2 seats"):
        MatchTrainer(ipd(), [Naive()])
    with pytest.raises(ValueError, match="smaller learning rates"):
        run(MatchTrainer(tandem(), [Naive(1e30)] * 2), iterations=9)
