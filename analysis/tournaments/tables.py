"""Tables of a tournament: tidy rows per seed, the cross-play table, and the standings."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics import Estimate, estimate, mean_of_cells
from analysis.tournaments.round_robins import RoundRobin
from games.checks import shown
from games.registry import nearest

LOGITS = ("p_start", "p_CC", "p_CD", "p_DC", "p_DD")


def blocks(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The rows grouped by the values of these columns, in order of first appearance."""
    groups: Any = frame.groupby(list(columns), sort=False)
    return iter(groups)


def tidy(
    game: str,
    labels: Sequence[str],
    result: RoundRobin,
    *,
    steps: int,
    configs: Sequence[str],
    hashes: Any,
    rows: Sequence[int] | None = None,
    columns: Sequence[int] | None = None,
    first: int = 0,
) -> pd.DataFrame:
    """One row per cell, seat and seed.

    Args:
        game: the game's name.
        labels: the learners' names, in order.
        result: the round robin.
        steps: learning steps of each match.
        configs: the learners' settings as JSON, in order.
        hashes: the hash of every cell's specification, by row and column.
        rows: indices of the learners in seat 0 of the result; by default all.
        columns: indices of the learners in seat 1; by default all.
        first: the number of the first lane.

    Returns:
        The columns `cell, game, learner_0, learner_1, config_0, config_1, seat, learner, opponent, seed,
        step, value, value_auc, value_opponent, welfare, ok`, and for memory-one play of a two-action game the
        final probabilities of action 0, `p_start, p_CC, p_CD, p_DC, p_DD`, own action first. Values are per
        step; `value` is the final one, `value_auc` the mean over the trajectory. Rows of diverged lanes have
        `ok` false and keep their numbers; every mean leaves them out and counts them.
    """
    seeds = result.ok.shape[-1]
    places = [np.arange(len(labels)) if kept is None else np.asarray(kept) for kept in (rows, columns)]
    row, column, seat, seed = (
        x.ravel() for x in np.meshgrid(*map(np.arange, (*map(len, places), 2, seeds)), indexing="ij")
    )
    zero, one = places[0][row], places[1][column]
    names, settings, hashes = np.array(labels, object), np.array(configs, object), np.array(hashes, object)
    own, other = np.where(seat == 0, zero, one), np.where(seat == 0, one, zero)
    value, opponent = result.values[seat, row, column, seed], result.values[1 - seat, row, column, seed]
    frame = pd.DataFrame(
        {
            "cell": hashes[zero, one],
            "game": game,
            "learner_0": names[zero],
            "learner_1": names[one],
            "config_0": settings[zero],
            "config_1": settings[one],
            "seat": seat,
            "learner": names[own],
            "opponent": names[other],
            "seed": first + seed,
            "step": steps,
            "value": value,
            "value_auc": result.mean_values[seat, row, column, seed],
            "value_opponent": opponent,
            "welfare": value + opponent,
        }
    )
    leaves = [np.asarray(x) for x in result.params if not isinstance(x, (tuple, dict))]
    if len(leaves) == 2 and all(x.ndim == 4 and x.shape[-1] == len(LOGITS) for x in leaves):
        from scipy.special import expit

        p = expit(np.stack(leaves)[seat, row, column, seed])
        for k, name in enumerate(LOGITS):
            frame[name] = p[:, k]
    frame["ok"] = result.ok[row, column, seed]
    return frame


