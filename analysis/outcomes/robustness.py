"""Robustness: what a player's final parameters earn against a naive learner that starts afresh."""

import jax
import numpy as np
from jaxtyping import Float

from analysis.outcomes.matches import PlayedMatch, kept
from analysis.outcomes.registry import outcome
from games.base import Game, Joint
from shaping.engine import lane_keys
from shaping.learners.fixed import Constant
from shaping.learners.naive import Naive
from shaping.match import play


def value_against_naive(
    game: Game, params: Joint, seat: int, steps: int, seed: int = 0
) -> Float[np.ndarray, " seeds"]:
    """A player's per-step value after naive learners in all other seats have learned against its parameters.

    The player's parameters stay as they are. The others start from new draws of the game and take `steps`
    steps of gradient ascent on their own values, with the learning rate 1.

    Args:
        game: the game.
        params: the joint parameters, every leaf with a leading axis of lanes; only those of the seat are used.
        seat: the player's seat.
        steps: number of learning steps, at least 1.
        seed: of the others' initial parameters.

    Source:
        Foerster et al. 2018, "Learning with opponent-learning awareness", for the naive learner.

    Example:
        >>> from games import ipd
        >>> from games.strategies import policy
        >>> tft = np.asarray(policy("tft"))[None]
        >>> round(float(value_against_naive(ipd(), (tft, tft), 0, 100)[0]), 1)
        -1.0
    """
    seeds = len(jax.tree.leaves(params)[0])
    drawn = jax.vmap(game.init)(lane_keys(seed, "fresh opponents", seeds))
    start = tuple(params[i] if i == seat else own for i, own in enumerate(drawn))
    start = jax.tree.map(lambda x, like: np.asarray(x, like.dtype), start, drawn)
    learners = [Constant() if i == seat else Naive() for i in range(game.n_players)]
    match = play(game, learners, seed, steps=steps, seeds=seeds, every=steps, params=start)
    return np.where(match.ok, np.asarray(match.values)[:, -1, seat], np.nan).astype(float)


@kept
def against_naive(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """`value_against_naive` of every seat after as many steps as the match has."""
    steps = max(match.cell.steps, 1)
    return np.stack([value_against_naive(match.game, match.params, i, steps) for i in range(match.n_players)])


@outcome("value_against_naive", "foerster2018lola", slow=True, whole_match=True, units="payoff")
def _value_against_naive(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """What the player's final parameters earn per step once a fresh naive learner has adapted to them."""
    return against_naive(match)


@outcome("robustness", "foerster2018lola", slow=True, whole_match=True, units="difference")
def _robustness(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """What the player's final parameters earn against a fresh naive learner, minus what they earn in the match."""
    return against_naive(match) - match.values
