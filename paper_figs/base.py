"""The class of a figure: how its data is computed and drawn, and the published numbers."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from jaxtyping import ArrayLike, Bool, Float

from analysis.statistics import estimate
from games.registry import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Preset:
    """The size of a figure's experiment.

    Attributes:
        seeds: independent runs per learner.
        steps: learning steps.
    """

    seeds: int
    steps: int


@dataclasses.dataclass(frozen=True)
class Published:
    """A number from the literature.

    Attributes:
        learner: the learner's registry name.
        quantity: the measured quantity.
        value: the published number.
        tolerance: the largest accepted difference of a reproduction.
    """

    learner: str
    quantity: str
    value: float
    tolerance: float


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A reproduction of a figure of the literature.

    Attributes:
        name: the registry name, also the name of its files.
        title: one line.
        caption: what the figure shows, with the protocol and the meaning of lines and bands.
        citation: the BibTeX key of its source.
        presets: sizes of the experiment by name, `"quick"` and `"paper"`.
        settings: a function that returns the other settings of the experiment as plain data.
        compute: `(preset, seed) -> table`, one row per curve and step.
        measure: `table -> table` with columns `learner, quantity, ours, low, high`: our values of the
            published quantities.
        draw: `(table, comparison, width) -> Figure`, from the data alone.
        published: the published numbers.
        revision: incremented when `compute` changes, so that stored data of an older revision is not used.
    """

    name: str
    title: str
    caption: str
    citation: str
    presets: Mapping[str, Preset]
    settings: Callable[[], Mapping[str, Any]]
    compute: Callable[[Preset, int], pd.DataFrame]
    measure: Callable[[pd.DataFrame], pd.DataFrame]
    draw: Callable[[pd.DataFrame, pd.DataFrame, str], "Figure"]
    published: tuple[Published, ...] = ()
    revision: int = 1

    def preset(self, name: str) -> Preset:
        """The preset of this name.

        Raises:
            ValueError: for an unknown name.
        """
        if name not in self.presets:
            raise ValueError(
                f"The figure {self.name!r} has no preset {name!r}; {nearest(name, self.presets)}."
            )
        return self.presets[name]

    def specification(self, preset: str, seed: int) -> dict[str, Any]:
        """All settings that determine the data, in JSON types."""
        size = dataclasses.asdict(self.preset(preset))
        return {
            "figure": self.name,
            "revision": self.revision,
            "preset": preset,
            **size,
            "seed": seed,
            **self.settings(),
        }

    def comparison(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Our numbers beside the published ones.

        Returns:
            One row per learner and quantity: `ours` with its 95 % interval `low, high`, and, if there is one,
            the `published` number, its `tolerance`, and whether ours `agrees` with it (missing otherwise).
        """
        ours = self.measure(frame)
        rows = [dataclasses.asdict(p) for p in self.published]
        columns = ["learner", "quantity", "value", "tolerance"]
        table = ours.merge(
            pd.DataFrame(rows, columns=columns), how="left", on=["learner", "quantity"]
        ).rename(columns={"value": "published"})
        agrees = (table["ours"] - table["published"]).abs() <= table["tolerance"]
        return table.assign(agrees=agrees.astype("boolean").mask(table["published"].isna()))


def rows(frame: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The rows of a table whose columns have the given values.

    Example:
        >>> rows(pd.DataFrame({"learner": ["lola", "sos"], "step": [0, 0]}), learner="sos").index.tolist()
        [1]
    """
    kept: Any = frame
    for column, value in where.items():
        kept = kept[kept[column] == value]
    return kept


def interval(values: Float[ArrayLike, " seeds"], ok: Bool[ArrayLike, " seeds"]) -> dict[str, float]:
    """The summary of many runs: mean, 95 % confidence interval, standard deviation and number of runs.

    Args:
        values: one number per run.
        ok: mask of the runs that stayed finite; the others are left out and counted as `diverged`.

    Example:
        >>> interval([1.0, 2.0, 3.0, 9.0], [True, True, True, False])["seeds"]
        3
    """
    e = estimate(values, ok)
    return {"mean": e.mean, "low": e.low, "high": e.high, "sd": e.sd, "seeds": e.n, "diverged": e.diverged}
