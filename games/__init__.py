"""Differentiable games."""

import warnings as _warnings

from games.agents.policies import GruPolicy, MlpPolicy, TablePolicy
from games.base import Environment, Game, Joint
from games.bibliography import bibtex
from games.catalog import (
    AUTOMATON_GAMES,
    GAMES,
    axelrod_tournament,
    bach_stravinsky,
    balduzzi,
    chicken,
    chicken_bounded,
    coordination,
    hamiltonian,
    ipd_automata,
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
from games.exact.automata import Automaton, AutomatonGame
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.parameterized import (
    ExecutionErrors,
    Network,
    Parameterized,
    Preconditioned,
    Tabular,
    trembling,
)
from games.exact.smooth import Quadratic, Smooth
from games.name_clashes import hidden as _hidden
from games.registry import Entry, Registry
from games.sampled.catalog import PLAYABLE, SAMPLED, as_game
from games.sampled.estimators import Dice, LoadedDice
from games.sampled.game import Sampled
from games.strategies.codebases import CONVENTIONS, Convention
from games.strategies.finite_automata import AUTOMATA, automaton
from games.strategies.named import STRATEGIES, policy
from games.strategies.zero_determinant_lines import zero_determinant

for _sentence in _hidden():
    _warnings.warn(_sentence, stacklevel=2)

__all__ = [
    "AUTOMATA",
    "AUTOMATON_GAMES",
    "CONVENTIONS",
    "ENVIRONMENTS",
    "GAMES",
    "PLAYABLE",
    "SAMPLED",
    "STRATEGIES",
    "AutoReset",
    "Automaton",
    "AutomatonGame",
    "CoinGame",
    "Convention",
    "Dice",
    "Entry",
    "Environment",
    "ExecutionErrors",
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
    "automaton",
    "axelrod_tournament",
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
    "ipd_automata",
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
    "trembling",
    "ultimatum",
    "zero_determinant",
    "zero_sum_cycle",
]
