"""Training by the quick presets on the iterated contribution game, against what Zhao et al. 2022 report."""

import pytest

from games import PLAYABLE
from shaping import play
from shaping.catalog import LEARNERS
from shaping.presets_sampled import EPISODES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
UPDATES = 24
RANDOM = 0.33 / 2
"""Per step, for players who draw."""


def reward(learner, **changes):
    """The mean reward per step of both seats after training in self-play."""
    (settings, made_with), *_ = [x[3:] for x in EPISODES if x[:3] == (learner, "ipd_gru", "quick")]
    settings = {k: v for k, v in settings.items() if k != "iterations"} | changes
    match = play(PLAYABLE.make("ipd_gru", **made_with), [LEARNERS.make(learner, **settings)] * 2, steps=UPDATES)
    assert match.ok.all()
    return float(match.values[0, -1].mean())


def test_looking_ahead_leads_up_from_random_play():
    """Published, after 100 updates: .313."""
    assert reward("pola_dice") > RANDOM


def test_not_looking_ahead_leads_down():
    assert reward("pola_dice", look_ahead=0.0) < RANDOM
