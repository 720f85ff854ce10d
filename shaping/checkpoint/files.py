"""The files of a checkpoint, and what is checked when they are read."""

import hashlib
import importlib.metadata
import io
import json
import pathlib
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from games.storage import LOCK, SUM, is_intact

FORMAT = 3
"""The version of the layout: 3 names classes by `shaping.checkpoint.classes`."""
READABLE = (2, 3)
"""The versions that can be read. In version 2, classes had the names of their modules."""
HEADER = "learner.json"
"""The file that names all others."""
PARTS = ("game", "learner", "state", "note", "arrays")
"""Entries of a header."""
UNSIGNED = frozenset(("format", "lab", *PARTS))
"""Entries of the headers that were written before headers had a hash."""


def is_ours(path: pathlib.Path) -> bool:
    """Whether a file has the name of a checkpoint's file, complete or temporary.

    Example:
        >>> [is_ours(pathlib.Path(name)) for name in ("learner.json", "arrays-0123456789abcdef.npz", "arrays-mine.npz")]
        [True, True, False]
    """
    return (
        path.name == LOCK
        or re.fullmatch(r"\.?arrays-[0-9a-f]{16}(-\w+)?\.npz|learner\.json|\.learner-\w+\.json", path.name)
        is not None
    )


def is_trace(path: pathlib.Path) -> bool:
    """Whether a file or a folder of a seat was left by a training killed before its first save."""
    if not path.is_dir():
        return is_ours(path)
    if not re.fullmatch(r"seat_\d+", path.name) or not all(map(is_ours, path.iterdir())):
        return False
    opponents = (
        header(path)["note"].get("opponents", {})
        if (path / HEADER).exists()
        else {"seat 0": "trained", "seat 1": "trained"}
    )
    return list(opponents.values()).count("trained") > 1  # a training of its own has one open seat


def lab() -> str | None:
    """The laboratory's version, if it is installed."""
    try:
        return importlib.metadata.version("opponent-shaping-lab")
    except importlib.metadata.PackageNotFoundError:
        return None


def header(folder: pathlib.Path) -> dict[str, Any]:
    """The header, after a check of its form."""
    path = folder / HEADER
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise ValueError(
            f"The folder {str(folder)!r} holds no trained learner: there is no {HEADER}; name one written by save."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{str(path)!r} cannot be read ({type(error).__name__}); restore the folder from a copy, or train again."
        ) from error
    if not isinstance(found, dict) or "format" not in found:
        raise ValueError(f"{str(path)!r} is no header of a trained learner; name a folder written by save.")
    if found["format"] not in READABLE:
        raise ValueError(
            f"{str(path)!r} has format {found['format']!r}, written by version {found.get('lab')} of the laboratory; this one, {lab()}, "
            f"reads formats {' and '.join(map(str, READABLE))}: install that version, or train again."
        )
    if missing := set(PARTS) - set(found):
        raise ValueError(
            f"{str(path)!r} lacks {', '.join(sorted(missing))}; restore the folder from a copy, or train again."
        )
    whole = set(found) == UNSIGNED if SUM not in found else is_intact(found)
    if not whole or not _is_formed(found):
        raise ValueError(
            f"{str(path)!r} is damaged: it is not what was written; restore the folder from a copy, or train again."
        )
    return found


def _is_formed(header: dict[str, Any]) -> bool:
    """Whether a header's entries have the right types."""
    match header:
        case {
            "game": None | {"name": str(), "settings": dict()},
            "learner": {"name": str(), "settings": dict()},
            "arrays": {"file": str(), "sha256": str()},
            "note": dict(),
        }:
            return True
    return False


def arrays(folder: pathlib.Path, header: dict[str, Any]) -> dict[str, np.ndarray]:
    """The arrays, after a check of their hash."""
    path = folder / pathlib.Path(header["arrays"]["file"]).name
    try:
        content = path.read_bytes()
    except OSError:
        raise ValueError(
            f"The folder {str(folder)!r} lacks {path.name}; restore it from a copy, or train again."
        ) from None
    if hashlib.sha256(content).hexdigest() != header["arrays"]["sha256"]:
        raise ValueError(f"{str(path)!r} is truncated or altered; restore it from a copy, or train again.")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            return dict(held)
    except (ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{str(path)!r} holds no arrays; restore it from a copy, or train again.") from error


def told(folder: pathlib.Path, header: dict[str, Any]) -> Callable[[str], str]:
    """A function that makes a sentence about this checkpoint."""

    def sentence(what: str) -> str:
        return f"The checkpoint {str(folder)!r}, written by version {header['lab']} of the laboratory (this one is {lab()}), {what}."

    return sentence
