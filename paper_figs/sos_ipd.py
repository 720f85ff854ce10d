"""Nine learners on the iterated prisoner's dilemma, as in the notebook of the SOS paper."""

from typing import Any

import jax
import pandas as pd
from matplotlib.figure import Figure

from analysis.results.specification import describe
from games import GAMES, Game
from paper_figs.base import PaperFigure, Preset, Published, rows, summarize
from paper_figs.style import STROKES, figure, is_wide
from shaping import LEARNERS, Learner, play

QUANTITY = "loss of player 1 after {} steps"


def game() -> Game:
    """The iterated prisoner's dilemma with the notebook's discount, and initial logits from N(0, 1)."""
    return GAMES.make("ipd", discount=0.96, init_std=1.0)


def learners() -> dict[str, Learner]:
    """The notebook's learners with its settings: step sizes and look-ahead of 1 on un-normalized returns."""
    chosen = {
        "sos": {"look_ahead": 1.0, "alignment": 0.5, "radius": 0.1},
        "lola_taylor": {"look_ahead": 1.0},
        "lookahead": {"look_ahead": 1.0},
        "consensus": {"weight": 1.0},
        "sga": {"epsilon": 0.1},
        "extragradient": {},
        "cgd": {"look_ahead": 1.0},
        "lss": {"ridge": 0.1},
        "naive": {},
    }
    return {name: LEARNERS.make(name, lr=1.0, **numbers) for name, numbers in chosen.items()}


def settings() -> dict[str, Any]:
    """The game and the learners in JSON types."""
    return {
        "game": describe(game()),
        "learners": {name: describe(learner) for name, learner in learners().items()},
    }


def compute(preset: Preset, seed: int) -> pd.DataFrame:
    """Self-play of every learner from the same initial logits: player 1's loss, summarized over seeds."""
    records = []
    for name, learner in learners().items():
        match = play(game(), [learner] * 2, seed, steps=preset.steps, seeds=preset.seeds)
        values, ok, steps = jax.device_get((match.values, match.ok, match.steps))
        records += [
            {"learner": name, "step": int(t)} | summarize(-values[:, k, 0], ok) for k, t in enumerate(steps)
        ]
    return pd.DataFrame(records)


def measure(frame: pd.DataFrame) -> pd.DataFrame:
    """Every learner's loss after the last step."""
    steps = frame["step"].max()
    last = rows(frame, step=steps).assign(quantity=QUANTITY.format(steps), ours=lambda f: f["mean"])
    return last.drop(columns=["step", "mean", "sd"])


def draw(frame: pd.DataFrame, comparison: pd.DataFrame, width: str) -> Figure:
    """Draw learning curves with confidence bands in panel (a), our and published final losses in (b)."""
    grid = (
        {"ncols": 2, "width_ratios": [2.2, 1]} if is_wide(width) else {"nrows": 2, "height_ratios": [1.6, 1]}
    )
    drawn, (curves, dots) = figure(width, 2.9 if is_wide(width) else 4.6, **grid)
    order = comparison.sort_values("ours", ascending=False)["learner"].tolist()
    for offset, name in enumerate(order):
        part, stroke = rows(frame, learner=name), STROKES[name]
        curves.fill_between(
            part["step"], part["low"], part["high"], color=stroke.color, alpha=0.25, linewidth=0
        )
        curves.plot(part["step"], part["mean"], **stroke.line(markevery=(3 + offset, 14)))
    curves.set(
        xlabel="learning step",
        ylabel="loss of player 1 per step",
        xlim=(0, frame["step"].max()),
        ylim=(0.95, 2.05),
    )
    curves.set_title(f"(a) mean of {comparison['seeds'].max()} seeds; bands: its 95% interval", loc="left")
    curves.legend(ncols=3, loc="center", bbox_to_anchor=(0.55, 0.42), handlelength=3.2)
    draw_comparison(dots, comparison.set_index("learner").loc[order[::-1]])
    return drawn


def draw_comparison(axes: Any, comparison: pd.DataFrame) -> None:
    """Draw our final losses as markers and the published losses as bars, one learner per line."""
    for line, (name, row) in enumerate(comparison.iterrows()):
        stroke = STROKES[str(name)]
        half = [[row["ours"] - row["low"]], [row["high"] - row["ours"]]]
        axes.errorbar(
            row["ours"],
            line + 0.17,
            xerr=half,
            fmt=stroke.marker,
            color=stroke.color,
            capsize=1.5,
            linewidth=0.8,
        )
        axes.errorbar(
            row["published"],
            line - 0.17,
            xerr=row["tolerance"],
            fmt="|",
            color="black",
            capsize=1.5,
            linewidth=0.8,
        )
    axes.set_yticks(range(len(comparison)), [STROKES[str(name)].label for name in comparison.index])
    axes.set_xlabel("loss at the last step")
    axes.set_title("(b) ours: markers\n     published: bars", loc="left")


SOS_IPD = PaperFigure(
    name="sos_ipd",
    title="Nine learners in self-play on the iterated prisoner's dilemma",
    caption=(
        "Self-play on the iterated prisoner's dilemma (discount .96, memory one, logits from N(0, 1)), "
        "step sizes and look-ahead of 1 on un-normalized returns. (a) Loss of player 1, which is minus its "
        "per-step value: lines are means over the seeds and bands the 95 % confidence "
        "intervals of those means; the column `sd` of the data is the standard deviation of the runs. "
        "(b) The loss after the last step, with 95 % intervals; black bars are the published values with "
        "the largest difference that counts as agreement. LOLA is the variant `taylor`, with both factors "
        "differentiated. The notebook runs 50 seeds, takes its 100th record before the 100th step, and "
        "shades one standard deviation of the runs."
    ),
    citation="letcher2019sos",
    presets={"quick": Preset(seeds=1000, steps=100), "paper": Preset(seeds=10_000, steps=100)},
    settings=settings,
    compute=compute,
    measure=measure,
    draw=draw,
    published=tuple(
        Published(learner, QUANTITY.format(100), value, 0.03)
        for learner, value in {
            "sos": 1.058,
            "lola_taylor": 1.049,
            "lookahead": 1.927,
            "cgd": 1.955,
            "naive": 1.987,
        }.items()
    ),
)
