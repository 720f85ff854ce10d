from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from solvers import EquilibriumSet, select, vertex_enumeration
from solvers.base import solution
from solvers.payoffs import payoff_tensor, regrets
from solvers.two_player.nash_subsets import components, maximal_cliques
from tests.reference.two_player import profile_set, random_integer_games

F = Fraction
STAG_HUNT = ([[4, 0], [3, 2]], [[4, 3], [0, 2]])
BATTLE = ([[2, 0], [0, 1]], [[1, 0], [0, 2]])


def shapes(equilibria):
    return sorted((len(rows), len(columns)) for rows, columns in equilibria.cliques)


KNOWN = [
    (([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]]), 3, [1, 1, 1], [(1, 1)] * 3, False),
    (([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]]), 3, [1, 2], [(1, 1), (1, 2)], True),
    (np.zeros((2, 2, 2)), 4, [4], [(2, 2)], True),
    (np.zeros((2, 3, 3)), 9, [9], [(3, 3)], True),
    (([[-3, 3], [-3, 5]], [[2, 7], [4, 2]]), 2, [2], [(2, 1)], True),
    (
        ([[1, 3, 3], [3, 1, 3], [1, 3, 3]], [[3, 3, 1], [1, 1, 3], [3, 1, 3]]),
        6,
        [6],
        [(1, 2), (1, 2), (2, 1), (3, 1)],
        True,
    ),
    (BATTLE, 3, [1, 1, 1], [(1, 1)] * 3, False),
    (([[1, 0], [0, 0]], [[1, 0], [0, 0]]), 2, [1, 1], [(1, 1)] * 2, True),
    (np.stack([np.eye(4)] * 2), 15, [1] * 15, [(1, 1)] * 15, False),
]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("game", "count", "sizes", "cliques", "degenerate"), KNOWN)
def test_known_structure(game, count, sizes, cliques, degenerate, exact):
    found = vertex_enumeration(game, exact=exact)
    assert len(found) == count
    assert sorted(map(len, found.components)) == sizes
    assert shapes(found) == cliques
    assert found.degenerate is degenerate
    continua = sum(m * n > 1 for m, n in cliques)
    assert bool(found.message) == bool(continua)
    assert not continua or f"{continua} of the {len(cliques)} maximal cliques" in found.message


def test_segment():
    """The published segment x in [0, 2/7], y = (1, 0)."""
    found = vertex_enumeration(([[-3, 3], [-3, 5]], [[2, 7], [4, 2]]), exact=True)
    rows, columns = found.vertices
    assert sorted(x[0] for x in rows) == [0, F(2, 7)]
    assert [tuple(y) for y in columns] == [(1, 0)]


def degenerate_games():
    return [
        game
        for game in random_integer_games(60, seed=11, entries=((0, 2), (0, 3)))
        if vertex_enumeration(game).degenerate
    ]


def mixture(strategies, rng):
    weights = [F(int(w)) for w in rng.integers(0, 5, len(strategies)) + (rng.random(len(strategies)) < 0.5)]
    total = sum(weights)
    return (
        strategies[0] if not total else sum(w / total * s for w, s in zip(weights, strategies, strict=True))
    )


def test_every_mixture_within_a_clique_is_an_equilibrium():
    """And mixtures of neither side with another vertex of it are, for all partners: cliques are maximal."""
    rng = np.random.default_rng(12)
    for game in degenerate_games():
        found = vertex_enumeration(game, exact=True)
        for rows, columns in found.cliques:
            x, y = ([found.vertices[seat][k] for k in side] for seat, side in enumerate((rows, columns)))
            for _ in range(3):
                assert not regrets(found.game, (mixture(x, rng), mixture(y, rng))).any()
            for seat, side in enumerate((rows, columns)):
                for k in set(range(len(found.vertices[seat]))) - set(side):
                    partners = y if seat == 0 else x
                    joined = [
                        (found.vertices[seat][k], p) if seat == 0 else (p, found.vertices[seat][k])
                        for p in partners
                    ]
                    assert any(regrets(found.game, profile).any() for profile in joined)


