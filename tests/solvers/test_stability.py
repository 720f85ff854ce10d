import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import MatrixGame
from solvers import evolutionarily_stable, stability

ROCK_PAPER_SCISSORS = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
HORN = np.array(
    [[1, -1, 1, 1, -1], [-1, 1, -1, 1, 1], [1, -1, 1, -1, 1], [1, 1, -1, 1, -1], [-1, 1, 1, -1, 1]]
)


def det(m):
    """By expansion along the first row."""
    if not m:
        return 1
    return sum(
        (-1) ** j * x * det([row[:j] + row[j + 1 :] for row in m[1:]]) for j, x in enumerate(m[0]) if x
    )


def strictly_copositive(a):
    """Hadeler's criterion: of every principal submatrix whose last row has positive cofactors, the determinant is positive."""
    for size in range(1, len(a) + 1):
        for rows in itertools.combinations(range(len(a)), size):
            block = [[a[i][j] for j in rows] for i in rows]
            cofactors = [
                (-1) ** (size - 1 + j) * det([r[:j] + r[j + 1 :] for r in block[:-1]]) for j in range(size)
            ]
            if all(c > 0 for c in cofactors) and det(block) <= 0:
                return False
    return True


def stable_by_definition(m, p):
    """Deviations to mixtures of best replies that leave out some action of p are what `e_j - p` span with weights of at least 0."""
    n = len(m)
    values = [sum(m[i][j] * p[j] for j in range(n)) for i in range(n)]
    mean = sum(x * v for x, v in zip(p, values, strict=True))
    if max(values) > mean:
        return False
    replies = [i for i in range(n) if values[i] == mean]
    rays = {j: [int(i == j) - p[i] for i in range(n)] for j in replies}

    def form(x, y):
        return -sum(x[i] * (m[i][j] + m[j][i]) * y[j] for i in range(n) for j in range(n))

    for left_out in (k for k in replies if p[k] > 0):
        kept = [rays[j] for j in replies if j != left_out]
        if not strictly_copositive([[form(x, y) for y in kept] for x in kept]):
            return False
    return True


def all_stable(m):
    """Every support, by Cramer's rule and the definition."""
    n, found = len(m), []
    for size in range(1, n + 1):
        for support in itertools.combinations(range(n), size):
            system = [[m[i][j] for j in support] + [-1] for i in support] + [[1] * size + [0]]
            whole = det(system)
            if not whole:
                continue
            p = [Fraction(0)] * n
            for k, action in enumerate(support):
                p[action] = Fraction(
                    det([[*row[:k], int(i == size), *row[k + 1 :]] for i, row in enumerate(system)]), whole
                )
            if all(p[a] > 0 for a in support) and stable_by_definition(m, p):
                found.append(tuple(p))
    return found


def strategies(found):
    return [tuple(e.profile[0]) for e in found]


@pytest.mark.parametrize(("value", "cost"), [(2, 3), (1, 10), (99, 100)])
def test_hawks_and_doves_mix_in_the_ratio_of_value_to_cost(value, cost):
    table = [[Fraction(value - cost, 2), value], [0, Fraction(value, 2)]]
    found = evolutionarily_stable(table, exact=True)
    assert strategies(found) == [(Fraction(value, cost), 1 - Fraction(value, cost))]
    assert found.residual == 0
    np.testing.assert_allclose(
        evolutionarily_stable(np.array(table, float))[0].profile[0], [value / cost, 1 - value / cost]
    )


@pytest.mark.parametrize(
    ("win", "verdict"), [(1, "neutrally stable"), ("9/10", "invaded"), ("11/10", "evolutionarily stable")]
)
def test_rock_paper_scissors_is_as_stable_as_its_wins_are_large(win, verdict):
    table = [[0, -1, win], [win, 0, -1], [-1, win, 0]]
    assert stability(table, ["1/3"] * 3, exact=True).verdict == verdict
    assert len(evolutionarily_stable(table, exact=True)) == (verdict == "evolutionarily stable")
    assert (
        stability(np.array([[float(Fraction(x)) for x in row] for row in table]), np.ones(3) / 3).verdict
        == verdict
    )


def test_textbook_games():
    assert strategies(evolutionarily_stable(np.eye(4), exact=True)) == [
        tuple(row) for row in np.eye(4, dtype=int)
    ]
    assert strategies(evolutionarily_stable(MatrixGame.symmetric([[3, 0], [5, 1]]))) == [(0, 1)]
    nothing = np.zeros((3, 3))
    assert len(evolutionarily_stable(nothing)) == 0
    assert stability(nothing, [0.2, 0.3, 0.5]).verdict == "neutrally stable"
    assert stability([[3, 0], [5, 1]], [1, 0]).verdict == "not an equilibrium"
    # tit for tat and always cooperate against always defect: cooperators drift in, defectors do not
    assert (
        stability([[3, 3, "9/10"], [3, 3, 0], ["7/5", 5, 1]], [1, 0, 0], exact=True).verdict
        == "neutrally stable"
    )


