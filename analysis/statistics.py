"""Means over seeds with confidence intervals; diverged lanes are left out of a mean and counted."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Bool, Float

from games.checks import shown


class Estimate(NamedTuple):
    """A mean with its 95 % confidence interval.

    Attributes:
        mean: the mean over the finite lanes; NaN if there are none.
        sd: the standard deviation over those lanes; NaN for fewer than two.
        low: the lower end of the interval.
        high: the upper end of the interval.
        n: the number of finite lanes.
        of: the number of all lanes.
    """

    mean: float
    sd: float
    low: float
    high: float
    n: int
    of: int

    @property
    def diverged(self) -> int:
        """The number of lanes that are left out."""
        return self.of - self.n

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def student(mean: float, error: float, freedom: int) -> tuple[float, float]:
    """Student's two-sided 95 % interval of a mean, from its standard error and the degrees of freedom.

    Example:
        >>> [round(end, 3) for end in student(0.0, 1.0, 9)]
        [-2.262, 2.262]
    """
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.975)) * error if freedom > 0 else float("nan")
    return mean - half, mean + half


def estimate(values: Float[ArrayLike, " lanes"], ok: Bool[ArrayLike, " lanes"] | None = None) -> Estimate:
    r"""Mean over seeds with Student's interval, $\bar x \pm t_{.975, n-1}\, s / \sqrt n$.

    Args:
        values: one number per lane.
        ok: mask of the finite lanes; by default those whose number is finite.

    Raises:
        ValueError: for values that are not numbers, or not one per lane.

    Example:
        >>> e = estimate([1.0, 2.0, 3.0, float("nan")])
        >>> e.mean, e.sd, round(e.low, 3), e.n, e.diverged
        (2.0, 1.0, -0.484, 3, 1)
    """
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The values are {shown(values)}; they must be numbers, one per lane.") from error
    lanes = values.shape if ok is None else np.shape(ok)
    if values.ndim != 1 or lanes != values.shape:
        raise ValueError(
            f"The values have shape {values.shape} for lanes of shape {lanes}; give one number per lane."
        )
    kept = values[np.isfinite(values) if ok is None else np.asarray(ok, dtype=bool)]
    n = kept.size
    mean = float(kept.mean()) if n else float("nan")
    sd = float(kept.std(ddof=1)) if n > 1 else float("nan")
    return Estimate(mean, sd, *student(mean, sd / n**0.5 if n else sd, n - 1), n, values.size)


def mean_of_cells(values: Float[np.ndarray, "cells seeds"], ok: Bool[np.ndarray, "cells seeds"]) -> Estimate:
    r"""The mean over cells of the means over lanes, with an interval over seeds; lanes are paired by seed.

    With $w_{cs} = ok_{cs} (x_{cs} - \bar x_c) / n_c$, seed s moves the mean by $\sum_c w_{cs} / C$; the
    interval follows from the standard deviation of these influences. Without diverged lanes it is Student's
    interval of the per-seed means over cells.

    Args:
        values: one row per cell.
        ok: mask of the finite lanes; the mean is NaN if a cell has none, since a mean over the other cells
            would measure something else.

    Example:
        >>> values = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 5.0]])
        >>> mean_of_cells(values, np.isfinite(values))[:4] == estimate(values.mean(0))[:4]
        True
    """
    values, ok = np.asarray(values, dtype=float), np.asarray(ok, dtype=bool)
    n = ok.sum(axis=1)
    lanes, finite = ok.size, int(n.sum())
    if not ok.size or not n.all():
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), finite, lanes)
    means = np.where(ok, values, 0).sum(axis=1) / n
    influence = (np.where(ok, values - means[:, None], 0) / n[:, None]).mean(axis=0)
    seeds = ok.shape[1]
    mean, sd = float(means.mean()), float("nan")
    if seeds > 1:
        sd = float(np.sqrt((influence**2).sum() * seeds / (seeds - 1)) * seeds**0.5)
    return Estimate(mean, sd, *student(mean, sd / seeds**0.5, seeds - 1), finite, lanes)


def short(x: float) -> str:
    """A number in five or six characters: two decimals where there is room, huge numbers as powers of ten.

    Example:
        >>> short(-1.0423), short(-0.05), short(-23.8), short(0.0), short(-5.2e26)
        ('-1.04', '-0.05', '-23.8', '0.00', '-5e26')
    """
    if abs(x) >= 99999.5:
        return f"{x:.0e}".replace("e+", "e")
    digits = 2 if abs(x) < 9.995 else 1 if abs(x) < 99.95 else 0
    text = f"{x:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text
