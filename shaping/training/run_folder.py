"""Trainings in folders: begun, continued after an interruption, and finished."""

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
from games.checks import as_folder, as_seed, check_count, shown
from games.sampled.catalog import as_game
from games.storage import alone
from shaping.arguments import as_learners
from shaping.base import Learner
from shaping.checkpoint import folder as checkpoint
from shaping.checkpoint.encoding import comparable_description, encoded
from shaping.checkpoint.source_code import sources
from shaping.training.catalog import make_trainer, trainer_entry
from shaping.training.loop import Run, run, shapes
from shaping.training.trainer import Trainer

EVERY = 60.0
"""Seconds between two saves: a kill loses no more than that."""
LONGEST = 500
"""Opponents whose description has more characters than this are compared by a hash of their numbers."""


class Outcome(NamedTuple):
    """The result of a training.

    Attributes:
        learners: one per open seat, or one for all of them.
        run: the run, with its record; None where the folder held a finished training.
        iterations: number of iterations done.
        seen: the trainer's summary of the record, by name.
    """

    learners: tuple[Learner, ...]
    run: Run | None
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
    """Train a learner and keep it in a folder.

    `shaping.checkpoint.load` reads the learner at any time from the first save on. With several open seats,
    the folder holds the learner of the first, and a folder `seat_K` inside it that of seat K.

    Args:
        learner: what to train: a name in `TRAINERS`, or in `LEARNERS` for a match of a learner that plays
            untrained.
        game: the game.
        learners: one per seat, in order; None for a trained seat.
        settings: of the trainer, by name, and `iterations`; those of the papers are in
            `shaping.training.presets`.
        seed: root of all randomness, an integer in [0, 2**32 - 1].
        out: the folder.
        resume: continue the training that the folder holds; the result is, to the last bit, that of a training
            without interruption. The result of a finished training is returned as it is.
        force: replace what the folder holds.
        every: seconds between two saves, at least 0.
        report: a function of the iterations done and the trainer's summary, called after every chunk.
        note: plain data to keep in the folder, such as how the game was made.
        key: another name of `seed`.

    Returns:
        The outcome: the learners and the run.

    Raises:
        ValueError: for an unknown learner; for a folder that holds something, without `resume` or `force`, or
            is in use by another run; with `resume`, for one that holds no such training: another game, other
            opponents, settings or seed, another version, a truncated file.
        KeyboardInterrupt: after Ctrl-C, once all iterations done have been saved.

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
    folder, numbers = as_folder(out), dict(settings)
    iterations = numbers.pop("iterations", trainer_entry(learner).facts["iterations"])
    check_count("iterations", iterations)
    if None not in learners:
        raise ValueError("No seat is open; put None in place of at least one learner.")
    if resume and force:
        raise ValueError(
            "Resuming continues what the folder holds, and force replaces it; give one of the two."
        )
    asked = {
        "training": learner,
        "opponents": {f"seat {k}": "trained" if x is None else identity(x) for k, x in enumerate(learners)},
        "settings": dict(settings),
        "seed": seed,
        "x64": bool(jax.config.read("jax_enable_x64")),
    }
    if code := sources((game, *learners)):
        asked["source code"] = code
    resume = resume and checkpoint.has_training(folder)
    with alone(folder):
        if resume:
            checkpoint.check_game(folder, game)
            checkpoint.check_note(folder, asked)
            if checkpoint.is_finished(folder):
                return finished(folder, game)
        elif not force:
            checkpoint.check_empty(folder)
        trainer = make_trainer(learner, game, learners, numbers)
        start = load_run(folder, trainer, seed) if resume else None
        seats = [k for k, x in enumerate(learners) if x is None]
        return _train(
            trainer, game, seats, seed, iterations, folder, start, every, report, dict(note or {}) | asked
        )


def finished(folder: pathlib.Path, game: Game) -> Outcome:
    """The outcome of the finished training in a folder."""
    places = [folder, *sorted(folder.glob("seat_*"), key=lambda place: int(place.name.removeprefix("seat_")))]
    note = checkpoint.load_note(folder)["note"]
    return Outcome(
        tuple(checkpoint.load(place, game) for place in places), None, note["iterations"], note["seen"]
    )


def load_run(folder: pathlib.Path, trainer: Trainer, seed: int) -> Run:
    """The run that a folder holds, of the trainer and the seed that it was saved with.

    Raises:
        ValueError: as `shaping.checkpoint.folder.load_state`.
    """
    key, done = jax.random.key(seed), checkpoint.load_note(folder)["note"]["iterations"]
    state, record = checkpoint.load_state(folder, shapes(trainer, key, done))
    return Run(trainer, key, state, record)


def _train(
    trainer: Trainer,
    game: Game,
    seats: Sequence[int],
    seed: int,
    iterations: int,
    folder: pathlib.Path,
    start: Run | None,
    every: float,
    report: Callable[[int, dict[str, Any]], Any] | None,
    note: dict[str, Any],
) -> Outcome:
    """Train in a locked folder that holds nothing else."""
    latest, saved = start, -np.inf

    def save(now: Run) -> None:
        state = now.state, now.record
        keep(folder, game, seats, now.learners, state, note | {"iterations": now.iterations})

    def callback(now: Run) -> None:
        nonlocal latest, saved
        latest = now
        if report is not None:
            report(now.iterations, trainer.summary(now.record))
        if time.monotonic() - saved >= every:
            save(now)
            saved = time.monotonic()

    try:
        end = run(trainer, seed, iterations=iterations, chunk=trainer.chunk, start=start, callback=callback)
    except KeyboardInterrupt:
        if latest is None:
            raise KeyboardInterrupt(
                "interrupted before the first iteration was done; nothing was kept."
            ) from None
        save(latest)
        raise KeyboardInterrupt(
            f"interrupted after {latest.iterations} iterations, which {str(folder)!r} holds."
        ) from None
    outcome = Outcome(end.learners, end, end.iterations, trainer.summary(end.record))
    done = {"iterations": outcome.iterations, "seen": outcome.seen}
    keep(folder, game, seats, outcome.learners, None, note | done)
    return outcome


def keep(
    folder: pathlib.Path,
    game: Game,
    seats: Sequence[int],
    learners: Sequence[Learner],
    state: Any,
    note: dict[str, Any],
) -> None:
    """Save the learners of the open seats, that of the first seat last.

    The first seat's folder also holds the training's state; without one, the training is finished.
    """
    for seat, learner in reversed(list(zip(seats, learners, strict=False))):
        if seat == seats[0]:
            checkpoint.put(folder, *checkpoint.packed(learner, game, state, note), force=True)
        else:
            checkpoint.save(learner, folder / f"seat_{seat}", game=game, note=note, force=True)


def identity(learner: Learner) -> Any:
    """A learner as plain data to compare: its settings; or, where these are long, a hash of its numbers."""
    whole = comparable_description(learner)
    if len(json.dumps(whole)) <= LONGEST:
        return whole
    arrays: dict[str, np.ndarray] = {}
    digest = hashlib.sha256(json.dumps(encoded(learner, arrays)).encode())
    for array in arrays.values():
        digest.update(array.tobytes())
    return {"class": type(learner).__name__, "sha256": digest.hexdigest()[:16]}
