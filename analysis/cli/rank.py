"""`shaping rank`: the ranking of a tournament's learners."""

import dataclasses
import json as json_
from typing import Literal

import tyro


@dataclasses.dataclass(frozen=True)
class Rank:
    """Rank the learners of a tournament in a folder, with 95 % intervals over the seeds."""

    folder: tyro.conf.Positional[str] = dataclasses.field(metadata={"positional": True})
    """The --out folder of a tournament."""
    game: str | None = None
    """The name of one game; by default all."""
    method: str = "mean"
    """A ranking: mean, iqm, improvement, wins, copeland, elo, bayesian_elo, alpha_rank, nash_averaging, replicator,
    moran."""
    statistic: Literal["final", "trajectory"] = "final"
    """Values after the last step, or means over the trajectory."""
    resamples: int = 1000
    """Bootstrap resamples of the seeds; 0 for no intervals."""
    seed: int = 0
    """Seed of the resamples."""
    json: bool = False
    """Print one JSON object."""
    csv: bool = False
    """Print a table of comma-separated values."""

    def run(self) -> None:
        """Rank and print."""
        from analysis.cli.screen import TextTable, stderr, stdout
        from analysis.ranking import ranking
        from analysis.tournaments.results import Results

        if self.json and self.csv:
            raise ValueError("--json and --csv were both given; choose one of them.")
        table = ranking(
            Results.load(self.folder),
            self.game,
            self.method,
            statistic=self.statistic,
            resamples=self.resamples,
            seed=self.seed,
        )
        why = table.attrs.get("why", {})
        if self.json:
            rows = json_.loads(str(table.to_json(orient="records", double_precision=15)))
            print(json_.dumps({"method": self.method, "ranking": rows, "why": why}, indent=1))
            return
        for game, reason in why.items():
            stderr().print(f"{game} is left out: {reason}", soft_wrap=True)
        if self.csv:
            print(table.to_csv(index=False), end="")
            return
        numbers = [name for name in table if table[name].dtype.kind == "f"]
        rows = [
            ["-" if x != x else f"{x:.3f}" if name in numbers else str(x) for name, x in row.items()]
            for row in table.to_dict("records")
        ]
        columns = [str(name) for name in table]
        right = [k for k, name in enumerate(columns) if name in numbers]
        stdout().print(TextTable(columns, rows, right=right, keys=columns.index("learner") + 1))
        stdout().print(table.attrs.get("method", ""))
