import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from solvers import iterated_dominance, lemke_howson, pure_equilibria, support_enumeration
from tests.reference.textbook import TEXTBOOK, profiles

BEAUTY = [
    [-abs(4 * a - (a + b)) for b in range(4)] for a in range(4)
]  # guess a quarter of the sum of both guesses


def random_game(seed, sizes, high=4):
    return np.random.default_rng(seed).integers(0, high + 1, size=(len(sizes), *sizes))


sizes = st.sampled_from([(3,), (2, 3), (4, 4), (1, 3), (2, 2, 2), (3, 2, 4), (2, 2, 2, 2)])


@settings(max_examples=80)
@given(sizes=sizes, seed=st.integers(0, 10**6), exact=st.booleans())
def test_pure_equilibria_are_the_profiles_nobody_gains_by_leaving(sizes, seed, exact):
    game = random_game(seed, sizes)

    def stays(profile, player):
        options = [game[player][*profile[:player], a, *profile[player + 1 :]] for a in range(sizes[player])]
        return game[player][profile] == max(options)

    every = itertools.product(*map(range, sizes))
    known = [p for p in every if all(stays(p, i) for i in range(len(sizes)))]
    found = pure_equilibria(game, exact=exact)
    assert [tuple(k for (k,) in e.support) for e in found] == known
    assert found.residual == 0
    assert found.complete == (len(sizes) == 1 and len(known) == 1)


@pytest.mark.parametrize("game", TEXTBOOK, ids=lambda g: g.name)
def test_pure_equilibria_of_textbook_games(game):
    pure = {(x, y) for x, y in game.equilibria if max(x) == max(y) == 1}
    assert profiles(pure_equilibria(game.payoffs, exact=True)) == pure


def test_a_game_may_have_no_pure_equilibrium():
    found = pure_equilibria([[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]])
    assert len(found) == 0
    assert found.status == "solved"


def test_estimated_payoffs_need_a_margin():
    rng = np.random.default_rng(0)
    noisy = np.array([[[2.0, 0], [2.0, 1]], [[2.0, 2.0], [0, 1]]]) + 1e-7 * rng.random((2, 2, 2))
    assert [e.support for e in pure_equilibria(noisy, tolerance=1e-6)] == [((0,), (0,)), ((1,), (1,))]
    assert [e.support for e in pure_equilibria(noisy)] == [((1,), (1,))]  # the noise has broken a tie
    assert all(e.status == "solved" for e in pure_equilibria(noisy, tolerance=1e-6))
    with pytest.raises(ValueError, match="tolerance is -1"):
        pure_equilibria(noisy, tolerance=-1)


def test_guessing_a_quarter_is_solved_by_dominance():
    reduced = iterated_dominance((BEAUTY, np.transpose(BEAUTY)), by="pure", exact=True)
    assert reduced.solved
    assert reduced.kept == ((0,), (0,))
    assert [sorted((e.player, e.action) for e in r) for r in reduced.rounds] == [
        [(0, 2), (0, 3), (1, 2), (1, 3)],
        [(0, 1), (1, 1)],
    ]


def test_a_mixture_dominates_what_no_action_does():
    game = ([[4, 0], [0, 4], [1, 1]], [[0, 1], [1, 0], [0, 0]])
    assert iterated_dominance(game, by="pure").kept == ((0, 1, 2), (0, 1))
    reduced = iterated_dominance(game, exact=True)
    assert reduced.kept == ((0, 1), (0, 1))
    ((gone,),) = reduced.rounds
    assert (gone.player, gone.action) == (0, 2)
    assert min(gone.by @ np.array(game[0])) > 1


@pytest.mark.parametrize(
    ("middle", "kind", "goes"),
    [(1, "strict", True), (2, "strict", False), (2, "weak", False), (3, "weak", False)],
)
def test_what_half_and_half_dominates(middle, kind, goes):
    """Half and half secures exactly 2: strictly more than 1, no more than 2."""
    game = ([[4, 0], [0, 4], [middle, middle]], np.zeros((3, 2), dtype=int))
    assert (2 not in iterated_dominance(game, kind=kind).kept[0]) == goes


def test_weak_dominance_by_a_mixture_only():
    """Half of each of the first two ties with the third but for the last column."""
    game = ([[4, 0, 1], [0, 4, 1], [2, 2, 0]], np.zeros((3, 3), dtype=int))
    assert iterated_dominance(game, kind="weak", by="pure").kept[0] == (0, 1, 2)
    assert iterated_dominance(game, kind="strict").kept[0] == (0, 1, 2)
    reduced = iterated_dominance(game, kind="weak", exact=True)
    assert reduced.kept[0] == (0, 1)
    assert reduced.rounds[0][0].by.tolist() == [Fraction(1, 2), Fraction(1, 2), 0]


def test_the_order_matters_for_weak_dominance_only():
    """Whoever looks first decides: in each order the first player's tie is broken by what the other has removed or not."""
    game = ([[1, 1], [1, 0]], [[1, 0], [1, 1]])
    both = iterated_dominance(game, kind="weak", by="pure")
    first, second = (iterated_dominance(game, kind="weak", by="pure", order=o) for o in ((0, 1), (1, 0)))
    assert both.kept == ((0,), (0,))
    assert first.kept == ((0,), (0,))
    assert second.kept == ((0, 1), (0,))


def test_weak_dominance_loses_an_equilibrium_that_is_one_all_the_same():
    game = next(g for g in TEXTBOOK if g.name == "weakly dominated equilibrium")
    reduced = iterated_dominance(game.payoffs, kind="weak")
    assert reduced.kept == ((0,), (0,))
    assert profiles(pure_equilibria(game.payoffs, exact=True)) == game.equilibria
    assert iterated_dominance(game.payoffs).kept == ((0, 1), (0, 1))


