"""One episode as text, as pictures of its states, and as an animated GIF."""

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

from games.base import Environment
from games.checks import check_count
from games.environments.bitboard import SIZE, has
from games.environments.coin import CoinGame
from games.environments.in_the_matrix import InTheMatrix
from games.environments.rollouts import Trajectory
from shaping.drawing import STYLE, Drawing

VERMILION, BLUE, GREEN, ORANGE, YELLOW = "#D55E00", "#0072B2", "#009E73", "#E69F00", "#F0E442"


class Mark(NamedTuple):
    """How one kind of object on a board is drawn; kinds differ in shape as well as in color."""

    label: str
    marker: str
    color: str
    size: float
    filled: bool = True

    def draw(self, axes: Axes, rows: Any, columns: Any, **other: Any) -> None:
        """Draw one mark in every given row and column."""
        axes.plot(columns, rows, **self.style(**other))

    def handle(self) -> Line2D:
        """The entry of this mark in a legend."""
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


class Appearance(NamedTuple):
    """How an environment is drawn.

    Attributes:
        names: the players' names, by seat.
        marks: the entries of the legend.
        draw: a function of axes, environment and state that draws the state.
    """

    names: tuple[str, ...]
    marks: tuple[Mark, ...]
    draw: Callable[[Axes, Any, Any], None]


def transcript(environment: Environment, path: Trajectory, names: Sequence[str] = ()) -> str:
    """An episode as text: every state, under the rewards of the step that led to it and their sums.

    Args:
        environment: the environment that was played.
        path: the episode, one lane of a rollout.
        names: the players' names, by seat.

    Returns:
        One paragraph per state.

    Raises:
        ValueError: for more than one lane, or another number of names than of players.

    Example:
        >>> from games.agents.coin_scripted import always_cooperate
        >>> from games.sampled.episodes import trajectory
        >>> game = CoinGame.loqa()
        >>> path = trajectory(game, [always_cooperate(game, i) for i in (0, 1)], jax.random.key(0), 2)
        >>> print(transcript(game, path).splitlines()[0])
        step 0: red: +0 (total 0); blue: +0 (total 0)
    """
    names = checked_names(environment, path, names)
    titles = captions(path, names)
    return "\n\n".join(
        f"{head}\n{environment.render(state)}" for head, state in zip(titles, states(path), strict=True)
    )


def animate(
    environment: Environment,
    path: Trajectory,
    file: str | pathlib.Path,
    names: Sequence[str] = (),
    frames_per_second: int = 2,
) -> pathlib.Path:
    """Write an episode as an animated GIF: the board of a coin game or a game in the matrix, otherwise text.

    Args:
        environment: the environment that was played.
        path: the episode, one lane of a rollout.
        file: the file to write.
        names: the players' names, by seat.
        frames_per_second: at least 1.

    Returns:
        The file.

    Raises:
        ValueError: for more than one lane, another number of names than of players, or a rate below 1.
    """
    check_count("frames_per_second", frames_per_second)
    names = checked_names(environment, path, names)
    appearance = appearance_of(environment)
    with rc_context(STYLE):
        figure, axes = _board_figure(appearance)
        writer = PillowWriter(fps=frames_per_second)
        with writer.saving(figure, str(file), dpi=80):
            for title, state in zip(captions(path, names, "\n"), states(path), strict=True):
                axes.clear()
                _draw_state(axes, environment, state)
                axes.set_title(title, fontsize=9)
                writer.grab_frame()
    return pathlib.Path(file)


def snapshot(environment: Environment, state: Any, ax: Axes | None = None) -> Figure | Axes:
    """Draw one state: the board of a coin game or a game in the matrix, otherwise text.

    Args:
        environment: the environment.
        state: one of its states, as `reset` and `step` return them.
        ax: axes to draw on; by default those of a new figure with a legend.

    Returns:
        The new figure, which notebooks show; or the axes that were given.

    Example:
        >>> game = CoinGame.loqa()
        >>> type(snapshot(game, game.reset(jax.random.key(0))[1])).__name__
        'Drawing'
    """
    state = jax.tree.map(np.asarray, state)
    if ax is not None:
        _draw_state(ax, environment, state)
        return ax
    with rc_context(STYLE):
        figure, axes = _board_figure(appearance_of(environment))
        _draw_state(axes, environment, state)
    return figure


def _board_figure(appearance: Appearance) -> tuple[Figure, Axes]:
    """An empty figure for one state, with a legend where there are marks."""
    marks = appearance.marks
    figure = Drawing(STYLE, figsize=(3.2, 3.7 if marks else 3.2))
    axes = figure.add_axes((0.06, 0.16 if marks else 0.06, 0.88, 0.7))
    if marks:
        handles = [mark.handle() for mark in marks]
        figure.legend(handles=handles, loc="lower center", fontsize=8, ncols=2 if len(marks) < 5 else 3)
    return figure, axes


