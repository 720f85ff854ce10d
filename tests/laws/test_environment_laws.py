"""The laws that every environment obeys, over the registry."""

import jax
import jax.numpy as jnp
import pytest

from games import bibtex
from games.environments.auto_reset import AutoReset
from games.environments.catalog import ENVIRONMENTS

pytestmark = pytest.mark.usefixtures("quickly_compiled")

every_environment = pytest.mark.parametrize("entry", list(ENVIRONMENTS), ids=lambda e: e.name)


@every_environment
def test_entry_says_what_it_is(entry):
    made = entry.make()
    assert made.name == entry.name
    assert entry.summary.endswith(".")
    assert bibtex(entry.citation)


@every_environment
def test_shapes_and_kinds_stay(entry):
    """A state, its observations and the rewards have one structure, shape and dtype from the reset on, auto-reset or not."""
    bare = entry.make()
    for made in (bare, AutoReset(bare)):
        key = jax.random.key(0)
        observations, state = jax.eval_shape(made.reset, key)
        actions = jax.ShapeDtypeStruct((made.n_players,), jnp.int32)
        seen, after, rewards, terminated, truncated, info = jax.eval_shape(made.step, key, state, actions)
        assert (seen, after) == (observations, state)
        assert observations.shape == (made.n_players, *made.observation_shape)
        assert jax.eval_shape(made.observe, state) == observations
        assert rewards == jax.ShapeDtypeStruct((made.n_players,), jnp.zeros(()).dtype)
        assert (terminated.shape, truncated.shape, terminated.dtype, truncated.dtype) == ((), (), bool, bool)
        assert len(made.n_actions) == made.n_players
    assert info["final_observation"] == observations
    assert entry.make(length=7).length == 7
