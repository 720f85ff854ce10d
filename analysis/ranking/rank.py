"""Rankings of learners by any method, with the uncertainty of the scores carried through by the bootstrap."""

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.ranking import comparisons, means, pairwise, population, ratings  # noqa: F401
from analysis.ranking.registry import RANKINGS
from analysis.ranking.scores import Scores, check_whole, scores_of
from analysis.statistics import interval_of_draws, resamples as indices
from games.checks import check_count
from games.registry import Entry, nearest

if TYPE_CHECKING:
    import pandas as pd

SAME = 1e-9
"""Scores of a ranking that differ by at most this share of their range are a tie."""


def ranking(
    given: Any,
    game: str | None = None,
    method: str = "mean",
    *,
    statistic: str = "final",
    resamples: int = 1000,
    seed: int = 0,
    **settings: Any,
) -> "pd.DataFrame":
    """Rank the learners of a tournament at every game, with 95 % intervals over the seeds.

    Args:
        given: what a tournament returned, its tidy rows, or the scores of one game: a pair (names, array), a
            table with equal row and column labels, or an array (learners, learners) or (learners, learners,
            seeds) whose entry `[i, j, s]` is what i earns against j in lane s.
        game: the name of one game; by default all.
        method: a name in `RANKINGS`.
        statistic: `"final"` for values after the last step, `"trajectory"` for means over the trajectory.
        resamples: number of bootstrap resamples of the seeds, the same for all pairs of learners, since lanes
            of one seed are paired; 0 for no intervals.
        seed: of the resamples.
        **settings: settings of the method, such as `alpha` of `"alpha_rank"`.

    Returns:
        Best first, the columns `game` (if it has a name), `rank` (ties share a rank), `learner`, `score`,
        `low`, `high`, and `first`, the probability of first place: the share of the resamples, or of the
        posterior, in which the learner has the highest score, shared by ties. The last three are NaN for
        one seed, unless the method has a posterior. `attrs["method"]` is the method's summary;
        `attrs["resamples"]` by game the number of resamples in which it was defined; `attrs["why"]` by game
        the reason why there is no ranking at it.

    Raises:
        ValueError: for an unknown method, setting or game, or scores that the method can rank at no game.

    Example:
        >>> table = ranking((["tft", "alld", "allc"], [[3, 1, 3], [1, 1, 5], [3, 0, 3]]))
        >>> table[["rank", "learner", "score"]].to_numpy().tolist()
        [[1, 'alld', 3.0], [2, 'tft', 2.0], [3, 'allc', 1.5]]
    """
    import pandas as pd

    entry = RANKINGS.get(method)
    accepted = [name for name in entry.settings() if name != "scores"]
    for name in settings:
        if name not in accepted:
            raise ValueError(
                f"The ranking method {entry.name!r} has no setting {name!r}; {nearest(name, accepted)}."
            )
    check_count("resamples", resamples, 0)
    parts, defined, undefined = [], {}, {}
    for name, scores in scores_of(given, game, statistic).items():
        try:
            table, defined[name] = ranked(scores, entry, resamples, seed, settings)
        except ValueError as error:
            undefined[name] = error
            continue
        if name is not None:
            table.insert(0, "game", name)
        parts.append(table)
    if not parts:
        raise next(iter(undefined.values()))
    found = pd.concat(parts, ignore_index=True)
    reasons = {name: str(error) for name, error in undefined.items()}
    found.attrs |= {"method": f"{entry.name}: {entry.summary}", "resamples": defined, "why": reasons}
    return found


def ranked(
    scores: Scores, entry: Entry, resamples: int, seed: int, settings: dict[str, Any]
) -> "tuple[pd.DataFrame, int]":
    """The ranking at one game, and the number of resamples in which it is defined."""
    import pandas as pd

    values = scores.values
    n, lanes = len(scores.names), values.shape[-1]
    if entry.facts.get("whole_table"):
        check_whole(scores)
    score = np.asarray(entry.make(values, **settings), dtype=float)
    low, high, first = (np.full(n, np.nan) for _ in range(3))
    draws = np.empty((0, n))
    if posterior := entry.facts.get("posterior"):
        mode, covariance = posterior(values, **settings)
        half = 1.959963984540054 * np.sqrt(np.maximum(np.diag(covariance), 0))
        low, high = mode - half, mode + half
        draws = normal_draws(mode, covariance, max(resamples, 1), seed)
    elif lanes > 1 and resamples:
        draws = bootstrap_draws(values, entry, resamples, seed, settings)
        if len(draws):
            low, high = interval_of_draws(draws, lanes)
    if len(draws):
        first = first_places(draws)
    finite = score[np.isfinite(score)]
    unit = (np.ptp(finite) if finite.size else 0.0) or 1.0
    rounded = pd.Series(np.round(score / unit / SAME))
    table = pd.DataFrame(
        {
            "rank": rounded.rank(method="min", ascending=False, na_option="bottom").astype(int),
            "learner": scores.names,
            "score": score,
            "low": low,
            "high": high,
            "first": first,
        }
    )
    return table.sort_values("rank", kind="stable").reset_index(drop=True), len(draws)


def bootstrap_draws(
    values: np.ndarray, entry: Entry, resamples: int, seed: int, settings: dict[str, Any]
) -> np.ndarray:
    """The method's numbers in every resample of the seeds where they are defined, (resamples, learners)."""
    drawn = indices(values.shape[-1], resamples, seed)
    if all_at_once := entry.facts.get("draws"):
        return all_at_once(values, drawn, **settings)
    draws = []
    for index in drawn:
        try:
            draws.append(np.asarray(entry.make(values[..., index], **settings), dtype=float))
        except ValueError:  # a resample in which some pair has no finite lane
            continue
    return np.array(draws).reshape(-1, len(values))


def normal_draws(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draws of a normal distribution whose covariance may be singular."""
    return np.random.default_rng(seed).multivariate_normal(mean, covariance, size=count, method="eigh")


def first_places(draws: np.ndarray) -> np.ndarray:
    """The share of draws in which each learner has the highest number, shared equally by ties."""
    numbers = np.where(np.isnan(draws), -np.inf, draws)
    top = numbers.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        spread = top - np.where(np.isfinite(numbers), numbers, top).min(axis=1, keepdims=True)
        best = (numbers == top) | (numbers >= top - SAME * spread)
    return (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