def test_every_equilibrium_on_a_grid_is_in_a_clique():
    """All equilibria of degenerate 2x2 games whose probabilities are twelfths, and nothing is missing between them."""
    rng = np.random.default_rng(13)
    grid = [np.array([F(k, 12), 1 - F(k, 12)]) for k in range(13)]
    mixed = 0
    for _ in range(25):
        found = vertex_enumeration(rng.integers(0, 3, (2, 2, 2)), exact=True)
        ranges = [
            [
                (min(s), max(s))
                for seat, side in enumerate(clique)
                for s in [[found.vertices[seat][k][0] for k in side]]
            ]
            for clique in found.cliques
        ]
        for x, y in product(grid, grid):
            inside = any(a <= x[0] <= b and c <= y[0] <= d for (a, b), (c, d) in ranges)
            assert inside == (not regrets(found.game, (x, y)).any())
            mixed += inside and 0 < x[0] < 1
    assert mixed > 50


def test_cliques_and_components_of_random_graphs():
    """Beside every pair of subsets, and beside reachability by repeated multiplication."""
    rng = np.random.default_rng(14)
    for _ in range(40):
        joined = rng.random(rng.integers(1, 6, 2)) < rng.uniform(0.2, 0.9)
        pairs = [(int(r), int(c)) for r, c in np.argwhere(joined)]
        m, n = joined.shape
        subsets = [
            [[k for k in range(size) if number >> k & 1] for number in range(1, 2**size)] for size in (m, n)
        ]
        cliques = [(tuple(r), tuple(c)) for r in subsets[0] for c in subsets[1] if joined[np.ix_(r, c)].all()]
        larger = {
            (a, b)
            for a in cliques
            for b in cliques
            if a != b and all(set(x) <= set(y) for x, y in zip(a, b, strict=True))
        }
        assert maximal_cliques(pairs) == tuple(sorted(set(cliques) - {a for a, _ in larger}))
        near = np.block([[np.eye(m, dtype=int), joined], [joined.T, np.eye(n, dtype=int)]])
        reach = np.linalg.matrix_power(near, m + n) > 0
        groups = components(pairs)
        assert sorted(k for group in groups for k in group) == list(range(len(pairs)))
        group_of = {k: g for g, group in enumerate(groups) for k in group}
        for a, b in product(range(len(pairs)), repeat=2):
            assert (group_of[a] == group_of[b]) == reach[pairs[a][0], pairs[b][0]]


def test_structure_follows_relabeling():
    rng = np.random.default_rng(15)
    for game in degenerate_games()[:15]:
        order = [rng.permutation(k) for k in game.shape[1:]]
        moved = game[:, order[0]][:, :, order[1]]
        found, other = vertex_enumeration(game, exact=True), vertex_enumeration(moved, exact=True)
        assert shapes(found) == shapes(other)
        assert sorted(map(len, found.components)) == sorted(map(len, other.components))
        assert {
            (tuple(np.array(x)[order[0]]), tuple(np.array(y)[order[1]])) for x, y in profile_set(found)
        } == profile_set(other)


def test_tables_name_the_component():
    frame = vertex_enumeration(([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]])).to_frame()
    assert frame.groupby("component").size().tolist() == [2, 1]


def test_welfare_and_risk_part_in_the_stag_hunt():
    found = vertex_enumeration(STAG_HUNT)
    assert select(found).support == select(found, "fairness").support == ((0,), (0,))
    assert select(found, "risk_dominance").support == ((1,), (1,))
    assert "from 3" in select(found).message


def test_fairness_prefers_the_better_minimum():
    found = vertex_enumeration(([[9, 0], [0, 3]], [[1, 0], [0, 3]]))
    assert select(found, "welfare").support == ((0,), (0,))
    assert select(found, "fairness").support == ((1,), (1,))


