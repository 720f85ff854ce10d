"""What is solved exactly is the game that was given, whatever JAX's float32 holds of it."""

import gc
from decimal import Decimal
from fractions import Fraction

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import GAMES, Iterated, MatrixGame
from games.exact.matrix import EXACT_ENTRIES, relabeled
from solvers import (
    DYNAMICS,
    alpha_rank,
    evolutionarily_stable,
    is_nash,
    learn,
    quantal_response,
    solve,
    square_table,
)
from solvers.payoffs import payoff_tensor

pytestmark = pytest.mark.usefixtures("quickly_compiled")

FAR = 10**9
CHICKEN = [[FAR + 1, FAR], [FAR + 2, 0]]
FACTORIES = [e.name for e in GAMES if "payoffs" in e.settings()]


def profiles(game):
    """Its exact equilibria, as a set."""
    return {tuple(map(tuple, e.profile)) for e in solve(game, exact=True)}


def test_chicken_keeps_its_numbers():
    """Mixed: x (1e9 + 1) + (1 - x) 1e9 = x (1e9 + 2), so x = 1e9 / (1e9 + 1)."""
    mixed = (Fraction(FAR, FAR + 1), Fraction(1, FAR + 1))
    assert profiles(MatrixGame.symmetric(CHICKEN)) == {(mixed, mixed), ((1, 0), (0, 1)), ((0, 1), (1, 0))}


@pytest.mark.parametrize("seed", range(5))
def test_a_constant_added_to_everything_changes_no_equilibrium(seed):
    small = np.random.default_rng(seed).integers(-9, 10, (2, 3, 3))
    for far in (FAR, 2**53, 2**70):
        assert profiles(MatrixGame((small.astype(object) + far).tolist())) == profiles(MatrixGame(small))


@pytest.mark.parametrize("name", FACTORIES)
def test_factories_keep_payoffs(name):
    given = [
        [Fraction(1, 3), np.float32(0.1), 2**53 + 1],
        [Decimal("0.7"), 1e9 + 0.5, -1],
        [0, 1, np.int8(-128)],
    ]
    if "stravinsky" in name:
        given = [given, given]
    game = GAMES.make(name, payoffs=given)
    exact = payoff_tensor(game.stage if isinstance(game, Iterated) else game, exact=True)
    row = exact[0].tolist()
    assert row[0] == [Fraction(1, 3), Fraction(1, 10), 2**53 + 1]
    assert row[1] == [Fraction(7, 10), FAR + Fraction(1, 2), -1]
    assert row[2] == [0, 1, -128]
    assert exact[1, 2, 2] in (-128, 128)


def test_rows_of_different_types_meet_in_no_common_type():
    game = MatrixGame.bimatrix([[2**60 + 1, 0], [0, 1]], np.array([[0.1, 0], [0, 2]], np.float32))
    assert payoff_tensor(game, exact=True)[:, 0, 0].tolist() == [2**60 + 1, Fraction(1, 10)]
    assert payoff_tensor(relabeled(game, (1, 0)), exact=True)[:, 0, 0].tolist() == [
        Fraction(1, 10),
        2**60 + 1,
    ]


def test_other_payoffs_are_solved_as_they_are():
    game = MatrixGame.symmetric([[1, 3 * FAR + 1], [0, 2]])
    exact = payoff_tensor(game, exact=True)
    for same in (
        jax.tree.map(lambda x: x, game),
        eqx.tree_at(lambda g: g.init_std, game, 2.0),
        Iterated(game).stage,
    ):
        assert (payoff_tensor(same, exact=True) == exact).all()
    for other in (
        eqx.tree_at(lambda g: g.payoffs, game, game.payoffs + 1),
        jax.tree.map(lambda x: x + 1, game),
        jax.jit(lambda g: jax.tree.map(lambda x: x + 1, g))(game),
    ):
        assert payoff_tensor(other, exact=True)[0].tolist() == [
            [2, 3 * FAR],
            [1, 3],
        ]  # as float32 prints them


def test_what_is_kept_ends_with_its_game():
    gc.collect()
    before = len(EXACT_ENTRIES)
    game = MatrixGame.symmetric([[1, FAR + 1], [0, 2]])
    assert len(EXACT_ENTRIES) == before + 1
    del game
    gc.collect()
    assert len(EXACT_ENTRIES) == before


def test_games_are_made_within_compiled_functions():
    def value(payoffs):
        return MatrixGame.symmetric(payoffs).values((jnp.zeros(1), jnp.zeros(1)))[0]

    batch = jnp.arange(8.0).reshape(2, 2, 2)
    np.testing.assert_allclose(jax.jit(jax.vmap(value))(batch), [1.5, 5.5])
    np.testing.assert_allclose(jax.grad(lambda x: value([[x, 1], [0, 2]]))(3.0), 0.25)


@pytest.mark.parametrize(
    "made",
    [MatrixGame.symmetric, lambda row: MatrixGame([row, row]), lambda row: GAMES.make("mp", payoffs=row)],
)
@pytest.mark.parametrize(
    ("entry", "says"),
    [(x, r"beyond 3\.4e\+38.*rescale") for x in (1e39, -1e39, 10**400)]
    + [(x, "NaN or infinite.*finite number") for x in (float("inf"), float("nan"))],
)
def test_games_hold_finite_numbers(made, entry, says):
    with pytest.raises(ValueError, match=says):
        made([[entry, 0], [0, 1]])
    if abs(entry) == 1e39:
        with jax.enable_x64(True):
            assert jnp.isfinite(made([[entry, 0], [0, 1]]).payoffs).all()


def refuses(call):
    with pytest.raises(ValueError, match=r"float64.*subtract"):
        call()


@pytest.mark.parametrize("held", [list, np.array, MatrixGame.symmetric])
def test_float64_solves_no_other_game(held):
    """2**60 plus a chicken is, in float64, a game in which nothing matters."""
    row = [[2**60, 2**60 + 4], [2**60 + 1, 2**60 + 2]]
    game = held(row)
    pair = (
        game if isinstance(game, MatrixGame) else (game, [list(column) for column in zip(*row, strict=True)])
    )
    for method in ("vertex", "polynomial", "logit"):
        refuses(lambda method=method: solve(pair, method))
    for call in (alpha_rank, evolutionarily_stable):
        refuses(lambda call=call: call(game))
    refuses(lambda: is_nash(pair, ("alld", "alld"), 0.9))
    refuses(lambda: learn(pair, DYNAMICS.make("fp")))
    assert square_table(game, exact=True).tolist() == row
    third = Fraction(1, 3)
    assert ((2 * third, third), (2 * third, third)) in profiles(pair)
    same = [[2**60] * 2] * 2
    assert len(set(alpha_rank(held(same)).distribution.tolist())) == 1  # whose payoffs do not differ


def test_far_payoffs_are_learned_in_float32():
    """1e9 plus a dilemma: defection is the logit response by more than the rounding of 1e9 in float32, which is 64."""
    far = MatrixGame.symmetric([[FAR + 3, FAR], [FAR + 5, FAR + 1]])
    near = MatrixGame.symmetric([[3, 0], [5, 1]])
    found, expected = (quantal_response(g, [1.0]).strategies[0] for g in (far, near))
    np.testing.assert_array_equal(found, expected)
