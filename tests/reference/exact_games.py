"""Compiled values of exact games, their stage games, and random parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from analysis.tournaments.round_robins import anonymous
from games import Iterated

IPD = [[-1.0, -3.0], [0.0, -2.0]]
"""Own payoffs of the iterated prisoner's dilemma of LOLA."""

_compiled_values = eqx.filter_jit(lambda game, params: game.values(params))


def values(game, params):
    """`game.values(params)`; games of one structure share a compiled program, because their names are removed."""
    return _compiled_values(anonymous(game), params)


def stage_of(game):
    """The stage game of an iterated game; any other game itself."""
    return game.stage if isinstance(game, Iterated) else game


def random_parameters(game, seed, scale):
    """Normal parameters of the given standard deviation, in the shapes of the game's initial parameters."""
    rng = np.random.default_rng(seed)
    return tuple(
        jnp.asarray(scale * rng.normal(size=own.shape), own.dtype) for own in game.init(jax.random.key(0))
    )


class MatrixForm(Iterated):
    """The game valued by its matrix form, which compiles in a third of the time of the form in scalars."""

    is_scalar = False
