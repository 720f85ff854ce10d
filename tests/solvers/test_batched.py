from fractions import Fraction
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from solvers import equilibria_2x2, equilibria_small
from solvers.payoffs import regrets
from solvers.two_player.batched import entries, indifference
from tests.reference import brute
from tests.reference.compilations import compilations
from tests.reference.oracles import quantecon

pytestmark = pytest.mark.usefixtures(
    "x64", "quickly_compiled"
)  # so that one compiled program serves all tests of a shape and precision

BLOCK = 512


def normal(count, m, n, seed=0, dtype: type = np.float32):
    return np.random.default_rng(seed).normal(size=(2, count, m, n)).astype(dtype)


def found_by(solve, row, column):
    """What is found, as numpy arrays."""
    return jax.tree.map(np.asarray, solve(jnp.asarray(row), jnp.asarray(column)))


def listed(found, game):
    """The equilibria of one game of a batch."""
    mask = found.mask[game]
    return list(zip(found.row[game][mask], found.column[game][mask], strict=True))


def same(some, others, atol):
    """Whether two lists hold the same profiles, in any order."""
    some, others = ([np.concatenate(p).astype(float) for p in profiles] for profiles in (some, others))
    return len(some) == len(others) and all(min(abs(p - q).max() for q in others) < atol for p in some)


def in_blocks(solve, row, column):
    parts = [found_by(solve, row[i : i + BLOCK], column[i : i + BLOCK]) for i in range(0, len(row), BLOCK)]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


@pytest.mark.parametrize(
    ("solve", "dtype", "m", "n", "count", "top"),
    [
        (equilibria_2x2, np.float64, 2, 2, 300, 5),
        (equilibria_small, np.float64, 2, 2, 300, 5),
        (equilibria_small, np.float64, 2, 4, 150, 7),
        (equilibria_small, np.float32, 3, 3, 250, 9),
        (equilibria_small, np.float32, 4, 4, 25, 12),
    ],
)
def test_integer_games_beside_rationals(solve, dtype, m, n, count, top):
    """The flag is exact where payoffs are small integers, and what is listed without it is what trial in rationals finds."""
    row, column = np.random.default_rng(m + n).integers(0, top, size=(2, BLOCK, m, n))
    found = found_by(solve, row.astype(dtype), column.astype(dtype))
    degenerate = 0
    for game in range(count):
        try:
            expected = brute.equilibria(row[game].tolist(), column[game].tolist())
        except brute.Degenerate:
            degenerate += 1
            assert found.degenerate[game]
            continue
        assert not found.degenerate[game]
        assert found.count[game] == len(expected)
        assert same(listed(found, game), expected, atol=1e-5)
    assert 0 < degenerate < count


def test_nearly_degenerate_games_are_right_or_flagged():
    """Integers, some moved by a few units in the last place of float32: where the flag is off, trial in rationals agrees."""
    rng = np.random.default_rng(12)
    moved = 1 + rng.integers(-3, 4, size=(2, BLOCK, 3, 3)) * 10.0 ** rng.integers(
        -7, -3, size=(2, BLOCK, 1, 1)
    )
    row, column = (rng.integers(0, 4, size=(2, BLOCK, 3, 3)) * moved).astype(np.float32)
    found = found_by(equilibria_small, row, column)
    certain = np.flatnonzero(~found.degenerate)
    assert 50 < len(certain) < BLOCK - 50
    for game in certain[:100]:
        expected = brute.equilibria(
            *([[Fraction(float(v)) for v in line] for line in side[game]] for side in (row, column))
        )
        assert found.count[game] == len(expected)
        assert same(listed(found, game), expected, atol=1e-3)


@pytest.mark.parametrize("size", [2, 3])
def test_margins_know_their_sign(size):
    """Tenths in float32 nearly tie where tenths tie: a margin beyond its unit has the sign that rationals give it."""
    games = np.random.default_rng(14).integers(0, 10, size=(64, 4, 4)).astype(np.float32) / np.float32(10)
    supports = list(combinations(range(4), size))
    pairs = [(own, others) for own in supports[:2] for others in supports]
    found = jax.jit(lambda game: indifference(entries(game), pairs))(jnp.asarray(games))
    positive, best, undecided = np.asarray(found.positive), np.asarray(found.best), 0
    for game, payoffs in enumerate(games):
        exact = [[Fraction(float(v)) for v in line] for line in payoffs]
        for pair, (own, others) in enumerate(pairs):
            margins = positive[pair, game], best[pair, game]
            solved = brute.solve(
                [[*(exact[i][j] for i in own), -1, 0] for j in others] + [[1] * size + [0, 1]]
            )
            if solved is None:
                assert not margins[0] > 1
                continue
            *x, value = solved
            advantage = min(
                value - sum(p * exact[i][j] for p, i in zip(x, own, strict=True))
                for j in range(4)
                if j not in others
            )
            undecided += min(map(abs, margins)) <= 1
            assert abs(margins[0]) <= 1 or (margins[0] > 0) == (min(x) > 0)
            if min(x) >= 0:
                assert abs(margins[1]) <= 1 or (margins[1] > 0) == (advantage > 0)
    assert undecided


