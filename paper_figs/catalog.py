"""Every figure under its name."""

from games.registry import Entry, Registry
from paper_figs.base import PaperFigure
from paper_figs.pola_tft import POLA_TFT
from paper_figs.sos_ipd import SOS_IPD
from paper_figs.tandem import TANDEM

FIGURES = Registry("figure")
"""Figures by name; `FIGURES.make(name)` is a `PaperFigure`, and an entry's facts hold its `published` numbers."""


def enter(figure: PaperFigure) -> None:
    """Enter a figure in `FIGURES`."""
    FIGURES.add(
        Entry(
            figure.name, lambda: figure, figure.title, figure.citation, facts={"published": figure.published}
        )
    )


for each in (POLA_TFT, SOS_IPD, TANDEM):
    enter(each)
