from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import MatrixGame
from solvers import vertex_enumeration
from solvers.payoffs import payoff_tensor
from solvers.two_player import polytopes, vertex
from solvers.two_player.polytopes import Unproven, most_vertices, vertices
from tests.reference.two_player import profile_set, random_integer_games

F = Fraction


def solved(matrix, right):
    """The one solution of a square system in fractions, or None where it is singular."""
    rows = [[F(x) for x in row] + [F(r)] for row, r in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        at = next((r for r in range(k, len(rows)) if rows[r][k]), None)
        if at is None:
            return None
        rows[k], rows[at] = rows[at], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        rows = [
            row if r == k else [x - row[k] * y for x, y in zip(row, rows[k], strict=True)]
            for r, row in enumerate(rows)
        ]
    return [row[-1] for row in rows]


def brute_vertices(payoffs):
    """Vertices with their labels by definition: every choice of as many inequalities as dimensions, solved in fractions."""
    own, other = payoffs.shape
    inequalities = [[int(i == k) for k in range(own)] + [0] for i in range(own)] + [
        [*(-payoffs[:, j]), 1] for j in range(other)
    ]
    found = {}
    for chosen in combinations(range(own + other), own):
        x = solved([inequalities[k] for k in chosen] + [[1] * own + [0]], [0] * own + [1])
        slacks = (
            None if x is None else [sum(a * b for a, b in zip(row, x, strict=True)) for row in inequalities]
        )
        if slacks is not None and min(slacks) >= 0:
            found[tuple(x[:own])] = frozenset(k for k, slack in enumerate(slacks) if slack == 0)
    return found


def brute_equilibria(row, column):
    """The extreme equilibria by definition, and whether some vertex has too many labels."""
    row, column = payoff_tensor((row, column), exact=True)
    m, n = row.shape
    first, second = brute_vertices(column), brute_vertices(row.T)
    second = {y: frozenset(m + k if k < n else k - n for k in labels) for y, labels in second.items()}
    pairs = {(x, y) for x, a in first.items() for y, b in second.items() if len(a | b) == m + n}
    return pairs, any(len(a) > m for a in first.values()) or any(len(b) > n for b in second.values())


KNOWN = [
    (
        [[3, 3], [2, 5], [0, 6]],
        [[3, 2], [2, 6], [3, 1]],
        [("1 0 0", "1 0"), ("4/5 1/5 0", "2/3 1/3"), ("0 1/3 2/3", "1/3 2/3")],
    ),
    (
        [[3, 3], [2, 5], [0, 6]],
        [[3, 3], [2, 6], [3, 1]],
        [("1 0 0", "1 0"), ("1 0 0", "2/3 1/3"), ("0 1/3 2/3", "1/3 2/3")],
    ),
    ([[-3, 3], [-3, 5]], [[2, 7], [4, 2]], [("0 1", "1 0"), ("2/7 5/7", "1 0")]),
    (
        [[2, 0], [0, 1]],
        [[1, 0], [0, 2]],
        [("1 0", "1 0"), ("0 1", "0 1"), ("2/3 1/3", "1/3 2/3")],
    ),  # battle of the sexes
    ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]], [("1/2 1/2", "1/2 1/2")]),  # matching pennies
    ([[6, 2], [7, 0]], [[6, 7], [2, 0]], [("1 0", "0 1"), ("0 1", "1 0"), ("2/3 1/3", "2/3 1/3")]),  # chicken
    (
        [[4, 0], [3, 2]],
        [[4, 3], [0, 2]],
        [("1 0", "1 0"), ("0 1", "0 1"), ("2/3 1/3", "2/3 1/3")],
    ),  # stag hunt
    ([[3, 0], [5, 1]], [[3, 5], [0, 1]], [("0 1", "0 1")]),  # the prisoner's dilemma
    (
        [[0, -1, 1], [1, 0, -1], [-1, 1, 0]],
        [[0, 1, -1], [-1, 0, 1], [1, -1, 0]],
        [("1/3 1/3 1/3", "1/3 1/3 1/3")],
    ),
    (
        [[1, 0], [0, 0]],
        [[1, 0], [0, 0]],
        [("1 0", "1 0"), ("0 1", "0 1")],
    ),  # the second is weakly dominated and must be kept
    ([[5]], [[7]], [("1", "1")]),
    ([[1, 3, 3]], [[2, 2, 1]], [("1", "1 0 0"), ("1", "0 1 0")]),
    ([[1], [1], [0]], [[2], [3], [9]], [("1 0 0", "1"), ("0 1 0", "1")]),
]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("row", "column", "answers"), KNOWN)
def test_known_answers(row, column, answers, transposed):
    expected = {tuple(tuple(F(p) for p in s.split()) for s in answer) for answer in answers}
    if transposed:
        row, column, expected = np.transpose(column), np.transpose(row), {(y, x) for x, y in expected}
    found = vertex_enumeration((row, column), exact=True)
    assert profile_set(found) == expected
    assert len(found) == len(expected)
    assert found.complete
    assert found.residual == 0
    assert {e.status for e in found} == {"solved"}


