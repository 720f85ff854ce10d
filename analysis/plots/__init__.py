"""Pictures and animations."""

from analysis.plots.animation import animate
from analysis.plots.pictures import curves, heatmap, save

__all__ = ["animate", "curves", "heatmap", "save"]
