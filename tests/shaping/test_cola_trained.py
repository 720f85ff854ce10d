"""COLA's networks trained with the published settings: minutes of computing."""

import jax
import numpy as np
import pytest

from analysis.consistency import consistency_loss, directions
from games import GAMES
from shaping import Lola
from shaping.training import ColaTrainer, run
from shaping.training.presets import cola
from tests.reference.smooth_games import consistent_on_tandem, uniform_parameters

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def trained(game, name, seeds=1):
    """The learner of a training with the published settings."""
    settings = cola(name, "paper") | {"seeds": seeds}
    iterations = settings.pop("iterations")
    return run(ColaTrainer(game, **settings), iterations=iterations, chunk=1000).learners[0]


def losses(game, learner, params, b):
    return np.asarray(jax.jit(jax.vmap(lambda p: consistency_loss(game, [learner] * 2, p, b)))(params))


def test_the_papers_networks_are_consistent_on_tandem(x64):
    """The published settings: below 1e-10 at b = .1, and the same updates as in closed form.

    About a third of the trainings gets there; in the others a kink of some unit stays inside the region, and
    the loss near 1e-9 to 1e-4.
    """
    game = GAMES.make("tandem")
    best = trained(game, "tandem", seeds=16)
    assert losses(game, best, uniform_parameters(20_000), 0.1).mean() < 1e-10
    p, q = consistent_on_tandem(0.1)
    x, y = uniform_parameters()
    for d in jax.vmap(lambda a, b: directions(game, [best] * 2, (a, b)))(x, y):
        np.testing.assert_allclose(d, p + q * (x + y), atol=1e-4)


def test_the_papers_networks_are_far_more_consistent_than_lola_on_the_ipd():
    """Published at b = 1: COLA .65, LOLA 39.56; of COLA's the order of magnitude is asked.

    Nothing is said about where: near the initial logits, the mean over a player's parameters, as in
    `test_targets`, which has LOLA's.
    """
    game = GAMES.make("ipd")
    best = trained(game, "iterated_prisoners_dilemma")
    near = tuple(0.1 * jax.random.normal(jax.random.key(0), (2, 1000, 5)))
    assert abs(np.log10(losses(game, best, near, 1.0).mean() / 5 / 0.65)) < 1
    region = uniform_parameters(4000, bound=7.0, size=5)
    assert 10 * losses(game, best, region, 1.0).mean() < losses(game, Lola(), region, 1.0).mean()
