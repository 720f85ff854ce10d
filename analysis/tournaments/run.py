"""Tournaments: every learner plays every learner, at every game, over many seeds."""

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import pandas as pd

from analysis.results import provenance
from analysis.results.specification import describe, fingerprint, text
from analysis.results.store import Store
from analysis.tournaments.results import Results
from analysis.tournaments.round_robins import begin_cells, grouped, round_robin
from analysis.tournaments.tables import cells as cells, ordered, standings as standings, tidy
from games.base import Game
from games.checks import as_seed, check_count, shown
from games.device_memory import check_room
from games.sampled.catalog import as_game
from games.sampled.game import Sampled
from shaping.arguments import as_learner
from shaping.base import Learner
from shaping.engine import lane_keys
from shaping.match import FEW_SEEDS, MANY_SEEDS
from shaping.sweeps import Sweep

ROW = 400
"""Bytes of memory that a row of the table takes while the table is made."""
LARGEST = 2**31 - 2
"""The largest number of steps or seeds: they are counted in 32 bits."""


class Progress(Protocol):
    """A callback that reports the progress of a tournament between compiled chunks."""

    def __call__(self, game: str, stage: str, **facts: Any) -> None:
        """Report one event of a game.

        Args:
            game: the game's name.
            stage: `"found"` in the folder, `"compiling"` (with the fact `steps`), `"running"` (`done` of
                `steps`), or `"finished"` (`compile_s` and `run_s`, in seconds).
            **facts: the numbers of that stage.
        """


def tournament(
    games: Sequence[Game | str | Callable[[], Game]] | Mapping[str, Any],
    learners: Sequence[Learner | str | type[Learner]] | Mapping[str, Any],
    *,
    steps: int = 200,
    seeds: int | None = None,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    force: bool = False,
    progress: Progress | None = None,
    key: int | None = None,
) -> Results:
    """Play every learner against every learner, itself included, in both seats.

    The cell of learner i in seat 0 against learner j in seat 1 equals `play(game, [i, j], seed, steps=steps,
    seeds=seeds)`. Lane s starts from the same draw in every cell, so that comparisons are paired; adding
    games, learners or seeds changes no existing lane, up to rounding.

    Args:
        games: a sequence of two-player games, each a game, its name in `games.PLAYABLE`, or a factory; or a
            mapping from names of your own to such games.
        learners: a sequence of learners, each a learner, its name in `LEARNERS`, or a class; or a mapping
            from names of your own. Learners with the same label are told apart by the settings in which they
            differ.
        steps: learning steps, at least 1.
        seeds: lanes per cell, at least 1; by default 64, and 4 where a game is sampled.
        seed: the root of all randomness, an integer in [0, 2**32 - 1].
        out: a folder for the results. A game whose file is complete is not computed again. The folder may
            hold fewer games, learners or seeds of the same tournament; then only the missing cells are
            computed. Games and learners of classes of your own count as the same if their source code is.
        force: replace the results in the folder.
        progress: a callback between compiled chunks.
        key: another name of `seed`.

    Returns:
        The results: `results.frame` has one row per cell, seat and seed (`analysis.tournaments.tables.tidy`);
        `cells` and `standings` summarize it.

    Raises:
        ValueError: for a count out of range, a game that does not have two players, repeated names, or a
            folder that cannot be used.

    Example:
        >>> from games import GAMES
        >>> from shaping import Lola, Naive
        >>> results = tournament([GAMES.make("tandem")], [Naive(0.1), Lola(0.1, 0.1)], steps=20, seeds=4)
        >>> cells(results)[["row", "column", "diverged"]].values.tolist()
        [['naive', 'naive', 0], ['naive', 'lola', 0], ['lola', 'naive', 0], ['lola', 'lola', 0]]
    """
    seed = as_seed(seed, key)
    games, learners = (
        _named(games, "games", as_game, lambda g: g.name),
        _named(learners, "learners", as_learner, lambda x: x.label),
    )
    if seeds is None:
        seeds = FEW_SEEDS if any(isinstance(game, Sampled) for game in games.values()) else MANY_SEEDS
    check_size(steps, seeds, seed)
    _check(games, learners)
    rows = 2 * len(games) * len(learners) ** 2 * seeds
    check_room(f"A table of {rows} rows", ROW * rows, "give fewer seeds, learners or games", on_host=True)
    specification = specify(games, learners, steps, seeds, seed)
    store = None if out is None else Store(out, specification, tuple(games), force, grows=True)
    report = progress or (lambda game, stage, **facts: None)
    found = {} if store is None else {name: store.load(name) for name in store.done()}
    parts = {name: missing(name, list(learners), seeds, found.get(name)) for name in games}
    frames = []
    with contextlib.ExitStack() as held:
        if store is not None and any(parts.values()):
            held.enter_context(store)
        for name, game in games.items():
            if parts[name]:
                frames.append(
                    _one_game(
                        name, game, learners, specification, store, report, found.get(name), parts[name]
                    )
                )
            else:
                frames.append(found[name])
                report(name, "found")
    return Results(pd.concat(frames, ignore_index=True), games, learners)


