"""How far a look ahead moves the other, by the presets of LOLA-DiCE and POLA-DiCE: `python docs/look_ahead.py`.

A rate means little by itself: the same one moves a large network further than a small one. What the other's steps do to its behavior can be
compared: the mean divergence of its policy before from that after, along the episodes of players just drawn.
"""

import itertools

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from games import SAMPLED
from games.agents import acting
from shaping.base import View
from shaping.catalog import LEARNERS
from shaping.presets import preset

KEYS = jax.random.split(jax.random.key(0), 6)
BATCH = 1000


def moved(learner, game) -> np.ndarray:
    """For every key, how far the other's policy is from where it was after all of its steps."""

    def divergence(key):
        params = game.init(key)
        view, joint, old = View(game, params, 0, key), params, (None, None)
        for m in range(learner.inner_steps):
            joint, old = learner.answered(view.afresh(m), joint, old), params
        return game.divergence(1, acting(params[1]), acting(joint[1]), params, key)

    return np.asarray(eqx.filter_jit(jax.vmap(divergence))(KEYS))


def table() -> pd.DataFrame:
    """One row per preset."""
    rows = []
    for game, name, size in itertools.product(("ipd_gru", "coin_lola"), ("lola_dice", "pola_dice"), ("paper", "quick")):
        chosen = preset(name, game, size)
        own = {k: chosen.settings[k] for k in ("look_ahead", "inner_penalty", "inner_steps") if k in chosen.settings}
        far = moved(LEARNERS.make("pola_dice", **own), SAMPLED.make(game, **{**chosen.made_with, "batch": BATCH}))
        rows.append({"game": game, "learner": name, "size": size} | own | {"least": far.min(), "median": np.median(far), "most": far.max()})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    print(table().to_string(index=False, float_format="{:.2g}".format))
