import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import STRATEGIES, ipd
from solvers.repeated import polygons
from solvers.repeated.discounts import equilibrium_discounts
from solvers.repeated.folk_theorems import (
    feasible_set,
    grim_threshold,
    individually_rational_set,
    minimax,
    minimax_values,
)
from solvers.repeated.memory_one import is_nash, is_subgame_perfect
from solvers.repeated.payoff_sets import equilibrium_payoffs
from solvers.two_player.zero_sum_games import zero_sum
from tests.reference.repeated_games import PURE_MEMORY_ONE


def dilemma(r, s, t, p):
    return np.array([[[r, s], [t, p]], [[r, t], [s, p]]], dtype=float)


AXELROD = dilemma(3, 0, 5, 1)
BATTLE = np.array([[[2.0, 0], [0, 1]], [[1, 0], [0, 2]]])
PENNIES = np.array([[[1.0, -1], [-1, 1]], [[-1, 1], [1, -1]]])


def test_textbook_minimax_values():
    np.testing.assert_allclose(minimax_values(AXELROD), [1, 1])
    np.testing.assert_allclose(minimax_values(BATTLE), [2 / 3, 2 / 3])
    np.testing.assert_allclose(minimax_values(BATTLE, mixed=False), [1, 1])
    np.testing.assert_allclose(minimax_values(PENNIES), [0, 0], atol=1e-12)
    np.testing.assert_allclose(minimax_values(PENNIES, mixed=False), [1, 1])
    np.testing.assert_allclose(minimax_values(ipd()), [-2, -2])


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (2, 3), (4, 3), (2, 2, 2)]))
def test_minimax_is_attained(seed, actions):
    """The punishment holds the player to the value whatever it does, and the defense secures it: a saddle point."""
    payoffs = np.random.default_rng(seed).normal(size=(len(actions), *actions))
    for i in range(len(actions)):
        found = minimax(payoffs, i)
        own_first = np.moveaxis(payoffs[i], i, 0)
        replies = (own_first * found.punishment).sum(axis=tuple(range(1, len(actions))))
        assert replies.max() == pytest.approx(found.value, abs=1e-8)
        assert np.tensordot(found.defense, own_first, 1).min() == pytest.approx(found.value, abs=1e-8)
        pure = minimax(payoffs, i, mixed=False)
        others = itertools.product(*(range(a) for j, a in enumerate(actions) if j != i))
        assert pure.value == min(own_first[(slice(None), *o)].max() for o in others)
        assert pure.value >= found.value - 1e-9


def test_minimax_of_a_zero_sum_game_is_its_value():
    table = np.random.default_rng(0).normal(size=(3, 4))
    assert minimax((table, -table), 0).value == pytest.approx(float(zero_sum((table, -table))[0].payoffs[0]))


def test_feasible_and_rational_sets():
    assert polygons.hausdorff(feasible_set(AXELROD), np.array([[0.0, 5], [1, 1], [5, 0], [3, 3]])) < 1e-12
    rational = individually_rational_set(AXELROD)
    assert polygons.hausdorff(rational, np.array([[1.0, 1], [13 / 3, 1], [3, 3], [1, 13 / 3]])) < 1e-9
    np.testing.assert_allclose(feasible_set(np.ones((2, 2, 3))), [[1, 1]])
    assert len(feasible_set(PENNIES)) == 2
    np.testing.assert_allclose(individually_rational_set(PENNIES), [[0, 0]], atol=1e-9)
    corners = np.array([[2 / 3, 2 / 3], [4 / 3, 2 / 3], [2, 1], [1, 2], [2 / 3, 4 / 3]])
    assert polygons.hausdorff(individually_rational_set(BATTLE), corners) < 1e-9


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (3, 3), (2, 4)]))
def test_rational_set_is_what_it_says(seed, actions):
    """Random feasible payoffs lie in it exactly if both get their minimax value; its vertices are feasible and rational."""
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(-4, 5, (2, *actions)).astype(float)
    least, rational, feasible = (
        minimax_values(payoffs),
        individually_rational_set(payoffs),
        feasible_set(payoffs),
    )
    assert (rational >= least - 1e-8).all()
    assert polygons.one_sided_distance(rational, feasible) < 1e-8
    for weights in rng.dirichlet(np.full(payoffs[0].size, 0.3), size=20):
        point = payoffs.reshape(2, -1) @ weights
        if abs(point - least).min() > 1e-6:
            assert (polygons.distance(point, rational) < 1e-8) == bool((point > least).all())


