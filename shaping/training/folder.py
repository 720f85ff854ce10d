"""Trainings by name, kept in a folder: begun, gone on with after a kill, and finished."""

import functools
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from games.base import Game
from games.checks import as_folder, as_seed, shown
from games.registry import nearest
from games.sampled.catalog import as_game
from games.storage import alone
from shaping.base import Learner
from shaping.catalog import LEARNERS, as_learners
from shaping.checkpoint import folder as checkpoint
from shaping.checkpoint.encoding import described, encoded
from shaping.checkpoint.source_code import sources
from shaping.training import fits

EVERY = 60.0
"""Seconds between two saves: no more than that is lost by a kill."""
LONGEST = 500
"""Opponents whose description takes more characters than this are told apart by a hash."""


class Training(NamedTuple):
    """How a learner is trained.

    Attributes:
        fit: from the game, one learner per seat (None: trained), a seed, `start`, `watch` and settings by
            name, to the trained learners, one per open seat or one for all, and the run. A run is a tree of
            arrays that holds where the training stands and, as `iterations`, how many are done. A run in
            pieces is the run in one, and going on with one for no iteration more gives the learners as they
            stand.
        seen: what the run saw last, by name.
        against: the usual opponent, or `"self"` where every seat is trained at once.
    """

    fit: Callable[..., tuple[tuple[Learner, ...], Any]]
    seen: Callable[[Any], dict[str, Any]]
    against: str = "naive"


class Outcome(NamedTuple):
    """What came of a training.

    Attributes:
        learners: one per open seat, or one for all.
        run: with its curve; None where the folder held a finished training.
        iterations: how many were done.
        seen: what was seen last, by name.
    """

    learners: tuple[Learner, ...]
    run: Any
    iterations: int
    seen: dict[str, Any]


def train(
    learner: str,
    game: Game,
    learners: Sequence[Learner | None],
    settings: Mapping[str, Any],
    seed: int = 0,
    *,
    out: str | os.PathLike,
    resume: bool = False,
    force: bool = False,
    every: float = EVERY,
    report: Callable[[int, dict[str, Any]], Any] | None = None,
    note: Mapping[str, Any] | None = None,
    key: int | None = None,
) -> Outcome:
    """Train a learner and keep it in a folder, which `shaping.checkpoint.folder.load` reads at any time from the first chunk on.

    With several open seats, the folder holds the learner of the first, and a folder `seat_K` inside it that
    of seat K.

    Args:
        learner: what to train, a name in `TRAININGS`.
        game: the game.
        learners: one per seat, in order; None leaves a seat to what is trained.
        settings: of the training, by name; those of the papers are in `shaping.training.presets`.
        seed: root of all randomness, an integer in [0, 2**32 - 1].
        out: the folder.
        resume: go on with what the folder holds; the end is, to the last bit, that of a training without
            interruption. Of a finished training, what it came to is given back.
        force: replace what the folder holds.
        every: seconds between two saves, at least 0.
        report: called after every chunk with the iterations done and what was seen last.
        note: plain data to keep beside it, such as how the game was made.
        key: another name of `seed`.

    Returns:
        The learners and the run.

    Raises:
        ValueError: for an unknown learner; for a folder that holds something, without `resume` or `force`, or
            is in use by another run; with `resume`, for one that holds no such training: another game, other
            opponents, settings or seed, another version, a truncated file.
        KeyboardInterrupt: after Ctrl-C, when all that was done has been kept; it says so.

    Example:
        >>> import tempfile
        >>> from games import tandem
        >>> small = {"hidden": (4,), "batch": 4, "iterations": 20, "lr": 0.01, "bound": 1.0}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     outcome = train("cola", tandem(), [None, None], small, out=folder)
        ...     checkpoint.load(folder, tandem()).label
        'cola'
    """
    game, seed = as_game(game), as_seed(seed, key)
    learners = as_learners(learners, game, opens=True)
    if not isinstance(settings, Mapping):
        raise ValueError(
            f"settings is {shown(settings)}; give a mapping from names to values, such as {{'iterations': 100}}."
        )
    training, folder = named(learner), as_folder(out)
    asked = {
        "training": learner,
        "opponents": {f"seat {k}": "trained" if x is None else sketched(x) for k, x in enumerate(learners)},
        "settings": dict(settings),
        "seed": seed,
        "x64": bool(jax.config.read("jax_enable_x64")),
    }
    if code := sources((game, *learners)):
        asked["source code"] = code
    noted = dict(note or {}) | asked
    if resume and force:
        raise ValueError(
            "Resuming goes on with what the folder holds, and force replaces it; give one of the two."
        )
    begun = resume and checkpoint.is_begun(folder)
    with alone(folder):
        start = None
        if begun:
            checkpoint.check_game(folder, game)
            checkpoint.check_note(folder, asked)
            if checkpoint.is_finished(folder):
                return finished(folder, game)
            start = checkpoint.load_state(folder)
        elif not force:
            checkpoint.check_empty(folder)
        return _trained(training, game, learners, settings, seed, folder, start, every, report, noted)


