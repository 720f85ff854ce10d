"""Equilibria of games: the home of solvers, which take games or payoff arrays and know nothing of learners."""

import games as _games

if not hasattr(_games, "GAMES"):
    _place = _games.__spec__.origin or next(iter(_games.__path__))
    raise ImportError(f"{_place} hides the laboratory's package 'games'; rename it, or start Python in another folder.")

from solvers.active import (
    ActiveProfile as ActiveProfile,
    active_best_response as active_best_response,
    active_profile as active_profile,
    mutual_best_responses as mutual_best_responses,
)
from solvers.alpha_rank import AlphaRank as AlphaRank, alpha_rank as alpha_rank
from solvers.base import EquilibriumSet as EquilibriumSet, Solution as Solution
from solvers.basins import Basins as Basins, basins_of_flow as basins_of_flow, basins_of_map as basins_of_map
from solvers.batched import Equilibria as Equilibria, equilibria_2x2 as equilibria_2x2, equilibria_small as equilibria_small
from solvers.classify import Classification as Classification, classify as classify
from solvers.correlated import (
    CorrelatedEquilibrium as CorrelatedEquilibrium,
    coarse_correlated_equilibrium as coarse_correlated_equilibrium,
    correlated_equilibrium as correlated_equilibrium,
    payoff_ranges as payoff_ranges,
)
from solvers.cross_play import square_table as square_table
from solvers.discounts import equilibrium_discounts as equilibrium_discounts
from solvers.dominance import Elimination as Elimination, Reduction as Reduction, iterated_dominance as iterated_dominance
from solvers.dynamics import DYNAMICS as DYNAMICS
from solvers.files import read_game as read_game, write_game as write_game
from solvers.fixed_points import FixedPoint as FixedPoint, FixedPoints as FixedPoints, fixed_points as fixed_points
from solvers.flows import FLOWS as FLOWS, evolve as evolve, evolve_population as evolve_population
from solvers.folk import (
    Minimax as Minimax,
    Threshold as Threshold,
    feasible_set as feasible_set,
    grim_threshold as grim_threshold,
    individually_rational_set as individually_rational_set,
    minimax as minimax,
    minimax_values as minimax_values,
)
from solvers.homotopy import Branch as Branch, logit_homotopy as logit_homotopy, principal_branch as principal_branch
from solvers.jacobian import (
    GradientField as GradientField,
    antisymmetric_part as antisymmetric_part,
    eigenvalues as eigenvalues,
    field_jacobian as field_jacobian,
    game_jacobian as game_jacobian,
    simultaneous_gradient as simultaneous_gradient,
    symmetric_part as symmetric_part,
)
from solvers.leader import leader_curvature as leader_curvature, leader_gradient as leader_gradient
from solvers.learning import learn as learn
from solvers.lemke_howson import lemke_howson as lemke_howson
from solvers.memory_one import (
    Deviation as Deviation,
    MemoryOneEquilibrium as MemoryOneEquilibrium,
    Verdict as Verdict,
    is_nash as is_nash,
    is_subgame_perfect as is_subgame_perfect,
    memory_one_equilibria as memory_one_equilibria,
)
from solvers.moran import (
    FixationSample as FixationSample,
    encounters as encounters,
    fixation_matrix as fixation_matrix,
    fixation_probability as fixation_probability,
    log_fixation as log_fixation,
    simulate_fixation as simulate_fixation,
)
from solvers.nash_averaging import (
    NashAverage as NashAverage,
    nash_averaging as nash_averaging,
    nash_averaging_on_tasks as nash_averaging_on_tasks,
)
from solvers.normal_form import NormalForm as NormalForm
from solvers.partners import Standing as Standing, partner_or_rival as partner_or_rival
from solvers.payoff_sets import PayoffSet as PayoffSet, equilibrium_payoffs as equilibrium_payoffs
from solvers.policy_grid import PolicyGrid as PolicyGrid, policy_grid as policy_grid, rule_on_grid as rule_on_grid
from solvers.polynomial import polynomial_equilibria as polynomial_equilibria
from solvers.pure import pure_equilibria as pure_equilibria
from solvers.quantal import QuantalResponse as QuantalResponse, quantal_response as quantal_response
from solvers.registry import SOLVERS as SOLVERS
from solvers.relations import (
    Extortion as Extortion,
    FeasiblePayoffs as FeasiblePayoffs,
    Relation as Relation,
    enforced_relation as enforced_relation,
    extortion_slope as extortion_slope,
    feasible_payoffs as feasible_payoffs,
)
from solvers.repeated import BestResponse as BestResponse, best_response as best_response, repeated_payoffs as repeated_payoffs
from solvers.response_graph import response_graph as response_graph, sink_components as sink_components
from solvers.responses import best_responses as best_responses, smoothed_best_responses as smoothed_best_responses
from solvers.selection import select as select
from solvers.solve import solve as solve
from solvers.stability import Stability as Stability, evolutionarily_stable as evolutionarily_stable, stability as stability
from solvers.stackelberg import StackelbergSolution as StackelbergSolution, stackelberg as stackelberg
from solvers.structure import equilibrium_set as equilibrium_set
from solvers.support import support_enumeration as support_enumeration
from solvers.vertex import vertex_enumeration as vertex_enumeration
from solvers.zero_sum import maximin as maximin, zero_sum as zero_sum