@pytest.mark.parametrize(
    ("r", "s", "t", "p"), [(3, 0, 5, 1), (4, 0, 5, 1), (3, 0, 4, 1), (-1, -3, 0, -2), (9, 1, 10, 3)]
)
def test_grim_in_the_dilemma(r, s, t, p):
    """(T-R)/(T-P), by the formula, by the profile's own conditions and by the whole set of equilibrium payoffs."""
    payoffs = dilemma(r, s, t, p)
    threshold = grim_threshold(payoffs, (0, 0))
    assert threshold.discount == pytest.approx((t - r) / (t - p))
    ((low, high),) = equilibrium_discounts(payoffs, ("grim", "grim"))
    assert (low, high) == (pytest.approx((t - r) / (t - p), abs=1e-12), 1.0)
    above = equilibrium_payoffs(payoffs, low + 0.001)
    assert polygons.distance(np.array([r, r]), above.inner) < 1e-8


def test_reversion_in_asymmetric_games():
    """The most tempted player decides; each is punished by the stage equilibrium that is worst for it."""
    lopsided = np.array([[[3.0, 0], [4, 1]], [[3, 7], [0, 1]]])
    found = grim_threshold(lopsided, (0, 0))
    np.testing.assert_allclose(found.by_player, [1 / 3, 4 / 6])
    assert found.discount == pytest.approx(4 / 6)
    chicken = np.array([[[6.0, 2], [7, 0]], [[6, 7], [2, 0]]])
    np.testing.assert_allclose(grim_threshold(chicken, (0, 0)).reversion, [2, 2])
    assert grim_threshold(chicken, (0, 0)).discount == pytest.approx(1 / 5)
    mixed = ([2 / 3, 1 / 3], [2 / 3, 1 / 3])
    assert grim_threshold(chicken, (0, 0), mixed).discount == pytest.approx(1 / (7 - 14 / 3))
    assert grim_threshold(chicken, (1, 1)).discount == np.inf  # worse for both than their punishment
    assert grim_threshold(chicken, (0, 1)).discount == 0  # a stage equilibrium
    turns = np.array([[0, 0.5], [0.5, 0]])
    assert grim_threshold(chicken, turns).discount == 0
    alternating = dilemma(3, 0, 8, 1)
    assert grim_threshold(alternating, turns).discount == pytest.approx(
        1 / (1 + 4 - 1)
    )  # the one who cooperates alone gives up P - S


def test_three_players():
    contribution = np.zeros((3, 2, 2, 2))
    for joint in itertools.product(range(2), repeat=3):
        contribution[(slice(None), *joint)] = 2 * (3 - sum(joint)) / 3 - (1 - np.array(joint))
    assert grim_threshold(contribution, (0, 0, 0)).discount == pytest.approx(1 / 4)
    ((low, high),) = equilibrium_discounts(contribution, [np.r_[1.0, 1.0, np.zeros(7)]] * 3)
    assert (low, high) == (pytest.approx(1 / 4), 1.0)


