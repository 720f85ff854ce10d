"""Meta-steps per CPU-second of the meta-game, alone and with the policy of M-FOS, without compilation.

    make bench

A meta-step is one step of one lane: the reward, the update of the opponent (a naive learner) and the
observation. The policy is the published actor, a 2d-256-tanh network whose outputs are the mean and the
variance of the next logits, which are sampled.
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


def noise_only(policy, observation, noise):
    """No policy: the logits are noise, independent of the observation."""
    return noise


def perceptron(policy, observation, noise):
    """Logits sampled from the normal distribution whose mean and variance the network computes."""
    hidden = jnp.tanh(policy[0] @ observation + policy[1])
    mean, variance = jnp.split(policy[2] @ hidden + policy[3], 2)
    return mean + jnp.sqrt(jax.nn.softplus(variance)) * noise


@filter_jit(loops=True)
def rollout(meta, act, policy, key, lanes):
    """The sum of rewards and observations, so that the compiler cannot skip any of them."""

    def step(carry, t):
        observations, states, total = carry
        noise = jax.random.normal(jax.random.fold_in(key, t), (lanes, 1, *meta.action_shape))
        actions = jax.vmap(jax.vmap(act, (None, 0, 0)), (None, 0, 0))(policy, observations, noise)
        observations, states, rewards, *_ = jax.vmap(meta.step, (None, 0, 0))(key, states, actions)
        return (observations, states, total + rewards[:, 0] + observations.sum((1, 2))), None

    observations, states = jax.vmap(meta.reset)(jax.random.split(key, lanes))
    return jax.lax.scan(step, (observations, states, jnp.zeros(lanes)), jnp.arange(STEPS))[0][2]


def measure(benchmark, steps, run):
    """Measure `run` after its first call; report meta-steps per CPU-second and CPU time of the first call."""
    begin = time.process_time()
    jax.block_until_ready(run())
    first = time.process_time() - begin
    benchmark.pedantic(lambda: jax.block_until_ready(run()), rounds=5, warmup_rounds=1)
    rate = steps / benchmark.stats["median"]
    benchmark.extra_info |= {"meta_steps_per_cpu_second": rate, "first_call_cpu_s": first}
    print(
        f"\n{benchmark.name}: {rate / 1e3:.0f} thousand meta-steps per CPU-second; "
        f"first call {first:.1f} CPU-s"
    )


@pytest.mark.parametrize("lanes", [64, 4096])
@pytest.mark.parametrize("act", [noise_only, perceptron])
def test_environment(benchmark, act, lanes):
    meta = MetaGame(ipd(), [None, Naive()])
    shapes = ((256, 10), (256,), (10, 256), (10,))
    policy = [
        0.1 * jax.random.normal(jax.random.fold_in(jax.random.key(0), i), shape)
        for i, shape in enumerate(shapes)
    ]
    measure(benchmark, STEPS * lanes, lambda: rollout(meta, act, policy, jax.random.key(1), lanes))


def test_gradient_through_the_match(benchmark):
    """Value and gradient in the initial logits and the step size of `Mmaml`, through 100 steps, 128 lanes."""
    meta = MetaGame(ipd(), [None, Naive()], STEPS, lanes=128)
    gradient = filter_jit(lambda player: jax.value_and_grad(lambda p: meta.values((p,))[0])(player))
    player = Mmaml(jnp.zeros(5), 0.5)
    measure(benchmark, STEPS * 128, lambda: gradient(player))
