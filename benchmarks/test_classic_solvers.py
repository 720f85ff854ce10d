"""CPU time per game of the classical solvers for two-player games, which are not compiled.

make bench
"""

import numpy as np
import pytest

from solvers import iterated_dominance, lemke_howson, pure_equilibria, support_enumeration, zero_sum


def measure(benchmark, solve, games, rounds=3):
    """Measure the CPU time of `solve` on all games, and report milliseconds per game."""
    solve(games[0])
    benchmark.pedantic(lambda: [solve(game) for game in games], rounds=rounds)
    per_game = benchmark.stats["median"] / len(games)
    benchmark.extra_info |= {"cpu_ms_per_game": 1e3 * per_game}
    print(f"\n{benchmark.name}: {1e3 * per_game:.3g} CPU-ms per game")


def normal(size, count):
    """Square games with independent normal payoffs."""
    return list(np.random.default_rng(size).normal(size=(count, 2, size, size)))


def tied(size, count):
    """Square games with payoffs 0 to 4, so with many ties."""
    return list(np.random.default_rng(size).integers(0, 5, size=(count, 2, size, size)))


@pytest.mark.parametrize(("size", "count"), [(3, 200), (6, 50), (8, 10), (10, 2)])
@pytest.mark.parametrize("draw", [normal, tied], ids=lambda f: f.__name__)
def test_support_enumeration(benchmark, draw, size, count):
    measure(benchmark, support_enumeration, draw(size, count))


@pytest.mark.parametrize(("size", "count"), [(3, 200), (12, 5), (50, 1)])
@pytest.mark.parametrize("draw", [normal, tied], ids=lambda f: f.__name__)
def test_lemke_howson_from_one_label(benchmark, draw, size, count):
    measure(benchmark, lambda game: lemke_howson(game, label=0), draw(size, count))


@pytest.mark.parametrize(("size", "count"), [(3, 200), (12, 5)])
def test_lemke_howson_from_every_label(benchmark, size, count):
    measure(benchmark, lemke_howson, normal(size, count))


@pytest.mark.parametrize(("size", "count"), [(10, 50), (100, 2)])
def test_zero_sum(benchmark, size, count):
    measure(benchmark, zero_sum, [np.stack([game[0], -game[0]]) for game in normal(size, count)])


@pytest.mark.parametrize(("size", "count"), [(10, 50), (100, 2)])
def test_pure_equilibria(benchmark, size, count):
    measure(benchmark, pure_equilibria, normal(size, count))


@pytest.mark.parametrize(("size", "count"), [(10, 20), (50, 1)])
@pytest.mark.parametrize("kind", ["strict", "weak"])
def test_dominance(benchmark, kind, size, count):
    measure(benchmark, lambda game: iterated_dominance(game, kind=kind), normal(size, count))
