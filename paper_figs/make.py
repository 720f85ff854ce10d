"""Make a figure: compute and store its data, draw it, and write a page with our and the published numbers."""

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
from paper_figs.style import check_width, file_bytes, style

OUT = "runs/figures"
HEAD = ("learner", "quantity", "published", "ours", "95 % interval", "seeds", "diverged")
"""Columns of a printed comparison."""


@dataclasses.dataclass(frozen=True)
class FigureResult:
    """What `make` returns: the files of a figure and its comparison with the published numbers.

    Attributes:
        figure: the figure.
        folder: the folder of its files `NAME.parquet`, `NAME.pdf`, `NAME.png` and `NAME.md`.
        computed: whether this call computed the data; otherwise it was loaded.
        drawn: whether this call drew the pictures.
        comparison: our numbers beside the published ones.
        note: the specification of the data, its hash and its provenance.
    """

    figure: PaperFigure
    folder: pathlib.Path
    computed: bool
    drawn: bool
    comparison: pd.DataFrame
    note: dict[str, Any]

    def file(self, kind: str) -> pathlib.Path:
        """The file of a kind: `"parquet"`, `"pdf"`, `"png"` or `"md"`."""
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
) -> FigureResult:
    """Make one figure in the folder `OUT/NAME-PRESET`; stored data is not computed again.

    Args:
        name: a name of `FIGURES`.
        preset: the size of the experiment, `"quick"` or `"paper"`.
        out: the folder for the figures; created if it does not exist.
        seed: the seed of the experiment.
        width: a venue of `paper_figs.style.WIDTHS`, by default `"neurips"`; if given, draws again.
        redraw: whether to draw the figure again from stored data, without running the experiment.
        force: whether to replace data that was computed with other settings.
        report: called with each line of progress.

    Raises:
        ValueError: for an unknown name, preset or width; for a folder that cannot be written or holds data
            computed with other settings; for `redraw` without stored data.

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
    result = FigureResult(figure, folder, computed, False, figure.comparison(frame), note)
    if computed or redraw or width or not all(result.file(kind).exists() for kind in ("pdf", "png", "md")):
        _draw(result, store, frame, width or "neurips")
        result = dataclasses.replace(result, drawn=True)
    return result


def _store(
    figure: PaperFigure, folder: pathlib.Path, preset: str, seed: int, redraw: bool, force: bool
) -> Store:
    """The store of the figure's data, for the given settings; with `redraw`, for those of the stored data."""
    specification = figure.specification(preset, seed)
    if redraw:
        data = folder / f"{figure.name}.parquet"
        if not data.exists():
            raise ValueError(
                f"There is no file {str(data)!r} to redraw {figure.name!r} from; "
                "make the figure once without --redraw."
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


def _draw(result: FigureResult, store: Store, frame: pd.DataFrame, width: str) -> None:
    """Draw the figure, and write its pictures and its page."""
    with style():
        drawn = result.figure.draw(frame, result.comparison, width)
    for kind in ("pdf", "png"):
        picture = file_bytes(drawn, kind)
        store.write(result.file(kind).name, lambda target, picture=picture: target.write_bytes(picture))
    store.write(result.file("md").name, lambda target: target.write_text(page(result)))


def page(result: FigureResult) -> str:
    """The figure's page in Markdown: picture, caption, comparison, provenance and citation."""
    from games import bibtex

    note = result.note["provenance"]
    origin = ", ".join(
        f"{name} {note[name]}" for name in ("preset", "seed", "dtype", "device", "jax", "commit")
    )
    parts = [
        f"# {result.figure.title}",
        f"![{result.figure.title}]({result.figure.name}.png)",
        result.figure.caption,
        markdown(result.comparison),
        f"Data: {origin}; specification {result.note['hash']}; "
        f"{note['wall_s']} s, of which {note['compile_s']} s compiling.",
        f"```bibtex\n{bibtex(result.figure.citation)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def markdown(comparison: pd.DataFrame) -> str:
    """The comparison as a Markdown table."""
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in [list(HEAD), ["---"] * len(HEAD), *cells(comparison)]
    )


def cells(comparison: pd.DataFrame) -> list[list[str]]:
    """The rows of the comparison as text, in the columns of `HEAD`."""
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
    """A row's published number with its tolerance, marked if ours differs; empty if none was published."""
    if pd.isna(row["published"]):
        return ""
    return f"{decimal(row['published'])} ± {row['tolerance']:g}" + ("" if row["agrees"] else " (differs)")


def decimal(number: float) -> str:
    """A number with three decimals, zero without a sign.

    Example:
        >>> decimal(-1e-9), decimal(4 / 9)
        ('0.000', '0.444')
    """
    return f"{round(number, 3) + 0.0:.3f}"
