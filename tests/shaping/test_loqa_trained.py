"""First-order shapers in the iterated dilemma cooperate and answer defection; without shaping they defect."""

import jax
import numpy as np
import pytest

from games import ENVIRONMENTS
from games.agents.policies import TablePolicy
from games.sampled.game import Sampled
from shaping import AdvantageAlignment, Loqa, Optimized, play

pytestmark = pytest.mark.slow
QUICK = {"critic_lr": 0.3, "keep": 0.7}


def trained(learner, steps):
    """Self-play of two: per-step values at the end, and the probabilities of cooperation, [start, CC, CD, DC, DD]."""
    game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=50), TablePolicy(0.0), batch=256)
    match = play(game, [Optimized(learner, "adam", 0.01)] * 2, steps=steps, every=steps)
    return np.asarray(match.values[0, -1]), np.asarray([jax.nn.sigmoid(p[0]) for p in match.params])


@pytest.mark.parametrize("learner", [Loqa(**QUICK), AdvantageAlignment(**QUICK)], ids=["loqa", "alignment"])
def test_they_cooperate_and_answer_defection(learner):
    """By the test of Zhao et al. 2022: cooperation below 0.65 wherever the other defected, and 0.8 of what cooperation adds."""
    values, cooperation = trained(learner, 2400)
    assert (cooperation[:, [2, 4]] < 0.65).all()
    assert (cooperation[:, [0, 1]] > 0.8).all()
    assert (values > -2 + 0.8).all()


@pytest.mark.parametrize(
    "learner", [Loqa(shaping=0.0, **QUICK), AdvantageAlignment(beta=0.0, **QUICK)], ids=["loqa", "alignment"]
)
def test_without_shaping_they_defect(learner):
    assert (trained(learner, 1200)[0] < -1.9).all()