def test_one_action_leaves_a_best_reply():
    row, column = normal(BLOCK, 1, 3, seed=13, dtype=float)
    found = found_by(equilibria_small, row, column)
    assert (found.count == 1).all()
    assert (found.row == 1).all()
    np.testing.assert_array_equal(found.column[:, 0].argmax(axis=1), column[:, 0].argmax(axis=1))


def test_number_of_equilibria_is_odd_and_independent_of_batch_and_precision():
    row, column = normal(40 * BLOCK, 3, 3)
    single, double = (
        in_blocks(equilibria_small, *games)
        for games in ((row, column), (row.astype(float), column.astype(float)))
    )
    whole = found_by(equilibria_small, row, column)
    for found in (single, double, whole):
        assert (found.count[~found.degenerate] % 2 == 1).all()
        np.testing.assert_array_equal(
            found.mask.sum(axis=1)[~found.degenerate], found.count[~found.degenerate]
        )
    assert not double.degenerate.any()
    assert single.degenerate.mean() < 1e-3  # too close to degenerate for float32
    np.testing.assert_array_equal(single.count[~single.degenerate], double.count[~single.degenerate])
    np.testing.assert_array_equal(whole.mask, single.mask)
    np.testing.assert_allclose(whole.residual[whole.mask], single.residual[whole.mask], atol=1e-6)
    np.testing.assert_allclose(whole.row, single.row, atol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-8)])
def test_residual_is_honest(dtype, tolerance):
    row, column = normal(BLOCK, 3, 3, seed=1, dtype=dtype)
    found = found_by(equilibria_small, row, column)
    for game in range(100):
        for slot in np.flatnonzero(found.mask[game]):
            payoffs = np.stack([row[game], column[game]]).astype(float)
            profile = tuple(s[game, slot].astype(float) for s in (found.row, found.column))
            assert all(s.min() >= 0 and abs(s.sum() - 1) < 1e-6 for s in profile)
            regret = (regrets(payoffs, profile) / np.ptp(payoffs, axis=(1, 2))).max()
            assert regret < tolerance
            assert abs(regret - found.residual[game, slot]) < 10 * np.finfo(dtype).eps
    assert np.isinf(found.residual[~found.mask]).all()
    assert (found.row[~found.mask] == 0).all()


def test_affine_changes_and_relabeling():
    row, column = normal(BLOCK, 3, 3, seed=2, dtype=float)
    rng = np.random.default_rng(3)
    before = found_by(equilibria_small, row, column)
    scale, shift = rng.uniform(0.01, 100, size=(2, BLOCK, 1, 1)), rng.normal(scale=10, size=(2, BLOCK, 1, 3))
    after = found_by(
        equilibria_small, scale[0] * row + shift[0], scale[1] * column + np.swapaxes(shift[1], 1, 2)
    )
    own, other = rng.permutation(3), rng.permutation(3)
    relabeled = found_by(equilibria_small, row[:, own][:, :, other], column[:, own][:, :, other])
    exchanged = found_by(equilibria_small, np.swapaxes(column, 1, 2), np.swapaxes(row, 1, 2))
    for game in range(100):
        profiles = listed(before, game)
        assert same(listed(after, game), profiles, atol=1e-6)
        assert same(listed(relabeled, game), [(x[own], y[other]) for x, y in profiles], atol=1e-6)
        assert same([(x, y) for y, x in listed(exchanged, game)], profiles, atol=1e-6)


def test_closed_form_beside_enumeration():
    row, column = normal(BLOCK, 2, 2, seed=4, dtype=float)
    closed, enumerated = found_by(equilibria_2x2, row, column), found_by(equilibria_small, row, column)
    np.testing.assert_array_equal(closed.count, enumerated.count)
    assert not closed.degenerate.any()
    assert all(same(listed(closed, game), listed(enumerated, game), atol=1e-9) for game in range(BLOCK))
    mixed = (closed.count == 3) | ~closed.mask[:, :2].any(axis=1)
    np.testing.assert_array_equal(closed.mask[:, 2], mixed)


