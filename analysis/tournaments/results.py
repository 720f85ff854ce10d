"""Results of a tournament: its rows, and the tables that follow from them."""

import functools
import html
import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.ranking.scores import STATISTICS, cross_play, scores_of_rows
from analysis.results import store
from analysis.results.specification import describe
from analysis.statistics import bootstrap_interval, iqm, mean_of_cells, student
from analysis.tournaments.blocks import Block, block_path
from analysis.tournaments.cell import Cell
from analysis.tournaments.planning import read_data, read_plan
from analysis.tournaments.tables import blocks, seats_of, standings
from analysis.tournaments.work import Source, arrays_of
from games.base import Game
from games.checks import as_folder
from games.printing import counted, html_table, text_table
from games.registry import Registry, nearest
from games.sampled.catalog import PLAYABLE
from shaping.base import Learner
from shaping.catalog import LEARNERS

METHODS = ("student", "bootstrap", "iqm")
"""The methods of `Results.intervals`."""
HELD = 4
"""Largest number of blocks whose arrays are kept in memory after they were read."""
ROWS = 40
"""Largest number of rows that are printed."""


class Results:
    """What a tournament returns, and what its folder holds.

    Args:
        frame: tidy rows, one per cell, seat and seed (`analysis.tournaments.tables.tidy`).
        games: the games by name; None for one that cannot be rebuilt from a folder.
        learners: the learners by name; None for one that cannot be rebuilt.
        skipped: the columns `game, learner, reason`: learners that cannot play a game.
        sources: by game, the blocks with functions that give their arrays.

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
        sources: Mapping[str, Sequence[Source]] | None = None,
    ):
        self.frame = frame
        self.games = dict.fromkeys(frame["game"].unique()) if games is None else dict(games)
        self.learners = dict.fromkeys(frame["learner"].unique()) if learners is None else dict(learners)
        self.skipped = pd.DataFrame(columns=["game", "learner", "reason"]) if skipped is None else skipped
        self.sources = dict(sources or {})
        self._games: dict[str, Any] = {}
        self._places: dict[str, Any] = {}
        self._held: dict[str, dict[str, np.ndarray]] = {}

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Results":
        """The results in a tournament's folder.

        Raises:
            ValueError: if the folder holds no run, or no finished game; if a file is damaged, or of another run.
        """
        folder = as_folder(folder)
        frame = store.load(folder)
        settings = store.specification_of(folder)
        games, sources, skipped = {}, {}, []
        for name in frame["game"].unique():
            games[name] = rebuild(PLAYABLE, name, settings["games"].get(name))
            path = folder / store.BLOCKS / f"{name}.json"
            if (plan := read_plan(path)) is not None:
                sources[name] = [
                    (block, functools.partial(arrays_of, block_path(folder, block))) for block in plan.blocks
                ]
        for path in sorted((folder / store.BLOCKS).glob("*.json")):
            found = (read_data(path) or {}).get("skipped", {})
            skipped += [(path.stem, learner, why) for learner, why in found.items()]
        known = {**settings.get("learners", {}), **settings.get("opponents", {})}
        learners = {name: rebuild(LEARNERS, name, described) for name, described in known.items()}
        table = pd.DataFrame(skipped, columns=["game", "learner", "reason"])
        return cls(frame, games, learners, table, sources)

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
        rows, column = self._rows(game), self._measure(statistic)
        if len(seats_of(rows)) != 2:
            raise ValueError(
                f"{game!r} has {len(seats_of(rows))} players, and scores are of pairs; see payoffs({game!r}), with one row per composition."
            )
        found = scores_of_rows(rows, [game], column)[game]
        return found.names, found.values

    def cell(self, game: str, *learners: str) -> Cell:
        """The numbers of one match.

        Args:
            game: the game's name.
            *learners: the learners' names, one per seat.

        Raises:
            ValueError: for an unknown game or learner.
        """
        rows = self._rows(game)
        seats = seats_of(rows)
        if len(learners) != len(seats):
            raise ValueError(
                f"{len(learners)} learners were given for {len(seats)} seats of {game!r}; give one per seat."
            )
        if game not in self._places:
            self._places[game] = rows.groupby(seats, sort=False).indices
        if learners not in self._places[game]:
            for seat, name in zip(seats, learners, strict=True):
                self._known(name, rows[seat])
            raise ValueError(
                f"{', '.join(learners)} did not meet at {game!r} in these seats; see cells(results) for all matches."
            )
        rows = rows.iloc[self._places[game][learners]].sort_values(["seat", "seed"], kind="stable")
        values, means, ok = (rows[c].to_numpy().reshape(len(seats), -1) for c in ("value", "value_auc", "ok"))
        steps, seeds = int(rows["step"].iloc[0]), np.unique(rows["seed"])
        found = self._arrays(game, learners, seeds)
        params = None
        if all(f"param{k}" in found for k in range(len(seats))):
            params = tuple(found[f"param{k}"] for k in range(len(seats)))
        return Cell(
            self.games.get(game),
            learners,
            params,
            values,
            means,
            np.asarray(ok.astype(bool).all(0)),
            steps,
            None if "curves" not in found else np.moveaxis(found["curves"], 0, 2),
            found.get("curve_steps"),
        )

    def _arrays(self, game: str, learners: Sequence[str], seeds: Any) -> dict[str, np.ndarray]:
        """Arrays of one match from its blocks, lanes first; without those that some block lacks."""
        parts: list[tuple[int, dict[str, np.ndarray]]] = []
        for block, arrays in self.sources.get(game, ()):
            place = _place(block, learners)
            if place is None:
                continue
            if block.hash not in self._held:
                while len(self._held) >= HELD:
                    self._held.pop(next(iter(self._held)))
                self._held[block.hash] = arrays()
            held = self._held[block.hash]
            own = {name: x[place] for name, x in held.items() if name.startswith("param")}
            if "curves" in held:
                own["curves"] = np.moveaxis(held["curves"][:, :, *place], -1, 0)
                own["curve_steps"] = held["curve_steps"]
            parts.append((block.first, own))
        parts.sort(key=lambda part: part[0])
        if not parts or any(set(own) != set(parts[0][1]) for _, own in parts):
            return {}
        found = {
            name: np.concatenate([own[name] for _, own in parts])
            for name in parts[0][1]
            if name != "curve_steps"
        }
        if any(len(x) != len(seeds) for x in found.values()):  # older rows have no arrays
            return {}
        return found | {k: x for k, x in parts[0][1].items() if k == "curve_steps"}

    def payoffs(self, game: str, statistic: str = "final") -> pd.DataFrame:
        """Mean values over seeds: the row's learner against the column's, the mean over both seats.

        Args:
            game: the game's name.
            statistic: `"final"` per-step values, or their mean over the `"trajectory"`.

        Returns:
            One row and one column per learner; for a game of more players, one row per composition and one
            column per seat.
        """
        rows = self._rows(game)
        seats = seats_of(rows)
        if len(seats) > 2:
            kept = rows[rows["ok"].astype(bool)]
            table = kept.pivot_table(index=seats, columns="seat", values=self._measure(statistic), sort=False)
            return table.reindex(pd.MultiIndex.from_frame(rows[seats].drop_duplicates()))
        names, scores = self.scores(game, statistic)
        own, other = (pd.Index(names, name=side) for side in ("learner", "opponent"))
        return pd.DataFrame(cross_play(scores), index=own, columns=other)

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
        return pd.DataFrame(table.reindex(index=order, columns=order))

    def curves(self, game: str, *learners: str) -> pd.DataFrame:
        """Values at the records that were kept (`tournament(..., curves=50)`), for `analysis.plots.curves`.

        Args:
            game: the game's name.
            *learners: the learners' names, one per seat; by default every match of the game.

        Returns:
            The columns `game, learner_0, ..., seat, learner, seed, step, value, ok`.

        Raises:
            ValueError: if no records were kept.
        """
        rows = self._rows(game)
        seats = seats_of(rows)
        matches = (
            [learners] if learners else list(rows[seats].drop_duplicates().itertuples(index=False, name=None))
        )
        found = []
        for match in matches:
            cell = self.cell(game, *match)
            if cell.curves is None or cell.curve_steps is None:
                raise ValueError(
                    f"No records of {', '.join(match)} at {game!r} were kept; play the tournament anew with curves=50."
                )
            step, seat, seed = (x.ravel() for x in np.indices(cell.curves.shape))
            part = {"game": game, **dict(zip(seats, match, strict=True)), "seat": seat}
            part |= {"learner": np.array(match, object)[seat], "seed": seed, "step": cell.curve_steps[step]}
            found.append(pd.DataFrame(part | {"value": cell.curves.ravel(), "ok": cell.ok[seed]}))
        return pd.concat(found, ignore_index=True)

    def intervals(
        self,
        by: Sequence[str] | str = ("game", "learner"),
        method: str = "student",
        statistic: str = "final",
        resamples: int = 1000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Means over matches and seeds with 95 % intervals over the seeds, which all matches share.

        Args:
            by: the columns of the rows whose values are told apart.
            method: `"student"`, Student's interval; `"bootstrap"`, the bootstrap's interval of the same mean;
                `"iqm"`, the interquartile mean over matches and seeds with its bootstrap interval.
            statistic: `"final"` per-step values, or their mean over the `"trajectory"`.
            resamples: number of resamples of the bootstrap. All groups share them, so they stay paired.
            seed: of the resamples.

        Returns:
            The columns of `by`, then `value, low, high, lanes, diverged`; lanes that diverged are left out.

        Raises:
            ValueError: for an unknown column, method or statistic.

        Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
        """
        by, value = [by] if isinstance(by, str) else list(by), self._measure(statistic)
        for name in by:
            if name not in self.frame:
                raise ValueError(
                    f"The rows have no column {name!r}; {nearest(str(name), self.frame.columns)}."
                )
        if method not in METHODS:
            raise ValueError(f"There is no method {method!r}; {nearest(str(method), METHODS)}.")
        found = []
        for key, rows in blocks(self.frame, *by):
            seats = [name for name in rows if str(name).startswith("learner_")]
            cells = rows.groupby([*seats, "game", "seat"], sort=False, dropna=False).ngroup().to_numpy()
            places, lanes = np.unique(rows["seed"], return_inverse=True)
            table = np.full((cells.max() + 1, len(places)), np.nan)
            ok = rows["ok"].to_numpy(bool)
            table[cells[ok], lanes[ok]] = rows[value].to_numpy()[ok]
            entry = {"lanes": len(rows), "diverged": int((~ok).sum())}
            found.append(dict(zip(by, key, strict=True)) | _interval(table, method, resamples, seed) | entry)
        return pd.DataFrame(found)

    def compare(self, a: str, b: str | Sequence[str] | None = None, statistic: str = "final") -> pd.DataFrame:
        r"""One learner's values minus another's against the same opponents, paired over seeds.

        For each game and seed s, $d_s$ is the mean over opponents of the difference of both learners' values;
        p is Student's paired test of $E[d] = 0$, and `p_holm` corrects it for all comparisons of this call.

        Args:
            a: a learner.
            b: another one, or several; by default all others.
            statistic: `"final"` per-step values, or their mean over the `"trajectory"`.

        Returns:
            The columns `game, learner, other, difference, low, high, better, p, p_holm, seeds`; `better` is
            the share of seeds in which the difference is positive, ties counted half.

        Raises:
            ValueError: for an unknown learner or statistic.

        Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
        """
        from scipy.special import stdtr

        everyone = list(dict.fromkeys(self.frame["learner"]))
        self._known(a, everyone)
        others = [x for x in everyone if x != a] if b is None else [b] if isinstance(b, str) else list(b)
        for name in others:
            self._known(name, everyone)
        found = []
        for game in dict.fromkeys(self.frame["game"]):
            if len(seats_of(self._rows(game))) != 2:
                continue
            names, scores = self.scores(game, statistic)
            for other in others:
                if a not in names or other not in names:
                    continue
                gap = scores[names.index(a)] - scores[names.index(other)]
                gap = gap[:, np.isfinite(gap).any(0)]
                d = np.nanmean(gap, axis=0) if gap.size else np.zeros(0)
                n, mean = len(d), float(d.mean()) if len(d) else float("nan")
                error = float(d.std(ddof=1)) / n**0.5 if n > 1 else float("nan")
                p = float(2 * stdtr(n - 1, -abs(mean) / error)) if error > 0 else float(mean == 0)
                low, high = student(mean, error, n - 1)
                better = float(((d > 0) + 0.5 * (d == 0)).mean()) if n else float("nan")
                entry = {"game": game, "learner": a, "other": other, "difference": mean, "low": low}
                found.append(entry | {"high": high, "better": better, "p": p, "seeds": n})
        table = pd.DataFrame(found)
        if len(table):
            table.insert(len(table.columns) - 1, "p_holm", holm(table["p"].to_numpy()))
        return table

    def to_latex(self, game: str | None = None, statistic: str = "final", digits: int = 2) -> str:
        """The payoff table of each game as a LaTeX table (booktabs), the row's learner against the column's.

        Args:
            game: the game's name; by default every game, one table after the other.
            statistic: `"final"` per-step values, or their mean over the `"trajectory"`.
            digits: number of decimals.
        """
        games = list(dict.fromkeys(self.frame["game"])) if game is None else [game]
        found = []
        for name in games:
            table = self.payoffs(name, statistic)
            lines = [["", *map(str, table.columns)]] + [
                [" + ".join(key) if isinstance(key, tuple) else str(key)]
                + ["--" if x != x else f"${x:.{digits}f}$" for x in row]
                for key, row in zip(table.index, table.to_numpy(), strict=True)
            ]
            body = [" & ".join(escape_latex(x) for x in line) + r" \\" for line in lines]
            ruled = [r"\toprule", body[0], r"\midrule", *body[1:], r"\bottomrule"]
            form = "l" + "r" * len(table.columns)
            found.append("\n".join([f"% {name}", rf"\begin{{tabular}}{{{form}}}", *ruled, r"\end{tabular}"]))
        return "\n\n".join(found)

    def game(self, name: str | None = None, **settings: Any) -> Any:
        """The cross-play table as a matrix game whose actions are the learners (`analysis.ranking.game_of`)."""
        return importlib.import_module("analysis.ranking").game_of(self, name, **settings)

    def ranking(self, game: str | None = None, method: str = "mean", **settings: Any) -> Any:
        """The learners from best to worst (`analysis.ranking.ranking`)."""
        return importlib.import_module("analysis.ranking").ranking(self, game, method, **settings)

    def outcomes(self, measures: Any = None, **settings: Any) -> Any:
        """Social outcomes of every match (`analysis.outcomes.outcomes`)."""
        return importlib.import_module("analysis.outcomes").outcomes(self, measures, **settings)

    @property
    def plot(self) -> "Plots":
        """Pictures of these results: `results.plot.heatmap()`."""
        return Plots(self)

    def _rows(self, game: str) -> Any:
        """The rows of one game.

        Raises:
            ValueError: for an unknown game.
        """
        if game not in self._games:
            self._known(game, self.frame["game"], "game")
            self._games[game] = self.frame[self.frame["game"] == game]
        return self._games[game]

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
        if statistic not in STATISTICS:
            raise ValueError(f"There is no statistic {statistic!r}; {nearest(str(statistic), STATISTICS)}.")
        return STATISTICS[statistic]

    def _heading(self) -> str:
        """How much was played, and how much of it diverged."""
        frame: Any = self.frame
        games, learners = (frame[c].nunique() for c in ("game", "learner"))
        text = (
            f"Tournament of {counted(learners, 'learner')} at {counted(games, 'game')}, "
            f"{counted(frame['seed'].nunique(), 'seed')}, {frame['step'].max()} steps"
        )
        diverged = int((~frame["ok"].astype(bool)).sum())
        text += f"; {diverged} of {len(frame)} rows diverged" if diverged else ""
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


