"""Learners made of a learner."""

from shaping.wrappers.basic import Alternating, Clipped, EveryK, Frozen, Optimized
from shaping.wrappers.opponent_model import OpponentModel
from shaping.wrappers.past_opponents import AgainstPast

__all__ = ["AgainstPast", "Alternating", "Clipped", "EveryK", "Frozen", "OpponentModel", "Optimized"]
