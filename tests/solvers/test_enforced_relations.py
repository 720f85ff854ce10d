import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import STRATEGIES, zero_determinant
from games.strategies.zero_determinant_lines import AXELROD
from solvers.repeated import polygons
from solvers.repeated.best_responses import repeated_payoffs
from solvers.repeated.enforced_relations import enforced_relation, extortion_slope, feasible_payoffs
from tests.reference.repeated_games import PURE_MEMORY_ONE, random_strategy
from tests.reference.zero_determinant import PARAMETERS, payoffs_against, random_opponents

GAME = np.array([AXELROD, np.transpose(AXELROD)], dtype=float)


def brute_force(strategy, payoffs, discount):
    """The hull of the payoffs against all 32 pure memory-one strategies."""
    return polygons.hull(
        [repeated_payoffs(payoffs, (strategy, other), discount) for other in PURE_MEMORY_ONE], 1e-10
    )


@pytest.mark.parametrize("discount", [0.3, 0.9, 1.0])
def test_polygon_is_the_hull_over_all_pure_responses(discount):
    rng = np.random.default_rng(0)
    for certain in (0.0, 0.4, 0.8, 1.0):
        for payoffs in (GAME, rng.normal(size=(2, 2, 2))):
            strategy = random_strategy(rng, 5, certain)
            found = feasible_payoffs(strategy, payoffs, discount)
            assert polygons.hausdorff(found.vertices, brute_force(strategy, payoffs, discount)) < 1e-9
            assert len(found.vertices) <= 11  # McAvoy & Nowak (2019)
            for vertex, response in zip(found.vertices, found.responses, strict=True):
                np.testing.assert_allclose(
                    repeated_payoffs(payoffs, (strategy, response), discount), vertex, atol=1e-9
                )


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_random_others_stay_within_the_polygon(discount):
    rng = np.random.default_rng(1)
    strategy = random_strategy(rng, 5)
    vertices = feasible_payoffs(strategy, GAME, discount).vertices
    for memory_rows in (5, 21):
        for _ in range(20):
            point = repeated_payoffs(GAME, (strategy, random_strategy(rng, memory_rows)), discount)
            assert polygons.distance(point, vertices) < 1e-9


def test_textbook_polygons():
    assert feasible_payoffs("allc", discount=1.0).vertices.tolist() == [[0, 5], [3, 3]]
    assert feasible_payoffs("alld", discount=1.0).vertices.tolist() == [[1, 1], [5, 0]]
    assert feasible_payoffs("tft", discount=1.0).vertices.tolist() == [[1, 1], [3, 3]]


@pytest.mark.parametrize(("chi", "kappa", "phi", "payoffs", "discount"), PARAMETERS)
def test_zero_determinant_strategies_show_their_parameters(chi, kappa, phi, payoffs, discount):
    game = np.array([payoffs, np.transpose(payoffs)], dtype=float)
    found = enforced_relation(zero_determinant(chi, kappa, phi, payoffs, discount), game, discount)
    assert found is not None
    assert found.zero_determinant
    assert found.slope == pytest.approx(chi, abs=1e-9)
    if chi != 1:
        assert found.baseline == pytest.approx(kappa, abs=1e-9)
    assert abs(found.phi) == pytest.approx(abs(phi) * max(1, abs(chi)), abs=1e-9)
    assert found.residual < 1e-12
    own, other = payoffs_against(
        zero_determinant(chi, kappa, phi, payoffs, discount),
        random_opponents(50, np.random.default_rng(2)),
        payoffs,
        discount,
    ).T
    np.testing.assert_allclose(found.alpha * own + found.beta * other + found.gamma, 0, atol=1e-9)


@pytest.mark.parametrize("discount", [0.8, 1.0])
@pytest.mark.parametrize("target", [1.2, 2.0, 2.9])
def test_equalizers_set_the_others_payoff(target, discount):
    """p = ((1,1,0,0) - (1-d) p0 + phi (S_Y - target)) / d with a small negative phi, Press & Dyson (2012)."""
    other, phi, start = np.array([3.0, 5, 0, 1]), -0.1, (target - 1) / 2
    policy = np.r_[
        start, (np.array([1, 1, 0, 0]) - (1 - discount) * start + phi * (other - target)) / discount
    ]
    assert ((policy >= -1e-12) & (policy <= 1 + 1e-12)).all()
    policy = np.clip(policy, 0, 1)
    found = enforced_relation(policy, GAME, discount)
    assert found.zero_determinant
    np.testing.assert_allclose([found.alpha, found.beta], [0, 1], atol=1e-14)
    assert found.gamma == pytest.approx(-target)
    for response in PURE_MEMORY_ONE[::3]:
        assert repeated_payoffs(GAME, (policy, response), discount)[1] == pytest.approx(target)


