import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from solvers import lemke_howson, solve
from solvers.integer_pivoting import positive_integers
from solvers.payoffs import payoff_tensor
from solvers.two_player.lemke_howson_paths import integer_path
from tests.reference.textbook import TEXTBOOK, coordination, profiles


def is_equilibrium(game, x, y):
    """By definition, in rationals: nobody has a better action."""
    m, n = len(x), len(y)
    row, column = (
        [[Fraction(u) for u in r] for r in table] for table in np.asarray(game, dtype=object).tolist()
    )
    rows = [sum(row[i][j] * y[j] for j in range(n)) for i in range(m)]
    columns = [sum(x[i] * column[i][j] for i in range(m)) for j in range(n)]
    simplex = all(sum(p) == 1 and min(p) >= 0 for p in (x, y))
    return (
        simplex
        and all(rows[i] == max(rows) for i in range(m) if x[i])
        and all(columns[j] == max(columns) for j in range(n) if y[j])
    )


def labels(solution):
    """The labels that a message names."""
    return [int(k) for k in solution.message.removesuffix(".").split(" ", 3)[3].split(", ")]


@settings(max_examples=150)
@given(m=st.integers(1, 8), n=st.integers(1, 8), high=st.integers(0, 4), seed=st.integers(0, 10**6))
def test_every_path_ends_at_an_equilibrium_however_many_ties(m, n, high, seed):
    game = np.random.default_rng(seed).integers(-high, high + 1, size=(2, m, n))
    found = lemke_howson(game, exact=True)
    assert all(is_equilibrium(game, *p) for p in profiles(found))
    assert len(profiles(found)) == len(found)
    assert sorted(itertools.chain(*map(labels, found))) == list(range(m + n))
    assert found.residual == 0
    assert not found.complete


def drawn(kind, rng, m, n):
    """A game where floats decide, one with ties, or one where floats see ties that are none."""
    small = rng.integers(0, rng.integers(2, 7), size=(2, m, n))
    if kind == "near":
        return small + rng.integers(-1, 2, size=small.shape) * 10.0 ** -rng.integers(3, 16)
    if kind == "huge":
        return small.astype(object) * 2**70 + rng.integers(0, 3, size=small.shape)
    return {
        "generic": lambda: rng.normal(size=small.shape),
        "shifted": lambda: rng.normal(size=small.shape) + 1e9,
        "ties": lambda: small,
        "products": lambda: rng.integers(0, 3, size=(2, m, 1)) * rng.integers(0, 3, size=(2, 1, n)),
    }[kind]()


@pytest.mark.parametrize("kind", ["generic", "shifted", "ties", "products", "near", "huge"])
@settings(max_examples=15)
@given(m=st.integers(1, 7), n=st.integers(1, 7), seed=st.integers(0, 10**6))
def test_floats_and_integers_follow_the_same_paths(kind, m, n, seed):
    """Label by label: the same equilibrium, and a proof of degeneracy where integers have one."""
    game = drawn(kind, np.random.default_rng(seed), m, n)
    row, column = map(positive_integers, payoff_tensor(game, exact=True))
    exact, fast = lemke_howson(game, exact=True), lemke_howson(game)
    followed = [integer_path(row, column, label) for label in range(m + n)]
    assert bool(exact.degenerate) is bool(fast.degenerate) is any(tied for _, _, tied in followed)
    for e, rounded in zip(exact, fast, strict=True):
        assert e.message == rounded.message
        np.testing.assert_allclose(
            np.concatenate(rounded.profile), np.concatenate(e.profile).astype(float), atol=1e-12
        )
        profile, pivots, _ = followed[labels(e)[0]]
        assert tuple(map(tuple, e.profile)) == profile
        assert {followed[label][0] for label in labels(e)} == {profile}
        assert kind == "near" or e.iterations == pivots


@pytest.mark.parametrize("high", [3, 100, None])
def test_forty_actions_whose_equilibria_are_proven(high):
    """In games of this size the tableaux are floats: the ends are equilibria in rationals all the same."""
    rng = np.random.default_rng(4)
    game = rng.normal(size=(2, 40, 40)) if high is None else rng.integers(0, high, size=(2, 40, 40))
    for label in (0, 57):
        exact, fast = lemke_howson(game, exact=True, label=label), lemke_howson(game, label=label)
        assert exact.residual == 0
        assert exact.status == fast.status == "solved"
        for a, b in zip(exact[0].profile, fast[0].profile, strict=True):
            np.testing.assert_allclose(b, a.astype(float), atol=1e-13)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 3), (3, 1), (2, 2)])
