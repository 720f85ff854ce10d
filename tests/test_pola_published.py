"""Training by the quick presets on the iterated contribution game, against what Zhao et al. 2022 report."""

import pytest

from games import PLAYABLE
from shaping import play
from shaping.catalog import LEARNERS
from shaping.presets_sampled import EPISODES

UPDATES = 24


def reward(learner, **changes):
    """The mean reward per step of both seats after training in self-play."""
    (settings, made_with), *_ = [x[3:] for x in EPISODES if x[:3] == (learner, "ipd_gru", "quick")]
    settings = {k: v for k, v in settings.items() if k != "iterations"} | changes
    match = play(PLAYABLE.make("ipd_gru", **made_with), [LEARNERS.make(learner, **settings)] * 2, steps=UPDATES)
    assert match.ok.all()
    return float(match.values[0, -1].mean())


@pytest.mark.slow
def test_looking_ahead_leads_up_from_random_play_and_not_looking_ahead_down():
    """Random players earn .165; published, after 100 updates: .313 for POLA-DiCE."""
    random = 0.33 / 2
    assert reward("pola_dice") > random
    assert reward("pola_dice", look_ahead=0.0) < random
