"""Play whole episodes of an environment, many at once."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key, PyTree

from games.base import Environment
from games.environments.rollouts import rollout
from games.hash_random import derive
from shaping.base import Scalar

Act = Callable[[Any, Key[Array, ""], Any], tuple[Any, Float[Array, ""]]]
"""A policy, a key and an observation in; an action and its log-probability out."""


class Episodes(NamedTuple):
    """Played episodes; axes are time, episode and player, in this order.

    Attributes:
        observations: before each step.
        actions: the actions taken.
        log_probs: log-probabilities of the actions.
        rewards: of each step, 0 after an episode's end.
        alive: whether the episode was still going before the step `(time, episode)`.
        ok: whether an episode's numbers all were finite `(episode,)`.
    """

    observations: PyTree[Array]
    actions: PyTree[Array]
    log_probs: Float[Array, "time episode player"]
    rewards: Float[Array, "time episode player"]
    alive: Bool[Array, "time episode"]
    ok: Bool[Array, " episode"]


def sampled(policy: Any, key: Key[Array, ""], observation: Any) -> tuple[Any, Float[Array, ""]]:
    """A random action drawn from the policy."""
    return policy.act(key, observation)


def greedy(policy: Any, key: Key[Array, ""], observation: Any) -> tuple[Any, Float[Array, ""]]:
    """The most probable action."""
    return policy.mode(observation), jnp.zeros(())


ACTS: dict[str, Act] = {"sample": sampled, "mode": greedy}
"""The ways to act, by name."""


def episode_keys(key: Key[Array, ""], episodes: int) -> Key[Array, " episodes"]:
    """One key per episode, hashed from its number: more episodes change none of the first ones."""
    return jax.vmap(lambda number: derive(key, number))(jnp.arange(episodes))


def play_episodes(
    env: Environment, policies: PyTree, keys: Key[Array, " episodes"], length: int, act: Act = sampled
) -> Episodes:
    """Play one episode per key, each until its end or for `length` steps.

    Args:
        env: the environment.
        policies: one policy per player, stacked along a leading axis.
        keys: one per episode.
        length: most steps of an episode, at least 1.
        act: how a policy acts.
    """

    def joint(key, observations, memory):
        keys = jax.vmap(lambda player: derive(key, player))(jnp.arange(env.n_players))
        actions, log_probs = jax.vmap(act)(policies, keys, observations)
        return actions, memory, log_probs

    def episode(key):
        path = rollout(env, joint, key, length)
        over = (path.terminated | path.truncated).reshape(length, -1).all(axis=1)
        alive = jnp.cumsum(over) == over  # no earlier step was the last
        rewards = jnp.where(alive[:, None], path.rewards, 0.0)
        finite = [
            jnp.isfinite(x).reshape(length, -1).all(axis=1)
            for x in jax.tree.leaves((path.observations, rewards, path.extra))
        ]
        ok = jnp.all(jnp.stack(finite).all(axis=0) | ~alive)
        return path.observations, path.actions, path.extra, rewards, alive, ok

    return Episodes(*jax.vmap(episode, out_axes=(1, 1, 1, 1, 1, 0))(keys))


def returns_to_go(rewards: Float[Array, "time *rest"], discount: Scalar) -> Float[Array, "time *rest"]:
    r"""Discounted rewards from each step on: $G_t = r_t + d\, G_{t+1}$.

    Example:
        >>> returns_to_go(jnp.array([1.0, 0.0, 4.0]), 0.5).tolist()
        [2.0, 2.0, 4.0]
    """

    def back(ahead, reward):
        ahead = reward + discount * ahead
        return ahead, ahead

    return jax.lax.scan(back, jnp.zeros_like(rewards[0]), rewards, reverse=True)[1]


def fitness(
    env: Environment, members: PyTree, keys: Key[Array, " episodes"], length: int, discount: Scalar, act: Act
) -> tuple[
    Float[Array, "member player"], Float[Array, "member episode player"], Float[Array, "member episode"]
]:
    """Every member's mean discounted return, on the same episodes for all; NaN if some episode is not finite.

    Returns:
        The fitness, the undiscounted return of every episode, and its number of steps.
    """

    def of(policies):
        played = play_episodes(env, policies, keys, length, act)
        gained = jnp.where(played.ok[:, None], returns_to_go(played.rewards, discount)[0], jnp.nan)
        return gained.mean(axis=0), played.rewards.sum(axis=0), played.alive.sum(axis=0)

    return jax.vmap(of)(members)