def test_vmap_equals_the_batch():
    row, column = normal(BLOCK, 2, 2, seed=5, dtype=float)
    mapped = jax.vmap(equilibria_small)(row.reshape(2, -1, 2, 2), column.reshape(2, -1, 2, 2))
    for one, other in zip(
        jax.tree.leaves(equilibria_small(row, column)), jax.tree.leaves(mapped), strict=True
    ):
        np.testing.assert_allclose(one, other.reshape(one.shape), atol=1e-12)


def test_degenerate_games_say_so():
    """Identity has all 2^n - 1 supports; zero has a continuum; a tie with no further equilibrium is a tie nonetheless."""
    games = np.zeros((BLOCK, 3, 3), np.float32)
    games[0] = np.eye(3)
    games[2, 0, 0] = np.nan
    games[3, 0, 0] = np.inf
    games[4] = [[3, 3, 1], [0, 0, 2], [0, 1, 0]]
    games[5] = np.eye(3) * 1e-30
    found = found_by(equilibria_small, games, games)
    assert found.row.dtype == np.float32
    assert (int(found.count[0]), bool(found.degenerate[0])) == (7, False)
    assert (int(found.count[1]), bool(found.degenerate[1])) == (
        9,
        True,
    )  # the pure ones, two of them without a slot
    assert found.mask[1].all()
    assert found.degenerate[2:5].all()
    assert not found.mask[2:4].any()
    assert (int(found.count[5]), bool(found.degenerate[5])) == (7, False)
    np.testing.assert_allclose(found.row[5, 6], 1 / 3, rtol=1e-6)


def test_degenerate_2x2_lists_a_pure_equilibrium():
    entries = np.stack(np.meshgrid(*[[0.0, 1.0]] * 8, indexing="ij"), axis=-1).reshape(-1, 2, 2, 2)
    entries = np.concatenate([entries, 3 * entries])
    found = found_by(equilibria_2x2, entries[:, 0], entries[:, 1])
    gains = np.concatenate(
        [entries[:, 0, 0] - entries[:, 0, 1], entries[:, 1, :, 0] - entries[:, 1, :, 1]], axis=1
    )
    np.testing.assert_array_equal(found.degenerate, (gains == 0).any(axis=1))
    assert found.mask.any(axis=1).all()
    assert found.mask[:, :2].any(axis=1)[np.asarray(found.degenerate)].all()
    assert found.residual[found.mask].max() == 0


def test_other_payoffs_compile_nothing():
    for solve, shape in ((equilibria_small, (3, 3)), (equilibria_2x2, (2, 2))):
        solve(*(jnp.asarray(games) for games in normal(BLOCK, *shape)))
        again = [jnp.asarray(games) for games in normal(BLOCK, *shape, seed=6)]
        with compilations() as events:
            solve(*again)
        assert not events


@pytest.mark.slow
@pytest.mark.parametrize("solve", [equilibria_2x2, equilibria_small])
def test_mixed_equilibrium_is_differentiable(solve):
    """In a 2x2 game it moves with the other player's payoffs alone; against differences."""
    row, column = normal(BLOCK, 2, 2, seed=7, dtype=float)
    row[:] = [[2, 0], [0, 1]]
    column = abs(column) * np.eye(2)[None]  # coordination, so that all games have three equilibria

    def first(row, column):
        return solve(row, column).row[:, 2, 0]

    of_row, of_column = jax.grad(lambda *game: first(*game).sum(), argnums=(0, 1))(row, column)
    assert (of_row == 0).all()
    for i, j in np.ndindex(2, 2):
        change = np.zeros((1, 2, 2))
        change[0, i, j] = 1e-6
        difference = (first(row, column + change) - first(row, column - change)) / 2e-6
        np.testing.assert_allclose(of_column[:, i, j], difference, rtol=1e-4, atol=1e-6)


QUANTECON = """
import json, sys
import numpy as np
import quantecon.game_theory as gt
games = [gt.NormalFormGame([gt.Player(np.array(row)), gt.Player(np.array(column).T)]) for row, column in json.load(sys.stdin)]
json.dump([[[x.tolist() for x in profile] for profile in gt.support_enumeration(game)] for game in games], sys.stdout)
"""


@pytest.mark.oracle
@pytest.mark.parametrize("size", [3, 4])
def test_beside_quantecon(size):
    row, column = normal(BLOCK, size, size, seed=11, dtype=float)
    found = found_by(equilibria_small, row, column)
    for game, profiles in enumerate(quantecon(QUANTECON, np.stack([row, column], axis=1).tolist())):
        assert not found.degenerate[game]
        assert same(listed(found, game), profiles, atol=1e-8)


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match=r"5.*4x4"):
        equilibria_small(np.eye(5), np.eye(5))
    with pytest.raises(ValueError, match="equilibria_small"):
        equilibria_2x2(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match=r"\(3, 3\).*\(2, 2\)"):
        equilibria_small(np.eye(3), np.eye(2))
