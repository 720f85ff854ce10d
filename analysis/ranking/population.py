"""Which learner a population ends up using: replicator and Moran flow over the learners of a cross-play table.

Individuals use one learner each, meet at random, and the table holds what each learner earns against each.
Learners that earn more spread.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from analysis.ranking.registry import register
from analysis.ranking.scores import Array3, check_whole, cross_play, full_table, one_game
from analysis.statistics import interval_of_draws, resamples as indices
from games.checks import check_count, check_range

if TYPE_CHECKING:
    import pandas as pd

Table = Float[np.ndarray, "learners learners"]


@register("alpha_rank", "omidshafiei2019alpharank", "rowland2019incomplete", whole_table=True)
def alpha_rank_mass(
    scores: Array3,
    alpha: float = np.inf,
    population_size: int = 50,
    selection: Literal["local", "population"] = "local",
) -> Float[np.ndarray, " learners"]:
    """Alpha-rank of one population: the share of time in which it uses each learner, for rare mutations.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        alpha: ranking intensity, per unit of payoff, at least 0; by default the limit.
        population_size: individuals, at least 2.
        selection: `"local"`, a mutant meets residents only, or `"population"`, individuals meet all others;
            see `solvers.ranking.alpha_rank`.

    Raises:
        ValueError: if some pair has no finite lane, or for numbers out of range.

    Example:
        >>> alpha_rank_mass(np.array([[3.0, 0], [5, 1]])[..., None]).tolist()
        [0.0, 1.0]
    """
    from solvers.ranking import alpha_rank

    return alpha_rank(full_table(scores), alpha, population_size, selection).distribution


@register("nash_averaging", "balduzzi2018reevaluating", whole_table=True)
def nash_average_skill(scores: Array3) -> Float[np.ndarray, " learners"]:
    r"""Nash averaging: mean lead over the maximum-entropy equilibrium of the game of leads, 0 for its members.

    The lead of i over j is $(M_{ij} - M_{ji}) / 2$; see `solvers.ranking.nash_averaging`.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.

    Raises:
        ValueError: if some pair has no finite lane.

    Example:
        >>> nash_average_skill(np.array([[3.0, 0], [5, 1]])[..., None]).tolist()
        [-2.5, 0.0]
    """
    from solvers.ranking import nash_averaging

    return nash_averaging(full_table(scores)).skill


@register("replicator", "taylor1978stable", whole_table=True)
def replicator_shares(scores: Array3, time: float = 1000.0) -> Float[np.ndarray, " learners"]:
    r"""Shares of a population after a long time of the replicator dynamic, from equal shares.

    $\dot x_i = x_i ((M x)_i - x^\top M x)$

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        time: in units of 1 / (range of the table), larger than 0.

    Raises:
        ValueError: if some pair has no finite lane, or for a time out of range.

    Example:
        >>> replicator_shares(np.array([[3.0, 0], [5, 1]])[..., None]).round(6).tolist()
        [0.0, 1.0]
    """
    check_range("time", time, 1e-9)
    return replicator(full_table(scores), [0.0, time])[-1]


def replicator(table: Table, times: Any, start: Any = None) -> Float[np.ndarray, "times learners"]:
    """The shares at these times, in units of 1 / (range of the table), by default from equal shares.

    Raises:
        ValueError: for times or a start that the dynamic refuses.
    """
    from solvers.evolution import FLOWS, evolve_population

    n = len(table)
    start = np.full(n, 1 / n) if start is None else start
    scaled = (table - table.min()) / (np.ptp(table) or 1.0)
    path = evolve_population(scaled, FLOWS.make("replicator"), start, times, max_steps=100_000)
    shares = np.asarray(path.profile[0], dtype=float)
    return shares / shares.sum(axis=1, keepdims=True)


@register("moran", "traulsen2007pairwise", whole_table=True)
def moran_shares(
    scores: Array3, intensity: float = 1.0, population_size: int = 50
) -> Float[np.ndarray, " learners"]:
    """Share of time in which a finite population uses each learner, for rare mutations and pairwise imitation.

    Individuals earn their mean payoff over encounters with all others and imitate by the Fermi rule; one
    mutant at a time takes over or is lost.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        intensity: of selection, per unit of payoff, at least 0; `inf` for the limit.
        population_size: individuals, at least 2.

    Raises:
        ValueError: if some pair has no finite lane, or for numbers out of range.

    Example:
        >>> moran_shares(np.array([[3.0, 0], [5, 1]])[..., None], intensity=0.0).round(6).tolist()
        [0.5, 0.5]
    """
    return alpha_rank_mass(scores, intensity, population_size, "population")


def fixation_probabilities(
    given: Any,
    game: str | None = None,
    *,
    intensity: float = 1.0,
    population_size: int = 50,
    statistic: str = "final",
    resamples: int = 1000,
    seed: int = 0,
) -> "pd.DataFrame":
    r"""The probability that one mutant takes over a population of residents, for every pair of learners.

    Pairwise imitation by the Fermi rule, as in `solvers.evolution.fixation_matrix`. A mutant that is selected
    for has a probability above that of neutral drift, 1 / population_size.

    Args:
        given: a tournament's results, or scores as for `ranking`.
        game: the name of the game, where there are several.
        intensity: of selection, per unit of payoff, at least 0.
        population_size: individuals, at least 2.
        statistic: `"final"` or `"trajectory"`.
        resamples: number of bootstrap resamples of the seeds.
        seed: of the resamples.

    Returns:
        One row per ordered pair: `resident, mutant, probability, low, high, neutral`; 95 % intervals over the
        seeds, NaN for one seed.

    Raises:
        ValueError: if some pair has no finite lane, or for numbers out of range.

    Example:
        >>> table = fixation_probabilities((["tft", "alld"], [[3, 1], [1, 1]]), intensity=0.0)
        >>> table["probability"].round(6).tolist()
        [0.02, 0.02]
    """
    import pandas as pd

    from solvers.evolution import fixation_matrix

    scores = one_game(given, game, statistic)
    n = len(scores.names)
    if n < 2:
        raise ValueError("There is one learner, and a mutant differs from the residents; enter another.")
    resident, mutant = np.nonzero(~np.eye(n, dtype=bool))

    def probabilities(table):
        return np.exp(fixation_matrix(table, population_size, intensity))[resident, mutant]

    value, low, high = over_tables(scores, probabilities, resamples, seed)
    names = np.array(scores.names, dtype=object)
    columns = {
        "resident": names[resident],
        "mutant": names[mutant],
        "probability": value,
        "low": low,
        "high": high,
    }
    return pd.DataFrame(columns | {"neutral": 1 / population_size})


def population_shares(
    given: Any,
    game: str | None = None,
    *,
    times: Any = 51,
    start: Sequence[float] | None = None,
    statistic: str = "final",
    resamples: int = 100,
    seed: int = 0,
) -> "pd.DataFrame":
    """The shares of a population's learners over time, by the replicator dynamic.

    Args:
        given: a tournament's results, or scores as for `ranking`.
        game: the name of the game, where there are several.
        times: in units of 1 / (range of the table), in increasing order, the first being the start's; or their
            number, then equally spaced from 0 to 100.
        start: the shares at the first time; by default equal shares.
        statistic: `"final"` or `"trajectory"`.
        resamples: number of bootstrap resamples of the seeds.
        seed: of the resamples.

    Returns:
        One row per time and learner: `time, learner, share, low, high`; 95 % intervals over the seeds, NaN for
        one seed.

    Raises:
        ValueError: if some pair has no finite lane, or for times or a start that the dynamic refuses.

    Example:
        >>> table = population_shares((["allc", "alld"], [[3, 0], [5, 1]]), times=[0, 1000])
        >>> table["share"].round(6).tolist()
        [0.5, 0.5, 0.0, 1.0]
    """
    import pandas as pd

    scores = one_game(given, game, statistic)
    if np.ndim(times) == 0:
        check_count("times", times, 2)
        times = np.linspace(0.0, 100.0, times)
    times = np.asarray(times, dtype=float)
    value, low, high = over_tables(scores, lambda table: replicator(table, times, start), resamples, seed)
    columns = {"time": np.repeat(times, len(scores.names)), "learner": np.tile(scores.names, len(times))}
    return pd.DataFrame(columns | {"share": value.ravel(), "low": low.ravel(), "high": high.ravel()})


def resampled_tables(
    values: Array3, resamples: int, seed: int
) -> Float[np.ndarray, "resamples learners learners"]:
    """Cross-play tables of resampled seeds, without those in which some pair has no finite lane."""
    lanes = values.shape[-1]
    if lanes < 2 or not resamples:
        return np.empty((0, *values.shape[:2]))
    tables = np.array([cross_play(values[..., index]) for index in indices(lanes, resamples, seed)])
    return tables[np.isfinite(tables).all(axis=(1, 2))]


def over_tables(
    scores: Any, function: Any, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A function of the cross-play table, with its 95 % interval over resampled seeds.

    Raises:
        ValueError: if some pair has no finite lane.
    """
    check_whole(scores)
    value = np.asarray(function(scores.table), dtype=float)
    draws = np.array([function(table) for table in resampled_tables(scores.values, resamples, seed)])
    if not len(draws):
        return value, np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    return value, *interval_of_draws(draws, scores.values.shape[-1])
