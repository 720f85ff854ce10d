"""Draw two tit-for-tat players in the coin game: `python docs/coin_game.py` writes docs/coin_game.gif."""

import pathlib

import jax

from analysis.plots.animation import animate
from games.agents.coin_scripted import tit_for_tat
from games.environments.coin import CoinGame
from games.sampled.episodes import trajectory

if __name__ == "__main__":
    game = CoinGame.loqa()
    path = jax.jit(lambda key: trajectory(game, [tit_for_tat(game, player) for player in (0, 1)], key, 31))(
        jax.random.key(0)
    )
    animate(game, path, pathlib.Path(__file__).with_suffix(".gif"))
