"""Output for people: tables on stdout, and progress on stderr."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.table import Table

from analysis.cli.runner import SIGNS
from analysis.progress import console
from analysis.statistics import Estimate

GAP = 2
"""Spaces between two columns of a table."""


def stdout() -> Console:
    """The console of results; text is printed literally, without markup and emoji codes."""
    return console(sys.stdout)


def stderr() -> Console:
    """The console of everything else, with the same settings."""
    return console(sys.stderr)


def announce_device() -> None:
    """Print the device on stderr."""
    import jax

    devices = jax.devices()
    print(
        f"device: {len(devices)} x {devices[0].device_kind} ({devices[0].platform}), jax {jax.__version__}",
        file=sys.stderr,
    )


class TextTable:
    """A table without truncation: text wraps, and columns beyond the width follow in blocks below.

    Args:
        columns: the names of the columns.
        rows: the text of the cells.
        right: indices of columns that hold numbers: right-aligned and never wrapped.
        keys: number of leading columns that identify a row and are repeated in every block.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), keys: int = 1
    ):
        self.cells, self.right, self.keys = [list(columns), *map(list, rows)], right, keys

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        """The renderables that rich prints."""
        cells = [
            [text.encode(options.encoding, SIGNS).decode(options.encoding) for text in row]
            for row in self.cells
        ]
        whole = [
            max(cell_len(line) for text in column for line in text.split("\n"))
            for column in zip(*cells, strict=True)
        ]
        words = [
            max((cell_len(word) for text in column for word in text.split()), default=0)
            for column in zip(*cells, strict=True)
        ]
        room = options.max_width
        share = [
            room // (1 + self.keys) if k < self.keys else room // 2 for k in range(len(whole))
        ]  # longer words are folded
        least = [whole[k] if k in self.right else min(words[k], max(share[k], 8)) for k in range(len(whole))]
        first = list(range(self.keys))
        blocks: list[list[int]] = [[]]
        for k in range(self.keys, len(whole)):
            if blocks[-1] and sum(least[j] + GAP for j in [*first, *blocks[-1], k]) - GAP > room:
                blocks.append([])
            blocks[-1].append(k)
        for number, block in enumerate(blocks):
            if number:
                yield ""
            yield self.block(cells, first + block, whole, least, room)

    def block(
        self, cells: list[list[str]], block: list[int], whole: list[int], least: list[int], room: int
    ) -> Table:
        """One block of columns; the remaining width goes to the columns that lack most."""
        width = {k: least[k] for k in block}
        for _ in range(room - sum(width[k] + GAP for k in block) + GAP):
            lacking = max(block, key=lambda k: whole[k] - width[k])
            if width[lacking] >= whole[lacking]:
                break
            width[lacking] += 1
        drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
        for k in block:
            right = k in self.right
            drawn.add_column(
                cells[0][k],
                justify="right" if right else "left",
                no_wrap=right,
                overflow="fold",
                width=width[k],
            )
        for row in cells[1:]:
            drawn.add_row(*(row[k] for k in block))
        return drawn


def shown(mean: float, low: float, high: float) -> str:
    """A mean with its interval as text: `-1.042 [-1.081, -1.003]`."""
    if mean != mean:
        return "no finite seed"
    return f"{mean:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low == low else " [one seed: no interval]")


def all_diverged(every: bool) -> int:
    """The exit code of a run: 1 if every seed diverged, with a sentence on stderr, otherwise 0."""
    if every:
        print(
            "Every seed diverged, so that there is nothing to report; smaller steps (--set NAME.lr=...) may help.",
            file=sys.stderr,
        )
    return int(every)


def ci95(e: Estimate) -> list[float | None]:
    """An interval as JSON data: None for ends that are not finite."""
    return [number(e.low), number(e.high)]


def number(x: float) -> float | None:
    """A number as JSON data: None if it is not finite."""
    return float(x) if x == x and abs(x) != float("inf") else None
