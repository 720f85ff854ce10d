"""How far a look ahead moves the other, by the presets of LOLA-DiCE and POLA-DiCE.

    python docs/experiments/look_ahead.py          # initial players, of every preset
    python docs/experiments/look_ahead.py FOLDERS  # the players of these trainings of both seats (`shaping train --out FOLDER`)

A rate means little by itself: the same one moves a large network further than a small one, and a trained one
further than an initial one. Comparable is the change of behavior: the divergence of the other player's policy
after the look-ahead steps from its policy before them, averaged along episodes.
"""

import itertools
import sys

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from analysis.cli import settings
from analysis.cli.evaluate import trained, trained_on
from games import SAMPLED
from games.agents.base import actor_of
from shaping.base import View
from shaping.catalog import LEARNERS
from shaping.checkpoint import folder as checkpoint
from shaping.learners.pola_dice import PolaDice
from shaping.training.presets import preset

KEYS = jax.random.split(jax.random.key(0), 6)
BATCH = 1000


def policy_changes(learner, game, params=None) -> np.ndarray:
    """Divergence of the other's policy after all look-ahead steps from that before, for every key.

    Without parameters, the players are initial ones.
    """

    def divergence(key):
        start = game.init(key) if params is None else params
        view, joint, old = View(game, start, 0, key), start, (None, None)
        for m in range(learner.inner_steps):
            joint, old = learner.others_step(view.afresh(m), joint, old), start
        return game.divergence(1, actor_of(start[1]), actor_of(joint[1]), start, key)

    return np.asarray(eqx.filter_jit(jax.vmap(divergence))(KEYS))


def by_preset() -> pd.DataFrame:
    """One row per preset."""
    rows = []
    for game, name, size in itertools.product(
        ("ipd_gru", "coin_lola"), ("lola_dice_adam", "pola_dice"), ("paper", "quick")
    ):
        chosen = preset(name, game, size)
        learner = made(name, chosen.settings)
        far = policy_changes(learner, SAMPLED.make(game, **{**chosen.made_with, "batch": BATCH}))
        rows.append({"game": game, "learner": name, "size": size} | summary(learner, far))
    return pd.DataFrame(rows)


def by_folder(folders: list[str]) -> pd.DataFrame:
    """One row per training of both seats."""
    rows = []
    for folder in folders:
        name, given = trained_on(folder)
        game, larger = (
            settings.made(SAMPLED, [name], {name: {**given, **batch}})[name]
            for batch in ({}, {"batch": BATCH})
        )
        note = checkpoint.load_note(folder)["note"]
        learner = made(note["training"], note["settings"])
        rows.append(
            {"folder": folder} | summary(learner, policy_changes(learner, larger, trained(folder, game)))
        )
    return pd.DataFrame(rows)


def made(name, given) -> PolaDice:
    """The learner of a training, which must be a `PolaDice`."""
    learner = LEARNERS.make(name, **{k: v for k, v in given.items() if k != "iterations"})
    if not isinstance(learner, PolaDice):
        raise SystemExit(
            f"{name!r} does not look ahead by steps of gradients; name folders of lola_dice_adam or pola_dice."
        )
    return learner


def summary(learner: PolaDice, far: np.ndarray) -> dict[str, float]:
    """A learner's look-ahead settings and the smallest, median and largest change of policy."""
    own = {"look_ahead": float(learner.look_ahead), "inner_steps": learner.inner_steps}
    return own | {"least": far.min(), "median": np.median(far), "most": far.max()}


if __name__ == "__main__":
    table = by_folder(sys.argv[1:]) if sys.argv[1:] else by_preset()
    print(table.to_string(index=False, float_format="{:.2g}".format))
