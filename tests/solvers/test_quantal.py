import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import MatrixGame
from games.linear_systems import solve
from solvers.n_player.homotopy import principal_branch
from solvers.n_player.quantal import quantal_response
from tests.reference.compilations import compilations
from tests.reference.quantal_scan import BENDING_BRANCH, quantal_roots
from tests.reference.three_players import IRRATIONAL, IRRATIONAL_EQUILIBRIUM, random_game

pytestmark = pytest.mark.usefixtures("quickly_compiled")
PRECISIONS = [0.0, 0.7, 3.0, 30.0]
batched = jax.jit(jax.vmap(lambda payoffs: quantal_response(payoffs, PRECISIONS)))
"""One compiled program per shape and precision, shared by the tests."""


def response_gap(payoffs, precision, profile):
    """The largest difference between a profile and the logit response to it."""
    largest = 0.0
    for i in range(len(payoffs)):
        others = [np.asarray(profile[j]) for j in range(len(payoffs)) if j != i]
        values = np.moveaxis(payoffs[i], i, 0)
        for strategy in reversed(others):
            values = values @ strategy
        weight = np.exp(precision * (values - values.max()))
        largest = max(largest, np.abs(weight / weight.sum() - profile[i]).max())
    return largest


def test_uniform_at_zero_and_nash_in_the_limit(x64):
    found = quantal_response(IRRATIONAL, [0.0, 1.0, 1e3, 1e6])
    assert found.converged.all()
    for strategy, nash in zip(found.strategies, IRRATIONAL_EQUILIBRIUM, strict=True):
        np.testing.assert_array_equal(strategy[0], 0.5)
        gaps = np.abs(np.asarray(strategy) - nash).max(axis=1)
        assert gaps[2] < 1e-3
        assert gaps[3] < 1e-6


def test_matching_pennies_with_a_bonus(x64):
    """Ochs's game: the equilibrium is unique, and a scan of one variable finds it."""
    payoffs = np.array([[[9.0, 0], [0, 1]], [[0, 1.0], [1, 0]]])
    found = quantal_response(payoffs, PRECISIONS)
    for k, precision in enumerate(PRECISIONS):
        (root,) = quantal_roots(payoffs, precision)
        assert abs(found.strategies[0][k, 0] - root) < 1e-5
    assert found.strategies[0][1, 0] > 0.5  # the bonus attracts, as it would not in equilibrium


def test_first_reached_on_a_branch_that_bends_back(x64):
    """Up to the first turn of the branch, at precision 1.35, that is the root nearest to the one of a slightly lower precision."""
    asked, near, p = [1.5, 0.8, 1.3, 1.34], {}, 0.5
    for precision in np.arange(1, 135) / 100:
        roots = quantal_roots(BENDING_BRANCH, precision, 20_001)
        near[precision] = p = roots[np.abs(roots - p).argmin()]
    found = quantal_response(BENDING_BRANCH, asked)
    assert found.converged.all()
    assert len(quantal_roots(BENDING_BRANCH, 1.34)) == 3
    (end,) = quantal_roots(BENDING_BRANCH, 1.5)
    np.testing.assert_allclose(found.strategies[0][:, 0], [end, near[0.8], near[1.3], near[1.34]], atol=1e-4)


def test_symmetry_is_kept_where_branches_cross(x64):
    """In pure coordination the uniform profile is an equilibrium at every precision; at 2 other branches cross it."""
    found = quantal_response(MatrixGame.symmetric(np.eye(2)), [2.0, 1.0, 2.5, 40.0])
    assert found.converged.all()
    np.testing.assert_allclose(found.strategies[0], 0.5, atol=1e-12)


@pytest.mark.usefixtures("x64")
@settings(max_examples=4)
@given(st.integers(0, 10_000))
def test_games_in_a_batch(seed):
    """Residuals are honest, and the branch is the one that another program follows."""
    games = np.stack([random_game(seed + 7 * k, (3, 3, 3)) for k in range(8)])
    found = batched(games)
    assert found.converged.all()
    for lane, payoffs in enumerate(games):
        for k, precision in enumerate(PRECISIONS):
            profile = [np.asarray(s[lane, k]) for s in found.strategies]
            gap = response_gap(payoffs, precision, profile)
            assert gap < 1e-10
            assert abs(gap - found.residual[lane, k]) < 1e-12
        branch = principal_branch(payoffs, PRECISIONS[2])
        for own, other in zip(found.strategies, branch.strategies, strict=True):
            np.testing.assert_allclose(own[lane, 2], other[-1], atol=1e-8)


@pytest.mark.usefixtures("x64")
@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_units_shifts_and_names_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    payoffs = random_game(seed, (3, 3, 3))
    order, actions = rng.permutation(3), [rng.permutation(3) for _ in range(3)]
    shifted = payoffs + rng.normal(size=(3, 1, 1, 1))
    relabeled = np.transpose(payoffs[order], (0, *(1 + order)))
    renamed = payoffs[np.ix_(range(3), *(a.tolist() for a in actions))]
    pad = [payoffs] * 4
    found = batched(np.stack([payoffs, shifted, relabeled, renamed, *pad]))
    for i in range(3):
        base = found.strategies[i][0]
        np.testing.assert_allclose(found.strategies[i][1], base, atol=1e-9)
        np.testing.assert_allclose(found.strategies[list(order).index(i)][2], base, atol=1e-9)
        np.testing.assert_allclose(found.strategies[i][3], base[:, actions[i]], atol=1e-9)


