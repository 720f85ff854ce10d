"""The table of social outcomes: one row per match and seat."""

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.outcomes import (  # noqa: F401  # which register the measures
    anarchy,
    consistent_steps,
    convergence,
    cooperation,
    exploitability,
    extortion,
    pareto,
    partners,
    reciprocity,
    robustness,
    welfare,
)
from analysis.outcomes.game_facts import GameFacts
from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import OUTCOMES, Undefined
from analysis.tournaments.cell import Cell
from analysis.tournaments.results import Results
from analysis.tournaments.tables import OTHERS, blocks, seats_of
from games.checks import shown
from games.registry import Entry

if TYPE_CHECKING:
    import pandas as pd

NOWHERE = "It is not defined in any of the lanes that stayed finite."
"""The reason for a measure that is NaN in every lane."""
LANES = 4096
"""Matches are computed together until they have this many lanes."""


def outcomes(results: Any, measures: str | Sequence[str] | None = None) -> "pd.DataFrame":
    """Social outcomes of every match of a tournament.

    Args:
        results: what a tournament returned, or one match of it (`results.cell(...)`).
        measures: names in `OUTCOMES`, or one name; by default all but those that let learners learn, which take
            longer: `value_against_naive`, `robustness` and `consistency_loss`. `"all"` adds these.

    Returns:
        One row per game, match and seat: `game, learner_0, learner_1, ..., seat, learner, opponent, seeds` (the
        lanes that stayed finite), and for every measure its mean over these lanes and, as `NAME_error`, the
        standard error. A measure that is a label (`nearest_strategy`, `standing`) has its most frequent value
        and, as `NAME_share`, the share of the lanes that have it. Where a measure is not defined the cell is
        missing (NaN), and the column `why` gives the reasons, one per line after the names of the measures:
        `gini, pareto_gap: 'tandem' has no table of payoffs.`

    Raises:
        ValueError: for an unknown measure, or what is not a tournament's results.

    Example:
        >>> from analysis import tournament
        >>> table = outcomes(tournament(["matching_pennies"], ["naive"], steps=2, seeds=3), ["utilitarian", "gini"])
        >>> table["utilitarian"].round(6).abs().tolist(), bool((table["gini"] >= 0).all())
        ([0.0, 0.0], True)
    """
    import pandas as pd

    entries = chosen(measures)
    rows: list[dict[str, Any]] = []
    for game, matches in matches_of(results):
        rows += rows_of_matches(matches, game, entries)
    return pd.DataFrame(rows)


def chosen(measures: str | Sequence[str] | None) -> list[Entry]:
    """The measures of these names, each once.

    Raises:
        ValueError: for an unknown name, with the nearest one.
    """
    if measures is None or (isinstance(measures, str) and measures == "all"):
        return [entry for entry in OUTCOMES if measures or not entry.facts["slow"]]
    names = [measures] if isinstance(measures, str) else list(measures)
    return list({entry.name: entry for entry in map(OUTCOMES.get, names)}.values())


def matches_of(results: Any) -> Iterator[tuple[str, list[PlayedMatch]]]:
    """The name of a game and matches of it that are computed together, until all matches have been given.

    Raises:
        ValueError: for what is neither a tournament's results nor one match.
    """
    if isinstance(results, Cell):
        yield "" if results.game is None else results.game.name, [PlayedMatch(results)]
        return
    if not callable(getattr(results, "cell", None)) or not hasattr(results, "frame"):
        raise ValueError(
            f"{shown(results)} was given where a tournament's results are wanted; give what tournament returned."
        )
    for (game,), rows in blocks(results.frame, "game"):
        facts, matches = GameFacts(results.games.get(game)), []
        held = getattr(results, "sources", {}).get(game, ())
        sources = [(block, functools.cache(arrays)) for block, arrays in held]
        for learners, part in blocks(rows, *seats_of(rows)):
            part_of = results
            if isinstance(results, Results):  # looking a match up among its own rows only takes less time
                part_of = Results(part, results.games, results.learners, results.skipped, {game: sources})
            match = PlayedMatch(part_of.cell(game, *learners), results.learners, facts)
            if matches and not (can_be_stacked(matches[0].cell, match.cell) and lanes_of(matches) < LANES):
                yield game, matches
                matches = []
            matches.append(match)
        yield game, matches


def lanes_of(matches: Sequence[PlayedMatch]) -> int:
    """The number of lanes of these matches."""
    return sum(len(match.ok) for match in matches)


def can_be_stacked(one: Cell, other: Cell) -> bool:
    """Whether two matches of one game hold the same arrays, so that their lanes can be one batch."""
    records = [() if cell.curve_steps is None else cell.curve_steps.tolist() for cell in (one, other)]
    present = [(x is None) == (y is None) for x, y in zip(one, other, strict=True)]
    return all(present) and one.steps == other.steps and records[0] == records[1]


