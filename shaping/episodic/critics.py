"""What a learner on episodes thinks everybody's situations, or actions, are worth: networks that take one step per batch of episodes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PyTree

from games.agents.base import Agent
from games.sampled.episodes import Sample
from shaping.base import Scalar, View

Networks = tuple[Agent, ...]
Heights = tuple[Float[Array, "steps_1 batch _"], ...]
"""One player's numbers after the other's: what its network makes of what it saw before every step, and at last."""


class Critics(NamedTuple):
    """The critics of all players, which one learner holds.

    Attributes:
        now: one network per player.
        slow: the same, as they were: exponential averages, which the targets come from.
        moments: Adam's.
    """

    now: Networks
    slow: Networks
    moments: PyTree[Array]


def drawn(view: View, outputs: Sequence[int], lr: Scalar) -> Critics:
    """Critics of the form of the game's policies, with a number of outputs for each player; tables start at zero."""
    game = view.sampled
    key = jax.random.key(0) if view.key is None else view.key
    shape = game.environment.observation_shape
    networks: Any = tuple(
        game.policy.network(jax.random.fold_in(key, i), shape, n) for i, n in enumerate(outputs)
    )
    return Critics(networks, networks, optax.adam(lr).init(networks))


def heights(networks: Networks, played: Sample) -> Heights:
    """What the networks make of what everybody saw."""
    return tuple(x.unroll_batch(played.seen(i, last=True)) for i, x in enumerate(networks))


def going_on(played: Sample) -> Bool[Array, "steps_1 batch 1"]:
    """Whether the game went on before every step and at last, which is taken for a cut in a game that goes on: what follows counts."""
    return jnp.concatenate([played.alive, played.alive[-1:]])[..., None]


def picked(numbers: Float[Array, "*axes n_actions"], actions: Int[Array, "*axes"]) -> Float[Array, "*axes"]:
    """The numbers of the actions that were taken."""
    return jnp.where(jax.nn.one_hot(actions, numbers.shape[-1], dtype=bool), numbers, 0.0).sum(axis=-1)


def mean(numbers: Float[Array, "steps batch"], played: Sample) -> Float[Array, ""]:
    """The mean over all steps that belong to an episode."""
    return jnp.where(played.alive, numbers, 0.0).sum() / played.alive.sum()


def improved(
    critics: Critics, loss: Callable[[Networks], Float[Array, ""]], lr: Scalar, keep: Scalar
) -> Critics:
    """One step of Adam down a loss; the averages keep a share of what they were."""
    direction, moments = optax.adam(lr).update(jax.grad(loss)(critics.now), critics.moments)
    now = jax.tree.map(jnp.add, critics.now, direction)
    return Critics(
        now, jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, critics.slow, now), moments
    )
