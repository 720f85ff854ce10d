"""Learning curves, drawn with the fonts and colors that all figures of the laboratory share."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
"""Matplotlib settings for drawing and saving: Type 42 fonts (journals refuse Type 3), STIX, thin axes."""
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colors that color-blind readers tell apart (Okabe and Ito 2008), without yellow."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))


class Drawing(Figure):
    """A figure that is always saved under the settings it was drawn under, and that notebooks show.

    Args:
        style: matplotlib settings.
        **layout: arguments of `matplotlib.figure.Figure`.
    """

    def __init__(self, style: Any, **layout: Any):
        super().__init__(**layout)
        self.style = style

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as `Figure.savefig` does, under the settings of the drawing."""
        with matplotlib.rc_context(self.style):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        """The picture that a notebook shows."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=150)
        return picture.getvalue()


def draw_curves(
    game: str,
    steps: Int[ArrayLike, " records"],
    values: Mapping[str, Float[ArrayLike, "seeds records"]],
    ok: Bool[ArrayLike, " seeds"],
    ax: "Axes | None" = None,
) -> "Figure | Axes":
    r"""Draw learning curves: means over seeds, with Student's 95 % intervals as bands.

    Each band is $\bar x \pm t_{.975, n-1}\, s / \sqrt n$ over the n finite seeds.

    Args:
        game: its name, for the title.
        steps: the learning step of every record.
        values: for every curve its label and its values per step.
        ok: which seeds stayed finite; the others are left out and counted in the title.
        ax: axes to draw on; by default those of a new figure.

    Returns:
        The new figure, or the axes that were given.
    """
    from scipy.special import stdtrit

    kept = np.asarray(ok, bool)
    n = int(kept.sum())
    with matplotlib.rc_context(STYLE if ax is None else {}):  # given axes keep their own style
        figure = Drawing(STYLE, figsize=(4.2, 2.7), layout="constrained") if ax is None else None
        axes: Any = ax if figure is None else figure.subplots()
        for k, (label, table) in enumerate(values.items()):
            runs = np.asarray(table, float)[kept]
            color = OKABE_ITO[k % len(OKABE_ITO)]
            mean = runs.mean(axis=0) if n else np.full(len(np.asarray(steps)), np.nan)
            axes.plot(steps, mean, color=color, linestyle=DASHES[k % len(DASHES)], linewidth=1.2, label=label)
            if n > 1:
                half = stdtrit(n - 1, 0.975) * runs.std(axis=0, ddof=1) / n**0.5
                axes.fill_between(steps, mean - half, mean + half, color=color, alpha=0.2, linewidth=0)
        left_out = f", {kept.size - n} of {kept.size} diverged and left out" if n < kept.size else ""
        bands = "; bands: 95 % intervals" if n > 1 else ""
        axes.set_title(
            f"{game}: mean of {kept.size} seed{'s' * (kept.size != 1)}{left_out}{bands}", fontsize=8
        )
        axes.set_xlabel("learning step")
        axes.set_ylabel("value per step")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
        axes.legend()
    return axes if figure is None else figure