def finished(folder: pathlib.Path, game: Game) -> Outcome:
    """What the finished training in a folder came to."""
    places = [folder, *sorted(folder.glob("seat_*"), key=lambda place: int(place.name.removeprefix("seat_")))]
    note = checkpoint.load_note(folder)["note"]
    return Outcome(
        tuple(checkpoint.load(place, game) for place in places), None, note["iterations"], note["seen"]
    )


def _trained(
    training: Training,
    game: Game,
    learners: Sequence[Learner | None],
    settings: Mapping[str, Any],
    seed: int,
    folder: pathlib.Path,
    start: Any,
    every: float,
    report: Callable[[int, dict[str, Any]], Any] | None,
    note: dict[str, Any],
) -> Outcome:
    """Train in a folder that is held, and that holds nothing else."""
    seats = [k for k, x in enumerate(learners) if x is None]
    run: Any = start
    kept = -np.inf

    def fit(
        start: Any, settings: Mapping[str, Any], watch: Callable[[Any], None] | None = None
    ) -> tuple[tuple[Learner, ...], Any]:
        return training.fit(game, list(learners), seed, start=start, watch=watch, **settings)

    def save() -> None:
        done = {"iterations": run.iterations}
        keep(folder, game, seats, fit(run, {**settings, **done})[0], run, note | done)

    def watch(now: Any) -> None:
        nonlocal run, kept
        run = now
        if report is not None:
            report(run.iterations, training.seen(run))
        if time.monotonic() - kept >= every:
            save()
            kept = time.monotonic()

    try:
        trained, run = fit(start, settings, watch)
    except KeyboardInterrupt:
        if run is None:
            raise KeyboardInterrupt(
                "interrupted before the first iteration was done; nothing was kept."
            ) from None
        save()
        raise KeyboardInterrupt(
            f"interrupted after {run.iterations} iterations, which {str(folder)!r} holds."
        ) from None
    outcome = Outcome(trained, run, run.iterations, training.seen(run))
    keep(folder, game, seats, trained, None, note | {"iterations": outcome.iterations, "seen": outcome.seen})
    return outcome


def keep(
    folder: pathlib.Path,
    game: Game,
    seats: Sequence[int],
    learners: Sequence[Learner],
    run: Any,
    note: dict[str, Any],
) -> None:
    """Save the learners of the open seats, the first seat's last: it has the run, or, without one, says that all is finished."""
    for seat, learner in reversed(list(zip(seats, learners, strict=False))):
        if seat == seats[0]:
            checkpoint.put(folder, *checkpoint.packed(learner, game, run, note), force=True)
        else:
            checkpoint.save(learner, folder / f"seat_{seat}", game=game, note=note, force=True)


def named(learner: str) -> Training:
    """The training of this name; that of a learner which plays as it is, is a match, and its parameters are what is kept.

    Raises:
        ValueError: for an unknown name, with the nearest one.
    """
    if learner in TRAININGS:
        return TRAININGS[learner]
    if learner in LEARNERS and LEARNERS.get(learner).facts["learns"]:
        return Training(functools.partial(fits.match, learner), lambda run: fits.per_step(run.curve), "self")
    raise ValueError(
        f"There is no training of the learner {learner!r}; {nearest(learner, [*TRAININGS, *learning()])}."
    )


def learning() -> list[str]:
    """The learners that play as they are, and learn."""
    return [entry.name for entry in LEARNERS if entry.facts["learns"]]


def sketched(learner: Learner) -> Any:
    """A learner as plain data that can be compared: its settings, or its kind and a hash of its numbers where they are many."""
    whole = described(learner)
    if len(json.dumps(whole)) <= LONGEST:
        return whole
    arrays: dict[str, np.ndarray] = {}
    digest = hashlib.sha256(json.dumps(encoded(learner, arrays)).encode())
    for array in arrays.values():
        digest.update(array.tobytes())
    return {"class": type(learner).__name__, "sha256": digest.hexdigest()[:16]}


TRAININGS: dict[str, Training] = {
    "cola": Training(
        fits.cola,
        lambda run: {"loss": [float(x) if np.isfinite(x) else None for x in run.curve.losses[-1]]},
        "self",
    ),
    "mfos": Training(fits.mfos, lambda run: fits.per_step(run.curve.per_step, run.curve.ok)),
    "meva": Training(fits.meva, lambda run: fits.per_step(run.curve.per_step, run.curve.ok)),
    "ascent": Training(fits.ascent, lambda run: fits.per_step(run.curve)),
    "mmaml": Training(fits.mmaml, lambda run: fits.per_step(run.curve)),
}
"""Every learner that is nothing before it is trained."""
