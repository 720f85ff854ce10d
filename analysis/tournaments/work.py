"""The work on one game of a tournament: what is there, what is missing, and the rows when all of it is done."""

import functools
import pathlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pandas as pd

from analysis.results import provenance
from analysis.results.arrays import read_arrays
from analysis.results.specification import fingerprint, text
from analysis.results.store import BLOCKS, Damaged, Store
from analysis.tournaments.blocks import (
    Block,
    Plan,
    block_path,
    compute_block,
    diagonal,
    is_complete,
    run_block,
)
from analysis.tournaments.planning import Extent, GamePlan, covers, extent_of, plan_game, read_plan
from analysis.tournaments.tables import ordered, tidy, tidy_compositions
from games.storage import claim, remove_temporaries

Source = tuple[Block, Callable[[], dict[str, np.ndarray]]]
"""A block and a function that gives its arrays."""


class GameWork:
    """One game of a tournament.

    Args:
        plan: the tournament's games, learners and settings.
        name: the game's name.
        wanted: its matches.
        forms: for each learner, the structures of its parameters by seat.
        store: the folder; None without.
        report: the callback for progress.
        skipped: the learners that cannot play, with the reasons.

    Attributes:
        frame: the rows found in the folder, and at the end all rows.
        is_done: whether all rows are there.
    """

    def __init__(
        self,
        plan: Plan,
        name: str,
        wanted: Extent,
        forms: Mapping[str, tuple[Any, ...]],
        store: Store | None,
        report: Callable[..., None],
        skipped: Mapping[str, str],
    ):
        self.plan, self.name, self.wanted, self.forms = plan, name, wanted, forms
        self.store, self.report, self.skipped = store, report, skipped
        self.game = plan.games[name]
        self.frame: Any = None
        self.blocks: GamePlan | None = None
        self.arrays: dict[Block, dict[str, np.ndarray]] = {}
        self.done: set[Block] = set()
        self.took = {"compile_s": 0.0, "run_s": 0.0}
        self.is_done = self.computed = self.waits = False
        self.start = provenance.now()

    def look(self) -> None:
        """Read the rows that are in the folder; the game is done if nothing is missing and no block is damaged."""
        if self.store is None:
            return
        if self.name in self.store.done():
            try:
                self.frame = self.store.load(self.name)
            except Damaged:
                path = str(self.store.path(self.name))
                warnings.warn(
                    f"{path!r} is damaged: it is not what was written; it is made anew.", stacklevel=2
                )
        self.blocks = there = read_plan(self.store.folder / BLOCKS / f"{self.name}.json")
        if self.frame is None or not self._covers():
            return
        if there is None or all(is_complete(self.store.folder, block) for block in there.blocks):
            self.is_done = True
            self.report(self.name, "found")

    def _covers(self) -> bool:
        """Whether the stored rows are all that is wanted."""
        return covers(extent_of(self.name, self.frame, self.game.n_players), self.wanted)

    def prepare(self) -> list[Block]:
        """Plan the blocks; those that are not complete."""
        if self.is_done:
            return []
        folder = None if self.store is None else self.store.folder
        if not self.done:
            self.blocks = plan_game(
                self.plan, self.name, self.wanted, self.forms, self.frame, folder, self.skipped
            )
        assert self.blocks is not None
        if folder is not None:
            self.done |= {x for x in self.blocks.blocks if x not in self.done and is_complete(folder, x)}
        return [block for block in self.blocks.blocks if block not in self.done]

    def compute(self) -> None:
        """Compute the blocks that no other process holds, and make the rows if all blocks are complete."""
        if self.is_done:
            return
        left, steps = self.prepare(), self.plan.specification["steps"]
        total = sum(size_of(block) for block in left) or 1
        finished = 0
        for block in left:

            def report_share(done: int, steps: int, block: Block = block, finished: int = finished) -> None:
                share = finished + size_of(block) * done / steps
                self.report(self.name, "running", done=int(steps * share / total), steps=steps)

            if not self.computed and not self.waits:
                self.report(self.name, "compiling", steps=steps)
            if self.store is None:
                self.arrays[block], took = compute_block(self.plan, block, report_share)
                self.took = {x: self.took[x] + took[x] for x in self.took}
            elif not run_block(self.plan, block, self.store.folder, report_share):
                continue
            self.computed = True
            finished += size_of(block)
            self.done.add(block)
        if self.blocks is not None and len(self.done) == len(self.blocks.blocks):
            self._assemble(left)

    def wait(self) -> None:
        """Report, once, that other processes hold the game's last blocks."""
        if not self.waits and self.blocks is not None:
            self.report(self.name, "waiting", blocks=len(self.blocks.blocks) - len(self.done))
            self.waits = True

    def sources(self) -> list[Source]:
        """The blocks with their arrays."""
        if self.blocks is None:
            return []
        if self.store is None:
            return [
                (block, functools.partial(self.arrays.__getitem__, block)) for block in self.blocks.blocks
            ]
        return [
            (x, functools.partial(arrays_of, block_path(self.store.folder, x))) for x in self.blocks.blocks
        ]

    def _assemble(self, computed: list[Block]) -> None:
        """The rows of all blocks, stored if there is a folder."""
        assert self.blocks is not None
        new = [] if self.frame is not None and self._covers() else self._missing_rows()
        if new:
            frames = [] if self.frame is None else [self.frame]
            labels, columns = list(self.plan.learners), list(new[0])
            frames = [frame.reindex(columns=columns) for frame in [*frames, *new]]
            frame = frames[0] if len(frames) == 1 else ordered(pd.concat(frames, ignore_index=True), labels)
            grows, self.frame = self.frame is not None, frame
            if self.store is not None:
                note = {**provenance.environment(), "seed": self.plan.specification["seed"]}
                if grows:
                    note["earlier"] = self.store.provenance(self.name)
                notes = [
                    read_arrays(block_path(self.store.folder, x))[0] for x in computed or self.blocks.blocks
                ]
                took = {x: sum(n[x] for n in notes) for x in ("compile_s", "run_s", "wall_s")}
                self.took = {x: took[x] for x in self.took}
                self.store.save(
                    self.name, frame, {**note, "start": self.start, "end": provenance.now(), **took}
                )
        if self.store is not None:
            remove_traces(self.store.folder, self.name, self.blocks.blocks)
        self.is_done = True
        if self.computed and not self.waits:
            self.report(self.name, "finished", **self.took)
        else:
            self.report(self.name, "found")

    def _missing_rows(self) -> list[pd.DataFrame]:
        """The rows of the blocks that are not among the stored ones."""
        there: set[Any] = set()
        if self.frame is not None:
            seats = [f"learner_{k}" for k in range(self.game.n_players)]
            there = set(self.frame[[*seats, "seed"]].itertuples(index=False, name=None))
        return [
            self._rows(block, arrays())
            for block, arrays in self.sources()
            if (*(block.seatings or ((block.rows[0], block.columns[0]),))[0], block.first) not in there
        ]

    def _rows(self, block: Block, arrays: Mapping[str, np.ndarray]) -> pd.DataFrame:
        """The rows of one block."""
        known = self.plan.specification
        common = {k: known[k] for k in ("steps", "seed", "x64")} | {"game": known["games"][self.name]}

        def cell_hash(*seating: str) -> str:
            players = {f"learner_{k}": self.plan.settings_of(x) for k, x in enumerate(seating)}
            return fingerprint(common | players)

        params = tuple(arrays[f"param{k}"] for k in range(2) if f"param{k}" in arrays and is_plain(self.game))
        result = SimpleNamespace(params=params, **{x: arrays[x] for x in ("values", "mean_values", "ok")})
        if block.seatings:
            configs = {x: text(self.plan.settings_of(x)) for seating in block.seatings for x in seating}
            hashes = [cell_hash(*seating) for seating in block.seatings]
            return tidy_compositions(
                self.name,
                block.seatings,
                result,
                steps=known["steps"],
                configs=configs,
                hashes=hashes,
                first=block.first,
            )
        labels = list(dict.fromkeys([*block.rows, *block.columns]))
        place, n = {x: k for k, x in enumerate(labels)}, len(labels)
        hashes = np.full((n, n), "", object)
        for own in block.rows:
            for other in block.columns:
                hashes[place[own], place[other]] = cell_hash(own, other)
        cross = None
        if "cross" in arrays:
            cross = np.full(arrays["values"].shape, np.nan, arrays["values"].dtype)
            pairs = diagonal(block)
            cross[:, pairs[:, 0], pairs[:, 1]] = arrays["cross"]
        return tidy(
            self.name,
            labels,
            result,
            steps=known["steps"],
            configs=[text(self.plan.settings_of(x)) for x in labels],
            hashes=hashes,
            rows=[place[x] for x in block.rows],
            columns=[place[x] for x in block.columns],
            first=block.first,
            play=self.game,
            cross=cross,
        )


