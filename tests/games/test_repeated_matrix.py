"""Repetitions of a stage game as environments, beside their exact values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import GAMES, MatrixGame, ipd, ipd_contribution
from games.environments.auto_reset import AutoReset
from games.environments.catalog import repetition
from games.environments.repeated_matrix import Repetition
from games.environments.rollouts import random_actions, rollout
from games.exact.tables import probabilities
from games.hash_random import uniform, words
from games.strategies import named as strategies

pytestmark = pytest.mark.usefixtures("quickly_compiled")


@pytest.mark.parametrize(
    ("encoding", "actions"), [("index", (2, 3)), ("one_hot", (3, 3)), ("per_player", (2, 2, 2))]
)
def test_a_repetition_shows_and_pays_the_last_joint_action(encoding, actions):
    rng = np.random.default_rng(0)
    game = Repetition(MatrixGame(rng.normal(size=(len(actions), *actions))), length=6, encoding=encoding)
    path = jax.jit(lambda key: rollout(AutoReset(game), random_actions(game), key, 40))(jax.random.key(1))
    for t in range(40):
        joint = tuple(int(a) for a in path.actions[t])
        np.testing.assert_allclose(path.rewards[t], game.stage.payoffs[(slice(None), *joint)], rtol=1e-6)
        last = None if t % 6 == 0 else [int(a) for a in path.actions[t - 1]]
        assert bool(path.truncated[t]) == (t % 6 == 5)
        for i in range(game.n_players):
            order = [i, *(j for j in range(game.n_players) if j != i)]
            row = (
                0
                if last is None
                else 1 + int(np.ravel_multi_index([last[j] for j in order], [actions[j] for j in order]))
            )
            if encoding == "per_player":
                row = [np.eye(1 + actions[0])[0 if last is None else 1 + last[j]] for j in order]
            elif encoding == "one_hot":
                row = np.eye(1 + np.prod(actions))[row]
            np.testing.assert_array_equal(
                path.observations[t, i], np.ravel(row) if path.observations.ndim > 2 else row
            )
    assert len({tuple(a) for a in path.actions.tolist()}) == np.prod(actions)


TABLES = {
    "ipd": (ipd(0.9), [[0.3, 1.2, -0.7, 0.4, -1.0], [-0.5, 0.2, 0.8, -0.3, 0.1]]),
    "ipd of tft and an extortioner": (ipd(0.9), [strategies.policy("tft"), strategies.policy("extort_2")]),
    "three contribute": (
        ipd_contribution(1.4, 3, discount=0.9),
        np.random.default_rng(3).normal(size=(3, 9)),
    ),
}


@jax.jit
def returns(stage, tables, keys):
    """Discounted returns of lanes of play by tables of logits."""
    game = Repetition(stage, length=150, encoding="index")

    def act(key, rows, memory):
        draws = words(key, game.n_players)
        first = [
            uniform(w) < probabilities(t[rows[i]], 2)[0]
            for i, (w, t) in enumerate(zip(draws, tables, strict=True))
        ]
        return jnp.where(jnp.stack(first), 0, 1), memory, ()

    return jax.vmap(lambda key: 0.9 ** jnp.arange(150) @ rollout(game, act, key, 150).rewards)(keys)


@pytest.mark.parametrize("name", TABLES)
def test_mean_returns_are_the_exact_values(name):
    """Discounted returns of play by fixed tables, averaged over lanes, within 4 standard errors of the closed form."""
    exact, tables = TABLES[name]
    tables = tuple(jnp.asarray(t, jnp.float32) for t in tables)
    found = np.asarray(returns(exact.stage, tables, jax.random.split(jax.random.key(2), 2000)))
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (error < 0.1).all()
    assert (np.abs(found.mean(axis=0) - exact.values(tables)) < 4 * error + 1e-3).all()


def test_repetitions_of_what_repeats_no_stage_are_refused():
    assert repetition("imp").stage.payoffs.tolist() == GAMES.make("imp").stage.payoffs.tolist()
    with pytest.raises(ValueError, match=r"'tandem'.*stage game"):
        repetition("tandem")
    with pytest.raises(ValueError, match=r"stage is an? Iterated"):
        Repetition(ipd())
    with pytest.raises(ValueError, match=r"encoding 'onehot'.*did you mean 'one_hot'"):
        Repetition(ipd().stage, encoding="onehot")
    with pytest.raises(ValueError, match="per_player"):
        _ = Repetition(MatrixGame(np.zeros((2, 2, 3))), encoding="per_player").observation_shape
    with pytest.raises(ValueError, match="length is 0"):
        repetition("ipd", length=0)
