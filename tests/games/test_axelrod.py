"""Memory-one strategies beside the axelrod library, whose answers tests/data/make_axelrod.py froze into a file."""

import json
import pathlib

import numpy as np
import pytest

from games import STRATEGIES
from solvers.repeated.best_responses import repeated_payoffs
from solvers.repeated.enforced_relations import enforced_relation, extortion_slope

FROZEN = json.loads((pathlib.Path(__file__).parents[1] / "data" / "axelrod.json").read_text(encoding="utf-8"))
GAME = np.array([[[3.0, 0], [5, 1]], [[3, 5], [0, 1]]])
OURS = {
    "Cooperator": "allc",
    "Defector": "alld",
    "TitForTat": "tft",
    "SuspiciousTitForTat": "suspicious_tft",
    "Grudger": "grim",
    "WinStayLoseShift": "wsls",
    "GTFT": "gtft",
    "FirstByJoss": "joss",
    "ZDExtort2": "extort_2",
    "ZDGTFT2": "zdgtft_2",
}


@pytest.mark.parametrize("pair", FROZEN["plays"])
def test_deterministic_pairs_earn_what_they_earn_there(pair):
    """Discounted at 1/2 over 44 turns, and on average over the last 12, a multiple of every cycle's length."""
    names = [OURS[name] for name in pair.split()]
    moves = [["CD".index(x) for x in turn] for turn in FROZEN["plays"][pair].split()]
    rewards = np.array([[GAME[(i, *joint)] for i in (0, 1)] for joint in moves])
    weights = 0.5 ** np.arange(1, len(moves) + 1)
    np.testing.assert_allclose(repeated_payoffs(GAME, names, 0.5), weights @ rewards, atol=1e-12)
    np.testing.assert_allclose(repeated_payoffs(GAME, names, 1.0), rewards[-12:].mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("pair", FROZEN["totals"])
def test_expected_totals_agree_with_many_matches(pair):
    """A match that ends each turn with probability 1 - d is worth the discounted return."""
    discount = 1 - FROZEN["end_probability"]
    expected = repeated_payoffs(GAME, [FROZEN["vectors"][name] for name in pair.split()], discount) / (
        1 - discount
    )
    found = FROZEN["totals"][pair]
    assert (np.abs(expected - found["mean"]) < 4 * np.array(found["standard_error"])).all()


@pytest.mark.parametrize("name", sorted(set(OURS) & set(FROZEN["vectors"])))
def test_named_strategies_are_the_same(name):
    np.testing.assert_allclose(STRATEGIES.make(OURS[name]), FROZEN["vectors"][name], atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(FROZEN["parameters"]) & set(FROZEN["vectors"])))
def test_zero_determinant_vectors_enforce_what_is_said_of_them(name):
    """There the relation is written s_Y - l = s (s_X - l)."""
    vector, told = FROZEN["vectors"][name], FROZEN["parameters"][name]
    found = enforced_relation(vector, GAME, 1.0)
    assert found.zero_determinant
    assert found.residual < 1e-12
    assert -found.alpha / found.beta == pytest.approx(told["s"], abs=1e-12)
    assert found.baseline == pytest.approx(told["l"], abs=1e-12)
    if told["l"] == 1 and told["s"] > 0:
        assert extortion_slope(vector).slope == pytest.approx(1 / told["s"])
