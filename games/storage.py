"""Folders of results: locks, files that are written atomically, and headers protected by a hash."""

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
"""The lock file of a folder; the operating system releases it when the process ends, even if killed."""
SUM = "sha256"
"""The entry of a header with the hash of all other entries."""


@contextlib.contextmanager
def alone(folder: pathlib.Path) -> Iterator[None]:
    """Lock a folder for one run; on file systems without locks, do nothing.

    The folder is made if it does not exist, and removed at the end if it was new and is empty.

    Raises:
        ValueError: if another run has locked it, or it cannot be written.
    """
    new = not folder.exists()
    try:
        with claim(folder / LOCK) as mine:
            if not mine:
                raise ValueError(
                    f"The folder {str(folder)!r} is in use by another run; wait until that one ends, or name another folder."
                )
            yield
    finally:
        if new and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


@contextlib.contextmanager
def claim(path: pathlib.Path, *, shared: bool = False) -> Iterator[bool]:
    """Hold a lock file, and remove it at the end; on file systems without locks, only make the file.

    Args:
        path: the file; its folder is made if it does not exist.
        shared: whether several processes may hold it at once, if all of them share it.

    Yields:
        Whether this process holds it; False if another one does.

    Raises:
        ValueError: if the folder cannot be written.
    """
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ValueError(
                f"The folder {str(path.parent)!r} cannot be written ({error.strerror}); name one that can."
            ) from error
        mine = _locked(handle, shared) is not False
        try:
            if not mine or os.path.samestat(os.fstat(handle), path.stat()):
                break
        except FileNotFoundError:
            pass
        os.close(handle)  # a process that has just ended removed this lock file: try again
    try:
        yield mine
    finally:
        if mine and (not shared or _locked(handle) is not False):  # the last one that shares it
            path.unlink(missing_ok=True)
        os.close(handle)


def _locked(handle: int, shared: bool = False) -> bool | None:
    """Lock an open file until it is closed; False if another process has it, None without support."""
    try:
        import fcntl

        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def write_whole(target: pathlib.Path, save: Callable[[pathlib.Path], Any]) -> pathlib.Path:
    """Write a file atomically: `save` writes a temporary file of the same suffix, which replaces the target.

    Raises:
        ValueError: if it cannot be written, as on a full disk.
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
    """Remove temporary files of these names that killed runs have left, not those of running processes."""
    for path in folder.iterdir():
        match = re.fullmatch(r"\.(.+)-[a-z0-9_]{8}\.(parquet|npz|json|png|pdf|md)", path.name)
        if match and match[1] in stems and path.is_file():
            with contextlib.suppress(OSError):  # in a read-only folder
                handle = os.open(path, os.O_RDWR)
                if _locked(handle):
                    path.unlink(missing_ok=True)
                os.close(handle)


def signed(header: Mapping[str, Any], content: bytes = b"") -> dict[str, Any]:
    """A header with the hash of itself and of the content that it describes.

    Example:
        >>> is_intact(signed({"seed": 0})), is_intact(signed({"seed": 0}) | {"seed": 1})
        (True, False)
    """
    return {**header, SUM: _digest(header, content)}


def is_intact(header: Mapping[str, Any], content: bytes = b"") -> bool:
    """Whether a header and its content are those that were hashed by `signed`."""
    return header.get(SUM) == _digest({name: value for name, value in header.items() if name != SUM}, content)


def _digest(header: Mapping[str, Any], content: bytes) -> str:
    """The SHA-256 of a header and its content."""
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode() + content).hexdigest()


def _umask() -> int:
    """The process's umask, which `tempfile` does not apply."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
