"""Proximal policy optimization."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Key, PyTree

from games.base import Environment
from shaping.base import Scalar, count, number
from shaping.episodic.ppo_loss import clipped, normalized
from shaping.model_free.base import Method, Report, episodes_report, new_if_finite
from shaping.model_free.episodes import episode_keys, play_episodes, returns_to_go

PART = 64
"""Maximal number of episodes in one part of a batch on a CPU.

A hidden layer of 256 then fits the cache, which halves the time."""


class Batch(NamedTuple):
    """One player's steps; leading axes (time, episode)."""

    observations: PyTree[Array]
    actions: PyTree[Array]
    log_probs: Float[Array, "*batch"]
    targets: Float[Array, "*batch"]
    weights: Float[Array, "*batch"]


class Ppo(Method):
    r"""Several epochs of clipped policy gradient on one batch of whole episodes.

    With the ratio $\rho = \pi(a|o) / \pi_{old}(a|o)$, normalized Monte-Carlo returns $\hat G$ and advantages
    $A = \hat G - V(o)$, minimize $E[-\min(\rho A, \mathrm{clip}(\rho, 1 - c, 1 + c) A) + v (V(o) - \hat G)^2
    - e\, \mathcal{H}(\pi(\cdot|o))]$ over the full batch by Adam. Every player is an independent learner with
    a policy of its own.

    Args:
        lr: Adam's, at least 0.
        discount: in [0, 1].
        clip: $c$, at least 0.
        entropy: $e$, at least 0.
        value: $v$, at least 0.
        epochs: passes over the batch.
        episodes: how many are played in parallel.
        length: most steps of an episode.

    Source:
        Schulman et al. 2017, "Proximal policy optimization algorithms", equation 7; with the settings of Lu
        et al. 2022, where returns are normalized over the batch, the critic sees no time, and the advantage
        is taken anew every epoch.

    Example:
        >>> Ppo(lr=1e-3).epochs
        4
    """

    lr: Scalar = number(0.002)
    discount: Scalar = number(0.99, maximum=1.0)
    clip: Scalar = number(0.2)
    entropy: Scalar = number(0.01)
    value: Scalar = number(0.5)
    epochs: int = count(4)
    episodes: int = count(256)
    length: int = count(100)

    def init(self, policies: PyTree) -> PyTree:
        """Adam's moments, one set per player."""
        return jax.vmap(optax.adam(self.lr).init)(policies)

    def step(
        self, env: Environment, policies: PyTree, state: PyTree, key: Key[Array, ""]
    ) -> tuple[PyTree, PyTree, Report]:
        """Play a batch of episodes, then update the policies on it."""
        played = play_episodes(env, policies, episode_keys(key, self.episodes), self.length)
        used = played.alive & played.ok[None]
        finite = jax.tree.map(
            lambda x: jnp.where(used.reshape(used.shape + (1,) * (x.ndim - 2)), x, 0), played[:4]
        )
        observations, actions, log_probs, rewards = jax.tree.map(lambda x: jnp.moveaxis(x, 2, 0), finite)
        improve = jax.vmap(self.improve, in_axes=(0, 0, 0, 0, 0, 0, None))
        policies, state, ok = improve(policies, state, observations, actions, log_probs, rewards, used)
        return policies, state, episodes_report(played, ok & used.any())

    def improve(
        self,
        policy: Any,
        moments: PyTree,
        observations: PyTree,
        actions: PyTree,
        log_probs: Array,
        rewards: Array,
        used: Array,
    ) -> tuple[Any, PyTree, Bool[Array, ""]]:
        """All epochs of one player; an update that is not finite is not made."""
        weights = used / jnp.maximum(used.sum(), 1)
        targets = normalized(returns_to_go(rewards, self.discount), weights)
        batch = Batch(observations, actions, log_probs, targets, weights.astype(targets.dtype))

        def epoch(carry, _):
            policy, moments = carry
            direction, moments = optax.adam(self.lr).update(self.gradient(policy, batch), moments, policy)
            return (optax.apply_updates(policy, direction), moments), None

        after, _ = jax.lax.scan(epoch, (policy, moments), length=self.epochs)
        (policy, moments), fine = new_if_finite((policy, moments), after)
        return policy, moments, fine

    def gradient(self, policy: Any, batch: Batch) -> Any:
        """The gradient of the loss over the full batch, as a sum over parts, which saves memory."""
        episodes = batch.weights.shape[1]
        size = part(episodes) if jax.default_backend() == "cpu" else episodes
        batch = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[2:]), batch)

        def add(total, part):
            return jax.tree.map(jnp.add, total, jax.grad(self.loss)(policy, part)), None

        return jax.lax.scan(add, jax.tree.map(jnp.zeros_like, policy), batch)[0]

    def loss(self, policy: Any, batch: Batch) -> Float[Array, ""]:
        """The weighted loss of a part of the batch; one leading axis."""
        log_probs, entropies, values = jax.vmap(lambda o, a: policy.evaluate(o, a))(
            batch.observations, batch.actions
        )
        advantages = batch.targets - jax.lax.stop_gradient(values)
        surrogate = clipped(jnp.exp(log_probs - batch.log_probs), advantages, self.clip)
        return jnp.sum(
            batch.weights
            * (-surrogate + self.value * (values - batch.targets) ** 2 - self.entropy * entropies)
        )


def part(episodes: int, most: int = PART) -> int:
    """The largest divisor of a number of episodes that is at most `most`.

    Example:
        >>> part(4096), part(300), part(64)
        (64, 60, 64)
    """
    return max(size for size in range(1, min(most, episodes) + 1) if episodes % size == 0)
