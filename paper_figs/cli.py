"""The command `python -m paper_figs`: it prints results on stdout, and everything else on stderr."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import tyro

from analysis.cli import runner as program

if TYPE_CHECKING:
    from paper_figs.make import FigureResult


@dataclasses.dataclass(frozen=True)
class List:
    """List all figures: name, title, citation and presets."""

    def run(self) -> None:
        """Print the table."""
        from analysis.cli.screen import TextTable, stdout
        from paper_figs.catalog import FIGURES

        rows = [[e.name, e.summary, e.citation, ", ".join(e.make().presets)] for e in FIGURES]
        stdout().print(TextTable(("name", "what it shows", "citation", "presets"), rows))


@dataclasses.dataclass(frozen=True)
class Make:
    """Make figures: data, a PDF, a PNG, and a page with our numbers beside the published ones."""

    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME ...")] = (
        dataclasses.field(metadata={"positional": True})
    )
    """Names of figures; `list` prints them."""
    preset: str = "quick"
    """Size of the experiment: quick or paper."""
    out: str = "runs/figures"
    """Folder for the figures; each figure has a subfolder."""
    seed: int = 0
    """Seed of the experiment."""
    width: Annotated[str | None, tyro.conf.arg(metavar="VENUE")] = None
    """Venue that sets the width: neurips, iclr (5.5 in), icml or aaai (3.25 in). Draws the figure again."""
    redraw: bool = False
    """Draw the figures again from their stored data, without running the experiments."""
    force: bool = False
    """Replace the data in the folder if it was computed with other settings."""

    def run(self) -> None:
        """Check all names, then make the figures in the given order."""
        from analysis.cli.screen import announce_device
        from paper_figs.catalog import FIGURES
        from paper_figs.make import make

        if not self.names:
            raise ValueError(
                f"Name at least one figure; accepted: {', '.join(sorted(e.name for e in FIGURES))}."
            )
        names = [FIGURES.get(name).name for name in self.names]
        announce_device()
        done: list[str] = []
        for name in dict.fromkeys(names):
            try:
                result = make(
                    name,
                    self.preset,
                    self.out,
                    seed=self.seed,
                    width=self.width,
                    redraw=self.redraw,
                    force=self.force,
                    report=lambda line: print(line, file=sys.stderr, flush=True),
                )
            except KeyboardInterrupt:
                kept = f"finished and kept: {', '.join(done)}" if done else "no figure was finished"
                raise KeyboardInterrupt(
                    f"interrupted; {kept}. The same command continues from there."
                ) from None
            done.append(name)
            show(result)


def show(result: "FigureResult") -> None:
    """Print whether the figure was computed and drawn, and the comparison with the published numbers."""
    from analysis.cli.screen import TextTable, stdout
    from paper_figs.make import HEAD, cells

    took = result.note["provenance"]
    data = (
        f"computed in {took['wall_s']:.1f} s, {took['compile_s']:.1f} s of them compiling"
        if result.computed
        else "data found, nothing recomputed"
    )
    picture = "drawn" if result.drawn else "pictures found; --redraw draws them again"
    print(f"{result.figure.name}: {data}; {picture}", file=sys.stderr)
    print(f"{result.figure.title}\n{result.file('pdf')}")
    stdout().print(TextTable(HEAD, cells(result.comparison), right=(2, 3, 5, 6), keys=2))


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line.

    Args:
        argv: the arguments after the name of the program, by default those of the process.

    Raises:
        SystemExit: with status 2 after an error in the command line, 130 after Ctrl-C.
    """
    program.run(
        "python -m paper_figs",
        lambda: {"list": List, "make": Make},
        "Reproductions of published figures.",
        argv,
    )
