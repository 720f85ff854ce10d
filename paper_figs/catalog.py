"""The registry of figures."""

from games.registry import Entry, Registry
from paper_figs.base import PaperFigure
from paper_figs.pola_tft import POLA_TFT
from paper_figs.sos_ipd import SOS_IPD
from paper_figs.tandem import TANDEM

FIGURES = Registry("figure")
"""All figures by name: `FIGURES.make(name)` is a `PaperFigure`."""


def register(figure: PaperFigure) -> None:
    """Add a figure to `FIGURES`."""
    FIGURES.add(
        Entry(
            figure.name, lambda: figure, figure.title, figure.citation, facts={"published": figure.published}
        )
    )


for figure in (POLA_TFT, SOS_IPD, TANDEM):
    register(figure)
