import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import MatrixGame
from solvers.n_player.correlated import (
    coarse_correlated_equilibrium,
    correlated_equilibrium,
    deviation_regrets,
    payoff_ranges,
)
from solvers.payoffs import payoff_tensor, regrets, relabel_players

CHICKEN = ([[6, 2], [7, 0]], [[6, 7], [2, 0]])
BATTLE = ([[3, 0], [0, 2]], [[2, 0], [0, 3]])
SHAPES = [(2, 2), (3, 4), (2, 2, 2), (3, 3, 3), (2, 3, 1), (2, 2, 2, 2)]
games = st.builds(
    lambda shape, seed, whole: (
        np.random.default_rng(seed).integers(-3, 4, (len(shape), *shape)).astype(float)
        if whole
        else np.random.default_rng(seed).normal(size=(len(shape), *shape))
    ),
    st.sampled_from(SHAPES),
    st.integers(0, 10_000),
    st.booleans(),
)


def swap_gains(payoffs, mu):
    """What the best swap of each recommended action gains, summed profile by profile."""
    best = np.zeros(len(payoffs))
    for i, actions in enumerate(payoffs.shape[1:]):
        for told in range(actions):
            gain = np.zeros(actions)
            for joint in itertools.product(*map(range, payoffs.shape[1:])):
                if joint[i] == told:
                    for played in range(actions):
                        other = (*joint[:i], played, *joint[i + 1 :])
                        gain[played] += mu[joint] * (payoffs[(i, *other)] - payoffs[(i, *joint)])
            best[i] += gain.max()
    return best


def test_chicken():
    """Aumann's lottery: nobody is told to crash into the other."""
    found = correlated_equilibrium(CHICKEN)
    assert found.status == "solved"
    np.testing.assert_allclose(found.distribution, [[0.5, 0.25], [0.25, 0]], atol=1e-9)
    np.testing.assert_allclose([found.objective, *found.payoffs], [10.5, 5.25, 5.25], atol=1e-9)


def test_battle_of_the_sexes():
    """Nau, Gomez Canovas & Hansen (2004), section 3: the worst correlated equilibrium is the mixed equilibrium, the best the pure ones."""
    worth = np.sum(BATTLE, axis=0)
    best, worst = correlated_equilibrium(BATTLE, worth), correlated_equilibrium(BATTLE, -worth)
    np.testing.assert_allclose(worst.distribution, np.outer([3 / 5, 2 / 5], [2 / 5, 3 / 5]), atol=1e-9)
    np.testing.assert_allclose([worst.payoffs.sum(), best.payoffs.sum()], [2.4, 5], atol=1e-9)
    np.testing.assert_allclose(payoff_ranges(BATTLE), [[1.2, 3], [1.2, 3]], atol=1e-9)
    fair = correlated_equilibrium(BATTLE, "egalitarian")
    np.testing.assert_allclose(fair.payoffs, [2.5, 2.5], atol=1e-9)
    np.testing.assert_allclose(correlated_equilibrium(BATTLE, 1).payoffs, [2, 3], atol=1e-9)


def test_a_dominated_action_may_be_coarse_correlated():
    """Three ways to coordinate, paying 1, and a dominated D: (D, D) pays 2, leaving it 3.

    No correlated equilibrium plays D, so none pays more than 1 each. A lottery that plays (D, D) with
    probability q and coordinates otherwise is coarse correlated while q (3 - 2) <= (1 - q) (1 - 1/3), so q =
    2/5 pays 7/5 each.
    """
    row = np.array([[1, 0, 0, 3], [0, 1, 0, 3], [0, 0, 1, 3], [-10, -10, -10, 2]])
    game = (row, row.T)
    assert correlated_equilibrium(game).distribution[3].max() <= 1e-9
    np.testing.assert_allclose(correlated_equilibrium(game).payoffs, [1, 1], atol=1e-9)
    coarse = coarse_correlated_equilibrium(game)
    np.testing.assert_allclose(coarse.payoffs, [1.4, 1.4], atol=1e-9)
    np.testing.assert_allclose(coarse.distribution[3, 3], 0.4, atol=1e-9)


def test_prisoners_dilemma_has_one():
    np.testing.assert_allclose(
        payoff_ranges(MatrixGame.symmetric([[3, 0], [5, 1]]), "coarse"), [[1, 1], [1, 1]], atol=1e-9
    )


@settings(max_examples=25)
@given(games)
def test_regret_is_honest(payoffs):
    rng = np.random.default_rng(0)
    mu = rng.dirichlet(np.ones(payoffs[0].size)).reshape(payoffs.shape[1:])
    np.testing.assert_allclose(deviation_regrets(payoffs, mu), swap_gains(payoffs, mu), atol=1e-12)
    assert (deviation_regrets(payoffs, mu, "coarse") <= deviation_regrets(payoffs, mu) + 1e-12).all()
    profile = tuple(rng.dirichlet(np.ones(a)) for a in payoffs.shape[1:])
    product = np.array(1.0)
    for strategy in profile:
        product = np.multiply.outer(product, strategy)
    for concept in ("correlated", "coarse"):
        np.testing.assert_allclose(
            deviation_regrets(payoffs, product, concept), regrets(payoffs, profile), atol=1e-12
        )


