"""The common style of the figures (widths, colors, markers, dashes), and reproducible files."""

import dataclasses
import io
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from games.registry import nearest
from shaping.drawing import STYLE, Drawing

WIDTHS: Mapping[str, float] = {"neurips": 5.5, "iclr": 5.5, "icml": 3.25, "aaai": 3.25}
"""Width in inches of the text (neurips, iclr) or of one column (icml, aaai)."""

RC: Any = STYLE | {
    "axes.titlesize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 4.5,
}
"""Matplotlib settings for drawing and saving figures."""

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GRAY = "#777777"


@dataclasses.dataclass(frozen=True)
class Stroke:
    """The style of a learner's curve in all figures; marker and dash distinguish curves in gray print."""

    label: str
    color: str
    marker: str
    dash: Any = "-"
    size: float = 4.5

    def line(self, **more: Any) -> dict[str, Any]:
        """Arguments for `Axes.plot`."""
        mark = {
            "marker": self.marker,
            "markersize": self.size,
            "markeredgecolor": "white",
            "markeredgewidth": 0.3,
        }
        return {"color": self.color, "linestyle": self.dash, "label": self.label} | mark | more


STROKES: Mapping[str, Stroke] = {
    "sos": Stroke("SOS", VERMILION, "o", "-"),
    "lola_taylor": Stroke("LOLA", BLUE, "s", (0, (5, 1.5))),
    "lookahead": Stroke("LA", GREEN, "^", (0, (1, 1))),
    "consensus": Stroke("CO", PURPLE, "D", "-"),
    "sga": Stroke("SGA", ORANGE, "v", (0, (5, 1.5, 1, 1.5))),
    "extragradient": Stroke("EG", SKY, "P", (0, (3, 1, 1, 1, 1, 1)), 5.5),
    "cgd": Stroke("CGD", GRAY, "X", (0, (5, 1.5)), 5.5),
    "lss": Stroke("LSS", BLUE, ">", "-"),
    "naive": Stroke("naive", BLACK, "*", (0, (1, 1)), 6.5),
}
"""One style per learner: the colors of Okabe and Ito without yellow; similar colors have different dashes."""


def check_width(width: str) -> None:
    """Raise an error for an unknown venue.

    Raises:
        ValueError: for a name that is not in `WIDTHS`.
    """
    if width not in WIDTHS:
        raise ValueError(f"Unknown width {width!r}; {nearest(width, WIDTHS)}.")


def is_wide(width: str) -> bool:
    """Whether two panels fit side by side at this width."""
    return WIDTHS[width] > 4


def figure(width: str, height: float, **grid: Any) -> tuple[Figure, Any]:
    """An empty figure with the width of a venue.

    Args:
        width: a name of `WIDTHS`.
        height: height in inches.
        **grid: arguments for `Figure.subplots`.

    Returns:
        The figure and its axes.

    Raises:
        ValueError: for an unknown width.
    """
    check_width(width)
    drawn = Drawing(RC, figsize=(WIDTHS[width], height), layout="constrained")
    return drawn, drawn.subplots(**grid)


def style() -> Any:
    """The context manager within which figures are drawn and saved.

    Example:
        >>> import matplotlib
        >>> with style():
        ...     matplotlib.rcParams["pdf.fonttype"]
        42
    """
    return matplotlib.rc_context(RC)


def file_bytes(drawn: Figure, kind: str) -> bytes:
    """The bytes of a figure's file; with one version of matplotlib, equal figures give equal bytes.

    Args:
        drawn: the figure, drawn within `style()`.
        kind: `"pdf"`, or `"png"` for a preview with 200 dots per inch.
    """
    fixed = {"CreationDate": None, "Creator": None, "Producer": None} if kind == "pdf" else {"Software": None}
    file = io.BytesIO()
    drawn.savefig(file, format=kind, metadata=fixed, dpi=200)
    return file.getvalue()
