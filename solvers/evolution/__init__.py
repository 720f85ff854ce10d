"""Evolution: stability against mutants, population dynamics, and the Moran process of finite populations."""

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
from solvers.evolution.square_tables import square_table

__all__ = [
    "FLOWS",
    "FixationSample",
    "Stability",
    "encounters",
    "evolutionarily_stable",
    "evolve",
    "evolve_population",
    "fixation_matrix",
    "fixation_probability",
    "log_fixation",
    "simulate_fixation",
    "square_table",
    "stability",
]