@pytest.mark.parametrize("actions", [1, 2, 3, 5, 8])
def test_coordination_has_every_support(actions):
    found = vertex_enumeration(np.stack([np.eye(actions)] * 2), exact=True)
    assert sorted(e.support for e in found) == sorted(
        (s, s) for size in range(1, actions + 1) for s in combinations(range(actions), size)
    )
    assert found.degenerate is False


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (2, 4)])
def test_all_profiles_of_a_constant_game(shape):
    found = vertex_enumeration(np.zeros((2, *shape)))
    assert len(found) == shape[0] * shape[1]
    assert found.degenerate is True
    assert all(len(s) == 1 for e in found for s in e.support)


def test_biased_rock_paper_scissors_in_decimals():
    row = np.array([[0, -0.25, 0.5], [0.25, 0, -0.05], [-0.5, 0.05, 0]])
    (found,) = vertex_enumeration((row, -row), exact=True)
    assert profile_set([found]) == {((F(1, 16), F(10, 16), F(5, 16)),) * 2}
    assert list(found.payoffs) == [0, 0]


def test_random_games_agree_with_brute_force():
    """Exact extreme equilibria and degeneracy of games with many ties, of every shape up to 4x4."""
    degenerate = 0
    for game in random_integer_games(90, seed=1):
        expected, ties = brute_equilibria(*game)
        found = vertex_enumeration(game, exact=True)
        assert profile_set(found) == expected
        assert found.degenerate is ties
        degenerate += ties
    assert 20 < degenerate < 80


@settings(max_examples=40)
@given(st.data())
def test_rational_games_agree_with_brute_force(data):
    m, n = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    entry = st.sampled_from([F(0), F(1), F(1, 3), F(2, 3), F(-5, 7), F(10**12 + 1, 10**12), F(10**30)])
    game = np.array(data.draw(st.lists(entry, min_size=2 * m * n, max_size=2 * m * n)), dtype=object).reshape(
        2, m, n
    )
    expected, ties = brute_equilibria(*game)
    found = vertex_enumeration(game, exact=True)
    assert profile_set(found) == expected
    assert found.degenerate is ties


def counts_agree(games):
    """Vertex enumeration, in floats and exactly, beside brute force: as many equilibria, an odd number of them (Wilson 1971)."""
    counts = []
    for game in games:
        expected, ties = brute_equilibria(*game)
        found = vertex_enumeration(game)
        assert not ties
        assert found.degenerate is False
        assert len(found) == len(expected) == len(vertex_enumeration(game, exact=True))
        assert len(found) % 2 == 1
        counts.append(len(found))
    assert max(counts) > 1


def generic_games(count, seed):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(2, *rng.integers(2, 5, 2))) for _ in range(count))


def test_counts_of_generic_games():
    counts_agree(generic_games(60, seed=2))


@pytest.mark.slow
def test_counts_of_a_thousand_generic_games():
    counts_agree(generic_games(1000, seed=3))


