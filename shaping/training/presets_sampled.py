"""LOLA-DiCE, POLA-DiCE and POLA-OM on both of their games: the published settings, and quick runs of the same kind."""

from typing import Any

REPORTED = {
    (
        "lola_dice_adam",
        "ipd_gru",
    ): "0.107 per step against itself, wide between seeds, and -0.006 against a defector",
    (
        "pola_dice",
        "ipd_gru",
    ): "0.313 per step against itself (cooperators: 0.33), and -0.036 against a defector",
    ("pola_om", "ipd_gru"): "no number that we know of",
    ("pola_om", "coin_lola"): "no number that we know of",
    (
        "lola_dice_adam",
        "coin_lola",
    ): "own coins 0.50, 0.003 per step against itself and -0.32 against a defector",
    ("pola_dice", "coin_lola"): "own coins 0.82, 0.262 per step against itself and -0.027 against a defector",
}
"""What Zhao et al. 2022 report."""
RATES = {"lr": 0.003, "critic": 1 / 6, "inner_critic": 0.05, "moments": "renewed"}
"""Of the public code: Adam begins anew at every update, critics go at .0005."""
POLA = RATES | {"steps": 200}
"""And of its POLA-DiCE."""
IPD = POLA | {
    "iterations": 101,
    "look_ahead": 0.005,
    "penalty": 100.0,
    "inner_penalty": 10.0,
    "inner_steps": 2,
}
"""On the iterated contribution game."""
COIN = POLA | {"iterations": 251, "look_ahead": 0.01, "penalty": 150.0}
"""On the coin game."""
QUICK = {"lr": 0.005, "critic": 1.0, "inner_critic": 0.3, "moments": "kept"}
"""Of a quick run on the iterated contribution game. Its look aheads move a small network as far as the published ones a large one:
`docs/experiments/look_ahead.py` prints how far."""
SMALL = {"batch": 512, "width": 16, "length": 32}
"""Its game."""
LOOKING = {
    "lr": 0.005,
    "critic": 2.0,
    "inner_critic": 0.1,
    "moments": "kept",
    "look_ahead": 0.2,
    "inner_steps": 1,
}
"""Of a quick run on the coin game: one look ahead, which moves players just drawn by little and trained ones by much more, as
`docs/experiments/look_ahead.py` prints. LOLA-DiCE's is shorter in the published proportion, one step of .003 to four of .01."""
NEAR = {"batch": 512, "width": 16, "length": 16, "egocentric": True, "decay": 0.8, "mix": 0.5}
"""Its game: JaxMARL's views and length, and advantages that look less far."""
EPISODES: tuple[tuple[str, str, str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "lola_dice_adam",
        "ipd_gru",
        "paper",
        RATES | {"iterations": 20001, "look_ahead": 0.05, "inner_steps": 1},
        {},
    ),
    ("pola_dice", "ipd_gru", "paper", IPD, {}),
    ("pola_om", "ipd_gru", "paper", IPD | {"batches": 200}, {}),
    (
        "lola_dice_adam",
        "ipd_gru",
        "quick",
        QUICK | {"iterations": 800, "look_ahead": 0.1, "inner_steps": 1},
        SMALL,
    ),
    (
        "pola_dice",
        "ipd_gru",
        "quick",
        QUICK
        | {
            "iterations": 40,
            "look_ahead": 0.01,
            "penalty": 100.0,
            "inner_penalty": 10.0,
            "inner_steps": 2,
            "steps": 40,
        },
        SMALL,
    ),
    (
        "lola_dice_adam",
        "coin_lola",
        "paper",
        RATES | {"iterations": 50001, "look_ahead": 0.003, "inner_steps": 1},
        {},
    ),
    ("lola_dice_adam", "coin_lola", "quick", LOOKING | {"iterations": 2000, "look_ahead": 0.015}, NEAR),
    (
        "pola_dice",
        "coin_lola",
        "quick",
        LOOKING | {"iterations": 200, "penalty": 60.0, "inner_penalty": 0.0, "steps": 20},
        NEAR,
    ),
    ("pola_dice", "coin_lola", "paper", COIN | {"inner_penalty": 5.0, "inner_steps": 4}, {"batch": 1000}),
    (
        "pola_om",
        "coin_lola",
        "paper",
        COIN | {"inner_penalty": 15.0, "inner_steps": 6, "batches": 200},
        {"batch": 1000},
    ),
)
"""Learner, game, size, settings of the learner and of the game."""
