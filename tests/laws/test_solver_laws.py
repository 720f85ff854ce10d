"""The laws that every solver obeys, over the registry and random games with and without ties; their judges share nothing with solvers."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import ipd
from games.bibliography import bibtex
from solvers import SOLVERS, solve
from solvers.base import solution
from solvers.payoffs import payoff_tensor
from tests.reference import brute

ENTRIES = list(SOLVERS)
EXACT = [e for e in ENTRIES if e.facts["exact"]]
ALL = [e for e in ENTRIES if e.facts["finds"] == "all"]
SLOW = {"polynomial", "logit"}
CONTINUUM = 1e-7
"""How near to each other two floating-point profiles are called one."""

over = lambda entries: pytest.mark.parametrize("entry", entries, ids=lambda e: e.name)  # noqa: E731


def examples(law):
    """A test over solvers and random games: some of them every time, hundreds of every shape where the time is given."""

    def test(entry, games):
        @settings(max_examples=games)
        @given(
            shapes(entry, 4 if entry.name in SLOW and games < 100 else 6),
            st.sampled_from([1, 3, 1000]),
            st.integers(0, 2**32 - 1),
        )
        def run(shape, high, seed):
            law(entry, drawn(entry, shape, high, seed), np.random.default_rng(seed + 1))

        run()

    test.__doc__, test.__name__ = law.__doc__, law.__name__
    return test


def over_games(entries):
    """Every solver with a number of games: few where one takes tenths of a second."""
    some = [pytest.param(e, 10 if e.name in SLOW else 40, id=e.name) for e in entries]
    return pytest.mark.parametrize(
        ("entry", "games"),
        some + [pytest.param(e, 300, id=f"{e.name}, hundreds", marks=pytest.mark.slow) for e in entries],
    )


def shapes(entry, side):
    """Two players with up to so many actions each, three with up to 3, as far as a solver takes them."""
    two = st.tuples(st.integers(1, side), st.integers(1, side))
    three = st.tuples(*[st.integers(1, 3)] * 3)
    return two | three if entry.facts["players"] is None else two


def drawn(entry, shape, high, seed):
    """A random game in integers: small ones tie."""
    u = np.random.default_rng(seed).integers(-high, high + 1, (len(shape), *shape))
    return np.stack([u[0], 1 - u[0]]) if entry.facts["zero_sum"] else u


def pure_values(u, profile, player):
    """What each action of a player earns, summed up joint action by joint action, in rationals."""
    values = [Fraction(0)] * u.shape[1 + player]
    for joint in np.ndindex(*u.shape[1:]):
        weight = Fraction(int(u[(player, *joint)]))
        for other, a in enumerate(joint):
            if other != player:
                weight *= Fraction(profile[other][a])
        values[joint[player]] += weight
    return values


def judged(u, profile):
    """What everybody earns and could gain, in rationals."""
    earned, gains = [], []
    for player, own in enumerate(profile):
        values = pure_values(u, profile, player)
        earned.append(sum(Fraction(p) * v for p, v in zip(own, values, strict=True)))
        gains.append(max(values) - earned[-1])
    return earned, gains


def residual(u, profile):
    """The largest regret of anybody over the mean of |u(a) - u(profile)|, under the profile or with the player's best reply."""
    profile = [[Fraction(p) / sum(map(Fraction, s)) for p in s] for s in profile]
    shares, (earned, gains) = [0], judged(u, profile)
    for player, gain in enumerate(gains):
        best = int(np.argmax(pure_values(u, profile, player)))
        means = [0, 0]
        for joint in np.ndindex(*u.shape[1:]):
            away = abs(Fraction(int(u[(player, *joint)])) - earned[player])
            others = math.prod(
                Fraction(s[a])
                for other, (s, a) in enumerate(zip(profile, joint, strict=True))
                if other != player
            )
            means[0] += Fraction(profile[player][joint[player]]) * others * away
            means[1] += (joint[player] == best) * others * away
        shares.append(gain / max(means) if gain > 0 else 0)
    return float(max(shares))


def is_equilibrium(u, profile, tolerance=1e-8):
    """Whether nobody can gain, and everybody plays probabilities."""
    fair = all(min(s) >= -1e-12 and abs(sum(s) - 1) < 1e-9 for s in profile)
    return fair and max(judged(u, profile)[1]) <= tolerance * max(1, np.ptp(u))


def flat(found):
    """Profiles as one float vector each."""
    return [np.concatenate([np.asarray(s, dtype=float) for s in e.profile]) for e in found]


def same_set(one, other):
    """Whether two lists of vectors hold the same points."""
    near = lambda x, others: any(np.abs(x - y).max() < CONTINUUM for y in others)  # noqa: E731
    return all(near(x, other) for x in one) and all(near(x, one) for x in other)


