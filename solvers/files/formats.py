"""Read and write games: Gambit's .nfg, JSON, and tables in .csv, chosen by the suffix.

Nothing in a file is evaluated.
"""

import json
import os
import pathlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from games.storage import write_whole
from solvers.base import json_number
from solvers.files import csv_tables, nfg
from solvers.files.normal_form import NormalForm, normal_form
from solvers.payoffs import number

SUFFIXES = (".nfg", ".json", ".csv")
TREE_MESSAGE = (
    "is a game tree, and only games in strategic form are read; convert it with Gambit, such as by "
    "pygambit.read_efg(file).to_nfg(other), and use the .nfg file."
)


def read_game(path: str | os.PathLike[str]) -> NormalForm:
    """Read a game from a .nfg, .json or .csv file.

    Args:
        path: the file; its suffix determines the format.

    Raises:
        ValueError: for another suffix, or for a malformed file; the message names the line and the column.
        OSError: if the file cannot be read.
    """
    path = pathlib.Path(path)
    parse = {".nfg": nfg.parse, ".json": parse_json, ".csv": csv_tables.parse}[suffix(path)]
    try:
        return parse(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8.") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_text(text: str) -> NormalForm:
    r"""Read a game from a text in one of the three formats, which is detected from its first characters.

    Raises:
        ValueError: if the text is not a game.

    Example:
        >>> read_text("3 3, 0 5\n5 0, 1 1").payoffs[0].tolist()
        [[Fraction(3, 1), Fraction(0, 1)], [Fraction(5, 1), Fraction(1, 1)]]
    """
    begins = text.removeprefix("\ufeff").lstrip()
    if not begins:
        raise ValueError("The text is empty; pass a game in the format of a .nfg, .json or .csv file.")
    if begins.startswith("EFG"):
        raise ValueError(f"The text {TREE_MESSAGE}")
    parse = parse_json if begins[0] in "{[" else nfg.parse if begins.startswith("NFG") else csv_tables.parse
    return parse(begins if parse is not csv_tables.parse else text.removeprefix("\ufeff"))


def write_game(game: Any, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write a game to a .nfg or .json file, atomically: if writing is interrupted, the old file remains.

    Args:
        game: a game as for `solve`; a `NormalForm` keeps its names.
        path: the file; its suffix determines the format.

    Returns:
        The path.

    Raises:
        ValueError: for another suffix, if `game` is not a game, or if the file cannot be written.

    Example:
        >>> import tempfile
        >>> from games import stag_hunt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     read_game(write_game(stag_hunt(), f"{folder}/stag.json")).payoffs[0].tolist()
        [[Fraction(4, 1), Fraction(0, 1)], [Fraction(3, 1), Fraction(1, 1)]]
    """
    path = pathlib.Path(path)
    write = {".nfg": nfg.text, ".json": json_text}[suffix(path, (".nfg", ".json"))]
    text = write(game)
    return write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def suffix(path: pathlib.Path, known: Sequence[str] = SUFFIXES) -> str:
    """The suffix of a path, in lower case.

    Raises:
        ValueError: if it is not among the known ones.
    """
    if path.suffix.lower() == ".efg":
        raise ValueError(f"{path} {TREE_MESSAGE}")
    if path.suffix.lower() not in known:
        raise ValueError(
            f"{path} is not a {' or '.join(known)} file; games are read from {', '.join(SUFFIXES)} and "
            "written as .nfg or .json."
        )
    return path.suffix.lower()


def parse_json(text: str) -> NormalForm:
    """Read a game from a JSON object `{name, players, actions, payoffs, comment}`.

    Decimals and `"p/q"` are read exactly.

    Args:
        text: the content of the file; `payoffs` has the shape `(n, A1, ..., An)`, all other entries are
            optional.

    Raises:
        ValueError: if the text is not JSON (the message names line and column), or the object is not a game.

    Example:
        >>> parse_json('{"payoffs": [[[0.1, "1/3"]], [[0, 1e1]]]}').payoffs[0].tolist()
        [[Fraction(1, 10), Fraction(1, 3)]]
    """
    try:
        found = convert_payoffs(
            json.loads(text, parse_int=number, parse_float=number, parse_constant=raise_not_finite)
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"The file is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError:
        raise ValueError("The file is not a game: its lists are nested too deeply.") from None
    known = {"name", "players", "actions", "payoffs", "comment"}
    if not isinstance(found, dict) or "payoffs" not in found or set(found) - known:
        raise ValueError(
            "The file is not a game: it must hold one object {name, players, actions, payoffs, comment}, of "
            "which payoffs is required."
        )
    name, players, actions = found.get("name", ""), found.get("players", []), found.get("actions", [])
    comment = found.get("comment", "")
    if not (
        is_text(name)
        and is_text(comment)
        and is_texts(players)
        and isinstance(actions, list)
        and all(map(is_texts, actions))
    ):
        raise ValueError(
            "The file is not a game: name and comment must be texts, players a list of texts, and actions "
            "one list of texts per player."
        )
    return NormalForm(found["payoffs"], name, players, actions, comment)


def is_text(entry: Any) -> bool:
    """Whether an entry is a text."""
    return isinstance(entry, str)


def is_texts(entry: Any) -> bool:
    """Whether an entry is a list of texts."""
    return isinstance(entry, list) and all(map(is_text, entry))


def convert_payoffs(found: Any) -> Any:
    """Convert the texts among the payoffs of a JSON object to numbers."""
    return (
        found | {"payoffs": convert_texts(found["payoffs"])}
        if isinstance(found, dict) and "payoffs" in found
        else found
    )


def convert_texts(entry: Any) -> Any:
    """Convert the texts in nested lists to numbers, and Booleans to None."""
    if isinstance(entry, list):
        return [convert_texts(x) for x in entry]
    return number(entry) if is_text(entry) else None if isinstance(entry, bool) else entry


def raise_not_finite(word: str) -> Fraction:
    """Raise a `ValueError` for NaN and infinite numbers."""
    raise ValueError(f"{word} is not a payoff; every payoff must be a finite number.")


def json_text(game: Any) -> str:
    """A game in JSON; integers stay integers, other rationals become `"p/q"`."""
    form = normal_form(game)
    payoffs = plain_lists(form.payoffs.tolist())
    fields = {"name": form.name, "players": form.players, "actions": form.actions, "payoffs": payoffs}
    return json.dumps(fields | ({"comment": form.comment} if form.comment else {}), ensure_ascii=False) + "\n"


def plain_lists(entry: Any) -> Any:
    """Convert nested lists of rationals for JSON."""
    return [plain_lists(x) for x in entry] if isinstance(entry, list) else json_number(entry)
