"""Named strategies of repeated games, zero-determinant strategies, and conventions of other codebases."""

from games.strategies.codebases import CONVENTIONS, Convention
from games.strategies.finite_automata import AUTOMATA, automaton
from games.strategies.named import STRATEGIES, policy
from games.strategies.zero_determinant_lines import zero_determinant

__all__ = ["AUTOMATA", "CONVENTIONS", "STRATEGIES", "Convention", "automaton", "policy", "zero_determinant"]