def finds_the_same(entry, game, found, other_game, other, back=lambda vector: vector):
    """The two sets of profiles are one where a solver claims all of a set that is finite; otherwise each is of equilibria of both."""
    if entry.facts["finds"] == "all" and (found.complete or not (found.degenerate or other.degenerate)):
        assert same_set(flat(found), [back(v) for v in flat(other)]), (
            game,
            flat(found),
            [back(v) for v in flat(other)],
        )
    for e in other:
        profile = np.split(
            back(np.concatenate([np.asarray(s, dtype=float) for s in e.profile])),
            np.cumsum(game.shape[1:])[:-1],
        )
        assert is_equilibrium(game, profile), game


@over_games(ENTRIES)
@examples
def test_the_residual_is_honest(entry, game, rng):
    """What a solver says about its profiles is what their definition says; and every game has an equilibrium."""
    found = entry.make(game)
    assert found.method == entry.name
    assert len(found) or entry.name == "pure"
    scale = max(1, np.ptp(game))
    for e in found:
        earned, gains = judged(game, e.profile)
        np.testing.assert_allclose(
            np.asarray(e.payoffs, dtype=float), np.array(earned, dtype=float), atol=1e-9 * scale
        )
        np.testing.assert_allclose(
            np.asarray(e.regret, dtype=float), np.array(gains, dtype=float), atol=1e-9 * scale
        )
        assert e.residual == pytest.approx(residual(game, e.profile), abs=1e-9)
        assert e.status != "solved" or is_equilibrium(game, e.profile)
        assert e.status == "solved" or found.status != "solved" or not found.complete


@over_games(ENTRIES)
@examples
def test_affine_changes_of_payoffs_leave_equilibria_alone(entry, game, rng):
    """Every player's payoffs times a positive number, plus another; players of zero-sum games share the first."""
    n = len(game)
    factors = np.repeat(rng.integers(2, 9), n) if entry.facts["zero_sum"] else rng.integers(1, 9, n)
    shift = (slice(None), *[None] * n)
    changed = game * factors[shift] + rng.integers(-9, 9, n)[shift]
    finds_the_same(entry, game, entry.make(game), changed, entry.make(changed))


@over_games(ENTRIES)
@examples
def test_relabeling_actions_and_players_relabels_profiles(entry, game, rng):
    """Seat k of the relabeled game is seat `order[k]`, and its action a is that seat's action `renamed[k][a]`."""
    order = rng.permutation(len(game))
    renamed = [rng.permutation(game.shape[1 + j]) for j in order]
    other = np.transpose(game[order], (0, *(1 + order)))[(slice(None), *np.ix_(*renamed))]

    def back(vector):
        parts = np.split(vector, np.cumsum(other.shape[1:])[:-1])
        seats = [parts[k][np.argsort(renamed[k])] for k in range(len(parts))]
        return np.concatenate([seats[k] for k in np.argsort(order)])

    finds_the_same(entry, game, entry.make(game), other, entry.make(other), back)


@over_games(EXACT)
@examples
def test_rationals_and_floats_agree(entry, game, rng):
    """Profile by profile, and the rationals are equilibria without any tolerance."""
    exact, floats = entry.make(game, exact=True), entry.make(game)
    for e in exact:
        assert all(isinstance(p, Fraction) for s in e.profile for p in s)
        assert all(min(s) >= 0 and sum(s) == 1 for s in e.profile)
        assert max(judged(game, e.profile)[1]) == 0
    assert all(s.dtype == float for e in floats for s in e.profile)
    np.testing.assert_allclose(flat(exact), flat(floats), atol=1e-12)


@over_games(ALL)
@examples
def test_finders_of_all_find_every_pure_equilibrium(entry, game, rng):
    """Tried one by one; in a degenerate game they are extreme too."""
    supports = [e.support for e in entry.make(game)]
    for joint in np.ndindex(*game.shape[1:]):
        rows = [game[(i, *joint[:i], slice(None), *joint[i + 1 :])] for i in range(len(game))]
        if all(row[a] == row.max() for row, a in zip(rows, joint, strict=True)):
            assert tuple((a,) for a in joint) in supports, game


@over([e for e in ALL if e.facts["players"] in (2, None)])
@settings(max_examples=25)
@given(data=st.data())
def test_finders_of_all_find_what_brute_force_finds(entry, data):
    """On small games without ties, every pair of supports is tried in rationals."""
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    u = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).integers(-1000, 1001, (2, *shape))
    expected = [np.array([float(p) for s in profile for p in s]) for profile in brute.equilibria(*u.tolist())]
    found = entry.make(u)
    assert len(found) == len(expected)
    assert same_set(flat(found), expected)
    assert len(found) % 2  # Lemke & Howson (1964)


