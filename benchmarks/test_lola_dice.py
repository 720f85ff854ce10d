"""CPU-seconds per joint update of LOLA-DiCE on the iterated prisoner's dilemma, without compilation.

    python -m pytest benchmarks/test_lola_dice.py -p no:xdist --benchmark-timer=time.process_time -s

A joint update is the look-ahead and the step of both players. Batch 128, 150 steps, tables.
"""

import time

import jax
import pytest

from games import ENVIRONMENTS
from games.agents.policies import TablePolicy
from games.sampled.estimators import Dice
from games.sampled.game import Sampled
from shaping import Lola, Naive, play

STEPS = 20
PUBLIC = {0: 0.19, 1: 0.43, 2: 0.67}
"""CPU-seconds of a public PyTorch code, by number of look-ahead steps."""


@pytest.mark.parametrize("steps", PUBLIC)
def test_joint_updates(benchmark, steps):
    game = Sampled(ENVIRONMENTS.make("ipd_rollout"), TablePolicy(0.4), Dice("batch"), batch=128)
    learner = Lola(0.2, 0.1, steps=steps) if steps else Naive(0.2)

    def run():
        return jax.block_until_ready(play(game, [learner] * 2, steps=STEPS, every=STEPS).values)

    begin = time.process_time()
    run()
    first = time.process_time() - begin
    benchmark.pedantic(run, rounds=5)
    each = benchmark.stats["median"] / STEPS
    benchmark.extra_info |= {"cpu_s_per_joint_update": each, "first_call_cpu_s": first}
    print(
        f"\n{steps} look-ahead steps: {1e3 * each:.1f} CPU-ms per joint update, "
        f"{PUBLIC[steps] / each:.0f} times as fast as the public code; first call {first:.1f} CPU-s"
    )
