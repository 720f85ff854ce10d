"""Trainings: one file per trainer, and what runs, keeps and resumes them."""

from shaping.training.folder import TRAININGS, Outcome, train
from shaping.training.match import train_match
from shaping.training.meva import MevaSettings, train_meva
from shaping.training.mfos import train_mfos
from shaping.training.mmaml import train_mmaml
from shaping.training.presets import PRESETS, SELF, preset

__all__ = [
    "PRESETS",
    "SELF",
    "TRAININGS",
    "MevaSettings",
    "Outcome",
    "preset",
    "train",
    "train_match",
    "train_meva",
    "train_mfos",
    "train_mmaml",
]
