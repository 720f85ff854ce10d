"""Repeated games: best responses, equilibria in memory-k strategies, folk theorems, active equilibria."""

from solvers.repeated.active_equilibria import (
    ActiveProfile,
    active_best_response,
    active_profile,
    mutual_best_responses,
)
from solvers.repeated.best_responses import BestResponse, best_response, repeated_payoffs
from solvers.repeated.discounts import equilibrium_discounts
from solvers.repeated.enforced_relations import (
    Extortion,
    FeasiblePayoffs,
    Relation,
    enforced_relation,
    extortion_slope,
    feasible_payoffs,
)
from solvers.repeated.folk_theorems import (
    Minimax,
    Threshold,
    feasible_set,
    grim_threshold,
    individually_rational_set,
    minimax,
    minimax_values,
)
from solvers.repeated.memory_one import (
    Deviation,
    MemoryOneEquilibrium,
    Verdict,
    is_nash,
    is_subgame_perfect,
    memory_one_equilibria,
)
from solvers.repeated.partners import Standing, partner_or_rival
from solvers.repeated.payoff_sets import PayoffSet, equilibrium_payoffs
from solvers.repeated.policy_grids import PolicyGrid, policy_grid, rule_on_grid

__all__ = [
    "ActiveProfile",
    "BestResponse",
    "Deviation",
    "Extortion",
    "FeasiblePayoffs",
    "MemoryOneEquilibrium",
    "Minimax",
    "PayoffSet",
    "PolicyGrid",
    "Relation",
    "Standing",
    "Threshold",
    "Verdict",
    "active_best_response",
    "active_profile",
    "best_response",
    "enforced_relation",
    "equilibrium_discounts",
    "equilibrium_payoffs",
    "extortion_slope",
    "feasible_payoffs",
    "feasible_set",
    "grim_threshold",
    "individually_rational_set",
    "is_nash",
    "is_subgame_perfect",
    "memory_one_equilibria",
    "minimax",
    "minimax_values",
    "mutual_best_responses",
    "partner_or_rival",
    "policy_grid",
    "repeated_payoffs",
    "rule_on_grid",
]
