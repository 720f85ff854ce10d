import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import solvers.n_player.polynomial
from solvers import SOLVERS, vertex_enumeration
from solvers.n_player.polynomial import bezout_number, estimated_cost, polynomial_equilibria
from solvers.payoffs import relabel_players
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

SHAPES = [(2, 2, 2), (2, 3, 2), (3, 1, 2), (2, 2, 2, 2), (3, 3), (2, 4)]


def profiles(found):
    return [e.profile for e in found]


def first_actions(*probabilities):
    return tuple(np.array([p, 1 - p]) for p in probabilities)


def test_an_irrational_equilibrium():
    found = polynomial_equilibria(IRRATIONAL)
    assert same_profiles(profiles(found), [IRRATIONAL_EQUILIBRIUM], 1e-12)
    assert not found.complete
    assert found.degenerate is None


def test_nine_equilibria():
    pure = [first_actions(*p) for p in itertools.product((0, 1), repeat=3) if sum(p) in (1, 3)]
    mixed = [
        (0, 1 / 4, 1 / 3),
        (1 / 3, 1, 1 / 4),
        (1 / 2, 1 / 2, 1),
        (1 / 2, 2 / 5, 1 / 4),
        (2 / 5, 1 / 2, 1 / 3),
    ]
    assert same_profiles(profiles(polynomial_equilibria(NINE)), pure + [first_actions(*p) for p in mixed])


@pytest.mark.parametrize(("n", "v"), [(2, 3.0), (3, 2.0), (3, 5.0), (4, 2.0)])
def test_stag_hunts(n, v):
    p = v ** (-1 / (n - 1))
    expected = [first_actions(*[q] * n) for q in (0.0, 1.0, p)]
    assert same_profiles(profiles(polynomial_equilibria(stag_hunt(n, v))), expected)


@pytest.mark.parametrize(("n", "v"), [(2, 3.0), (3, 2.0), (3, 4.0), (4, 3.0)])
def test_volunteers(n, v):
    expected = []
    for k in range(1, n + 1):
        for mixing in itertools.combinations(range(n), k):
            p = 1.0 if k == 1 else 1 - v ** (-1 / (k - 1))
            expected.append(first_actions(*[p if i in mixing else 0.0 for i in range(n)]))
    assert same_profiles(profiles(polynomial_equilibria(volunteers(n, v))), expected)


def test_a_continuum_is_flagged():
    """The completely mixed equilibria have z = 1/4 and 2 x y = 3 (1 - x) (1 - y)."""
    found = polynomial_equilibria(CONTINUUM)
    assert found.degenerate
    assert "continuum" in found.message
    inside = [p for p in profiles(found) if min(map(min, p)) > 1e-6]
    assert len(inside) > 2
    for x, y, z in ([s[0] for s in p] for p in inside):
        np.testing.assert_allclose([z, 2 * x * y - 3 * (1 - x) * (1 - y)], [0.25, 0], atol=1e-9)
    pure = [p for p in profiles(found) if min(map(max, p)) == 1]
    assert same_profiles(pure, [first_actions(*p) for p in ((1, 0, 1), (0, 1, 1), (0, 0, 0))])


def test_a_segment_is_flagged():
    found = polynomial_equilibria(SEGMENT)
    assert found.degenerate
    thirds = np.array([p[2] for p in profiles(found)])
    np.testing.assert_allclose(thirds[:, [0, 2]], thirds[:, [1, 3]], atol=1e-9)
    for p in profiles(found):
        np.testing.assert_allclose(p[:2], 0.5, atol=1e-9)
    assert {0.0, 0.5} <= set(thirds[:, 0].round(9))  # both ends


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_random_games_of_three_players_and_actions(seed):
    """Honest residuals, and indices that sum to 1 as they must where nothing is missing (Ritzberger 1994)."""
    payoffs = random_game(seed, (3, 3, 3))
    found = polynomial_equilibria(payoffs)
    assert len(found) % 2 == 1
    assert "sum to 1" in found.message
    for e in found:
        assert e.status == "solved"
        assert largest_regret(payoffs, e.profile) <= 1e-8 * np.ptp(payoffs)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(SHAPES), st.booleans())
