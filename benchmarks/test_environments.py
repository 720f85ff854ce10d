"""Steps per CPU-second of environments under random actions, with auto-reset, without compilation.

    pytest -q -s -p no:xdist --benchmark-timer=time.process_time benchmarks/test_environments.py

A step is one step of both players in one lane. All observations are summed, so that the compiler cannot skip
them. For comparison, `test_hand_written` is the two-coin game written as a single loop with flat observations
for one player. Compare ratios, since absolute speed depends on the machine.
"""

import jax
import jax.numpy as jnp
import pytest

from benchmarks.test_exact_matches import measure
from games.compiler import jit
from games.environments.auto_reset import AutoReset
from games.environments.catalog import ENVIRONMENTS
from games.environments.coin import CoinGame
from games.environments.rollouts import random_actions
from games.hash_random import derive

STEPS = 2**21
"""Lanes times steps of a run; a sixteenth of it for the in-the-matrix environment."""


def random_play(environment, lanes, steps, keys="counter"):
    """A compiled function that plays random actions and returns the sums of all rewards and observations."""
    act = random_actions(environment)

    def step(key, state, t):
        action_key, step_key = (
            (derive(key, t, 1), derive(key, t, 2))
            if keys == "counter"
            else jax.random.split(jax.random.fold_in(key, t))
        )
        observation, state, rewards, *_ = environment.step(step_key, state, act(action_key, None, ())[0])
        return observation, state, rewards[0] + 3 * rewards[1]

    @jit
    def play(seed):
        lane_keys = jax.random.split(jax.random.key(seed), lanes)
        observation, state = jax.vmap(environment.reset)(lane_keys)

        def body(carry, t):
            state, total, observation_sum = carry
            observation, state, reward = jax.vmap(step, in_axes=(0, 0, None))(lane_keys, state, t)
            return (state, total + reward, observation_sum + observation), None

        start = (state, jnp.zeros(lanes), observation)
        (_, total, observation_sum), _ = jax.lax.scan(body, start, jnp.arange(steps))
        return total.sum(), observation_sum.sum()

    return lambda: play(jnp.uint32(1))


@pytest.mark.parametrize("lanes", [128, 4096])
@pytest.mark.parametrize("game", [e.name for e in ENVIRONMENTS])
def test_random_play(benchmark, game, lanes):
    total = STEPS // (16 if "in_the_matrix" in game else 1)
    environment = AutoReset(ENVIRONMENTS.make(game))
    measure(benchmark, total, random_play(environment, lanes, total // lanes))


@pytest.mark.parametrize("lanes", [128, 4096])
def test_keys_split_by_threefry(benchmark, lanes):
    """The same run with `fold_in` and `split` of each lane's key at each step, in place of a counter."""
    measure(benchmark, STEPS, random_play(AutoReset(CoinGame.jaxmarl()), lanes, STEPS // lanes, "threefry"))


@pytest.mark.parametrize("lanes", [128, 4096])
def test_hand_written(benchmark, lanes):
    def wrap(x):
        return jnp.where(x > 2, x - 3, jnp.where(x < 0, x + 3, x))

    def step(state, first, second, bits):
        rows, columns, coins, time = state
        vertical, sign = (first >> 1, second >> 1), (1 - 2 * (first & 1), 1 - 2 * (second & 1))
        rows = tuple(wrap(r + s * v) for r, s, v in zip(rows, sign, vertical, strict=True))
        columns = tuple(wrap(c + s * (1 - v)) for c, s, v in zip(columns, sign, vertical, strict=True))
        at = tuple(3 * r + c for r, c in zip(rows, columns, strict=True))
        hit = [[(a == c).astype(jnp.float32) for c in coins] for a in at]
        rewards = hit[0][0] + hit[0][1] - 2 * hit[1][0], hit[1][0] + hit[1][1] - 2 * hit[0][1]
        fresh = tuple(((((bits >> s) & 0xFFFF) * 9) >> 16).astype(jnp.int32) for s in (0, 16))
        coins = tuple(jnp.where((at[0] == c) | (at[1] == c), f, c) for c, f in zip(coins, fresh, strict=True))
        done, again = time >= 15, bits * jnp.uint32(2654435761)
        cells = [((((again >> s) & 0xFF) * 9) >> 8).astype(jnp.int32) for s in (0, 8, 16, 24)]
        fresh_state = (
            (cells[0] // 3, cells[1] // 3),
            (cells[0] % 3, cells[1] % 3),
            (cells[2], cells[3]),
            jnp.zeros_like(time),
        )
        return jax.tree.map(
            lambda new, old: jnp.where(done, new, old), fresh_state, (rows, columns, coins, time + 1)
        ), rewards

    def observe(state):
        rows, columns, coins, _ = state
        places = (3 * rows[0] + columns[0], 3 * rows[1] + columns[1], *coins)
        return jnp.concatenate([(jnp.arange(9) == x).astype(jnp.float32) for x in places])

    @jit
    def play(seed):
        zero = jnp.zeros(lanes, jnp.int32)
        key = jax.random.key(seed)

        def body(carry, t):
            state, total, observation_sum = carry
            u, v = jax.random.bits(jax.random.fold_in(key, t), (2, lanes))
            state, (x, y) = jax.vmap(step)(
                state, (v & 3).astype(jnp.int32), ((v >> 2) & 3).astype(jnp.int32), u
            )
            return (state, total + x + 3 * y, observation_sum + jax.vmap(observe)(state)), None

        start = (
            ((zero, zero + 1), (zero, zero + 1), (zero + 5, zero + 7), zero),
            jnp.zeros(lanes),
            jnp.zeros((lanes, 36)),
        )
        (_, total, observation_sum), _ = jax.lax.scan(body, start, jnp.arange(STEPS // lanes))
        return total.sum(), observation_sum.sum()

    measure(benchmark, STEPS, lambda: play(jnp.uint32(1)))
