"""The share of own coins among the coins taken, in the course of trainings by the quick coin-game presets.

    python docs/experiments/own_coins.py 13 14 15  # seeds; draws own_coins.png, prints the final players' scores

The same trainings as `shaping train --game coin_lola --preset quick`; naive players are those of LOLA-DiCE
without a look ahead.
"""

import sys

import matplotlib.pyplot as plt
import pandas as pd

from analysis.evaluation import evaluate
from shaping.catalog import LEARNERS
from shaping.training import MatchTrainer, Run, preset, run

RUNS = {
    "POLA-DiCE": ("pola_dice", {}),
    "LOLA-DiCE": ("lola_dice_adam", {}),
    "naive": ("lola_dice_adam", {"look_ahead": 0.0}),
}
LOOKS, EPISODES = 20, 4096


def curve(label: str, seed: int) -> pd.DataFrame:
    """Results of `evaluate` for both players of one training, at every twentieth of it."""
    name, changes = RUNS[label]
    chosen = preset(name, "coin_lola", "quick")
    settings, game, looks = chosen.settings | changes, chosen.make_game(), []
    iterations = settings.pop("iterations")

    def look(now: Run) -> None:
        if now.iterations % (iterations // LOOKS) == 0:
            joint = tuple(player.own for player in now.learners)
            table = evaluate(game.environment, [joint], episodes=EPISODES, opponents=())
            looks.append(table.assign(learner=label, seed=seed, progress=now.iterations / iterations))

    trainer = MatchTrainer(game, [LEARNERS.make(name, **settings)] * game.n_players)
    run(trainer, seed, iterations=iterations, chunk=1, callback=look)
    return pd.concat(looks)


def main(seeds: list[int]) -> None:
    """Train, print and draw."""
    table = pd.concat([curve(label, seed) for label in RUNS for seed in seeds])
    last = table[table.progress == 1].set_index(["learner", "seed", "seat"])
    print(last[["own_coins", "own_coins_error", "reward", "reward_error"]].round(3).to_string())
    figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
    for style, (label, runs) in zip(("o-", "s--", "^:"), table.groupby("learner", sort=False), strict=True):
        each = runs.groupby(["progress", "seed"]).own_coins.mean().unstack()
        (line,) = ax.plot(each.index, each.mean(axis=1), style, markersize=3, label=label)
        ax.fill_between(
            each.index, each.min(axis=1), each.max(axis=1), color=line.get_color(), alpha=0.2, linewidth=0
        )
    ax.set(xlabel="share of the training", ylabel="own coins among those taken", xlim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    figure.savefig("docs/experiments/own_coins.png", dpi=110)


if __name__ == "__main__":
    main([int(x) for x in sys.argv[1:]] or [13, 14, 15])