def test_ties_are_stated():
    for by in ("welfare", "fairness", "risk_dominance"):
        chosen = select(vertex_enumeration(BATTLE, exact=True), by)
        assert chosen.support == ((0,), (0,))
        assert "tied with 1" in chosen.message
    assert "tied" not in select(vertex_enumeration(STAG_HUNT)).message


def test_incomplete_sets_say_so():
    found = vertex_enumeration(STAG_HUNT)
    part = EquilibriumSet(found.game, "some", found.equilibria[1:])
    assert "not found" in select(part).message


def test_risk_dominance_is_pairwise_in_larger_games():
    """Losses from leaving convention i for j, against back: 1 to 7, 6 to 8 and 2 to 3, so that the third risk-dominates both others."""
    row = np.array([[6, 0, 0], [5, 7, 5], [0, 5, 8]])
    assert select(vertex_enumeration((row, row.T)), "risk_dominance").support == ((2,), (2,))


def test_risk_dominance_ignores_units():
    rng = np.random.default_rng(16)
    for _ in range(20):
        row, column = rng.integers(0, 9, (2, 2, 2)) + 9 * np.eye(2, dtype=int)
        plain = select(vertex_enumeration((row, column), exact=True), "risk_dominance")
        scaled = select(
            vertex_enumeration((7 * row + [3, -5], 2 * column + [[1], [4]]), exact=True), "risk_dominance"
        )
        assert plain.support == scaled.support
        # the defining inequality, and for two actions the larger set of beliefs to which it is the best reply
        losses = [(abs(row[a, a] - row[1 - a, a]), abs(column[a, a] - column[a, 1 - a])) for a in (0, 1)]
        winner = plain.support[0][0]
        assert np.prod(losses[winner]) >= np.prod(losses[1 - winner])


def test_cycles_of_risk_dominance_are_refused():
    """Each of three conventions risk-dominates the next."""
    row = np.array([[6, 5, 0], [0, 6, 5], [5, 0, 6]])
    with pytest.raises(ValueError, match=r"cycle.*'welfare'"):
        select(vertex_enumeration((row, row.T)), "risk_dominance")


def test_choice_is_best_among_mixtures_too():
    rng = np.random.default_rng(17)
    for game in degenerate_games()[:15]:
        found = vertex_enumeration(game, exact=True)
        welfare, fair = select(found).payoffs.sum(), select(found, "fairness").payoffs.min()
        for rows, columns in found.cliques:
            x, y = ([found.vertices[seat][k] for k in side] for seat, side in enumerate((rows, columns)))
            for _ in range(4):
                payoffs = solution(found.game, (mixture(x, rng), mixture(y, rng))).payoffs
                assert payoffs.sum() <= welfare
                assert payoffs.min() <= fair


@pytest.mark.parametrize(
    ("game", "by", "says"),
    [
        (STAG_HUNT, "wellfare", "did you mean 'welfare'"),
        (
            ([[1, -1], [-1, 1], [0, 0]], [[-1, 1], [1, -1], [0, 0]]),
            "risk_dominance",
            "has none.*'welfare'",
        ),
    ],
)
def test_what_cannot_be_selected(game, by, says):
    with pytest.raises(ValueError, match=says):
        select(vertex_enumeration(game), by)


def test_risk_dominance_takes_two_players():
    payoffs = payoff_tensor(np.zeros((3, 2, 2, 2)))
    two = tuple(solution(payoffs, [s] * 3) for s in np.eye(2))
    with pytest.raises(ValueError, match=r"2 players.*3"):
        select(EquilibriumSet(payoffs, "pure", two), "risk_dominance")
    with pytest.raises(ValueError, match="no equilibrium"):
        select(EquilibriumSet(payoffs, "pure", ()))
