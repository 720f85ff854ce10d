"""What a figure is: data worked out under a named preset, a drawing of that data, and the published numbers to stand beside ours."""

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
    """How large a figure's experiment is.

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
        learner: whose number, by registry name.
        quantity: what is measured.
        value: the number.
        tolerance: how far a reproduction may be from it.
    """

    learner: str
    quantity: str
    value: float
    tolerance: float


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A figure of the literature, made anew.

    Attributes:
        name: its registry name; files bear it.
        title: one line.
        caption: what is shown, with the protocol and the meaning of every band.
        citation: the BibTeX key of its source.
        presets: experiment sizes by name, `"quick"` and `"paper"`.
        settings: the experiment besides its size, as plain data; it enters the specification.
        compute: `(preset, seed) -> table`, one row per curve and step.
        measure: `table -> table` with columns `learner, quantity, ours, low, high`: the numbers that the
            literature reports.
        draw: `(table, comparison, width) -> Figure`, from the data alone.
        published: the numbers of the literature.
        revision: counted up when `compute` changes, so that stored data of an older revision is recognized.
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
            ValueError: for an unknown one.
        """
        if name not in self.presets:
            raise ValueError(
                f"The figure {self.name!r} has no preset {name!r}; {nearest(name, self.presets)}."
            )
        return self.presets[name]

    def specification(self, preset: str, seed: int) -> dict[str, Any]:
        """Everything that decides the data, in JSON's types: two equal specifications have equal data."""
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
        """Our numbers with the published ones beside them.

        Returns:
            One row per learner and quantity: `ours` with its 95 % interval `low, high`, and, where there is
            one, the `published` number, its `tolerance`, and whether ours `agrees` with it (missing where
            nothing was published).
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
    """The rows of a table in which every named column has the given value.

    Example:
        >>> rows(pd.DataFrame({"learner": ["lola", "sos"], "step": [0, 0]}), learner="sos").index.tolist()
        [1]
    """
    kept: Any = frame
    for column, value in where.items():
        kept = kept[kept[column] == value]
    return kept


def interval(values: Float[ArrayLike, " seeds"], ok: Bool[ArrayLike, " seeds"]) -> dict[str, float]:
    """What a figure stores of many runs: their mean with its 95 % confidence interval, their spread, and how many they are.

    Args:
        values: one number per run.
        ok: which runs stayed finite; the others are counted as `diverged` and left out.

    Example:
        >>> interval([1.0, 2.0, 3.0, 9.0], [True, True, True, False])["seeds"]
        3
    """
    e = estimate(values, ok)
    return {"mean": e.mean, "low": e.low, "high": e.high, "sd": e.sd, "seeds": e.n, "diverged": e.diverged}