class Plots:
    """The functions of `analysis.plots`, with the results as their first argument.

    Args:
        results: the results.
    """

    def __init__(self, results: Results):
        self._results = results

    def __getattr__(self, name: str) -> Any:
        """A function of `analysis.plots`."""
        home = importlib.import_module("analysis.plots")
        if name not in home.__all__:
            raise AttributeError(f"analysis.plots has no function {name!r}; {nearest(name, home.__all__)}.")
        return functools.partial(getattr(home, name), self._results)

    def __dir__(self) -> list[str]:
        """The functions' names, for completion in notebooks."""
        return list(importlib.import_module("analysis.plots").__all__)


def rebuild(registry: Registry, name: str, settings: Any) -> Any:
    """The member of a registry with these settings; None if it cannot be made from them.

    Args:
        registry: of games or of learners.
        name: its name in the tournament.
        settings: its settings, as plain data (`describe`).
    """
    if not isinstance(settings, dict):
        return None
    for entry in sorted(registry, key=lambda entry: entry.name != name):
        try:
            made = entry.make()
        except (ValueError, TypeError):
            continue
        described = describe(made)
        if described == settings:
            return made
        if described.get("class") != settings.get("class") or set(described) != set(settings):
            continue
        differing = {k: x for k, x in settings.items() if described[k] != x}
        if all(isinstance(x, (int, float)) for x in differing.values()):
            try:
                made = entry.make(**differing)
            except (ValueError, TypeError):
                continue
            if describe(made) == settings:
                return made
    return None