class Part(NamedTuple):
    """A rectangle of cells: learners in seat 0, learners in seat 1, the first lane, the number of lanes."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    first: int
    seeds: int


def missing(game: str, learners: Sequence[str], seeds: int, frame: pd.DataFrame | None) -> list[Part]:
    """The parts of a tournament that are missing from a game's stored rows.

    Args:
        game: the game's name.
        learners: the names of all learners.
        seeds: the number of lanes.
        frame: the stored rows, of some of the learners and lanes; None where there are none.

    Raises:
        ValueError: if a cell of the stored learners is missing.

    Example:
        >>> missing("ipd", ["naive", "lola"], 64, None)
        [Part(rows=(0, 1), columns=(0, 1), first=0, seeds=64)]
    """
    all_learners = tuple(range(len(learners)))
    if frame is None:
        return [Part(all_learners, all_learners, 0, seeds)]
    there = set(frame["learner_0"])
    old, new = (tuple(k for k in all_learners if (learners[k] in there) == known) for known in (True, False))
    lanes = len(set(frame["seed"]))
    if not len(frame) == 2 * len(old) ** 2 * lanes > 0:
        raise ValueError(
            f"The file of {game!r} holds {len(frame)} rows, not two for each of {lanes} seeds of {len(old)} x {len(old)} cells; "
            "remove it, and the same command computes it anew."
        )
    parts = [Part(old, old, lanes, seeds - lanes)] if lanes < seeds else []
    return parts + ([Part(new, all_learners, 0, seeds), Part(old, new, 0, seeds)] if new else [])


def check_size(steps: int, seeds: int, seed: int) -> None:
    """Refuse counts that are not integers in [1, 2**31 - 2].

    Raises:
        ValueError: naming the count and the accepted range.
    """
    as_seed(seed)
    for what, count in (("steps", steps), ("seeds", seeds)):
        check_count(what, count)
        if count > LARGEST:
            raise ValueError(f"{what} is {count}; it must be an integer in [1, {LARGEST}].")


def specify(
    games: Mapping[str, Game], learners: Mapping[str, Learner], steps: int, seeds: int, seed: int
) -> dict[str, Any]:
    """All settings that determine a tournament's numbers, as plain data."""
    return {
        "steps": steps,
        "seeds": seeds,
        "seed": seed,
        "x64": provenance.x64(),
        "learners": {name: describe(learner) for name, learner in learners.items()},
        "games": {name: describe(game) for name, game in games.items()},
    }


