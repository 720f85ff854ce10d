"""Policies trained by playing: meta-steps of the iterated prisoner's dilemma against a naive learner per CPU-second, compile time apart.

    make bench

`play` is environment and policy alone; `train` adds the update, four epochs of PPO or one gradient or
generation of evolution.
"""

import time

import jax
import pytest

from games import ipd
from games.compiler import filter_jit
from shaping import Naive
from shaping.meta.game import MetaGame
from shaping.model_free import Es, Ga, Ppo, gaussian
from shaping.model_free.episodes import episode_keys, greedy, play_episodes, sampled

LENGTH = 100
META = MetaGame(ipd(), [None, Naive()], steps=LENGTH)
POLICIES = jax.vmap(gaussian(10, 5))(jax.random.split(jax.random.key(0), 1))


def measure(benchmark, steps, run):
    """Time `run` in CPU-seconds, its first call apart, and report meta-steps per CPU-second."""
    begin = time.process_time()
    jax.block_until_ready(run())
    first = time.process_time() - begin
    benchmark.pedantic(lambda: jax.block_until_ready(run()), rounds=3)
    rate = steps / benchmark.stats["median"]
    benchmark.extra_info |= {"meta_steps_per_cpu_second": rate, "first_call_cpu_s": first}
    print(
        f"\n{benchmark.name}: {rate / 1e3:.0f} thousand meta-steps per CPU-second; first call {first:.1f} CPU-s"
    )


@pytest.mark.parametrize("act", [sampled, greedy], ids=["sample", "mode"])
@pytest.mark.parametrize("episodes", [256, 4096])
def test_play(benchmark, episodes, act):
    run = filter_jit(lambda keys: play_episodes(META, POLICIES, keys, LENGTH, act))
    keys = episode_keys(jax.random.key(1), episodes)
    measure(benchmark, LENGTH * episodes, lambda: run(keys).rewards)


def test_play_with_nothing_but_the_environment(benchmark):
    """The policy replaced by a number: what the match itself costs."""

    def still(policy, key, observation):
        return observation[:5], observation[0]

    run = filter_jit(lambda keys: play_episodes(META, POLICIES, keys, LENGTH, still))
    keys = episode_keys(jax.random.key(1), 4096)
    measure(benchmark, LENGTH * 4096, lambda: run(keys).rewards)


METHODS = {"ppo-256": Ppo(), "ppo-4096": Ppo(episodes=4096), "es": Es(), "ga": Ga(episodes=16, trials=64)}


@pytest.mark.parametrize("name", list(METHODS))
def test_train(benchmark, name):
    method = METHODS[name]
    played = {"ppo-256": 256, "ppo-4096": 4096, "es": 128 * 16, "ga": 128 * 16 + 2 * 64}[name]
    run = filter_jit(lambda key: method.step(META, POLICIES, method.init(POLICIES), key))
    measure(benchmark, LENGTH * played, lambda: run(jax.random.key(2)))
