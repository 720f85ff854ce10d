"""`shaping train`: a trained learner in a folder."""

import dataclasses
import json as json_
import sys
import time
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a learner and save it in a folder; it plays as file:FOLDER.

    The training is saved once a minute; after an interruption, the same command with --resume continues it. A
    finished training is not repeated, and the exit status is 0.
    """

    learner: str
    """The learner: cola, mfos, meva, ascent or mmaml; or one that plays untrained, such as lola, whose
    parameters after a match are saved."""
    out: str
    """Folder for the trained learner."""
    game: str = "ipd"
    """The game."""
    against: tuple[str, ...] = ()
    """The learners in the other seats, one name for all of them or one each: of the registry, or file:FOLDER
    for a trained one; self to train every seat. By default naive, or self for cola and learners that play
    untrained."""
    preset: str = "quick"
    """paper for the published settings, quick for a smaller run of the same kind."""
    seed: int = 0
    """Root of all randomness."""
    set: tuple[str, ...] = ()
    """Settings of the training, the game and the opponents, NAME.SETTING=VALUE, such as mfos.method=ga."""
    resume: bool = False
    """Continue the training in the folder."""
    force: bool = False
    """Replace the contents of the folder."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> None:
        """Train, save and print."""
        from analysis.cli import settings
        from analysis.cli.screen import announce_device
        from games import PLAYABLE
        from shaping.training import catalog, presets, run_folder as training

        against = self.against or (catalog.trainer_entry(self.learner).facts["against"],)
        given = settings.parsed(self.set, (self.learner, self.game, *against))
        label, own = label_of(against), given.get(self.learner, {})
        chosen = presets.preset(self.learner, self.game, self.preset, label, own.get("method"))
        given[self.game] = {**chosen.made_with, **given.get(self.game, {})}
        game = settings.made(PLAYABLE, [self.game], given)[self.game]
        learners = opponents(self.game, game, against, given)
        how, note = (
            with_changes(chosen.settings, self.learner, own),
            {"made": {"game": self.game, "settings": given[self.game]}},
        )
        announce_device()
        begin = time.monotonic()
        with ProgressLine(how["iterations"]) as progress:
            try:
                outcome = training.train(
                    self.learner,
                    game,
                    learners,
                    how,
                    self.seed,
                    out=self.out,
                    resume=self.resume,
                    force=self.force,
                    report=progress,
                    note=note,
                )
            except KeyboardInterrupt as interrupt:
                kept = "holds" in str(interrupt)
                raise KeyboardInterrupt(
                    f"{interrupt} The same command with --resume goes on from there."
                    if kept
                    else str(interrupt)
                ) from None
        if outcome.run is None:
            print(f"The training in {self.out} is finished; nothing was trained again.", file=sys.stderr)
        if self.json:
            found = {
                "learner": self.learner,
                "game": self.game,
                "against": list(against),
                "iterations": outcome.iterations,
            }
            print(json_.dumps(found | outcome.seen))
        else:
            print(
                f"{self.learner} on {self.game} against {', '.join(against)}: {phrase(outcome.seen)} after {outcome.iterations} iterations"
            )
            print(f"Published: {chosen.published(self.game, label)}.")
            took = f" after {time.monotonic() - begin:.0f} s" if outcome.run is not None else ""
            print(f"Kept in {self.out}{took}; it plays as file:{self.out}.")


def label_of(against: tuple[str, ...]) -> str:
    """One name for all opponents, with aliases resolved.

    Raises:
        ValueError: for an unknown opponent.
    """
    from analysis.cli import settings
    from analysis.cli.registries import registry
    from shaping.training.presets import SELF

    family = registry("learners")
    return " and ".join(sorted({x if x == SELF else settings.canonical(family, x) for x in against}))


def opponents(name: str, game: Any, against: tuple[str, ...], given: Mapping[str, Any]) -> list[Any]:
    """One learner per seat; None for a trained seat.

    Raises:
        ValueError: for as many names as there are no seats for, or an opponent that does not suit the game.
    """
    from analysis.cli import settings
    from analysis.cli.registries import registry
    from shaping.training.presets import SELF

    if against == (SELF,):
        return [None] * game.n_players
    if SELF in against:
        raise ValueError(
            f"{SELF!r} is for the training of every seat at once; give no other opponent beside it."
        )
    others = game.n_players - 1
    if len(against) not in (1, others):
        raise ValueError(
            f"{len(against)} opponents were given for the {others} other seats of {name!r}; give one for all, or one each."
        )
    made = settings.made(registry("learners"), against, dict(given), {name: game})
    return [None, *([made[x] for x in against] if len(against) == others else [made[against[0]]] * others)]


def with_changes(preset: Mapping[str, Any], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's settings with some replaced.

    Raises:
        ValueError: for an unknown setting, or a value of another kind.
    """
    from games.registry import nearest

    kinds = {float: "a number", int: "an integer", bool: "true or false", str: "a name", tuple: "a list"}
    settings = dict(preset)
    for setting, value in given.items():
        if setting not in settings:
            raise ValueError(f"{name} has no setting {setting!r} here; {nearest(setting, settings)}.")
        kind, new = type(settings[setting]), tuple(value) if isinstance(value, list) else value
        if not isinstance(new, (int, float) if kind is float else kind) or (
            isinstance(new, bool) and kind is not bool
        ):
            raise ValueError(
                f"{name}.{setting} is {value!r}; it must be {kinds[kind]}, such as {settings[setting]!r}."
            )
        settings[setting] = float(new) if kind is float else new  # pyright: ignore[reportArgumentType]
    return settings


def phrase(seen: Mapping[str, Any]) -> str:
    """The summary of a training as a phrase.

    Example:
        >>> phrase({"per_step": [-0.51234], "skipped": 0}), phrase({"loss": [1.5e-7, None]})
        ('per-step value -0.512', 'loss 1.5e-07, diverged')
    """
    words = {"per_step": "per-step value", "skipped": "updates skipped"}
    values = {
        name: value if isinstance(value, list) else [value]
        for name, value in seen.items()
        if name != "skipped" or value
    }
    spelled = {
        name: ", ".join("diverged" if x is None else f"{x:.3g}" for x in value)
        for name, value in values.items()
    }
    return ", ".join(f"{words.get(name, name)} {value}" for name, value in spelled.items())


class ProgressLine:
    """A line with iterations, the latest summary and the time left.

    It changes in place on a terminal; elsewhere a line is printed every ten seconds.
    """

    def __init__(self, iterations: int):
        from rich.live import Live

        from analysis.cli.screen import stderr

        self.iterations, self.first = iterations, None
        self.start = self.printed = time.monotonic()
        self.live = Live(console=stderr(), auto_refresh=False, transient=True)

    def __enter__(self) -> "ProgressLine":
        if self.live.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.live.stop()

    def __call__(self, done: int, seen: Mapping[str, Any]) -> None:
        """After a chunk."""
        now = time.monotonic()
        if self.first is None:  # the first chunk compiles
            self.start, self.first = now, done
            return
        left = (now - self.start) * (self.iterations - done) / (done - self.first)
        line = f"{done} of {self.iterations} iterations, {phrase(seen)}, about {left:.0f} s left"
        if self.live.console.is_terminal:
            self.live.update(line, refresh=True)
        elif now - self.printed > 10:
            self.printed = now
            self.live.console.print(line, soft_wrap=True)
