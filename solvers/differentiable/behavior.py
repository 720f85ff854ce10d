"""What joint parameters amount to: action probabilities where they are logits, and whether some of those lie on the boundary."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from games.base import Game, Joint
from games.compiler import filter_jit
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.tables import as_table, probabilities
from solvers.differentiable.jacobian import Field

EDGE = 1e-4
"""An action's probability below this counts as 0, and its logit as infinite."""

velocity = filter_jit(lambda field, params: field(params))


def has_logits(game: Game) -> bool:
    """Whether a game's parameters are logits of action probabilities."""
    return isinstance(game, (Iterated, MatrixGame))


def behavior(game: Game, params: Joint) -> Float[Array, " m"]:
    """Everybody's action probabilities where parameters are logits, otherwise the parameters themselves; flat."""
    if isinstance(game, (Iterated, MatrixGame)):
        tables = [probabilities(as_table(own), a) for own, a in zip(params, game.n_actions, strict=True)]
        return jnp.concatenate([t.ravel() for t in tables])
    return ravel_pytree(params)[0]


def pushes_outward(game: Any, field: Field, params: Joint) -> bool:
    r"""Whether a field lowers the probability of every action that is below `EDGE`, seen from where it is about `EDGE`.

    For the simultaneous gradient this is the first-order condition of a Nash equilibrium on the boundary: no
    unused action earns more.
    """
    ceiling = float(np.log1p(-EDGE) - np.log(EDGE))
    tables = [np.asarray(as_table(own), dtype=float) for own in params]
    inside = []
    for own, table, a in zip(params, tables, game.n_actions, strict=True):
        near = (
            np.clip(table, -ceiling, ceiling)
            if a == 2
            else np.maximum(table, table.max(-1, keepdims=True) - ceiling)
        )
        near = jnp.asarray(near, jnp.result_type(*jax.tree.leaves(own)))
        inside.append(tuple(near) if isinstance(own, tuple) else near)
    moves = [np.asarray(as_table(own), dtype=float) for own in velocity(field, tuple(inside))]
    falls = []
    for table, near, move, a in zip(tables, inside, moves, game.n_actions, strict=True):
        rare = np.asarray(probabilities(jnp.asarray(table), a)) < EDGE
        mean = (
            np.sum(np.asarray(probabilities(as_table(near), a)) * move, axis=-1, keepdims=True)
            if a > 2
            else 0.0
        )
        growth = np.stack([move, -move], axis=-1) if a == 2 else move - mean  # the sign of d log p
        falls.append(((growth < 0) | ~rare).all())
    return bool(all(falls))
