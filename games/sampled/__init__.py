"""Environments as games: values are estimated from batches of episodes and differentiable to any order."""

from games.sampled.catalog import PLAYABLE, SAMPLED, as_game
from games.sampled.episodes import Sample, sample
from games.sampled.estimators import Dice, LoadedDice, Paths, advantages, returns
from games.sampled.game import Sampled

__all__ = [
    "PLAYABLE",
    "SAMPLED",
    "Dice",
    "LoadedDice",
    "Paths",
    "Sample",
    "Sampled",
    "advantages",
    "as_game",
    "returns",
    "sample",
]
