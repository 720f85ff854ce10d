"""What one's gradient is once everybody's directions are anticipated: the equation that consistent learners solve."""

from collections.abc import Callable

import jax
import optax

from games.base import Game, Joint, Own
from shaping.base import Scalar, replaced

Direction = Callable[[Joint, int], Own]
"""A player's direction at any joint parameters, in units of the gradient: `direction(params, seat)`."""


def anticipated(game: Game, direction: Direction, params: Joint, look_ahead: Scalar, seat: int) -> Own:
    r"""$\nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))$, a total derivative, through $d_{-i}$ too.

    Args:
        game: the game.
        direction: everybody's directions $d$.
        params: everybody's parameters $\theta$.
        look_ahead: $b$.
        seat: the player i.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", definition 1.
    """

    def value(own: Own) -> Scalar:
        here = replaced(params, seat, own)
        ahead = tuple(
            p if j == seat else optax.tree.add_scale(p, look_ahead, direction(here, j))
            for j, p in enumerate(here)
        )
        return game.values(ahead)[seat]

    return jax.grad(value)(params[seat])


def gaps(game: Game, direction: Direction, params: Joint, look_ahead: Scalar) -> Joint:
    """For every player, its direction less the gradient once the others' directions are anticipated; 0 where they are consistent."""
    return tuple(
        optax.tree.sub(direction(params, seat), anticipated(game, direction, params, look_ahead, seat))
        for seat in range(game.n_players)
    )
