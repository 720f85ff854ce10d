"""Repeated games with execution errors in the solvers."""

import itertools

import numpy as np
import pytest

from games import ipd_axelrod, trembling
from games.strategies import policy
from solvers import best_response, is_nash, repeated_payoffs
from solvers.repeated import partner_or_rival

DETERMINISTIC = [np.array(p) for p in itertools.product((0.0, 1.0), repeat=5)]


def test_payoffs_are_the_values_of_the_game(x64):
    game = trembling(ipd_axelrod(discount=0.9), 0.05)
    found = repeated_payoffs(game, ("tft", "grim"))
    np.testing.assert_allclose(found, game.per_step(game.values((policy("tft"), policy("grim")))), rtol=1e-9)


def test_a_best_response_also_errs_and_beats_every_deterministic_strategy():
    game = trembling(ipd_axelrod(discount=0.9), 0.05)
    response = best_response(game, (None, "tft"))
    values = [repeated_payoffs(game, (p, "tft"))[0] for p in DETERMINISTIC]
    assert response.value == pytest.approx(max(values), rel=1e-9)
    assert response.value < best_response(ipd_axelrod(discount=0.9), (None, "tft")).value


def test_errors_break_grim_and_not_win_stay_lose_shift():
    """Grim against grim ends in defection after an error; win-stay lose-shift forgives (Nowak & Sigmund 1993)."""
    game = trembling(ipd_axelrod(discount=0.99), 0.01)
    grim, wsls = (repeated_payoffs(game, (name, name))[0] for name in ("grim", "wsls"))
    assert grim < 2.1 < 2.8 < wsls
    assert bool(is_nash(game, ("alld", "alld")))
    assert not is_nash(game, ("allc", "allc"))


def test_a_solver_that_ignores_errors_refuses_them():
    with pytest.raises(ValueError, match=r"errors of probability 0\.01.*best_response"):
        partner_or_rival("tft", trembling(ipd_axelrod(), 0.01))
