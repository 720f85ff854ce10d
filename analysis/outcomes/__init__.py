"""Social outcomes of matches: welfare, cooperation, exploitability, extortion, and how learning went."""

from analysis.memory_one import outcome_frequencies, payoffs_against_all
from analysis.outcomes.anarchy import equilibrium_welfare, price_of_anarchy, price_of_stability, price_ratio
from analysis.outcomes.convergence import convergence_steps, diverged_share
from analysis.outcomes.cooperation import action_frequency
from analysis.outcomes.exploitability import best_deviation_gain, left_by_best_response
from analysis.outcomes.extortion import Line, exploitation, line_through, zero_determinant_line
from analysis.outcomes.game_facts import GameFacts, cooperative_action
from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.pareto import distance_to_frontier, pareto_frontier
from analysis.outcomes.partners import is_partner, is_rival, standings_of
from analysis.outcomes.reciprocity import behavior_distance, named_strategies, reciprocity_index
from analysis.outcomes.registry import OUTCOMES, Undefined
from analysis.outcomes.robustness import value_against_naive
from analysis.outcomes.table import outcomes
from analysis.outcomes.welfare import (
    egalitarian_welfare,
    envy,
    gini_coefficient,
    nash_product,
    utilitarian_welfare,
    welfare_efficiency,
)

__all__ = [
    "OUTCOMES",
    "GameFacts",
    "Line",
    "PlayedMatch",
    "Undefined",
    "action_frequency",
    "behavior_distance",
    "best_deviation_gain",
    "convergence_steps",
    "cooperative_action",
    "distance_to_frontier",
    "diverged_share",
    "egalitarian_welfare",
    "envy",
    "equilibrium_welfare",
    "exploitation",
    "gini_coefficient",
    "is_partner",
    "is_rival",
    "left_by_best_response",
    "line_through",
    "named_strategies",
    "nash_product",
    "outcome_frequencies",
    "outcomes",
    "pareto_frontier",
    "payoffs_against_all",
    "price_of_anarchy",
    "price_of_stability",
    "price_ratio",
    "reciprocity_index",
    "standings_of",
    "utilitarian_welfare",
    "value_against_naive",
    "welfare_efficiency",
    "zero_determinant_line",
]
