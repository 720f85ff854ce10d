"""Meta-steps per CPU-second of policies trained against a naive learner, without compilation.

    make bench

The game is the iterated prisoner's dilemma. `test_play` runs the environment and the policy; `test_train`
also the update: four epochs of PPO, a gradient of evolution strategies, or a generation of the genetic
algorithm.
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
    """Measure `run` after its first call; report meta-steps per CPU-second and CPU time of the first call."""
    begin = time.process_time()
    jax.block_until_ready(run())
    first = time.process_time() - begin
    benchmark.pedantic(lambda: jax.block_until_ready(run()), rounds=3)
    rate = steps / benchmark.stats["median"]
    benchmark.extra_info |= {"meta_steps_per_cpu_second": rate, "first_call_cpu_s": first}
    print(
        f"\n{benchmark.name}: {rate / 1e3:.0f} thousand meta-steps per CPU-second; "
        f"first call {first:.1f} CPU-s"
    )


@pytest.mark.parametrize("act", [sampled, greedy], ids=["sample", "mode"])
@pytest.mark.parametrize("episodes", [256, 4096])
def test_play(benchmark, episodes, act):
    run = filter_jit(lambda keys: play_episodes(META, POLICIES, keys, LENGTH, act))
    keys = episode_keys(jax.random.key(1), episodes)
    measure(benchmark, LENGTH * episodes, lambda: run(keys).rewards)


def test_environment_alone(benchmark):
    """The environment with a trivial policy, which returns part of the observation."""

    def trivial(policy, key, observation):
        return observation[:5], observation[0]

    run = filter_jit(lambda keys: play_episodes(META, POLICIES, keys, LENGTH, trivial))
    keys = episode_keys(jax.random.key(1), 4096)
    measure(benchmark, LENGTH * 4096, lambda: run(keys).rewards)


METHODS = {"ppo-256": Ppo(), "ppo-4096": Ppo(episodes=4096), "es": Es(), "ga": Ga(episodes=16, trials=64)}


@pytest.mark.parametrize("name", list(METHODS))
def test_train(benchmark, name):
    method = METHODS[name]
    episodes = {"ppo-256": 256, "ppo-4096": 4096, "es": 128 * 16, "ga": 128 * 16 + 2 * 64}[name]
    run = filter_jit(lambda key: method.step(META, POLICIES, method.init(POLICIES), key))
    measure(benchmark, LENGTH * episodes, lambda: run(jax.random.key(2)))