def _draw_state(axes: Axes, environment: Environment, state: Any) -> None:
    """Draw one state without axis ticks."""
    axes.set(xticks=[], yticks=[])
    appearance_of(environment).draw(axes, unwrapped(environment), state)


def appearance_of(environment: Environment) -> Appearance:
    """How this environment is drawn."""
    inner = unwrapped(environment)
    if isinstance(inner, CoinGame):
        return Appearance(("red", "blue"), COIN_MARKS, draw_coin_game)
    if isinstance(inner, InTheMatrix):
        return Appearance(("player 0", "player 1"), MATRIX_MARKS, draw_in_the_matrix)
    return Appearance(tuple(f"player {i}" for i in range(environment.n_players)), (), draw_text)


def unwrapped(environment: Environment) -> Environment:
    """The environment inside a wrapper such as `AutoReset`, or the environment itself."""
    return getattr(environment, "environment", environment)


def checked_names(environment: Environment, path: Trajectory, names: Sequence[str]) -> Sequence[str]:
    """The players' names, given or by default; the rewards are checked to be those of one lane.

    Raises:
        ValueError: for more than one lane, or another number of names than of players.
    """
    if jnp.ndim(path.rewards) != 2:
        raise ValueError(
            f"The rewards have shape {jnp.shape(path.rewards)}; choose one lane: jax.tree.map(lambda x: x[0], path)."
        )
    if names and len(names) != environment.n_players:
        raise ValueError(f"{len(names)} names were given for {environment.n_players} players; give one each.")
    return names or appearance_of(environment).names


def states(path: Trajectory) -> Iterator[Any]:
    """The states in order, their arrays as NumPy's."""
    stacked = jax.tree.map(np.asarray, path.state)
    return (jax.tree.map(lambda x, t=t: x[t], stacked) for t in range(len(path.rewards)))


def captions(path: Trajectory, names: Sequence[str], separator: str = ": ") -> list[str]:
    """The title of every state: its step, the rewards that led to it, and the sums of rewards so far."""
    rewards = np.asarray(path.rewards)
    before = np.concatenate([np.zeros_like(rewards[:1]), rewards[:-1]])
    totals = before.cumsum(axis=0)
    scores = [
        "; ".join(
            f"{name}: {r:+.3g} (total {total:.3g})" for name, r, total in zip(names, row, sums, strict=True)
        )
        for row, sums in zip(before, totals, strict=True)
    ]
    return [f"step {t}{separator}{score}" for t, score in enumerate(scores)]


def grid(axes: Axes, size: int) -> None:
    """Draw an empty board, its first row on top."""
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
    for line in range(size + 1):
        axes.axhline(line - 0.5, color="#BBBBBB", linewidth=0.8)
        axes.axvline(line - 0.5, color="#BBBBBB", linewidth=0.8)


def draw_coin_game(axes: Axes, game: CoinGame, state: Any) -> None:
    """Draw a state of the coin game; two players in one cell are drawn side by side."""
    grid(axes, game.size)
    apart = 0.2 * (state.rows[0] == state.rows[1] and state.columns[0] == state.columns[1])
    for i, mark in enumerate(COIN_MARKS[:2]):
        mark.draw(axes, [state.rows[i]], [state.columns[i] + apart * (2 * i - 1)])
    for mark, cell in zip(COIN_MARKS[2:], state.coins, strict=True):
        if cell >= 0:
            mark.draw(axes, [cell // game.size], [cell % game.size])


def draw_in_the_matrix(axes: Axes, game: InTheMatrix, state: Any) -> None:
    """Draw a state of a game in the matrix; a triangle points where its player faces."""
    grid(axes, SIZE)
    for mark, cells in zip(MATRIX_MARKS[::-1], (state.beams, *state.coins[::-1]), strict=False):
        there = np.flatnonzero(np.asarray(has(jax.tree.map(jnp.asarray, cells), jnp.arange(SIZE**2))))
        mark.draw(axes, there // SIZE, there % SIZE)
    for i, mark in enumerate(MATRIX_MARKS[:2]):
        mark.draw(axes, [state.rows[i]], [state.columns[i]], marker="v>^<"[int(state.headings[i])])


def draw_text(axes: Axes, game: Environment, state: Any) -> None:
    """Draw a state's text."""
    axes.set_frame_on(False)
    axes.text(
        0.5, 0.5, game.render(state), family="monospace", ha="center", va="center", transform=axes.transAxes
    )
