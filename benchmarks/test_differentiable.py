"""Starts per CPU-second of searches for fixed points and of basins of attraction, without compilation.

make bench
"""

import time

import jax
import jax.numpy as jnp
import pytest

from games import ipd, market, zero_sum_cycle
from solvers import GradientField, basins_of_flow, fixed_points
from solvers.differentiable.fixed_point_search import end_points


def measure(benchmark, starts, run):
    """Measure `run` after its first call; report starts per CPU-second and CPU time of the first call."""
    begin = time.process_time()
    jax.block_until_ready(run())
    first = time.process_time() - begin
    benchmark.pedantic(lambda: jax.block_until_ready(run()), rounds=5, warmup_rounds=1)
    rate = starts / benchmark.stats["median"]
    benchmark.extra_info |= {"starts_per_cpu_second": rate, "first_call_cpu_s": first}
    print(f"\n{benchmark.name}: {rate:,.0f} starts per CPU-second; first call {first:.1f} CPU-s")


@pytest.mark.parametrize("starts", [64, 1024])
@pytest.mark.parametrize("make", [market, ipd])
def test_roots(benchmark, make, starts):
    """The compiled part of the search: roots, profiles and Jacobians for all starts."""
    with jax.enable_x64(True):
        game = make()
        drawn = jax.vmap(game.init)(jax.random.split(jax.random.key(0), starts))
        measure(benchmark, starts, lambda: end_points(game, GradientField(game), drawn, 256)[2])


@pytest.mark.parametrize("starts", [64, 1024])
def test_fixed_points(benchmark, starts):
    """The whole search: roots, their groups and their classification."""
    with jax.enable_x64(True):
        measure(benchmark, starts, lambda: fixed_points(market(), starts).residuals)


@pytest.mark.parametrize("points", [32, 256])
def test_basins(benchmark, points):
    axis = jnp.linspace(-2, 2, points)
    measure(
        benchmark,
        points**2,
        lambda: basins_of_flow(GradientField(zero_sum_cycle()), axis, axis, time=50.0).labels,
    )
