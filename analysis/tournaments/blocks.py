"""Blocks: the units of work of a tournament, each computed by itself and kept in a file of its own.

A block is one game, some learners and a range of lanes, computed in one compiled loop. It is named by the hash
of everything that determines its numbers. `run_block` computes one in any process that sees the folder: a lock
file keeps other processes away, the state is written now and then, and the result is written whole or not at
all.
"""

import dataclasses
import functools
import itertools
import os
import pathlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from analysis.memory_one import game_frequencies, plays_memory_one
from analysis.results import provenance
from analysis.results.arrays import read_arrays, write_arrays
from analysis.results.specification import fingerprint
from analysis.results.store import BLOCKS
from analysis.tournaments.compositions import compositions_loop, compositions_result
from analysis.tournaments.round_robins import (
    Loop,
    Run,
    given_order,
    lanes_of_loop,
    round_robin_loop,
    round_robin_result,
    run_loop,
)
from analysis.tournaments.snapshots import Snapshots
from games.base import Game
from games.sampled.game import Sampled
from games.storage import claim
from shaping.base import Learner
from shaping.engine import record


class Block(NamedTuple):
    """One unit of work.

    Attributes:
        game: the game's name.
        rows: names of the learners in seat 0 of a two-player game; empty for more players.
        columns: names of those in seat 1.
        seatings: for games of more players, the learners' names by composition and seat.
        first: number of the first lane.
        seeds: number of lanes.
        hash: of everything that determines the block's numbers.
    """

    game: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    seatings: tuple[tuple[str, ...], ...]
    first: int
    seeds: int
    hash: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the blocks of a tournament are computed from.

    Attributes:
        games: the games by name.
        learners: the learners by name, opponents included.
        specification: all settings, as plain data (`analysis.tournaments.run.specify`).
        records: numbers of learning steps after which the values are kept; empty for none.
    """

    games: Mapping[str, Game]
    learners: Mapping[str, Learner]
    specification: Mapping[str, Any]
    records: tuple[int, ...] = ()

    def settings_of(self, learner: str) -> Any:
        """The settings of a learner, also of one that is an opponent only."""
        known = self.specification
        return known["learners"].get(learner, known.get("opponents", {}).get(learner))

    def block(
        self,
        game: str,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        seatings: Sequence[Sequence[str]] = (),
        first: int = 0,
        seeds: int = 1,
    ) -> Block:
        """A block with its hash."""
        names = list(dict.fromkeys([*rows, *columns, *(x for seating in seatings for x in seating)]))
        place = {name: k for k, name in enumerate(names)}
        content = {name: self.specification[name] for name in ("steps", "seed", "x64")} | {
            "game": self.specification["games"][game],
            "learners": [self.settings_of(name) for name in names],
            "rows": [place[x] for x in rows],
            "columns": [place[x] for x in columns],
            "seatings": [[place[x] for x in seating] for seating in seatings],
            "first": first,
            "seeds": seeds,
        }
        given = tuple(rows), tuple(columns), tuple(map(tuple, seatings))
        return Block(game, *given, first, seeds, fingerprint(content))

    def loop(self, block: Block) -> Loop:
        """The compiled loop of a block."""
        game, seed = self.games[block.game], self.specification["seed"]
        if block.seatings:
            seatings = [[self.learners[x] for x in seating] for seating in block.seatings]
            return compositions_loop(game, seatings, seed, block.seeds, block.first)
        rows, columns = ([self.learners[x] for x in side] for side in (block.rows, block.columns))
        both = None if block.rows == block.columns else columns
        return round_robin_loop(game, rows, both, seed, block.seeds, block.first)


def in_chunks_of_lanes(plan: Plan, block: Block) -> list[Block]:
    """The block, cut into ranges of lanes that fit into memory.

    Raises:
        ValueError: where not even one lane fits.
    """
    at_once = lanes_of_loop(plan.loop(block))
    if at_once >= block.seeds:
        return [block]
    least = -(-block.seeds // at_once)
    even = next((k for k in range(least, 2 * least + 1) if block.seeds % k == 0), least)  # one program
    ends = [block.seeds * k // even for k in range(even + 1)]
    return [
        plan.block(block.game, block.rows, block.columns, block.seatings, block.first + a, b - a)
        for a, b in itertools.pairwise(ends)
    ]


def block_path(folder: str | os.PathLike, block: Block, suffix: str = ".npz") -> pathlib.Path:
    """The file of a block in a tournament's folder."""
    return pathlib.Path(folder) / BLOCKS / f"{block.hash}{suffix}"


