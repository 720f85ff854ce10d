from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from solvers import lemke_howson, maximin, solve, zero_sum
from tests.reference.textbook import TEXTBOOK


def constant_sum(seed, m, n, total=0):
    table = np.random.default_rng(seed).normal(size=(m, n))
    return np.stack([table, total - table])


@pytest.mark.parametrize("game", [g for g in TEXTBOOK if g.zero_sum], ids=lambda g: g.name)
def test_textbook_games(game):
    (found,) = zero_sum(game.payoffs)
    known = [[[float(p) for p in s] for s in e] for e in game.equilibria]
    if len(known) == 1:
        for strategy, optimal in zip(found.profile, known[0], strict=True):
            np.testing.assert_allclose(strategy, optimal, atol=1e-9)
    assert found.status == "solved"


def test_biased_rock_paper_scissors():
    game = next(g for g in TEXTBOOK if g.name == "biased rock-paper-scissors")
    (found,) = zero_sum(game.payoffs)
    np.testing.assert_allclose(found.payoffs, 0, atol=1e-8)
    np.testing.assert_allclose(found.profile[0], [1 / 16, 10 / 16, 5 / 16], atol=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "c", "d"), [(3, 0, 1, 2), (5, -2, -1, 4), (-7, 1, 2, -10), (100, 1, 0, 2)]
)
def test_two_by_two_without_a_saddle_has_a_closed_form(a, b, c, d):
    """The value is (ad - bc) / (a + d - b - c), and the first action has probability (d - c) / (a + d - b - c)."""
    spread = Fraction(a + d - b - c)
    table = np.array([[a, b], [c, d]])
    (found,) = zero_sum((table, -table))
    assert found.payoffs[0] == pytest.approx(float((a * d - b * c) / spread), abs=1e-9)
    assert found.profile[0][0] == pytest.approx(float((d - c) / spread), abs=1e-9)
    assert found.profile[1][0] == pytest.approx(float((d - b) / spread), abs=1e-9)


@settings(max_examples=80)
@given(
    m=st.integers(1, 9),
    n=st.integers(1, 9),
    high=st.integers(0, 9),
    total=st.integers(-5, 5),
    seed=st.integers(0, 10**6),
)
def test_value_is_what_pivoting_finds_in_rationals(m, n, high, total, seed):
    """All equilibria of a constant-sum game pay the same, and another algorithm finds one of them exactly."""
    table = np.random.default_rng(seed).integers(-high, high + 1, size=(m, n))
    game = np.stack([table, total - table])
    (found,) = zero_sum(game)
    value = lemke_howson(game, exact=True, label=0)[0].payoffs[0]
    assert found.payoffs[0] == pytest.approx(float(value), abs=1e-8)
    assert found.payoffs.sum() == pytest.approx(total, abs=1e-8)
    assert found.residual < 1e-8
    assert found.status == "solved"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_units_do_not_matter(scale, offset):
    game = constant_sum(1, 6, 8)
    moved = np.stack([offset * scale + scale * game[0], scale * game[1]])
    (found,), (known,) = zero_sum(moved), zero_sum(game)
    assert found.status == "solved"
    for a, b in zip(found.profile, known.profile, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("total", [1, 0.3, 1e6])
def test_a_sum_that_rounding_moves_is_constant_for_solve_too(total):
    """In some entries the sum of the decimals is off by a last digit; the equilibrium is that of the table and its negative."""
    table = np.random.default_rng(7).random((6, 5))
    (found,), (known,) = solve((table, total - table), "zero_sum"), solve((table, -table), "zero_sum")
    assert found.status == "solved"
    np.testing.assert_allclose(np.concatenate(found.profile), np.concatenate(known.profile), atol=1e-8)
    changed = total - table
    changed[0, 0] += 1e-6 * total
    with pytest.raises(ValueError, match="constant"):
        solve((table, changed), "zero_sum")


def test_a_hundred_actions():
    (found,) = zero_sum(constant_sum(0, 100, 100, total=3))
    assert found.status == "solved"


def test_maximin_secures_its_value_and_no_strategy_more():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(4, 6))
    strategy, value = maximin(table)
    assert (strategy @ table).min() == pytest.approx(value, abs=1e-12)
    assert (rng.dirichlet(np.ones(4), size=5000) @ table).min(axis=1).max() <= value + 1e-9
    _, dual = maximin(-table.T)
    assert value == pytest.approx(-dual, abs=1e-9)


@pytest.mark.parametrize(
    ("game", "says"),
    [
        (
            TEXTBOOK[1].payoffs,
            "constant.*0 and 3.*support",
        ),
        (np.zeros((3, 2, 2, 2)), "'zero_sum'.*2 players.*3"),
        (([[float("inf")]], [[1]]), "finite"),
    ],
)
def test_what_is_refused(game, says):
    with pytest.raises(ValueError, match=says):
        zero_sum(game)
