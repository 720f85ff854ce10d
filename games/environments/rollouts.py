"""Play an environment for a number of steps, in one scan."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Environment
from games.hash_random import below, derived, words

Act = Callable[[Key[Array, ""], PyTree[Array]], Int[Array, " n_players"]]
"""Everybody's actions from a key and everybody's observations."""


class Trajectory(NamedTuple):
    """What happened; every leaf has a leading axis of steps.

    Attributes:
        observations: what everybody saw before acting.
        state: before acting.
        actions: everybody's.
        rewards: everybody's.
        terminated: whether nothing can come after.
        truncated: whether the episode's length is reached.
        info: what the environment reports.
    """

    observations: PyTree[Array]
    state: PyTree[Array]
    actions: Int[Array, "steps n_players"]
    rewards: Float[Array, "steps n_players"]
    terminated: Bool[Array, " steps"]
    truncated: Bool[Array, " steps"]
    info: dict[str, Any]


def rollout(environment: Environment, act: Act, key: Key[Array, ""], steps: int) -> Trajectory:
    """Play one lane; `jax.vmap` over keys plays many, and no lane depends on how many there are.

    Args:
        environment: what is played; wrap it in `AutoReset` to play more than one episode.
        act: `act(key, observations) -> actions` of everybody.
        key: this lane's key; step t draws from keys hashed from it and t.
        steps: how many steps.

    Example:
        >>> from games.environments.coin import CoinGame
        >>> game = CoinGame.lola()
        >>> rollout(game, random_actions(game), jax.random.key(0), 10).rewards.shape
        (10, 2)
    """

    def step(carry, t):
        observations, state = carry
        actions = act(derived(key, t, 1), observations)
        seen, after, rewards, terminated, truncated, info = environment.step(
            derived(key, t, 2), state, actions
        )
        return (seen, after), Trajectory(observations, state, actions, rewards, terminated, truncated, info)

    return jax.lax.scan(step, environment.reset(derived(key, 0, 0)), jnp.arange(steps))[1]


def random_actions(environment: Environment) -> Act:
    """Everybody plays uniformly at random."""

    def act(key: Key[Array, ""], observations: PyTree[Array]) -> Int[Array, " n_players"]:
        draws = words(key, environment.n_players)
        return jnp.stack([below(word, n) for word, n in zip(draws, environment.n_actions, strict=True)])

    return act
