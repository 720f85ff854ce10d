"""Differentiable games."""

import warnings as _warnings

from games.agents.policies import GruPolicy, MlpPolicy, TablePolicy
from games.base import Environment, Game, Joint
from games.bibliography import bibtex
from games.catalog import (
    GAMES,
    bach_stravinsky,
    balduzzi,
    chicken,
    chicken_bounded,
    coordination,
    hamiltonian,
    ipd_axelrod,
    ipd_coala,
    ipd_contribution,
    ipd_meta_mapg,
    iterated_bach_stravinsky,
    iterated_bach_stravinsky as ibs,
    iterated_chicken,
    iterated_coordination,
    iterated_matching_pennies,
    iterated_matching_pennies as imp,
    iterated_prisoners_dilemma,
    iterated_prisoners_dilemma as ipd,
    iterated_rock_paper_scissors,
    iterated_stag_hunt,
    market,
    market_with_min,
    matching_pennies,
    prisoners_dilemma,
    rock_paper_scissors,
    similarity_dilemma,
    stag_hunt,
    tandem,
    tandem_cubed,
    ultimatum,
    zero_sum_cycle,
)
from games.environments.auto_reset import AutoReset
from games.environments.catalog import ENVIRONMENTS
from games.environments.coin import CoinGame
from games.environments.in_the_matrix import InTheMatrix
from games.environments.repeated_matrix import Repetition
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.parameterized import (
    Network,
    Parameterized,
    Preconditioned,
    Tabular,
)
from games.exact.smooth import Quadratic, Smooth
from games.name_clashes import hidden as _hidden
from games.registry import Entry, Registry
from games.sampled.catalog import PLAYABLE, SAMPLED, as_game
from games.sampled.estimators import Dice, LoadedDice
from games.sampled.game import Sampled
from games.strategies.codebases import CONVENTIONS, Convention
from games.strategies.named import STRATEGIES, policy
from games.strategies.zero_determinant_lines import zero_determinant

for _sentence in _hidden():
    _warnings.warn(_sentence, stacklevel=2)

__all__ = [
    "CONVENTIONS",
    "ENVIRONMENTS",
    "GAMES",
    "PLAYABLE",
    "SAMPLED",
    "STRATEGIES",
    "AutoReset",
    "CoinGame",
    "Convention",
    "Dice",
    "Entry",
    "Environment",
    "Game",
    "GruPolicy",
    "InTheMatrix",
    "Iterated",
    "Joint",
    "LoadedDice",
    "MatrixGame",
    "MlpPolicy",
    "Network",
    "Parameterized",
    "Preconditioned",
    "Quadratic",
    "Registry",
    "Repetition",
    "Sampled",
    "Smooth",
    "TablePolicy",
    "Tabular",
    "as_game",
    "bach_stravinsky",
    "balduzzi",
    "bibtex",
    "chicken",
    "chicken_bounded",
    "coordination",
    "hamiltonian",
    "ibs",
    "imp",
    "ipd",
    "ipd_axelrod",
    "ipd_coala",
    "ipd_contribution",
    "ipd_meta_mapg",
    "iterated_bach_stravinsky",
    "iterated_chicken",
    "iterated_coordination",
    "iterated_matching_pennies",
    "iterated_prisoners_dilemma",
    "iterated_rock_paper_scissors",
    "iterated_stag_hunt",
    "market",
    "market_with_min",
    "matching_pennies",
    "policy",
    "prisoners_dilemma",
    "rock_paper_scissors",
    "similarity_dilemma",
    "stag_hunt",
    "tandem",
    "tandem_cubed",
    "ultimatum",
    "zero_determinant",
    "zero_sum_cycle",
]
