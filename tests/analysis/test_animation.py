"""Trajectories as text and as pictures that move."""

import itertools
import pathlib
import re

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.plots.animation import (
    COIN_MARKS,
    MATRIX_MARKS,
    animate,
    draw_coin_game,
    draw_in_the_matrix,
    states,
    transcript,
)
from games.environments.auto_reset import AutoReset
from games.environments.catalog import ENVIRONMENTS
from games.environments.rollouts import random_actions, rollout

pytestmark = pytest.mark.usefixtures("quickly_compiled")
STEPS = 12


@pytest.fixture(scope="module")
def plays():
    """Random play of two environments with boards and of one without, the first over several episodes."""
    made = {
        "coin_jaxmarl": AutoReset(ENVIRONMENTS.make("coin_jaxmarl", length=5)),
        "ipd_in_the_matrix": ENVIRONMENTS.make("ipd_in_the_matrix"),
        "ipd_rollout": ENVIRONMENTS.make("ipd_rollout"),
    }
    run = {
        name: jax.jit(lambda key, e=e: rollout(e, random_actions(e), key, STEPS)) for name, e in made.items()
    }
    return {name: (e, run[name](jax.random.key(1))) for name, e in made.items()}


@pytest.mark.parametrize(
    ("name", "names"), [("coin_jaxmarl", ("red", "blue")), ("ipd_rollout", ("ann", "bob"))]
)
def test_a_transcript_tells_states_rewards_and_totals(plays, name, names):
    game, path = plays[name]
    told = transcript(game, path, () if name == "coin_jaxmarl" else names).split("\n\n")
    rewards = np.asarray(path.rewards)
    assert len(told) == STEPS
    for t, (frame, state) in enumerate(zip(told, states(path), strict=True)):
        head, _, body = frame.partition("\n")
        assert body == game.render(state)
        found = re.fullmatch(
            rf"step (\d+): {names[0]}: (\S+) \(total (\S+)\); {names[1]}: (\S+) \(total (\S+)\)", head
        )
        assert found is not None
        last = rewards[t - 1] if t else np.zeros(2)
        assert [float(x) for x in found.groups()] == [
            t,
            last[0],
            rewards[:t, 0].sum(),
            last[1],
            rewards[:t, 1].sum(),
        ]
    assert np.abs(rewards).sum() > 0


def drawn(axes):
    """Every mark on the axes: shape, color, row and column."""
    lines = [line for line in axes.lines if line.get_marker() not in ("None", None)]
    return [
        (line.get_marker(), line.get_markeredgecolor(), r, c)
        for line in lines
        for c, r in zip(*line.get_data(), strict=True)
    ]


def test_boards_show_what_is_where(plays):
    _, path = plays["coin_jaxmarl"]
    game = ENVIRONMENTS.make("coin_jaxmarl")
    for state in states(path):
        axes = Figure().subplots()
        draw_coin_game(axes, game, state)
        cells = [r * 3 + c for r, c in zip(state.rows, state.columns, strict=True)]
        shift = 0.2 * (cells[0] == cells[1])
        things = [
            (cell // 3, cell % 3 + d)
            for cell, d in zip((*cells, *state.coins), (-shift, shift, 0, 0), strict=True)
        ]
        assert drawn(axes) == [(m.marker, m.color, *at) for m, at in zip(COIN_MARKS, things, strict=True)]

    game, path = plays["ipd_in_the_matrix"]
    for state in states(path):
        axes = Figure().subplots()
        draw_in_the_matrix(axes, game, state)
        rows = [line.split() for line in game.render(state).splitlines()]
        signs = dict(zip("v>^<DRULox*", [*"v>^<" * 2, "o", "D", "s"], strict=True))
        found = {(r, c): m for m, _, r, c in drawn(axes)}  # what is drawn last lies on top
        assert found == {
            (r, c): signs[x] for r, row in enumerate(rows) for c, x in enumerate(row) if x != "."
        }


@pytest.mark.parametrize("name", ["coin_jaxmarl", "ipd_in_the_matrix", "ipd_rollout"])
def test_a_gif_has_a_frame_per_step(plays, name, tmp_path):
    game, path = plays[name]
    short = jax.tree.map(lambda x: x[:4], path)
    with Image.open(animate(game, short, tmp_path / "play.gif", frames_per_second=4)) as film:
        assert (film.n_frames, film.info["duration"]) == (4, 250)
        frames = []
        for t in range(4):
            film.seek(t)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert all((a != b).any() for a, b in itertools.pairwise(frames))
    for mark in {"coin_jaxmarl": COIN_MARKS, "ipd_in_the_matrix": MATRIX_MARKS[:4]}.get(name, ()):
        color = [int(mark.color[k : k + 2], 16) for k in (1, 3, 5)]
        assert all((np.abs(frame - color).max(axis=-1) < 16).sum() > 30 for frame in frames)


def test_the_film_of_the_documentation_is_small():
    file = pathlib.Path(__file__).parents[2] / "docs" / "coin_game.gif"
    assert file.stat().st_size < 300_000
    with Image.open(file) as film:
        assert film.n_frames == 31


def test_mistakes_are_refused(plays, tmp_path):
    game, path = plays["ipd_rollout"]
    lanes = jax.tree.map(lambda x: x[None], path)
    with pytest.raises(ValueError, match=r"\(1, 12, 2\).*lane"):
        transcript(game, lanes)
    with pytest.raises(ValueError, match=r"1 names.*2 players"):
        animate(game, path, tmp_path / "no.gif", ["ann"])
    with pytest.raises(ValueError, match="frames_per_second is 0"):
        animate(game, path, tmp_path / "no.gif", frames_per_second=0)
