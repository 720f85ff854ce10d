"""Tournaments: every learner plays every learner, at every game, over many seeds."""

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.results import provenance
from analysis.results.specification import describe
from analysis.results.store import Store
from analysis.tournaments.blocks import Block, Plan, run_block
from analysis.tournaments.members import as_member, by_name, name_of, suitable, with_grid
from analysis.tournaments.planning import Extent
from analysis.tournaments.results import Results
from analysis.tournaments.tables import cells as cells, standings as standings
from analysis.tournaments.work import GameWork
from games.base import Game
from games.checks import as_seed, check_count
from games.device_memory import check_room
from games.sampled.catalog import as_game
from games.sampled.game import Sampled
from shaping.base import Learner
from shaping.match import FEW_SEEDS, MANY_SEEDS
from shaping.sweeps import Sweep

PAUSE = 0.2
"""Seconds between two looks at blocks that other processes hold."""
Engine = Callable[[Sequence[Block], Callable[[Block], bool]], Any]
"""A function that takes the blocks to compute and a function that computes one, here or in another process."""
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
                `steps`), `"waiting"` for other processes (for a number of `blocks`), or `"finished"`
                (`compile_s` and `run_s`, in seconds).
            **facts: the numbers of that stage.
        """


def tournament(
    games: Sequence[Game | str | Callable[[], Game]] | Mapping[str, Any],
    learners: Sequence[Learner | Sweep | str | os.PathLike | type[Learner]] | Mapping[str, Any],
    *,
    steps: int = 200,
    seeds: int | None = None,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    force: bool = False,
    progress: Progress | bool | None = None,
    key: int | None = None,
    opponents: Any = None,
    grid: Mapping[str, Sequence[float]] | None = None,
    curves: int = 0,
    engine: Engine | None = None,
) -> Results:
    """Play every learner against every learner, itself included, in both seats.

    The cell of learner i in seat 0 against learner j in seat 1 equals `play(game, [i, j], seed, steps=steps,
    seeds=seeds)`. Lane s starts from the same draw in every cell, so that comparisons are paired; adding
    games, learners or seeds changes no existing lane, up to rounding.

    A game of three or more players is played by every composition of the learners over the seats: every
    multiset where the seats are alike, otherwise every assignment. A learner that cannot play a game is left
    out of it, with the reason in `results.skipped`.

    Args:
        games: a sequence of games, each a game, its name in `games.PLAYABLE`, or a factory; or a mapping from
            names of your own to such games.
        learners: a sequence of learners, each a learner, its name in `LEARNERS`, a class, a `Sweep`, the
            folder of a trained learner, or `"coin:NAME"` of a scripted coin agent; or a mapping from names of
            your own. Learners with the same label are told apart by the settings in which they differ.
        steps: learning steps, at least 1.
        seeds: lanes per cell, at least 1; by default 64, and 4 where a game is sampled.
        seed: the root of all randomness, an integer in [0, 2**32 - 1].
        out: a folder for the results. What it holds is not computed again, and a run that was killed goes on
            from at most a minute before; several processes may work on one folder. The folder may hold fewer
            games, learners or seeds of the same tournament; then only the missing cells are computed. Games
            and learners of classes of your own count as the same if their source code is.
        force: replace the results in the folder.
        progress: True to print lines on stderr, or a callback between compiled chunks.
        key: another name of `seed`.
        opponents: the learners in all seats but seat 0, given as `learners` or by their names there; by
            default the learners.
        grid: numbers by `"LEARNER.SETTING"`, such as `{"lola.lr": [0.1, 1.0]}`; each of these learners is
            replaced by one per combination.
        curves: the number of records of the values to keep, beside the initial one, at equal distances.
        engine: a function `engine(blocks, run)` that calls `run(block)` for each of these blocks, in other processes too
            (both arguments can be pickled); it needs `out`, the folder in which the processes meet.

    Returns:
        The results: `results.frame` has one row per cell, seat and seed (`analysis.tournaments.tables.tidy`);
        `cells` and `standings` summarize it.

    Raises:
        ValueError: for a count out of range, repeated names, learners none of which can play, or a folder
            that cannot be used.

    Example:
        >>> from games import GAMES
        >>> from shaping import Lola, Naive
        >>> results = tournament([GAMES.make("tandem")], [Naive(0.1), Lola(0.1, 0.1)], steps=20, seeds=4)
        >>> cells(results)[["row", "column", "diverged"]].values.tolist()
        [['naive', 'naive', 0], ['naive', 'lola', 0], ['lola', 'naive', 0], ['lola', 'lola', 0]]
    """
    seed = as_seed(seed, key)
    games = by_name(games, "games", as_game, lambda _, game: game.name)
    learners = with_grid(by_name(learners, "learners", as_member, name_of), grid)
    others = None if opponents is None else opponents_by_name(opponents, learners)
    if seeds is None:
        seeds = FEW_SEEDS if any(isinstance(game, Sampled) for game in games.values()) else MANY_SEEDS
    check_size(steps, seeds, seed)
    if curves:
        check_count("curves", curves)
    everyone = {**learners, **(others or {})}
    forms, skipped = suitable(games, everyone)
    rows = sum(2 * len(learners) * len(others or learners) * seeds for game in games.values())
    check_room(f"A table of {rows} rows", ROW * rows, "give fewer seeds, learners or games", on_host=True)
    specification = specify(games, learners, steps, seeds, seed, others)
    records = (
        tuple(np.unique(np.linspace(0, steps, curves + 1).round().astype(int)).tolist()) if curves else ()
    )
    plan = Plan(games, everyone, specification, records)
    store = None if out is None else Store(out, specification, tuple(games), force, grows=True)
    if engine is not None and store is None:
        raise ValueError(
            "An engine computes blocks in other processes, which meet in a folder; give out='FOLDER'."
        )
    with _reporting(progress) as report:
        work = [
            GameWork(
                plan,
                name,
                _extent(learners, others, forms[name], seeds),
                forms[name],
                store,
                report,
                {x: why for game, x, why in skipped if game == name},
            )
            for name in games
            if forms[name]
        ]
        _complete(work, engine)
        table = pd.DataFrame(skipped, columns=["game", "learner", "reason"])
        frame = pd.concat([game.frame for game in work], ignore_index=True)
        return Results(frame, games, everyone, table, {game.name: game.sources() for game in work})


def _extent(learners: Any, others: Any, able: Mapping[str, Any], seeds: int) -> Extent:
    """The matches of a game: the learners that can play it, and their opponents."""
    rows = tuple(name for name in learners if name in able)
    return Extent(rows, rows if others is None else tuple(name for name in others if name in able), seeds)


def _complete(work: Sequence[GameWork], engine: Engine | None) -> None:
    """Compute what is missing: here or by the engine, and leave to other processes what they hold."""
    with contextlib.ExitStack() as held:
        for game in work:
            game.look()
        if not all(game.is_done for game in work) and work[0].store is not None:
            held.enter_context(work[0].store)
        if engine is not None and (pending := [block for game in work for block in game.prepare()]):
            store = work[0].store
            assert store is not None
            engine(pending, functools.partial(run_block, work[0].plan, folder=store.folder))
        for game in work:
            game.compute()
        while left := [game for game in work if not game.is_done]:
            for game in left:
                game.wait()
            time.sleep(PAUSE)
            for game in left:
                game.compute()


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
    games: Mapping[str, Game],
    learners: Mapping[str, Learner],
    steps: int,
    seeds: int,
    seed: int,
    opponents: Mapping[str, Learner] | None = None,
) -> dict[str, Any]:
    """All settings that determine a tournament's numbers, as plain data."""
    return {
        "steps": steps,
        "seeds": seeds,
        "seed": seed,
        "x64": provenance.x64(),
        "learners": {name: describe(learner) for name, learner in learners.items()},
        "games": {name: describe(game) for name, game in games.items()},
        **({} if opponents is None else {"opponents": {x: describe(own) for x, own in opponents.items()}}),
    }


