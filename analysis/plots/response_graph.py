"""The response graph over the learners of a tournament, drawn."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from analysis.ranking import response_graph_of
from shaping.drawing import OKABE_ITO, STYLE, Drawing

SURE = 0.95
"""Edges at least this probable are solid."""


def draw_response_graph(
    given: Any, game: str | None = None, ax: Axes | None = None, **settings: Any
) -> Figure | Axes:
    """Draw which learner takes over which: an arrow from a resident to a mutant that earns no less from it.

    Learners stand on a circle. The area of a disk grows with the learner's alpha-rank, and disks of learners
    in a component that no arrow leaves are filled. Arrows of probability 0.95 or more, and those of a single
    seed, are solid, others dotted; ties have no arrow.

    Args:
        given: a tournament's results, scores as for `analysis.ranking.ranking`, or a graph made by
            `response_graph_of`.
        game: the name of the game, where there are several.
        ax: axes to draw on; by default those of a new figure.
        **settings: settings of `response_graph_of`.

    Returns:
        The new figure, which notebooks show; or the axes that were given.

    Raises:
        ValueError: if some pair of learners has no finite lane, and for several games, none of them named.

    Example:
        >>> drawing = draw_response_graph((["allc", "alld"], [[3, 0], [5, 1]]))
        >>> [text.get_text() for text in drawing.axes[0].texts]
        ['allc', 'alld']
    """
    import networkx as nx

    graph = given if isinstance(given, nx.DiGraph) else response_graph_of(given, game, **settings)
    names = list(graph)
    side = 2.4 + 0.08 * len(names) + 0.1 * max(map(len, names))
    with matplotlib.rc_context(STYLE if ax is None else {}):
        figure = Drawing(STYLE, figsize=(side, side), layout="constrained") if ax is None else None
        axes: Any = ax if figure is None else figure.subplots()
        angles = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / len(names)
        places = {name: (np.cos(t), np.sin(t)) for name, t in zip(names, angles, strict=True)}
        for s, r, edge in graph.edges(data=True):
            if graph.has_edge(r, s):  # a tie
                continue
            sure = not edge["probability"] < SURE
            axes.add_patch(
                FancyArrowPatch(
                    places[s],
                    places[r],
                    arrowstyle="-|>",
                    mutation_scale=7,
                    shrinkA=7,
                    shrinkB=7,
                    linewidth=0.7,
                    linestyle="-" if sure else ":",
                    color="0.35" if sure else "0.6",
                )
            )
        for name, t in zip(names, angles, strict=True):
            x, y = places[name]
            node = graph.nodes[name]
            axes.scatter(
                x,
                y,
                s=20 + 180 * node["mass"],
                color=OKABE_ITO[0] if node["sink"] else "white",
                edgecolors=OKABE_ITO[0],
                linewidths=0.9,
                zorder=3,
            )
            across = np.cos(t)
            axes.text(
                1.16 * x,
                1.16 * y,
                name,
                ha="center" if abs(across) < 0.2 else "left" if across > 0 else "right",
                va="center" if abs(across) >= 0.2 else "bottom" if y > 0 else "top",
                fontsize=7,
            )
        axes.set(aspect="equal", title=graph.graph.get("game", ""), xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
        axes.set_axis_off()
    return axes if figure is None else figure
