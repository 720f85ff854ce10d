"""Shaping learners."""

import games as _games

if not hasattr(_games, "GAMES"):
    _place = _games.__spec__.origin or next(iter(_games.__path__))
    raise ImportError(f"{_place} hides the laboratory's package 'games'; rename it, or start Python in another folder.")

from shaping.ascent import ascend as ascend
from shaping.base import Learner as Learner, View as View
from shaping.bounded import bounded as bounded
from shaping.catalog import LEARNERS as LEARNERS, as_learner as as_learner
from shaping.learners.advantage_alignment import AdvantageAlignment as AdvantageAlignment
from shaping.learners.cgd import Cgd as Cgd
from shaping.learners.cola import Cola as Cola
from shaping.learners.consensus import Consensus as Consensus
from shaping.learners.extragradient import Extragradient as Extragradient
from shaping.learners.fixed import Fixed as Fixed
from shaping.learners.hola import Hola as Hola
from shaping.learners.lola import Lola as Lola
from shaping.learners.lookahead import LookAhead as LookAhead
from shaping.learners.loqa import Loqa as Loqa
from shaping.learners.lss import Lss as Lss
from shaping.learners.meva import Meva as Meva
from shaping.learners.mfos import Mfos as Mfos
from shaping.learners.mmaml import Mmaml as Mmaml, train_mmaml as train_mmaml
from shaping.learners.naive import Naive as Naive
from shaping.learners.optimistic import Optimistic as Optimistic
from shaping.learners.phc import Phc as Phc
from shaping.learners.pola import Pola as Pola
from shaping.learners.pola_dice import PolaDice as PolaDice
from shaping.learners.ppo import Ppo as Ppo
from shaping.learners.q_learning import QLearning as QLearning
from shaping.learners.sga import Sga as Sga
from shaping.learners.sos import Sos as Sos
from shaping.match import Match as Match, play as play
from shaping.meta import MetaGame as MetaGame
from shaping.opponent_model import OpponentModel as OpponentModel
from shaping.past import AgainstPast as AgainstPast
from shaping.scripted import Scripted as Scripted
from shaping.sweep import Sweep as Sweep, sweep as sweep
from shaping.train_meva import MevaSettings as MevaSettings, train_meva as train_meva
from shaping.train_mfos import train_mfos as train_mfos
from shaping.wrappers import Alternating as Alternating, Clipped as Clipped, EveryK as EveryK, Frozen as Frozen, Optimized as Optimized