def _one_game(
    name: str,
    game: Game,
    learners: Mapping[str, Learner],
    specification: dict,
    store: Store | None,
    report,
    found: pd.DataFrame | None,
    parts: Sequence[Part],
) -> pd.DataFrame:
    """One game's rows: the stored ones and the missing parts, which are computed and stored."""
    steps, seed = specification["steps"], specification["seed"]
    note, clock = {**provenance.environment(), "seed": seed, "start": provenance.now()}, time.perf_counter()
    if store is not None and found is not None:
        note["earlier"] = store.provenance(name)
    report(name, "compiling", steps=steps)
    common = {k: specification[k] for k in ("steps", "seed", "x64")} | {"game": specification["games"][name]}
    configs, members = specification["learners"], list(learners.values())
    hashes = [
        [fingerprint(common | {"learner_0": configs[i], "learner_1": configs[j]}) for j in learners]
        for i in learners
    ]
    frames, took = [] if found is None else [found], {"compile_s": 0.0, "run_s": 0.0}
    for rows, columns, first, seeds in parts:
        result = round_robin(
            game,
            [members[k] for k in rows],
            seed,
            columns=None if rows == columns else [members[k] for k in columns],
            steps=steps,
            seeds=seeds,
            first=first,
            report=lambda done: report(name, "running", done=done, steps=steps),
        )
        took = {"compile_s": took["compile_s"] + result.compile_s, "run_s": took["run_s"] + result.run_s}
        settings = [text(c) for c in configs.values()]
        cut = {"rows": rows, "columns": columns, "first": first}
        frames.append(tidy(name, list(learners), result, steps=steps, configs=settings, hashes=hashes, **cut))
    frame = frames[0] if len(frames) == 1 else ordered(pd.concat(frames, ignore_index=True), list(learners))
    if store is not None:
        store.save(
            name, frame, {**note, "end": provenance.now(), **took, "wall_s": time.perf_counter() - clock}
        )
    report(name, "finished", **took)
    return frame


def _named(
    members: Any, kind: str, as_member: Callable[[Any], Any], name: Callable[[Any], str]
) -> dict[str, Any]:
    """Games or learners by name; learners with equal labels are told apart by differing settings."""
    if isinstance(members, (str, Game, Learner, Sweep)) or not isinstance(members, Iterable):
        raise ValueError(
            f"A tournament's {kind} are a list or a mapping, and {shown(members)} is neither; put it into brackets."
        )
    if isinstance(members, Mapping):
        if not all(isinstance(x, str) and x for x in members):
            raise ValueError(
                f"The names of a tournament's {kind} are {shown(list(members))}; every name must be text that is not empty."
            )
        members = {key: as_member(x) for key, x in members.items()}
    else:
        members = [as_member(x) for x in members]
    if not members:
        raise ValueError(f"A tournament needs {kind}, and got none; give at least one.")
    if isinstance(members, dict):
        return members
    labels = [name(x) for x in members]
    for label in {x for x in labels if labels.count(x) > 1}:
        same = [k for k, x in enumerate(labels) if x == label]
        settings = [describe(members[k]) for k in same]
        differing = [f for f in settings[0] if len({text(s.get(f)) for s in settings}) > 1]
        for k, s in zip(same, settings, strict=True):
            labels[k] = (
                f"{label}({', '.join(f'{f}={s.get(f)}' for f in differing)})" if kind == "learners" else label
            )
    repeated = next((x for x in labels if labels.count(x) > 1), None)
    if repeated:
        raise ValueError(
            f"The tournament's {kind} hold {repeated!r} twice; leave one out, or give a mapping from names of your own."
        )
    return dict(zip(labels, members, strict=True))


def _check(games: Mapping[str, Game], learners: Mapping[str, Learner]) -> None:
    """Refuse games without two players, and learners that cannot play a game, before anything is computed."""
    for name, game in games.items():
        if game.n_players != 2:
            raise ValueError(
                f"The game {name!r} is for {game.n_players} players; a tournament takes two-player games."
            )
        keys = lane_keys(0, "init", 1), lane_keys(0, "match", 1)
        for group in grouped(tuple(learners.values())):
            begin_alone = functools.partial(begin_cells, members=((tuple(range(len(group.members))),),))
            try:
                jax.eval_shape(
                    lambda g, x, k, begin_alone=begin_alone: begin_alone(g, ((x,),), keys=k),
                    game,
                    group.learner,
                    keys,
                )
            except ValueError as error:
                reason = str(error).split("\n-----")[0]  # without the note that jax appends while it traces
                raise ValueError(f"A learner does not suit the game {name!r}: {reason}") from error
