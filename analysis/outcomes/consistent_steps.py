"""How consistent both learners' steps at the end of a match are with each other."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from analysis.consistency import consistency_loss
from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import Undefined, outcome
from games.base import Game, Joint
from games.compiler import filter_jit
from shaping.base import Learner


def with_unit_step(learner: Learner | None, name: str) -> tuple[Learner, float]:
    """The learner with the learning rate 1, and its look-ahead.

    Raises:
        Undefined: for a learner that could not be rebuilt, or has no learning rate or no look-ahead.
    """
    if learner is None:
        raise Undefined(f"The learner {name!r} could not be rebuilt from the folder.")
    fields = {field.name for field in dataclasses.fields(learner)}
    if not {"lr", "look_ahead"} <= fields:
        raise Undefined(
            f"{name!r} has no learning rate or no look-ahead, so the steps that it anticipates are not known."
        )
    numbers: Any = learner
    return eqx.tree_at(lambda x: x.lr, numbers, jnp.ones_like(numbers.lr)), float(numbers.look_ahead)


@filter_jit
def losses(game: Game, learners: Sequence[Learner], params: Joint, look_ahead: Any) -> Float[Array, " lanes"]:
    """`consistency_loss` in every lane."""
    return jax.vmap(lambda joint: consistency_loss(game, learners, joint, look_ahead))(params)


@outcome("consistency_loss", "willi2022cola", slow=True, whole_match=True)
def _consistency_loss(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Squared distance of both learners' final steps from the gradients at each other's anticipated steps."""
    found = [with_unit_step(match.learners.get(name), name) for name in match.cell.learners]
    look_aheads = {look_ahead for _, look_ahead in found}
    if len(look_aheads) > 1:
        raise Undefined("The learners look ahead by different step sizes, and the loss is defined for one.")
    game, (look_ahead,) = match.game, look_aheads
    return np.asarray(losses(game, [x for x, _ in found], match.params, jnp.asarray(look_ahead)), dtype=float)
