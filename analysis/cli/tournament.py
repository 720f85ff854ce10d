"""`shaping tournament`: every learner plays every learner."""

import dataclasses
import json as json_
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from analysis.tournaments.results import Results

GAMES = ("ipd", "imp", "chicken_bounded", "iterated_stag_hunt")
LEARNERS = (
    "naive",
    "lookahead",
    "lola",
    "sos",
    "consensus",
    "sga",
    "extragradient",
    "optimistic",
    "cgd",
    "hola2",
    "tft",
)


@dataclasses.dataclass(frozen=True)
class Tournament:
    """Play every learner against every learner, itself included, in both seats of every game.

    An interrupted run is resumed by the same command. With more games, learners or seeds, only the new matches
    are computed.
    """

    games: tuple[str, ...] = GAMES
    """Games: names, or files that shaping solve reads. Of three or more players, every composition is played."""
    learners: tuple[str, ...] = LEARNERS
    """Learners: names, file:FOLDER for the trained learner in a folder, or copies such as fast=lola."""
    steps: int = 200
    """Learning steps."""
    seeds: int | None = None
    """Independent runs per pairing; by default 64, and 4 if a game is sampled."""
    seed: int = 0
    """Root of all randomness."""
    set: tuple[str, ...] = ()
    """Settings of games and learners, NAME.SETTING=VALUE, such as lola.lr=0.5."""
    opponents: tuple[str, ...] = ()
    """Learners in all seats but seat 0, by their names in --learners; by default all learners."""
    grid: tuple[str, ...] = ()
    """Settings that replace a learner by several, NAME.SETTING=VALUE,VALUE,..., such as lola.lr=0.1,1."""
    curves: int = 0
    """How many records of the values along the way to keep."""
    out: str = "runs/tournament"
    """Folder for the rows (Parquet, one file per game) and the heatmap (PNG)."""
    json: bool = False
    """Print one JSON object."""
    force: bool = False
    """Replace the results in the folder."""

    def run(self) -> int:
        """Compute the missing matches, draw, and print; 1 if every seed diverged."""
        from analysis.cli import settings
        from analysis.cli.game_files import game_label
        from analysis.cli.registries import registry
        from games import PLAYABLE

        if self.seeds is None:
            return dataclasses.replace(self, seeds=settings.usual_seeds(self.games)).run()
        games, learners = PLAYABLE, registry("learners")
        settings.once("game", games, self.games)
        settings.once("learner", learners, self.learners)
        given = settings.parsed(self.set, (*settings.labels(self.learners), *self.games))
        played = settings.made(games, self.games, given)
        members = (
            {game_label(name): game for name, game in played.items()},
            settings.made(learners, self.learners, given, played),
        )
        return dataclasses.replace(self, games=tuple(members[0])).play(*members)

    def play(self, *members: dict[str, Any]) -> int:
        """Play the tournament of these games and learners."""
        from analysis.cli.screen import all_diverged, announce_device
        from analysis.progress import Lines
        from analysis.tournaments.run import tournament

        announce_device()
        lines = Lines()
        try:
            with lines, warnings.catch_warnings():
                warnings.simplefilter("always", UserWarning)
                warnings.showwarning = lambda message, *_, **__: lines.say(str(message))
                results = tournament(
                    *members,
                    steps=self.steps,
                    seeds=self.seeds,
                    seed=self.seed,
                    out=self.out,
                    force=self.force,
                    progress=lines,
                    opponents=self.opponents or None,
                    grid=grid_of(self.grid),
                    curves=self.curves,
                )
            if not lines.finished:
                lines.say(
                    f"{self.out} holds all {len(self.games)} games of this specification; nothing was computed again."
                )
            frame = results.frame
            self.draw(frame, bool(lines.finished))
            if self.json:
                shown = {"steps": self.steps, "seeds": self.seeds, "cells": self.cells(frame)}
                skipped = results.skipped.to_dict("records")
                print(json_.dumps(shown | ({"skipped": skipped} if skipped else {})))
            else:
                self.show(results)
            return all_diverged(not frame["ok"].to_numpy().any())
        except KeyboardInterrupt:
            kept = len(lines.found) + len(lines.finished)
            raise KeyboardInterrupt(
                f"interrupted; {kept} of {len(self.games)} games are kept in {self.out}. Give the same command again"
                f"{' without --force' if self.force else ''} to go on from there."
            ) from None

    def draw(self, frame: "pd.DataFrame", changed: bool) -> None:
        """Store the heatmap beside the rows."""
        import pathlib

        from analysis.plots import pictures as plots
        from games.storage import write_whole

        path = pathlib.Path(self.out) / "heatmap.png"
        if changed or not path.exists():
            write_whole(path, lambda temporary: plots.save(plots.heatmap(frame), temporary))

    def cells(self, frame: "pd.DataFrame") -> list[dict[str, Any]]:
        """The cross-play table as plain data."""
        from analysis.cli.screen import number
        from analysis.tournaments.tables import cells

        found = []
        for cell in cells(frame).to_dict("records"):
            del cell["seeds"]
            for seat in ("row", "column"):
                cell[f"{seat}_mean"] = number(cell[f"{seat}_mean"])
                cell[f"{seat}_ci95"] = [number(x) for x in cell[f"{seat}_ci95"]]
            found.append(cell | {"diverged": int(cell["diverged"])})
        return found

    def show(self, results: "Results") -> None:
        """Print a table per game: the standings beside the cross-play means."""
        from analysis.cli.screen import TextTable, stdout
        from analysis.tournaments.tables import cells, standings

        console, ranking, crossing = stdout(), standings(results.frame), cells(results.frame)
        for game in dict.fromkeys(results.frame["game"]):
            title = f"{game}: value per step after {self.steps} steps, mean of {self.seeds} seeds and half the width of its 95 % interval"
            of_game = ranking[ranking["game"] == game], crossing[crossing["game"] == game]
            rows, met = self.rows(*of_game, list(results.learners))
            columns = ["", "learner", "vs others", "vs itself", *met]
            console.print(title)
            console.print(TextTable(columns, rows, right=range(2, len(columns)), keys=2))
            for line in self.divergence(crossing[crossing["game"] == game]):
                console.print(line)
            console.print()
        console.print(
            "Columns 1, 2, ... are the opponents in seat 1, the row's learner in seat 0; its mean over the others is over both seats."
        )
        for skipped in results.skipped.to_dict("records"):
            console.print(f"{skipped['learner']} does not play {skipped['game']}: {skipped['reason']}")
        console.print(f"Kept in {self.out}, with heatmap.png.", soft_wrap=True)

    def rows(self, ranking: Any, crossing: Any, learners: list[str]) -> tuple[list[list[str]], list[str]]:
        """One row per learner, in the order of the command line, and the numbers of the opponents."""
        place = {learner: k for k, learner in enumerate(learners)}
        half = {(c["row"], c["column"]): (c["row_mean"], c["row_ci95"]) for c in crossing.to_dict("records")}
        met = [x for x in place if x in set(crossing["column"])]  # a composition is no learner
        rows = []
        for entry in sorted(ranking.to_dict("records"), key=lambda e: place[e["learner"]]):
            name = entry["learner"]
            rows.append(
                [
                    str(place[name] + 1),
                    name,
                    *(brief(entry[f"{k}_mean"], entry[f"{k}_ci95"]) for k in ("cross", "self")),
                    *(brief(*half[name, other]) if (name, other) in half else "" for other in met),
                ]
            )
        return rows, [str(place[x] + 1) for x in met]

    def divergence(self, crossing: Any) -> list[str]:
        """One line for every cell with diverged seeds."""
        return [
            f"{c['row']} against {c['column']}: {c['diverged']} of {c['seeds']} seeds diverged and are left out of the means."
            for c in crossing.to_dict("records")
            if c["diverged"]
        ]


def grid_of(texts: tuple[str, ...]) -> dict[str, list[float]] | None:
    """The grid that `--grid NAME.SETTING=VALUE,VALUE` gives.

    Raises:
        ValueError: for text of another form.

    Example:
        >>> grid_of(("lola.lr=0.1,1",))
        {'lola.lr': [0.1, 1.0]}
    """
    found = {}
    for text in texts:
        path, sign, numbers = text.rpartition("=")
        try:
            found[path] = [float(x) for x in numbers.split(",")]
        except ValueError:
            sign = ""
        if not sign or "." not in path:
            raise ValueError(
                f"--grid has {text!r}; write NAME.SETTING=VALUE,VALUE,..., such as lola.lr=0.1,1."
            )
    return found or None


def brief(mean: float, interval: tuple[float, float]) -> str:
    """A mean with half the width of its interval as short text: `-1.04±.02`."""
    from analysis.statistics import short

    if mean != mean:
        return "none"
    half = (interval[1] - interval[0]) / 2
    return short(mean) + ("±" + short(half).removeprefix("0") if half == half else "")
