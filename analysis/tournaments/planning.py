"""The blocks of one game of a tournament, planned once and kept in its folder."""

import json
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.results.store import BLOCKS
from analysis.tournaments.blocks import Block, Plan, in_chunks_of_lanes
from analysis.tournaments.compositions import are_seats_alike, compositions
from games.storage import claim, is_intact, signed, write_whole

FORMAT = 1
"""The version of the files in the folder of blocks."""
WAIT = 0.05
"""Seconds between two looks at what another process holds."""


class Extent(NamedTuple):
    """Which matches of a game there are: learners in seat 0, learners in the other seats, and lanes."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    seeds: int


class Part(NamedTuple):
    """A rectangle of cells: learners in seat 0, learners in seat 1, the first lane, the number of lanes."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    first: int
    seeds: int


class GamePlan(NamedTuple):
    """The blocks of one game.

    Attributes:
        extent: the matches that the blocks cover, together with older rows.
        whole: whether the blocks alone cover them; false where a folder without blocks has grown.
        blocks: the blocks.
    """

    extent: Extent
    whole: bool
    blocks: tuple[Block, ...]


def missing(wanted: Extent, there: Extent | None) -> list[Part]:
    """The parts of a game that are missing.

    Example:
        >>> missing(Extent(("a", "b"), ("a", "b"), 64), None)
        [Part(rows=('a', 'b'), columns=('a', 'b'), first=0, seeds=64)]
        >>> missing(Extent(("a", "b"), ("a", "b"), 4), Extent(("a",), ("a",), 4))
        [Part(rows=('b',), columns=('a', 'b'), first=0, seeds=4), Part(rows=('a',), columns=('b',), first=0, seeds=4)]
    """
    if there is None:
        return [Part(wanted.rows, wanted.columns, 0, wanted.seeds)]
    old, new = (tuple(x for x in wanted.rows if (x in there.rows) == known) for known in (True, False))
    met, unmet = (
        tuple(x for x in wanted.columns if (x in there.columns) == known) for known in (True, False)
    )
    parts = [
        Part(old, met, there.seeds, wanted.seeds - there.seeds),
        Part(new, wanted.columns, 0, wanted.seeds),
        Part(old, unmet, 0, wanted.seeds),
    ]
    return [part for part in parts if part.rows and part.columns and part.seeds > 0]


def covers(there: Extent, wanted: Extent) -> bool:
    """Whether two extents hold the same matches, in whatever order."""
    return tuple(map(set, there[:2])) == tuple(map(set, wanted[:2])) and there.seeds == wanted.seeds


def extent_of(game: str, frame: Any, n_players: int) -> Extent:
    """The extent of stored rows.

    Raises:
        ValueError: if rows are missing from it.
    """
    rows = tuple(dict.fromkeys(frame["learner_0"]))
    columns = tuple(dict.fromkeys(x for k in range(1, n_players) for x in frame[f"learner_{k}"]))
    lanes = frame["seed"].nunique()
    if n_players == 2 and not len(frame) == 2 * len(rows) * len(columns) * lanes > 0:
        raise ValueError(
            f"The file of {game!r} holds {len(frame)} rows, not two for each of {lanes} seeds of {len(rows)} x {len(columns)} cells; "
            "remove it, and the same command computes it anew."
        )
    return Extent(rows, columns, lanes)


def extend_plan(
    plan: Plan,
    game: str,
    wanted: Extent,
    forms: Mapping[str, tuple[Any, ...]],
    there: GamePlan | None,
    frame: pd.DataFrame | None,
) -> GamePlan:
    """The blocks that cover the wanted matches, those of an earlier plan first.

    Args:
        plan: the tournament's games, learners and settings.
        game: the game's name.
        wanted: the matches.
        forms: for each learner, the structures of its parameters by seat; a block holds one structure per seat.
        there: the earlier plan; None without.
        frame: stored rows; None without.
    """
    n_players = plan.games[game].n_players
    if there is not None and frame is None and not there.whole:
        there = None  # rows without blocks are lost
    base = there.extent if there else None if frame is None else extent_of(game, frame, n_players)
    whole = there.whole if there else frame is None
    if base is not None and covers(base, wanted):
        return GamePlan(base, whole, there.blocks if there else ())
    found = list(there.blocks) if there else []
    for block in (
        _matches(plan, game, missing(wanted, base), forms)
        if n_players == 2
        else _compositions(plan, game, wanted, base, forms)
    ):
        found += in_chunks_of_lanes(plan, block)
    return GamePlan(wanted, whole, tuple(found))


