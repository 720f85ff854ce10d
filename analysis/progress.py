"""The progress of a tournament on stderr, for people."""

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

WIDE = 100_000
"""Width of the output where it is no terminal: in files and pipes a row of a table is one line."""


def console(file: Any) -> Console:
    """A console that prints on a stream."""
    made = Console(file=file, markup=False, emoji=False, highlight=False)
    return (
        made
        if made.is_terminal
        else Console(file=file, markup=False, emoji=False, highlight=False, width=WIDE)
    )


class Lines:
    """The progress of a tournament: a bar with the remaining time on a terminal, otherwise a line every ten seconds."""

    def __init__(self) -> None:
        self.console = console(sys.stderr)
        self.found: list[str] = []
        self.finished: list[str] = []
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.task: Any = None
        self.last_line = time.monotonic()
        self.started = time.monotonic()

    def __enter__(self) -> "Lines":
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def __call__(self, game: str, stage: str, **facts: Any) -> None:
        """Show one event of `analysis.tournaments.run.Progress`."""
        if stage == "found":
            self.found.append(game)
            self.say(f"{game}: found, not computed again")
        elif stage == "compiling":
            self.task = self.bar.add_task(f"{game}: compiling", total=facts["steps"])
            if not self.console.is_terminal:
                self.say(f"{game}: compiling")
        elif stage == "running":
            self.bar.update(self.task, completed=facts["done"], description=f"{game}: steps")
            self.running(game, facts["done"], facts["steps"])
        elif stage == "waiting":
            self.say(f"{game}: waiting for {facts['blocks']} blocks that other processes compute")
        elif stage == "finished":
            self.finished.append(game)
            self.bar.remove_task(self.task)
            self.say(f"{game}: compiled in {facts['compile_s']:.1f} s, ran in {facts['run_s']:.1f} s")

    def running(self, game: str, done: int, steps: int) -> None:
        """Print a line every ten seconds if the output is no terminal."""
        now = time.monotonic()
        if done == 0:
            self.started = self.last_line = now
        elif now - self.last_line > 10 and not self.console.is_terminal:
            self.last_line = now
            self.say(
                f"{game}: {done} of {steps} steps, about {(now - self.started) * (steps - done) / done:.0f} s left"
            )

    def say(self, line: str) -> None:
        """Print one line on stderr."""
        self.console.print(line, soft_wrap=True)
