"""Heatmaps of tournaments and learning curves of matches, legible in gray print."""

import os
import textwrap
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.statistics import short
from analysis.tournaments.tables import blocks, cells, runs
from games.checks import shown
from games.registry import nearest
from shaping.drawing import STYLE, Drawing, draw_curves

if TYPE_CHECKING:
    import pandas as pd

    from shaping.match import Match


def heatmap(frame: "pd.DataFrame", value: str = "value", ax: Axes | None = None) -> Figure | Axes:
    """Draw the cross-play table of every game: the row learner's mean value against the column learner.

    A cell with diverged seeds is hatched; a cell all of whose seeds diverged is empty.

    Args:
        frame: tidy rows of a tournament.
        value: which measure to average, `"value"` (final) or `"value_auc"` (mean over the trajectory).
        ax: axes to draw one game on; by default those of a new figure with one panel per game.

    Returns:
        The new figure, which notebooks show; or the axes that were given.

    Raises:
        ValueError: for what is no tidy table or no measure of it, and for several games on one `ax`.

    Example:
        >>> from analysis import tournament
        >>> drawing = heatmap(tournament(["tandem"], ["naive", "lola"], steps=5, seeds=2))
        >>> drawing.axes[0].get_title()
        'tandem'
    """
    table = cells(frame, value)
    games = list(table["game"].unique())
    learners = list(dict.fromkeys([*table["row"], *table["column"]]))
    if ax is not None:
        if len(games) != 1:
            raise ValueError(
                f"One axes shows one game, and these rows hold {len(games)}; choose one, as in heatmap(frame[frame['game'] == "
                f"{games[0]!r}], ax=ax)."
            )
        _panel(ax, table, learners)
        ax.set(title=games[0], xlabel="column learner (seat 1)", ylabel="row learner (seat 0)")
        return ax
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
        figure = Drawing(STYLE, figsize=(whole, down * height + 0.13 * len(below)), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for panel, game in zip(panels, games, strict=False):
            _panel(panel, table[table["game"] == game], learners)
            title = textwrap.wrap(game.replace("_", "_ "), max(24, 5 * n))
            panel.set_title("\n".join(title).replace("_ ", "_"))
        for panel in panels[len(games) :]:
            panel.set_axis_off()
        figure.supxlabel("\n".join(below), fontsize=8)
        figure.supylabel("row learner (seat 0)", fontsize=8)
    return figure


def _panel(axes: Any, table: Any, learners: list[str]) -> None:
    """Draw one game's cross-play table."""
    n = len(learners)
    place = {name: k for k, name in enumerate(learners)}
    means, diverged = np.full((n, n), np.nan), np.zeros((n, n), int)
    for cell in table.to_dict("records"):
        means[place[cell["row"]], place[cell["column"]]] = cell["row_mean"]
        diverged[place[cell["row"]], place[cell["column"]]] = cell["diverged"]
    finite = means[np.isfinite(means)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    high = high if high > low else low + 1e-6
    image = axes.imshow(means, cmap="cividis", vmin=low, vmax=high)
    shade = matplotlib.colormaps["cividis"]
    for i, j in np.ndindex(n, n):
        if np.isfinite(means[i, j]):
            red, green, blue, _ = shade((means[i, j] - low) / (high - low))
            light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45
            axes.text(
                j,
                i,
                short(float(means[i, j])),
                ha="center",
                va="center",
                fontsize=6,
                color="black" if light else "white",
            )
        if diverged[i, j]:
            axes.add_patch(
                Rectangle(
                    (j - 0.5, i - 0.5), 1, 1, fill=False, hatch="////", edgecolor="#D55E00", linewidth=0
                )
            )
    axes.set_xticks(range(n), learners, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), learners)
    axes.tick_params(length=0)
    if finite.size and finite.max() > finite.min():  # one value needs no scale
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, pad=0.02)
        bar.outline.set_linewidth(0.4)
        bar.ax.tick_params(length=2, width=0.4)


def curves(run: "Match | pd.DataFrame", ax: Axes | None = None) -> Figure | Axes:
    """Draw the learning curves of a match: mean values per step, with pointwise 95 % intervals over seeds.

    Args:
        run: a match without sweeps, or its tidy table; diverged seeds are left out, and counted in the title.
        ax: axes to draw on; by default those of a new figure.

    Returns:
        The new figure, which notebooks show; or the axes that were given.

    Raises:
        ValueError: for what is neither, and for a table that holds several matches.

    Example:
        >>> from shaping import play
        >>> curves(play("tandem", ["naive", "lola"], steps=5, seeds=2)).axes[0].get_xlabel()
        'learning step'
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
    values: dict[str, Any] = {}
    steps: Any = ()
    ok: Any = ()
    for (seat,), own in blocks(frame, "seat"):
        table, ok = runs(own)
        steps = table.columns
        values[f"{own['learner'].iloc[0]} (seat {seat})"] = table.to_numpy()
    return draw_curves(frame["game"].iloc[0], steps, values, ok, ax)


def save(figure: Figure | Axes, path: str | os.PathLike) -> None:
    """Write a figure to a file; equal figures give equal bytes.

    Args:
        figure: what `heatmap`, `curves` or `Match.plot` returned; of axes, the figure that holds them.
        path: the file, whose ending decides the format, such as `.pdf` or `.png`.

    Raises:
        ValueError: for what is no figure, and for an unknown ending.
    """
    kind = os.path.splitext(path)[1].lstrip(".")
    if isinstance(figure, Axes):
        figure = figure.get_figure(root=True)  # pyright: ignore[reportAssignmentType]  # checked next
    if not isinstance(figure, Figure):
        raise ValueError(
            f"A figure is saved, and {shown(figure)} was given; give what heatmap or curves returned."
        )
    if kind not in (known := figure.canvas.get_supported_filetypes()):
        raise ValueError(
            f"The picture {str(path)!r} has the unknown ending {kind!r}; {nearest(kind, known)}."
        )
    dates: dict[str, Any] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "svg": {"Date": None},
        "png": {"Software": None},
    }
    figure.savefig(path, dpi=200, metadata=dates.get(kind))