def opponents_by_name(given: Any, learners: Mapping[str, Learner]) -> dict[str, Learner]:
    """The opponents by name; a learner of the tournament may be given by its name there.

    Raises:
        ValueError: as `by_name`, and for another learner of the same name.
    """
    if isinstance(given, (Mapping, str)) or not isinstance(given, Iterable):
        found = by_name(given, "learners", as_member, name_of)
    else:
        given = list(given)
        here = {x: learners[x] for x in given if isinstance(x, str) and x in learners}
        rest = [x for x in given if not (isinstance(x, str) and x in learners)]
        found = here | (by_name(rest, "learners", as_member, name_of) if rest or not here else {})
    for name, learner in found.items():
        if name in learners and describe(learners[name]) != describe(learner):
            raise ValueError(
                f"The opponent {name!r} has other settings than the learner of that name; give a mapping from names of your own."
            )
    return {name: learners.get(name, learner) for name, learner in found.items()}


@contextlib.contextmanager
def _reporting(progress: Any) -> Iterator[Any]:
    """The callback for progress: the given one, lines on stderr for True, or none."""
    if progress is True:
        from analysis.progress import Lines

        with Lines() as lines:
            yield lines
    elif callable(progress):
        yield progress
    else:
        yield lambda game, stage, **facts: None
