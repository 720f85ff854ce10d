"""Folders that runs write to: by one process at a time, every file whole or absent, and what a file says vouched for by a hash."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

LOCK = ".lock"
"""The file that a process holds while it writes into a folder; a kill lets go of it."""
SUM = "sha256"
"""The entry of a header that vouches for all the others."""


@contextlib.contextmanager
def alone(folder: pathlib.Path) -> Iterator[None]:
    """Hold a folder for one run, made if it does not exist, and removed if it is left empty; some file systems know no locks.

    Raises:
        ValueError: if another run holds it, or it cannot be written.
    """
    path, new = folder / LOCK, not folder.exists()
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ValueError(
                f"The folder {str(folder)!r} cannot be written ({error.strerror}); name one that can."
            ) from error
        if _locked(handle) is False:
            os.close(handle)
            raise ValueError(
                f"The folder {str(folder)!r} is in use by another run; wait until that one ends, or name another folder."
            )
        try:
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        except FileNotFoundError:
            pass
        os.close(handle)  # a run that ended has just removed it
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)
        if new and not any(folder.iterdir()):
            folder.rmdir()


def _locked(handle: int) -> bool | None:
    """Lock an open file until it is closed; false where another process holds it, none where the file system knows no locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def write_whole(target: pathlib.Path, save: Callable[[pathlib.Path], Any]) -> pathlib.Path:
    """Write one file whole or not at all: `save` gets a temporary name of the same ending, which is then moved.

    Raises:
        ValueError: where it cannot be written, as on a full disk.
    """
    handle, temporary = None, None
    try:
        handle, temporary = tempfile.mkstemp(
            prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
        )
        _locked(handle)
        save(pathlib.Path(temporary))
        os.fsync(handle)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ValueError(
            f"{str(target)!r} cannot be written ({why}), and what was there before is whole; make room, or name another folder."
        ) from error
    finally:
        if temporary is not None:
            pathlib.Path(temporary).unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)
    return target


def remove_temporaries(folder: pathlib.Path, stems: Collection[str]) -> None:
    """Remove what killed runs left of files of these names while they wrote them, and nothing that a process still writes."""
    for path in folder.iterdir():
        match = re.fullmatch(r"\.(.+)-[a-z0-9_]{8}\.(parquet|json|png|pdf|md)", path.name)
        if match and match[1] in stems and path.is_file():
            with contextlib.suppress(OSError):  # in a folder that can only be read
                handle = os.open(path, os.O_RDWR)
                if _locked(handle):
                    path.unlink(missing_ok=True)
                os.close(handle)


def signed(header: Mapping[str, Any], content: bytes = b"") -> dict[str, Any]:
    """Plain data with a hash of itself and of the content that it describes.

    Example:
        >>> is_intact(signed({"seed": 0})), is_intact(signed({"seed": 0}) | {"seed": 1})
        (True, False)
    """
    return {**header, SUM: _digest(header, content)}


def is_intact(header: Mapping[str, Any], content: bytes = b"") -> bool:
    """Whether data is what `signed` made."""
    return header.get(SUM) == _digest({name: value for name, value in header.items() if name != SUM}, content)


def _digest(header: Mapping[str, Any], content: bytes) -> str:
    """The SHA-256 of plain data and content."""
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode() + content).hexdigest()


def _umask() -> int:
    """The process's umask, which temporary files ignore."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
