"""In-the-matrix beside a second implementation, and by its own laws."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games.environments.auto_reset import AutoReset
from games.environments.bitboard import move
from games.environments.in_the_matrix import COINS, STARTS, InTheMatrix
from games.environments.rollouts import rollout
from games.exact.matrix import MatrixGame
from tests.reference import storm

LANES, LENGTH, STEPS = 18, 90, 200
pytestmark = pytest.mark.usefixtures("quickly_compiled")
PAYOFFS = [[[3.0, 0.0], [5.0, 1.0]], [[2.0, -1.0], [7.0, 4.0]]]
GAME = InTheMatrix(MatrixGame(PAYOFFS), "shuffled", freeze=3, length=LENGTH, last_reward="unpaid")


@functools.cache
def play():
    """Lanes of play that walks often and interacts often, so that players meet."""

    def act(key, observations, memory):
        return jax.random.choice(key, jnp.array([0, 1, 2, 2, 2, 2, 3, 3, 3, 4]), (2,)), memory, ()

    run = jax.jit(jax.vmap(lambda key: rollout(AutoReset(GAME), act, key, STEPS)))
    return jax.tree.map(np.asarray, run(jax.random.split(jax.random.key(5), LANES)))


def places(board, lane, step):
    bits = int(board[0][lane, step]) | int(board[1][lane, step]) << 32
    return {divmod(cell, 8) for cell in range(64) if bits >> cell & 1}


def world(state, lane, step):
    def pair(x):
        return [int(v[lane, step]) for v in x]

    return {
        "at": list(zip(pair(state.rows), pair(state.columns), strict=True)),
        "heading": pair(state.headings),
        "held": [pair(own) for own in state.held],
        "coins": {place: kind for kind in (0, 1) for place in places(state.coins[kind], lane, step)},
        "frozen": int(state.frozen[lane, step]),
    }


def marks(vector):
    return set(map(tuple, np.argwhere(vector[:250].reshape(10, 5, 5)).tolist())), vector[250:].tolist()


def test_every_transition_is_that_of_the_second_implementation():
    path = play()
    meetings = 0
    for lane in range(LANES):
        for step in range(STEPS - 1):
            before = world(path.state, lane, step)
            options = storm.played(before, path.actions[lane, step], PAYOFFS, GAME.freeze)
            over, thaw = bool(path.truncated[lane, step]), before["frozen"] == 1
            assert int(path.state.time[lane, step]) == step % LENGTH
            assert over == (step % LENGTH == LENGTH - 1)
            found = world(path.state, lane, step + 1)
            if over or thaw:
                options = options[:1]
            else:
                known = [after for after, *_ in options]
                assert found in known
                options = [options[known.index(found)]]
            after, rewards, beams, met = options[0]
            if not over:
                meetings += met
                assert bool(path.info["interaction"][lane, step]) == met
                np.testing.assert_allclose(path.rewards[lane, step], rewards, rtol=1e-6)
            else:
                assert not path.rewards[lane, step].any()
            if thaw and not over:
                assert found["held"] == [[0, 0], [0, 0]]
                assert found["frozen"] == 0
                after, beams = found, set()
                assert set(found["coins"]) == set(COINS)
            if not over:
                for i in (0, 1):
                    assert marks(path.observations[lane, step + 1, i]) == storm.seen(after, beams, i)
                    np.testing.assert_array_equal(
                        path.info["final_observation"][lane, step, i], path.observations[lane, step + 1, i]
                    )
    assert meetings > 5


@pytest.mark.parametrize(
    ("forward", "first", "columns"),
    [((1, 1), 1, (3, 4)), ((1, 1), 0, (2, 3)), ((1, 0), 0, (3, 4)), ((0, 1), 1, (2, 3)), ((0, 0), 1, (2, 4))],
)
def test_one_player_gets_the_cell_that_both_step_into(forward, first, columns):
    """Face to face with one cell between them, and side by side with none."""

    def pair(*numbers):
        return tuple(jnp.int32(x) for x in numbers)

    ahead = tuple(jnp.array(bool(x)) for x in forward)
    _, found = move(pair(5, 5), pair(2, 4), pair(1, 3), ahead, jnp.int32(first))
    assert tuple(int(x) for x in found) == columns
    _, found = move(pair(5, 5), pair(2, 3), pair(1, 1), (jnp.array(True), jnp.array(False)), jnp.int32(first))
    assert tuple(int(x) for x in found) == (2, 3)


def test_rounds_begin_at_reflected_starts_with_all_coins():
    path = play()
    starts = 0
    for lane in range(LANES):
        for step in range(1, STEPS):
            if path.truncated[lane, step - 1] or path.state.frozen[lane, step - 1] == 1:
                here = world(path.state, lane, step)
                assert here["at"][0] in STARTS
                assert here["at"][1] == tuple(7 - x for x in here["at"][0])
                assert set(here["coins"]) == set(COINS)
                assert sorted(here["coins"].values()) == [0] * 6 + [1] * 6
                starts += 1
    assert starts > 2 * LANES


def test_coins_are_shuffled_uniformly():
    """Each place holds the first kind half of the time, and any two places do 5 times in 22."""
    n = 4000
    state = jax.jit(jax.vmap(lambda key: GAME.reset(key)[1]))(jax.random.split(jax.random.key(0), n))
    low, high = (np.asarray(x).astype(np.uint64) for x in state.layout[0])
    bits = low | high << np.uint64(32)
    first = np.stack([(bits >> np.uint64(8 * r + c)) & np.uint64(1) for r, c in COINS]).astype(float)
    assert (first.sum(axis=0) == 6).all()
    together = first @ first.T / n
    p = np.where(np.eye(12), 1 / 2, 5 / 22)
    assert (np.abs(together - p) < 4.5 * np.sqrt(p * (1 - p) / n)).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stage": MatrixGame(np.zeros((2, 3, 3)))}, "(?i)two actions|2 actions"),
        ({"coins": "hidden"}, "coins 'hidden'.*accepted"),
        ({"last_reward": "lost"}, "last_reward 'lost'.*accepted"),
        ({"freeze": 0}, "freeze is 0"),
        ({"length": 0}, "length is 0"),
    ],
)
def test_bad_settings_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        InTheMatrix(**{"stage": GAME.stage} | settings)
