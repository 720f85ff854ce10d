"""`shaping play`: one match, summarized."""

import dataclasses
import json as json_
import pathlib
import sys
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from analysis.statistics import Estimate

CURVES = "curves.png"


@dataclasses.dataclass(frozen=True)
class Play:
    """Let learners play a game, and print their values per step: means over seeds with 95 % intervals."""

    learners: tuple[str, ...]
    """One learner per seat, in order: a name, file:FOLDER for the trained learner in a folder, or a copy under
    a name of its own, such as fast=lola."""
    game: str = "ipd"
    """The game: a name, or a file that shaping solve reads."""
    steps: int = 200
    """Learning steps."""
    seeds: int | None = None
    """Independent runs; by default 64, and 4 of sampled games."""
    seed: int = 0
    """Root of all randomness."""
    set: tuple[str, ...] = ()
    """Settings of the game and the learners, NAME.SETTING=VALUE, such as lola.lr=0.5."""
    average: Literal["final", "steps", "trajectory"] = "final"
    """The reported values: final, after the last step; steps, the mean over the values after every step, as in
    papers; trajectory, the mean that also includes the initial values."""
    json: bool = False
    """Print one JSON object."""
    out: str | None = None
    """Folder for the values at every step (Parquet) and the learning curves (PNG)."""
    force: bool = False
    """Replace the results in the folder."""

    def run(self) -> int:
        """Play, store and print the match; 1 if every seed diverged."""
        from analysis.cli import settings
        from analysis.cli.screen import all_diverged

        if self.seeds is None:
            return dataclasses.replace(self, seeds=settings.usual_seeds([self.game])).run()
        names = settings.labels(self.learners)
        frame = self.frame(names)
        players = [(name, self.summary(frame, seat)) for seat, name in enumerate(names)]
        if self.json:
            print(json_.dumps(self.report(players)))
        else:
            self.show(players)
        return all_diverged(not players[0][1].n)

    def frame(self, names: tuple[str, ...]) -> "pd.DataFrame":
        """The match as a tidy table, computed or loaded from the folder."""
        from analysis.cli import settings
        from analysis.cli.game_files import game_label
        from analysis.cli.registries import registry
        from analysis.tournaments.run import check_size
        from games import PLAYABLE
        from shaping.match import check_table

        check_size(self.steps, self.seeds, self.seed)  # pyright: ignore[reportArgumentType]  # `run` has set it
        given = settings.parsed(self.set, (*names, self.game))
        check_table(len(names) * (self.seeds or 1) * (self.steps + 1))
        game = settings.made(PLAYABLE, [self.game], given)[self.game]
        learners = settings.made(registry("learners"), self.learners, given, {self.game: game})
        if len(self.learners) != game.n_players:
            raise ValueError(
                f"{len(self.learners)} learners were given for {game.n_players} seats of {self.game!r}; give exactly one per seat."
            )
        return dataclasses.replace(self, game=game_label(self.game)).stored(
            game, [learners[name] for name in names], names
        )

    def stored(self, game: Any, learners: list[Any], names: tuple[str, ...]) -> "pd.DataFrame":
        """Compute the match or load it; store it if a folder was given."""
        from analysis.results import provenance
        from analysis.results.specification import describe
        from analysis.results.store import Store

        specification = {
            "steps": self.steps,
            "seeds": self.seeds,
            "seed": self.seed,
            "x64": provenance.x64(),
            "learners": [describe(x) for x in learners],
            "games": {self.game: describe(game)},
        }
        store = None if self.out is None else Store(self.out, specification, (self.game,), self.force)
        if store is None:
            return self.compute(game, learners, names)[0]
        if store.done():
            frame = store.load(self.game)
            print(f"{store.path(self.game)}: found, not computed again", file=sys.stderr)
            if not (store.folder / CURVES).exists():
                self.draw(store, frame)
            return frame
        with store:
            frame, note = self.compute(game, learners, names)
            store.save(self.game, frame, note)
            self.draw(store, frame)
        return frame

    def compute(
        self, game: Any, learners: list[Any], names: tuple[str, ...]
    ) -> "tuple[pd.DataFrame, dict[str, Any]]":
        """Play the match, and return its table and its provenance."""
        import time

        import jax

        from analysis.cli.screen import announce_device
        from analysis.results import provenance
        from shaping import play

        announce_device()
        note, clock = (
            {**provenance.environment(), "seed": self.seed, "start": provenance.now()},
            time.perf_counter(),
        )
        match = jax.block_until_ready(
            play(game, learners, self.seed, steps=self.steps, seeds=self.seeds or 1)
        )
        frame = match.to_frame().assign(game=self.game)
        frame["learner"] = [names[seat] for seat in frame["seat"]]
        return frame, note | {"end": provenance.now(), "wall_s": time.perf_counter() - clock}

    def draw(self, store: Any, frame: "pd.DataFrame") -> None:
        """Store a picture of the learning curves."""
        from analysis.plots import pictures as plots

        store.write(CURVES, lambda path: plots.save(plots.curves(frame), path))

    def summary(self, frame: "pd.DataFrame", seat: int) -> "Estimate":
        """The reported mean of one seat."""
        from analysis.statistics import estimate
        from analysis.tournaments.tables import runs

        table, ok = runs(frame[frame["seat"] == seat])
        values = table.to_numpy()
        of = {"final": values[:, -1], "steps": values[:, 1:].mean(axis=1), "trajectory": values.mean(axis=1)}
        return estimate(of[self.average], ok)

    def report(self, players: "list[tuple[str, Estimate]]") -> dict[str, Any]:
        """The JSON object."""
        from analysis.cli.screen import ci95, number

        return {
            "game": self.game,
            "steps": self.steps,
            "seeds": self.seeds,
            "average": self.average,
            "diverged": players[0][1].diverged,
            "players": [
                {"learner": name, "mean": number(e.mean), "sd": number(e.sd), "ci95": ci95(e)}
                for name, e in players
            ],
        }

    def show(self, players: "list[tuple[str, Estimate]]") -> None:
        """Print the table."""
        from analysis.cli.screen import TextTable, shown, stdout

        when = {
            "final": f"after {self.steps} steps",
            "steps": f"mean over {self.steps} steps, without the initial values",
            "trajectory": f"mean over {self.steps} steps and the initial values",
        }[self.average]
        title = f"{self.game}: value per step, {when}, mean over seeds with 95 % interval"
        rows = [
            [
                str(seat),
                name,
                shown(e.mean, e.low, e.high),
                f"{e.sd:.3f}" if e.sd == e.sd else "-",
                f"{e.n} of {e.of}",
            ]
            for seat, (name, e) in enumerate(players)
        ]
        console = stdout()
        console.print(title)
        console.print(TextTable(["seat", "learner", "mean", "sd", "seeds"], rows, right=(3, 4), keys=2))
        diverged = players[0][1].diverged
        if diverged:
            console.print(f"{diverged} of {self.seeds} seeds diverged and are left out of the means.")
        if self.out is not None:
            console.print(f"Kept in {pathlib.Path(self.out)}.", soft_wrap=True)
