"""A tournament: every learner against every learner, at every game, over many seeds; one compiled program per structure of game."""

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
from analysis.tournaments.round_robins import begin, grouped, round_robin
from analysis.tournaments.tables import cells as cells, ordered, standings as standings, tidy
from games.base import Game
from games.checks import as_seed, check_count, shown
from games.device_memory import check_room
from games.sampled.catalog import as_game
from games.sampled.game import Sampled
from shaping.base import Learner
from shaping.catalog import as_learner
from shaping.match import FEW_SEEDS, MANY_SEEDS, lane_keys
from shaping.sweeps import Sweep

ROW = 400
"""Bytes that a row of the table takes while it is made."""
LARGEST = 2**31 - 2
"""Steps and seeds are counted in 32 bits."""


class Progress(Protocol):
    """Told how a tournament goes on, between compiled chunks."""

    def __call__(self, game: str, stage: str, **facts: Any) -> None:
        """`stage` is `"found"`, `"compiling"`, `"running"` (with `done`) or `"finished"` (with `compile_s` and `run_s`)."""


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
) -> pd.DataFrame:
    """Play every learner against every learner, itself included, in both seats.

    The cell of learner i in seat 0 against learner j in seat 1 equals `play(game, [i, j], seed, steps=steps,
    seeds=seeds)`. Lane s starts from the same draw in every cell, so that comparisons are paired; adding
    games, learners or seeds changes no existing lane, up to rounding.

    Args:
        games: two-player games in sequence, as `play` takes them: made, names or factories; or a mapping from
            names of your own.
        learners: in sequence, as `play` takes them: made, names or classes; or a mapping from names of your
            own. Learners of the same label are told apart by the numbers in which they differ.
        steps: how many steps, at least 1.
        seeds: how many lanes per cell, at least 1; by default 64, and 4 where a game is sampled.
        seed: the root of all randomness, an integer in [0, 2**32 - 1], by which results are kept; `key` is
            another name of it.
        out: a folder to keep results in: a game whose file is there is not computed again. A folder may hold
            fewer games, learners or seeds than are asked for, otherwise the same; then what is new is
            computed alone, and what is there stays as it is. Learners and games that are classes of one's own
            are the same if their code is.
        force: replace what the folder holds.
        progress: called between compiled chunks.
        key: another name of `seed`.

    Returns:
        Tidy rows, one per cell, seat and seed (`analysis.tournaments.tables.tidy`); `cells` and `standings`
        summarize them.

    Raises:
        ValueError: for bad counts, a game that is not for two, repeated names, or a folder that cannot be
            used.

    Example:
        >>> from games import GAMES
        >>> from shaping import Lola, Naive
        >>> frame = tournament([GAMES.make("tandem")], [Naive(0.1), Lola(0.1, 0.1)], steps=20, seeds=4)
        >>> cells(frame)[["row", "column", "diverged"]].values.tolist()
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
    due = {name: missing(name, list(learners), seeds, found.get(name)) for name in games}
    frames = []
    with contextlib.ExitStack() as held:
        if store is not None and any(due.values()):
            held.enter_context(store)
        for name, game in games.items():
            if due[name]:
                frames.append(
                    _one_game(name, game, learners, specification, store, report, found.get(name), due[name])
                )
            else:
                frames.append(found[name])
                report(name, "found")
    return pd.concat(frames, ignore_index=True)


class Part(NamedTuple):
    """Cells and lanes of a tournament: learners in seat 0, learners in seat 1, the first lane, and how many."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    first: int
    seeds: int


def missing(game: str, learners: Sequence[str], seeds: int, frame: pd.DataFrame | None) -> list[Part]:
    """What is still to be played where these rows are there already, of some of the learners and some of the lanes.

    Raises:
        ValueError: if the rows are not those of every learner there against every other.

    Example:
        >>> missing("ipd", ["naive", "lola"], 64, None)
        [Part(rows=(0, 1), columns=(0, 1), first=0, seeds=64)]
    """
    everyone = tuple(range(len(learners)))
    if frame is None:
        return [Part(everyone, everyone, 0, seeds)]
    there = set(frame["learner_0"])
    old, new = (tuple(k for k in everyone if (learners[k] in there) == known) for known in (True, False))
    lanes = len(set(frame["seed"]))
    if not len(frame) == 2 * len(old) ** 2 * lanes > 0:
        raise ValueError(
            f"The file of {game!r} holds {len(frame)} rows, not two for each of {lanes} seeds of {len(old)} x {len(old)} cells; "
            "remove it, and the same command computes it anew."
        )
    parts = [Part(old, old, lanes, seeds - lanes)] if lanes < seeds else []
    return parts + ([Part(new, everyone, 0, seeds), Part(old, new, 0, seeds)] if new else [])


def check_size(steps: int, seeds: int, seed: int) -> None:
    """Refuse counts that are no positive integers, or too large to be counted.

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
    """Everything that decides a tournament's numbers, as plain data."""
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
    due: Sequence[Part],
) -> pd.DataFrame:
    """Compute what is missing of one game's rows, and keep them all if there is a store."""
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
    for rows, columns, first, seeds in due:
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


def _named(members: Any, kind: str, made: Callable[[Any], Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """Members by name; those of one name are told apart by the numbers in which they differ."""
    if isinstance(members, (str, Game, Learner, Sweep)) or not isinstance(members, Iterable):
        raise ValueError(
            f"A tournament's {kind} are a list or a mapping, and {shown(members)} is neither; put it into brackets."
        )
    if isinstance(members, Mapping):
        if not all(isinstance(x, str) and x for x in members):
            raise ValueError(
                f"The names of a tournament's {kind} are {shown(list(members))}; every name must be text that is not empty."
            )
        members = {key: made(x) for key, x in members.items()}
    else:
        members = [made(x) for x in members]
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
    """Refuse what cannot be played before anything is: games not for two, and learners that a game does not suit."""
    for name, game in games.items():
        if game.n_players != 2:
            raise ValueError(
                f"The game {name!r} is for {game.n_players} players; a tournament takes two-player games."
            )
        keys = lane_keys(0, "init", 1), lane_keys(0, "match", 1)
        for group in grouped(tuple(learners.values())):
            alone = functools.partial(begin, members=((tuple(range(len(group.members))),),))
            try:
                jax.eval_shape(
                    lambda g, x, k, alone=alone: alone(g, ((x,),), keys=k), game, group.learner, keys
                )
            except ValueError as error:
                said = str(error).split("\n-----")[
                    0
                ]  # what jax appends to an error raised while it traces is left out
                raise ValueError(f"A learner does not suit the game {name!r}: {said}") from error
