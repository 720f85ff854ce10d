"""Iterations per CPU-second of COLA's training with the published settings, without compilation."""

import time

import pytest

from games import GAMES
from shaping.training import ColaTrainer, run
from shaping.training.presets import cola


@pytest.mark.parametrize("game", ["iterated_prisoners_dilemma", "tandem"])
@pytest.mark.parametrize("seeds", [1, 4])
def test_training(benchmark, game, seeds):
    iterations = 1000
    settings = {name: x for name, x in cola(game, "paper").items() if name not in ("iterations", "seeds")}
    trainer = ColaTrainer(GAMES.make(game), seeds=seeds, **settings)
    begin = time.process_time()
    run(trainer, iterations=iterations, chunk=iterations)
    first = time.process_time() - begin
    spent = []

    def timed():
        begin = time.process_time()
        run(trainer, iterations=iterations, chunk=iterations)
        spent.append(time.process_time() - begin)

    benchmark.pedantic(timed, rounds=3)
    rate = iterations * seeds / sorted(spent)[1]
    benchmark.extra_info |= {"iterations_per_cpu_second": rate, "first_call_cpu_s": first}
    print(f"\n{benchmark.name}: {rate:.0f} iterations per CPU-second and seed; first call {first:.1f} CPU-s")
