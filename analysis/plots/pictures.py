"""Pictures of a tournament and of a match: legible in gray, with fonts that journals accept."""

import io
import os
import textwrap
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.statistics import estimate, short
from analysis.tournaments.tables import blocks, cells, runs
from games.checks import shown
from games.registry import nearest

if TYPE_CHECKING:
    import pandas as pd

    from shaping.match import Match

STYLE: Any = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "opponent-shaping-lab",
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "axes.unicode_minus": False,
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.5,
}
"""Settings under which everything is drawn and saved: Type 42 fonts (journals refuse Type 3), STIX, thin axes."""
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))


class Drawing(Figure):
    """A figure that is saved under the settings it was drawn under, whoever saves it, and that notebooks show.

    Args:
        style: those settings.
        **layout: arguments of `Figure`.
    """

    def __init__(self, style: Any, **layout: Any):
        super().__init__(**layout)
        self.style = style

    def savefig(self, fname: Any, **how: Any) -> None:
        """As `Figure.savefig`, with fonts that journals accept."""
        with matplotlib.rc_context(self.style):
            super().savefig(fname, **how)

    def _repr_png_(self) -> bytes:
        """For notebooks."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=150)
        return picture.getvalue()


def heatmap(frame: "pd.DataFrame", value: str = "value") -> Figure:
    """The cross-play tables of a tournament: one panel per game, the row learner's mean per-step value against every column learner.

    A cell with diverged seeds is hatched; where all diverged it is empty.

    Args:
        frame: tidy rows of a tournament.
        value: which measure to average, `"value"` (final) or `"value_auc"` (mean over the trajectory).
    """
    table = cells(frame, value)
    games = list(table["game"].unique())
    learners = list(table["row"].unique())
    n, across = len(learners), min(2, len(games))
    down = -(-len(games) // across)
    name = 0.055 * max(map(len, learners))  # inches of the longest name
    width, height = max(0.34 * n, 1.0) + name + 1.0, 0.34 * n + 0.75 * name + 0.6
    hatched = (
        "; hatched: some seeds diverged and are left out" if (table["diverged"] > 0).to_numpy().any() else ""
    )
    whole = max(across * width, 2.8)
    below = textwrap.wrap(
        f"column learner (seat 1); color and number: the row learner's mean value per step{hatched}",
        int(15 * (whole - 0.2)),
    )
    with matplotlib.rc_context(STYLE):
        drawn = Drawing(STYLE, figsize=(whole, down * height + 0.13 * len(below)), layout="constrained")
        axes = drawn.subplots(down, across, squeeze=False).ravel()
        for axis, game in zip(axes, games, strict=False):
            _panel(axis, drawn, table[table["game"] == game], learners)
            title = textwrap.wrap(game.replace("_", "_ "), max(24, 5 * n))
            axis.set_title("\n".join(title).replace("_ ", "_"))
        for axis in axes[len(games) :]:
            axis.set_axis_off()
        drawn.supxlabel("\n".join(below), fontsize=8)
        drawn.supylabel("row learner (seat 0)", fontsize=8)
    return drawn


def _panel(axis: Any, drawn: Figure, table: Any, learners: list[str]) -> None:
    """One game's table."""
    n = len(learners)
    place = {name: k for k, name in enumerate(learners)}
    means, diverged = np.full((n, n), np.nan), np.zeros((n, n), int)
    for cell in table.to_dict("records"):
        means[place[cell["row"]], place[cell["column"]]] = cell["row_mean"]
        diverged[place[cell["row"]], place[cell["column"]]] = cell["diverged"]
    finite = means[np.isfinite(means)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    high = high if high > low else low + 1e-6
    image = axis.imshow(means, cmap="cividis", vmin=low, vmax=high)
    shade = matplotlib.colormaps["cividis"]
    for i, j in np.ndindex(n, n):
        if np.isfinite(means[i, j]):
            red, green, blue, _ = shade((means[i, j] - low) / (high - low))
            light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45
            axis.text(
                j,
                i,
                short(float(means[i, j])),
                ha="center",
                va="center",
                fontsize=6,
                color="black" if light else "white",
            )
        if diverged[i, j]:
            axis.add_patch(
                Rectangle(
                    (j - 0.5, i - 0.5), 1, 1, fill=False, hatch="////", edgecolor="#D55E00", linewidth=0
                )
            )
    axis.set_xticks(range(n), learners, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(n), learners)
    axis.tick_params(length=0)
    if finite.size and finite.max() > finite.min():  # one value needs no scale
        bar = drawn.colorbar(image, ax=axis, shrink=0.8, aspect=25, pad=0.02)
        bar.outline.set_linewidth(0.4)
        bar.ax.tick_params(length=2, width=0.4)


def curves(run: "Match | pd.DataFrame") -> Figure:
    """Learning curves of a match: mean value per step of every player, with pointwise 95 % intervals over the seeds as bands.

    Args:
        run: a match without sweeps, or its tidy table; diverged seeds are left out, and counted in the title.
    """
    import pandas as pd

    from shaping.match import Match

    if not isinstance(run, (Match, pd.DataFrame)):
        raise ValueError(
            f"A match is drawn, and {shown(run)} was given; give what play returned, or its table."
        )
    frame = run if isinstance(run, pd.DataFrame) else run.to_frame()
    if missing := [
        name for name in ("game", "seat", "learner", "seed", "step", "value", "ok") if name not in frame
    ]:
        raise ValueError(
            f"A match's table is drawn, and this one has no column {missing[0]!r}; give what play(...).to_frame() returned."
        )
    if frame.duplicated(["seat", "seed", "step"]).any():
        raise ValueError(
            "The curves of one match are drawn, and this table holds several, such as the points of a sweep; choose one, as in "
            "curves(table[table['point'] == 0])."
        )
    with matplotlib.rc_context(STYLE):
        drawn = Drawing(STYLE, figsize=(4.2, 2.7), layout="constrained")
        axis = drawn.subplots()
        for (seat,), own in blocks(frame, "seat"):
            table, ok = runs(own)
            found = [estimate(column, ok) for column in table.to_numpy().T]
            color, dash = OKABE_ITO[seat % len(OKABE_ITO)], DASHES[seat % len(DASHES)]
            label = f"{own['learner'].iloc[0]} (seat {seat})"
            axis.plot(
                table.columns,
                [e.mean for e in found],
                color=color,
                linestyle=dash,
                linewidth=1.2,
                label=label,
            )
            axis.fill_between(
                table.columns,
                [e.low for e in found],
                [e.high for e in found],
                color=color,
                alpha=0.2,
                linewidth=0,
            )
        _, ok = runs(frame[frame["seat"] == 0])
        out = f", {(~ok).sum()} of {ok.size} diverged and left out" if not ok.all() else ""
        axis.set_title(
            f"{frame['game'].iloc[0]}: mean of {ok.size} seeds{out}; bands: 95 % intervals", fontsize=8
        )
        axis.set_xlabel("learning step")
        axis.set_ylabel("value per step")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0)
        axis.legend()
    return drawn


def save(drawn: Figure, path: str | os.PathLike) -> None:
    """Write a figure; the ending of the name decides the format, and equal figures give equal bytes."""
    kind = os.path.splitext(path)[1].lstrip(".")
    if not isinstance(drawn, Figure):
        raise ValueError(
            f"A figure is saved, and {shown(drawn)} was given; give what heatmap or curves returned."
        )
    if kind not in (known := drawn.canvas.get_supported_filetypes()):
        raise ValueError(
            f"The picture {str(path)!r} has the unknown ending {kind!r}; {nearest(kind, known)}."
        )
    dates: dict[str, Any] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "svg": {"Date": None},
        "png": {"Software": None},
    }
    drawn.savefig(path, dpi=200, metadata=dates.get(kind))
