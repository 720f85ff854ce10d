"""Shaping learners."""

import games as _games

if not hasattr(_games, "GAMES"):
    _place = _games.__spec__.origin or next(iter(_games.__path__))
    raise ImportError(
        f"{_place} hides the laboratory's package 'games'; rename it, or start Python in another folder."
    )

from shaping.arguments import as_learner
from shaping.base import Learner, View
from shaping.catalog import LEARNERS
from shaping.learners.advantage_alignment import AdvantageAlignment
from shaping.learners.cgd import Cgd
from shaping.learners.cola import Cola
from shaping.learners.consensus import Consensus
from shaping.learners.extragradient import Extragradient
from shaping.learners.fixed import Fixed, FixedAutomaton
from shaping.learners.hola import Hola
from shaping.learners.lola import Lola
from shaping.learners.lookahead import LookAhead
from shaping.learners.loqa import Loqa
from shaping.learners.lss import Lss
from shaping.learners.meva import Meva
from shaping.learners.mfos import Mfos
from shaping.learners.mmaml import Mmaml
from shaping.learners.naive import Naive
from shaping.learners.optimistic import Optimistic
from shaping.learners.phc import Phc
from shaping.learners.pola import Pola
from shaping.learners.pola_dice import PolaDice
from shaping.learners.ppo import Ppo
from shaping.learners.q_learning import QLearning
from shaping.learners.scripted import Scripted
from shaping.learners.sga import Sga
from shaping.learners.sos import Sos
from shaping.match import Match, play
from shaping.meta.bounded_gradients import bounded
from shaping.meta.game import MetaGame
from shaping.sweeps import Sweep, sweep
from shaping.training import (
    TRAINERS,
    AscentTrainer,
    ColaTrainer,
    GradientTrainer,
    MatchTrainer,
    MevaTrainer,
    MfosTrainer,
    MmamlTrainer,
    PolicyTrainer,
    Trainer,
    run,
)
from shaping.wrappers.basic import (
    Alternating,
    Clipped,
    EveryK,
    Frozen,
    Optimized,
)
from shaping.wrappers.opponent_model import OpponentModel
from shaping.wrappers.past_opponents import AgainstPast

__all__ = [
    "LEARNERS",
    "TRAINERS",
    "AdvantageAlignment",
    "AgainstPast",
    "Alternating",
    "AscentTrainer",
    "Cgd",
    "Clipped",
    "Cola",
    "ColaTrainer",
    "Consensus",
    "EveryK",
    "Extragradient",
    "Fixed",
    "FixedAutomaton",
    "Frozen",
    "GradientTrainer",
    "Hola",
    "Learner",
    "Lola",
    "LookAhead",
    "Loqa",
    "Lss",
    "Match",
    "MatchTrainer",
    "MetaGame",
    "Meva",
    "MevaTrainer",
    "Mfos",
    "MfosTrainer",
    "Mmaml",
    "MmamlTrainer",
    "Naive",
    "OpponentModel",
    "Optimistic",
    "Optimized",
    "Phc",
    "Pola",
    "PolaDice",
    "PolicyTrainer",
    "Ppo",
    "QLearning",
    "Scripted",
    "Sga",
    "Sos",
    "Sweep",
    "Trainer",
    "View",
    "as_learner",
    "bounded",
    "play",
    "run",
    "sweep",
]
