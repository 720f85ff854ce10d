"""Equilibria of normal-form games of any number of players."""

from solvers.dominance import Elimination, Reduction, iterated_dominance
from solvers.n_player.correlated import (
    CorrelatedEquilibrium,
    coarse_correlated_equilibrium,
    correlated_equilibrium,
    payoff_ranges,
)
from solvers.n_player.homotopy import Branch, logit_homotopy, principal_branch
from solvers.n_player.polynomial import polynomial_equilibria
from solvers.n_player.pure import pure_equilibria
from solvers.n_player.quantal import QuantalResponse, quantal_response
from solvers.n_player.selection import select

__all__ = [
    "Branch",
    "CorrelatedEquilibrium",
    "Elimination",
    "QuantalResponse",
    "Reduction",
    "coarse_correlated_equilibrium",
    "correlated_equilibrium",
    "iterated_dominance",
    "logit_homotopy",
    "payoff_ranges",
    "polynomial_equilibria",
    "principal_branch",
    "pure_equilibria",
    "quantal_response",
    "select",
]
