"""CPU time of the solvers for repeated games, which are not compiled.

make bench
"""

import time

import numpy as np
import pytest

from solvers.repeated.best_responses import best_response
from solvers.repeated.discounts import equilibrium_discounts
from solvers.repeated.enforced_relations import feasible_payoffs
from solvers.repeated.memory_one import memory_one_equilibria
from solvers.repeated.payoff_sets import equilibrium_payoffs

AXELROD = np.array([[[3.0, 0], [5, 1]], [[3, 5], [0, 1]]])


def measure(benchmark, run, *arguments):
    """Measure the CPU time of `run(*arguments)`."""
    spent = []

    def timed():
        begin = time.process_time()
        run(*arguments)
        spent.append(time.process_time() - begin)

    benchmark.pedantic(timed, rounds=9, warmup_rounds=1)
    benchmark.extra_info["cpu_s"] = float(np.median(spent))
    print(f"\n{benchmark.name}: {1e3 * np.median(spent):.2f} CPU-ms")


@pytest.mark.parametrize("discount", [0.96, 1.0])
@pytest.mark.parametrize("memory", [1, 2, 3])
def test_best_response(benchmark, memory, discount):
    other = np.random.default_rng(0).random(sum(4**k for k in range(memory + 1)))
    measure(benchmark, best_response, AXELROD, (None, other), 0, discount)


@pytest.mark.parametrize("discount", [0.96, 1.0])
def test_all_deterministic_memory_one_equilibria(benchmark, discount):
    measure(benchmark, memory_one_equilibria, AXELROD, discount)


@pytest.mark.parametrize("discount", [0.96, 1.0])
def test_polygon_of_feasible_payoffs(benchmark, discount):
    measure(benchmark, feasible_payoffs, np.random.default_rng(0).random(5), AXELROD, discount)


def test_all_discounts_of_a_profile(benchmark):
    measure(benchmark, equilibrium_discounts, AXELROD, ("grim", "grim"))


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.96])
def test_equilibrium_payoffs(benchmark, discount):
    measure(benchmark, equilibrium_payoffs, AXELROD, discount)


def test_equilibrium_payoffs_of_a_larger_game(benchmark):
    measure(benchmark, equilibrium_payoffs, np.random.default_rng(1).normal(size=(2, 6, 6)), 0.6)
