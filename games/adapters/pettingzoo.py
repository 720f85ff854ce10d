"""Environments with PettingZoo's interface; needs the optional dependency `pettingzoo`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from games.base import Environment
from games.compiler import jit
from games.environments.catalog import ENVIRONMENTS

try:
    from gymnasium import spaces
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise ImportError(
        "PettingZoo is not installed; install it with: pip install 'opponent-shaping-lab[pettingzoo]'."
    ) from error

Named = dict[str, Any]


class Parallel(ParallelEnv[str, np.ndarray, Any]):
    """An environment as a `pettingzoo.ParallelEnv`; agents are `player_0`, `player_1` and so on, by seat.

    `reset` and `step` are compiled once per kind of environment, not again for other numbers. An episode is a
    function of its seed and the actions. A reset without a seed continues the sequence of keys; the first one
    draws a seed.

    Args:
        environment: the environment, or its name in `ENVIRONMENTS`; without `AutoReset`, since users of
            PettingZoo reset environments themselves.
        render_mode: `"ansi"` (text), the only mode.
        **settings: settings of a named environment.

    Raises:
        ValueError: for an unknown name, setting or render mode.

    Example:
        >>> env = Parallel("coin_loqa", length=2)
        >>> observations, infos = env.reset(seed=0)
        >>> observations["player_0"].shape, env.action_space("player_0")
        ((4, 3, 3), Discrete(4))
        >>> observations, rewards, terminations, truncations, infos = env.step({"player_0": 0, "player_1": 1})
        >>> env.agents, truncations
        (['player_0', 'player_1'], {'player_0': False, 'player_1': False})
    """

    def __init__(self, environment: Environment | str, render_mode: str = "ansi", **settings: Any):
        if isinstance(environment, Environment) and settings:
            raise ValueError(
                f"Settings {sorted(settings)} were given beside an environment; give them where it is made."
            )
        if render_mode != "ansi":
            raise ValueError(f"Unknown render mode {render_mode!r}; accepted: ansi.")
        self.environment = (
            environment
            if isinstance(environment, Environment)
            else ENVIRONMENTS.make(environment, **settings)
        )
        self.metadata = {"render_modes": ["ansi"], "is_parallelizable": True, "name": self.environment.name}
        self.render_mode = render_mode
        self.possible_agents = [f"player_{i}" for i in range(self.environment.n_players)]
        self.agents: list[str] = []
        seen = jax.eval_shape(start_episode, self.environment, jax.random.key(0))[0]
        self.observation_spaces = {agent: box(seen.shape[1:], seen.dtype) for agent in self.possible_agents}
        self.action_spaces: dict[str, spaces.Space[Any]] = {
            agent: spaces.Discrete(n)
            for agent, n in zip(self.possible_agents, self.environment.n_actions, strict=True)
        }
        self._key: Key[Array, ""] | None = None
        self._state: PyTree[Array] = None

    def observation_space(self, agent: str) -> spaces.Space:
        """The space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """The space of an agent's actions."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: Named | None = None) -> tuple[Named, Named]:
        """Start an episode: observations and (empty) infos of all agents.

        Args:
            seed: seed of this episode and the following ones; by default the sequence of keys continues.
            options: not used.
        """
        if seed is not None or self._key is None:
            self._key = jax.random.key(
                np.random.SeedSequence().generate_state(1)[0] if seed is None else seed
            )
        self.agents = self.possible_agents.copy()
        observations, self._state, self._key = start_episode(self.environment, self._key)
        return self._by_seat(observations), {agent: {} for agent in self.agents}

    def step(self, actions: Named) -> tuple[Named, Named, Named, Named, Named]:
        """Play one step: observations, rewards, terminations, truncations and infos of all agents.

        After the last step of an episode, `agents` is empty.

        Args:
            actions: the action of each agent.

        Raises:
            ValueError: before a reset, after the end of an episode, if an agent's action is missing, or for
                an action that does not exist.
        """
        if not self.agents:
            raise ValueError("No episode is under way; call reset first.")
        if set(actions) != set(self.agents):
            raise ValueError(f"Actions of {sorted(actions)} were given; give one for each of {self.agents}.")
        for agent, n in zip(self.agents, self.environment.n_actions, strict=True):
            if not self.action_spaces[agent].contains(actions[agent]):
                raise ValueError(
                    f"Action {actions[agent]!r} of {agent} does not exist; it must be an integer from 0 to {n - 1}."
                )
        joint = np.array([actions[agent] for agent in self.agents], np.int32)
        observations, self._state, self._key, rewards, terminated, truncated, info = play_step(
            self.environment, self._key, self._state, joint
        )
        outcome = (
            self._by_seat(observations),
            {agent: float(reward) for agent, reward in zip(self.agents, np.asarray(rewards), strict=True)},
            dict.fromkeys(self.agents, bool(terminated)),
            dict.fromkeys(self.agents, bool(truncated)),
            {agent: jax.tree.map(np.asarray, info) for agent in self.agents},
        )
        if terminated or truncated:
            self.agents = []
        return outcome

    def render(self) -> str:
        """The current state as text.

        Raises:
            ValueError: before the first reset.
        """
        if self._state is None:
            raise ValueError("There is no state yet; call reset first.")
        return self.environment.render(self._state)

    def _by_seat(self, observations: Array) -> dict[str, np.ndarray]:
        seen = np.asarray(observations)
        return {agent: np.asarray(seen[i]) for i, agent in enumerate(self.agents)}


def box(shape: tuple[int, ...], dtype: np.dtype) -> spaces.Box:
    """The space of arrays of a shape and a number type, without bounds."""
    if jnp.issubdtype(dtype, jnp.floating):
        return spaces.Box(-np.inf, np.inf, shape, dtype.type)
    return spaces.Box(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype.type)


@jit
def start_episode(
    environment: Environment, key: Key[Array, ""]
) -> tuple[Array, PyTree[Array], Key[Array, ""]]:
    """Start an episode: observations, state and the next key."""
    key, own = jax.random.split(key)
    return *environment.reset(own), key


@jit
def play_step(
    environment: Environment, key: Key[Array, ""], state: PyTree[Array], actions: Array
) -> tuple[Any, ...]:
    """Play one step: observations, state, the next key, rewards, terminated, truncated and info."""
    key, own = jax.random.split(key)
    observations, state, *rest = environment.step(own, state, actions)
    return observations, state, key, *rest
