"""Pictures of tournaments, matches and episodes."""

from analysis.plots.animation import animate, snapshot, transcript
from analysis.plots.pictures import curves, heatmap, save

__all__ = ["animate", "curves", "heatmap", "save", "snapshot", "transcript"]
