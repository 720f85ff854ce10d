"""Consistency: learners whose update directions are the best ones given the others' update directions."""

from collections.abc import Callable

import jax
import optax

from games.base import Game, Joint, Own
from shaping.base import Scalar, replaced

Direction = Callable[[Joint, int], Own]
"""The update direction of a player at any joint parameters, as long as a gradient: `direction(params, seat)`."""


def anticipated(game: Game, direction: Direction, params: Joint, look_ahead: Scalar, seat: int) -> Own:
    r"""The gradient of a player's value after the others' steps: $\nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))$.

    It is a total derivative: $d_{-i}$ is differentiated too, as a function of $\theta_i$.

    Args:
        game: the game.
        direction: the directions $d$ of all players.
        params: $\theta$, the parameters of all players.
        look_ahead: $b$, the step size of the others.
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
    """Every player's direction minus its `anticipated` gradient; 0 for all players where the directions are consistent."""
    return tuple(
        optax.tree.sub(direction(params, seat), anticipated(game, direction, params, look_ahead, seat))
        for seat in range(game.n_players)
    )
