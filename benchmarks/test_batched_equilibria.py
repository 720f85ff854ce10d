"""CPU time per game to find all equilibria of up to a million random games, without compilation.

    make bench

Other programs solve fewer games. `ORACLE_PYTHON` names an interpreter that has quantecon; `lrsnash` comes
with Debian's package lrslib. A program that is not installed is skipped.
"""

import json
import os
import resource
import shutil
import subprocess
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games.compiler import jit
from solvers import equilibria_2x2, equilibria_small

BLOCK = 512

QUANTECON = """
import json, sys, time
import numpy as np
import quantecon.game_theory as gt
games = np.array(json.load(sys.stdin))
tables = [(row, np.ascontiguousarray(column.T)) for row, column in games]
games = [gt.NormalFormGame([gt.Player(row), gt.Player(column)]) for row, column in tables]
gt.support_enumeration(games[0]), gt.vertex_enumeration(games[0])  # compile first
for solve in (gt.support_enumeration, gt.vertex_enumeration):
    begin = time.process_time()
    count = sum(len(solve(game)) for game in games)
    print(solve.__name__, (time.process_time() - begin) / len(games), count)
"""


def normal(count, m, n, dtype):
    """Random games with independent normal payoffs, (2, count, m, n)."""
    return np.random.default_rng(0).normal(size=(2, count, m, n)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("solve", "m", "n", "count"),
    [
        (equilibria_2x2, 2, 2, 2**20),
        (equilibria_small, 3, 3, 2**20),
        (equilibria_small, 3, 4, 2**18),
        (equilibria_small, 4, 4, 2**18),
    ],
    ids=["2x2", "3x3", "3x4", "4x4"],
)
def test_batch(benchmark, solve, m, n, count, dtype):
    with jax.enable_x64(dtype == "float64"):
        games = [jnp.asarray(g.reshape(-1, BLOCK, m, n)) for g in normal(count, m, n, dtype)]

        @jit
        def run(row, column):
            return jax.lax.map(lambda game: solve(*game), (row, column))

        begin = time.process_time()
        compiled = run.lower(*games).compile()
        compiling = time.process_time() - begin
        found = jax.block_until_ready(compiled(*games))
        benchmark.pedantic(lambda: jax.block_until_ready(compiled(*games)), rounds=5, warmup_rounds=1)
        per_game = benchmark.stats["median"] / count
        certain = ~found.degenerate
        assert bool((found.count % 2 == 1)[certain].all())
        info = {
            "cpu_ns_per_game": 1e9 * per_game,
            "compile_cpu_s": compiling,
            "equilibria_per_game": float(found.count.mean()),
            "flagged": float(found.degenerate.mean()),
            "worst_residual": float(jnp.where(found.mask, found.residual, 0).max()),
        }
        benchmark.extra_info |= info
        print(f"\n{benchmark.name}: " + ", ".join(f"{name} {number:.3g}" for name, number in info.items()))


@pytest.mark.parametrize("size", [3, 4])
def test_quantecon(size):
    """CPU time per game of quantecon in float64, without its compilation."""
    python = os.environ.get("ORACLE_PYTHON")
    if python is None:
        pytest.skip("ORACLE_PYTHON names no interpreter with quantecon")
    games = np.swapaxes(normal(2000, size, size, "float64"), 0, 1)

    answer = subprocess.run(
        [python, "-c", QUANTECON],
        input=json.dumps(games.tolist()),
        capture_output=True,
        text=True,
        check=True,
    )
    for line in answer.stdout.splitlines():
        name, seconds, count = line.split()
        print(
            f"\nquantecon {name} {size}x{size}: {1e6 * float(seconds):.1f} CPU-us and "
            f"{int(count) / 2000:.3f} equilibria per game"
        )


@pytest.mark.parametrize("size", [3, 4])
def test_lrsnash(size, tmp_path):
    """CPU time per game of lrsnash, which solves one game per process, with the start of the process."""
    program = shutil.which("lrsnash")
    if program is None:
        pytest.skip("lrsnash is not on the PATH")
    games = np.random.default_rng(0).integers(-1000, 1000, size=(100, 2, size, size))
    for k, game in enumerate(games):
        tables = "\n\n".join("\n".join(" ".join(map(str, row)) for row in table) for table in game)
        (tmp_path / str(k)).write_text(f"{size} {size}\n\n{tables}\n")
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    for k in range(len(games)):
        subprocess.run([program, str(tmp_path / str(k))], capture_output=True, check=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    print(f"\nlrsnash {size}x{size}: {1e3 * seconds / len(games):.2f} CPU-ms per game, with process start")
