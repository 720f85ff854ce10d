"""Rules of learning in normal-form games: fictitious play, regret matching, multiplicative weights."""

from solvers.learning.play import learn
from solvers.learning.rules import DYNAMICS

__all__ = ["DYNAMICS", "learn"]
