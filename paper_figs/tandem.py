"""The tandem game, in which SOS converges to stable fixed points and LOLA does not."""

from typing import Any

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.results.specification import describe
from games import GAMES, Game
from paper_figs.base import PaperFigure, Preset, Published, rows, summarize
from paper_figs.style import STROKES, figure, is_wide
from shaping import LEARNERS, Learner, play

STEPS = 60
LIMITS = {"sos": (1.0, 0.0), "lola_taylor": (4 / 3, 4 / 9)}
"""Limits of x + y and of the mean loss. LOLA's limit s of x + y solves 2s - 2 - b(8s - 4) = 0 with b = .1."""
SUM, LOSS = f"x + y after {STEPS} steps", f"mean loss after {STEPS} steps"
PATHS = 6
"""Number of paths to draw per learner."""


def game() -> Game:
    """The tandem game, with the notebook's initial parameters from N(0, .1^2)."""
    return GAMES.make("tandem", init_std=0.1)


def learners() -> dict[str, Learner]:
    """SOS, and LOLA in the variant of the paper, with step size and look-ahead of .1."""
    return {
        "sos": LEARNERS.make("sos", lr=0.1, look_ahead=0.1, alignment=0.5, radius=0.1),
        "lola_taylor": LEARNERS.make("lola_taylor", lr=0.1, look_ahead=0.1),
    }


def settings() -> dict[str, Any]:
    """The game and the learners in JSON types."""
    return {
        "game": describe(game()),
        "learners": {name: describe(learner) for name, learner in learners().items()},
    }


def compute(preset: Preset, seed: int) -> pd.DataFrame:
    """Self-play of both learners from the same initial parameters: x, y and mean loss, per run and step."""
    runs = []
    for name, learner in learners().items():
        match = play(game(), [learner] * 2, seed, steps=preset.steps, seeds=preset.seeds, trajectory=True)
        values, (x, y), ok, steps = jax.device_get((match.values, match.trajectory, match.ok, match.steps))
        index = pd.MultiIndex.from_product(
            [[name], range(preset.seeds), steps.tolist()], names=["learner", "seed", "step"]
        )
        columns = {
            "x": x.ravel(),
            "y": y.ravel(),
            "loss": -values.mean(axis=-1).ravel(),
            "ok": np.repeat(ok, steps.size),
        }
        runs.append(pd.DataFrame(columns, index=index).reset_index())
    return pd.concat(runs, ignore_index=True)


def measure(frame: pd.DataFrame) -> pd.DataFrame:
    """Every learner's x + y and mean loss after the last step."""
    measured = []
    for name in LIMITS:
        last = rows(frame, learner=name, step=frame["step"].max())
        for quantity, values in ((SUM, last["x"] + last["y"]), (LOSS, last["loss"])):
            measured.append(
                {"learner": name, "quantity": quantity}
                | summarize(np.asarray(values), np.asarray(last["ok"]))
            )
    return pd.DataFrame(measured).rename(columns={"mean": "ours"}).drop(columns="sd")


def draw(frame: pd.DataFrame, comparison: pd.DataFrame, width: str) -> Figure:
    """Draw losses over learning steps in panel (a), and paths in the parameter plane in (b)."""
    grid = (
        {"ncols": 2, "width_ratios": [1.25, 1]}
        if is_wide(width)
        else {"nrows": 2, "height_ratios": [1, 1.25]}
    )
    drawn, (losses, plane) = figure(width, 2.6 if is_wide(width) else 5.2, **grid)
    for offset, name in enumerate(LIMITS):
        stroke, runs = STROKES[name], rows(frame, learner=name)
        steps = [rows(runs, step=t) for t in range(STEPS + 1)]
        curve = pd.DataFrame([summarize(np.asarray(run["loss"]), np.asarray(run["ok"])) for run in steps])
        losses.fill_between(
            curve.index, curve["low"], curve["high"], color=stroke.color, alpha=0.25, linewidth=0
        )
        losses.plot(curve.index, curve["mean"], **stroke.line(markevery=(2 + 4 * offset, 10)))
        draw_paths(plane, runs, name, range(offset, 2 * PATHS, 2))
        losses.axhline(LIMITS[name][1], color="black", linewidth=0.5)
        plane.axline((LIMITS[name][0], 0), slope=-1, color="black", linewidth=0.5)
    losses.text(STEPS, 4 / 9 - 0.015, "published limit 4/9", ha="right", va="top")
    losses.text(STEPS, -0.015, "published limit 0", ha="right", va="top")
    losses.set(xlabel="learning step", ylabel="loss, mean of the players", xlim=(0, STEPS))
    losses.set_title(f"(a) mean of {comparison['seeds'].max()} seeds; bands: its 95% interval", loc="left")
    losses.legend(loc="center right", bbox_to_anchor=(1, 0.62), handlelength=3.2)
    plane.set(
        xlabel="x (player 1)", ylabel="y (player 2)", xlim=(-0.3, 1.1), ylim=(-0.3, 1.1), aspect="equal"
    )
    plane.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    for place, name in ((0.98, "x + y = 1"), (1.1, "x + y = 4/3")):
        limit = 1 if name.endswith("1") else 4 / 3
        plane.text(
            place - 0.03,
            limit - place - 0.03,
            name,
            rotation=-45,
            rotation_mode="anchor",
            ha="right",
            va="top",
        )
    plane.set_title(f"(b) paths of {PATHS} seeds each", loc="left")
    return drawn


def draw_paths(plane: Any, runs: pd.DataFrame, name: str, seeds: range) -> None:
    """Draw paths of runs in the parameter plane, from a dot at the start to a marker at the end."""
    stroke = STROKES[name]
    for seed in seeds:
        x, y = np.asarray(rows(runs, seed=seed)[["x", "y"]]).T
        plane.plot(x, y, color=stroke.color, linestyle=stroke.dash, linewidth=0.9)
        plane.plot(x[0], y[0], marker=".", color=stroke.color)
        plane.plot(x[-1], y[-1], **stroke.line(linestyle="none"))


TANDEM = PaperFigure(
    name="tandem",
    title="LOLA and SOS in self-play on the tandem game",
    caption=(
        "Self-play on the tandem game, losses (x + y)^2 - 2x and (x + y)^2 - 2y, with step size and "
        "look-ahead .1 and initial parameters drawn from N(0, .1^2). (a) Loss, mean of the two players: "
        "lines are means over the seeds and bands the 95 % confidence intervals of those means; thin "
        "lines are the published limits. (b) Paths in the parameter plane, from dots to markers; the two "
        "learners are shown with different seeds, since their paths from the same seed overlap. Every "
        "point of x + y = 1 is a stable fixed point: SOS converges there, while LOLA, with both factors "
        "differentiated, converges to x + y = 4/3, where the mean loss of the players is 4/9. The notebook "
        "runs 100 seeds for 30 steps and shades one standard deviation of player 1's loss."
    ),
    citation="letcher2019sos",
    presets={"quick": Preset(seeds=100, steps=STEPS), "paper": Preset(seeds=1000, steps=STEPS)},
    settings=settings,
    compute=compute,
    measure=measure,
    draw=draw,
    published=tuple(
        Published(learner, quantity, value, 1e-3)
        for learner, limits in LIMITS.items()
        for quantity, value in zip((SUM, LOSS), limits, strict=True)
    ),
)