def _matches(plan: Plan, game: str, parts: Sequence[Part], forms: Mapping[str, Any]) -> list[Block]:
    """Blocks of a two-player game: each part, divided by the structures of parameters in each seat."""
    found = []
    for part in parts:
        for rows in by_form(part.rows, lambda x: forms[x][0]):
            for columns in by_form(part.columns, lambda x: forms[x][1]):
                found.append(plan.block(game, rows, columns, (), part.first, part.seeds))
    return found


def _compositions(
    plan: Plan, game: str, wanted: Extent, base: Extent | None, forms: Mapping[str, Any]
) -> list[Block]:
    """Blocks of a game of more players: new compositions, and new lanes of old ones."""

    def all_of(extent: Extent) -> tuple[tuple[str, ...], ...]:
        others = None if extent.columns == extent.rows else extent.columns
        return compositions(extent.rows, n, are_seats_alike(plan.games[game]), others)

    n = plan.games[game].n_players
    old = () if base is None else all_of(base)
    known = set(map(_unordered if are_seats_alike(plan.games[game]) else tuple, old))
    new = [
        x
        for x in all_of(wanted)
        if (_unordered if are_seats_alike(plan.games[game]) else tuple)(x) not in known
    ]
    parts = [(new, 0, wanted.seeds)]
    if base is not None:
        parts.append((list(old), base.seeds, wanted.seeds - base.seeds))
    return [
        plan.block(game, (), (), group, first, seeds)
        for seatings, first, seeds in parts
        if seeds > 0
        for group in by_form(seatings, lambda x: tuple(forms[name][k] for k, name in enumerate(x)))
    ]


def _unordered(seating: tuple[str, ...]) -> tuple[str, ...]:
    """A composition as a multiset."""
    return tuple(sorted(seating))


def by_form(members: Sequence[Any], form: Any) -> list[tuple[Any, ...]]:
    """The members with equal forms together, in order of first appearance."""
    groups: dict[Any, list[Any]] = {}
    for member in members:
        groups.setdefault(form(member), []).append(member)
    return [tuple(group) for group in groups.values()]


def plan_game(
    plan: Plan,
    game: str,
    wanted: Extent,
    forms: Mapping[str, tuple[Any, ...]],
    frame: pd.DataFrame | None,
    folder: pathlib.Path | None,
    skipped: Mapping[str, str],
) -> GamePlan:
    """The plan of a game, read from the folder or made and written there; all processes use the same one."""
    if folder is None:
        return extend_plan(plan, game, wanted, forms, None, frame)
    path = folder / BLOCKS / f"{game}.json"
    there = read_plan(path)
    if there is None and frame is not None:
        made = extend_plan(plan, game, wanted, forms, None, frame)
        if not made.blocks:  # complete, from a version without blocks
            return made
    if there is not None and there == (made := extend_plan(plan, game, wanted, forms, there, frame)):
        return made
    while True:
        with claim(folder / BLOCKS / f"{game}.lock") as mine:
            if mine:
                made = extend_plan(plan, game, wanted, forms, read_plan(path), frame)
                data = {
                    "format": FORMAT,
                    **made._asdict(),
                    "extent": made.extent._asdict(),
                    "skipped": dict(skipped),
                }
                data["blocks"] = [block._asdict() for block in made.blocks]
                write_data(path, data)
                return made
        time.sleep(WAIT)


def write_data(path: pathlib.Path, data: Mapping[str, Any]) -> None:
    """Write a plan with its hash."""
    content = json.dumps(signed(json.loads(json.dumps(data))), indent=1)
    write_whole(path, lambda target: target.write_text(content + "\n"))


def read_plan(path: pathlib.Path) -> GamePlan | None:
    """The plan in a file; None without one, or if it is damaged: then it is made anew."""
    data = read_data(path)
    if data is None:
        return None
    if data.get("format") != FORMAT:
        raise ValueError(
            f"{str(path)!r} has format {data.get('format')!r}, and this version reads {FORMAT}; take the version that wrote it, or replace "
            "the run with --force."
        )
    extent = Extent(tuple(data["extent"]["rows"]), tuple(data["extent"]["columns"]), data["extent"]["seeds"])
    blocks = [
        Block(
            x["game"],
            tuple(x["rows"]),
            tuple(x["columns"]),
            tuple(map(tuple, x["seatings"])),
            x["first"],
            x["seeds"],
            x["hash"],
        )
        for x in data["blocks"]
    ]
    return GamePlan(extent, data["whole"], tuple(blocks))


def read_data(path: pathlib.Path) -> dict[str, Any] | None:
    """The content of a plan's file; None without one, or if it is damaged."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and is_intact(data) else None
