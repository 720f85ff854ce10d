"""Critics of all players, trained by one step of Adam per batch of episodes, with target networks."""

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
"""One network per player."""
Outputs = tuple[Float[Array, "steps_1 batch _"], ...]
"""The outputs of every player's network for its observations before every step and after the last one."""


class Critics(NamedTuple):
    """The critics of all players, held by one learner.

    Attributes:
        networks: one network per player.
        targets: the target networks, exponential moving averages of the networks.
        moments: Adam's.
    """

    networks: Networks
    targets: Networks
    moments: PyTree[Array]


def new_critics(view: View, outputs: Sequence[int], lr: Scalar) -> Critics:
    """Critics of the same architecture as the game's policies, with a number of outputs per player; tables start at zero."""
    game = view.sampled
    key = jax.random.key(0) if view.key is None else view.key
    shape = game.environment.observation_shape
    networks: Any = tuple(
        game.policy.network(jax.random.fold_in(key, i), shape, n) for i, n in enumerate(outputs)
    )
    return Critics(networks, networks, optax.adam(lr).init(networks))


def network_outputs(networks: Networks, played: Sample) -> Outputs:
    """The outputs of every player's network along the episodes."""
    return tuple(x.unroll_batch(played.seen(i, last=True)) for i, x in enumerate(networks))


def bootstrap_mask(played: Sample) -> Bool[Array, "steps_1 batch 1"]:
    """Mask of the observations whose value estimate is used, (steps + 1, batch, 1).

    An episode that reaches its last step counts as truncated, not terminated, so its final value is
    bootstrapped.
    """
    return jnp.concatenate([played.alive, played.alive[-1:]])[..., None]


def at_actions(
    numbers: Float[Array, "*axes n_actions"], actions: Int[Array, "*axes"]
) -> Float[Array, "*axes"]:
    """The entries of the actions that were taken."""
    return jnp.where(jax.nn.one_hot(actions, numbers.shape[-1], dtype=bool), numbers, 0.0).sum(axis=-1)


def mean(numbers: Float[Array, "steps batch"], played: Sample) -> Float[Array, ""]:
    """The mean over all steps of all episodes, without the steps after an episode's end."""
    return jnp.where(played.alive, numbers, 0.0).sum() / played.alive.sum()


def updated(
    critics: Critics, loss: Callable[[Networks], Float[Array, ""]], lr: Scalar, keep: Scalar
) -> Critics:
    """The critics after one step of Adam on a loss; target networks keep a share of their old parameters."""
    current: Any = critics.networks
    step, moments = optax.adam(lr).update(jax.grad(loss)(critics.networks), critics.moments)
    networks: Any = optax.apply_updates(current, step)  # optax's types know no modules
    old: Any = critics.targets
    targets: Any = optax.incremental_update(networks, old, 1 - keep)
    return Critics(networks, targets, moments)