def test_every_game_of_zeros_and_ones(m, n):
    for entries in itertools.product((0, 1), repeat=2 * m * n):
        game = np.array(entries).reshape(2, m, n)
        for label in range(m + n):
            (end,) = lemke_howson(game, exact=True, label=label)
            assert is_equilibrium(game, *(s.tolist() for s in end.profile))


@pytest.mark.parametrize("game", TEXTBOOK, ids=lambda g: g.name)
def test_textbook_games(game):
    found = lemke_howson(game.payoffs, exact=True)
    assert profiles(found) <= game.equilibria
    assert len(found) >= 1
    assert not (found.degenerate and not game.degenerate)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_coordination_reaches_the_pure_equilibria_only(n):
    """Of the 2^n - 1 (Shapley 1974: paths from the artificial equilibrium reach those of one index)."""
    found = lemke_howson(coordination(n).payoffs, exact=True)
    assert {e.support for e in found} == {((k,), (k,)) for k in range(n)}
    assert {tuple(labels(e)) for e in found} == {(k, n + k) for k in range(n)}


def test_one_label_is_one_of_all():
    game = np.random.default_rng(3).integers(0, 50, size=(2, 5, 4))
    ends = {k: e for e in lemke_howson(game, exact=True) for k in labels(e)}
    for label in range(9):
        (end,) = lemke_howson(game, exact=True, label=label)
        assert labels(end) == [label]
        assert [s.tolist() for s in end.profile] == [s.tolist() for s in ends[label].profile]


def test_a_tie_proves_degeneracy_and_no_tie_proves_nothing():
    assert lemke_howson(np.zeros((2, 3, 3))).degenerate is True
    assert lemke_howson(coordination(3).payoffs).degenerate is None


def test_seats_exchanged_exchange_strategies_and_labels():
    row, column = np.random.default_rng(5).integers(0, 1000, size=(2, 4, 3))
    here, there = lemke_howson((row, column), exact=True), lemke_howson((column.T, row.T), exact=True)
    assert {(y, x) for x, y in profiles(there)} == profiles(here)
    paths = {(tuple(e.profile[0]), k) for e in here for k in labels(e)}
    assert {(tuple(e.profile[1]), (k + 4) % 7) for e in there for k in labels(e)} == paths


def test_floats_are_read_as_they_are_written():
    tenths = np.random.default_rng(1).integers(0, 20, size=(2, 4, 4))
    fast, exact = lemke_howson(tenths / 10), lemke_howson(tenths, exact=True)
    assert [e.message for e in fast] == [e.message for e in exact]
    for a, b in zip(fast, exact, strict=True):
        np.testing.assert_allclose(
            np.concatenate(a.profile), np.concatenate(b.profile).astype(float), rtol=1e-14
        )
        assert a.residual < 1e-14


def test_many_digits_and_large_games():
    for size in (15, 20), (200, 200):
        found = lemke_howson(np.random.default_rng(0).normal(size=(2, *size)), label=7)
        assert found.residual < 1e-14
        assert found.status == "solved"


@pytest.mark.parametrize("exact", [False, True])
def test_solve_falls_back_to_one_equilibrium_of_a_game_too_large_for_all(exact):
    game = np.random.default_rng(2).integers(0, 10**6, size=(2, 25, 25))
    found = solve(game, exact=exact)
    assert found.method == "lemke_howson"
    assert not found.complete
    assert "this is one" in found.message
    assert is_equilibrium(game, *(s.tolist() for s in lemke_howson(game, exact=True, label=0)[0].profile))
    assert len(found) == 1
    assert found.residual < 1e-14
    with pytest.raises(ValueError, match="force=True"):
        solve(game, "vertex")


@pytest.mark.parametrize(
    ("game", "label", "says"),
    [
        (TEXTBOOK[1].payoffs, 4, "label is 4.*0 to 3"),
        (TEXTBOOK[1].payoffs, -1, "label is -1.*at least 0"),
        (TEXTBOOK[1].payoffs, 0.5, "label is 0.5.*integer"),
        (np.zeros((3, 2, 2, 2)), None, "'lemke_howson'.*2 players.*3"),
        (([[float("nan")]], [[1]]), None, "finite"),
    ],
)
def test_what_is_refused(game, label, says):
    with pytest.raises(ValueError, match=says):
        lemke_howson(game, label=label)