@pytest.mark.parametrize(
    ("payoffs", "name", "perfect", "expected"),
    [
        ((3, 0, 5, 1), "wsls", True, ()),  # d >= (T-R)/(R-P) = 1
        ((4, 0, 5, 1), "wsls", True, ((1 / 3, 1.0),)),
        ((3, 0, 4, 1), "wsls", True, ((1 / 2, 1.0),)),
        ((3, 0, 5, 1), "tft", True, ()),
        ((3, 0, 5, 1), "tft", False, ((2 / 3, 1.0),)),  # (T-R)/(R-S)
        ((4, 0, 5, 1), "tft", True, ((1 / 4, 1 / 4),)),  # where payoffs add up, at cost over benefit alone
        ((3, 0, 5, 1), "alld", True, ((0.0, 1.0),)),
        ((3, 0, 5, 1), "allc", False, ()),
    ],
)
def test_ranges_of_discounts_known_in_closed_form(payoffs, name, perfect, expected):
    found = equilibrium_discounts(dilemma(*payoffs), (name, name), perfect)
    assert len(found) == len(expected)
    np.testing.assert_allclose(np.array(found).reshape(-1, 2), np.array(expected).reshape(-1, 2), atol=1e-9)


def test_patience_can_end_an_equilibrium():
    """Two who coordinate on 3 because neither begins to coordinate on 4: trying costs 1 once and gains 1 for ever, so d <= 1/2."""
    coordination = np.array([[[4.0, 2], [2, 3]], [[4, 2], [2, 3]]])
    ((low, high),) = equilibrium_discounts(coordination, ("suspicious_tft", "suspicious_tft"), perfect=False)
    assert (low, high) == (0.0, pytest.approx(0.5))
    wary = np.array(
        [coordination[0], [[0.0, 0], [4, 3]]]
    )  # for player 1 trying gains 1 once and costs 3 once: d >= 1/3
    ((low, high),) = equilibrium_discounts(wary, ("suspicious_tft", "suspicious_tft"), perfect=False)
    assert (low, high) == (pytest.approx(1 / 3), pytest.approx(0.5))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.booleans())
def test_ranges_agree_with_verdicts_one_by_one(seed, perfect):
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(-3, 6, (2, 2, 2)).astype(float)
    profile = (PURE_MEMORY_ONE[rng.integers(32)], PURE_MEMORY_ONE[rng.integers(32)])
    intervals = equilibrium_discounts(payoffs, profile, perfect)
    for d in (0.0, 0.13, 0.31, 0.47, 0.58, 0.71, 0.83, 0.95, 0.999):
        if all(min(abs(d - low), abs(d - high)) > 1e-6 for low, high in intervals):
            verdict = is_subgame_perfect(payoffs, profile, d) if perfect else is_nash(payoffs, profile, d)
            assert bool(verdict) == any(low <= d <= high for low, high in intervals)


def followed(payoffs, tables, player, state, d, first=None):
    """(1-d) times a player's return when deterministic tables of actions play on from a state, in rationals, cycle by cycle."""
    view, seen, rewards = {None: 0, (0, 0): 1, (0, 1): 2, (1, 0): 3, (1, 1): 4}, {}, []
    while first is not None or state not in seen:
        if first is None:
            seen[state] = len(rewards)
        acts = [tables[i][view[state if i == 0 or state is None else state[::-1]]] for i in range(2)]
        if first is not None:
            acts[player], first = first, None
        rewards.append(payoffs[player][acts[0]][acts[1]])
        state = tuple(acts)
    begin = seen[state]
    cycle = sum(r * d**t for t, r in enumerate(rewards[begin:])) / (1 - d ** (len(rewards) - begin))
    return (1 - d) * (sum(r * d**t for t, r in enumerate(rewards[:begin])) + d**begin * cycle)


def holds_in_rationals(payoffs, tables, d, perfect):
    """Whether nobody gains by deviating once after any history, or by any deterministic strategy from the start."""
    for i in range(2):
        if perfect:
            for state in (None, *itertools.product(range(2), repeat=2)):
                now = followed(payoffs, tables, i, state, d)
                if any(followed(payoffs, tables, i, state, d, first) > now for first in range(2)):
                    return False
        else:
            now = followed(payoffs, tables, i, None, d)
            for own in itertools.product(range(2), repeat=5):
                if followed(payoffs, [own if j == i else t for j, t in enumerate(tables)], i, None, d) > now:
                    return False
    return True