def test_finders_of_all_find_three_players_textbook_equilibria():
    """Three players who all want to be where the others are (1 for it, 2 at the second place): three symmetric, nobody pure alone."""
    u = np.zeros((3, 2, 2, 2))
    u[:, 0, 0, 0], u[:, 1, 1, 1] = 1, 2
    p = 2**0.5 / (1 + 2**0.5)  # indifference: p^2 = 2 (1 - p)^2
    expected = [np.array([1, 0] * 3), np.array([0, 1] * 3), np.array([p, 1 - p] * 3)]
    for entry in ALL:
        if entry.facts["players"] is None:
            found = flat(entry.make(u))
            assert all(any(np.allclose(x, y, atol=1e-8) for y in found) for x in expected)


def test_every_solver_declares_its_facts():
    for entry in ENTRIES:
        assert entry.facts["finds"] in ("all", "some", "one")
        assert entry.facts["players"] in (2, None)
        assert next(iter(entry.settings())) == "game"
        assert ("exact" in entry.settings()) == entry.facts["exact"]
        assert bibtex(entry.citation).startswith("@")


BAD = {
    "NaN": ([[[1.0, np.nan], [0, 1]], [[0, 1], [1, 0]]], "finite"),
    "infinite": ([[[1.0, np.inf], [0, 1]], [[0, 1], [1, 0]]], "finite"),
    "ragged": ([[[1.0, 2.0], [0]], [[0, 1], [1, 0]]], "rectangular"),
    "text": ([[["a", 2.0], [0, 1]], [[0, 1], [1, 0]]], "'a' is not a number"),
    "no action": (np.zeros((2, 2, 0)), "at least one action"),
    "a player too many": (np.zeros((3, 2, 2)), "one leading entry per player"),
}


@over(ENTRIES)
@pytest.mark.parametrize("bad", BAD)
def test_bad_payoffs_are_refused_in_one_sentence(entry, bad):
    payoffs, says = BAD[bad]
    with pytest.raises(ValueError, match=says) as refused:
        entry.make(payoffs)
    assert "\n" not in str(refused.value)


@over([e for e in ENTRIES if e.facts["players"] == 2])
@pytest.mark.parametrize("n", [1, 3])
def test_other_numbers_of_players_are_refused(entry, n):
    with pytest.raises(ValueError, match="player"):
        entry.make(np.zeros((n, *[2] * n)))


@over([e for e in ENTRIES if e.facts["zero_sum"]])
def test_games_of_another_sum_are_refused(entry):
    with pytest.raises(ValueError, match="constant"):
        entry.make([[[1, 0], [0, 1]], [[1, 0], [0, 1]]])


@over([e for e in ENTRIES if "force" in e.settings()])
def test_what_is_too_large_is_refused_with_the_estimate(entry):
    with pytest.raises(ValueError, match=r"\d.*force=True"):
        entry.make(np.random.default_rng(0).integers(0, 99, (2, 40, 40)))


def test_a_repeated_game_is_no_normal_form():
    with pytest.raises(ValueError, match=r"'iterated_prisoners_dilemma'.*stage"):
        solve(ipd())


def test_solve_names_the_methods_that_take_a_game():
    with pytest.raises(
        ValueError,
        match=r"'vertex'.*2 players.*3.*polynomial",
    ):
        solve(np.zeros((3, 2, 2, 2)), "vertex")
    with pytest.raises(ValueError, match=r"'logit'.*floating point.*vertex"):
        solve(np.zeros((2, 2, 2)), "logit", exact=True)
    with pytest.raises(ValueError, match="did you mean 'vertex'"):
        solve(np.zeros((2, 2, 2)), "vertx")


def test_profiles_off_the_simplex_are_refused():
    u = payoff_tensor(np.zeros((2, 2, 3)))
    for profile, says in [
        (([0.5, 0.6], [1, 0, 0]), "Player 0's .*simplex"),
        (([1.5, -0.5], [1, 0, 0]), "Player 0's .*simplex"),
        (([np.nan, 1], [1, 0, 0]), "Player 0's .*simplex"),
        (([1, 0], [1, 0]), r"Player 1's .*\(2,\)"),
        (([1, 0],), "1 strategies.*2 players"),
    ]:
        with pytest.raises(ValueError, match=says):
            solution(u, profile)


def test_the_judge_knows_an_equilibrium():
    pennies = np.array([[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]])
    assert is_equilibrium(pennies, [[0.5, 0.5]] * 2)
    for profile in itertools.product([[1, 0], [0, 1], [0.4, 0.6]], repeat=2):
        assert not is_equilibrium(pennies, profile)