def stacked(cells: Sequence[Cell]) -> Cell:
    """The lanes of several matches of one game as one match, in order."""
    first = cells[0]
    params = [cell.params for cell in cells if cell.params is not None]
    curves = [cell.curves for cell in cells if cell.curves is not None]
    return first._replace(
        params=tuple(map(np.concatenate, zip(*params, strict=True))) if params else None,
        values=np.concatenate([cell.values for cell in cells], axis=1),
        mean_values=np.concatenate([cell.mean_values for cell in cells], axis=1),
        ok=np.concatenate([cell.ok for cell in cells]),
        curves=np.concatenate(curves, axis=2) if curves else None,
    )


def rows_of_matches(
    matches: Sequence[PlayedMatch], game: str, entries: Sequence[Entry]
) -> list[dict[str, Any]]:
    """One row per match and seat.

    The lanes of all matches are one batch, except for measures of whole matches: for 169 matches of 64 lanes this
    takes a third of the time.
    """
    together = PlayedMatch(stacked([match.cell for match in matches]), facts=matches[0].facts)
    ends = np.cumsum([len(match.ok) for match in matches])[:-1]
    rows = [labels_of(match, game) for match in matches]
    reasons: list[list[dict[str, list[str]]]] = [[{} for _ in own] for own in rows]
    for entry in entries:
        if entry.facts["whole_match"]:
            found = [values_of(match, entry) for match in matches]
        else:
            values = values_of(together, entry)
            found = [values] * len(matches) if isinstance(values, str) else np.split(values, ends, axis=1)
        for match, values, own_rows, own_reasons in zip(matches, found, rows, reasons, strict=True):
            for seat, (row, reason) in enumerate(zip(own_rows, own_reasons, strict=True)):
                row |= empty(entry) if isinstance(values, str) else summary(entry, values[seat, match.ok])
                if is_missing(row[entry.name]):
                    why = values if isinstance(values, str) else NOWHERE
                    reason.setdefault(why, []).append(entry.name)
    for own_rows, own_reasons in zip(rows, reasons, strict=True):
        for row, reason in zip(own_rows, own_reasons, strict=True):
            row["why"] = "\n".join(f"{', '.join(names)}: {why}" for why, names in reason.items())
    return [row for own_rows in rows for row in own_rows]


def labels_of(match: PlayedMatch, game: str) -> list[dict[str, Any]]:
    """The columns that name a match and a seat, one row per seat."""
    learners = match.cell.learners
    return [
        {
            "game": game,
            **{f"learner_{k}": name for k, name in enumerate(learners)},
            "seat": i,
            "learner": learners[i],
            "opponent": OTHERS.join(learners[:i] + learners[i + 1 :]),
            "seeds": int(match.ok.sum()),
        }
        for i in range(match.n_players)
    ]


def values_of(match: PlayedMatch, entry: Entry) -> np.ndarray | str:
    """A measure's numbers or labels, one row per seat and one column per lane; or why it is not defined."""
    try:
        with np.errstate(invalid="ignore"):  # diverged lanes hold NaN
            found = np.asarray(entry.make(match))
    except Undefined as reason:
        return str(reason)
    return np.broadcast_to(found, (match.n_players, len(match.ok)))


def summary(entry: Entry, lanes: np.ndarray) -> dict[str, Any]:
    """The mean over lanes with its standard error, or the most frequent label with its share.

    Lanes in which the measure is NaN are left out.
    """
    if entry.facts["labels"]:
        if not len(lanes):
            return empty(entry)
        names, counts = np.unique(lanes, return_counts=True)
        most = int(counts.argmax())
        return {entry.name: str(names[most]), f"{entry.name}_share": float(counts[most] / len(lanes))}
    lanes = lanes[~np.isnan(lanes)].astype(float)
    if not len(lanes):
        return empty(entry)
    with np.errstate(invalid="ignore"):  # of infinite numbers
        error = float(lanes.std(ddof=1)) / len(lanes) ** 0.5 if len(lanes) > 1 else np.nan
    return {entry.name: float(lanes.mean()), f"{entry.name}_error": error}


def empty(entry: Entry) -> dict[str, Any]:
    """The cells of a measure that is not defined."""
    if entry.facts["labels"]:
        return {entry.name: None, f"{entry.name}_share": np.nan}
    return {entry.name: np.nan, f"{entry.name}_error": np.nan}


def is_missing(value: Any) -> bool:
    """Whether a cell holds neither a number nor a label."""
    return value is None or (isinstance(value, float) and np.isnan(value))
