"""Memory-one play: frequencies, deviations, standings, lines and behavior, against other implementations of each."""

import numpy as np
import pytest

from analysis.memory_one import DETERMINISTIC, log_chances_of, visits
from analysis.outcomes import (
    behavior_distance,
    line_through,
    named_strategies,
    outcome_frequencies,
    payoffs_against_all,
    standings_of,
    zero_determinant_line,
)
from analysis.outcomes.exploitability import left_by_best_response
from analysis.outcomes.partners import rounded_strategies
from analysis.outcomes.reciprocity import PROBES, visits_against
from games import STRATEGIES, zero_determinant
from solvers import best_response, enforced_relation, partner_or_rival
from tests.reference import chains, social_outcomes
from tests.reference.repeated_games import AXELROD, prisoners_dilemma, random_strategy

POINTS = AXELROD.reshape(2, 4).T
NAMES = [entry.name for entry in STRATEGIES]


def strategies(count, certain=0.4, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([random_strategy(rng, 5, certain) for _ in range(count)])


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.96, 1.0])
def test_frequencies_are_those_of_an_independent_chain(discount):
    own, other = strategies(24), strategies(24, seed=1)
    found = outcome_frequencies(log_chances_of(own), log_chances_of(other), discount)
    for p, q, frequencies in zip(own, other, found, strict=True):
        expected = [
            chains.memory_one(p, q, np.tile(np.eye(4)[o], (2, 1)).reshape(2, 2, 2), discount)[0]
            for o in range(4)
        ]
        np.testing.assert_allclose(frequencies, expected, atol=1e-7)
        if 0 < discount < 1:
            np.testing.assert_allclose(
                frequencies, social_outcomes.state_frequencies(p, q, discount), atol=1e-9
            )
    np.testing.assert_allclose(visits(found, discount).sum(axis=-1), 1)


def test_a_leak_of_1e_12_decides_the_long_run():
    grim = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    leaky = np.array([1.0, 1 - 1e-12, 0.0, 0.0, 0.0])
    found = outcome_frequencies(log_chances_of(np.stack([grim, leaky])), log_chances_of(grim), 1.0)
    np.testing.assert_allclose(found, [[1, 0, 0, 0], [0, 0, 0, 1]], atol=1e-9)


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_best_responses_by_brute_force_and_by_policy_iteration(discount):
    own = strategies(12)
    points = payoffs_against_all(log_chances_of(own), POINTS, discount)
    for p, found in zip(own, points, strict=True):
        response = best_response(AXELROD, (p, None), 1, discount)
        np.testing.assert_allclose(found[:, 1].max(), response.value, atol=1e-9)
        assert left_by_best_response(found, 1e-9) <= response.payoffs[0] + 1e-9
        if discount < 1:
            expected = social_outcomes.payoffs_against_all(p, AXELROD, discount)
            np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_stochastic_deviation_is_never_better():
    own, deviations = strategies(3, certain=0), strategies(200, certain=0.2, seed=3)
    points = payoffs_against_all(log_chances_of(own), POINTS, 0.9)
    mixed = outcome_frequencies(log_chances_of(own)[:, None], log_chances_of(deviations), 0.9) @ POINTS
    assert (mixed[..., 1].max(axis=1) <= points[..., 1].max(axis=1) + 1e-12).all()


@pytest.mark.parametrize("discount", [0.8, 1.0])
def test_standings_are_those_of_the_solver(discount):
    named = np.stack([STRATEGIES.make(name) for name in NAMES])
    nice = strategies(10, seed=5)
    nice[:, :2] = 1
    every = np.concatenate([DETERMINISTIC, named, strategies(10), nice])
    found = standings_of(every, POINTS, discount)
    assert found.tolist() == [partner_or_rival(p, discount=discount).kind for p in every]
    assert {"partner", "rival", "neither"} <= set(found)


def test_nearly_certain_strategies_are_rounded():
    learned = np.array([0.99, 0.999, 0.01, 0.99, 0.02])
    assert standings_of(learned, POINTS, 0.9) == "neither"
    assert (
        standings_of(rounded_strategies(learned), POINTS, 0.9) == partner_or_rival("tft", discount=0.9).kind
    )