@pytest.mark.parametrize("count", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_ranges_agree_with_rationals(count):
    """Integer games, pairs of deterministic strategies, every fraction with a denominator up to 9: ends and single points included."""
    rng = np.random.default_rng(count)
    tables = {
        name: tuple(int(p < 0.5) for p in np.asarray(STRATEGIES.make(name)))
        for name in ("tft", "wsls", "grim", "alld", "allc")
    }
    held = 0
    for _ in range(count):
        payoffs = rng.integers(-3, 6, (2, 2, 2))
        if rng.random() < 0.5:
            payoffs[1] = payoffs[0].T
        names = rng.choice(list(tables), 2)
        pair = (
            [tables[n] for n in names]
            if rng.random() < 0.5
            else [tuple(map(int, rng.integers(0, 2, 5))) for _ in range(2)]
        )
        for perfect in (True, False):
            intervals = equilibrium_discounts(payoffs, [1.0 - np.array(t) for t in pair], perfect)
            for d in {Fraction(p, q) for q in range(1, 10) for p in range(q)}:
                expected = holds_in_rationals(payoffs.tolist(), pair, d, perfect)
                held += expected
                assert any(low - 1e-9 <= d <= high + 1e-9 for low, high in intervals) == expected, (
                    payoffs.tolist(),
                    pair,
                    perfect,
                    d,
                )
    assert held > count


@pytest.mark.parametrize(
    "payoffs",
    [
        [[[4, -2], [5, 1]], [[4, 5], [-2, 1]]],
        [[[10**9 + 4, 10**9 - 2], [10**9 + 5, 10**9 + 1]], [[4e-9, 5e-9], [-2e-9, 1e-9]]],
    ],
)
def test_gains_of_nothing_do_not_count(payoffs):
    """Many deviations from tit for tat gain exactly nothing; defecting for ever gains below (T-R)/(T-P) = 1/4, alternating below 1/6."""
    ((low, high),) = equilibrium_discounts(payoffs, ("tft", "tft"), perfect=False)
    assert (low, high) == (pytest.approx(1 / 4, abs=1e-12), 1.0)
    for d in (Fraction(1, 5), Fraction(1, 4), Fraction(1, 2), Fraction(99, 100)):
        assert holds_in_rationals(
            [[[4, -2], [5, 1]], [[4, 5], [-2, 1]]], [(0, 0, 1, 0, 1)] * 2, d, False
        ) == (d >= Fraction(1, 4))


def test_mixed_profiles_and_longer_memory():
    """GTFT at (4, 0, 5, 1) forgives with probability q: indifferent throughout where d (1 - q) = (T-R)/(R-S), as payoffs add up."""
    q = STRATEGIES.make("gtft")[2]
    ((low, high),) = equilibrium_discounts(dilemma(4, 0, 5, 1), ("gtft", "gtft"))
    assert low == high == pytest.approx(0.25 / (1 - q))
    grim = np.zeros(21)
    grim[[0, 1, 5]] = 1
    ((low, high),) = equilibrium_discounts(AXELROD, (grim, grim))
    assert (low, high) == (pytest.approx(0.5), 1.0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: minimax(AXELROD, 2), "players 0 to 1"),
        (lambda: feasible_set(np.zeros((3, 2, 2, 2))), "2 players"),
        (lambda: grim_threshold(AXELROD, (0, 2)), "one action per player"),
        (lambda: grim_threshold(AXELROD, [[0.5, 0.6], [0, 0]]), "sum to 1"),
        (lambda: grim_threshold(PENNIES, (0, 0)), "no equilibrium.*pure"),
        (lambda: grim_threshold(AXELROD, (0, 0), ([1, 0], [1, 0])), "equilibrium.*stage"),
        (
            lambda: equilibrium_discounts(AXELROD, (np.ones(21), np.ones(21)), perfect=False),
            "deterministic.*memory",
        ),
        (lambda: equilibrium_discounts(AXELROD, ("tft", np.ones(4))), "one row per history"),
    ],
)
def test_bad_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
