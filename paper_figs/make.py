"""Make a figure: compute and store its data, draw it, and write a page with the published numbers."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import pandas as pd

from analysis.results import provenance
from analysis.results.store import Store, read_note
from games.checks import as_folder, as_seed
from paper_figs.base import PaperFigure
from paper_figs.catalog import FIGURES
from paper_figs.clock import clock
from paper_figs.style import check_width, rendered, style

OUT = "runs/figures"
HEAD = ("learner", "quantity", "published", "ours", "95 % interval", "seeds", "diverged")
"""Columns of a printed comparison."""


@dataclasses.dataclass(frozen=True)
class Made:
    """A figure that was made.

    Attributes:
        figure: the figure.
        folder: the folder of its files, `NAME.parquet`, `.pdf`, `.png` and `.md`.
        computed: whether the data was computed by this call; otherwise it was loaded.
        drawn: whether the pictures were drawn by this call.
        comparison: our numbers beside the published ones.
        note: the data's specification, its hash and its provenance.
    """

    figure: PaperFigure
    folder: pathlib.Path
    computed: bool
    drawn: bool
    comparison: pd.DataFrame
    note: dict[str, Any]

    def file(self, kind: str) -> pathlib.Path:
        """The file with this ending."""
        return self.folder / f"{self.figure.name}.{kind}"


def make(
    name: str,
    preset: str = "quick",
    out: str | os.PathLike = OUT,
    *,
    seed: int = 0,
    width: str | None = None,
    redraw: bool = False,
    force: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> Made:
    """Make one figure in the folder `out/name-preset`; stored data is not computed again.

    Args:
        name: a name of `FIGURES`.
        preset: the size of the experiment, `"quick"` or `"paper"`.
        out: the folder of all figures; created if it does not exist.
        seed: the seed of the experiment.
        width: a venue of `paper_figs.style.WIDTHS`, by default `"neurips"`; draws the figure again.
        redraw: draw again from stored data, without computing.
        force: replace data of another specification.
        report: called with lines of progress.

    Raises:
        ValueError: for an unknown name, preset or width, a folder that cannot be written or holds another
            specification's data, or `redraw` where there is no data.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first, second = make("tandem", out=folder), make("tandem", out=folder)
        >>> first.computed, second.computed
        (True, False)
    """
    figure: PaperFigure = FIGURES.make(name)
    name = figure.name
    check_width(width or "neurips")
    seed = as_seed(seed)
    folder = as_folder(out) / f"{name}-{preset}"
    store = _store(figure, folder, preset, seed, redraw, force)
    computed = name not in store.done()
    if computed:
        size = figure.preset(preset)
        report(f"{name}: computing {size.seeds} seeds, {size.steps} steps")
        with store:
            _compute(figure, store, preset, seed)
    frame, note = store.load(name), read_note(store.path(name))
    made = Made(figure, folder, computed, False, figure.comparison(frame), note)
    if computed or redraw or width or not all(made.file(kind).exists() for kind in ("pdf", "png", "md")):
        _draw(made, store, frame, width or "neurips")
        made = dataclasses.replace(made, drawn=True)
    return made


def _store(
    figure: PaperFigure, folder: pathlib.Path, preset: str, seed: int, redraw: bool, force: bool
) -> Store:
    """The figure's folder, for the given specification; to redraw, for that of the stored data."""
    specification = figure.specification(preset, seed)
    if redraw:
        data = folder / f"{figure.name}.parquet"
        if not data.exists():
            raise ValueError(
                f"There is no data in {str(data)!r} to redraw {figure.name!r} from; make it once without --redraw."
            )
        return Store(folder, read_note(data)["specification"], (figure.name,))
    return Store(folder, specification, (figure.name,), force)


def _compute(figure: PaperFigure, store: Store, preset: str, seed: int) -> None:
    """Compute the data and store it with its provenance."""
    start = provenance.now()
    with clock() as timed:
        frame = figure.compute(figure.preset(preset), seed)
    dtype = str(jax.numpy.zeros(()).dtype)
    took = {"start": start, "end": provenance.now(), **timed.read()}
    store.save(
        figure.name,
        frame,
        {
            **provenance.environment(),
            "figure": figure.name,
            "preset": preset,
            "seed": seed,
            "dtype": dtype,
            **took,
        },
    )


def _draw(made: Made, store: Store, frame: pd.DataFrame, width: str) -> None:
    """Draw the figure, and write its page."""
    with style():
        drawn = made.figure.draw(frame, made.comparison, width)
    for kind in ("pdf", "png"):
        picture = rendered(drawn, kind)
        store.write(made.file(kind).name, lambda target, picture=picture: target.write_bytes(picture))
    store.write(made.file("md").name, lambda target: target.write_text(page(made)))


def page(made: Made) -> str:
    """The figure's page in Markdown: caption, comparison, provenance and citation."""
    from games import bibtex

    note = made.note["provenance"]
    origin = ", ".join(
        f"{name} {note[name]}" for name in ("preset", "seed", "dtype", "device", "jax", "commit")
    )
    parts = [
        f"# {made.figure.title}",
        f"![{made.figure.title}]({made.figure.name}.png)",
        made.figure.caption,
        markdown(made.comparison),
        f"Data: {origin}; specification {made.note['hash']}; {note['wall_s']} s, of which {note['compile_s']} s compiling.",
        f"```bibtex\n{bibtex(made.figure.citation)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def markdown(comparison: pd.DataFrame) -> str:
    """The comparison as a Markdown table."""
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in [list(HEAD), ["---"] * len(HEAD), *cells(comparison)]
    )


def cells(comparison: pd.DataFrame) -> list[list[str]]:
    """The comparison as text, in the columns of `HEAD`."""
    return [
        [
            row["learner"],
            row["quantity"],
            published(row),
            decimal(row["ours"]),
            f"{decimal(row['low'])} to {decimal(row['high'])}",
            str(row["seeds"]),
            str(row["diverged"]),
        ]
        for row in comparison.to_dict("records")
    ]


def published(row: Mapping[Any, Any]) -> str:
    """The published number of a row with its tolerance, marked where ours differs; empty without one."""
    if pd.isna(row["published"]):
        return ""
    return f"{decimal(row['published'])} ± {row['tolerance']:g}" + ("" if row["agrees"] else " (differs)")


def decimal(number: float) -> str:
    """A number with three decimals, without a sign for zero.

    Example:
        >>> decimal(-1e-9), decimal(4 / 9)
        ('0.000', '0.444')
    """
    return f"{round(number, 3) + 0.0:.3f}"
