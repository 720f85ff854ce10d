import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import Iterated, MatrixGame
from tests.reference.exact_games import IPD, values

pytestmark = pytest.mark.usefixtures("quickly_compiled")

generic = eqx.filter_jit(
    lambda game, params: game.expected(params, game.stage.payoffs.reshape(game.n_players, -1).T)
)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    "order",
    [
        "value",
        "gradient",
        "forward gradient",
        "Hessian",
        pytest.param("reverse twice", marks=pytest.mark.slow),
    ],
)
def test_scalar_path_equals_the_generic_one(order):
    differentiated = {
        "value": lambda f: f,
        "gradient": jax.jacrev,
        "forward gradient": jax.jacfwd,
        "Hessian": jax.hessian,
        "reverse twice": lambda f: jax.jacrev(jax.jacrev(f)),
    }[order]
    both = [
        eqx.filter_jit(lambda game, params, f=f: differentiated(lambda p: f(game, p))(params))
        for f in (values, generic)
    ]
    rng = np.random.default_rng(7)
    for discount in (0.0, 0.3, 0.96, 0.999):
        game = Iterated(MatrixGame(rng.normal(size=(2, 2, 2))), discount)
        assert game.is_scalar
        params = tuple(jnp.asarray(rng.normal(size=5)) for _ in range(2))
        for fast, slow in zip(*(jax.tree.leaves(f(game, params)) for f in both), strict=True):
            np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9 * np.abs(slow).max())


def batch_reference(a, b, payoffs, discount):
    """Values and own gradients of many pairs of policies by numpy's solver, in float64 and block by block."""
    returns, gradients = [], []
    for block in range(0, len(a), 1000):
        x, y = (1 / (1 + np.exp(-p[block : block + 1000].astype(float))) for p in (a, b))
        y = y[:, [0, 1, 3, 2, 4]]
        joint = np.stack([x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)], axis=-1)
        system = np.eye(4) - discount * joint[:, 1:]
        ahead = np.linalg.solve(system, np.broadcast_to(payoffs.reshape(2, 4).T, (len(x), 4, 2)))
        visits = np.linalg.solve(system.transpose(0, 2, 1), joint[:, 0, :, None])[..., 0]
        returns.append(np.einsum("no,nok->nk", joint[:, 0], ahead))
        weight = np.concatenate(
            [np.ones((len(x), 1)), discount * visits], axis=1
        )  # of each row of the policies
        own = x * (1 - x) * weight * (np.stack([y, 1 - y, -y, y - 1], axis=-1) @ ahead)[..., 0]
        other = y * (1 - y) * weight * (np.stack([x, -x, 1 - x, x - 1], axis=-1) @ ahead)[..., 1]
        gradients.append(np.stack([own, other[:, [0, 1, 3, 2, 4]]], axis=1))
    return np.concatenate(returns), np.concatenate(gradients)


@pytest.mark.parametrize("lanes", [1, 64, 50_001])
def test_scalar_path_in_large_batches(lanes):
    rng = np.random.default_rng(lanes)
    game = Iterated(MatrixGame.symmetric(IPD))
    params = tuple(jnp.asarray(rng.normal(scale=2, size=(lanes, 5)), jnp.float32) for _ in range(2))

    def both(params):
        own = jax.grad(lambda p: game.values((p, params[1]))[0])(params[0])
        other = jax.grad(lambda p: game.values((params[0], p))[1])(params[1])
        return game.values(params), jnp.stack([jnp.stack(own), jnp.stack(other)])

    found, gradients = jax.jit(jax.vmap(lambda p: both(game.split(p))))(params)
    expected, slopes = batch_reference(
        np.asarray(params[0]), np.asarray(params[1]), np.asarray(game.stage.payoffs), 0.96
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(gradients, slopes, rtol=2e-3, atol=2e-3)
