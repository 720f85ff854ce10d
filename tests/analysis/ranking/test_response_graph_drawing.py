"""The drawing of a response graph: every learner is named, every strict edge is an arrow, nothing is cut."""

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from analysis.plots.response_graph import draw_response_graph
from analysis.ranking import response_graph_of
from shaping.drawing import STYLE


def arrows(axes):
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


@pytest.mark.parametrize("n", [2, 5, 30])
def test_learners_are_named_and_inside(n):
    scores = np.random.default_rng(0).normal(size=(n, n, 4))
    names = [f"a_learner_{k}" for k in range(n)]
    figure = draw_response_graph((names, scores), resamples=20)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == names
    assert len(arrows(axes)) == n * (n - 1) // 2
    with matplotlib.rc_context(STYLE):
        figure.canvas.draw()
        frame = figure.bbox
        for text in axes.texts:
            box = text.get_window_extent()
            assert frame.x0 - 1 <= box.x0
            assert box.x1 <= frame.x1 + 1
            assert frame.y0 - 1 <= box.y0
            assert box.y1 <= frame.y1 + 1


def test_ties_have_no_arrow_and_unsure_edges_are_dotted():
    scores = np.zeros((3, 3, 20))
    scores[0, 1] = 1
    scores[1, 2] = 0.01 + np.random.default_rng(0).normal(size=20)
    axes = draw_response_graph(scores).axes[0]
    assert sorted(arrow.get_linestyle() for arrow in arrows(axes)) == ["-", ":"]


def test_given_axes_come_back_and_a_graph_is_accepted():
    axes = Figure().subplots()
    assert draw_response_graph(response_graph_of([[0, 1], [2, 0]]), ax=axes) is axes
    assert isinstance(axes, Axes)
