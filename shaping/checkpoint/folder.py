"""Trained learners on disk: arrays in one file and JSON in another; nothing is unpickled or evaluated.

A folder holds `learner.json`, which names the file of arrays and its hash, and has a hash of its own. The
arrays are written first, under a name made of their hash, and the JSON takes the old one's place in one move:
whatever happens in between, the folder holds the last whole checkpoint.
"""

import hashlib
import io
import json
import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from games.base import Game
from games.checks import as_folder, shown
from games.sampled.catalog import as_game
from games.storage import LOCK, alone, signed, write_whole
from shaping.base import Learner
from shaping.checkpoint import files as files
from shaping.checkpoint.encoding import comparable_description, decoded, difference, encoded


def save(
    learner: Learner,
    folder: str | os.PathLike,
    *,
    game: Game | None,
    state: Any = None,
    note: dict[str, Any] | None = None,
    force: bool = False,
) -> pathlib.Path:
    """Save a learner in a folder, completely or not at all.

    Args:
        learner: any learner: its numbers, networks and settings are kept to the last bit, wrappers included.
        folder: where; made if it does not exist. A checkpoint of the same kind of learner for the same game
            is replaced.
        game: what it was trained for; None for a learner that suits any game.
        state: the state of a training, which `load_state` gives back: any tree of arrays. The arrays alone are
            kept; the tree's structure comes from the trainer.
        note: plain data for the reader: training settings, seed, losses.
        force: replace a checkpoint of another learner or game too.

    Returns:
        The folder.

    Raises:
        ValueError: for a learner that holds something which cannot be kept, a folder that cannot be written
            or is in use by another run, or one that holds another learner's checkpoint.

    Example:
        >>> import tempfile
        >>> from games import tandem
        >>> from shaping import Lola
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept = save(Lola(lr=0.1), folder, game=tandem())
        ...     load(folder, game=tandem()).lr == Lola(lr=0.1).lr
        Array(True, dtype=bool)
    """
    folder, game = as_folder(folder), None if game is None else as_game(game)
    if not isinstance(learner, Learner):
        raise ValueError(f"{shown(learner)} is no learner; keep one that is made, such as Lola().")
    files_of = packed(learner, game, state, note)
    with alone(folder):
        put(folder, *files_of, force)
    return folder


def packed(
    learner: Learner, game: Game | None, state: Any = None, note: dict[str, Any] | None = None
) -> tuple[dict[str, Any], bytes]:
    """A checkpoint's header and arrays."""
    arrays: dict[str, np.ndarray] = {}
    tree = encoded(learner, arrays)
    leaves = None if state is None else [encoded(leaf, arrays) for leaf in jax.tree.leaves(state)]
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    header = {
        "format": files.FORMAT,
        "lab": files.lab(),
        "game": None if game is None else {"name": game.name, "settings": comparable_description(game)},
        "learner": {"name": learner.label, "settings": tree},
        "state": leaves,
        "note": note or {},
        "arrays": {"file": f"arrays-{digest[:16]}.npz", "sha256": digest},
    }
    return signed(json.loads(json.dumps(header))), content.getvalue()


def put(folder: pathlib.Path, header: dict[str, Any], arrays: bytes, force: bool = False) -> None:
    """Write a checkpoint's files into a locked folder, arrays first, and remove those of earlier ones.

    Raises:
        ValueError: if they cannot be written, or the folder holds another learner's checkpoint.
    """
    if not force and (folder / files.HEADER).exists():
        _replaceable(folder, files.header(folder), header)
    text = json.dumps(header, indent=1) + "\n"
    write_whole(folder / header["arrays"]["file"], lambda path: path.write_bytes(arrays))
    write_whole(folder / files.HEADER, lambda path: path.write_text(text))
    for path in folder.iterdir():
        if files.is_ours(path) and path.name not in (header["arrays"]["file"], files.HEADER, LOCK):
            path.unlink(missing_ok=True)


def load(folder: str | os.PathLike, game: Game | str | None = None, *, cast: bool = False) -> Learner:
    """The learner that a folder holds, equal to the last bit to the one that was saved.

    Args:
        folder: where `save` put it.
        game: what it is to play, also its name or factory; None for no check.
        cast: whether float64 numbers may become float32 where JAX runs in float32.

    Raises:
        ValueError: one sentence: for a missing, truncated or altered file, another version, another game, or
            numbers that would lose precision.
    """
    folder = as_folder(folder)
    header = files.header(folder)
    if game is not None:
        check_game(folder, game)
    learner = decoded(
        header["learner"]["settings"], files.arrays(folder, header), files.told(folder, header), cast
    )
    if not isinstance(learner, Learner):
        raise ValueError(files.told(folder, header)("holds no learner"))
    return learner


