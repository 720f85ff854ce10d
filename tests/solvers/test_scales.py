"""Payoffs of very different sizes: whoever says "solved" survives a check in rationals, in units of the game that is really played.

In every random game the players' payoffs have units of their own, from 1e-12 to 1e12, and some actions are
forbidden by a penalty of 1e3 to 1e15 units. A forbidden action is strictly dominated, so the game without
them has the same equilibria, and its payoff ranges are the units in which regrets are judged: a profile is
refuted where anybody gains more than a millionth of that. Solvers work in float64, whose rounding a solved
profile may show, relative to these units, by some 1e-16 and conditioned systems by 1e-8; a wrong answer is
off by 1e-2 or more.
"""

from fractions import Fraction

import numpy as np
import pytest

from solvers import (
    SOLVERS,
    coarse_correlated_equilibrium,
    correlated_equilibrium,
    evolutionarily_stable,
    is_nash,
    iterated_dominance,
    logit_homotopy,
    memory_one_equilibria,
    minimax_values,
    polynomial_equilibria,
    solve,
    zero_sum,
)

pytestmark = pytest.mark.usefixtures("quickly_compiled")

ALLOWED = Fraction(1, 10**6)
PENNIES = np.array([[1.0, -1.0], [-1.0, 1.0]])
DILEMMA = np.array([[3.0, 0.0], [5.0, 1.0]])
GAMES = 500


class Scaled:
    """A random game with units and penalties: in floats, in the rationals that these stand for, and which actions are forbidden."""

    def __init__(self, seed: int, zero_sum: bool = False):
        rng = np.random.default_rng(seed)
        three = seed % 4 == 3 and not zero_sum
        shape = (2, 2, 2) if three else tuple(rng.integers(2, 6, 2).tolist())
        n, powers = len(shape), rng.integers(-12, 13, len(shape))
        small = rng.integers(-9, 10, (n, *shape))
        self.forbidden = [
            set(rng.permutation(a)[: rng.integers(0, a if three else a - 1)].tolist()) for a in shape
        ]
        exact = np.array([[Fraction(int(x)) for x in own.ravel()] for own in small], dtype=object).reshape(
            small.shape
        )
        offsets = [
            Fraction(int(x)) for x in rng.integers(0, 2, n)
        ]  # in payoffs, not in units: 1 + 1e-12 has to be told from 1
        for player in range(n):
            for a in self.forbidden[player]:
                at = (slice(None),) * player + (a,)
                exact[player][at] = exact[player][at] - 10 ** int(rng.integers(3, 16))
        if zero_sum:
            exact[1] = -exact[0] if not self.forbidden[1] else exact[1]
            exact[0] = -exact[1]
            powers[1], offsets = powers[0], [Fraction(0)] * 2
            self.forbidden = [set(), self.forbidden[1]] if self.forbidden[1] else [self.forbidden[0], set()]
        self.payoffs = np.array(
            [
                [float(x * Fraction(10) ** int(p) + o) for x in own.ravel()]
                for own, p, o in zip(exact, powers, offsets, strict=True)
            ]
        )
        self.payoffs = self.payoffs.reshape(exact.shape)
        self.exact = np.array(
            [Fraction(str(x)) for x in self.payoffs.ravel().tolist()], dtype=object
        ).reshape(exact.shape)
        self.allowed = [
            [a for a in range(size) if a not in self.forbidden[k]] for k, size in enumerate(shape)
        ]

    def unit(self, player: int) -> Fraction:
        """The payoff range of the game without forbidden actions."""
        few = self.exact[player][np.ix_(*self.allowed)]
        return few.max() - few.min()

    def refuted(self, distribution: np.ndarray, kind: str) -> bool:
        """Whether a player gains more than is allowed: by a swap from what is told ("correlated") or by one action ("coarse")."""
        for player, own in enumerate(self.exact):
            table = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
            weight = np.moveaxis(distribution, player, 0).reshape(table.shape)
            switched = [
                [
                    sum(w * u for w, u in zip(told, row, strict=True) if w)
                    for row in table - table.ravel()[weight.argmax()]
                ]
                for told in weight
            ]
            kept = [row[a] for a, row in enumerate(switched)]
            columns = [sum(row[b] for row in switched) for b in range(len(table))]
            gain = (
                sum(max(row) for row in switched) - sum(kept)
                if kind == "correlated"
                else max(columns) - sum(kept)
            )
            if gain > ALLOWED * self.unit(player) and gain > 0:
                return True
        return False


def joint(profile) -> np.ndarray:
    """The product of mixed strategies, normalized, in rationals."""
    product = np.array(Fraction(1), dtype=object)
    for strategy in profile:
        weights = [Fraction(p) for p in np.asarray(strategy).tolist()]
        product = np.multiply.outer(product, np.array([w / sum(weights) for w in weights], dtype=object))
    return product