def flat(payoffs, precisions):
    return jnp.concatenate([s.ravel() for s in quantal_response(payoffs, precisions).strategies])


def finite_differences(f, payoffs, precisions, h=1e-5):
    """Central differences of f in every payoff and every precision."""
    slopes = ([], [])
    for argument, x in enumerate((payoffs, precisions)):
        for k in range(x.size):
            step = h * np.eye(x.size)[k].reshape(x.shape)
            above, below = (
                (payoffs + s * step, precisions) if argument == 0 else (payoffs, precisions + s * step)
                for s in (1, -1)
            )
            slopes[argument].append((f(*above) - f(*below)) / (2 * h))
    return [
        np.stack(s, axis=-1).reshape(-1, *x.shape) for s, x in zip(slopes, (payoffs, precisions), strict=True)
    ]


POSITIVE = np.array([0.4, 0.7, 3.0, 10.0])


def test_gradients_equal_finite_differences(x64):
    payoffs = random_game(5, (2, 2, 2))
    gradients = jax.jit(jax.jacrev(flat, argnums=(0, 1)))(payoffs, POSITIVE)
    for gradient, expected in zip(gradients, finite_differences(flat, payoffs, POSITIVE), strict=True):
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(gradient, expected, atol=1e-5)


@pytest.mark.slow
def test_second_derivatives_and_gradients_forward(x64):
    payoffs, way = random_game(5, (2, 2)), random_game(6, (2, 2))

    @jax.jit
    def along(payoffs):
        """The gradients, and their slopes along one way."""
        return jax.jvp(lambda x: jax.jacfwd(flat, argnums=(0, 1))(x, POSITIVE), (payoffs,), (way,))

    gradients, slopes = along(payoffs)
    for gradient, expected in zip(gradients, finite_differences(flat, payoffs, POSITIVE), strict=True):
        np.testing.assert_allclose(gradient, expected, atol=1e-5)
    above, below = along(payoffs + 1e-5 * way)[0], along(payoffs - 1e-5 * way)[0]
    for slope, up, down in zip(slopes, above, below, strict=True):
        assert np.abs(slope).max() > 0.01
        np.testing.assert_allclose(slope, (up - down) / 2e-5, atol=1e-5)


def test_float32():
    for seed in range(40):
        payoffs = random_game(seed, (2, 2)).astype(np.float32)
        found = quantal_response(payoffs, [3.0, 30.0])
        assert found.strategies[0].dtype == jnp.float32
        assert found.converged.all()
        for k, precision in enumerate((3.0, 30.0)):
            assert (
                response_gap(
                    payoffs.astype(float), precision, [np.asarray(s[k], float) for s in found.strategies]
                )
                < 1e-4
            )


def test_no_library_solve():
    """Many small LAPACK calls in one program can hang on the CPU under jax 0.10."""
    gradient = jax.vmap(
        jax.grad(lambda payoffs: quantal_response(payoffs, [1.0, 2.0]).strategies[0][:, 0].sum())
    )
    assert "lapack" not in jax.jit(gradient).lower(jnp.zeros((3, 2, 2, 2))).as_text()
    assert (
        "lapack"
        in jax.jit(jax.vmap(jnp.linalg.solve)).lower(jnp.zeros((3, 2, 2)), jnp.zeros((3, 2))).as_text()
    )


def test_other_numbers_do_not_compile_again(x64):
    quantal_response(BENDING_BRANCH, [1.0, 2.0, 3.0, 4.0])
    with compilations() as events:
        quantal_response(BENDING_BRANCH + 0.5, [3.0, 0.5, 0.0, 9.0], max_steps=500, tolerance=1e-3)
    assert not events


def test_giving_up_is_data(x64):
    found = quantal_response(BENDING_BRANCH, [0.1, 100.0, 0.0, 50.0], max_steps=4)
    assert found.converged.tolist() == [True, False, True, False]
    assert np.isnan(found.strategies[0][1]).all()
    assert np.isfinite(found.strategies[0][0]).all()
    assert [entry["status"] for entry in found.as_json()] == ["solved", "not_converged"] * 2


def test_a_player_without_a_choice():
    found = quantal_response(np.arange(6.0).reshape(2, 1, 3), [1.0])
    assert found.converged.all()
    np.testing.assert_allclose(found.strategies[1][0], np.exp([3, 4, 5]) / np.exp([3, 4, 5]).sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("game", "precisions", "says"),
    [
        (BENDING_BRANCH, [-1.0], "precision is -1"),
        (BENDING_BRANCH, [np.inf], "precisions.*NaN or infinite.*finite number"),
        (BENDING_BRANCH, [], "list of.* one"),
        (BENDING_BRANCH, 1.0, "list of.* one"),
        (BENDING_BRANCH[:1], [1.0], "entry per player"),
        (BENDING_BRANCH * np.nan, [1.0], "nan is not a payoff.*finite"),
    ],
)
def test_bad_input(game, precisions, says):
    with pytest.raises(ValueError, match=says):
        quantal_response(game, precisions)


def test_elimination(x64):
    rng = np.random.default_rng(0)
    matrices, right = rng.normal(size=(50, 4, 4)), rng.normal(size=(50, 4))
    matrices[0, 0, 0] = 0.0
    np.testing.assert_allclose(
        jax.vmap(solve)(jnp.asarray(matrices), jnp.asarray(right)),
        np.linalg.solve(matrices, right[..., None])[..., 0],
        rtol=1e-8,
    )
    assert not jnp.isfinite(solve(jnp.ones((2, 2)), jnp.array([1.0, 2.0]))).all()
