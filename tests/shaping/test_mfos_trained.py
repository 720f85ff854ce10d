"""M-FOS by PPO beside its published numbers, with smaller batches: minutes of computing each."""

import numpy as np
import pytest

from games import GAMES, ipd
from shaping import Lola, Naive, play
from shaping.model_free import Ppo
from shaping.training import MfosTrainer, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def earned(game, learners):
    """Both players' mean over 100 meta-steps and 1024 fresh draws, which are not counted."""
    match = play(game, learners, 99, steps=100, seeds=1024)
    assert match.ok.all()
    return np.asarray(match.values[:, 1:]).mean(axis=(0, 1))


@pytest.mark.parametrize(
    ("game", "opponent", "published", "within"),
    [
        ("ipd", Naive(), [(-0.56, -0.48), (-2.17, -2.02)], 0.05),
        ("ipd", Lola(1.0, 1.0, "taylor"), [(-1.024, -1.024), (-1.022, -1.022)], 0.05),
        ("chicken", Naive(), [(0.969, 0.969), (-1.027, -1.027)], 0.1),
    ],
)
def test_what_ppo_earns_is_what_was_published(game, opponent, published, within):
    """Batch 256 in place of 4096, width 64 in place of 256."""
    game = GAMES.make(game)
    trainer = MfosTrainer(game, [None, opponent], Ppo(episodes=256), width=64)
    shaper = run(trainer, iterations=1024, chunk=64).learners[0]
    for found, (low, high) in zip(earned(game, [shaper, opponent]), published, strict=True):
        assert low - within <= found <= high + within


def test_in_self_play_policies_cooperate_after_naive_opponents_and_defect_without():
    """Batch 64 in place of 4096; -1 is cooperation throughout, -2 defection; the paper reports -1.006, and defection."""
    method = Ppo(lr=0.0002, episodes=64)
    annealed = run(MfosTrainer(ipd(), [None, None], method), iterations=1024, chunk=64).learners
    assert (earned(ipd(), annealed) > -1.2).all()
    trainer = MfosTrainer(ipd(), [None, None], method, anneal=None)
    together = run(trainer, iterations=512, chunk=64).learners
    assert (earned(ipd(), together) < -1.8).all()
