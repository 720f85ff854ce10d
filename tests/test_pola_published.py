"""Training by the quick preset on the iterated contribution game, against what Zhao et al. 2022 report."""

import pytest

from shaping import play
from shaping.catalog import LEARNERS
from shaping.presets import preset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
UPDATES = 24
RANDOM = 0.33 / 2
"""Per step, for players who draw."""


def reward(**changes):
    """The mean reward per step of both seats after training in self-play."""
    chosen = preset("pola_dice", "ipd_gru", "quick")
    settings = {k: v for k, v in chosen.settings.items() if k != "iterations"} | changes
    match = play(chosen.make_game(), [LEARNERS.make("pola_dice", **settings)] * 2, steps=UPDATES)
    assert match.ok.all()
    return float(match.values[0, -1].mean())


def test_looking_ahead_leads_up_from_random_play():
    """Published, after 100 updates: .313."""
    assert reward() > RANDOM


def test_not_looking_ahead_leads_down():
    assert reward(look_ahead=0.0) < RANDOM
