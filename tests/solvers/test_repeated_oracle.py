"""Payoff sets of repeated games beside quantecon's (Abreu & Sannikov 2014), which runs in a process of its own."""

import numpy as np
import pytest

from solvers.repeated import polygons
from solvers.repeated.payoff_sets import equilibrium_payoffs
from tests.reference.oracles import quantecon
from tests.reference.repeated_games import ABREU_SANNIKOV, AXELROD, prisoners_dilemma

pytestmark = pytest.mark.oracle

PROGRAM = """
import json, sys
import numpy as np
from quantecon.game_theory import NormalFormGame, Player, RepeatedGame

answers = []
for row, column, discount in json.load(sys.stdin):
    game = NormalFormGame((Player(np.array(row, float)), Player(np.array(column, float).T)))
    try:
        hull = RepeatedGame(game, discount).equilibrium_payoffs(options={"max_iter": 5000})
        answers.append(hull.points[hull.vertices].tolist())
    except Exception as error:
        answers.append(type(error).__name__ + ": " + str(error)[:80])
json.dump(answers, sys.stdout)
"""


def payoff_sets(games):
    asked = [[g[0].tolist(), g[1].tolist(), d] for g, d in games]
    return quantecon(
        PROGRAM, asked, NUMBA_BOUNDSCHECK="1"
    )  # without it writes beyond an array's end can abort the process


def test_games_of_the_literature():
    games = [
        (prisoners_dilemma(9, 1, 10, 3), 0.9),
        (ABREU_SANNIKOV, 0.3),
        *((AXELROD, d) for d in (0.3, 0.45, 0.55, 0.9, 0.96)),
    ]
    for (payoffs, discount), theirs in zip(games, payoff_sets(games), strict=True):
        ours = equilibrium_payoffs(payoffs, discount)
        assert polygons.hausdorff(polygons.hull(theirs), ours.outer) < 1e-6 * np.ptp(payoffs)


def test_random_games():
    """Where quantecon answers, it answers the same; where it finds the set empty or without an interior, so it is."""
    rng = np.random.default_rng(0)
    games = [
        (rng.normal(size=(2, *s)), d)
        for s in ((2, 2), (2, 3), (3, 3), (4, 4))
        for d in (0.2, 0.4, 0.6, 0.8)
        for _ in range(10)
    ]
    compared = 0
    for (payoffs, discount), theirs in zip(games, payoff_sets(games), strict=True):
        ours = equilibrium_payoffs(payoffs, discount)
        if isinstance(theirs, str):
            print(theirs)
            assert len(ours.outer) <= 2 or theirs.startswith("IndexError"), theirs
        else:
            compared += 1
            assert polygons.hausdorff(polygons.hull(theirs), ours.outer) < 1e-6 * np.ptp(payoffs)
    assert compared > 40
