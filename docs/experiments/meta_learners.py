"""What meta-learners earn against the learners they were trained on, beside what a naive learner earns there.

    python docs/experiments/meta_learners.py

prints the table of docs/experiments/meta_learners.md. Trained learners are kept in runs/meta_learners and not trained again,
so delete a folder after changing its settings; all together take about half an hour of CPU time. Names of
rows as arguments restrict the table to them.
"""

import pathlib
import sys
import time
from collections.abc import Callable

import jax
import numpy as np

from games import GAMES
from games.base import Game
from shaping import Learner, Lola, Mfos, Naive, play
from shaping.checkpoint.folder import load, load_note, save
from shaping.meta.bounded_gradients import bounded
from shaping.meta.game import MetaGame
from shaping.model_free import Es, Ga, Method, Ppo, gaussian
from shaping.training import GradientTrainer, MfosTrainer, MmamlTrainer, run

KEPT = pathlib.Path("runs/meta_learners")
STEPS, SEEDS, FRESH = 100, 16_384, 99
WIDTH = 64
"""Hidden units of the policies that are trained without gradients of the match, a quarter of the published 256."""
CELLS = [
    ("ipd", "naive"),
    ("ipd", "lola"),
    ("imp", "naive"),
    ("imp", "lola"),
    ("chicken", "naive"),
    ("chicken", "lola"),
]
OPPONENTS: dict[str, Learner] = {"naive": Naive(), "lola": Lola(1.0, 1.0, "taylor")}


def shaper(method: Method, iterations: int, centered: bool = False) -> Callable[[Game, Learner], Learner]:
    """M-FOS in the first seat, trained by a method."""

    def trained(game: Game, opponent: Learner) -> Learner:
        trainer = MfosTrainer(game, [None, opponent], method, width=WIDTH, centered=centered)
        return run(trainer, iterations=iterations, chunk=iterations).learners[0]

    return trained


def exploring(method: Method, iterations: int, spread: float) -> Callable[[Game, Learner], Learner]:
    """As `shaper`, centered, the first half of the iterations from initial logits spread so many times as widely (exploring starts)."""

    def trained(game: Game, opponent: Learner) -> Learner:
        def trainer(game: Game) -> MfosTrainer:
            return MfosTrainer(game, [None, opponent], method, width=WIDTH, centered=True)

        half = iterations // 2
        wide = run(trainer(GAMES.make(game.name, init_std=spread)), iterations=half, chunk=half)
        return run(trainer(game), iterations=iterations, chunk=half, start=wide).learners[0]

    return trained


def by_ascent(
    lanes: int, steps: int, lr: float, centered: bool = False
) -> Callable[[Game, Learner], Learner]:
    """M-FOS's policy of the published size, without noise, by the gradient through the match, bounded at the opponent's steps."""

    def trained(game: Game, opponent: Learner) -> Learner:
        meta = MetaGame(game, [None, opponent], STEPS, lanes=lanes)
        policy = gaussian(meta.observation_shape[0], meta.action_shape[0], centered=centered)(
            jax.random.key(1)
        )
        trainer = GradientTrainer(bounded(meta), Mfos(policy, "mode"), lr)
        return run(trainer, iterations=steps, chunk=steps).learners[0]

    return trained


def by_mmaml(game: Game, opponent: Learner) -> Learner:
    """Initial logits and a step size, by the gradient through the match."""
    trainer = MmamlTrainer(game, [None, opponent], steps=STEPS, lanes=64, lr=0.03)
    return run(trainer, iterations=300, chunk=300).learners[0]


ROWS: dict[str, Callable[[Game, Learner], Learner]] = {
    "mfos (ppo)": shaper(Ppo(episodes=256), 1024),
    "mfos (ga)": shaper(Ga(sigma=2.0, population=256, parents=1, episodes=16, trials=256), 64),
    "mfos (es)": shaper(Es(), 150),
    "ascent": by_ascent(64, 1000, 0.002),
    "mmaml": by_mmaml,
}
SELDOM: dict[tuple[str, tuple[str, str]], Callable[[Game, Learner], Learner]] = {
    ("mfos (ppo)", ("chicken", "lola")): exploring(Ppo(episodes=256), 2048, 4.0),
    ("mfos (es)", ("chicken", "lola")): shaper(Es(), 150, centered=True),
    ("ascent", ("chicken", "lola")): by_ascent(256, 2000, 0.01, centered=True),
}
"""Rows trained otherwise where one draw in fifty decides: networks see -1 and 1; PPO starts widely, ascent takes more and larger steps."""


def earned(game: Game, learner: Learner, opponent: Learner) -> np.ndarray:
    """Both players' mean over the meta-steps, the draw left out, in every fresh match `(SEEDS, 2)`; NaN in one that diverged."""
    match = play(game, [learner, opponent], FRESH, steps=STEPS, seeds=SEEDS)
    if not match.ok.all():
        print(f"{int((~match.ok).sum())} of {SEEDS} matches diverged", file=sys.stderr)
    return np.where(np.asarray(match.ok)[:, None], np.asarray(match.values[:, 1:]).mean(axis=1), np.nan)


def stated(found: np.ndarray) -> str:
    """Mean and standard error over the matches that stayed finite."""
    return f"{np.nanmean(found):.3f} ± {np.nanstd(found, ddof=1) / np.isfinite(found).sum() ** 0.5:.3f}"


def folder(row: str, cell: tuple[str, str]) -> pathlib.Path:
    """Where a row's learner for a cell is kept."""
    return KEPT / "-".join([row.replace(" ", "_").strip(")").replace("(", ""), *cell])


def kept(row: str, cell: tuple[str, str]) -> Learner:
    """A row's learner for a cell, from its folder or from a training."""
    game, there = GAMES.make(cell[0]), folder(row, cell)
    if there.exists():
        return load(there, game)
    begun = time.process_time()
    learner = SELDOM.get((row, cell), ROWS[row])(game, OPPONENTS[cell[1]])
    save(learner, there, game=game, note={"cpu_s": round(time.process_time() - begun)})
    return learner


def main(rows: list[str]) -> None:
    """Print one line per learner and cell."""
    print(
        "| game | against | learner | own | the other's | a naive learner in its place | gain | training, CPU-s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for cell in CELLS:
        game, opponent = GAMES.make(cell[0]), OPPONENTS[cell[1]]
        naive = earned(game, Naive(), opponent)[:, 0]
        for row in rows or ROWS:
            learner = kept(row, cell)
            own, other = earned(game, learner, opponent).T
            seconds = load_note(folder(row, cell))["note"]["cpu_s"]
            numbers = " | ".join(stated(x) for x in (own, other, naive, own - naive))
            print(f"| {cell[0]} | {cell[1]} | {row} | {numbers} | {seconds} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
