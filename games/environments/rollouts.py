"""Playing an environment for a number of steps, in one scan."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Environment
from games.hash_random import below, derive, words

Act = Callable[
    [Key[Array, ""], PyTree[Array], PyTree[Array]], tuple[PyTree[Array], PyTree[Array], PyTree[Array]]
]
"""A joint policy: `act(key, observations, memory) -> (actions, memory, extra)`, each for all players.

`extra` is anything that is recorded beside the actions, such as log-probabilities."""


class Trajectory(NamedTuple):
    """The record of a rollout; every leaf has a leading axis of steps.

    Attributes:
        observations: all players' observations before acting.
        state: state of the environment before the step.
        actions: all players' actions.
        rewards: all players' rewards.
        terminated: whether the episode has ended with this step.
        truncated: whether the episode has reached its length with this step.
        info: what the environment reports about the step.
        extra: what the joint policy returned beside actions and memory, such as log-probabilities.
    """

    observations: PyTree[Array]
    state: PyTree[Array]
    actions: Int[Array, "steps n_players"]
    rewards: Float[Array, "steps n_players"]
    terminated: Bool[Array, " steps"]
    truncated: Bool[Array, " steps"]
    info: dict[str, Any]
    extra: PyTree[Array]


def rollout(
    environment: Environment, act: Act, key: Key[Array, ""], steps: int, memory: PyTree[Array] = ()
) -> Trajectory:
    """Play one lane of an environment; a `jax.vmap` over keys plays many, each as it would be played alone.

    Args:
        environment: the environment; wrap it in `AutoReset` to play more than one episode.
        act: the joint policy, `act(key, observations, memory) -> (actions, memory, extra)`.
        key: the lane's key; the keys of step t are hashed from it and t.
        steps: number of steps.
        memory: the players' memory at the start of an episode.

    Example:
        >>> from games.environments.coin import CoinGame
        >>> game = CoinGame.lola()
        >>> rollout(game, random_actions(game), jax.random.key(0), 10).rewards.shape
        (10, 2)
    """
    start = memory

    def step(carry, t):
        observations, state, memory = carry
        actions, memory, extra = act(derive(key, t, 1), observations, memory)
        after, next_state, rewards, terminated, truncated, info = environment.step(
            derive(key, t, 2), state, actions
        )
        memory = jax.tree.map(lambda new, old: jnp.where(terminated | truncated, new, old), start, memory)
        return (after, next_state, memory), Trajectory(
            observations, state, actions, rewards, terminated, truncated, info, extra
        )

    return jax.lax.scan(step, (*environment.reset(derive(key, 0, 0)), start), jnp.arange(steps))[1]


def random_actions(environment: Environment) -> Act:
    """The joint policy that draws every action uniformly at random."""

    def act(key: Key[Array, ""], observations: PyTree[Array], memory: PyTree[Array]):
        draws = words(key, environment.n_players)
        actions = [below(word, n) for word, n in zip(draws, environment.n_actions, strict=True)]
        return jnp.stack(actions), memory, ()

    return act
