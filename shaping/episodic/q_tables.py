"""Tables of action values learned by Q-learning from episodes, and the tables of logits that play them."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from games.base import Own
from games.exact.tables import CERTAIN
from shaping.base import Scalar, View
from shaping.episodic.critics import bootstrap_mask


class Step(NamedTuple):
    """One player's transitions at one step of a batch of episodes, or at all steps, with a leading axis of steps.

    Attributes:
        row: the observation, one-hot.
        own: the own action, one-hot.
        others: the others' joint action, one-hot; a single entry if the learner does not distinguish them.
        reward: the own reward.
        after: the next observation, one-hot; zeros after a terminal step.
        weight: 1 over the number of episodes; 0 after an episode's end.
    """

    row: Float[Array, "*steps batch rows"]
    own: Float[Array, "*steps batch actions"]
    others: Float[Array, "*steps batch joint"]
    reward: Float[Array, "*steps batch"]
    after: Float[Array, "*steps batch rows"]
    weight: Float[Array, "*steps batch"]


def sizes(view: View) -> tuple[int, int]:
    """The numbers of rows and actions of the player's table.

    Raises:
        ValueError: where the game is not sampled, or the player's policy is no table.
    """
    environment = view.sampled.environment
    if not isinstance(view.own, jax.Array):
        raise ValueError(
            f"Player {view.seat} of {view.game.name!r} plays through a network, but action values are kept in a table; take "
            "policy=TablePolicy() and observations that are one-hot vectors."
        )
    return view.own.shape[0], environment.n_actions[view.seat]


def joint_actions(view: View) -> int:
    """The number of joint actions of the others."""
    return math.prod(view.sampled.environment.n_actions[j] for j in view.others)


def experience(view: View, joint: bool = False) -> Step:
    """The player's transitions at all steps of a new batch of episodes: own observations and rewards, and actions.

    Args:
        view: the game from the player's seat.
        joint: whether the others' joint actions are distinguished.
    """
    played, seat, n = view.rollout(), view.seat, view.sampled.environment.n_actions
    seen = played.seen(seat, last=True).astype(view.own.dtype)
    number = jnp.zeros(played.alive.shape, jnp.int32)
    for j in view.others if joint else ():
        number = number * n[j] + played.actions[..., j]
    return Step(
        seen[:-1],
        jax.nn.one_hot(played.actions[..., seat], n[seat], dtype=seen.dtype),
        jax.nn.one_hot(number, joint_actions(view) if joint else 1, dtype=seen.dtype),
        played.rewards[..., seat].astype(seen.dtype),
        jnp.where(bootstrap_mask(played)[1:], seen[1:], 0.0),
        played.alive.astype(seen.dtype) / played.alive.shape[1],
    )


def random_values(view: View, spread: Scalar, joint: int = 1) -> Float[Array, "rows actions joint"]:
    """Initial action values from a normal distribution with mean 0 and standard deviation `spread`."""
    key = jax.random.key(0) if view.key is None else view.key
    return spread * jax.random.normal(key, (*sizes(view), joint), view.own.dtype)


def expected(
    q: Float[Array, "rows actions joint"], chances: Float[Array, "rows joint"]
) -> Float[Array, "rows actions"]:
    """The expected value of every own action when the others' joint action has the given probabilities."""
    return jnp.einsum("raj,rj->ra", q, chances)


def q_learning_step(
    q: Float[Array, "rows actions joint"],
    chances: Float[Array, "rows joint"],
    now: Step,
    rate: Scalar,
    discount: Scalar,
) -> Float[Array, "rows actions joint"]:
    r"""One step of Q-learning: $Q(o, a) \leftarrow Q(o, a) + \alpha (r + d \max_{a'} \bar Q(o', a') - Q(o, a))$, averaged over episodes."""
    targets = now.reward + discount * now.after @ expected(q, chances).max(axis=-1)
    entry = jnp.einsum("br,ba,bj->braj", now.row, now.own, now.others)
    errors = targets - jnp.einsum("braj,raj->b", entry, q)
    return q + rate * jnp.einsum("braj,b->raj", entry, now.weight * errors)


def decayed_rate(rate: Scalar, decay: Scalar, time: Int[Array, ""]) -> Float[Array, ""]:
    r"""The learning rate at step t, $1 / (1/\alpha + c\,t)$; 0 if $\alpha$ is 0.

    Example:
        >>> float(decayed_rate(0.5, 1.0, jnp.array(2)))
        0.25
    """
    return rate / (1 + rate * decay * time)


def greedy(values: Float[Array, "rows actions"], epsilon: Scalar) -> Float[Array, "rows actions"]:
    r"""The $\epsilon$-greedy policy: the best action with probability $1 - \epsilon$, else one of the others.

    Of equally good actions the first is the best.

    Example:
        >>> greedy(jnp.array([[1.0, 2.0, 0.0]]), 0.5).tolist()
        [[0.25, 0.5, 0.25]]
    """
    n = values.shape[-1]
    best = jax.nn.one_hot(values.argmax(axis=-1), n, dtype=bool)
    return jnp.where(best, 1 - epsilon, epsilon / max(n - 1, 1)).astype(values.dtype)


def table(policy: Float[Array, "rows actions"]) -> Own:
    """The logits of a policy, in the form of the parameters of `games.agents.base.Table`.

    Example:
        >>> table(jnp.array([[0.5, 0.5], [1.0, 0.0]])).tolist()
        [0.0, 1000.0]
    """
    logs = jnp.maximum(jnp.log(policy), -CERTAIN)
    return logs[:, 0] - logs[:, 1] if policy.shape[-1] == 2 else logs