def ordered(frame: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The rows in the order in which `tidy` gives them for these learners."""
    place = {label: k for k, label in enumerate(labels)}
    keys = frame["seed"], frame["seat"], frame["learner_1"].map(place.get), frame["learner_0"].map(place.get)
    return frame.iloc[np.lexsort(keys)].reset_index(drop=True)


def runs(own: Any) -> tuple[Any, Any]:
    """The values of one seat of a match, (seeds, steps), and the mask of the finite seeds."""
    return own.pivot(index="seed", columns="step", values="value"), own.groupby("seed")["ok"].all().to_numpy()


def rows_of(given: Any, value: str) -> pd.DataFrame:
    """The tidy rows of a tournament, given as its results or as the rows themselves.

    Args:
        given: what `tournament` returned, or its `frame`.
        value: a column that must be a measure.

    Raises:
        ValueError: naming what is missing.
    """
    wanted = ("game", "learner_0", "learner_1", "seat", "learner", "opponent", "seed", "ok")
    frame = getattr(given, "frame", given)
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(
            f"A tournament's tidy rows are wanted, and {shown(given)} was given; give what tournament returned."
        )
    if missing := [name for name in wanted if name not in frame]:
        raise ValueError(
            f"A tournament's tidy rows are wanted, and these have no column {missing[0]!r}; give what tournament returned."
        )
    measures = [name for name in frame if name not in wanted and pd.api.types.is_float_dtype(frame[name])]
    if value not in measures:
        raise ValueError(f"There is no measure {value!r}; {nearest(str(value), measures)}.")
    return frame


def cells(frame: Any, value: str = "value") -> pd.DataFrame:
    """The cross-play table: one row per game and ordered pair of learners, the row learner in seat 0.

    Args:
        frame: what `tournament` returned, or its tidy rows.
        value: the measure to average, `"value"` (final) or `"value_auc"` (mean over the trajectory).

    Returns:
        The columns `game, row, column, row_mean, row_ci95, column_mean, column_ci95, diverged, seeds`: means
        over the seeds that stayed finite with their 95 % intervals `(low, high)`; `diverged` of `seeds` lanes
        are left out of them.
    """
    frame = rows_of(frame, value)
    found = []
    for (game, row, column), block in blocks(frame, "game", "learner_0", "learner_1"):
        first, second = (
            estimate(b[value], b["ok"]) for b in (block[block["seat"] == 0], block[block["seat"] == 1])
        )
        found.append(
            {
                "game": game,
                "row": row,
                "column": column,
                "row_mean": first.mean,
                "row_ci95": (first.low, first.high),
                "column_mean": second.mean,
                "column_ci95": (second.low, second.high),
                "diverged": first.diverged,
                "seeds": first.of,
            }
        )
    return pd.DataFrame(found)


def standings(frame: Any, value: str = "value") -> pd.DataFrame:
    """Every learner's mean value at every game, in cross-play (against the others) and in self-play.

    The cross-play mean gives every opponent and both seats equal weight. Its interval is over the seeds,
    which all cells share.

    Args:
        frame: what `tournament` returned, or its tidy rows.
        value: the measure to average, `"value"` (final) or `"value_auc"` (mean over the trajectory).

    Returns:
        One row per game and learner, best cross-play mean first: `game, learner, cross_mean, cross_ci95,
        cross_diverged, cross_lanes, self_mean, self_ci95, self_diverged, self_lanes`; `diverged` of `lanes`
        are left out of the mean. A mean is NaN where all lanes against some opponent diverged.
    """
    frame = rows_of(frame, value)
    found = []
    for (game, learner), block in blocks(frame, "game", "learner"):
        same = block["opponent"] == learner
        entry: dict[str, Any] = {"game": game, "learner": learner}
        for kind, part in (("cross", block[~same]), ("self", block[same])):
            e, share = (
                _paired(part, value),
                2 if kind == "self" else 1,
            )  # a match against oneself has two rows of one learner
            entry |= {f"{kind}_mean": e.mean, f"{kind}_ci95": (e.low, e.high)}
            entry |= {f"{kind}_diverged": e.diverged // share, f"{kind}_lanes": e.of // share}
        found.append(entry)
    order = {game: k for k, game in enumerate(frame["game"].unique())}
    alone = not any(entry["cross_lanes"] for entry in found)
    found.sort(
        key=lambda entry: (order[entry["game"]], _descending(entry["self_mean" if alone else "cross_mean"]))
    )
    return pd.DataFrame(found)


def _descending(mean: float) -> float:
    """A sort key: the largest mean first, NaN last."""
    return float("inf") if mean != mean else -mean


def _paired(block: Any, value: str) -> Estimate:
    """The mean over the cells of one learner's rows, with lanes paired by seed."""
    block = block.sort_values(["opponent", "seat", "seed"], kind="stable")
    shape = (-1, block["seed"].nunique() or 1)
    return mean_of_cells(block[value].to_numpy().reshape(shape), block["ok"].to_numpy().reshape(shape))
