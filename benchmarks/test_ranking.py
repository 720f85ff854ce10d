"""CPU time of alpha-rank and Nash averaging with 200 strategies; neither is compiled.

make bench
"""

import math
import time

import numpy as np
import pytest

from solvers import alpha_rank, nash_averaging

TABLE = np.random.default_rng(0).normal(size=(200, 200))


def measure(benchmark, run):
    """Measure the CPU time of `run`, whichever timer pytest-benchmark uses."""
    run()
    begin = time.process_time()
    for _ in range(5):
        run()
    spent = (time.process_time() - begin) / 5
    benchmark.pedantic(run, rounds=7, warmup_rounds=1)
    benchmark.extra_info |= {"cpu_ms": 1e3 * spent}
    print(f"\n{benchmark.name}: {1e3 * spent:.1f} CPU-ms")


@pytest.mark.parametrize("alpha", [0.1, 100.0, math.inf])
def test_alpha_rank_of_200_strategies(benchmark, alpha):
    measure(benchmark, lambda: alpha_rank(TABLE, alpha))


def test_alpha_rank_of_200_strategies_in_a_mixed_population(benchmark):
    measure(benchmark, lambda: alpha_rank(TABLE, 1.0, selection="population"))


def test_alpha_rank_of_225_profiles(benchmark):
    payoffs = np.random.default_rng(1).normal(size=(2, 15, 15))
    measure(benchmark, lambda: alpha_rank(payoffs, 100.0))


def test_nash_averaging_of_200_agents(benchmark):
    measure(benchmark, lambda: nash_averaging(TABLE))
