"""Trainers under the names of the learners that they train."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from games.base import Game
from games.registry import Entry, Registry, nearest
from shaping.base import Learner
from shaping.catalog import LEARNERS
from shaping.training.ascent import AscentTrainer
from shaping.training.cola import ColaTrainer
from shaping.training.match import MatchTrainer
from shaping.training.meva import MevaTrainer
from shaping.training.mfos import MfosTrainer
from shaping.training.mmaml import MmamlTrainer
from shaping.training.trainer import Trainer, check_names

SELF = "self"
"""In place of an opponent: every seat is trained."""

TRAINERS = Registry("trainer")
"""Trainers by the name of the learner that they train.

An entry makes a trainer from the game, one learner per seat (None for a trained seat) and settings by name.
Facts: `against`, the usual opponent, `"self"` where every seat is trained; `iterations`, how many by default.
"""

for _name, _make, _against, _iterations in (
    ("cola", ColaTrainer, SELF, 80_000),
    ("mfos", MfosTrainer.with_settings, "naive", 1024),
    ("meva", MevaTrainer, "naive", 1000),
    ("ascent", AscentTrainer, "naive", 300),
    ("mmaml", MmamlTrainer, "naive", 1000),
):
    _facts = {"against": _against, "iterations": _iterations}
    _entry = LEARNERS.get(_name)
    TRAINERS.add(Entry(_name, _make, _entry.summary, _entry.citation, (), _facts, _entry.also))


def trainer_entry(learner: str) -> Entry:
    """The entry of a learner's trainer; that of a learner that plays untrained is a match.

    Raises:
        ValueError: for an unknown learner, or one that does not learn, with the nearest accepted name.

    Example:
        >>> trainer_entry("cola").facts["against"], trainer_entry("lola").facts["iterations"]
        ('self', 100)
    """
    if learner in TRAINERS:
        return TRAINERS.get(learner)
    learning = [entry.name for entry in LEARNERS if entry.facts["learns"] and not entry.facts["trained"]]
    if learner not in LEARNERS or LEARNERS.get(learner).name not in learning:
        known = [*(entry.name for entry in TRAINERS), *learning]
        raise ValueError(f"There is no training of the learner {learner!r}; {nearest(str(learner), known)}.")
    entry = LEARNERS.get(learner)
    facts = {"against": SELF, "iterations": 100}
    make = functools.partial(match_trainer, entry.name)
    return Entry(entry.name, make, entry.summary, entry.citation, (), facts, entry.also)


def match_trainer(name: str, game: Game, seats: Sequence[Learner | None], **settings: Any) -> MatchTrainer:
    """A match in which a learner of `LEARNERS` plays in the open seats, whose parameters are kept.

    Example:
        >>> from games import ipd
        >>> match_trainer("lola", ipd(), [None, "naive"], lr=0.1).kept
        (0,)
    """
    kept = tuple(seat for seat, x in enumerate(seats) if x is None)
    return MatchTrainer(game, [LEARNERS.make(name, **settings) if x is None else x for x in seats], kept)


def make_trainer(
    learner: str, game: Game, seats: Sequence[Learner | None], settings: Mapping[str, Any]
) -> Trainer:
    """The trainer of a learner.

    Args:
        learner: its name in `TRAINERS`, or in `LEARNERS` for a match.
        game: the game.
        seats: one learner per seat, in order; None for a trained seat.
        settings: by name.

    Raises:
        ValueError: for an unknown name or setting, and as the trainer.

    Example:
        >>> from games import tandem
        >>> make_trainer("cola", tandem(), [None, None], {"hidden": (4,)}).hidden
        (4,)
    """
    entry = trainer_entry(learner)
    accepted = entry.settings()
    if not any(x.kind is inspect.Parameter.VAR_KEYWORD for x in accepted.values()):
        check_names(learner, settings, set(accepted) - {"game", "seats"})
    return entry.make(game, seats, **settings)
