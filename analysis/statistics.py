"""Means over seeds with confidence intervals; diverged lanes are left out of a mean and counted."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from games.checks import check_count, shown


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


class Interval(NamedTuple):
    """A statistic with a confidence interval; each entry has the statistic's shape.

    Attributes:
        value: the statistic of all samples.
        low: the lower end of the interval.
        high: the upper end of the interval.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def iqm(values: Float[ArrayLike, "..."], axis: int | None = None) -> Any:
    r"""The interquartile mean: the mean without the lowest and the highest quarter, $\lfloor n/4 \rfloor$ each.

    Args:
        values: numbers of any shape, such as (runs, tasks); those that are not finite are left out.
        axis: the axis of the mean; by default all.

    Returns:
        The mean, an array if an axis is given; NaN where no finite value is left.

    Example:
        >>> float(iqm([0.0, 1.0, 2.0, 100.0]))
        1.5

    Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
    """
    array = np.asarray(values, dtype=float)
    array = array.ravel() if axis is None else np.moveaxis(array, axis, -1)
    array = np.sort(np.where(np.isfinite(array), array, np.nan), axis=-1)  # NaN last
    n = np.isfinite(array).sum(axis=-1, keepdims=True)
    place = np.arange(array.shape[-1])
    kept = (place >= n // 4) & (place < n - n // 4)
    with np.errstate(invalid="ignore"):
        return np.where(kept, array, 0).sum(axis=-1) / kept.sum(axis=-1)


def resamples(runs: int, count: int = 1000, seed: int = 0) -> Int[np.ndarray, "count runs"]:
    """Indices of runs drawn with replacement, one row per resample; equal arguments give equal indices.

    Two learners with the same number of runs are therefore resampled together, which keeps comparisons of
    runs with the same seed paired.

    Example:
        >>> resamples(3, count=2).shape
        (2, 3)
    """
    return np.random.default_rng(seed).integers(runs, size=(count, runs))


def interval_of_draws(
    draws: Float[np.ndarray, "count ..."], runs: int, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    r"""The expanded percentile interval of a statistic's resampled values.

    The ends are the quantiles $\alpha'/2$ and $1 - \alpha'/2$ with $\alpha'/2 = \Phi(-\sqrt{n / (n - 1)}\;
    t_{1 - \alpha/2, n - 1})$ for n runs instead of $\alpha/2$: for the mean of normal runs it is Student's
    interval, where the plain percentile interval is too narrow by a factor of $\sqrt{(n - 1) / n}\; z / t$.

    Args:
        draws: the statistic of each resample, along the first axis; resamples where it is NaN are left out.
        runs: n, the number of runs that were resampled; the interval is NaN for one run.
        level: of confidence, between 0 and 1.

    Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 5.2.
    """
    from scipy.special import ndtr, stdtrit

    draws = np.asarray(draws, dtype=float)
    if runs < 2:
        nothing = np.full(draws.shape[1:], np.nan)
        return nothing, nothing
    tail = float(ndtr(-((runs / (runs - 1)) ** 0.5) * stdtrit(runs - 1, (1 + level) / 2)))
    count = (~np.isnan(draws)).sum(axis=0)
    ordered = np.sort(draws, axis=0)  # NaN last

    def quantile(q):
        place = q * (np.maximum(count, 1) - 1)
        below = np.floor(place).astype(int)
        above = np.minimum(below + 1, np.maximum(count, 1) - 1)
        first, second = (np.take_along_axis(ordered, k[None], axis=0)[0] for k in (below, above))
        with np.errstate(invalid="ignore"):
            return np.where(first == second, first, first + (place - below) * (second - first))

    return quantile(tail), quantile(1 - tail)


def bootstrap_interval(
    samples: Float[ArrayLike, "runs ..."],
    statistic: Callable[[np.ndarray], Any] = np.mean,
    count: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    stratified: bool = False,
) -> Interval:
    """A statistic of runs on tasks with its bootstrap interval over the runs.

    Args:
        samples: one row per run (seed), such as (runs, tasks) or (runs, learners, learners).
        statistic: a function of an array of the samples' shape, whose result is a number or an array; by
            default the mean of all entries. Resamples for which it is NaN are left out of the interval.
        count: the number of resamples.
        seed: of the resamples. Equal seeds and numbers of runs give equal resamples, so that statistics of
            several learners stay paired.
        level: of confidence, between 0 and 1.
        stratified: whether the runs of every task are resampled independently, for runs that have nothing in
            common but their number; by default a resampled run keeps its values on all tasks, for runs that
            are paired by their seed.

    Returns:
        The statistic of the samples and the ends of its expanded percentile interval (`interval_of_draws`);
        NaN for one run.

    Raises:
        ValueError: for samples without runs, or numbers out of range.

    Example:
        >>> found = bootstrap_interval([[1.0, 2.0], [2.0, 2.0], [3.0, 5.0], [0.0, 1.0]])
        >>> float(found.value), bool(found.low < 2 < found.high)
        (2.0, True)

    Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (stratified);
    Hesterberg 2015, "What Teachers Should Know About the Bootstrap".
    """
    samples = np.asarray(samples, dtype=float)
    if not samples.ndim or not samples.size:
        raise ValueError(f"The samples have shape {samples.shape}; give an array with one row per run.")
    check_count("count", count)
    if not 0 < level < 1:
        raise ValueError(f"level is {shown(level)}; it must be between 0 and 1, such as 0.95.")
    runs = len(samples)
    value = np.asarray(statistic(samples), dtype=float)
    if runs < 2:
        return Interval(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
    if stratified:
        rng = np.random.default_rng(seed)
        drawn = (
            np.take_along_axis(samples, rng.integers(runs, size=samples.shape), axis=0) for _ in range(count)
        )
    else:
        drawn = (samples[index] for index in resamples(runs, count, seed))
    return Interval(value, *interval_of_draws(np.array([statistic(x) for x in drawn]), runs, level))


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