def run_block(
    plan: Plan,
    block: Block,
    folder: str | os.PathLike,
    progress: Callable[..., None] | None = None,
) -> bool:
    """Compute a block and write its file, unless that is there or another process is computing it.

    Args:
        plan: the tournament's games, learners and settings.
        block: one of its blocks.
        folder: the tournament's folder.
        progress: called with `(done, steps)` before the first and after every compiled chunk.

    Returns:
        Whether the file is there; False if another process holds the block.

    Raises:
        ValueError: if the file cannot be written, as on a full disk.
    """
    with claim(block_path(folder, block, ".lock")) as mine:
        if not mine:
            return False
        if not is_complete(folder, block):
            snapshots = Snapshots(block_path(folder, block, ".state.npz"))
            arrays, took = compute_block(plan, block, progress, snapshots)
            note = {"block": block._asdict(), **provenance.environment(), **took, "end": provenance.now()}
            write_arrays(block_path(folder, block), arrays, note)
            snapshots.remove()
        return True


def is_complete(folder: str | os.PathLike, block: Block) -> bool:
    """Whether a block's file is there and whole; a damaged one is named by a warning and removed."""
    path = block_path(folder, block)
    if not path.exists():
        return False
    try:
        read_arrays(path)
    except ValueError:
        warnings.warn(
            f"{str(path)!r} is damaged: it is not what was written; it is computed anew.", stacklevel=2
        )
        path.unlink(missing_ok=True)
        return False
    return True


def compute_block(
    plan: Plan,
    block: Block,
    progress: Callable[..., None] | None = None,
    snapshots: Snapshots | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Arrays of a block and the seconds that they took.

    Args:
        plan: the tournament's games, learners and settings.
        block: one of its blocks.
        progress: as for `run_block`.
        snapshots: where the state is kept.

    Returns:
        The arrays `values, mean_values` (seat, row, column, seed), `ok`, `param0, param1, ...` (row, column,
        seed, size) for exact games, `cross` (see `cross_seed_values`), and where asked for `curves` and
        `curve_steps`. For compositions there is one axis in place of row and column.
    """
    started, game, steps = time.perf_counter(), plan.games[block.game], plan.specification["steps"]
    loop = plan.loop(block)
    run = run_loop(
        loop,
        steps,
        (lambda done: None) if progress is None else (lambda done: progress(done, steps)),
        snapshots,
        plan.records,
    )
    result = (compositions_result if block.seatings else round_robin_result)(loop, run, steps)
    arrays = {"values": result.values, "mean_values": result.mean_values, "ok": result.ok}
    if not isinstance(game, Sampled):
        axes = result.ok.ndim
        for seat, own in enumerate(result.params):
            arrays[f"param{seat}"] = np.concatenate(
                [np.reshape(x, (*x.shape[:axes], -1)) for x in jax.tree.leaves(own)], axis=-1
            )
        if not block.seatings:
            arrays["cross"] = cross_seed_values(game, loop, run, block, arrays)
    if plan.records:
        arrays["curves"] = _curves(loop, run, block)
        arrays["curve_steps"] = np.array(plan.records)
    took = {"compile_s": run.compile_s, "run_s": run.run_s, "wall_s": time.perf_counter() - started}
    return arrays, took


def cross_seed_values(
    game: Any, loop: Loop, run: Run, block: Block, arrays: Mapping[str, np.ndarray]
) -> Float[np.ndarray, "2 diagonal seeds"]:
    """Values of both seats in self-play of a learner's run s, in seat 0, against its run s + 1, in seat 1.

    One entry per learner that is both in rows and columns; the last lane meets the first. Low values where
    those of self-play are high show runs that have agreed on conventions of their own.
    """
    pairs = diagonal(block)
    if block.seeds == 1 or not len(pairs):
        return np.full((2, len(pairs), block.seeds), np.nan)
    if plays_memory_one(game):
        own, other = (arrays[f"param{k}"][pairs[:, 0], pairs[:, 1]] for k in range(2))
        payoffs = np.asarray(game.stage.payoffs, float).reshape(2, 4)
        return np.moveaxis(game_frequencies(game, own, np.roll(other, -1, axis=1)) @ payoffs.T, -1, 0)
    order = given_order(loop.layout)
    cells = order[0][pairs[:, 0], 0], order[1][0, pairs[:, 1]]
    own, other = (jax.tree.map(lambda x: np.asarray(x)[cells], seat) for seat in run.state.joint)
    other = jax.tree.map(lambda x: np.roll(x, -1, axis=1), other)
    values = jax.jit(jax.vmap(jax.vmap(functools.partial(record, loop.game, key=None))))((own, other))
    return np.asarray(jnp.stack(values))


def diagonal(block: Block) -> np.ndarray:
    """Row and column of every learner that is in both, (learners, 2)."""
    found = [(k, block.columns.index(x)) for k, x in enumerate(block.rows) if x in block.columns]
    return np.array(found, int).reshape(-1, 2)


def _curves(loop: Loop, run: Run, block: Block) -> np.ndarray:
    """The kept records, with the learners in the order in which they were given."""
    curves = np.stack(run.curves)
    return curves if block.seatings else curves[:, :, *given_order(loop.layout)]
