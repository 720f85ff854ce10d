"""A wrapper that resets an environment as soon as an episode ends."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Environment
from games.hash_random import derive

RESET = 2**16
"""The stream of keys that resets use."""


class AutoReset(Environment):
    """An environment that starts a new episode after the last step of an episode.

    The last step returns its own rewards, flags and info, but the observations and the state of the new
    episode. `info["final_observation"]` holds, at every step, the observations before the reset, which a
    bootstrapped value needs.

    Args:
        environment: the environment to reset.

    Example:
        >>> from games.environments.coin import CoinGame
        >>> game = AutoReset(CoinGame(length=1))
        >>> _, state = game.reset(jax.random.key(0))
        >>> *_, truncated, info = game.step(jax.random.key(1), state, jnp.array([0, 0]))
        >>> bool(truncated), info["final_observation"].shape
        (True, (2, 4, 3, 3))
    """

    environment: Environment

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.environment.n_players

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.environment.n_actions

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one player's observation."""
        return self.environment.observation_shape

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.environment.name

    def reset(self, key: Key[Array, ""]) -> tuple[PyTree[Array], PyTree[Array]]:
        """Start an episode."""
        return self.environment.reset(key)

    def step(
        self, key: Key[Array, ""], state: PyTree[Array], actions: Int[Array, " n_players"]
    ) -> tuple[
        PyTree[Array],
        PyTree[Array],
        Float[Array, " n_players"],
        Bool[Array, ""],
        Bool[Array, ""],
        dict[str, Any],
    ]:
        """Play one step, and reset if it was the last of the episode."""
        observations, after, rewards, terminated, truncated, info = self.environment.step(key, state, actions)
        _, initial = self.environment.reset(derive(key, 0, RESET))
        done = terminated | truncated
        state = jax.tree.map(lambda new, old: jnp.where(done, new, old), initial, after)
        return (
            self.observe(state),
            state,
            rewards,
            terminated,
            truncated,
            info | {"final_observation": observations},
        )

    def observe(self, state: PyTree[Array]) -> PyTree[Array]:
        """All players' observations of a state."""
        return self.environment.observe(state)

    def render(self, state: PyTree[Array]) -> str:
        """A state as text."""
        return self.environment.render(state)