def test_unconditional_strategies_leave_a_line_without_being_zero_determinant():
    found = enforced_relation("alld", GAME, 0.9)
    assert not found.zero_determinant
    assert found.alpha * 1 + found.beta * 1 + found.gamma == pytest.approx(0)
    assert found.alpha * 5 + found.gamma == pytest.approx(0)
    donation = np.array([[[2.0, -1], [3, 0]], [[2, 3], [-1, 0]]])
    assert enforced_relation("alld", donation, 0.9).zero_determinant  # all is linear where payoffs add up


@pytest.mark.parametrize("discount", [0.7, 1.0])
def test_strategies_in_general_position_enforce_nothing(discount):
    rng = np.random.default_rng(3)
    for _ in range(10):
        assert enforced_relation(rng.random(5), GAME, discount) is None
    assert enforced_relation("wsls", GAME, discount) is None
    assert enforced_relation("wsls", np.ones((2, 2, 2)), discount) is None  # a single point


def test_the_diagonal_is_enforced_by_tit_for_tat_in_the_long_run_only():
    found = enforced_relation("tft", GAME, 1.0)
    np.testing.assert_allclose([found.slope, found.gamma], [1, 0], atol=1e-12)
    assert np.isnan(found.baseline)
    assert len(brute_force(STRATEGIES.make("tft"), GAME, 0.9)) > 2
    assert enforced_relation("tft", GAME, 0.9) is None


@settings(max_examples=50)
@given(st.floats(1.05, 20), st.floats(0.05, 1))
def test_extortioners_are_recognized(chi, share):
    policy = STRATEGIES.make("extortion", chi=chi, share=share)
    fit = extortion_slope(policy)
    assert fit.slope == pytest.approx(chi, rel=1e-7)
    assert fit.residual < 1e-20
    p2, p3 = policy[2] - 1, policy[3]
    closed_form = (1 * p2 - p3 + 0 * p3 - 5 * p2) / (
        p2 - p3 - 0 * p2 + 5 * p3
    )  # Knight et al. (2024), at (3, 0, 5, 1)
    assert fit.slope == pytest.approx(closed_form, rel=1e-7)


def test_fit_is_the_least_of_all():
    """Published example: extort-2 has alpha = 1/18 and beta = -1/9; of any other strategy no other line fits better."""
    fit = extortion_slope("extort_2")
    np.testing.assert_allclose([fit.alpha, fit.beta], [1 / 18, -1 / 9], atol=1e-12)
    assert extortion_slope("tft").slope == pytest.approx(1)
    rng = np.random.default_rng(4)
    for policy in (STRATEGIES.make("wsls"), rng.random(5)):
        fit = extortion_slope(policy)
        target = policy[1:] - [1, 1, 0, 0]
        basis = np.array([[2.0, 2], [-1, 4], [4, -1], [0, 0]])
        normal = np.linalg.inv(basis.T @ basis) @ basis.T @ target
        assert fit.residual == pytest.approx(target @ target - target @ basis @ normal)
        for step in itertools.product((-0.01, 0, 0.01), repeat=2):
            errors = target - basis @ (np.array([fit.alpha, fit.beta]) + step)
            assert errors @ errors >= fit.residual - 1e-12


def test_discounted_extortion_is_recognized_at_its_discount():
    policy = zero_determinant(3, 1, 0.05, discount=0.9)
    assert extortion_slope(policy, discount=0.9).slope == pytest.approx(3)
    assert extortion_slope(policy, discount=0.9).residual < 1e-20 < extortion_slope(policy).residual


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: feasible_payoffs("tft"), "without a discount"),
        (lambda: feasible_payoffs("tft", np.zeros((3, 2, 2, 2)), 0.9), "3 players"),
        (lambda: enforced_relation(np.ones(4), GAME, 0.9), "one row per history"),
        (lambda: extortion_slope("tft", ((1, 2), (3, 4))), "T > R > P > S"),
        (lambda: extortion_slope(np.ones(21)), "more than one joint action"),
        (lambda: extortion_slope("tft", discount=0.0), "discount is 0"),
    ],
)
def test_bad_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