def remove_traces(folder: pathlib.Path, game: str, blocks: Sequence[Block]) -> None:
    """Remove the lock files, states and temporary files that killed runs have left of complete blocks."""
    home = folder / BLOCKS
    locks = [home / f"{game}.lock", *(block_path(folder, block, ".lock") for block in blocks)]
    for lock, block in zip(locks, [None, *blocks], strict=True):
        state = None if block is None else block_path(folder, block, ".state.npz")
        if lock.exists() or (state is not None and state.exists()):
            with claim(lock) as mine:  # removes the lock file at the end
                if mine and state is not None:
                    state.unlink(missing_ok=True)
    remove_temporaries(home, {game, *(x.hash for x in blocks), *(f"{x.hash}.state" for x in blocks)})


def arrays_of(path: Any) -> dict[str, np.ndarray]:
    """The arrays of a block's file."""
    return read_arrays(path)[1]


def is_plain(game: Any) -> bool:
    """Whether every player's parameters are one array."""
    drawn = jax.eval_shape(game.init, jax.random.key(0))
    return not any(isinstance(own, (tuple, dict)) for own in drawn)


def size_of(block: Block) -> int:
    """The number of lanes of a block."""
    return (len(block.seatings) or len(block.rows) * len(block.columns)) * block.seeds
