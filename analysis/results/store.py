"""Results on disk: one Parquet file per game beside the specification that all of them answer to, each with its provenance.

A file is written under a temporary name and moved, so that it is whole or absent; a run goes on by skipping
the games whose file exists. Every file carries a hash of its rows and of its note, its pages carry checksums,
and one process at a time writes to a folder. Nothing is ever unpickled.
"""

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.results.specification import differences, fingerprint, shared
from games.checks import as_folder
from games.storage import SUM, alone, is_intact, remove_temporaries, signed, write_whole as write_whole

SPECIFICATION = "specification.json"
KEY = b"opponent_shaping_lab"
PICTURES = ("heatmap", "curves")
"""What is drawn beside the rows."""
UNSIGNED = frozenset(("hash", "specification", "provenance"))
"""What the note of a file holds that was written before notes had a hash."""


class Store:
    """The folder of one run; `with store:` holds it, so that no other process writes to it.

    Args:
        folder: where; made if it does not exist.
        specification: what was asked for, as plain data.
        games: the names of the games, which name the files.
        force: replace what another specification, or this one, left there.
        grows: whether the folder may hold a part of what is asked for: fewer learners, games or seeds of a
            tournament.

    Raises:
        ValueError: if the folder cannot be written, is in use by another run, or holds the results of another
            specification.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        specification: Mapping[str, Any],
        games: tuple[str, ...],
        force: bool = False,
        grows: bool = False,
    ):
        self.folder = as_folder(folder)
        self.specification = json.loads(json.dumps(specification))
        self.games = games
        self.grows = grows
        for game in games:
            if not _is_name(game):
                raise ValueError(
                    f"The game name {game!r} cannot name a file; use letters, digits, dots, dashes and underscores."
                )
        if force or _read(self.folder) != self._whole():
            self._make()
            with alone(self.folder):
                self._open(force)
        remove_temporaries(self.folder, {*self.games, *PICTURES, pathlib.Path(SPECIFICATION).stem})

    def __enter__(self) -> "Store":
        self._held = contextlib.ExitStack()
        self._held.enter_context(alone(self.folder))
        if _read(self.folder) != self._whole():  # another run has been here since
            self._open(False)
        return self

    def __exit__(self, *_: Any) -> None:
        self._held.close()

    def _make(self) -> None:
        """Make the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise ValueError(
                f"The folder {str(self.folder)!r} cannot be written ({error.strerror}); name one that can, with --out or out=."
            ) from error

    def _whole(self) -> dict[str, Any]:
        """What the file of the specification holds."""
        return {"hash": fingerprint(self.specification), "specification": self.specification}

    def _open(self, force: bool) -> None:
        """Find in the folder what belongs to the same specification, or clear it away."""
        path = self.folder / SPECIFICATION
        there = _read(self.folder) if force else _intact(self.folder)
        games = _games(there)
        if strange := next((name for name in games if not _is_name(name)), None):
            raise ValueError(
                f"{str(path)!r} names a game {strange!r}, as no run does; name another folder, or remove that file."
            )
        if force:
            for game in {*self.games, *games}:
                self.path(game).unlink(missing_ok=True)
        elif there is None:
            found = [game for game in self.games if self.path(game).exists()]
            if found or path.exists():
                held = (
                    SPECIFICATION + " that is no JSON object"
                    if path.exists()
                    else f"{found[0]}.parquet but no {SPECIFICATION}"
                )
                raise ValueError(
                    f"The folder {str(self.folder)!r} holds {held}; name another folder, or replace it with --force."
                )
        elif found := differences(there["specification"], self._asked_of(there["specification"])):
            more = f", and {len(found) - 3} more differences" if len(found) > 3 else ""
            raise ValueError(
                f"The folder {str(self.folder)!r} holds another specification's results: {'; '.join(found[:3])}{more}. "
                "Name another folder, or replace them with --force."
            )
        self.write(
            SPECIFICATION, lambda target: target.write_text(json.dumps(self._whole(), indent=1) + "\n")
        )

    def _asked_of(self, there: Mapping[str, Any]) -> dict[str, Any]:
        """What is asked of results of another specification: that which both have, where the folder may grow."""
        return shared(self.specification, dict(there)) if self.grows else self.specification

    def path(self, game: str) -> pathlib.Path:
        """Where a game's rows are."""
        return self.folder / f"{game}.parquet"

    def done(self) -> tuple[str, ...]:
        """The games whose results are here."""
        return tuple(game for game in self.games if self.path(game).exists())

    def write(self, name: str, save: Callable[[pathlib.Path], Any]) -> pathlib.Path:
        """Write one more file into the folder, whole or not at all."""
        return write_whole(self.folder / name, save)

    def save(self, game: str, frame: pd.DataFrame, provenance: Mapping[str, Any]) -> pathlib.Path:
        """Keep a game's rows, with their provenance in the file's metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame, preserve_index=False)
        note = {**self._whole(), "provenance": dict(provenance), "game": game, "rows": len(frame)}
        note = signed(json.loads(json.dumps(note)), _content(table.to_pandas()))
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), KEY: json.dumps(note).encode()}
        )
        return self.write(
            self.path(game).name,
            lambda target: pq.write_table(table, target, compression="zstd", write_page_checksum=True),
        )

    def load(self, game: str) -> pd.DataFrame:
        """A game's rows.

        Raises:
            ValueError: if the file is damaged, or holds another run's or another game's results.
        """
        frame, note = _checked(self.path(game), game)
        there = _of_game(note["specification"], game)
        if found := differences(there, _of_game(self._asked_of(there), game)):
            raise ValueError(
                f"{str(self.path(game))!r} holds another run's results: {'; '.join(found[:3])}; "
                "remove it, and the same command computes it anew."
            )
        return frame

    def provenance(self, game: str) -> dict[str, Any]:
        """Where, when and by what a game's rows were made."""
        return read_note(self.path(game))["provenance"]


