"""The settings of published trainings, each with its citation and the numbers it should reproduce."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from games import PLAYABLE
from games.base import Game
from games.registry import nearest
from shaping.catalog import LEARNERS
from shaping.training.catalog import SELF


@dataclasses.dataclass(frozen=True)
class Preset:
    """One way to train a learner.

    Attributes:
        learner: what is trained.
        size: `"paper"` for the published settings, `"quick"` for a smaller run of the same kind.
        settings: all that can be set, by name.
        citation: key of the source.
        numbers: what the source reports, by game and opponent.
        game: the name of the only game that the settings are for; None for any.
        against: the only opponent that they are for; None for any.
        made_with: the settings of that game.
    """

    learner: str
    size: str
    settings: Mapping[str, Any]
    citation: str
    numbers: Mapping[tuple[str, str], str]
    game: str | None = None
    against: str | None = None
    made_with: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def published(self, game: str, against: str) -> str:
        """The published numbers for a game and an opponent, as a phrase."""
        return self.numbers.get(
            (PLAYABLE.get(game).name, against), "no number that we know of for this game and opponent"
        )

    def make_game(self) -> Game:
        """The game, of a preset for one game.

        Raises:
            ValueError: for a preset that suits any.
        """
        if self.game is None:
            raise ValueError(
                f"The preset {self.size!r} of {self.learner!r} is for any game; make one from games.PLAYABLE."
            )
        return PLAYABLE.make(self.game, **self.made_with)


LOGITS: dict[str, Any] = {
    "look_ahead": 1.0,
    "bound": 7.0,
    "clamp": True,
    "hidden": (16, 16, 16),
    "activation": "tanh",
    "std": 0.1,
    "batch": 64,
    "iterations": 80_000,
    "lr": 1e-3,
    "decay": 1.0,
    "decay_every": 1,
    "seeds": 1,
}
"""COLA on games whose parameters are logits (Willi et al. 2022, appendix C)."""
QUADRATIC: dict[str, Any] = LOGITS | {
    "look_ahead": 0.1,
    "bound": 1.0,
    "clamp": False,
    "hidden": (8, 8),
    "activation": "relu",
    "batch": 8,
    "iterations": 120_000,
    "lr": 0.1,
    "decay": 0.8,
    "decay_every": 750,
}
"""COLA on games whose values are quadratic (Willi et al. 2022, appendix C)."""

COLA = {
    "tandem": "look_ahead 0.1: consistency loss 6.55e-14 (LOLA 0.08)",
    "balduzzi": "consistent, as on tandem",
    "hamiltonian": "consistent, as on tandem",
    "matching_pennies": "look_ahead 1: consistency loss 2.35e-7 (LOLA 8.79e-6)",
    "ultimatum": "consistent at every look-ahead tried",
    "chicken": "consistent at every look-ahead tried",
    "iterated_prisoners_dilemma": "look_ahead 1: consistency loss 0.65 (LOLA 39.56)",
}
"""What Willi et al. 2022 report, by game."""

IPD = "iterated_prisoners_dilemma"
MFOS = {
    "ppo": {
        (IPD, "naive"): "-0.48 to -0.56 per step in three runs (the naive learner: -2.02 to -2.17)",
        (IPD, "lola_taylor"): "-1.024 per step (LOLA: -1.022)",
        (IPD, SELF): "-1.006 per step, with naive opponents that become rarer; without them, defection",
        ("chicken", "naive"): "0.969 per step (the naive learner: -1.027)",
        (
            "iterated_matching_pennies",
            "naive",
        ): "0.196 or 0.81 per step: two runs disagree, see docs/experiments/matching_pennies_ceiling.md",
    },
    "ga": {(IPD, "lola_taylor"): "-0.838 per step (LOLA: -2.015)"},
    "es": {},
}
"""What Lu et al. 2022 and runs of its code report, by optimizer."""

META = {"steps": 100, "width": 256, "centered": False}
PPO = META | {
    "method": "ppo",
    "lr": 0.002,
    "discount": 0.99,
    "clip": 0.2,
    "entropy": 0.01,
    "value": 0.5,
    "epochs": 4,
}
GA = META | {"method": "ga", "discount": 1.0, "acts": "mode", "parents": 1}
ES = META | {"method": "es", "discount": 1.0, "acts": "mode", "weighting": "ranks"}
SHAPERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("paper", PPO | {"episodes": 4096, "iterations": 1024}),
    ("quick", PPO | {"lr": 0.004, "episodes": 128, "iterations": 500, "width": 128}),
    ("paper", GA | {"sigma": 2.0, "population": 2048, "episodes": 128, "trials": 2048, "iterations": 64}),
    (
        "quick",
        GA | {"sigma": 1.0, "population": 128, "episodes": 4, "trials": 128, "iterations": 40, "width": 64},
    ),
    ("quick", ES | {"lr": 0.05, "sigma": 0.1, "pairs": 64, "episodes": 8, "iterations": 100, "width": 64}),
)
"""M-FOS by size: the published settings, written for a GPU; and quick ones, two minutes on one CPU core."""
TOGETHER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("paper", SHAPERS[0][1] | {"lr": 0.0002, "anneal": 0.0015}),
    ("quick", SHAPERS[1][1] | {"lr": 0.002, "anneal": 0.003, "iterations": 400}),
)
"""M-FOS in self-play by size: smaller steps, and at first against naive opponents."""
INITIAL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("paper", {"steps": 100, "lanes": 128, "iterations": 1000, "lr": 0.01, "terms": "all"}),
    ("quick", {"steps": 100, "lanes": 32, "iterations": 300, "lr": 0.03, "terms": "all"}),
)
"""M-MAML by size; how many matches an iteration averages over is not published."""


META_VALUE: dict[str, Any] = {
    "width": 128,
    "blocks": 1,
    "quantiles": 64,
    "batch": 128,
    "steps": 100,
    "stride": 10,
    "iterations": 1000,
    "lr": 1e-3,
    "decay": 0.01,
    "target": 0.99,
    "mixing": 0.9,
    "flip": 1 / 16,
    "inner_lr": 1.0,
    "discount": 0.95,
}
"""Meta-value learning on matrix games (Cooijmans et al. 2023, published code)."""
QUICK_MEVA = {"width": 64, "quantiles": 32, "batch": 32, "iterations": 300}
"""The smaller settings of a quick training of a meta-value."""


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
"""What Zhao et al. 2022 report, by learner and game."""
POLA_RATES = {"lr": 0.003, "critic": 1 / 6, "inner_critic": 0.05, "moments": "renewed"}
"""Rates of the public code: Adam's moments are reset at every update, and critics learn at .0005."""
POLA_DICE = POLA_RATES | {"steps": 200}
"""POLA-DiCE in the public code."""
POLA_IPD = POLA_DICE | {
    "iterations": 101,
    "look_ahead": 0.005,
    "penalty": 100.0,
    "inner_penalty": 10.0,
    "inner_steps": 2,
}
"""POLA-DiCE on the iterated contribution game."""
POLA_COIN = POLA_DICE | {"iterations": 251, "look_ahead": 0.01, "penalty": 150.0}
"""POLA-DiCE on the coin game."""
QUICK = {"lr": 0.005, "critic": 1.0, "inner_critic": 0.3, "moments": "kept"}
"""A quick run on the iterated contribution game.

Its look-aheads change the policy of a small network by as much as the published ones that of a large network
(`docs/experiments/look_ahead.py`)."""
SMALL = {"batch": 512, "width": 16, "length": 32}
"""Settings of the game of a quick run on the iterated contribution game."""
LOOKING = {
    "lr": 0.005,
    "critic": 2.0,
    "inner_critic": 0.1,
    "moments": "kept",
    "look_ahead": 0.2,
    "inner_steps": 1,
}
"""A quick run on the coin game, with one look-ahead step.

That of LOLA-DiCE is shorter in the published proportion, one step of .003 to four of .01."""
NEAR = {"batch": 512, "width": 16, "length": 16, "egocentric": True, "decay": 0.8, "mix": 0.5}
"""Settings of the coin game of a quick run: JaxMARL's views and length, advantages of a shorter horizon."""
EPISODES: tuple[tuple[str, str, str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "lola_dice_adam",
        "ipd_gru",
        "paper",
        POLA_RATES | {"iterations": 20001, "look_ahead": 0.05, "inner_steps": 1},
        {},
    ),
    ("pola_dice", "ipd_gru", "paper", POLA_IPD, {}),
    ("pola_om", "ipd_gru", "paper", POLA_IPD | {"batches": 200}, {}),
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
        POLA_RATES | {"iterations": 50001, "look_ahead": 0.003, "inner_steps": 1},
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
    (
        "pola_dice",
        "coin_lola",
        "paper",
        POLA_COIN | {"inner_penalty": 5.0, "inner_steps": 4},
        {"batch": 1000},
    ),
    (
        "pola_om",
        "coin_lola",
        "paper",
        POLA_COIN | {"inner_penalty": 15.0, "inner_steps": 6, "batches": 200},
        {"batch": 1000},
    ),
)
"""Learner, game, size, settings of the learner and of the game."""


