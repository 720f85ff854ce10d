"""Optimizers of policies that learn by playing an environment alone: nothing is differentiated but the policy itself."""

from shaping.model_free.annealed import Annealed, Apart
from shaping.model_free.base import Method, Report
from shaping.model_free.es import Es
from shaping.model_free.ga import Ga
from shaping.model_free.loop import METHODS, Trained, train
from shaping.model_free.ppo import Ppo
from shaping.networks.policies import Categorical, Gaussian, categorical, gaussian

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
    "Trained",
    "categorical",
    "gaussian",
    "train",
]
