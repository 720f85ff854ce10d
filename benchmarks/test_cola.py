"""Training COLA's networks on the iterated prisoner's dilemma with the published batch: iterations per CPU-second, compile time apart."""

import dataclasses
import time

import pytest

from games import GAMES
from shaping.training.cola import train
from shaping.training.presets import cola


@pytest.mark.parametrize("game", ["iterated_prisoners_dilemma", "tandem"])
@pytest.mark.parametrize("seeds", [1, 4])
def test_training(benchmark, game, seeds):
    settings = dataclasses.replace(cola(game, "paper"), iterations=1000)
    begin = time.process_time()
    train(GAMES.make(game), settings, seeds=seeds, chunks=1)
    first = time.process_time() - begin
    spent = []

    def run():
        begin = time.process_time()
        train(GAMES.make(game), settings, seeds=seeds, chunks=1)
        spent.append(time.process_time() - begin)

    benchmark.pedantic(run, rounds=3)
    rate = settings.iterations * seeds / sorted(spent)[1]
    benchmark.extra_info |= {"iterations_per_cpu_second": rate, "first_call_cpu_s": first}
    print(f"\n{benchmark.name}: {rate:.0f} iterations per CPU-second and seed; first call {first:.1f} CPU-s")
