"""Trainings: one file per trainer, the loop that runs them, and their folders."""

from shaping.training.ascent import AscentTrainer, GradientTrainer
from shaping.training.catalog import SELF, TRAINERS
from shaping.training.cola import ColaTrainer
from shaping.training.loop import Run, run
from shaping.training.match import MatchTrainer
from shaping.training.meva import MevaTrainer
from shaping.training.mfos import MfosTrainer
from shaping.training.mmaml import MmamlTrainer
from shaping.training.policies import PolicyTrainer
from shaping.training.presets import PRESETS, preset
from shaping.training.run_folder import Outcome, train
from shaping.training.trainer import Trainer, Values

__all__ = [
    "PRESETS",
    "SELF",
    "TRAINERS",
    "AscentTrainer",
    "ColaTrainer",
    "GradientTrainer",
    "MatchTrainer",
    "MevaTrainer",
    "MfosTrainer",
    "MmamlTrainer",
    "Outcome",
    "PolicyTrainer",
    "Run",
    "Trainer",
    "Values",
    "preset",
    "run",
    "train",
]
