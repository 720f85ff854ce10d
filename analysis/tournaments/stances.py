"""From where the players of a round robin learn: both seats in one batched update where the game allows it.

In seat 1 of a game one learns as in seat 0 of the game with its seats exchanged. Where that game differs in
numbers alone, the two are a batch, and a compiled body holds every learner's update once.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from games.base import Game, Joint


class Stance(NamedTuple):
    """Seats whose players learn in one batched update.

    Attributes:
        games: the game as each of these seats sees it, stacked.
        seat: where the learner sits in those games.
        places: the seats of the match, one per stacked game.
    """

    games: Game
    seat: int
    places: tuple[int, ...]


def stances(game: Game, apart: bool = False) -> tuple[Stance, ...]:
    """One stance for both seats where exchanging them changes only numbers, otherwise, or where they are to be `apart`, one for each."""
    other = game.exchanged()
    if other is None:
        return tuple(Stance(jax.tree.map(lambda x: x[None], game), seat, (seat,)) for seat in range(2))
    if apart:
        return tuple(
            Stance(jax.tree.map(lambda x: x[None], g), 0, (place,)) for place, g in enumerate((game, other))
        )
    return (Stance(jax.tree.map(lambda *x: jnp.stack(x), game, other), 0, (0, 1)),)


def facing(stance: Stance, joint: Joint) -> Joint:
    """Parameters as the stance's players see them: leaves (place, own learner, opponent, seed), the learner's in `joint[stance.seat]`."""

    def seen(place: int) -> Joint:
        turned = joint if place == 0 else jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), joint)
        return turned if place == stance.seat else turned[::-1]

    return jax.tree.map(lambda *x: jnp.stack(x), *(seen(place) for place in stance.places))


def over_lanes(f: Callable) -> Callable:
    """`f(learner, game, joint, state, key, place)` over places, a group's members, opponents and seeds."""
    for axes in (
        (None, None, 0, 0, 0, None),
        (None, None, 0, 0, None, None),
        (0, None, 0, 0, None, None),
        (None, 0, 0, 0, None, 0),
    ):
        f = jax.vmap(f, in_axes=axes)
    return f
