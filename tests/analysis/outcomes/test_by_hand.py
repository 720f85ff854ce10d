"""Welfare, prices, Pareto gaps, cooperation and convergence: worked by hand, a second time, and under changes of units."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis.extra.numpy import arrays

from analysis.outcomes import (
    GameFacts,
    Undefined,
    action_frequency,
    best_deviation_gain,
    convergence_steps,
    cooperative_action,
    distance_to_frontier,
    diverged_share,
    egalitarian_welfare,
    envy,
    equilibrium_welfare,
    exploitation,
    gini_coefficient,
    nash_product,
    pareto_frontier,
    price_of_anarchy,
    price_of_stability,
    price_ratio,
    reciprocity_index,
    utilitarian_welfare,
    welfare_efficiency,
)
from games import GAMES, MatrixGame, bach_stravinsky, matching_pennies, prisoners_dilemma, stag_hunt
from tests.reference import brute, social_outcomes

FINITE = st.floats(-10, 10, width=32)
VALUES = arrays(float, st.tuples(st.integers(2, 4), st.integers(1, 3)), elements=FINITE)
POSITIVE = arrays(float, st.integers(2, 5), elements=st.floats(0.125, 10, width=32))
PAYOFFS = arrays(float, (2, 2, 2), elements=st.integers(-5, 5).map(float))
SCALES = st.floats(0.25, 4, width=32)
few = hypothesis.settings(max_examples=50)


def facts(payoffs):
    return GameFacts(MatrixGame(payoffs))


def test_welfare_by_hand():
    values = np.array([[3.0, 5.0], [1.0, 0.0]])
    assert utilitarian_welfare(values).tolist() == [4, 5]
    assert egalitarian_welfare(values).tolist() == [1, 0]
    assert nash_product(values, [1.0, 0.0]).tolist() == [2, 0]
    assert nash_product([0.0, 5.0], [1.0, 1.0]) == 0  # below the disagreement point
    assert nash_product([0.0, 0.0], [1.0, 1.0]) == 0  # two negative gains are no gain
    assert gini_coefficient(values).tolist() == [0.25, 0.5]
    assert gini_coefficient([0.0, 0.0]) == 0
    assert envy(values).tolist() == [[0, 0], [2, 5]]
    assert welfare_efficiency(values, 2.0, 6.0).tolist() == [0.5, 0.75]
    assert exploitation([3.0, 1.0, 2.0]).tolist() == [1.5, -1.5, 0]


@few
@hypothesis.given(POSITIVE, SCALES)
def test_gini_coefficients_are_relative(values, scale):
    found = gini_coefficient(values)
    np.testing.assert_allclose(found, social_outcomes.gini(values), atol=1e-9)
    np.testing.assert_allclose(gini_coefficient(scale * values), found, atol=1e-12)
    assert gini_coefficient(values + 1) <= found + 1e-12
    assert -1e-12 <= found <= 1 - 1 / len(values)


@few
@hypothesis.given(VALUES, SCALES, FINITE)
def test_measures_follow_a_change_of_units(values, scale, shift):
    changed, n = scale * values + shift, len(values)
    close = {"atol": 1e-9, "rtol": 1e-9}
    np.testing.assert_allclose(
        utilitarian_welfare(changed), scale * utilitarian_welfare(values) + n * shift, **close
    )
    np.testing.assert_allclose(
        egalitarian_welfare(changed), scale * egalitarian_welfare(values) + shift, **close
    )
    np.testing.assert_allclose(envy(changed), scale * envy(values), **close)
    np.testing.assert_allclose(exploitation(changed), scale * exploitation(values), **close)
    floor = np.arange(n) - 3.0
    product = nash_product(values, floor)
    np.testing.assert_allclose(
        nash_product(changed, scale * floor + shift), scale**n * product, atol=1e-6, rtol=1e-9
    )
    np.testing.assert_allclose(exploitation(values).sum(axis=0), 0, atol=1e-9)
    order = np.random.default_rng(0).permutation(n)
    np.testing.assert_allclose(envy(values[order]), envy(values)[order])


def test_what_a_negative_total_leaves_undefined():
    with pytest.raises(Undefined, match="negative"):
        gini_coefficient([1.0, -1.0])
    with pytest.raises(Undefined, match="zero-sum"):
        welfare_efficiency([1.0, -1.0], 0.0, 0.0)


def test_prices_by_hand():
    assert (
        price_of_anarchy(GameFacts(stag_hunt())) == 4 / 1
    )  # both hunt stags, 8, or hares, 2; mixed 2 <= W <= 8
    assert price_of_stability(GameFacts(stag_hunt())) == 1
    assert price_of_anarchy(GameFacts(prisoners_dilemma())) == 2  # costs: 4 in the equilibrium, 2 at best
    np.testing.assert_allclose(price_of_anarchy(GameFacts(bach_stravinsky())), 3 / (4 / 3))  # mixed: 2/3 each
    assert price_of_stability(GameFacts(bach_stravinsky())) == 1
    with pytest.raises(Undefined, match="where zero is"):
        price_of_anarchy(GameFacts(matching_pennies()))
    assert (
        price_of_anarchy(facts([[[2, 0], [0, 0]], [[2, 0], [0, 0]]])) == np.inf
    )  # the worst equilibrium pays nothing
    assert price_ratio(-np.ones((2, 2)), -2.0, -2.0) == 1
    with pytest.raises(Undefined, match="both 0"):
        price_ratio(np.zeros((2, 2)), 0.0, 0.0)


def test_the_worst_equilibrium_may_be_inside_a_continuum():
    game = facts([[[1, 1], [1, 1]], [[3, 3], [1, 1]]])  # every profile in which the second player is content
    welfare = equilibrium_welfare(game)
    assert (welfare.worst, welfare.best) == (2, 4)


def test_prices_need_every_equilibrium():
    volunteers = 1.0 - np.indices((2, 2, 2))  # action 0 costs 1, and one volunteer is worth 2 to everybody
    with pytest.raises(Undefined, match="does not prove"):
        price_of_anarchy(facts(3 - volunteers - 2 * (volunteers.max(axis=0) == 0)))


@few
@hypothesis.given(arrays(float, (2, 2, 2), elements=st.integers(0, 9).map(float)))
def test_prices_by_brute_force(payoffs):
    try:
        found = brute.equilibria(*payoffs.astype(int).tolist())
    except brute.Degenerate:
        hypothesis.assume(False)
    welfare = [sum(float(x @ u @ y) for u in payoffs) for x, y in (map(np.array, e) for e in found)]
    highest = payoffs.sum(axis=0).max()
    for function, equilibrium in ((price_of_anarchy, min(welfare)), (price_of_stability, max(welfare))):
        if equilibrium > 0:
            np.testing.assert_allclose(function(facts(payoffs)), highest / equilibrium)
            np.testing.assert_allclose(function(facts(4 * payoffs)), highest / equilibrium)
            assert function(facts(payoffs)) >= 1 - 1e-12


def test_pareto_gaps_by_hand():
    frontier = pareto_frontier(GameFacts(MatrixGame.symmetric([[3, 0], [5, 1]])).polygon)
    assert frontier.tolist() == [[5, 0], [3, 3], [0, 5]]
    points = np.array([[3.0, 1.0, 4.0, 2.0], [3.0, 1.0, 1.5, 2.0]])
    np.testing.assert_allclose(distance_to_frontier(points, frontier), [0, 10 / 13**0.5, 0, 5 / 13**0.5])
    zero_sum = pareto_frontier(GameFacts(matching_pennies()).polygon)
    np.testing.assert_allclose(distance_to_frontier([[0.5, -0.2], [-0.5, 0.2]], zero_sum), 0, atol=1e-12)
    point = pareto_frontier(GameFacts(MatrixGame.symmetric([[4, 0], [0, 8]])).polygon)
    assert point.tolist() == [[8, 8]]
    np.testing.assert_allclose(distance_to_frontier([[8.0, 5.0], [8.0, 4.0]], point), [0, 5])


@few
@hypothesis.given(PAYOFFS, st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any), SCALES, FINITE)
def test_pareto_gaps_by_brute_force(payoffs, weights, scale, shift):
    corners = payoffs.reshape(2, -1)
    point = corners @ np.array(weights) / sum(weights)
    gap = distance_to_frontier(point, pareto_frontier(facts(payoffs).polygon))
    assert abs(gap - social_outcomes.pareto_gap(payoffs, point, 20)) < 0.5
    changed = pareto_frontier(facts(scale * payoffs + shift).polygon)
    np.testing.assert_allclose(distance_to_frontier(scale * point + shift, changed), scale * gap, atol=1e-5)
    swapped = pareto_frontier(facts(np.transpose(payoffs[::-1], (0, 2, 1))).polygon)
    np.testing.assert_allclose(distance_to_frontier(point[::-1], swapped), gap, atol=1e-9)


def test_the_action_that_is_cooperation():
    assert cooperative_action(MatrixGame.symmetric([[3, 0], [5, 1]]).payoffs) == 0
    assert cooperative_action(MatrixGame.symmetric([[1, 5], [0, 3]]).payoffs) == 1
    for name in ("matching_pennies", "bach_stravinsky"):
        assert cooperative_action(GAMES.make(name).payoffs) is None
    for entry in GAMES:  # where a game of the catalogue names one, its payoffs agree
        game = entry.make()
        stage = getattr(game, "stage", game)
        if entry.facts["cooperation"] is not None:
            assert cooperative_action(stage.payoffs) == entry.facts["cooperation"]
    named = {entry.name for entry in GAMES if entry.facts["cooperation"] == 0}
    assert {"stag_hunt", "chicken", "iterated_prisoners_dilemma"} <= named
    assert not {"matching_pennies", "tandem", "coordination", "ultimatum"} & named


def test_how_often_an_action_is_taken():
    joint = np.array([[[0.1, 0.2], [0.3, 0.4]]])
    np.testing.assert_allclose(action_frequency(joint), [[0.3], [0.4]])
    np.testing.assert_allclose(action_frequency(joint, 1), [[0.7], [0.6]])
    three = np.arange(8.0).reshape(1, 2, 2, 2) / 28
    np.testing.assert_allclose(action_frequency(three)[:, 0], [6 / 28, 10 / 28, 12 / 28])


def test_reciprocity_by_hand():
    even = np.full(5, 0.2)
    assert reciprocity_index(np.array([1.0, 1, 0, 1, 0]), even) == 1  # tit for tat
    assert reciprocity_index(np.zeros(5), even) == 0
    assert reciprocity_index(np.array([1.0, 1, 0, 0, 1]), even) == 0  # win-stay, lose-shift
    assert np.isnan(reciprocity_index(np.ones(5), np.array([0.1, 0.9, 0, 0, 0])))  # the other never defects
    weights = np.array([0.1, 0.3, 0.2, 0.1, 0.3])
    expected = (0.3 * 0.9 + 0.1 * 0.5) / 0.4 - (0.2 * 0.4 + 0.3 * 0.1) / 0.5
    np.testing.assert_allclose(reciprocity_index(np.array([0.7, 0.9, 0.4, 0.5, 0.1]), weights), expected)


def test_deviations_never_lose():
    assert best_deviation_gain(np.array([3.0, 3.0]), np.array([[3.0, 5.0], [2.9, 2.0]])).tolist() == [2, 0]


def test_convergence_by_hand():
    steps = np.array([0, 10, 20, 30, 40])
    curves = np.array([[0.0, 0.5, 0.97, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0, 0.0]]).T
    assert convergence_steps(curves, steps).tolist() == [20, 0, 40]  # the last one never settles
    assert convergence_steps(curves, steps, tolerance=0.5).tolist() == [10, 0, 40]
    assert diverged_share(np.array([True, False])) == 0.5


@few
@hypothesis.given(
    arrays(float, (6, 3), elements=FINITE), st.sampled_from([0.25, 2.0, 8.0]), st.integers(-4, 4)
)
def test_convergence_does_not_change_with_units(curves, scale, shift):
    curves, steps = np.round(curves), np.arange(6) * 5
    found = convergence_steps(curves, steps)
    np.testing.assert_array_equal(convergence_steps(scale * curves + shift, steps), found)
    np.testing.assert_array_equal(convergence_steps(-curves, steps), found)
    for lane, step in enumerate(found):
        later = curves[int(step) // 5 :, lane]
        assert (np.abs(later - later[-1]) <= 0.05 * np.ptp(curves[:, lane])).all()