def read_note(path: str | os.PathLike) -> dict[str, Any]:
    """The specification, its hash and the provenance that a results file carries.

    Raises:
        ValueError: if the file is no results file of this laboratory, or damaged.
    """
    return _checked(path)[1]


def load(folder: str | os.PathLike) -> pd.DataFrame:
    """All rows of a run's folder, games in the order they were asked for.

    Raises:
        ValueError: if the folder holds no run, or no finished game; if a file is damaged, or of another run.
    """
    folder = pathlib.Path(folder)
    there = _intact(folder)
    games = _games(there)
    found = [game for game in games if _is_name(game) and (folder / f"{game}.parquet").exists()]
    if there is None or not found:
        raise ValueError(
            f"The folder {str(folder)!r} holds no finished game; name the --out folder of a tournament."
        )
    frames = []
    for game in found:
        frame, note = _checked(folder / f"{game}.parquet", game)
        if differing := differences(
            _of_game(note["specification"], game), _of_game(there["specification"], game)
        ):
            raise ValueError(
                f"{str(folder / f'{game}.parquet')!r} is not of the run that {SPECIFICATION} describes: {'; '.join(differing[:3])}; "
                "give the command of that run again, or remove the file."
            )
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _checked(path: str | os.PathLike, game: str | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A results file's rows and note, if they are those that were written."""
    table = _parquet(path)
    held = (table.schema.metadata or {}).get(KEY)
    if held is None:
        raise ValueError(
            f"{str(path)!r} carries no provenance; results files are those written by a run with --out or out=."
        )
    damaged = ValueError(
        f"{str(path)!r} is damaged: it is not what was written; remove it, and the same command computes it anew."
    )
    try:
        note, frame = json.loads(held), table.to_pandas()
    except Exception as error:  # of pandas' own metadata, anything
        raise damaged from error
    if (
        not isinstance(note, dict)
        or not isinstance(note.get("specification"), dict)
        or "provenance" not in note
    ):
        raise damaged
    whole = set(note) == UNSIGNED if SUM not in note else is_intact(note, _content(frame))
    if (
        not whole
        or note["hash"] != fingerprint(note["specification"])
        or note.get("rows", len(frame)) != len(frame)
    ):
        raise damaged
    if game is not None and (of := note["game"] if "game" in note else _game_of(frame, note, game)) != game:
        raise ValueError(
            f"{str(path)!r} holds results of {of!r}, not of {game!r}; remove it, and the same command computes it anew."
        )
    return frame, note


def _content(frame: pd.DataFrame) -> bytes:
    """What a table says, as bytes: names, kinds and values of its columns."""
    parts = []
    for name, column in frame.items():
        values = column.to_numpy()
        if values.dtype.kind in "fc":
            values = np.where(values != values, np.nan, values).astype(
                values.dtype
            )  # not a number has many forms
        if values.dtype.kind in "biufc":
            parts += [f"{name} {values.dtype.str} {len(values)}".encode(), values.tobytes()]
        else:
            codes, kinds = pd.factorize(values)
            parts += [json.dumps([name, list(kinds)], default=str).encode(), codes.astype("<i8").tobytes()]
    return b"".join(parts)


def _game_of(frame: pd.DataFrame, note: Mapping[str, Any], game: str) -> str:
    """The game that the rows of a file without such a note are of."""
    named = "game" in frame and isinstance(note["specification"].get("games"), dict)
    return str(next((x for x in frame["game"].unique() if x != game), game)) if named else game


def _of_game(specification: Mapping[str, Any], game: str) -> dict[str, Any]:
    """A specification without the other games."""
    games = specification.get("games")
    return (
        {**specification, "games": {game: games[game]}}
        if isinstance(games, dict) and game in games
        else dict(specification)
    )


def _games(there: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The games that a folder's specification names."""
    games = None if there is None else there["specification"].get("games")
    return tuple(games) if isinstance(games, dict) else ()


def _is_name(game: str) -> bool:
    """Whether a game's name can name a file of the folder."""
    return game == pathlib.Path(game).name and not game.startswith(".")


def _parquet(path: str | os.PathLike) -> Any:
    """A Parquet file's table, its pages checked, or a sentence on why there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as Parquet; remove it, or replace the run with --force."
        ) from error


def _read(folder: pathlib.Path) -> dict[str, Any] | None:
    """What a folder's file of the specification holds, if it is a JSON object with one."""
    try:
        found = json.loads((folder / SPECIFICATION).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("specification"), dict) else None


def _intact(folder: pathlib.Path) -> dict[str, Any] | None:
    """The same, if it is what was written.

    Raises:
        ValueError: if it is not.
    """
    found = _read(folder)
    if found is not None and found.get("hash") != fingerprint(found["specification"]):
        path = str(folder / SPECIFICATION)
        raise ValueError(
            f"{path!r} is damaged: it is not what was written; restore it from a copy, or replace the run with --force."
        )
    return found
