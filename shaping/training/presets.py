"""The settings of published trainings, each with its citation and the numbers it should reproduce."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from games import PLAYABLE
from games.base import Game
from games.registry import nearest
from shaping.catalog import LEARNERS
from shaping.training.cola import ColaSettings
from shaping.training.meva import MevaSettings
from shaping.training.presets_sampled import EPISODES, REPORTED

SELF = "self"
"""In place of an opponent: every seat is trained."""


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
        """What is published about a game and an opponent, as a phrase."""
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


QUADRATIC = ColaSettings(
    bound=1.0,
    clamp=False,
    hidden=(8, 8),
    activation="relu",
    batch=8,
    iterations=120_000,
    lr=0.1,
    decay=0.8,
    decay_every=750,
)
"""COLA on games whose values are quadratic (Willi et al. 2022, appendix C)."""
LOGITS = ColaSettings(
    bound=7.0, clamp=True, hidden=(16, 16, 16), activation="tanh", batch=64, iterations=80_000, lr=1e-3
)
"""COLA on games whose parameters are logits (Willi et al. 2022, appendix C)."""

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
"""M-FOS by size: the published settings, written for a GPU, and such as a core of a CPU finishes in two minutes."""
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


QUICK_MEVA = {"width": 64, "quantiles": 32, "batch": 32, "iterations": 300}
"""What is smaller in a quick training of a meta-value."""


def cola(game: str, size: str) -> ColaSettings:
    """COLA's settings for a game of `COLA`.

    Example:
        >>> cola("tandem", "paper").iterations, cola("tandem", "quick").iterations
        (120000, 12000)
    """
    paper = (
        dataclasses.replace(QUADRATIC, look_ahead=0.1)
        if game in ("tandem", "balduzzi", "hamiltonian")
        else LOGITS
    )
    if size == "paper":
        return paper
    return dataclasses.replace(
        paper, iterations=paper.iterations // 10, decay_every=max(1, paper.decay_every // 10)
    )


def _cola() -> list[Preset]:
    """COLA's presets."""
    return [
        Preset(
            "cola",
            size,
            dataclasses.asdict(cola(game, size)) | {"seeds": 1},
            "willi2022cola",
            {(game, SELF): number},
            game,
            SELF,
        )
        for game, number in COLA.items()
        for size in ("paper", "quick")
    ]


def _mfos() -> list[Preset]:
    """M-FOS by PPO, the genetic algorithm and evolution strategies; of PPO, the settings for self-play first."""
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
    paper = dataclasses.asdict(MevaSettings())
    number = {(IPD, "naive"): "-0.551 per step after 300 steps of a match (the naive learner: -1.999)"}
    sizes = (("paper", paper), ("quick", paper | QUICK_MEVA))
    return [Preset("meva", size, settings, "cooijmans2023meva", number) for size, settings in sizes]


def _pola() -> list[Preset]:
    """POLA-DiCE and LOLA-DiCE on both of their games: published settings, written for a GPU, and a quick run of the same kind."""
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
    if learner in LEARNERS and size not in sizes and (size == "quick" or not sizes):
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
    """A match of a learner with its own settings, for one without published ones."""
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
