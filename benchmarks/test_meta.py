"""The meta-game as an environment: meta-steps per CPU-second, compile time apart, alone and with the policy of M-FOS.

    make bench

A meta-step is one step of one lane: the reward, the co-player's update and the observation, here against a
naive learner. The policy is the published one, an actor of size 2d-256-tanh that gives the mean and the
variance of the next logits, from which one is drawn.
"""

import time

import jax
import jax.numpy as jnp
import pytest

from games import ipd
from games.compiler import filter_jit
from shaping import Naive
from shaping.learners.mmaml import Mmaml
from shaping.meta.game import MetaGame

STEPS = 100


def standing(policy, observation, noise):
    """No policy: the same logits whatever is seen, but for the noise."""
    return noise


def perceptron(policy, observation, noise):
    """The mean and the variance of the next logits, and a draw."""
    hidden = jnp.tanh(policy[0] @ observation + policy[1])
    mean, variance = jnp.split(policy[2] @ hidden + policy[3], 2)
    return mean + jnp.sqrt(jax.nn.softplus(variance)) * noise


@filter_jit(loops=True)
def rollout(meta, act, policy, key, lanes):
    """Sums of rewards and of everything seen, so that nothing is left out."""

    def step(carry, t):
        observations, states, total = carry
        noise = jax.random.normal(jax.random.fold_in(key, t), (lanes, 1, *meta.action_shape))
        actions = jax.vmap(jax.vmap(act, (None, 0, 0)), (None, 0, 0))(policy, observations, noise)
        observations, states, rewards, *_ = jax.vmap(meta.step, (None, 0, 0))(key, states, actions)
        return (observations, states, total + rewards[:, 0] + observations.sum((1, 2))), None

    observations, states = jax.vmap(meta.reset)(jax.random.split(key, lanes))
    return jax.lax.scan(step, (observations, states, jnp.zeros(lanes)), jnp.arange(STEPS))[0][2]


def measure(benchmark, steps, run):
    """Time `run` in CPU-seconds, its first call apart, and report meta-steps per CPU-second."""
    begin = time.process_time()
    jax.block_until_ready(run())
    first = time.process_time() - begin
    benchmark.pedantic(lambda: jax.block_until_ready(run()), rounds=5, warmup_rounds=1)
    rate = steps / benchmark.stats["median"]
    benchmark.extra_info |= {"meta_steps_per_cpu_second": rate, "first_call_cpu_s": first}
    print(
        f"\n{benchmark.name}: {rate / 1e3:.0f} thousand meta-steps per CPU-second; first call {first:.1f} CPU-s"
    )


@pytest.mark.parametrize("lanes", [64, 4096])
@pytest.mark.parametrize("act", [standing, perceptron])
def test_environment(benchmark, act, lanes):
    meta = MetaGame(ipd(), [None, Naive()])
    shapes = ((256, 10), (256,), (10, 256), (10,))
    policy = [
        0.1 * jax.random.normal(jax.random.fold_in(jax.random.key(0), i), shape)
        for i, shape in enumerate(shapes)
    ]
    measure(benchmark, STEPS * lanes, lambda: rollout(meta, act, policy, jax.random.key(1), lanes))


def test_gradient_through_the_match(benchmark):
    """Value and gradient of an initial policy and a step size through 100 steps, 128 lanes."""
    meta = MetaGame(ipd(), [None, Naive()], STEPS, lanes=128)
    gradient = filter_jit(lambda player: jax.value_and_grad(lambda p: meta.values((p,))[0])(player))
    player = Mmaml(jnp.zeros(5), 0.5)
    measure(benchmark, STEPS * 128, lambda: gradient(player))
