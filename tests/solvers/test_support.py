from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from solvers import lemke_howson, pure_equilibria, support_enumeration
from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.two_player.support import in_one_to_two, rational_sets, screen, systems
from tests.reference import brute
from tests.reference.textbook import TEXTBOOK, profiles


@pytest.mark.parametrize("game", TEXTBOOK, ids=lambda g: g.name)
def test_textbook_games(game):
    found = support_enumeration(game.payoffs, exact=True)
    assert profiles(found) == game.equilibria
    assert len(found) == len(game.equilibria)
    assert found.degenerate == game.degenerate
    assert found.residual == 0


@pytest.mark.parametrize("game", TEXTBOOK, ids=lambda g: g.name)
def test_textbook_games_in_floats(game):
    found = support_enumeration(game.payoffs)
    known = sorted([float(p) for s in e for p in s] for e in game.equilibria)
    np.testing.assert_allclose(sorted(np.concatenate(e.profile).tolist() for e in found), known, atol=1e-14)
    assert found.degenerate == game.degenerate
    assert found.residual < 1e-14


def test_a_degenerate_game_with_several_nash_subsets():
    found = support_enumeration(
        ([[1, 3, 3], [3, 1, 3], [1, 3, 3]], [[3, 3, 1], [1, 1, 3], [3, 1, 3]]), exact=True
    )
    assert (len(found), len(found.components), found.degenerate) == (6, 1, True)
    assert sorted((len(x), len(y)) for x, y in found.cliques) == [(1, 2), (1, 2), (2, 1), (3, 1)]


@settings(max_examples=150)
@given(
    m=st.integers(1, 4), n=st.integers(1, 5), high=st.sampled_from([3, 10, 1000]), seed=st.integers(0, 10**6)
)
def test_agreement_with_every_pair_of_supports_in_rationals(m, n, high, seed):
    row, column = np.random.default_rng(seed).integers(-high, high + 1, size=(2, m, n)).tolist()
    found = support_enumeration((row, column), exact=True)
    try:
        known = brute.equilibria(row, column)
    except brute.Degenerate:
        assert found.degenerate
        return
    assert profiles(found) == known
    assert (len(found), found.degenerate) == (len(known), False)


@settings(max_examples=150)
@given(m=st.integers(1, 6), n=st.integers(1, 6), high=st.integers(0, 3), seed=st.integers(0, 10**6))
def test_games_of_many_ties_lose_nothing_that_others_find(m, n, high, seed):
    """What is pure, and where paths of pivots end, is extreme."""
    game = np.random.default_rng(seed).integers(0, high + 1, size=(2, m, n))
    found, paths = support_enumeration(game, exact=True), lemke_howson(game, exact=True)
    assert found.residual == 0
    assert profiles(pure_equilibria(game, exact=True)) | profiles(paths) <= profiles(found)
    assert found.degenerate or not paths.degenerate


@settings(max_examples=150)
@given(m=st.integers(1, 6), n=st.integers(1, 6), high=st.sampled_from([1, 3, 10]), seed=st.integers(0, 10**6))
def test_floats_find_what_rationals_find(m, n, high, seed):
    """Tenths are not representable, so every tie in the game is a tie only before rounding."""
    game = np.random.default_rng(seed).integers(0, high + 1, size=(2, m, n)) / 10
    fast, exact = support_enumeration(game), support_enumeration(game, exact=True)
    assert (len(fast), fast.degenerate, fast.cliques) == (len(exact), exact.degenerate, exact.cliques)
    for a, b in zip(fast, exact, strict=True):
        assert a.support == b.support
        np.testing.assert_allclose(
            np.concatenate(a.profile), np.concatenate(b.profile).astype(float), atol=1e-12
        )
        assert a.residual < 1e-14


def test_generic_games_have_an_odd_number():
    """Wilson (1971); a float that is read as slightly negative would lose one of a pair."""
    for seed in range(150):
        found = support_enumeration(np.random.default_rng(seed).normal(size=(2, 5, 5)))
        assert len(found) % 2 == 1
        assert not found.degenerate


