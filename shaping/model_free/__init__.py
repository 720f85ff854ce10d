"""Optimizers of policies that learn from playing an environment, without derivatives of the environment."""

from shaping.model_free.annealed import Annealed, Apart
from shaping.model_free.base import Method, Report
from shaping.model_free.es import Es
from shaping.model_free.ga import Ga
from shaping.model_free.ppo import Ppo
from shaping.networks.policies import Categorical, Gaussian, categorical, gaussian

METHODS: dict[str, type[Method]] = {"ppo": Ppo, "es": Es, "ga": Ga}
"""The optimizers by name."""

__all__ = [
    "METHODS",
    "Annealed",
    "Apart",
    "Categorical",
    "Es",
    "Ga",
    "Gaussian",
    "Method",
    "Ppo",
    "Report",
    "categorical",
    "gaussian",
]
