"""Environments: games played step by step, by `reset` and `step`."""

from games.environments.auto_reset import AutoReset
from games.environments.catalog import ENVIRONMENTS, coin_jaxmarl, coin_mfos, ipd_in_the_matrix, repetition
from games.environments.coin import CoinGame
from games.environments.in_the_matrix import InTheMatrix
from games.environments.repeated_matrix import Repetition
from games.environments.rollouts import Trajectory

__all__ = [
    "ENVIRONMENTS",
    "AutoReset",
    "CoinGame",
    "InTheMatrix",
    "Repetition",
    "Trajectory",
    "coin_jaxmarl",
    "coin_mfos",
    "ipd_in_the_matrix",
    "repetition",
]
