"""A trajectory to look at: as text, frame by frame, and as an animated GIF."""

import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import rc_context
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.pictures import STYLE
from games.base import Environment
from games.checks import check_count
from games.environments.bitboard import SIZE, has
from games.environments.coin import CoinGame
from games.environments.in_the_matrix import InTheMatrix
from games.environments.rollouts import Trajectory

VERMILION, BLUE, GREEN, ORANGE, YELLOW = "#D55E00", "#0072B2", "#009E73", "#E69F00", "#F0E442"


class Mark(NamedTuple):
    """How one kind of thing is drawn: players and their coins differ from others' in shape as well as in color."""

    label: str
    marker: str
    color: str
    size: float
    filled: bool = True

    def draw(self, axes: Axes, rows: Any, columns: Any, **other: Any) -> None:
        """One mark per row and column."""
        axes.plot(columns, rows, **self.style(**other))

    def handle(self) -> Line2D:
        """The entry of a legend."""
        return Line2D([], [], label=self.label, **self.style(markersize=7))

    def style(self, **other: Any) -> dict[str, Any]:
        """Arguments for `Axes.plot`."""
        face = self.color if self.filled else "white"
        edge = {"markeredgecolor": self.color, "markeredgewidth": 2.5}
        return (
            {"linestyle": "", "marker": self.marker, "markersize": self.size, "markerfacecolor": face}
            | edge
            | other
        )


COIN_MARKS = (
    Mark("red player", "o", VERMILION, 26),
    Mark("blue player", "s", BLUE, 23),
    Mark("red coin", "o", VERMILION, 12, filled=False),
    Mark("blue coin", "s", BLUE, 11, filled=False),
)
MATRIX_MARKS = (
    Mark("player 0", ">", VERMILION, 14),
    Mark("player 1", ">", BLUE, 14, filled=False),
    Mark("first kind", "o", GREEN, 7),
    Mark("second kind", "D", ORANGE, 6),
    Mark("beam", "s", YELLOW, 18),
)


class View(NamedTuple):
    """How an environment is drawn: the players' names, the legend, and what draws a state on axes."""

    names: tuple[str, ...]
    marks: tuple[Mark, ...]
    draw: Callable[[Axes, Any, Any], None]


def transcript(environment: Environment, path: Trajectory, names: Sequence[str] = ()) -> str:
    """A trajectory as text: every state under the rewards that led to it.

    Args:
        environment: what was played.
        path: one lane.
        names: of the players, by seat.

    Raises:
        ValueError: for more than one lane, or another number of names than of players.

    Example:
        >>> from games.agents.coin_scripted import always_cooperate
        >>> from games.sampled.playout import playout
        >>> game = CoinGame.loqa()
        >>> path = playout(game, [always_cooperate(game, i) for i in (0, 1)], jax.random.key(0), 2)
        >>> print(transcript(game, path).splitlines()[0])
        step 0: red: +0 (total 0); blue: +0 (total 0)
    """
    names = checked(environment, path, names)
    captions = caption(path, names)
    return "\n\n".join(
        f"{head}\n{environment.render(state)}" for head, state in zip(captions, states(path), strict=True)
    )


def animate(
    environment: Environment,
    path: Trajectory,
    file: str | pathlib.Path,
    names: Sequence[str] = (),
    frames_per_second: int = 2,
) -> pathlib.Path:
    """Write a trajectory as an animated GIF; coin games and games in the matrix show their boards, all others their text.

    Args:
        environment: what was played.
        path: one lane.
        file: where to.
        names: of the players, by seat.
        frames_per_second: at least 1.

    Returns:
        The file.

    Raises:
        ValueError: for more than one lane, another number of names than of players, or a rate below 1.
    """
    check_count("frames_per_second", frames_per_second)
    names = checked(environment, path, names)
    shown = view(environment)
    with rc_context(STYLE):
        figure = Figure(figsize=(3.2, 3.7 if shown.marks else 3.2))
        axes = figure.add_axes((0.06, 0.16 if shown.marks else 0.06, 0.88, 0.7))
        if shown.marks:
            figure.legend(
                handles=[mark.handle() for mark in shown.marks],
                loc="lower center",
                fontsize=8,
                ncols=2 if len(shown.marks) < 5 else 3,
            )
        writer = PillowWriter(fps=frames_per_second)
        with writer.saving(figure, str(file), dpi=80):
            for head, state in zip(caption(path, names, "\n"), states(path), strict=True):
                axes.clear()
                axes.set(xticks=[], yticks=[])
                axes.set_title(head, fontsize=9)
                shown.draw(axes, bare(environment), state)
                writer.grab_frame()
    return pathlib.Path(file)


