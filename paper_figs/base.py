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
    """A published number.

    Attributes:
        learner: the learner's registry name.
        quantity: the name of the quantity.
        value: the published number.
        tolerance: the largest difference at which our number agrees with the published one.
    """

    learner: str
    quantity: str
    value: float
    tolerance: float


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A reproduction of a published figure.

    Attributes:
        name: the registry name, also the name of its files.
        title: a title of one line.
        caption: what the figure shows, the protocol, and the meaning of lines and bands.
        citation: the BibTeX key of the source.
        presets: sizes of the experiment, by the names `"quick"` and `"paper"`.
        settings: `() -> mapping`, the other settings of the experiment in JSON types.
        compute: `(preset, seed) -> data`, runs the experiment; its data has one row per curve and step.
        measure: `data -> table` with columns `learner, quantity, ours, low, high, seeds, diverged`: our
            values of the published quantities, with 95 % intervals.
        draw: `(data, comparison, width) -> Figure`, draws the data without running the experiment.
        published: the published numbers.
        revision: increased when `compute` changes, so that stored data of an older revision is not used.
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
        """The preset with this name.

        Raises:
            ValueError: for an unknown name.
        """
        if name not in self.presets:
            raise ValueError(
                f"The figure {self.name!r} has no preset {name!r}; {nearest(name, self.presets)}."
            )
        return self.presets[name]

    def specification(self, preset: str, seed: int) -> dict[str, Any]:
        """All settings on which the data depends, in JSON types."""
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
            One row per learner and quantity: our number `ours` with its 95 % interval `low, high`; the
            `published` number with its `tolerance`; and `agrees`, whether the two differ by at most the
            tolerance. The last three are missing where no number was published.
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
    """The rows of a table in which the named columns have the given values.

    Example:
        >>> rows(pd.DataFrame({"learner": ["lola", "sos"], "step": [0, 0]}), learner="sos").index.tolist()
        [1]
    """
    kept: Any = frame
    for column, value in where.items():
        kept = kept[kept[column] == value]
    return kept


def summarize(values: Float[ArrayLike, " seeds"], ok: Bool[ArrayLike, " seeds"]) -> dict[str, float]:
    """Mean over runs, its 95 % confidence interval, standard deviation of the runs, and number of runs.

    Args:
        values: one number per run.
        ok: mask of the runs that stayed finite; the other runs are left out and counted as `diverged`.

    Returns:
        `mean, low, high, sd, seeds, diverged`.

    Example:
        >>> summarize([1.0, 2.0, 3.0, 9.0], [True, True, True, False])["seeds"]
        3
    """
    e = estimate(values, ok)
    return {"mean": e.mean, "low": e.low, "high": e.high, "sd": e.sd, "seeds": e.n, "diverged": e.diverged}
