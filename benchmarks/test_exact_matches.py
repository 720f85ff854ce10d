"""Joint updates per CPU-second of learners on the exact iterated prisoner's dilemma, without compilation.

    make bench

A joint update is one step of both players of one seed, through the public `play`. Run on an idle machine, and
compare ratios, since absolute speed depends on the machine.
"""

import time

import jax
import jax.numpy as jnp
import pytest

from analysis.tournaments.round_robins import round_robin
from games import ipd
from games.compiler import jit
from shaping import LEARNERS, play
from shaping.base import replaced

STEPS = 1000


def measure(benchmark, updates, run):
    """Measure `run` after its first call; report updates per CPU-second and CPU time of the first call."""
    begin = time.process_time()
    jax.block_until_ready(run())
    first = time.process_time() - begin
    benchmark.pedantic(lambda: jax.block_until_ready(run()), rounds=7, warmup_rounds=1)
    rate = updates / benchmark.stats["median"]
    benchmark.extra_info |= {"updates_per_cpu_second": rate, "first_call_cpu_s": first}
    print(
        f"\n{benchmark.name}: {rate / 1e6:.2f} million updates per CPU-second; first call {first:.1f} CPU-s"
    )


@pytest.mark.parametrize("seeds", [1, 64, 4096])
@pytest.mark.parametrize("learner", ["naive", "lookahead", "lola", "lola_taylor", "lola_original", "sos"])
def test_self_play(benchmark, learner, seeds):
    game, learners = ipd(), [LEARNERS.make(learner)] * 2
    measure(benchmark, STEPS * seeds, lambda: play(game, learners, steps=STEPS, seeds=seeds).values)


@pytest.mark.parametrize("learner", ["consensus", "sga", "extragradient", "cgd", "lss", "hola"])
def test_self_play_of_the_others(benchmark, learner):
    game, learners = ipd(), [LEARNERS.make(learner)] * 2
    measure(benchmark, 100 * 64, lambda: play(game, learners, steps=100, seeds=64).values)


def test_round_robin(benchmark):
    """Twelve learners, 64 seeds, 100 steps, 144 pairings; the first call also traces and compiles."""
    names = [
        "naive",
        "lookahead",
        "lola",
        "sos",
        "consensus",
        "sga",
        "extragradient",
        "optimistic",
        "cgd",
        "lss",
        "hola2",
        "tft",
    ]
    game, learners = ipd(), [LEARNERS.make(name) for name in names]
    measure(
        benchmark, 100 * 64 * len(names) ** 2, lambda: round_robin(game, learners, steps=100, seeds=64).values
    )


def test_generic_solve(benchmark):
    """For comparison, exact LOLA with 64 seeds on values by `jnp.linalg.solve`, differentiated by JAX."""
    payoffs = jnp.array([[-1.0, -3.0, 0.0, -2.0], [-1.0, 0.0, -3.0, -2.0]])
    second = jnp.array([0, 1, 3, 2, 4])

    def value(joint, player):
        a, b = jax.nn.sigmoid(joint[0]), jax.nn.sigmoid(joint[1])[second]
        p = jnp.stack([a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b)], axis=-1)
        return p[0] @ jnp.linalg.solve(jnp.eye(4) - 0.96 * p[1:], payoffs[player])

    def update(joint, player):
        def shaped(own):
            here = replaced(joint, player, own)
            ahead = here[1 - player] + jax.grad(
                lambda other: value(replaced(here, 1 - player, other), 1 - player)
            )(here[1 - player])
            return value(replaced(here, 1 - player, ahead), player)

        return joint[player] + jax.grad(shaped)(joint[player])

    @jit
    def run(joint):
        step = jax.vmap(lambda joint: (update(joint, 0), update(joint, 1)))
        return jax.lax.scan(lambda joint, _: (step(joint), None), joint, length=100)[0]

    keys = jax.random.split(jax.random.key(0))
    joint = tuple(jax.random.normal(k, (64, 5)) for k in keys)
    measure(benchmark, 100 * 64, lambda: run(joint))
