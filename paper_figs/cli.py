"""The command `python -m paper_figs`: results are printed on stdout, everything else on stderr."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import tyro

from analysis.cli import runner as program

if TYPE_CHECKING:
    from paper_figs.make import Made


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
    """Make figures: stored data, a PDF, a PNG, and a page with the published numbers beside ours."""

    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME ...")] = (
        dataclasses.field(metadata={"positional": True})
    )
    """Names of figures; `list` prints them."""
    preset: str = "quick"
    """Size of the experiment: quick or paper."""
    out: str = "runs/figures"
    """Folder of all figures; each has a subfolder."""
    seed: int = 0
    """Seed of the experiment."""
    width: Annotated[str | None, tyro.conf.arg(metavar="VENUE")] = None
    """Venue that sets the width: neurips, iclr (5.5 in), icml or aaai (3.25 in); draws the figure again."""
    redraw: bool = False
    """Draw again from stored data, without computing."""
    force: bool = False
    """Replace data of another specification in the folder."""

    def run(self) -> None:
        """Check all names, then make the figures in order."""
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
                made = make(
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
                    f"interrupted; {kept}. The same command goes on from there."
                ) from None
            done.append(name)
            show(made)


def show(made: "Made") -> None:
    """Print what was computed and drawn, and the comparison with the published numbers."""
    from analysis.cli.screen import TextTable, stdout
    from paper_figs.make import HEAD, cells

    took = made.note["provenance"]
    data = (
        f"computed in {took['wall_s']:.1f} s, {took['compile_s']:.1f} s of them compiling"
        if made.computed
        else "data found, nothing recomputed"
    )
    picture = "drawn" if made.drawn else "pictures found; --redraw draws them again"
    print(f"{made.figure.name}: {data}; {picture}", file=sys.stderr)
    print(f"{made.figure.title}\n{made.file('pdf')}")
    stdout().print(TextTable(HEAD, cells(made.comparison), right=(2, 3, 5, 6), keys=2))


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line: the words after the program's name, by default those of the process.

    Raises:
        SystemExit: with 2 after a mistake in the command line, 130 after Ctrl-C.
    """
    program.run(
        "python -m paper_figs",
        lambda: {"list": List, "make": Make},
        "Reproductions of figures of the literature.",
        argv,
    )
