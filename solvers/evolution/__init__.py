"""Evolutionary stability, finite populations, and the rankings that come from them."""

from solvers.evolution.alpha_ranking import AlphaRank, alpha_rank
from solvers.evolution.cross_play import square_table
from solvers.evolution.evolutionary_stability import Stability, evolutionarily_stable, stability
from solvers.evolution.flows import FLOWS, evolve, evolve_population
from solvers.evolution.moran import (
    FixationSample,
    encounters,
    fixation_matrix,
    fixation_probability,
    log_fixation,
    simulate_fixation,
)
from solvers.evolution.nash_averages import NashAverage, nash_averaging, nash_averaging_on_tasks
from solvers.evolution.response_graphs import response_graph, sink_components

__all__ = [
    "FLOWS",
    "AlphaRank",
    "FixationSample",
    "NashAverage",
    "Stability",
    "alpha_rank",
    "encounters",
    "evolutionarily_stable",
    "evolve",
    "evolve_population",
    "fixation_matrix",
    "fixation_probability",
    "log_fixation",
    "nash_averaging",
    "nash_averaging_on_tasks",
    "response_graph",
    "simulate_fixation",
    "sink_components",
    "square_table",
    "stability",
]
