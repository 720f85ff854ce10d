"""Equilibria of n-player games in which at most two players mix: they are linear, and none may be missing."""

import numpy as np
import pytest

from solvers import polynomial_equilibria, solve, vertex_enumeration
from tests.reference.three_players import same_profiles

SEGMENT = [
    [[[4, 2], [4, 2]], [[2, 0], [1, 3]]],
    [[[1, 1], [4, 2]], [[2, 3], [4, 3]]],
    [[[0, 3], [1, 2]], [[0, 3], [2, 1]]],
]
"""The second player does not care while the others play their second actions, and they do not mind where it plays its first with
probability 1/4 to 1/3: the first player gets 3 (1 - p) or else 2, the third 3 p + (1 - p) or else 2 (1 - p)."""


def test_a_segment_on_which_one_player_mixes_is_found_by_its_ends():
    found = polynomial_equilibria(SEGMENT)
    ends = [(np.array([0, 1]), np.array([p, 1 - p]), np.array([0, 1])) for p in (1 / 4, 1 / 3)]
    on_it = [e.profile for e in found if e.profile[0][1] == e.profile[2][1] == 1]
    assert same_profiles(on_it, ends, 1e-15)
    assert found.degenerate
    assert not found.complete


def ill_conditioned():
    """6 x 6, 75 equilibria (von Stengel 1999)."""
    a = [
        [9504, -660, 19976, -20526, 1776, -8976],
        [-111771, 31680, -130944, 168124, -8514, 52764],
        [397584, -113850, 451176, -586476, 29216, -178761],
        [171204, -45936, 208626, -263076, 14124, -84436],
        [1303104, -453420, 1227336, -1718376, 72336, -461736],
        [737154, -227040, 774576, -1039236, 48081, -300036],
    ]
    b = [
        [72336, -461736, 1227336, -1718376, 1303104, -453420],
        [48081, -300036, 774576, -1039236, 737154, -227040],
        [29216, -178761, 451176, -586476, 397584, -113850],
        [14124, -84436, 208626, -263076, 171204, -45936],
        [1776, -8976, 19976, -20526, 9504, -660],
        [-8514, 52764, -130944, 168124, -111771, 31680],
    ]
    return np.array([a, np.transpose(b)])


def test_a_game_with_75_equilibria():
    found = polynomial_equilibria(ill_conditioned())
    assert len(found) == 75
    assert found.complete
    assert "sum to 1" in found.message


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("idle", [0, 1, 2])
def test_players_with_one_action_cost_neither_exactness_nor_completeness(idle, exact):
    rng = np.random.default_rng(idle)
    for tied in (False, True):
        pair = rng.integers(0, 3 if tied else 100, (2, 3, 4))
        game = np.insert(np.expand_dims(pair, 1 + idle), idle, 7, axis=0)
        expected, found = vertex_enumeration(pair, exact=exact), solve(game, exact=exact)
        assert found.method == "vertex"
        assert found.complete
        assert found.degenerate == expected.degenerate
        assert [[list(s) for s in e.profile] for e in found] == [
            [list(s) for s in [*e.profile[:idle], [1], *e.profile[idle:]]] for e in expected
        ]
        assert all(e.payoffs[idle] == 7 for e in found)
        assert [tuple(own for k, own in enumerate(clique) if k != idle) for clique in found.cliques] == list(
            expected.cliques
        )
