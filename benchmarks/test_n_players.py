"""CPU time per n-player game of solvers for Nash, correlated and quantal-response equilibria.

    make bench

The games have independent normal payoffs. Compilation is not included. Compare ratios, since absolute speed
depends on the machine.
"""

import time

import jax
import numpy as np
import pytest

from games.compiler import jit
from solvers.n_player.correlated import correlated_equilibrium
from solvers.n_player.homotopy import logit_homotopy
from solvers.n_player.polynomial import polynomial_equilibria
from solvers.n_player.quantal import quantal_response


def random_games(shape, count):
    """Games with independent normal payoffs, (count, players, *shape)."""
    return np.random.default_rng(0).normal(size=(count, len(shape), *shape))


def measure(benchmark, games, run, rounds=3):
    """Measure `run` after its first call; report CPU-milliseconds per game and CPU time of the first call."""
    begin = time.process_time()
    run()
    first = time.process_time() - begin
    spent = []
    for _ in range(rounds):
        begin = time.process_time()
        run()
        spent.append(time.process_time() - begin)
    benchmark.pedantic(run, rounds=1)
    per_game = 1000 * float(np.median(spent)) / games
    benchmark.extra_info |= {"cpu_ms_per_game": per_game, "first_call_cpu_s": first}
    print(f"\n{benchmark.name}: {per_game:.3g} CPU-ms per game; first call {first:.1f} CPU-s")


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 3, 3), (2, 2, 2, 2)], ids=str)
def test_all_equilibria(benchmark, shape):
    games = random_games(shape, 20)
    measure(benchmark, len(games), lambda: [polynomial_equilibria(game) for game in games])


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 3), (10, 10)], ids=str)
def test_logit_homotopy(benchmark, shape):
    games = random_games(shape, 20)
    measure(benchmark, len(games), lambda: [logit_homotopy(game) for game in games])


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 3), (40, 40)], ids=str)
def test_correlated(benchmark, shape):
    games = random_games(shape, 5)
    measure(benchmark, len(games), lambda: [correlated_equilibrium(game) for game in games])


@pytest.mark.parametrize("precisions", [[1.0], [1.0, 10.0, 100.0]], ids=str)
@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3, 3, 3)], ids=str)
def test_quantal_response(benchmark, shape, precisions):
    """4,096 games in one compiled program, in float32."""
    games = random_games(shape, 4096).astype(np.float32)
    run = jit(jax.vmap(lambda payoffs: quantal_response(payoffs, precisions).strategies))
    measure(benchmark, len(games), lambda: jax.block_until_ready(run(games)))


@pytest.mark.parametrize("shape", [(2, 2), (3, 3)], ids=str)
def test_quantal_response_gradients(benchmark, shape):
    """Gradients with respect to all payoffs, for 4,096 games."""
    games = random_games(shape, 4096).astype(np.float32)
    run = jit(jax.vmap(jax.grad(lambda payoffs: quantal_response(payoffs, [1.0]).strategies[0][0, 0])))
    measure(benchmark, len(games), lambda: jax.block_until_ready(run(games)))