def cola(game: str, size: str) -> dict[str, Any]:
    """COLA's settings for a game of `COLA`.

    Example:
        >>> cola("tandem", "paper")["iterations"], cola("tandem", "quick")["iterations"]
        (120000, 12000)
    """
    paper = QUADRATIC if game in ("tandem", "balduzzi", "hamiltonian") else LOGITS
    if size == "paper":
        return paper
    shorter = {name: max(1, paper[name] // 10) for name in ("iterations", "decay_every")}
    return paper | shorter


def _cola() -> list[Preset]:
    """COLA's presets."""
    return [
        Preset("cola", size, cola(game, size), "willi2022cola", {(game, SELF): number}, game, SELF)
        for game, number in COLA.items()
        for size in ("paper", "quick")
    ]


def _mfos() -> list[Preset]:
    """M-FOS by PPO (first the settings of self-play), the genetic algorithm and evolution strategies."""
    found = [
        Preset("mfos", size, settings, "lu2022mfos", MFOS["ppo"], against=SELF) for size, settings in TOGETHER
    ]
    return found + [
        Preset("mfos", size, settings, "lu2022mfos", MFOS[settings["method"]]) for size, settings in SHAPERS
    ]


def _mmaml() -> list[Preset]:
    """M-MAML, which Lu et al. 2022 train as a baseline."""
    return [Preset("mmaml", size, settings, "lu2022mfos", {}) for size, settings in INITIAL]


def _meva() -> list[Preset]:
    """Meta-value learning with the settings of its matrix games."""
    number = {(IPD, "naive"): "-0.551 per step after 300 steps of a match (the naive learner: -1.999)"}
    sizes = (("paper", META_VALUE), ("quick", META_VALUE | QUICK_MEVA))
    return [Preset("meva", size, settings, "cooijmans2023meva", number) for size, settings in sizes]


def _pola() -> list[Preset]:
    """POLA-DiCE, POLA-OM and LOLA-DiCE on their games: published settings and quick runs."""
    return [
        Preset(
            learner, size, settings, "zhao2022pola", {(game, SELF): REPORTED[learner, game]}, game, SELF, made
        )
        for learner, game, size, settings, made in EPISODES
    ]


def _ascent() -> list[Preset]:
    """Gradient ascent through the match, for which nothing is published; the policy is M-FOS's."""
    settings = {"steps": 100, "lanes": 64, "width": 256, "centered": False, "iterations": 300, "lr": 0.002}
    return [Preset("ascent", "quick", settings, "lu2022mfos", {})]


PRESETS = (*_cola(), *_mfos(), *_ascent(), *_meva(), *_mmaml(), *_pola())
"""Every preset; of several that fit, the first is taken."""


def preset(
    learner: str, game: str, size: str = "quick", against: str | None = None, method: str | None = None
) -> Preset:
    """The preset of a learner, a game and a size.

    Args:
        learner: such as `"cola"`.
        game: a game's name or alias.
        size: `"quick"` or `"paper"`.
        against: an opponent's name, or `"self"`; by default whatever the learner is mostly trained against.
        method: an optimizer's name, for a learner that is trained by one of several; by default the first.

    Raises:
        ValueError: for an unknown game, or a combination that has no preset.

    Example:
        >>> preset("cola", "ipd", "paper").settings["iterations"]
        80000
        >>> preset("mfos", "ipd", "paper", method="ga").settings["population"]
        2048
    """
    name = PLAYABLE.get(game).name
    learner = LEARNERS.get(learner).name if learner in LEARNERS else learner
    sizes = {p.size for p in PRESETS if (p.learner, p.game) == (learner, name)}
    untrained = learner in LEARNERS and not LEARNERS.get(learner).facts["trained"]
    if untrained and size not in sizes and (size == "quick" or not sizes):
        return _own(learner, size)
    found = among(PRESETS, lambda p: p.learner, learner, "for the learner {!r}")
    found = among(found, lambda p: p.game, name, f"of {learner!r} for the game {{!r}}")
    if method is not None:
        found = among(
            found,
            lambda p: p.settings.get("method", "its own"),
            method,
            f"of {learner!r} by the method {{!r}}",
        )
    found = among(
        found,
        lambda p: p.size,
        size,
        f"of {learner!r}{f' by {method!r}' if method else ''} of the size {{!r}}",
    )
    if against is None:
        return next((p for p in found if p.against is None), found[0])
    return among(found, lambda p: p.against, against, f"of {learner!r} against {{!r}}")[0]


def _own(learner: str, size: str) -> Preset:
    """A match of a learner with its default settings, where none are published."""
    if size != "quick":
        raise ValueError(
            f"There is no preset of {learner!r} of the size {size!r}; accepted: quick, with the learner's own settings."
        )
    entry = LEARNERS.get(learner)
    settings = {
        name: x.default for name, x in entry.settings().items() if isinstance(x.default, (int, float, str))
    }
    return Preset(entry.name, size, {"iterations": 200} | settings, entry.citation, {})


def among(
    presets: "list[Preset] | tuple[Preset, ...]", of: Callable[[Preset], str | None], asked: str, what: str
) -> list[Preset]:
    """The presets that are for what is asked, or for anything."""
    found = [p for p in presets if of(p) in (asked, None)]
    if not found:
        raise ValueError(
            f"There is no preset {what.format(asked)}; {nearest(asked, {str(of(p)) for p in presets})}."
        )
    return found
