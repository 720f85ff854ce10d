"""Normal-form games in files: Gambit's .nfg, JSON, and tables in .csv."""

from solvers.files.formats import read_game, write_game
from solvers.files.normal_form import NormalForm

__all__ = ["NormalForm", "read_game", "write_game"]
