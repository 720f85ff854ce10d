"""Differentiable games."""

import warnings as _warnings

from games.architectures import GruPolicy as GruPolicy, MlpPolicy as MlpPolicy, TablePolicy as TablePolicy
from games.auto_reset import AutoReset as AutoReset
from games.base import Environment as Environment, Game as Game, Joint as Joint
from games.catalog import (
    GAMES as GAMES,
    bach_stravinsky as bach_stravinsky,
    balduzzi as balduzzi,
    chicken as chicken,
    chicken_bounded as chicken_bounded,
    coordination as coordination,
    hamiltonian as hamiltonian,
    ipd_axelrod as ipd_axelrod,
    ipd_coala as ipd_coala,
    ipd_contribution as ipd_contribution,
    ipd_meta_mapg as ipd_meta_mapg,
    iterated_bach_stravinsky as ibs,
    iterated_bach_stravinsky as iterated_bach_stravinsky,
    iterated_chicken as iterated_chicken,
    iterated_coordination as iterated_coordination,
    iterated_matching_pennies as imp,
    iterated_matching_pennies as iterated_matching_pennies,
    iterated_prisoners_dilemma as ipd,
    iterated_prisoners_dilemma as iterated_prisoners_dilemma,
    iterated_rock_paper_scissors as iterated_rock_paper_scissors,
    iterated_stag_hunt as iterated_stag_hunt,
    market as market,
    market_with_min as market_with_min,
    matching_pennies as matching_pennies,
    prisoners_dilemma as prisoners_dilemma,
    rock_paper_scissors as rock_paper_scissors,
    similarity_dilemma as similarity_dilemma,
    stag_hunt as stag_hunt,
    tandem as tandem,
    tandem_cubed as tandem_cubed,
    ultimatum as ultimatum,
    zero_sum_cycle as zero_sum_cycle,
)
from games.coin import CoinGame as CoinGame
from games.conventions import CONVENTIONS as CONVENTIONS, Convention as Convention
from games.dice import Dice as Dice, LoadedDice as LoadedDice
from games.environments import ENVIRONMENTS as ENVIRONMENTS
from games.in_the_matrix import InTheMatrix as InTheMatrix
from games.iterated import Iterated as Iterated
from games.matrix import MatrixGame as MatrixGame
from games.parameterized import Network as Network, Parameterized as Parameterized, Preconditioned as Preconditioned, Tabular as Tabular
from games.references import bibtex as bibtex
from games.registry import Entry as Entry, Registry as Registry
from games.repetition import Repetition as Repetition
from games.sampled import Sampled as Sampled
from games.sampled_catalog import PLAYABLE as PLAYABLE, SAMPLED as SAMPLED, as_game as as_game
from games.siblings import hidden as _hidden
from games.smooth import Quadratic as Quadratic, Smooth as Smooth
from games.strategies import STRATEGIES as STRATEGIES, policy as policy
from games.zero_determinant import zero_determinant as zero_determinant

for _sentence in _hidden():
    _warnings.warn(_sentence, stacklevel=2)
