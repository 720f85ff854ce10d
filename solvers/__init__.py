"""Solvers: equilibria of normal-form, repeated and differentiable games, evolution and ranking."""

import games as _games

if not hasattr(_games, "GAMES"):
    _place = _games.__spec__.origin or next(iter(_games.__path__))
    raise ImportError(
        f"{_place} hides the laboratory's package 'games'; rename it, or start Python in another folder."
    )

from solvers.base import EquilibriumSet, Solution
from solvers.deviations import exploitability, nash_conv, regrets
from solvers.differentiable.basins import Basins, basins_of_flow, basins_of_map
from solvers.differentiable.classification import Classification, classify
from solvers.differentiable.fixed_point_search import FixedPoint, FixedPoints, fixed_points
from solvers.differentiable.jacobian import (
    GradientField,
    antisymmetric_part,
    eigenvalues,
    field_jacobian,
    game_jacobian,
    simultaneous_gradient,
    symmetric_part,
)
from solvers.differentiable.leader_follower import (
    StackelbergSolution,
    leader_curvature,
    leader_gradient,
    stackelberg,
)
from solvers.dispatch import solve
from solvers.dominance import Elimination, Reduction, iterated_dominance
from solvers.evolution.evolutionary_stability import (
    Stability,
    evolutionarily_stable,
    stability,
)
from solvers.evolution.flows import FLOWS, evolve, evolve_population
from solvers.evolution.moran import (
    FixationSample,
    encounters,
    fixation_matrix,
    fixation_probability,
    log_fixation,
    simulate_fixation,
)
from solvers.evolution.square_tables import square_table
from solvers.files.formats import read_game, write_game
from solvers.files.normal_form import NormalForm
from solvers.learning.play import learn
from solvers.learning.rules import DYNAMICS
from solvers.n_player.correlated import (
    CorrelatedEquilibrium,
    coarse_correlated_equilibrium,
    correlated_equilibrium,
    payoff_ranges,
)
from solvers.n_player.homotopy import Branch, logit_homotopy, principal_branch
from solvers.n_player.polynomial import polynomial_equilibria
from solvers.n_player.potential_games import Potential, exact_potential
from solvers.n_player.pure import pure_equilibria
from solvers.n_player.quantal import QuantalResponse, quantal_response
from solvers.n_player.selection import select
from solvers.payoffs_jax import best_responses, smoothed_best_responses
from solvers.ranking.alpha_ranking import AlphaRank, alpha_rank
from solvers.ranking.nash_averages import (
    NashAverage,
    nash_averaging,
    nash_averaging_on_tasks,
)
from solvers.ranking.response_graphs import response_graph, sink_components
from solvers.registry import SOLVERS
from solvers.repeated.active_equilibria import (
    ActiveProfile,
    active_best_response,
    active_profile,
    mutual_best_responses,
)
from solvers.repeated.best_responses import (
    BestResponse,
    best_response,
    repeated_payoffs,
)
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
from solvers.two_player.batched import Equilibria, equilibria_2x2, equilibria_small
from solvers.two_player.commitments import Commitment, optimal_commitment
from solvers.two_player.lemke_howson_paths import lemke_howson
from solvers.two_player.nash_subsets import equilibrium_set
from solvers.two_player.support import support_enumeration
from solvers.two_player.vertex import vertex_enumeration
from solvers.two_player.zero_sum_games import maximin, zero_sum

__all__ = [
    "DYNAMICS",
    "FLOWS",
    "SOLVERS",
    "ActiveProfile",
    "AlphaRank",
    "Basins",
    "BestResponse",
    "Branch",
    "Classification",
    "Commitment",
    "CorrelatedEquilibrium",
    "Deviation",
    "Elimination",
    "Equilibria",
    "EquilibriumSet",
    "Extortion",
    "FeasiblePayoffs",
    "FixationSample",
    "FixedPoint",
    "FixedPoints",
    "GradientField",
    "MemoryOneEquilibrium",
    "Minimax",
    "NashAverage",
    "NormalForm",
    "PayoffSet",
    "PolicyGrid",
    "Potential",
    "QuantalResponse",
    "Reduction",
    "Relation",
    "Solution",
    "Stability",
    "StackelbergSolution",
    "Standing",
    "Threshold",
    "Verdict",
    "active_best_response",
    "active_profile",
    "alpha_rank",
    "antisymmetric_part",
    "basins_of_flow",
    "basins_of_map",
    "best_response",
    "best_responses",
    "classify",
    "coarse_correlated_equilibrium",
    "correlated_equilibrium",
    "eigenvalues",
    "encounters",
    "enforced_relation",
    "equilibria_2x2",
    "equilibria_small",
    "equilibrium_discounts",
    "equilibrium_payoffs",
    "equilibrium_set",
    "evolutionarily_stable",
    "evolve",
    "evolve_population",
    "exact_potential",
    "exploitability",
    "extortion_slope",
    "feasible_payoffs",
    "feasible_set",
    "field_jacobian",
    "fixation_matrix",
    "fixation_probability",
    "fixed_points",
    "game_jacobian",
    "grim_threshold",
    "individually_rational_set",
    "is_nash",
    "is_subgame_perfect",
    "iterated_dominance",
    "leader_curvature",
    "leader_gradient",
    "learn",
    "lemke_howson",
    "log_fixation",
    "logit_homotopy",
    "maximin",
    "memory_one_equilibria",
    "minimax",
    "minimax_values",
    "mutual_best_responses",
    "nash_averaging",
    "nash_averaging_on_tasks",
    "nash_conv",
    "optimal_commitment",
    "partner_or_rival",
    "payoff_ranges",
    "policy_grid",
    "polynomial_equilibria",
    "principal_branch",
    "pure_equilibria",
    "quantal_response",
    "read_game",
    "regrets",
    "repeated_payoffs",
    "response_graph",
    "rule_on_grid",
    "select",
    "simulate_fixation",
    "simultaneous_gradient",
    "sink_components",
    "smoothed_best_responses",
    "solve",
    "square_table",
    "stability",
    "stackelberg",
    "support_enumeration",
    "symmetric_part",
    "vertex_enumeration",
    "write_game",
    "zero_sum",
]
