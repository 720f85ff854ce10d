"""Programs that crashed jax 0.10.2 end, and what does not fit into memory is refused in a sentence or played in parts."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from analysis.tournaments import round_robins as roundrobin
from games import GAMES, Iterated, MatrixGame, device_memory as room
from shaping import Lola, Naive, play

TOURNAMENT = """
from analysis.tournaments.run import tournament
from games import GAMES
from shaping import Lola, Naive
print(bool(tournament([GAMES.make({game})], [Naive(), Lola()], steps=2, seeds=64).frame.value.notna().all()))
"""


def alone(code: str) -> subprocess.CompletedProcess[str]:
    bare = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=1200, env=bare
    )


# all but the first crashed jax 0.10.2
@pytest.mark.parametrize(
    "game",
    [
        "'tandem'",
        pytest.param("'iterated_coordination'", marks=pytest.mark.slow),
        pytest.param("'ipd_axelrod'", marks=pytest.mark.slow),
        pytest.param("'ipd', memory=2", marks=pytest.mark.slow),
    ],
)
def test_tournaments_end_without_any_flag(game):
    done = alone(TOURNAMENT.format(game=game))
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr


TWO_PLAYERS = [entry.name for entry in GAMES if entry.make().n_players == 2]


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", TWO_PLAYERS)
def test_no_game_crashes_for_any_number_of_seeds(name):
    code = f"""
from analysis.tournaments.run import tournament
from games import GAMES
from shaping import Lola, Naive, play
for seeds in (1, 8, 52, 64, 128, 1000):
    game = GAMES.make({name!r})
    play(game, [Naive(), Lola()], steps=3, seeds=seeds).values.block_until_ready()
    tournament([game], [Naive(), Lola()], steps=3, seeds=seeds)
print("ended")
"""
    done = alone(code)
    assert (done.returncode, done.stdout.strip()) == (0, "ended"), done.stderr


def test_lanes_in_parts_are_those_of_one_program(monkeypatch):
    game, learners = GAMES.make("tandem"), [Naive(0.1), Lola(0.1, 0.1)]
    whole = (
        play(game, learners, 3, steps=5, seeds=7),
        roundrobin.round_robin(game, learners, 3, steps=5, seeds=7),
    )
    monkeypatch.setattr("shaping.match._small", set())
    for module in ("shaping.match", "analysis.tournaments.round_robins"):
        monkeypatch.setattr(f"{module}.lanes_at_once", lambda seeds, *_: 3)
    parts = (
        play(game, learners, 3, steps=5, seeds=7),
        roundrobin.round_robin(game, learners, 3, steps=5, seeds=7),
    )
    for one, other in zip(whole, parts, strict=True):
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
            if np.ndim(a):  # seconds differ
                # XLA may vectorize three lanes unlike seven: equal to rounding, not to the bit.
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_refused_before_it_is_compiled(monkeypatch):
    monkeypatch.setattr(room, "host_memory", lambda: 10**9)
    monkeypatch.setattr(room, "on_cpu", lambda: True)
    with pytest.raises(ValueError, match=r" GB .*1 GB .*fewer seeds"):
        play(GAMES.make("tandem"), [Naive(0.1)] * 2, seeds=10**9)
    with pytest.raises(ValueError, match=r"memory.* GB"):
        Iterated(MatrixGame.symmetric([[-1, -3], [0, -2]]), memory=9)
    with pytest.raises(ValueError, match="smaller n_players"):
        GAMES.make("ipd_contribution", n_players=25)
