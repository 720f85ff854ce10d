"""What may be given for a learner: one that is made, a class, a factory, or a name in `LEARNERS`."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp

from games.base import Game
from games.checks import shown
from shaping.base import Learner
from shaping.catalog import LEARNERS
from shaping.sweeps import Sweep


def as_learner(given: Any) -> Learner:
    """A learner: itself, a name in `LEARNERS`, or a class such as `Lola`.

    Raises:
        ValueError: for an unknown name, for what is no learner, and for one that holds several numbers in
            place of one.

    Example:
        >>> from shaping import Lola
        >>> as_learner("lola").label, as_learner(Lola).label
        ('lola', 'lola')
    """
    if isinstance(given, Sweep):
        raise ValueError("A sweep is no single learner; give it to play, or take one of its points.")
    learner = LEARNERS.member(given, Learner, "Lola()")
    check_single(learner)
    return learner


def as_learners(given: Any, game: Game, opens: bool = False) -> tuple[Any, ...]:
    """One learner per seat of a game, each given as `as_learner` accepts it.

    A `Sweep` is kept as it is; so is None, where seats may be open.

    Raises:
        ValueError: for something that is no sequence, for another number of learners than seats, and as
            `as_learner`.
    """
    if isinstance(given, (str, Learner, Sweep, Mapping)) or not isinstance(given, Iterable):
        example = ", ".join(["Lola()", *["None" if opens else "Naive()"] * (game.n_players - 1)])
        raise ValueError(
            f"The learners are {shown(given)}; give a list with one learner per seat, such as [{example}]."
        )
    given = tuple(given)
    if len(given) != game.n_players:
        less = ", None for a seat to be left open" if opens else ""
        raise ValueError(
            f"{len(given)} learners were given for {game.n_players} seats of {game.name!r}; give exactly one per seat{less}."
        )
    return tuple(x if isinstance(x, Sweep) or (opens and x is None) else as_learner(x) for x in given)


def check_single(learner: Learner) -> None:
    """Refuse several numbers in place of one, in a learner or in one that it holds.

    Raises:
        ValueError: naming the field, with the sweep that runs over its numbers.
    """
    for field in dataclasses.fields(learner):
        value = getattr(learner, field.name)
        if isinstance(value, Learner):
            check_single(value)
        elif field.metadata.get("single") and jnp.ndim(value):
            name = type(learner).__name__
            raise ValueError(
                f"{name}: {field.name} has shape {jnp.shape(value)}; a learner has one, and sweep({name}, {field.name}=[...]) runs over "
                "several side by side."
            )
