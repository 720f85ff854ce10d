import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import solvers.n_player.homotopy
from solvers.n_player.homotopy import equations, logit_homotopy, principal_branch
from solvers.n_player.polynomial import polynomial_equilibria
from tests.reference.quantal_scan import BENDING_BRANCH, quantal_roots
from tests.reference.three_players import (
    CONTINUUM,
    IRRATIONAL,
    IRRATIONAL_EQUILIBRIUM,
    NINE,
    SEGMENT,
    largest_regret,
    random_game,
    same_profiles,
    stag_hunt,
    volunteers,
)

SHAPES = [(2, 2), (3, 4), (2, 2, 2), (3, 3, 3), (2, 3, 1), (2, 2, 2, 2), (6, 6), (3,)]


def test_an_irrational_equilibrium():
    (found,) = logit_homotopy(IRRATIONAL)
    assert found.status == "solved"
    assert same_profiles([found.profile], [IRRATIONAL_EQUILIBRIUM], 1e-12)


@pytest.mark.parametrize("payoffs", [NINE, CONTINUUM, SEGMENT, stag_hunt(3, 2.0), volunteers(4, 3.0)])
def test_games_with_many_equilibria(payoffs):
    (found,) = logit_homotopy(payoffs)
    assert found.status == "solved"
    assert largest_regret(payoffs, found.profile) <= 1e-8 * np.ptp(payoffs)


@pytest.mark.parametrize(("n", "v"), [(3, 3.0), (3, 5.0)])
def test_a_symmetric_game_keeps_its_symmetry(n, v):
    """The symmetric branch of the stag hunt ends at the equilibrium on whose side of v^(-1/(n-1)) a half lies."""
    (found,) = logit_homotopy(stag_hunt(n, v))
    hunts = v ** (-1 / (n - 1)) < 0.5
    for strategy in found.profile:
        np.testing.assert_allclose(strategy, [hunts, not hunts], atol=1e-12)


@settings(max_examples=30)
@given(st.floats(0.05, 3), st.floats(0.05, 3), st.floats(-2, 2), st.floats(-2, 2))
def test_risk_dominance_in_symmetric_coordination(first, second, base, other):
    """Turocy (2005): the branch ends at the action with the larger loss from deviating alone."""
    if abs(first - second) < 1e-4:
        return
    row = np.array([[base + first, other], [base, other + second]])
    (found,) = logit_homotopy((row, row.T))
    assert (
        found.profile[0].round(9).tolist()
        == found.profile[1].round(9).tolist()
        == [first > second, first < second]
    )


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(SHAPES), st.booleans())
def test_residuals_are_honest(seed, shape, whole):
    payoffs = random_game(seed, shape, whole)
    found = logit_homotopy(payoffs)
    regret = largest_regret(payoffs, found[0].profile)
    np.testing.assert_allclose(found[0].regret.max(), regret, atol=1e-12)
    assert regret <= found[0].residual * np.ptp(payoffs) + 1e-12  # the payoffs in play are among all payoffs
    assert found.status == found[0].status == ("solved" if found[0].residual <= 1e-8 else "not_converged")
    assert not found.complete
    if not whole:  # ties may end in what is not solved, and says so
        assert found.status == "solved"
        assert found[0].iterations < 2000


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2, 2), (2, 3, 2), (3, 3)]))
def test_is_among_all(seed, shape):
    payoffs = random_game(seed, shape)
    (found,) = logit_homotopy(payoffs)
    assert any(same_profiles([found.profile], [other.profile]) for other in polynomial_equilibria(payoffs))


def test_derivatives_of_the_equations():
    payoffs = random_game(3, (2, 3, 2))
    x = np.random.default_rng(0).normal(size=5)
    slopes = [(equations(payoffs, x + h)[0] - equations(payoffs, x - h)[0]) / 2e-6 for h in 1e-6 * np.eye(5)]
    np.testing.assert_allclose(equations(payoffs, x)[1], np.transpose(slopes), atol=1e-8)


def test_a_branch_that_bends_back():
    branch = principal_branch(BENDING_BRANCH, 20.0)
    assert branch.reached
    assert branch.bends == 2
    turns = branch.precisions[np.flatnonzero(np.diff(np.sign(np.diff(branch.precisions)))) + 1]
    low, high = min(turns), max(turns)
    for precision, count in ((0.95 * low, 1), ((low + high) / 2, 3), (1.05 * high, 1)):
        assert len(quantal_roots(BENDING_BRANCH, precision)) == count
    for k in range(len(branch.precisions)):  # every point is an equilibrium of its precision
        roots = quantal_roots(BENDING_BRANCH, branch.precisions[k])
        assert np.abs(roots - branch.strategies[0][k, 0]).min() < 2e-4


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (3, 3), (2, 2, 2)]))
def test_small_steps_stay_on_the_same_branch(seed, shape):
    payoffs = random_game(seed, shape)
    usual = principal_branch(payoffs, 30.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solvers.n_player.homotopy, "LARGEST_CORRECTION", 0.03)
        patch.setattr(solvers.n_player.homotopy, "TARGET_CORRECTION", 0.01)
        small = principal_branch(payoffs, 30.0)
    assert small.steps > usual.steps
    for one, other in zip(usual.strategies, small.strategies, strict=True):
        np.testing.assert_allclose(one[-1], other[-1], atol=1e-8)


def test_unit_of_payoffs_does_not_matter():
    payoffs = random_game(1, (3, 3, 3))
    (one,), (other,) = logit_homotopy(payoffs), logit_homotopy(1000 * payoffs - 7)
    assert one.iterations == other.iterations
    assert same_profiles([one.profile], [other.profile], 1e-9)


def test_giving_up_is_reported():
    payoffs = random_game(0, (6, 6))
    found = logit_homotopy(payoffs, max_steps=3)
    assert "precision" in found.message
    assert "3 steps" in found.message
    assert found.status == "not_converged"
    assert found[0].residual > 1e-8
    branch = principal_branch(payoffs, 100.0, max_steps=3)
    assert not branch.reached
    assert branch.precisions[-1] < 100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"precision": -1.0}, "precision is -1"),
        ({"precision": np.nan}, "precision is nan"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"game": ([[1, np.nan], [0, 0]], [[1, 1], [1, 1]])}, "finite"),
    ],
)
def test_bad_input(arguments, says):
    with pytest.raises(ValueError, match=says):
        logit_homotopy(**({"game": BENDING_BRANCH} | arguments))
    with pytest.raises(ValueError, match=says):
        principal_branch(**({"game": BENDING_BRANCH, "precision": 1.0} | arguments))
