"""Extreme equilibria beside lrsnash, exactly and with many ties, and beside quantecon where games are not degenerate."""

import re
import shutil
import subprocess
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from solvers import vertex_enumeration
from tests.reference.oracles import quantecon
from tests.reference.two_player import profile_set

pytestmark = pytest.mark.oracle

QUANTECON = """
import json, sys
import numpy as np
import quantecon.game_theory as gt
answers = []
for row, column in json.load(sys.stdin):
    game = gt.NormalFormGame([gt.Player(np.array(row)), gt.Player(np.array(column).T)])
    answers.append([[x.tolist() for x in profile] for profile in gt.vertex_enumeration(game)])
json.dump(answers, sys.stdout)
"""


@pytest.fixture(scope="module")
def lrsnash(tmp_path_factory):
    """All extreme equilibria of a game of integers, by the program of Avis et al. (2010)."""
    program = shutil.which("lrsnash")
    if program is None:
        pytest.skip("lrsnash is not on the PATH; it comes with Debian's package lrslib")
    file = tmp_path_factory.mktemp("lrsnash") / "game"

    def solve(game):
        text = "\n\n".join("\n".join(" ".join(map(str, row)) for row in table) for table in game)
        file.write_text(f"{game.shape[1]} {game.shape[2]}\n\n{text}\n")
        answer = subprocess.run(
            [program, str(file)], capture_output=True, text=True, check=True, timeout=600
        ).stdout
        lines = [line for line in answer.splitlines() if not line.startswith("*")]
        pairs = []
        for block in re.split(
            r"\n\s*\n", "\n".join(lines)
        ):  # strategies of player 2, then the one of player 1 that goes with them all
            found = {"1": [], "2": []}
            for line in block.split("\n"):
                if line.strip():
                    player, *numbers = line.split()
                    found[player].append(
                        tuple(Fraction(p) for p in numbers[:-1])
                    )  # the last is the other player's payoff
            pairs += product(found["1"], found["2"])
        (count,) = re.findall(r"Number of equilibria found: (\d+)", answer)
        assert len(pairs) == int(count)
        return set(pairs)

    return solve


@pytest.mark.parametrize("top", [2, 3, 4, 10, 1000])
def test_random_integer_games(lrsnash, top):
    rng = np.random.default_rng(top)
    degenerate = 0
    for _ in range(80):
        game = rng.integers(0, top, (2, *rng.integers(2, 9, 2)))
        found = vertex_enumeration(game, exact=True)
        assert profile_set(found) == lrsnash(game)
        assert len(found) == len(profile_set(found))
        degenerate += found.degenerate
    assert (degenerate > 40) == (top < 1000)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (7, 1), (2, 20), (12, 3), (12, 12)])
def test_other_shapes(lrsnash, shape):
    rng = np.random.default_rng(9)
    for top in (2, 5, 100):
        game = rng.integers(-top, top, (2, *shape))
        assert profile_set(vertex_enumeration(game, exact=True)) == lrsnash(game)


def test_structured_games(lrsnash):
    """Repeated rows, zero-sum games, symmetric games and games whose players agree."""
    rng = np.random.default_rng(10)
    for _ in range(15):
        table = rng.integers(-3, 4, (5, 5))
        repeated = table[rng.integers(0, 3, 5)]
        for game in (
            (table, -table),
            (table, table),
            (table, table.T),
            (repeated, repeated),
            (repeated, table[:, rng.integers(0, 3, 5)]),
        ):
            game = np.stack(game)
            assert profile_set(vertex_enumeration(game, exact=True)) == lrsnash(game)


def test_generic_games():
    rng = np.random.default_rng(11)
    games = [rng.normal(size=(2, *rng.integers(2, 9, 2))) for _ in range(200)] + [
        rng.normal(size=(2, 12, 12)) for _ in range(3)
    ]
    for game, answers in zip(
        games, quantecon(QUANTECON, [np.asarray(game).tolist() for game in games]), strict=True
    ):
        found = vertex_enumeration(game)
        assert found.degenerate is False
        assert len(found) == len(answers)
        ours = sorted((np.concatenate(e.profile) for e in found), key=lambda p: p.round(6).tolist())
        theirs = sorted((np.concatenate(p) for p in answers), key=lambda p: p.round(6).tolist())
        np.testing.assert_allclose(ours, theirs, atol=1e-8)
