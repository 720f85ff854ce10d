"""Tables of action values, learned from the steps of episodes, and policies as the tables of logits that play."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from games.base import Own
from games.exact.tables import CERTAIN
from shaping.base import Scalar, View
from shaping.episodic.critics import going_on


class Step(NamedTuple):
    """What one player saw, did and got; a leading axis of steps, if there are several, comes before that of episodes.

    Attributes:
        row: what it saw, one-hot.
        own: its action, one-hot.
        others: the joint action of the others, one-hot; a single entry where they are part of the world.
        reward: its reward.
        after: what it saw next, one-hot; zeros where nothing follows.
        weight: 1 over the number of episodes, and 0 after an episode's end.
    """

    row: Float[Array, "*steps batch rows"]
    own: Float[Array, "*steps batch actions"]
    others: Float[Array, "*steps batch joint"]
    reward: Float[Array, "*steps batch"]
    after: Float[Array, "*steps batch rows"]
    weight: Float[Array, "*steps batch"]


def sizes(view: View) -> tuple[int, int]:
    """Rows and actions of the player's table.

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
    """How many joint actions the others have."""
    number = 1
    for j in view.others:
        number *= view.sampled.environment.n_actions[j]
    return number


def experience(view: View, joint: bool = False) -> Step:
    """All steps of a batch of episodes, which the player learns from: its own observations and rewards, and everybody's actions.

    Args:
        view: the game from the player's seat.
        joint: whether the others' actions are told apart.
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
        jnp.where(going_on(played)[1:], seen[1:], 0.0),
        played.alive.astype(seen.dtype) / played.alive.shape[1],
    )


def drawn(view: View, spread: Scalar, joint: int = 1) -> Float[Array, "rows actions joint"]:
    """Action values from a normal distribution around 0."""
    key = jax.random.key(0) if view.key is None else view.key
    return spread * jax.random.normal(key, (*sizes(view), joint), view.own.dtype)


def expected(
    q: Float[Array, "rows actions joint"], chances: Float[Array, "rows joint"]
) -> Float[Array, "rows actions"]:
    """The values of own actions, the others acting by chance."""
    return jnp.einsum("raj,rj->ra", q, chances)


def corrected(
    q: Float[Array, "rows actions joint"],
    chances: Float[Array, "rows joint"],
    now: Step,
    rate: Scalar,
    discount: Scalar,
) -> Float[Array, "rows actions joint"]:
    r"""One step of Q-learning: $Q(o, a) \leftarrow Q(o, a) + \alpha (r + d \max_{a'} \bar Q(o', a') - Q(o, a))$, the mean over episodes."""
    targets = now.reward + discount * now.after @ expected(q, chances).max(axis=-1)
    place = jnp.einsum("br,ba,bj->braj", now.row, now.own, now.others)
    gaps = targets - jnp.einsum("braj,raj->b", place, q)
    return q + rate * jnp.einsum("braj,b->raj", place, now.weight * gaps)


def decayed(rate: Scalar, decay: Scalar, time: Int[Array, ""]) -> Float[Array, ""]:
    r"""$1 / (1/\alpha + c\,t)$, also where $\alpha$ is 0.

    Example:
        >>> float(decayed(0.5, 1.0, jnp.array(2)))
        0.25
    """
    return rate / (1 + rate * decay * time)


def greedy(values: Float[Array, "rows actions"], epsilon: Scalar) -> Float[Array, "rows actions"]:
    r"""Probabilities: the best action, but with probability $\epsilon$ one of the others; of equals, the first is the best.

    Example:
        >>> greedy(jnp.array([[1.0, 2.0, 0.0]]), 0.5).tolist()
        [[0.25, 0.5, 0.25]]
    """
    n = values.shape[-1]
    best = jax.nn.one_hot(values.argmax(axis=-1), n, dtype=bool)
    return jnp.where(best, 1 - epsilon, epsilon / max(n - 1, 1)).astype(values.dtype)


def table(policy: Float[Array, "rows actions"]) -> Own:
    """The logits of probabilities, in the form that `games.agents.base.Table` plays.

    Example:
        >>> table(jnp.array([[0.5, 0.5], [1.0, 0.0]])).tolist()
        [0.0, 1000.0]
    """
    logs = jnp.maximum(jnp.log(policy), -CERTAIN)
    return logs[:, 0] - logs[:, 1] if policy.shape[-1] == 2 else logs
