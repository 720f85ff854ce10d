"""The scores that rankings are made of: what every learner earns against every learner in every lane."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from games.checks import shown
from games.registry import nearest

STATISTICS = {"final": "value", "trajectory": "value_auc"}
"""Which value of a match is its score: the final one, or the mean over the trajectory; columns of the rows."""

Array3 = Float[np.ndarray, "learners learners seeds"]


class Scores(NamedTuple):
    """Scores of learners at one game.

    Attributes:
        names: the learners.
        values: entry `[i, j, s]` is what learner i earns against learner j in lane s, the mean of both seats;
            NaN in a lane that diverged or was not played.
    """

    names: tuple[str, ...]
    values: Array3

    @property
    def table(self) -> Float[np.ndarray, "learners learners"]:
        """The cross-play table: means over the finite lanes, NaN where there are none."""
        return cross_play(self.values)


def cross_play(values: Array3) -> Float[np.ndarray, "learners learners"]:
    """Means over the finite lanes; NaN where there are none."""
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(finite, values, 0).sum(axis=-1) / finite.sum(axis=-1)


def full_table(values: Array3) -> Float[np.ndarray, "learners learners"]:
    """The cross-play table, all of whose entries must be finite.

    Raises:
        ValueError: if some pair has no finite lane.
    """
    check_whole(Scores(tuple(map(str, range(len(values)))), values))
    return cross_play(values)


def check_whole(scores: Scores) -> None:
    """Refuse a cross-play table with an entry that is not finite.

    Raises:
        ValueError: naming the first pair without a finite lane.
    """
    missing = np.argwhere(~np.isfinite(scores.table))
    if len(missing):
        i, j = missing[0]
        raise ValueError(
            f"The learner {scores.names[i]!r} has no finite score against {scores.names[j]!r}, and this needs the whole "
            "table; leave one of them out, or rank by 'wins', 'elo' or 'bayesian_elo'."
        )


def off_diagonal(n: int, self_play: bool) -> Bool[np.ndarray, "learners learners"]:
    """Which opponents count: all others, and with `self_play` oneself.

    Raises:
        ValueError: if there is nobody to play against.
    """
    if n < 2 and not self_play:
        raise ValueError(
            "There is one learner, and a ranking compares several; enter another, or set self_play=True."
        )
    return np.ones((n, n), dtype=bool) if self_play else ~np.eye(n, dtype=bool)


def scores_of(given: Any, game: str | None = None, statistic: str = "final") -> dict[str | None, Scores]:
    """The scores at every game, or at one.

    Args:
        given: what a tournament returned, or its tidy rows; or the scores of one game: a pair (names, array),
            a table with equal row and column labels, or an array (learners, learners) or (learners, learners,
            seeds).
        game: the name of one game; by default all.
        statistic: `"final"` for values after the last step, `"trajectory"` for means over the trajectory.

    Returns:
        Scores by game; for scores of one game that has no name, under None.

    Raises:
        ValueError: for anything else, an unknown game, or an unknown statistic.

    Example:
        >>> scores_of((["tft", "alld"], [[3, 1], [1, 1]]))[None].table.tolist()
        [[3.0, 1.0], [1.0, 1.0]]
    """
    import pandas as pd

    if statistic not in STATISTICS:
        raise ValueError(f"Unknown statistic {statistic!r}; {nearest(str(statistic), STATISTICS)}.")
    if isinstance(given, pd.DataFrame) and "learner_0" in given:
        return scores_of_rows(given, chosen(list(given["game"].unique()), game), STATISTICS[statistic])
    if callable(getattr(given, "scores", None)):
        games = list(given.frame["game"].unique() if hasattr(given, "frame") else given.games)
        return {name: checked(*given.scores(name, statistic)) for name in chosen(games, game)}
    if isinstance(given, Scores):
        return {game: given}
    if isinstance(given, pd.DataFrame):
        if list(given.index) != list(given.columns):
            raise ValueError(
                "The table's row and column labels differ; a cross-play table has the same learners in rows and in columns."
            )
        return {game: checked(given.columns, given.to_numpy())}
    named = isinstance(given, tuple) and len(given) == 2 and all(isinstance(x, str) for x in given[0])
    return {game: checked(*given) if named else checked(None, given)}


def one_game(given: Any, game: str | None = None, statistic: str = "final") -> Scores:
    """The scores at the only game, or at the one that is named.

    Raises:
        ValueError: for several games, none of them named; and as `scores_of`.
    """
    found = scores_of(given, game, statistic)
    if len(found) != 1:
        names = ", ".join(map(str, found))
        raise ValueError(
            f"There are {len(found)} games, {names}; name one, such as game={next(iter(found))!r}."
        )
    return next(iter(found.values()))


def chosen(games: list[str], game: str | None) -> list[str]:
    """All games, or the one that is named.

    Raises:
        ValueError: for an unknown name.
    """
    if game is None:
        return games
    if game not in games:
        raise ValueError(f"There is no game {game!r} in these results; {nearest(str(game), games)}.")
    return [game]


def checked(names: Any, values: Any) -> Scores:
    """Scores with names, after checks.

    Raises:
        ValueError: for an array of another shape, or another number of names.
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{shown(values)} was given where a tournament's results are wanted, or an array (learners, learners, seeds) of scores."
        ) from error
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[0] != array.shape[1] or 0 in array.shape:
        raise ValueError(
            f"The scores have shape {np.shape(values)}; they must be (learners, learners) or (learners, learners, seeds)."
        )
    labels = tuple(map(str, range(len(array)) if names is None else names))
    if len(labels) != len(array) or len(set(labels)) != len(labels):
        raise ValueError(
            f"There are {len(labels)} names, {len(set(labels))} of them different, for {len(array)} learners; name each learner once."
        )
    return Scores(labels, array)


def scores_of_rows(frame: Any, games: list[str], column: str) -> dict[str | None, Scores]:
    """Scores from tidy rows of a tournament, one row per cell, seat and seed.

    Raises:
        ValueError: for rows without one of the columns.
    """
    for name in ("game", "learner", "opponent", "seed", "ok", column):
        if name not in frame:
            raise ValueError(f"These rows have no column {name!r}; give what a tournament returned.")
    found: dict[str | None, Scores] = {}
    for game in games:
        rows = frame[frame["game"] == game]
        names, seeds = list(dict.fromkeys(rows["learner"])), sorted(rows["seed"].unique())
        place, lane = ({x: k for k, x in enumerate(labels)} for labels in (names, seeds))
        index = tuple(
            rows[c].map(places).to_numpy()
            for c, places in (("learner", place), ("opponent", place), ("seed", lane))
        )
        shape = len(names), len(names), len(seeds)
        total, count = np.zeros(shape), np.zeros(shape)
        np.add.at(total, index, np.where(rows["ok"], rows[column], np.nan))
        np.add.at(count, index, 1)
        with np.errstate(invalid="ignore"):
            found[game] = Scores(tuple(names), total / count)
    return found
