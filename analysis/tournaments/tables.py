"""Tables of a tournament: tidy rows per seed, the cross-play table, and the standings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.memory_one import STATES, game_frequencies, plays_memory_one
from analysis.statistics import Estimate, estimate, mean_of_cells
from games.base import Game
from games.checks import shown
from games.registry import nearest

OTHERS = " + "
"""What joins the names of the other players of a game of three or more."""
LOGITS = ("p_start", "p_CC", "p_CD", "p_DC", "p_DD")


def blocks(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The rows grouped by the values of these columns, in order of first appearance."""
    groups: Any = frame.groupby(list(columns), sort=False)
    return iter(groups)


def tidy(
    game: str,
    labels: Sequence[str],
    result: Any,
    *,
    steps: int,
    configs: Sequence[str],
    hashes: Any,
    rows: Sequence[int] | None = None,
    columns: Sequence[int] | None = None,
    first: int = 0,
    play: Game | None = None,
    cross: Any = None,
) -> pd.DataFrame:
    """One row per cell, seat and seed.

    Args:
        game: the game's name.
        labels: the learners' names, in order.
        result: the round robin, or its `values, mean_values, params, ok`.
        steps: learning steps of each match.
        configs: the learners' settings as JSON, in order.
        hashes: the hash of every cell's specification, by row and column.
        rows: indices of the learners in seat 0 of the result; by default all.
        columns: indices of the learners in seat 1; by default all.
        first: the number of the first lane.
        play: the game, for the frequencies of outcomes.
        cross: values of self-play across seeds, one (seat, row, column, seed) array; NaN elsewhere.

    Returns:
        The columns `cell, game, learner_0, learner_1, config_0, config_1, seat, learner, opponent, seed,
        step, value, value_auc, value_opponent, welfare, ok`, and for memory-one play of a two-action game the
        final probabilities of action 0, `p_start, p_CC, p_CD, p_DC, p_DD`, own action first. With `play` of
        this kind there are the discounted frequencies of outcomes, `freq_CC, freq_CD, freq_DC, freq_DD`, own
        action first, and of action 0, `cooperation` and `cooperation_opponent`. `value_cross_seed` is the
        value in self-play against the same learner's next seed. Values are per step; `value` is the final
        one, `value_auc` the mean over the trajectory. Rows of diverged lanes have `ok` false and keep their
        numbers; every mean leaves them out and counts them.
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
    if cross is not None:
        frame["value_cross_seed"] = cross[seat, row, column, seed]
    leaves = [np.asarray(x) for x in result.params if not isinstance(x, (tuple, dict))]
    if len(leaves) == 2 and all(x.ndim == 4 and x.shape[-1] == len(LOGITS) for x in leaves):
        from scipy.special import expit

        p = expit(np.stack(leaves)[seat, row, column, seed])
        for k, name in enumerate(LOGITS):
            frame[name] = p[:, k]
        if plays_memory_one(play):
            found = game_frequencies(play, *leaves)
            found = np.stack([found, found[..., [0, 2, 1, 3]]])[seat, row, column, seed]
            for k, name in enumerate(STATES):
                frame[f"freq_{name}"] = found[:, k]
            frame["cooperation"] = found[:, 0] + found[:, 1]
            frame["cooperation_opponent"] = found[:, 0] + found[:, 2]
    frame["ok"] = result.ok[row, column, seed]
    return frame


def tidy_compositions(
    game: str,
    seatings: Sequence[Sequence[str]],
    result: Any,
    *,
    steps: int,
    configs: Mapping[str, str],
    hashes: Sequence[str],
    first: int = 0,
) -> pd.DataFrame:
    """One row per composition, seat and seed of a game of several players.

    Args:
        game: the game's name.
        seatings: the learners' names by composition and seat.
        result: its `values, mean_values, ok`.
        steps: learning steps of each match.
        configs: the learners' settings as JSON.
        hashes: the hash of every composition's specification.
        first: the number of the first lane.

    Returns:
        The columns of `tidy`, with one `learner_k` and `config_k` per seat. `opponent` names the others by
        seat, joined by " + "; `value_opponent` is the mean of their values.
    """
    n, count, seeds = result.values.shape
    which, seat, seed = (x.ravel() for x in np.meshgrid(*map(np.arange, (count, n, seeds)), indexing="ij"))
    names = np.array(seatings, object).reshape(count, n)
    settings = np.array([[configs[x] for x in seating] for seating in seatings], object).reshape(count, n)
    others = np.array(
        [[OTHERS.join(s[:k] + s[k + 1 :]) for k in range(n)] for s in map(tuple, seatings)], object
    ).reshape(count, n)
    value, welfare = result.values[seat, which, seed], result.values.sum(0)[which, seed]
    frame = pd.DataFrame(
        {
            "cell": np.array(hashes, object)[which],
            "game": game,
            **{f"learner_{k}": names[which, k] for k in range(n)},
            **{f"config_{k}": settings[which, k] for k in range(n)},
            "seat": seat,
            "learner": names[which, seat],
            "opponent": others[which, seat],
            "seed": first + seed,
            "step": steps,
            "value": value,
            "value_auc": result.mean_values[seat, which, seed],
            "value_opponent": (welfare - value) / (n - 1),
            "welfare": welfare,
        }
    )
    frame["ok"] = result.ok[which, seed]
    return frame


def ordered(frame: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The rows in the order in which `tidy` gives them for these learners."""
    place = {label: k for k, label in enumerate(labels)}
    seats = seats_of(frame)
    keys = frame["seed"], frame["seat"], *(frame[name].map(place.get) for name in reversed(seats))
    return frame.iloc[np.lexsort(keys)].reset_index(drop=True)


def seats_of(frame: Any) -> list[str]:
    """The columns `learner_0, learner_1, ...` of a game's rows, one per seat."""
    return [f"learner_{k}" for k in range(1 + int(frame["seat"].max()))]


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
        are left out of them. In a game of more players there is one row per composition; `column` names all
        players but that of seat 0, and `column_mean` is their mean.
    """
    frame = rows_of(frame, value)
    found = []
    for (game, row, column), block in blocks(with_others(frame), "game", "learner_0", "others"):
        first = estimate(*(block.loc[block["seat"] == 0, name] for name in (value, "ok")))
        second = _others(block[block["seat"] > 0], value)
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


def with_others(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with a column `others`: the learners of all seats but seat 0, joined by " + "."""
    more = [name for name in frame if re.fullmatch(r"learner_([2-9]|\d\d+)", str(name))]
    others = frame["learner_1"]
    for name in more:
        others = others + (OTHERS + frame[name]).fillna("")
    return frame.assign(others=others)


def _others(block: Any, value: str) -> Estimate:
    """The mean over seeds of the mean over these seats."""
    if block["seat"].nunique() == 1:
        return estimate(block[value], block["ok"])
    seeds: Any = block.groupby("seed", sort=False)
    return estimate(seeds[value].mean(), seeds["ok"].all())


def is_alone(frame: Any) -> Any:
    """In which rows all players are the same learner."""
    alone = frame["opponent"] == frame["learner"]
    for k in range(2, sum(str(name).startswith("learner_") for name in frame)):
        alone |= frame["opponent"] == frame["learner"].map(lambda name, k=k: OTHERS.join([name] * k))
    return alone


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
        same, seats = is_alone(block), 1 + int(block["seat"].max())
        entry: dict[str, Any] = {"game": game, "learner": learner}
        for kind, part in (("cross", block[~same]), ("self", block[same])):
            e, share = (
                _paired(part, value),
                seats if kind == "self" else 1,
            )  # a match against oneself has one row of one learner per seat
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
