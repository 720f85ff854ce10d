"""The paths of Lemke and Howson, label by label, beside quantecon's, which run in a process of their own."""

import numpy as np
import pytest

from solvers import lemke_howson
from tests.reference.oracles import quantecon

pytestmark = pytest.mark.oracle

PROGRAM = """
import json, sys
import numpy as np
import quantecon.game_theory as gt
answers = []
for row, column in json.load(sys.stdin):
    game = gt.NormalFormGame([gt.Player(np.array(row)), gt.Player(np.array(column).T)])
    paths = []
    for label in range(sum(game.nums_actions)):
        profile, info = gt.lemke_howson(game, init_pivot=label, full_output=True)
        paths.append(([p.tolist() for p in profile], int(info.num_iter)))
    answers.append(paths)
json.dump(answers, sys.stdout)
"""


def test_every_label_leads_to_the_same_equilibrium_in_as_many_pivots():
    """Where no payoffs tie, a path is determined by the game, whoever follows it."""
    rng = np.random.default_rng(0)
    games = [rng.normal(size=(2, *rng.integers(1, 12, size=2))) for _ in range(100)]
    for game, paths in zip(games, quantecon(PROGRAM, [game.tolist() for game in games]), strict=True):
        for label, (profile, pivots) in enumerate(paths):
            (end,) = lemke_howson(game, label=label)
            assert end.iterations == pivots
            for ours, theirs in zip(end.profile, profile, strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-9)