def _place(block: Block, learners: Sequence[str]) -> tuple[int, ...] | None:
    """Where a match is in a block's arrays; None if it is not."""
    if block.seatings:
        seating = tuple(learners)
        return (block.seatings.index(seating),) if seating in block.seatings else None
    own, other = learners
    if own not in block.rows or other not in block.columns:
        return None
    return block.rows.index(own), block.columns.index(other)


def _interval(table: np.ndarray, method: str, resamples: int, seed: int) -> dict[str, float]:
    """A mean of the cells and seeds of a table, with NaN in lanes that diverged, and its interval."""
    if method == "student":
        e = mean_of_cells(np.nan_to_num(table), np.isfinite(table))
        return {"value": e.mean, "low": e.low, "high": e.high}
    statistic = iqm if method == "iqm" else mean_of_finite
    found = bootstrap_interval(table.T, statistic, resamples, seed)
    return {"value": float(found.value), "low": float(found.low), "high": float(found.high)}


def mean_of_finite(samples: np.ndarray) -> float:
    """The mean over columns of the means over their finite rows; NaN if a column has none."""
    finite = np.isfinite(samples)
    with np.errstate(invalid="ignore"):
        return float((np.where(finite, samples, 0).sum(0) / finite.sum(0)).mean())


def holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    r"""Holm's correction: the k-th smallest of m p-values times m - k + 1, made monotone; NaN is left out.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    found = np.full(len(p), np.nan)
    order = np.argsort(p)[: int(np.isfinite(p).sum())]
    scaled = p[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return found


def escape_latex(name: str) -> str:
    """Text with the characters escaped that LaTeX reads as commands; a formula as it is."""
    if name.startswith("$") and name.endswith("$"):
        return name
    for sign in "\\&%$#_{}":
        name = name.replace(sign, r"\textbackslash " if sign == "\\" else "\\" + sign)
    return name
