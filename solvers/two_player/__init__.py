"""Equilibria of two-player normal-form games."""

from solvers.two_player.batched import Equilibria, equilibria_2x2, equilibria_small
from solvers.two_player.lemke_howson_paths import lemke_howson
from solvers.two_player.nash_subsets import equilibrium_set
from solvers.two_player.support import support_enumeration
from solvers.two_player.vertex import vertex_enumeration
from solvers.two_player.zero_sum_games import maximin, zero_sum

__all__ = [
    "Equilibria",
    "equilibria_2x2",
    "equilibria_small",
    "equilibrium_set",
    "lemke_howson",
    "maximin",
    "support_enumeration",
    "vertex_enumeration",
    "zero_sum",
]
