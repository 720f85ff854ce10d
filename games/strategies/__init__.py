"""Named strategies of repeated games, zero-determinant strategies, and conventions of other codebases."""

from games.strategies.codebases import CONVENTIONS, Convention
from games.strategies.named import STRATEGIES, policy
from games.strategies.zero_determinant_lines import zero_determinant

__all__ = ["CONVENTIONS", "STRATEGIES", "Convention", "policy", "zero_determinant"]
