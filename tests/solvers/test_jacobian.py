import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import (
    Quadratic,
    balduzzi,
    hamiltonian,
    ipd,
    market,
    market_with_min,
    policy,
    tandem,
    zero_sum_cycle,
)
from solvers import (
    antisymmetric_part,
    eigenvalues,
    field_jacobian,
    game_jacobian,
    simultaneous_gradient,
    symmetric_part,
)
from solvers.differentiable.jacobian import GradientField, positions
from tests.reference.smooth_games import point

LOSS_JACOBIANS = {  # of the losses, so that the game Jacobian is minus these
    "tandem": (tandem, lambda x, y: [[2, 2], [2, 2]]),
    "hamiltonian": (hamiltonian, lambda x, y: [[0, 1], [-1, 0]]),
    "balduzzi": (balduzzi, lambda x, y: [[1, 10], [-10, 1]]),
    "zero_sum_cycle": (zero_sum_cycle, lambda x, y: [[3 * x**2 - 1, 1], [-1, 3 * y**2 - 1]]),
    "market": (market, lambda x, y: [[-1, 1], [-1, -1]]),  # at the origin
    "market_with_min": (market_with_min, lambda x, y: [[1, 1], [-1, 1]]),  # at the origin
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", LOSS_JACOBIANS)
def test_smooth_games(name):
    make, expected = LOSS_JACOBIANS[name]
    x, y = (0.0, 0.0) if name.startswith("market") else (0.7, -1.3)
    np.testing.assert_allclose(
        game_jacobian(make(), point(x, y)), -np.array(expected(x, y), dtype=float), atol=1e-12
    )


@pytest.mark.usefixtures("x64")
@settings(max_examples=25)
@given(st.integers(0, 2**31))
def test_quadratic_games_against_numpy(seed):
    rng = np.random.default_rng(seed)
    a, b, theta = rng.normal(size=(3, 5, 5)), rng.normal(size=(3, 5)), rng.normal(size=5)
    game, owner = Quadratic(a, b, (2, 1, 2)), np.array([0, 0, 1, 2, 2])
    params = tuple(jnp.asarray(own) for own in np.split(theta, [2, 3]))
    whole = (a + a.transpose(0, 2, 1)) / 2
    jacobian = np.stack([whole[i][k] for k, i in enumerate(owner)])
    np.testing.assert_allclose(game_jacobian(game, params), jacobian, atol=1e-12)
    np.testing.assert_allclose(
        simultaneous_gradient(game, params), jacobian @ theta + b[owner, np.arange(5)], atol=1e-12
    )
    symmetric, antisymmetric = symmetric_part(jacobian), antisymmetric_part(jacobian)
    np.testing.assert_allclose(symmetric + antisymmetric, jacobian, atol=1e-14)
    np.testing.assert_array_equal(symmetric, symmetric.T)
    np.testing.assert_array_equal(antisymmetric, -antisymmetric.T)
    assert positions(params) == (slice(0, 2), slice(2, 3), slice(3, 5))


def test_eigenvalues_are_ordered_and_complete():
    matrix = np.random.default_rng(3).normal(size=(6, 6))
    found = eigenvalues(matrix)
    assert (np.diff(found.real) <= 1e-12).all()
    np.testing.assert_allclose(np.poly(found), np.poly(matrix), atol=1e-9)


@pytest.mark.usefixtures("x64")
def test_iterated_prisoners_dilemma():
    game = ipd()

    def losses_jacobian(own):  # of the losses per step, at one policy for both
        return -float(1 - game.discount) * np.asarray(game_jacobian(game, (own, own)))

    indifferent = eigenvalues(losses_jacobian(jnp.zeros(5)))
    assert np.abs(indifferent.real).max() < 1e-15
    np.testing.assert_allclose(indifferent.imag.max(), 0.0289, atol=5e-5)
    assert eigenvalues(losses_jacobian(jnp.full(5, -4.0))).real.min() > 0
    tit_for_tat = eigenvalues(losses_jacobian(jnp.clip(policy("tft"), -4.0, 4.0)))
    np.testing.assert_allclose(tit_for_tat.real.min(), -0.0165, atol=5e-5)


@pytest.mark.usefixtures("x64")
def test_jacobian_of_the_iterated_game_against_finite_differences_of_its_values():
    game, h = ipd(), 1e-3
    theta = np.random.default_rng(0).normal(size=10)
    value = jax.jit(jax.vmap(lambda t: game.values((t[:5], t[5:]))))
    steps = h * np.eye(10)
    moves = [(s, t) for s in (1, -1) for t in (1, -1)]
    batch = np.stack(
        [theta + s * steps[a] + t * steps[b] for s, t in moves for a in range(10) for b in range(10)]
    )
    v = np.asarray(value(batch)).reshape(4, 10, 10, 2)
    second = sum(s * t * v[k] for k, (s, t) in enumerate(moves)) / (4 * h**2)
    expected = np.concatenate([second[:5, :, 0], second[5:, :, 1]])
    found = game_jacobian(game, (jnp.asarray(theta[:5]), jnp.asarray(theta[5:])))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_structures_and_precisions():
    game, params = balduzzi(), point(2, 3)
    assert simultaneous_gradient(game, params).dtype == jnp.float32
    for form in (params, game.split(params)):
        np.testing.assert_allclose(simultaneous_gradient(game, form), [-32, 17])
        assert jax.tree.structure(GradientField(game)(form)) == jax.tree.structure(form)


def test_jacobian_of_any_field():
    found = field_jacobian(lambda joint: (joint[0] * joint[1], joint[0] ** 2), point(2, 3))
    np.testing.assert_allclose(found, [[3, 2], [4, 0]])