@pytest.mark.parametrize(
    ("form", "verdict"),
    [
        ([[1, 2], [2, 1]], "evolutionarily stable"),  # strictly copositive, though not positive definite
        ([[1, -1], [-1, 1]], "neutrally stable"),
        ([[1, -2], [-2, 1]], "invaded"),
        ([[0, 1], [1, 0]], "neutrally stable"),
        (HORN, "neutrally stable"),  # copositive, but no sum of a semidefinite and a nonnegative matrix
        (100 * HORN + np.eye(5, dtype=int), "evolutionarily stable"),
        (100 * HORN - np.eye(5, dtype=int), "invaded"),
    ],
)
def test_mutants_that_are_alternative_best_replies_meet_copositivity(form, verdict):
    size = len(form) + 1
    table = np.zeros((size, size), dtype=int)
    table[1:, 1:] = -np.array(form)
    first = np.eye(size, dtype=int)[0]
    assert stability(table, first, exact=True).verdict == verdict
    assert stability(table, first).verdict == verdict
    assert (tuple(first) in strategies(evolutionarily_stable(table, exact=True))) == (
        verdict == "evolutionarily stable"
    )


def test_a_mutant_may_need_both_a_shift_within_the_support_and_another_reply():
    """Actions 0 and 1 are one to each other; 2 does well against the first, so a mutant with more of 0 and a little of 2 invades."""
    table = [[0, 0, 0], [0, 0, 0], [1, -1, 0]]
    for exact in (True, False):
        judged = stability(table, ["1/2", "1/2", 0] if exact else [0.5, 0.5, 0], exact)
        p, q, m = judged.strategy, judged.mutant, np.array(table)
        assert judged.verdict == "invaded"
        assert p @ m @ p == q @ m @ p
        assert p @ m @ q < q @ m @ q
    assert stability([[0, 0, 0], [0, 0, 0], [0, 0, -1]], [0.5, 0.5, 0]).verdict == "neutrally stable"


def test_all_are_found():
    """Two hundred small games full of ties, against Cramer's rule, Hadeler's determinants and no pruning at all."""
    rng = np.random.default_rng(0)
    counts = []
    for k in range(200):
        n = 2 + k % 3
        table = rng.integers(-2, 3, (n, n))
        found = strategies(evolutionarily_stable(table, exact=True))
        assert sorted(found) == sorted(all_stable(table.tolist()))
        counts.append(len(found))
    assert {0, 1, 2, 3} <= set(counts)


games = st.integers(2, 4).flatmap(
    lambda n: st.lists(st.lists(st.integers(-2, 2), min_size=n, max_size=n), min_size=n, max_size=n)
)


@settings(max_examples=150)
@given(table=games, weights=st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_mutants_show_what_is_claimed(table, weights):
    m = np.array([[Fraction(x) for x in row] for row in table])
    uniform = [Fraction(1, len(m))] * len(m)
    drawn = (
        [Fraction(w, sum(weights[: len(m)])) for w in weights[: len(m)]]
        if any(weights[: len(m)])
        else uniform
    )
    for p in [
        np.array(drawn),
        np.array(uniform),
        *np.array([[Fraction(int(i == j)) for j in range(len(m))] for i in range(len(m))]),
    ]:
        judged = stability(m, p, exact=True)
        if (q := judged.mutant) is None:
            assert judged.is_stable
            assert stable_by_definition(table, p.tolist())
            continue
        assert (q >= 0).all()
        assert q.sum() == 1
        assert (q != p).any()
        against_population, against_mutants = p @ m @ p - q @ m @ p, p @ m @ q - q @ m @ q
        if judged.verdict == "not an equilibrium":
            assert against_population < 0
        else:
            assert against_population == 0
            assert against_mutants < 0 if judged.verdict == "invaded" else against_mutants == 0


@settings(max_examples=40)
@given(
    table=games,
    scale=st.fractions("1/3", 5),
    shifts=st.lists(st.integers(-9, 9), min_size=4, max_size=4),
    seed=st.integers(0, 99),
)
def test_laws(table, scale, shifts, seed):
    m = np.array([[Fraction(x) for x in row] for row in table])
    n = len(m)
    found = strategies(evolutionarily_stable(m, exact=True))
    changed = scale * m + np.array([Fraction(x) for x in shifts[:n]])[None, :]
    assert strategies(evolutionarily_stable(changed, exact=True)) == found
    order = np.random.default_rng(seed).permutation(n)
    assert sorted(strategies(evolutionarily_stable(m[np.ix_(order, order)], exact=True))) == sorted(
        tuple(p[k] for k in order) for p in found
    )


def test_floats_agree_with_rationals():
    rng = np.random.default_rng(1)
    for n in (3, 5, 6):
        for _ in range(5):
            table = rng.normal(size=(n, n)).round(3)
            exact, floats = evolutionarily_stable(table, exact=True), evolutionarily_stable(table)
            assert len(exact) == len(floats)
            for a, b in zip(exact, floats, strict=True):
                np.testing.assert_allclose(a.profile[0].astype(float), b.profile[0], atol=1e-9)


def test_refusals():
    with pytest.raises(ValueError, match="not symmetric"):
        evolutionarily_stable(MatrixGame.bimatrix([[1, 0], [0, 2]], [[1, 0], [1, 2]]))
    with pytest.raises(ValueError, match=r"\(2, 3\).*square"):
        stability(np.zeros((2, 3)), [1, 0])
    with pytest.raises(ValueError, match=r"17 .*131071 .*max_supports = 65536"):
        evolutionarily_stable(np.eye(17))
    with pytest.raises(ValueError, match="simplex"):
        stability(np.eye(2), [0.5, 0.6])
    with pytest.raises(ValueError, match="rational"):
        stability(np.eye(3), [0.3333333333, 0.3333333333, 0.3333333333], exact=True)
