"""Results on disk: a folder with one Parquet file per game, and the specification of the run.

Every file carries its provenance, checksums, and a hash of its rows and of its note. A file is written under
a temporary name and then moved, so that it is complete or absent; a run is resumed by skipping the games whose
file exists. One process at a time writes to a folder. Nothing is ever unpickled.
"""

import contextlib
import json
import os
import pathlib
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.results.specification import differences, fingerprint, shared
from games.checks import as_folder
from games.storage import (
    LOCK,
    SUM,
    alone,
    claim,
    is_intact,
    remove_temporaries,
    signed,
    write_whole as write_whole,
)

SPECIFICATION = "specification.json"
KEY = b"opponent_shaping_lab"
BLOCKS = "blocks"
"""The folder of a tournament's blocks, inside its folder."""
TRIES, PAUSE = 40, 0.05
"""How often, and after how many seconds each, a folder is asked for again that another process is preparing."""
PICTURES = ("heatmap", "curves")
"""Names of the pictures in the folder of a run."""
UNSIGNED = frozenset(("hash", "specification", "provenance"))
"""The entries of a note in a file of an earlier version, before notes had a hash."""


class Damaged(ValueError):
    """A file is not what was written."""


class Store:
    """The folder of one run; inside `with store:` no other process writes to it.

    Args:
        folder: the folder; created if it does not exist.
        specification: the run's specification, as plain data.
        games: the names of the games, which name the files.
        force: replace all results in the folder.
        grows: whether the folder may hold fewer learners, games or seeds of the same tournament.

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
        if force or _read(self.folder) != self._header():
            self._make()
            self._adopt(force)
        remove_temporaries(self.folder, {*self.games, *PICTURES, pathlib.Path(SPECIFICATION).stem})

    def _adopt(self, force: bool = False) -> None:
        """Make the folder this run's, unless another run of the same tournament has just done so."""
        for left in reversed(range(TRIES if self.grows and not force else 1)):
            try:
                with alone(self.folder):
                    self._open(force)
                return
            except ValueError as error:
                if not left or "in use" not in str(error):
                    raise
                time.sleep(PAUSE)
                if _read(self.folder) == self._header():
                    return

    def __enter__(self) -> "Store":
        self._held = contextlib.ExitStack()
        if self.grows:  # several processes may work on one tournament
            for left in reversed(range(TRIES)):
                if _read(self.folder) != self._header():  # another run has written here since
                    self._adopt()
                if self._held.enter_context(claim(self.folder / LOCK, shared=True)):
                    return self
                self._held.close()
                if left:
                    time.sleep(PAUSE)
            raise ValueError(
                f"The folder {str(self.folder)!r} is in use by another run; wait until that one ends, or name another folder."
            )
        self._held.enter_context(alone(self.folder))
        if _read(self.folder) != self._header():  # another run has written here since
            self._open(False)
        return self

    def __exit__(self, *_: Any) -> None:
        self._held.close()

    def _make(self) -> None:
        """Create the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise ValueError(
                f"The folder {str(self.folder)!r} cannot be written ({error.strerror}); name one that can, with --out or out=."
            ) from error

    def _header(self) -> dict[str, Any]:
        """The content of the file `specification.json`."""
        return {"hash": fingerprint(self.specification), "specification": self.specification}

    def _open(self, force: bool) -> None:
        """Check that the folder belongs to the same specification, or with `force` remove its results."""
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
            self._remove_blocks({*self.games, *games})
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
        elif found := differences(there["specification"], self._wanted(there["specification"])):
            more = f", and {len(found) - 3} more differences" if len(found) > 3 else ""
            raise ValueError(
                f"The folder {str(self.folder)!r} holds another specification's results: {'; '.join(found[:3])}{more}. "
                "Name another folder, or replace them with --force."
            )
        self.write(
            SPECIFICATION, lambda target: target.write_text(json.dumps(self._header(), indent=1) + "\n")
        )

    def _remove_blocks(self, games: set[str]) -> None:
        """Remove the folder of blocks, but no file that is not ours."""
        blocks = self.folder / BLOCKS
        if not blocks.is_dir():
            return
        ours = re.compile(r"[0-9a-f]{16}(\.state)?\.(npz|lock)")
        for path in blocks.iterdir():
            if ours.fullmatch(path.name) or (path.suffix in (".json", ".lock") and path.stem in games):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty
            blocks.rmdir()

    def _wanted(self, there: Mapping[str, Any]) -> dict[str, Any]:
        """The part of the specification that stored results must match; of a growing folder, the common part."""
        return shared(self.specification, dict(there)) if self.grows else self.specification

    def path(self, game: str) -> pathlib.Path:
        """The file of a game's rows."""
        return self.folder / f"{game}.parquet"

    def done(self) -> tuple[str, ...]:
        """The games whose file exists."""
        return tuple(game for game in self.games if self.path(game).exists())

    def write(self, name: str, save: Callable[[pathlib.Path], Any]) -> pathlib.Path:
        """Write one more file into the folder, completely or not at all."""
        return write_whole(self.folder / name, save)

    def save(self, game: str, frame: pd.DataFrame, provenance: Mapping[str, Any]) -> pathlib.Path:
        """Store a game's rows, with their provenance in the file's metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame, preserve_index=False)
        note = {**self._header(), "provenance": dict(provenance), "game": game, "rows": len(frame)}
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
        if found := differences(there, _of_game(self._wanted(there), game)):
            raise ValueError(
                f"{str(self.path(game))!r} holds another run's results: {'; '.join(found[:3])}; "
                "remove it, and the same command computes it anew."
            )
        return frame

    def provenance(self, game: str) -> dict[str, Any]:
        """The provenance of a game's rows: when, where and with which versions they were computed."""
        return read_note(self.path(game))["provenance"]