def survives(seed: int) -> dict[str, list[str]]:
    """Everybody's answers to one random game: how each ended, or "refuted"."""
    answers: dict[str, list[str]] = {}
    game, constant = Scaled(seed), Scaled(seed, zero_sum=True)
    for entry in SOLVERS:
        asked = constant if entry.facts["zero_sum"] else game
        if entry.facts["players"] not in (None, len(asked.payoffs)):
            continue
        for e in entry.make(asked.payoffs):
            wrong = e.status == "solved" and asked.refuted(joint(e.profile), "coarse")
            answers.setdefault(entry.name, []).append("refuted" if wrong else e.status)
    for kind, solver in (("correlated", correlated_equilibrium), ("coarse", coarse_correlated_equilibrium)):
        for objective in ("welfare", "egalitarian", 0):
            found = solver(game.payoffs, objective)
            wrong = False
            if found.status == "solved":
                weights = np.array([Fraction(p) for p in found.distribution.ravel().tolist()], dtype=object)
                wrong = game.refuted((weights / weights.sum()).reshape(found.distribution.shape), kind)
            answers.setdefault(f"{kind} {objective}", []).append("refuted" if wrong else found.status)
    return answers


@pytest.mark.parametrize("seed", range(12))
def test_what_is_solved_survives_a_check_in_rationals(seed):
    answers = survives(seed)
    assert "refuted" not in [a for each in answers.values() for a in each], answers
    assert {
        a
        for name, each in answers.items()
        if name in ("vertex", "support", "lemke_howson", "zero_sum")
        for a in each
    } <= {"solved"}


@pytest.mark.slow
def test_five_hundred_games_survive_it():
    for seed in range(GAMES):
        test_what_is_solved_survives_a_check_in_rationals(seed)


@pytest.mark.parametrize("penalty", [-1e3, -1e9, -1e12, -1e15])
def test_a_forbidden_action_changes_no_answer(penalty):
    row = np.vstack([np.hstack([DILEMMA, [[0], [1]]]), np.full((1, 3), penalty)])
    game = np.array([row, row.T])
    for solver in (correlated_equilibrium, coarse_correlated_equilibrium):
        for objective in ("welfare", "egalitarian", 0, 1):
            found = solver(game, objective)
            assert found.status == "solved"
            np.testing.assert_allclose(found.payoffs, [1, 1], atol=1e-8)
    for found in (logit_homotopy(game), polynomial_equilibria(game), solve(game)):
        assert [e.status for e in found] == ["solved"]
        np.testing.assert_array_equal(found[0].profile, [[0, 1, 0]] * 2)
    (stable,) = evolutionarily_stable(row)
    np.testing.assert_array_equal(stable.profile[0], [0, 1, 0])
    assert iterated_dominance(game).kept == ((1,), (1,))
    table = np.vstack([PENNIES, np.full((1, 2), penalty)])
    found = zero_sum((table, -table))[0]
    assert found.status == "solved"
    np.testing.assert_allclose([*found.payoffs, *minimax_values((table, -table))], 0, atol=1e-9)


@pytest.mark.parametrize("crash", [-1e3, -1e9, -1e12])
def test_a_disaster_that_no_action_excludes(crash):
    """Chicken: dare pays 7 against swerve, who pays 6, and 2 against dare; the mixed equilibrium dares with 1 / (3 - crash)."""
    row = np.array([[6, 2], [7, crash]])
    game = np.array([row, row.T])
    for found in (solve(game), polynomial_equilibria(game)):
        dares = sorted(e.profile[0][1] for e in found)
        np.testing.assert_allclose(dares, [0, 1 / (3 - crash), 1], rtol=1e-12)
    found = logit_homotopy(game)
    assert found.status == "not_converged" or any(
        np.isclose(found[0].profile[0][1], x, rtol=1e-6) for x in (0, 1 / (3 - crash), 1)
    )


def test_units_of_players_do_not_matter():
    game = np.array([DILEMMA, DILEMMA.T])
    for factor in (1e-12, 1e-7, 1e10):
        apart = np.array([DILEMMA, factor * DILEMMA.T])
        for found in (logit_homotopy(apart), polynomial_equilibria(apart)):
            assert [e.status for e in found] == ["solved"]
            np.testing.assert_array_equal(found[0].profile, [[0, 1]] * 2)
        assert len(memory_one_equilibria(apart, 0.6)) == len(memory_one_equilibria(game, 0.6)) == 3
    for one in (1e10 * game[0], game[0] * 1e-12 + 1):
        verdict = is_nash((one, game[1]), ("tft", "tft"), 0.4)
        assert not verdict
        assert bool(is_nash((one, game[1]), ("grim", "grim"), 0.6))


def test_small_differences_of_large_payoffs():
    """Matching pennies and battle of the sexes at payoffs x 1e-12 + 1."""
    rng = np.random.default_rng(0)
    for game in (
        np.array([PENNIES, -PENNIES]),
        np.array([[[3.0, 0], [0, 2]], [[2.0, 0], [0, 3]]]),
        rng.integers(-9, 10, (3, 2, 2, 2)),
    ):
        moved = np.array([float(f"{1 + int(x) * 1e-12:.12f}") for x in game.ravel()]).reshape(game.shape)
        one, other = polynomial_equilibria(game), polynomial_equilibria(moved)
        assert len(one) == len(other)
        for e, f in zip(one, other, strict=True):
            assert f.status == "solved"
            np.testing.assert_allclose(np.concatenate(e.profile), np.concatenate(f.profile), atol=1e-9)
        assert logit_homotopy(moved).status == "solved"
        assert correlated_equilibrium(moved).status == "solved"
