"""Games on disk: Gambit files, JSON, spreadsheets."""

from solvers.files.formats import read_game, write_game
from solvers.files.normal_form import NormalForm

__all__ = ["NormalForm", "read_game", "write_game"]