@pytest.mark.parametrize(
    ("chi", "kappa", "discount"), [(3, 1, 1.0), (2, 3, 1.0), (2, 1, 0.98), (1.5, 3, 0.95)]
)
def test_zero_determinant_strategies_have_their_slope(chi, kappa, discount):
    p = zero_determinant(chi, kappa, 0.05, discount=discount)
    points = payoffs_against_all(log_chances_of(p), POINTS, discount)
    fitted = line_through(points[:, 0], points[:, 1])
    exact = zero_determinant_line(p, POINTS, discount)
    for line in (fitted, exact):
        np.testing.assert_allclose([line.slope, line.baseline], [chi, kappa], atol=1e-7)
        np.testing.assert_allclose(line.residual, 0, atol=1e-7)


def test_other_strategies_are_measured_as_far_from_a_line():
    every = strategies(20, certain=0)
    points = payoffs_against_all(log_chances_of(every), POINTS, 0.9)
    assert (line_through(points[..., 0], points[..., 1]).residual > 1e-3).all()
    lines = zero_determinant_line(every, POINTS, 0.9)
    assert ((lines.residual > 1e-3) & (lines.residual <= 1)).all()
    for p in every:
        assert enforced_relation(p, discount=0.9) is None


def test_an_equalizer_has_no_slope_and_alld_a_line_without_being_zero_determinant():
    equalizer = np.array([1.0, 2 / 3, 0.0, 2 / 3, 1 / 3])  # holds the other at 2
    points = payoffs_against_all(log_chances_of(equalizer), POINTS, 1.0)
    np.testing.assert_allclose(points[:, 1], 2, atol=1e-9)
    assert np.isnan(line_through(points[:, 0], points[:, 1]).slope)
    line = zero_determinant_line(equalizer, POINTS, 1.0)
    assert np.isnan(line.slope)
    np.testing.assert_allclose([line.baseline, line.residual], [2, 0], atol=1e-9)
    alld = np.zeros(5)
    points = payoffs_against_all(log_chances_of(alld), POINTS, 1.0)
    fitted, relation = line_through(points[:, 0], points[:, 1]), enforced_relation("alld", discount=1.0)
    np.testing.assert_allclose([fitted.slope, fitted.residual], [relation.slope, 0], atol=1e-9)
    assert zero_determinant_line(alld, POINTS, 1.0).residual > 0.1


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_every_named_strategy_is_nearest_to_itself(discount):
    named = named_strategies(((3.0, 0.0), (5.0, 1.0)), discount)
    every, probes = np.stack(list(named.values())), np.stack([STRATEGIES.make(name) for name in PROBES])
    own = visits_against(log_chances_of(every), log_chances_of(probes), discount)
    weights = (own[:, None] + own[None]) / 2
    distances = behavior_distance(every[:, None], every[None], weights)
    np.testing.assert_allclose(np.diag(distances), 0, atol=1e-12)
    np.testing.assert_allclose(distances, distances.T, atol=1e-12)
    assert ((distances >= 0) & (distances <= 1)).all()
    if discount < 1:
        for row in (0, 3):
            expected = social_outcomes.nearest_distances(every[row], every, probes, discount)
            np.testing.assert_allclose(distances[row], expected, atol=1e-9)


def test_strategies_are_made_for_the_payoffs():
    other = named_strategies(((1.0, -1.0), (2.0, 0.0)), 0.95)
    assert "extort_2" not in other
    line = zero_determinant_line(other["extortion"], prisoners_dilemma(1, -1, 2, 0).reshape(2, 4).T, 0.95)
    np.testing.assert_allclose([line.slope, line.baseline, line.residual], [3, 0, 0], atol=1e-9)


def test_execution_errors_strike_both_players():
    from games import ipd_axelrod
    from games.exact.parameterized import trembling

    tft = np.array([1.0, 1, 0, 1, 0])
    points = payoffs_against_all(log_chances_of(tft, 0.1), POINTS, 1.0, 0.1)
    response = best_response(trembling(ipd_axelrod(), 0.1), (tft, None), 1)
    np.testing.assert_allclose(points[:, 1].max(), response.value, atol=1e-9)