def test_floats_and_rationals_agree():
    rng = np.random.default_rng(4)
    for _ in range(20):
        game = rng.normal(size=(2, *rng.integers(2, 9, 2)))
        floats, exact = vertex_enumeration(game), vertex_enumeration(game, exact=True)
        for a, b in zip(floats, exact, strict=True):
            for x, y in zip(a.profile, b.profile, strict=True):
                np.testing.assert_allclose(x, y.astype(float), atol=1e-10)
        assert (floats.cliques, floats.components) == (exact.cliques, exact.components)


@pytest.mark.parametrize("shape", [(2, 3), (4, 4), (6, 3), (8, 8)])
def test_error_bounds_hold(shape):
    """The enumeration in floats finds the vertices of the exact one, each within its error bound."""
    rng = np.random.default_rng(5)
    for _ in range(5):
        table = rng.integers(0, 2**50, shape)
        floats, exact = vertices(table / 2**50), vertices(table.astype(object))
        truth = {
            tuple(label): [F(int(p), int(sum(point))) for p in point]
            for label, point in zip(exact.labels, exact.points, strict=True)
        }
        assert len(floats.points) == len(truth)
        for label, point, error in zip(floats.labels, floats.points, floats.error, strict=True):
            assert 0 < error < 1e-3
            assert max(abs(F(p) - q) for p, q in zip(point, truth[tuple(label)], strict=True)) <= error


def test_narrow_integers_do_not_overflow():
    table = np.random.default_rng(6).integers(0, 2**30, (5, 5))
    narrow, wide = vertices(table.astype(np.int32)), vertices(table.astype(object))
    assert {tuple(map(int, p)) for p in narrow.points} == {tuple(p) for p in wide.points}


@pytest.mark.parametrize("nudge", [0.0, 1e-17])
def test_floats_never_guess(nudge):
    """Two equally good actions, or two that differ by less than the rounding, are left to integers."""
    with pytest.raises(Unproven):
        vertices(np.array([[1.0, 1.0 + nudge], [0.5, 0.25]]) / 3)
    third = F(1, 3) + F(nudge)
    found = vertex_enumeration(([[1, 0], [0, 1]], [["1/3", third], [0, 1]]), exact=True)
    assert found.degenerate is (nudge == 0)


def test_decimals_tie_as_they_are_typed():
    """0.1 + 0.2 and 0.3 differ in floats, 0.3 and 3/10 do not."""
    tied = vertex_enumeration(([[0.3, 0.1], [0.3, 0.2]], [[0.1, 0.2], [0.2, 0.1]]))
    assert tied.degenerate is True
    assert len(tied) == len(vertex_enumeration(([[3, 1], [3, 2]], [[1, 2], [2, 1]])))
    assert vertex_enumeration(([[0.1 + 0.2, 0.1], [0.3, 0.2]], [[0.1, 0.2], [0.2, 0.1]])).degenerate is False


def test_games_are_taken_as_the_lab_has_them():
    game = MatrixGame.bimatrix([[0.3, 0.1], [0.3, 0.2]], [[0.1, 0.2], [0.2, 0.1]])
    typed = [["0.3", "0.1"], ["0.3", "0.2"]], [["0.1", "0.2"], ["0.2", "0.1"]]
    assert profile_set(vertex_enumeration(game, exact=True)) == brute_equilibria(*typed)[0]


