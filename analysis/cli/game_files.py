"""Games of the command line that are files, or `-` for standard input."""

import os
import pathlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from games import MatrixGame
    from solvers import NormalForm


def holds_game(word: str) -> bool:
    """Whether the word names a file."""
    from solvers.files.formats import SUFFIXES

    return word == "-" or os.sep in word or pathlib.Path(word).suffix.lower() in (*SUFFIXES, ".efg", ".gbt")


def read(word: str, given: Mapping[str, Any]) -> "NormalForm":
    """The game in a file, or on standard input.

    Raises:
        ValueError: for settings, which a file does not have, and for a missing or malformed file.
    """
    from solvers.files.formats import read_game, read_text

    if given:
        raise ValueError(f"{word} is a file, which has no settings; --set is for games by name.")
    if word != "-":
        if not pathlib.Path(word).is_file():
            raise ValueError(f"There is no file {word}.")
        return read_game(word)
    try:
        return read_text(sys.stdin.read())
    except UnicodeDecodeError:
        raise ValueError("Standard input is no UTF-8; give it as UTF-8.") from None
    except ValueError as error:
        raise ValueError(f"Standard input: {error}") from error


def game_label(word: str) -> str:
    """A game's name in tables and file names: of a file, its name without folder and suffix.

    Example:
        >>> game_label("games/chicken.nfg"), game_label("-"), game_label("ipd")
        ('chicken', 'stdin', 'ipd')
    """
    return ("stdin" if word == "-" else pathlib.Path(word).stem) if holds_game(word) else word


def matrix_game(word: str, given: Mapping[str, Any]) -> "MatrixGame":
    """The one-shot matrix game in a file.

    Raises:
        ValueError: as `read` does, and for a player with one action.
    """
    from games import MatrixGame

    try:
        return MatrixGame(read(word, given).payoffs, game_label(word))
    except ValueError as error:
        reason = str(error)
        raise ValueError(
            reason if reason.startswith((word, "There is no", "Standard input")) else f"{word}: {reason}"
        ) from error