@pytest.mark.parametrize("scale", [1, 10**6, 10**12, 10**40])
def test_probabilities_of_any_size_are_kept(scale):
    """Each mixes so that the other is indifferent, with odds of s to 1, however small that makes one probability."""
    found = support_enumeration(([[0, scale], [1, 0]], [[1, 0], [0, scale]]), exact=True)
    odds = (Fraction(scale, scale + 1), Fraction(1, scale + 1))
    assert profiles(found) == {(odds, odds)}
    assert len(support_enumeration(([[0, scale], [1, 0]], [[1, 0], [0, scale]]))) == 1


def test_a_tie_is_what_is_written():
    tied = ([[1.0, 0.1], [1.0, 0.3]], [[1, 0], [1, 0]])
    broken = ([[1.0, 0.1], [1.0 + 1e-15, 0.3]], [[1, 0], [1, 0]])
    assert len(support_enumeration(tied)) == 2
    assert support_enumeration(tied).degenerate
    assert len(support_enumeration(broken)) == 1
    assert not support_enumeration(broken).degenerate


@pytest.mark.parametrize("digits", [1, 4, 8, 12, 15, 16, 17, 30])
def test_floats_decide_only_what_rationals_confirm(digits):
    """Rows that differ in their last digits only: the more digits, the more rounding matters."""
    rng = np.random.default_rng(digits)
    decided = left = 0
    for _ in range(20):
        table = rng.integers(0, 4, size=(4, 4)).astype(object) + 10**digits * rng.integers(
            0, 2, size=4
        ).astype(object)
        table = positive_integers(np.array([[Fraction(u) for u in row] for row in table.tolist()]))
        for rows, columns in systems(4, 4):
            feasible, doubtful = screen(in_one_to_two(table), rows, columns)
            left += doubtful.sum()
            for k in np.flatnonzero(~doubtful):
                support, replies = tuple(rows[k].tolist()), tuple(columns[k].tolist())
                found = rational_sets(table.tolist(), support, replies)
                assert found == ((support, replies) if feasible[k] else None)
                decided += 1
    assert decided > 100
    assert left > 100


@settings(max_examples=100)
@given(unknowns=st.integers(1, 4), more=st.integers(0, 2), seed=st.integers(0, 10**6))
def test_systems_in_integers(unknowns, more, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-2, 3, size=(unknowns + more, unknowns)).tolist()
    right = rng.integers(-2, 3, size=unknowns + more).tolist()
    expected = brute.solve([[*row, b] for row, b in zip(matrix, right, strict=True)])
    solved = unique_solution(matrix, right)
    assert (None if solved is None else [Fraction(x, solved[1]) for x in solved[0]]) == expected
    assert solved is None or solved[1] > 0


def test_large_games_are_refused_with_the_estimate():
    game = np.zeros((2, 14, 14))
    with pytest.raises(ValueError, match=r"14 x 14 .*4.01e\+07 .*force=True"):
        support_enumeration(game)
    lopsided = np.random.default_rng(0).normal(size=(2, 2, 60))
    assert support_enumeration(lopsided).complete


def test_force_solves_what_is_refused(monkeypatch):
    monkeypatch.setattr("solvers.two_player.support.LIMIT", 4)
    with pytest.raises(ValueError, match=r" 5 .*force=True"):
        support_enumeration(TEXTBOOK[1].payoffs)
    assert len(support_enumeration(TEXTBOOK[1].payoffs, force=True)) == 3


@pytest.mark.parametrize(
    ("game", "says"),
    [
        (
            np.zeros((3, 2, 2, 2)),
            "'support'.*2 players.*3.*pure",
        ),
        (([[1, float("nan")]], [[0, 0]]), "finite"),
        (([[1, float("inf")]], [[0, 0]]), "finite"),
        (np.zeros((2, 0, 2)), "one action"),
        (([[1, 2]], [[1], [2]]), "rectangular"),
    ],
)
def test_what_is_refused(game, says):
    with pytest.raises(ValueError, match=says):
        support_enumeration(game)