def check_game(folder: str | os.PathLike, game: Game | str) -> None:
    """Refuse another game than that of the folder's learner; how parameters are initialized may differ.

    Raises:
        ValueError: naming the first difference; also as `load`.
    """
    game, there = as_game(game), files.header(as_folder(folder))["game"]
    if there is None:
        return
    found = f"{there['name']!r}, not {game.name!r}"
    if there["name"] == game.name:
        differing = difference(there["settings"], comparable_description(game))
        found = f"{game.name!r}, but {differing}" if differing else ""
    if found:
        raise ValueError(
            f"The learner in {str(folder)!r} was trained for {found}; let it play that game, or train one for this."
        )


def check_empty(folder: str | os.PathLike) -> None:
    """Refuse a folder with a checkpoint or other files in it, which a new training would replace.

    Raises:
        ValueError: saying what the folder holds, or why that cannot be read.
    """
    folder = as_folder(folder)
    if (folder / files.HEADER).exists():
        there = files.header(folder)
        finished = there["state"] is None
        raise ValueError(
            f"The folder {str(folder)!r} holds {'the finished ' if finished else ''}{_subject(there)}; "
            f"{'' if finished else 'go on with it by resuming, '}name another folder, or replace it with force."
        )
    if folder.is_dir() and (names := sorted(p.name for p in folder.iterdir() if not files.is_trace(p))):
        raise ValueError(
            f"The folder {str(folder)!r} holds something else ({names[0]}); name another folder, or use it with force."
        )


def has_training(folder: str | os.PathLike) -> bool:
    """Whether a folder holds a saved training; false where one was killed before its first save.

    Raises:
        ValueError: if it holds no trace of a training, saying how to begin.
    """
    folder = as_folder(folder)
    if (folder / files.HEADER).exists():
        return True
    if not folder.is_dir() or not any(map(files.is_trace, folder.iterdir())):
        raise ValueError(
            f"There is nothing to resume in {str(folder)!r}, which holds no training; leave resume out to begin one there."
        )
    check_empty(folder)
    return False


def check_note(folder: str | os.PathLike, asked: dict[str, Any]) -> None:
    """Refuse to continue another training than the one asked for.

    Args:
        folder: where it is.
        asked: entries that the checkpoint's note must hold too.

    Raises:
        ValueError: naming the first difference; also as `load`.
    """
    note = files.header(as_folder(folder))["note"]
    if found := difference({name: note.get(name) for name in asked}, json.loads(json.dumps(asked))):
        raise ValueError(
            f"The folder {str(folder)!r} holds another training: {found}; go on with that one, or name another folder."
        )


def load_state(folder: str | os.PathLike, like: Any) -> Any:
    """The tree that `save` was given as `state`.

    Args:
        folder: where `save` put it.
        like: a tree of the same structure, whose leaves have shapes and types, such as
            `jax.eval_shape(trainer.init, key)`.

    Raises:
        ValueError: as `load`; also where there is no state, or it was written by another version, or its
            arrays are not those of `like`.
    """
    folder = as_folder(folder)
    header = files.header(folder)
    told = files.told(folder, header)
    held = header["state"]
    if held is None:
        raise ValueError(told("holds a finished learner and no training to continue"))
    if header["lab"] != files.lab() or header["format"] != files.FORMAT or not isinstance(held, list):
        raise ValueError(
            told(
                "holds a training that only that version can continue; install it, or train again with force"
            )
        )
    arrays = files.arrays(folder, header)
    leaves = [decoded(leaf, arrays, told) for leaf in held]
    wanted, structure = jax.tree.flatten(like)
    if [(jnp.shape(x), x.dtype) for x in leaves] != [(x.shape, x.dtype) for x in wanted]:
        raise ValueError(
            told("holds a training with another state than this one has; train again with force")
        )
    return jax.tree.unflatten(structure, leaves)


def is_finished(folder: str | os.PathLike) -> bool:
    """Whether a folder's training is finished.

    Raises:
        ValueError: as `load`.
    """
    return files.header(as_folder(folder))["state"] is None


def load_note(folder: str | os.PathLike) -> dict[str, Any]:
    """The header of a folder as plain data: format, lab version, game, learner and the note.

    Raises:
        ValueError: as `load`.
    """
    return files.header(as_folder(folder))


def _replaceable(folder: pathlib.Path, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Refuse to replace what is not the same kind of learner for the same game."""
    kinds = [h["learner"]["settings"].get("class") for h in (before, after)]
    if kinds[0] != kinds[1] or (before["game"] or {}).get("name") != (after["game"] or {}).get("name"):
        raise ValueError(
            f"The folder {str(folder)!r} holds {_subject(before)}, not {_subject(after)}; name another folder, "
            "or replace it with force=True."
        )


def _subject(header: dict[str, Any]) -> str:
    """The learner and its game."""
    return f"{header['learner']['name']!r} for {(header['game'] or {}).get('name', 'any game')!r}"
