"""How often the players of a repeated two-action game cooperate, by the last joint action.

    python docs/experiments/cooperation.py FOLDERS

Every folder is a training of both seats (`shaping train --against self --out FOLDER`); its players meet each
other in 1000 episodes.
"""

import sys

import jax
import pandas as pd

from analysis.cli import settings
from analysis.cli.evaluate import trained, trained_on
from games import SAMPLED
from games.sampled.episodes import sample


def shares(folder: str) -> pd.DataFrame:
    """One row per seat: the share of cooperation at first, after what the seat itself and the other did, and at last."""
    name, made = trained_on(folder)
    game = settings.made(SAMPLED, [name], {name: made})[name]
    agents = game.agents(trained(folder, game))
    played = jax.jit(lambda key: sample(game.environment, agents, key, 1000, game.steps))(jax.random.key(0))
    cooperates, rows = played.actions == 0, []
    for seat in range(2):
        own, other = cooperates[..., seat], cooperates[..., 1 - seat]
        after = {"CC": own & other, "CD": own & ~other, "DC": ~own & other, "DD": ~own & ~other}
        means = {f"after {k}": own[1:][v[:-1]].mean() for k, v in after.items()}
        rows.append({"seat": seat, "first": own[0].mean()} | means | {"last": own[-1].mean()})
    return pd.DataFrame(rows).astype(float).astype({"seat": int})


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(path, shares(path).round(3).to_string(index=False), sep="\n")
