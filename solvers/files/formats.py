"""Games on disk: Gambit's .nfg, a plain JSON form and tables of pairs, chosen by the suffix; nothing in a file is evaluated."""

import json
import os
import pathlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from games.storage import write_whole
from solvers.base import plain
from solvers.files import csv_tables, nfg
from solvers.files.normal_form import NormalForm, normal_form
from solvers.payoffs import number

SUFFIXES = (".nfg", ".json", ".csv")
TREE = (
    "is a game tree, and games are solved in strategic form here; write that with Gambit, as pygambit.read_efg(file).to_nfg(other) does, "
    "and give the .nfg file."
)


def read_game(path: str | os.PathLike[str]) -> NormalForm:
    """The game in a .nfg, .json or .csv file.

    Args:
        path: its suffix says the form.

    Raises:
        ValueError: for another suffix, or in one sentence with line and column for a malformed file.
        OSError: for a file that cannot be read.
    """
    path = pathlib.Path(path)
    parse = {".nfg": nfg.parse, ".json": parse_json, ".csv": csv_tables.parse}[suffix(path)]
    try:
        return parse(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start + 1} is no UTF-8; save the file as UTF-8.") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_text(text: str) -> NormalForm:
    r"""The game that a text describes, in whichever of the three forms it is.

    Raises:
        ValueError: for a text that is no game.

    Example:
        >>> read_text("3 3, 0 5\n5 0, 1 1").payoffs[0].tolist()
        [[Fraction(3, 1), Fraction(0, 1)], [Fraction(5, 1), Fraction(1, 1)]]
    """
    begins = text.removeprefix("\ufeff").lstrip()
    if not begins:
        raise ValueError("The text is empty; give a game in the form of a .nfg, .json or .csv file.")
    if begins.startswith("EFG"):
        raise ValueError(f"The text {TREE}")
    parse = parse_json if begins[0] in "{[" else nfg.parse if begins.startswith("NFG") else csv_tables.parse
    return parse(begins if parse is not csv_tables.parse else text.removeprefix("\ufeff"))


def write_game(game: Any, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write a game, whole or not at all.

    Args:
        game: whatever solvers take; a `NormalForm` keeps its names.
        path: its suffix says the form.

    Raises:
        ValueError: for another suffix, for payoffs that are no game, and where the file cannot be written.

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
    """A known suffix.

    Raises:
        ValueError: for another one.
    """
    if path.suffix.lower() == ".efg":
        raise ValueError(f"{path} {TREE}")
    if path.suffix.lower() not in known:
        raise ValueError(
            f"{path} is no {' or '.join(known)} file; games are read from {', '.join(SUFFIXES)} and written as .nfg or .json."
        )
    return path.suffix.lower()


def parse_json(text: str) -> NormalForm:
    """The game that a JSON object `{name, players, actions, payoffs, comment}` describes; decimals and `"p/q"` are exact.

    Args:
        text: the whole file; `payoffs` is nested as `(n, A1, ..., An)`, and all else may be left out.

    Raises:
        ValueError: for text that is no JSON (line and column), another object, or payoffs that are no game.

    Example:
        >>> parse_json('{"payoffs": [[[0.1, "1/3"]], [[0, 1e1]]]}').payoffs[0].tolist()
        [[Fraction(1, 10), Fraction(1, 3)]]
    """
    try:
        found = exact_numbers(
            json.loads(text, parse_int=number, parse_float=number, parse_constant=not_finite)
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"The file is no JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError:
        raise ValueError("The file is no game: its lists are nested too deeply.") from None
    known = {"name", "players", "actions", "payoffs", "comment"}
    if not isinstance(found, dict) or "payoffs" not in found or set(found) - known:
        raise ValueError(
            "The file is no game: it must hold one object {name, players, actions, payoffs, comment}, of which payoffs is required."
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
            "The file is no game: name and comment must be texts, players a list of texts, and actions one list of texts per player."
        )
    return NormalForm(found["payoffs"], name, players, actions, comment)


def is_text(entry: Any) -> bool:
    """Whether an entry is a text."""
    return isinstance(entry, str)


def is_texts(entry: Any) -> bool:
    """Whether an entry is a list of texts."""
    return isinstance(entry, list) and all(map(is_text, entry))


def exact_numbers(found: Any) -> Any:
    """An object whose payoffs, where they are texts, are read as numbers."""
    return (
        found | {"payoffs": exact(found["payoffs"])}
        if isinstance(found, dict) and "payoffs" in found
        else found
    )


def exact(entry: Any) -> Any:
    """Nested lists whose texts are read as numbers, and truth values as none."""
    if isinstance(entry, list):
        return [exact(x) for x in entry]
    return number(entry) if is_text(entry) else None if isinstance(entry, bool) else entry


def not_finite(word: str) -> Fraction:
    """Refuse NaN and infinite numbers, which JSON does not have."""
    raise ValueError(f"{word} is no payoff; every payoff must be a finite number.")


def json_text(game: Any) -> str:
    """A game in the JSON form: integers as they are, other rationals as `"p/q"`."""
    form = normal_form(game)
    payoffs = plain_lists(form.payoffs.tolist())
    fields = {"name": form.name, "players": form.players, "actions": form.actions, "payoffs": payoffs}
    return json.dumps(fields | ({"comment": form.comment} if form.comment else {}), ensure_ascii=False) + "\n"


def plain_lists(entry: Any) -> Any:
    """Nested lists of rationals as JSON holds them."""
    return [plain_lists(x) for x in entry] if isinstance(entry, list) else plain(entry)
