"""What runs turn into: tournaments, tables, statistics, pictures, results on disk, and the command line."""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.consistency import consistency_loss, cosine_similarity
    from analysis.evaluation import evaluate
    from analysis.plots import animate, curves, heatmap
    from analysis.results import load
    from analysis.statistics import Estimate, estimate
    from analysis.tournaments import cells, round_robin, standings, tournament

__all__ = [
    "Estimate",
    "animate",
    "cells",
    "consistency_loss",
    "cosine_similarity",
    "curves",
    "estimate",
    "evaluate",
    "heatmap",
    "load",
    "round_robin",
    "standings",
    "tournament",
]

_HOMES = {
    "analysis.consistency": ("consistency_loss", "cosine_similarity"),
    "analysis.evaluation": ("evaluate",),
    "analysis.plots": ("animate", "curves", "heatmap"),
    "analysis.results": ("load",),
    "analysis.statistics": ("Estimate", "estimate"),
    "analysis.tournaments": ("cells", "round_robin", "standings", "tournament"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the command line starts without pandas and matplotlib."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Moved(types.ModuleType):
    """The module `analysis.tournament` of earlier versions, whose contents are in `analysis.tournaments`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("analysis.tournaments"), name)


sys.modules["analysis.tournament"] = _Moved("analysis.tournament")