@pytest.mark.parametrize(("own", "other", "top"), [(2, 75, 9), (3, 62, 5), (8, 6, 2), (7, 7, 3), (5, 8, 4)])
def test_polytopes_with_many_labels(own, other, top):
    """More than 64 labels, and crowded vertices, beside qhull's vertices of the same polytope in floats."""
    from scipy.spatial import HalfspaceIntersection

    table = np.random.default_rng(6).integers(0, top, (own, other))
    found = vertices(table)
    points = found.points / found.points.sum(axis=1, keepdims=True)
    earned = points @ table
    tight = np.hstack([points == 0, np.isclose(earned, earned.max(axis=1, keepdims=True), atol=1e-12)])
    np.testing.assert_array_equal(found.labels, tight)
    halfspaces = np.vstack([np.c_[-np.eye(own), np.zeros(own)], np.c_[table.T + 1.0, -np.ones(other)]])
    corners = HalfspaceIntersection(halfspaces, np.full(own, 0.5 / (own * (top + 1)))).intersections
    corners = corners[corners.sum(axis=1) > 1e-6]
    expected = {tuple(x) for x in (corners / corners.sum(axis=1, keepdims=True)).round(6) + 0.0}
    assert {tuple(x) for x in points.round(6)} == expected
    assert len(points) == len(expected)


@pytest.mark.parametrize(("dimension", "facets"), [(2, 7), (3, 8), (4, 8), (5, 9), (6, 10)])
def test_bound_is_attained_by_cyclic_polytopes(dimension, facets):
    from scipy.spatial import ConvexHull

    at = np.cos(np.pi * (np.arange(facets) + 0.5) / facets)
    assert most_vertices(dimension, facets - dimension) == len(
        ConvexHull(at[:, None] ** np.arange(1, dimension + 1)).simplices
    )


def test_bound_holds():
    for game in random_integer_games(20, seed=7, sizes=(1, 8)):
        for table in (game[1], game[0].T):
            assert len(vertices(table).points) < most_vertices(*table.shape)  # which counts the origin


def test_lopsided_games_leave_out_hopeless_actions(monkeypatch):
    rng = np.random.default_rng(8)
    for actions in ((2, 40), (3, 25), (40, 2)):
        game = rng.integers(0, 30, (2, *actions))
        whole = vertex_enumeration(game, exact=True)
        with monkeypatch.context() as patch:
            patch.setattr(vertex, "SIZE_RATIO", 0)
            patch.setattr(vertex, "MODERATE_VERTICES", 0)
            part = vertex_enumeration(game, exact=True)
        assert profile_set(part) == profile_set(whole)
        assert part.cliques == whole.cliques
        assert part.degenerate in (whole.degenerate, None)
    large = vertex_enumeration(rng.normal(size=(2, 3, 1000)))
    assert large.complete
    assert large.degenerate is None
    assert len(large) % 2 == 1


def test_large_games_are_refused_with_the_estimate(monkeypatch):
    with pytest.raises(
        ValueError,
        match=r"30 x 30 .*4\.6e\+11 .*force=True.*'lemke_howson'",
    ):
        vertex_enumeration(np.zeros((2, 30, 30)))
    monkeypatch.setattr(vertex, "LIMIT", 5)
    with pytest.raises(ValueError, match="force=True"):
        vertex_enumeration(np.zeros((2, 3, 3)))
    assert len(vertex_enumeration(np.zeros((2, 3, 3)), force=True)) == 9


@pytest.mark.parametrize(
    ("game", "says"),
    [
        (np.zeros((3, 2, 2, 2)), "'vertex'.*2 players.*3"),
        (np.full((2, 2, 2), np.nan), "finite"),
        (np.zeros((2, 0, 3)), "one action"),
    ],
)
def test_what_is_no_two_player_game_is_refused(game, says):
    with pytest.raises(ValueError, match=says):
        vertex_enumeration(game)


@settings(max_examples=60)
@given(m=st.integers(1, 5), n=st.integers(1, 5), high=st.integers(1, 9), seed=st.integers(0, 10**6))
def test_lists_and_arrays_enumerate_the_same_vertices(m, n, high, seed):
    """Of a few actions lists of integers are quicker than arrays: the same points, up to their factors, with the same labels."""
    table = np.random.default_rng(seed).integers(0, high + 1, size=(m, n))

    def told(found):
        return {
            tuple(F(int(p), int(sum(x))) for p in x): tuple(labels.tolist())
            for x, labels in zip(found.points, found.labels, strict=True)
        }

    assert told(polytopes.vertices_by_lists(table)) == told(polytopes.vertices_by_arrays(table))
