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
from analysis.tournaments.tables import blocks, seats_of
from games.checks import shown
from games.registry import Entry

if TYPE_CHECKING:
    import pandas as pd

NOWHERE = "It is not defined in any of the lanes that stayed finite."
"""The reason for a measure that is NaN in every lane."""


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
    rows = [row for match, name in matches_of(results) for row in rows_of_match(match, name, entries)]
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


def matches_of(results: Any) -> Iterator[tuple[PlayedMatch, str]]:
    """Every match of a tournament with its game's name; the facts of a game are computed once.

    Raises:
        ValueError: for what is neither a tournament's results nor one match.
    """
    if isinstance(results, Cell):
        game = results.game
        yield PlayedMatch(results), "" if game is None else game.name
        return
    if not callable(getattr(results, "cell", None)) or not hasattr(results, "frame"):
        raise ValueError(
            f"{shown(results)} was given where a tournament's results are wanted; give what tournament returned."
        )
    for (game,), rows in blocks(results.frame, "game"):
        facts, seats = GameFacts(results.games.get(game)), seats_of(rows)
        sources = [
            (block, functools.cache(arrays))
            for block, arrays in getattr(results, "sources", {}).get(game, ())
        ]
        for learners, part in blocks(rows, *seats):
            part_of = results
            if isinstance(results, Results):  # looking a match up among its own rows only takes less time
                part_of = Results(part, results.games, results.learners, results.skipped, {game: sources})
            yield PlayedMatch(part_of.cell(game, *learners), results.learners, facts), game


def rows_of_match(match: PlayedMatch, game: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One row per seat of a match."""
    learners, ok, n = match.cell.learners, match.ok, match.n_players
    rows = [
        {
            "game": game,
            **{f"learner_{k}": name for k, name in enumerate(learners)},
            "seat": i,
            "learner": learners[i],
            "opponent": " + ".join(learners[:i] + learners[i + 1 :]),
            "seeds": int(ok.sum()),
        }
        for i in range(n)
    ]
    reasons: list[dict[str, list[str]]] = [{} for _ in rows]
    for entry in entries:
        try:
            found = values_of(match, entry)
            cells = [summary(entry, own[ok]) for own in found]
        except Undefined as reason:
            cells, why = [empty(entry)] * n, str(reason)
        else:
            why = NOWHERE
        for row, cell, own in zip(rows, cells, reasons, strict=True):
            row |= cell
            if is_missing(cell[entry.name]):
                own.setdefault(why, []).append(entry.name)
    for row, own in zip(rows, reasons, strict=True):
        row["why"] = "\n".join(f"{', '.join(names)}: {why}" for why, names in own.items())
    return rows


def values_of(match: PlayedMatch, entry: Entry) -> np.ndarray:
    """A measure's numbers or labels, one row per seat and one column per lane.

    Raises:
        Undefined: if the measure is not defined for the match.
    """
    with np.errstate(invalid="ignore"):  # diverged lanes hold NaN
        found = np.asarray(entry.make(match))
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
