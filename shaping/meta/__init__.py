"""The meta-game, a match against learners seen as a game and as an environment, and gradients through it."""

from shaping.meta.bounded_gradients import bounded
from shaping.meta.game import MetaGame, MetaState
from shaping.meta.gradient_terms import detached

__all__ = ["MetaGame", "MetaState", "bounded", "detached"]