def view(environment: Environment) -> View:
    """How an environment is drawn."""
    inner = bare(environment)
    if isinstance(inner, CoinGame):
        return View(("red", "blue"), COIN_MARKS, coins)
    if isinstance(inner, InTheMatrix):
        return View(("player 0", "player 1"), MATRIX_MARKS, board)
    return View(tuple(f"player {i}" for i in range(environment.n_players)), (), written)


def bare(environment: Environment) -> Environment:
    """The environment without its wrapper."""
    return getattr(environment, "environment", environment)


def checked(environment: Environment, path: Trajectory, names: Sequence[str]) -> Sequence[str]:
    """The players' names, once it is clear that there is one lane.

    Raises:
        ValueError: for more than one lane, or another number of names than of players.
    """
    if jnp.ndim(path.rewards) != 2:
        raise ValueError(
            f"The rewards have shape {jnp.shape(path.rewards)}; choose one lane: jax.tree.map(lambda x: x[0], path)."
        )
    if names and len(names) != environment.n_players:
        raise ValueError(f"{len(names)} names were given for {environment.n_players} players; give one each.")
    return names or view(environment).names


def states(path: Trajectory) -> Iterator[Any]:
    """The states, one after the other, as numpy's."""
    every = jax.tree.map(np.asarray, path.state)
    return (jax.tree.map(lambda x, t=t: x[t], every) for t in range(len(path.rewards)))


def caption(path: Trajectory, names: Sequence[str], line: str = ": ") -> list[str]:
    """What stands over every state: its step, the rewards that led to it and their sums."""
    rewards = np.asarray(path.rewards)
    before = np.concatenate([np.zeros_like(rewards[:1]), rewards[:-1]])
    totals = before.cumsum(axis=0)
    told = [
        "; ".join(
            f"{name}: {r:+.3g} (total {total:.3g})" for name, r, total in zip(names, row, sums, strict=True)
        )
        for row, sums in zip(before, totals, strict=True)
    ]
    return [f"step {t}{line}{words}" for t, words in enumerate(told)]


def grid(axes: Axes, size: int) -> None:
    """An empty board, the first row on top."""
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
    for line in range(size + 1):
        axes.axhline(line - 0.5, color="#BBBBBB", linewidth=0.8)
        axes.axvline(line - 0.5, color="#BBBBBB", linewidth=0.8)


def coins(axes: Axes, game: CoinGame, state: Any) -> None:
    """A coin game; players in one cell stand beside each other."""
    grid(axes, game.size)
    apart = 0.2 * (state.rows[0] == state.rows[1] and state.columns[0] == state.columns[1])
    for i, mark in enumerate(COIN_MARKS[:2]):
        mark.draw(axes, [state.rows[i]], [state.columns[i] + apart * (2 * i - 1)])
    for mark, cell in zip(COIN_MARKS[2:], state.coins, strict=True):
        if cell >= 0:
            mark.draw(axes, [cell // game.size], [cell % game.size])


def board(axes: Axes, game: InTheMatrix, state: Any) -> None:
    """A game in the matrix; triangles point where players face."""
    grid(axes, SIZE)
    for mark, cells in zip(MATRIX_MARKS[::-1], (state.beams, *state.coins[::-1]), strict=False):
        there = np.flatnonzero(np.asarray(has(jax.tree.map(jnp.asarray, cells), jnp.arange(SIZE**2))))
        mark.draw(axes, there // SIZE, there % SIZE)
    for i, mark in enumerate(MATRIX_MARKS[:2]):
        mark.draw(axes, [state.rows[i]], [state.columns[i]], marker="v>^<"[int(state.headings[i])])


def written(axes: Axes, game: Environment, state: Any) -> None:
    """The state's text."""
    axes.set_frame_on(False)
    axes.text(
        0.5, 0.5, game.render(state), family="monospace", ha="center", va="center", transform=axes.transAxes
    )
