"""Learners, one idea per file; none imports another."""

from shaping.learners.advantage_alignment import AdvantageAlignment
from shaping.learners.cgd import Cgd
from shaping.learners.cola import Cola
from shaping.learners.consensus import Consensus
from shaping.learners.extragradient import Extragradient
from shaping.learners.fixed import Fixed, FixedAutomaton, Settled
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

__all__ = [
    "AdvantageAlignment",
    "Cgd",
    "Cola",
    "Consensus",
    "Extragradient",
    "Fixed",
    "FixedAutomaton",
    "Hola",
    "Lola",
    "LookAhead",
    "Loqa",
    "Lss",
    "Meva",
    "Mfos",
    "Mmaml",
    "Naive",
    "Optimistic",
    "Phc",
    "Pola",
    "PolaDice",
    "Ppo",
    "QLearning",
    "Scripted",
    "Settled",
    "Sga",
    "Sos",
]
