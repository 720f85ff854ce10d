"""Networks that learners hold and trainings fit."""

from shaping.networks.meta_value import ValueNetwork, lambda_targets, quantile_loss
from shaping.networks.policies import Categorical, Gaussian, categorical, gaussian

__all__ = [
    "Categorical",
    "Gaussian",
    "ValueNetwork",
    "categorical",
    "gaussian",
    "lambda_targets",
    "quantile_loss",
]