def certified(game, reduction, kind):
    """Whether every removal is dominated, by definition and in rationals, among what was left when its player looked."""
    game = np.vectorize(Fraction, otypes=[object])(game)
    kept = [list(range(a)) for a in game.shape[1:]]
    for removed in reduction.rounds:
        for e in removed:
            table = np.moveaxis(game[e.player][np.ix_(*kept)], e.player, 0)
            gain = np.atleast_1d(
                np.tensordot(e.by[kept[e.player]], table, axes=1) - table[kept[e.player].index(e.action)]
            )
            outside = set(range(len(e.by))) - set(kept[e.player])
            assert e.by.sum() == 1
            assert min(e.by) >= 0
            assert not any(e.by[a] for a in outside)
            assert (gain > 0).all() if kind == "strict" else (gain >= 0).all() and (gain > 0).any()
        for e in removed:
            kept[e.player].remove(e.action)
    return tuple(map(tuple, kept)) == reduction.kept


@settings(max_examples=60)
@given(
    sizes=sizes,
    seed=st.integers(0, 10**6),
    high=st.sampled_from([1, 3, 50]),
    by=st.sampled_from(["pure", "mixed"]),
)
def test_removals_are_certified_and_nothing_dominated_remains(sizes, seed, high, by):
    game = random_game(seed, sizes, high)
    for kind in ("strict", "weak"):
        reduced = iterated_dominance(game, kind=kind, by=by, exact=True)
        assert certified(game, reduced, kind)
        again = iterated_dominance(reduced.payoffs, kind=kind, by=by)
        assert again.rounds == ()
        assert (reduced.payoffs == game[np.ix_(range(len(sizes)), *reduced.kept)]).all()


@settings(max_examples=40)
@given(
    m=st.integers(1, 4), n=st.integers(1, 4), high=st.sampled_from([2, 5, 100]), seed=st.integers(0, 10**6)
)
def test_strict_dominance_keeps_every_equilibrium_and_ends_alike_in_every_order(m, n, high, seed):
    game = random_game(seed, (m, n), high)
    reduced = iterated_dominance(game, exact=True)
    lifted = {
        tuple(tuple(s.tolist()) for s in reduced.lift(e.profile))
        for e in support_enumeration(reduced.payoffs, exact=True)
    }
    assert lifted == profiles(support_enumeration(game, exact=True))
    for order in ((0, 1), (1, 0)):
        assert iterated_dominance(game, order=order).kept == reduced.kept
    assert set(iterated_dominance(game, by="pure").kept[0]) >= set(reduced.kept[0])


def first_round(game, **settings):
    """The row player's actions that go at once."""
    return {e.action for r in iterated_dominance(game, **settings).rounds[:1] for e in r if e.player == 0}


@settings(max_examples=60)
@given(
    m=st.integers(2, 5), n=st.integers(1, 4), high=st.sampled_from([2, 9, 100]), seed=st.integers(0, 10**6)
)
def test_what_goes_is_what_loses_a_game_against_the_others(m, n, high, seed):
    """Action a is strictly dominated if and only if the zero-sum game of gains over a has a positive value, found here by pivoting."""
    game = random_game(seed, (m, n), high)
    gains = [game[0] - game[0][a] for a in range(m)]
    positive = {
        a for a, g in enumerate(gains) if lemke_howson((g, -g), exact=True, label=0)[0].payoffs[0] > 0
    }
    assert first_round(game) == positive


def weakly_dominated_by_two(first, second):
    """Whether some mixture of two vectors of gains has no negative entry and a positive one: the shares that do are an interval."""
    low, high = Fraction(0), Fraction(1)
    for a, b in zip(first, second, strict=True):  # p a + (1 - p) b >= 0
        if a == b:
            high = high if a >= 0 else Fraction(-1)
        elif a > b:
            low = max(low, Fraction(-b, a - b))
        else:
            high = min(high, Fraction(b, b - a))
    return low <= high and any(
        p * a + (1 - p) * b > 0
        for p in (low, (low + high) / 2, high)
        for a, b in zip(first, second, strict=True)
    )


@settings(max_examples=100)
@given(n=st.integers(1, 5), high=st.sampled_from([2, 4, 9]), seed=st.integers(0, 10**6))
def test_weak_dominance_among_three_actions_by_hand(n, high, seed):
    game = random_game(seed, (3, n), high)
    rows = [[int(u) for u in row] for row in game[0]]
    gains = [
        [[u - v for u, v in zip(rows[b], rows[a], strict=True)] for b in range(3) if b != a] for a in range(3)
    ]
    assert first_round(game, kind="weak") == {a for a in range(3) if weakly_dominated_by_two(*gains[a])}


def test_floats_and_three_players():
    reduced = iterated_dominance(random_game(8, (3, 3, 3)) / 10)
    assert reduced.payoffs.dtype == float
    assert reduced.lift([np.ones(len(k)) / len(k) for k in reduced.kept])[0].shape == (3,)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kind": "very weak"}, "kind.* 'very weak'.*accepted: strict, weak"),
        ({"by": "correlated"}, "by.* 'correlated'.*accepted: pure, mixed"),
        ({"order": (0, 0)}, r"order is \(0, 0\).*players 0 to 1 once"),
    ],
)
def test_what_is_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        iterated_dominance(TEXTBOOK[0].payoffs, **settings)
