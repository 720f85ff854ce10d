"""The laws that every named strategy obeys, over the registry."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import CONVENTIONS, STRATEGIES, Iterated, MatrixGame, bibtex, policy
from games.exact.tables import logits
from tests.reference import chains

every_strategy = pytest.mark.parametrize("name", [e.name for e in STRATEGIES])
every_convention = pytest.mark.parametrize("name", [e.name for e in CONVENTIONS])

per_step = eqx.filter_jit(lambda game, params: game.per_step(game.values(params)))
AXELROD = [[3, 0], [5, 1]]
DEVIATIONS = np.array(list(itertools.product([0.0, 1.0], repeat=5)))


def pays(first, second, payoffs=AXELROD, discount=1.0):
    """Per-step payoffs of two strategies, given by name or by probabilities."""
    one, other = (policy(s) if isinstance(s, str) else logits(s) for s in (first, second))
    return np.asarray(per_step(Iterated(MatrixGame.symmetric(payoffs), discount), (one, other)))


@every_strategy
def test_strategy_is_a_policy_and_says_where_it_comes_from(name):
    entry = STRATEGIES.get(name)
    p = entry.make()
    assert p.shape == (5,)
    assert ((p >= 0) & (p <= 1)).all()
    assert bibtex(entry.citation)
    assert entry.summary.endswith(".")
    assert "\n" not in entry.summary


@every_strategy
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_certainty_survives_logits(x64, name, dtype):
    p = STRATEGIES.make(name)
    played = np.asarray(jax.nn.sigmoid(policy(name).astype(dtype)))
    np.testing.assert_allclose(played, p, rtol=1e-6)
    certain = (p == 0) | (p == 1)
    np.testing.assert_array_equal(played[certain], p[certain])


@every_strategy
def test_seats_see_the_same_strategy(x64, name):
    for other in STRATEGIES:
        expected = chains.memory_one(
            STRATEGIES.make(name), other.make(), [AXELROD, np.transpose(AXELROD)], 0.9
        )
        np.testing.assert_allclose(pays(name, other.name, discount=0.9), expected, rtol=1e-9)
        np.testing.assert_allclose(pays(other.name, name, discount=0.9), expected[::-1], rtol=1e-9)