@settings(max_examples=25)
@given(games)
def test_sets_are_nested(payoffs):
    """Pure Nash equilibria are correlated and correlated are coarse; the egalitarian one has the largest least payoff."""
    best, coarse, fair = (
        correlated_equilibrium(payoffs),
        coarse_correlated_equilibrium(payoffs),
        correlated_equilibrium(payoffs, "egalitarian"),
    )
    for found in (best, coarse, fair):
        assert found.status == "solved"
        assert found.residual <= 1e-8
        np.testing.assert_allclose(found.distribution.sum(), 1, atol=1e-12)
        assert (found.distribution >= 0).all()
        gains = swap_gains(payoffs, found.distribution)
        if found.concept == "correlated":
            assert gains.max() <= 1e-7
    assert deviation_regrets(payoffs, best.distribution, "coarse").max() <= 1e-7
    assert best.payoffs.sum() <= coarse.payoffs.sum() + 1e-7
    assert fair.payoffs.min() >= best.payoffs.min() - 1e-7
    ranges, wide = payoff_ranges(payoffs), payoff_ranges(payoffs, "coarse")
    assert (wide[:, 0] <= ranges[:, 0] + 1e-7).all()
    assert (wide[:, 1] >= ranges[:, 1] - 1e-7).all()
    for joint in itertools.product(*map(range, payoffs.shape[1:])):
        pure = tuple(np.eye(a)[k] for a, k in zip(payoffs.shape[1:], joint, strict=True))
        if regrets(payoffs, pure).max() <= 0:
            values = payoffs[(slice(None), *joint)]
            assert (ranges[:, 0] <= values + 1e-7).all()
            assert (ranges[:, 1] >= values - 1e-7).all()
            assert best.payoffs.sum() >= values.sum() - 1e-7


@settings(max_examples=12)
@given(games, st.floats(0.01, 100), st.floats(-50, 50))
def test_affine_changes_and_relabeling(payoffs, scale, shift):
    ranges = payoff_ranges(payoffs)
    changed = payoffs.copy()
    changed[0] = scale * payoffs[0] + shift
    expected = ranges.copy()
    expected[0] = scale * ranges[0] + shift
    np.testing.assert_allclose(payoff_ranges(changed), expected, atol=1e-6 * max(scale, 1))
    order = np.random.default_rng(1).permutation(len(payoffs)).tolist()
    np.testing.assert_allclose(payoff_ranges(relabel_players(payoffs, order)), ranges[order], atol=1e-6)


@settings(max_examples=12)
@given(st.integers(0, 1000), st.sampled_from([(2, 2), (3, 3), (4, 2), (3, 5)]))
def test_zero_sum_pays_the_value(seed, shape):
    """Both concepts pay the value of a zero-sum game, here found by another linear program, the row player's security level."""
    from scipy.optimize import linprog

    row = np.random.default_rng(seed).normal(size=shape)
    least = linprog(
        np.append(np.zeros(shape[0]), -1),
        A_ub=np.hstack([-row.T, np.ones((shape[1], 1))]),
        b_ub=np.zeros(shape[1]),
        A_eq=[np.append(np.ones(shape[0]), 0)],
        b_eq=[1],
        bounds=[(0, None)] * shape[0] + [(None, None)],
    )
    for concept in ("correlated", "coarse"):
        np.testing.assert_allclose(
            payoff_ranges((row, -row), concept), -least.fun * np.array([[1, 1], [-1, -1]]), atol=1e-8
        )


def test_a_game_of_1600_joint_actions():
    payoffs = np.random.default_rng(5).normal(size=(2, 40, 40))
    assert correlated_equilibrium(payoffs).status == "solved"


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ("fair", "objective 'fair'.*welfare"),
        ("welfar", "did you mean 'welfare'"),
        (2, "player 2's.*0 to 1"),
        ([1, 2, 3], "per joint action"),
        ([[1, 2], [3, np.nan]], "finite"),
        (None, "finite"),
        ("0", "objective '0'"),
        ([[1, 2], [3]], "objective"),
    ],
)
def test_bad_objectives(objective, says):
    with pytest.raises(ValueError, match=f"(?i){says}"):
        correlated_equilibrium(CHICKEN, objective)


def test_bad_input():
    with pytest.raises(ValueError, match="did you mean 'coarse'"):
        payoff_ranges(CHICKEN, "coarsest")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="finite numbers"):
        correlated_equilibrium(([[1, np.inf], [0, 0]], [[1, 1], [0, 0]]))
    assert payoff_tensor(CHICKEN).shape == (2, 2, 2)
