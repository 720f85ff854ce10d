"""Arrays on disk: one NumPy archive (.npz) with a note, protected by a hash, written whole or not at all."""

import io
import json
import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from games.storage import is_intact, signed, write_whole

NOTE = "note"
"""The archive's entry that holds the note, as JSON in bytes."""


def write_arrays(
    path: pathlib.Path, arrays: Mapping[str, np.ndarray], note: Mapping[str, Any]
) -> pathlib.Path:
    """Write arrays and a note of plain data.

    Raises:
        ValueError: if the file cannot be written, as on a full disk.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_arrays(pathlib.Path(folder) / "x.npz", {"x": np.arange(3)}, {"seed": 0})
        ...     read_arrays(path)[1]["x"].tolist()
        [0, 1, 2]
    """
    arrays = {name: np.ascontiguousarray(x) for name, x in arrays.items()}
    header = json.dumps(signed(json.loads(json.dumps(note)), _content(arrays)))
    held = {NOTE: np.frombuffer(header.encode(), np.uint8), **arrays}
    return write_whole(path, lambda target: np.savez(target, allow_pickle=False, **held))


def read_arrays(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The note and the arrays of a file, verified by their hash.

    Raises:
        ValueError: for a file that is missing, truncated or altered.
    """
    note, arrays, intact = {}, {}, False
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        note = json.loads(arrays.pop(NOTE).tobytes())
        intact = is_intact(note, _content(arrays))
    except FileNotFoundError as error:
        raise ValueError(
            f"{str(path)!r} is missing; give the command of the run again, and it is computed anew."
        ) from error
    except (  # of a damaged archive
        OSError,
        ValueError,
        KeyError,
        EOFError,
        AttributeError,
        TypeError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
        SyntaxError,
        OverflowError,
        zipfile.BadZipFile,
        zlib.error,
    ):
        pass
    if not intact:
        raise ValueError(
            f"{str(path)!r} is damaged: it is not what was written; give the command of the run again, and it is computed anew."
        )
    return note, arrays


def _content(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as bytes, to be hashed: their names, types, shapes and values."""
    parts = []
    for name in sorted(arrays):
        x = arrays[name]
        parts += [f"{name} {x.dtype.str} {x.shape}".encode(), x.tobytes()]
    return b"".join(parts)
