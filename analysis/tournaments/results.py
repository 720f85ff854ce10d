"""Results of a tournament: its rows, and the tables that follow from them."""

import html
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.results import store
from analysis.tournaments.cell import Cell
from analysis.tournaments.tables import standings
from games.base import Game
from games.printing import counted, html_table, text_table
from games.registry import nearest
from shaping.base import Learner

MEASURES = {"final": "value", "trajectory": "value_auc"}
"""The column of each statistic of a match: its final value, or the mean over the trajectory."""
ROWS = 40
"""Largest number of rows that are printed."""


class Results:
    """What a tournament returns, and what its folder holds.

    Args:
        frame: tidy rows, one per cell, seat and seed (`analysis.tournaments.tables.tidy`).
        games: the games by name; None for one that cannot be rebuilt from a folder.
        learners: the learners by name; None for one that cannot be rebuilt.
        skipped: the columns `game, learner, reason`: learners that cannot play a game.
        steps: learning steps of each match.

    Example:
        >>> from analysis import tournament
        >>> results = tournament(["tandem"], ["naive", "lola"], steps=5, seeds=2)
        >>> results.scores("tandem")[1].shape
        (2, 2, 2)
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        games: Mapping[str, Game | None] | None = None,
        learners: Mapping[str, Learner | None] | None = None,
        skipped: pd.DataFrame | None = None,
    ):
        self.frame = frame
        self.games = dict.fromkeys(frame["game"].unique()) if games is None else dict(games)
        self.learners = dict.fromkeys(frame["learner"].unique()) if learners is None else dict(learners)
        self.skipped = pd.DataFrame(columns=["game", "learner", "reason"]) if skipped is None else skipped

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Results":
        """The results in a tournament's folder.

        Raises:
            ValueError: if the folder holds no run, or no finished game; if a file is damaged, or of another run.
        """
        return cls(store.load(folder))

    def __getitem__(self, column: str) -> Any:
        """A column of the rows."""
        return self.frame[column]

    def scores(
        self, game: str, statistic: str = "final"
    ) -> tuple[tuple[str, ...], Float[np.ndarray, "learner opponent seeds"]]:
        """Values of every learner against every learner in every seed.

        Args:
            game: the game's name.
            statistic: `"final"` per-step values, or their mean over the `"trajectory"`.

        Returns:
            The learners' names, and the array whose entry [i, j, s] is the value of learner i against learner
            j in lane s, the mean over both seats; NaN in a lane that diverged or was not played.

        Raises:
            ValueError: for an unknown game or statistic.
        """
        rows, value = self._rows(game), self._measure(statistic)
        names = tuple(dict.fromkeys([*rows["learner_0"], *rows["learner_1"]]))
        seeds = np.unique(rows["seed"])
        place = {name: k for k, name in enumerate(names)}
        table = np.full((2, len(names), len(names), len(seeds)), np.nan)
        own, other = (rows[c].map(place).to_numpy(int) for c in ("learner", "opponent"))
        values = np.where(rows["ok"].to_numpy(bool), rows[value], np.nan)
        table[rows["seat"].to_numpy(int), own, other, np.searchsorted(seeds, rows["seed"])] = values
        return names, table.mean(axis=0)

    def cell(self, game: str, *learners: str) -> Cell:
        """The numbers of one match.

        Args:
            game: the game's name.
            *learners: the learners' names, one per seat.

        Raises:
            ValueError: for an unknown game or learner.
        """
        rows = self._rows(game)
        seats = [name for name in rows if name.startswith("learner_")]
        if len(learners) != len(seats):
            raise ValueError(
                f"{len(learners)} learners were given for {len(seats)} seats of {game!r}; give one per seat."
            )
        for seat, name in zip(seats, learners, strict=True):
            rows = rows[rows[seat] == self._known(name, rows[seat])]
        rows = rows.sort_values(["seat", "seed"], kind="stable")
        values, means, ok = (rows[c].to_numpy().reshape(len(seats), -1) for c in ("value", "value_auc", "ok"))
        steps = int(rows["step"].iloc[0])
        return Cell(self.games.get(game), learners, None, values, means, ok.all(0), steps)

    def payoffs(self, game: str, statistic: str = "final") -> pd.DataFrame:
        """Mean values over seeds: the row's learner against the column's, the mean over both seats.

        Args:
            game: the game's name.
            statistic: `"final"` per-step values, or their mean over the `"trajectory"`.
        """
        names, scores = self.scores(game, statistic)
        return _table_of_means(names, scores)

    def cooperation(self, game: str) -> pd.DataFrame:
        """Mean frequency of action 0 of the row's learner against the column's, over seats and seeds.

        Raises:
            ValueError: for a game without memory-one play of two actions.
        """
        rows = self._rows(game)
        if "cooperation" not in rows or rows["cooperation"].isna().all():
            raise ValueError(
                f"Cooperation is counted in games of two actions and memory one, and {game!r} is none; "
                "see outcomes() for measures of other games."
            )
        kept = rows[rows["ok"].astype(bool)]
        table = kept.pivot_table(index="learner", columns="opponent", values="cooperation", sort=False)
        order = list(dict.fromkeys(rows["learner_0"]))
        return table.reindex(index=order, columns=order)

    def _rows(self, game: str) -> pd.DataFrame:
        """The rows of one game.

        Raises:
            ValueError: for an unknown game.
        """
        return self.frame[self.frame["game"] == self._known(game, self.frame["game"], "game")]

    def _known(self, name: str, names: Any, kind: str = "learner") -> str:
        """The name, if it is among these.

        Raises:
            ValueError: naming the nearest.
        """
        known = list(dict.fromkeys(names))
        if name not in known:
            raise ValueError(f"There is no {kind} {name!r} in these results; {nearest(str(name), known)}.")
        return name

    def _measure(self, statistic: str) -> str:
        """The column of a statistic.

        Raises:
            ValueError: for an unknown one.
        """
        if statistic not in MEASURES:
            raise ValueError(f"There is no statistic {statistic!r}; {nearest(str(statistic), MEASURES)}.")
        return MEASURES[statistic]

    def _heading(self) -> str:
        """How much was played, and how much of it diverged."""
        games, learners = (self.frame[c].nunique() for c in ("game", "learner"))
        text = (
            f"Tournament of {counted(learners, 'learner')} at {counted(games, 'game')}, "
            f"{counted(self.frame['seed'].nunique(), 'seed')}, {self.frame['step'].max()} steps"
        )
        diverged = int((~self.frame["ok"].astype(bool)).sum())
        text += f"; {diverged} of {len(self.frame)} rows diverged" if diverged else ""
        if len(self.skipped):
            text += f"; {counted(len(self.skipped), 'pair')} of game and learner skipped, with reasons in .skipped"
        return text

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """The standings as text: every learner's mean value against the others and against itself."""
        found = standings(self.frame)
        columns = ["game", "learner", "vs others", "vs itself"]
        rows = [
            [e["game"], e["learner"], *(f"{e[f'{k}_mean']:.3f}" for k in ("cross", "self"))]
            for e in found.to_dict("records")
        ]
        return columns, rows if len(rows) <= ROWS else [*rows[:ROWS], ["..."] * len(columns)]

    def __repr__(self) -> str:
        return f"{self._heading()}; value per step, mean over seeds:\n{text_table(*self._table())}"

    def _repr_html_(self) -> str:
        """The heading and the standings as a table, in notebooks."""
        return html_table(*self._table(), html.escape(self._heading()))


def _table_of_means(names: Any, scores: Any) -> pd.DataFrame:
    """Means over the last axis without NaN, labelled on both sides."""
    count = np.isfinite(scores).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(count, np.nansum(scores, -1) / count, np.nan)
    return pd.DataFrame(
        means, index=pd.Index(names, name="learner"), columns=pd.Index(names, name="opponent")
    )
