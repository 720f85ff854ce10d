"""How often each outcome occurs in memory-one play of two actions, over many lanes at once."""

from typing import Any

import numpy as np
from jaxtyping import Float

from games.base import Game
from games.exact.iterated import Iterated

OUTCOMES = ("CC", "CD", "DC", "DD")
"""Joint actions of both seats; C is action 0, and seat 0 comes first."""
NEARLY_ONE = 1 - 1e-10
"""The discount that stands for a game of average rewards."""


def plays_memory_one(game: Game | None) -> bool:
    """Whether the players of a game remember one joint action of two actions each."""
    return type(game) is Iterated and game.n_actions == (2, 2) and game.memory == 1


def outcome_frequencies(
    game: Any, own: Float[np.ndarray, "*lanes 5"], other: Float[np.ndarray, "*lanes 5"]
) -> Float[np.ndarray, "*lanes 4"]:
    r"""Frequencies $(1-d) \sum_t d^t P(o_t = o)$ of the joint actions `OUTCOMES`, as $(1-d)\, p_0 (I - d M)^{-1}$.

    Args:
        game: a game for which `plays_memory_one` holds.
        own: logits of seat 0 after start, CC, CD, DC and DD.
        other: logits of seat 1, its own action first.
    """
    from scipy.special import expit

    p, q = expit(own.astype(float)), expit(other.astype(float))[..., [0, 1, 3, 2, 4]]
    joint = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], axis=-1)
    discount = NEARLY_ONE if game.criterion == "average" else min(float(game.discount), NEARLY_ONE)
    finite = np.asarray(np.isfinite(joint).all((-1, -2)))
    joint = np.where(finite[..., None, None], joint, 0.25)
    chain = np.swapaxes(np.eye(4) - discount * joint[..., 1:, :], -1, -2)
    found = np.linalg.solve(chain, (1 - discount) * joint[..., 0, :, None])[..., 0]
    return np.where(finite[..., None], found, np.nan)


def memory_one_values(game: Any, own: np.ndarray, other: np.ndarray) -> Float[np.ndarray, "2 *lanes"]:
    """Per-step values of both seats: the payoffs of the joint actions, weighted by their frequencies."""
    payoffs = np.asarray(game.stage.payoffs, float).reshape(2, 4)
    return np.moveaxis(outcome_frequencies(game, own, other) @ payoffs.T, -1, 0)
