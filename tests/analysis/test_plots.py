"""Pictures: nothing is cut, whoever saves them gets the fonts that journals accept, and notebooks show them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from analysis.plots import pictures as plots


def rows(learners, games):
    """Rows of a tournament with made-up values, some seeds diverged."""
    values = iter(np.random.default_rng(0).normal(size=10_000))
    return pd.DataFrame(
        [
            {
                "game": game,
                "learner_0": a,
                "learner_1": b,
                "seat": seat,
                "learner": (a, b)[seat],
                "opponent": (b, a)[seat],
                "seed": seed,
                "value": next(values),
                "ok": bool(seed or a != learners[0]),
            }
            for game in games
            for a, b in itertools.product(learners, learners)
            for seat in (0, 1)
            for seed in range(3)
        ]
    )


LONG = "file:runs/a_folder_with/a_very_long_name"


@pytest.mark.parametrize(
    ("learners", "games"),
    [
        (["naive"], ["ipd"]),
        (["naive", "lola", "sos"], ["iterated_prisoners_dilemma"]),
        (["naive", "lola", "sos"], ["ipd", "iterated_prisoners_dilemma", "imp"]),
        ([LONG, "naive"], ["a_game_with_a_name_that_is_longer_than_its_panel"]),
        ([f"learner_{k}" for k in range(20)], ["ipd", "imp"]),
    ],
    ids=["one", "three", "games", "long", "twenty"],
)
def test_no_text_of_a_heatmap_is_cut(learners, games):
    drawn = plots.heatmap(rows(learners, games))
    drawn.draw_without_rendering()
    page = drawn.bbox
    texts = [(t.get_text().replace("\n", ""), t) for t in drawn.findobj(Text) if isinstance(t, Text)]
    wanted = {
        *learners,
        *games,
        "row learner (seat 0)",
        *(said for said, _ in texts if said.startswith("column learner")),
    }
    assert wanted <= {said for said, _ in texts}
    for box in (text.get_window_extent() for said, text in texts if said in wanted):
        assert page.x0 <= box.x0
        assert page.y0 <= box.y0
        assert box.x1 <= page.x1
        assert box.y1 <= page.y1


def test_the_style_travels_with_the_figure(tmp_path):
    """Journals refuse Type 3 fonts, which matplotlib writes unless told otherwise."""
    drawn = plots.heatmap(rows(["naive", "lola"], ["ipd"]))
    drawn.savefig(tmp_path / "x.pdf")
    written = (tmp_path / "x.pdf").read_bytes()
    assert b"/Type3" not in written
    assert b"/CIDFontType2" in written or b"/TrueType" in written
    assert drawn._repr_png_().startswith(b"\x89PNG")