def specification_of(folder: str | os.PathLike) -> dict[str, Any]:
    """The specification of a run's folder.

    Raises:
        ValueError: if the folder holds no run, or the file is damaged.
    """
    there = _intact(pathlib.Path(folder))
    if there is None:
        raise ValueError(f"The folder {str(folder)!r} holds no run; name the --out folder of a tournament.")
    return there["specification"]


def read_note(path: str | os.PathLike) -> dict[str, Any]:
    """The note of a results file: the specification, its hash and the provenance.

    Raises:
        ValueError: for another file, or a damaged one.
    """
    return _checked(path)[1]


def load(folder: str | os.PathLike) -> pd.DataFrame:
    """All rows of a run's folder, games in the order of the specification.

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
    """A results file's rows and note, verified by their hash."""
    table = _parquet(path)
    held = (table.schema.metadata or {}).get(KEY)
    if held is None:
        raise ValueError(
            f"{str(path)!r} carries no provenance; results files are those written by a run with --out or out=."
        )
    damaged = Damaged(
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
    verified = set(note) == UNSIGNED if SUM not in note else is_intact(note, _content(frame))
    if (
        not verified
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
    """A table as bytes, to be hashed: the names, types and values of its columns."""
    parts = []
    for name, column in frame.items():
        values = column.to_numpy()
        if values.dtype.kind in "fc":
            values = np.where(values != values, np.nan, values).astype(
                values.dtype
            )  # NaN has many bit patterns
        if values.dtype.kind in "biufc":
            parts += [f"{name} {values.dtype.str} {len(values)}".encode(), values.tobytes()]
        else:
            codes, kinds = pd.factorize(values)
            parts += [json.dumps([name, list(kinds)], default=str).encode(), codes.astype("<i8").tobytes()]
    return b"".join(parts)


def _game_of(frame: pd.DataFrame, note: Mapping[str, Any], game: str) -> str:
    """The game of the rows of a file whose note does not name it."""
    named = "game" in frame and isinstance(note["specification"].get("games"), dict)
    return str(next((x for x in frame["game"].unique() if x != game), game)) if named else game


def _of_game(specification: Mapping[str, Any], game: str) -> dict[str, Any]:
    """A specification with this game alone."""
    games = specification.get("games")
    return (
        {**specification, "games": {game: games[game]}}
        if isinstance(games, dict) and game in games
        else dict(specification)
    )


def _games(there: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of the games in a folder's specification."""
    games = None if there is None else there["specification"].get("games")
    return tuple(games) if isinstance(games, dict) else ()


def _is_name(game: str) -> bool:
    """Whether a game's name can be the name of a file in the folder."""
    return game == pathlib.Path(game).name and not game.startswith(".")


def _parquet(path: str | os.PathLike) -> Any:
    """The table of a Parquet file, with verified checksums.

    Raises:
        ValueError: for a file that cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
        raise Damaged(
            f"{str(path)!r} cannot be read as Parquet; remove it, or replace the run with --force."
        ) from error


def _read(folder: pathlib.Path) -> dict[str, Any] | None:
    """The content of a folder's `specification.json`; None where it is missing or malformed."""
    try:
        found = json.loads((folder / SPECIFICATION).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("specification"), dict) else None


def _intact(folder: pathlib.Path) -> dict[str, Any] | None:
    """The content of a folder's `specification.json`, verified by its hash.

    Raises:
        ValueError: if the hash differs.
    """
    found = _read(folder)
    if found is not None and found.get("format", 1) != 1:
        path = str(folder / SPECIFICATION)
        raise ValueError(
            f"{path!r} has format {found['format']!r}, and this version reads 1; take the version that wrote it, or replace the run with "
            "--force."
        )
    if found is not None and found.get("hash") != fingerprint(found["specification"]):
        path = str(folder / SPECIFICATION)
        raise ValueError(
            f"{path!r} is damaged: it is not what was written; restore it from a copy, or replace the run with --force."
        )
    return found
