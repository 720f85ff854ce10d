"""CPU time per two-player game to find all equilibria, beside quantecon's vertex enumeration and lrsnash.

    ORACLE_PYTHON=.venv-oracle/bin/python make bench

All programs solve the same games, each in a process of its own; the median is reported. Generic games have
random integer payoffs of 53 bits. Games with ties have payoffs 0, 1 and 2; quantecon does not solve these.
The compilation of quantecon by numba is not included.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from solvers import vertex_enumeration

GAMES = 15
QUANTECON = """
import json, sys, time
import numpy as np
import quantecon.game_theory as gt
tables = [(np.array(row), np.array(column).T) for row, column in json.load(sys.stdin)]
games = [gt.NormalFormGame([gt.Player(row), gt.Player(column)]) for row, column in tables]
gt.vertex_enumeration(games[0])
times, counts = [], []
for game in games:
    begin = time.process_time()
    counts.append(len(gt.vertex_enumeration(game)))
    times.append(time.process_time() - begin)
json.dump([times, counts], sys.stdout)
"""


def generic(size):
    """Square games with random integer payoffs of 53 bits."""
    return np.random.default_rng(size).integers(0, 2**53, (GAMES, 2, size, size))


def tied(size):
    """Square games with payoffs 0, 1 and 2."""
    return np.random.default_rng(size).integers(0, 3, (GAMES, 2, size, size))


def report(benchmark, times, counts, others):
    """Print the median times in milliseconds; all programs must find the same number of equilibria."""
    rows = {"ours": (times, counts)} | others
    for name, (seconds, found) in rows.items():
        assert found == counts, name
        benchmark.extra_info[f"{name}_ms"] = 1e3 * float(np.median(seconds))
    print(
        f"\n{benchmark.name}: "
        + ", ".join(f"{name} {benchmark.extra_info[f'{name}_ms']:.2f} ms" for name in rows)
    )


def time_enumeration(games, **settings):
    """CPU seconds and number of equilibria of each game, after a first call, which imports networkx."""
    vertex_enumeration(games[0], **settings)
    times, counts = [], []
    for game in games:
        begin = time.process_time()
        counts.append(len(vertex_enumeration(game, **settings)))
        times.append(time.process_time() - begin)
    return times, counts


def quantecon(games):
    """Times and numbers of equilibria of quantecon; empty if it is not installed."""
    python = os.environ.get("ORACLE_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import quantecon"], capture_output=True).returncode:
        return {}
    text = json.dumps(games.astype(float).tolist())
    return {
        "quantecon": json.loads(
            subprocess.run(
                [python, "-c", QUANTECON], input=text, capture_output=True, text=True, check=True
            ).stdout
        )
    }


def lrsnash(games, tmp_path):
    """Times, as it reports them, and numbers of equilibria of lrsnash; empty if it is not installed."""
    program = shutil.which("lrsnash")
    if program is None:
        return {}
    times, counts = [], []
    for game in games:
        text = "\n\n".join("\n".join(" ".join(map(str, row)) for row in table) for table in game)
        (tmp_path / "game").write_text(f"{game.shape[1]} {game.shape[2]}\n\n{text}\n")
        out = subprocess.run(
            [program, str(tmp_path / "game")], capture_output=True, text=True, check=True
        ).stdout
        counts.append(int(re.findall(r"equilibria found: (\d+)", out)[0]))
        user, system = re.findall(r"\*([\d.]+)u ([\d.]+)s", out)[-1]
        times.append(float(user) + float(system))
    return {"lrsnash": (times, counts)}


@pytest.mark.parametrize("exact", [False, True], ids=["floats", "exact"])
@pytest.mark.parametrize("size", [4, 8, 12])
def test_generic_games(benchmark, tmp_path, size, exact):
    games = generic(size)
    times, counts = benchmark.pedantic(lambda: time_enumeration(games, exact=exact), rounds=1)
    report(benchmark, times, counts, lrsnash(games, tmp_path) | ({} if exact else quantecon(games)))


@pytest.mark.parametrize("exact", [False, True], ids=["floats", "exact"])
@pytest.mark.parametrize("size", [4, 8, 12])
def test_games_with_ties(benchmark, tmp_path, size, exact):
    games = tied(size)
    times, counts = benchmark.pedantic(lambda: time_enumeration(games, exact=exact), rounds=1)
    report(benchmark, times, counts, lrsnash(games, tmp_path))
