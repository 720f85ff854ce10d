"""Tournaments, tables, statistics, pictures, results on disk, and the command line."""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.consistency import consistency_loss, cosine_similarity
    from analysis.evaluation import evaluate
    from analysis.outcomes import OUTCOMES
    from analysis.plots import animate, curves, heatmap, save, snapshot, transcript
    from analysis.plots.response_graph import draw_response_graph
    from analysis.ranking import (
        RANKINGS,
        equilibria_of_learners,
        fixation_probabilities,
        game_of,
        performance_profile,
        population_shares,
        probability_of_improvement,
        response_graph_of,
    )
    from analysis.results import load
    from analysis.statistics import Estimate, bootstrap_interval, estimate, iqm
    from analysis.tournaments import Cell, Results, RoundRobin, cells, round_robin, standings, tournament

__all__ = [
    "OUTCOMES",
    "RANKINGS",
    "Cell",
    "Estimate",
    "Results",
    "RoundRobin",
    "animate",
    "bootstrap_interval",
    "cells",
    "consistency_loss",
    "cosine_similarity",
    "curves",
    "draw_response_graph",
    "equilibria_of_learners",
    "estimate",
    "evaluate",
    "fixation_probabilities",
    "game_of",
    "heatmap",
    "iqm",
    "load",
    "performance_profile",
    "population_shares",
    "probability_of_improvement",
    "response_graph_of",
    "round_robin",
    "save",
    "snapshot",
    "standings",
    "tournament",
    "transcript",
]

_HOMES = {
    "analysis.consistency": ("consistency_loss", "cosine_similarity"),
    "analysis.evaluation": ("evaluate",),
    "analysis.outcomes": ("OUTCOMES",),
    "analysis.plots": ("animate", "curves", "heatmap", "save", "snapshot", "transcript"),
    "analysis.plots.response_graph": ("draw_response_graph",),
    "analysis.ranking": (
        "RANKINGS",
        "equilibria_of_learners",
        "fixation_probabilities",
        "game_of",
        "performance_profile",
        "population_shares",
        "probability_of_improvement",
        "response_graph_of",
    ),
    "analysis.results": ("load",),
    "analysis.statistics": ("Estimate", "bootstrap_interval", "estimate", "iqm"),
    "analysis.tournaments": (
        "Cell",
        "Results",
        "RoundRobin",
        "cells",
        "round_robin",
        "standings",
        "tournament",
    ),
}
_FOLDERS = (
    "consistency",
    "evaluation",
    "outcomes",
    "plots",
    "ranking",
    "results",
    "statistics",
    "tournaments",
)
"""Modules that are attributes of the package as soon as it is imported."""


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, to start the command line without pandas."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    if name in _FOLDERS:
        return importlib.import_module(f"analysis.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for completion in notebooks."""
    return sorted([*__all__, *_FOLDERS])


class _Moved(types.ModuleType):
    """The module `analysis.tournament` of earlier versions, whose contents are in `analysis.tournaments`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("analysis.tournaments"), name)


sys.modules["analysis.tournament"] = _Moved("analysis.tournament")