def test_every_profile_is_an_equilibrium(seed, shape, whole):
    payoffs = random_game(seed, shape, whole)
    found = polynomial_equilibria(payoffs)
    for e in found:
        assert largest_regret(payoffs, e.profile) <= 1e-8 * np.ptp(payoffs)
    assert all(not same_profiles([a], [b]) for a, b in itertools.combinations(profiles(found), 2))
    if not found.degenerate:
        assert len(found) % 2 == 1


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from(SHAPES), st.floats(0.01, 100), st.floats(-50, 50))
def test_affine_changes_and_relabeling(seed, shape, scale, shift):
    payoffs = random_game(seed, shape)
    found = profiles(polynomial_equilibria(payoffs))
    changed = payoffs.copy()
    changed[0] = scale * payoffs[0] + shift
    assert same_profiles(profiles(polynomial_equilibria(changed)), found)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(shape)).tolist()
    moved = profiles(polynomial_equilibria(relabel_players(payoffs, order)))
    assert same_profiles(moved, [tuple(p[k] for k in order) for p in found])
    actions = [rng.permutation(a).tolist() for a in shape]
    renamed = payoffs[np.ix_(range(len(shape)), *actions)]
    assert same_profiles(
        profiles(polynomial_equilibria(renamed)),
        [tuple(s[a] for s, a in zip(p, actions, strict=True)) for p in found],
    )


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (3, 3), (2, 4), (4, 4)]))
def test_two_players_beside_a_third_who_has_a_dominant_action(seed, shape):
    """Vertex enumeration, another method, finds the equilibria of the two."""
    pair = random_game(seed, shape)
    rng = np.random.default_rng(seed + 1)
    payoffs = rng.normal(size=(3, *shape, 2))
    payoffs[:2, ..., 0], payoffs[2, ..., 0] = pair, payoffs[2, ..., 1] + 1
    expected = profiles(vertex_enumeration(pair))
    assert same_profiles(profiles(polynomial_equilibria(pair)), expected)
    assert same_profiles(
        profiles(polynomial_equilibria(payoffs)), [(*p, np.array([1.0, 0.0])) for p in expected]
    )


def test_one_player():
    found = polynomial_equilibria([[1.0, 2.0, 2.0]])
    assert {tuple(p[0].round(9)) for p in profiles(found)} >= {(0, 1, 0), (0, 0, 1)}
    assert found.degenerate


def test_bezout_numbers():
    """With two actions each they are the derangements; McKelvey & McLennan (1997) give 10 for three players of three actions."""
    assert [bezout_number([1] * n) for n in range(2, 7)] == [1, 2, 9, 44, 265]
    assert bezout_number([2, 2, 2]) == 10
    assert bezout_number([3, 1, 1]) == 0


def test_a_missing_equilibrium_is_noticed(monkeypatch):
    every = solvers.n_player.polynomial.solve_supports
    monkeypatch.setattr(
        solvers.n_player.polynomial, "solve_supports", lambda *given: [points[:1] for points in every(*given)]
    )
    found = polynomial_equilibria(NINE)
    assert len(found) == 8
    assert re.search("2.*1.*missing", found.message)


def test_large_games_are_refused_with_an_estimate(monkeypatch):
    with pytest.raises(
        ValueError,
        match=r"6 x 6 x 6 .*2\.5e\+05 supports.* seconds.*force",
    ):
        SOLVERS.make("polynomial", game=np.zeros((3, 6, 6, 6)))
    monkeypatch.setattr(solvers.n_player.polynomial, "MAX_SECONDS", 0.0)
    with pytest.raises(ValueError, match="27 supports"):
        polynomial_equilibria(IRRATIONAL)
    assert len(polynomial_equilibria(IRRATIONAL, force=True)) == 1


def test_the_estimate_counts_supports():
    assert estimated_cost((3, 2, 4))[0] == 7 * 3 * 15
    assert estimated_cost((4, 4, 4))[1] > 10 * estimated_cost((3, 3, 3))[1]
