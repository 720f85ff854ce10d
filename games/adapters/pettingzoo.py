"""PettingZoo's view of an environment: agents are names, arrays are numpy's; needs the extra `pettingzoo`."""

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

    The programs of `reset` and `step` are compiled once for all instances of an environment, whatever its
    numbers. An episode is a function of its seed and the actions; a reset without a seed goes on with the
    keys of the last one, and the first draws a seed.

    Args:
        environment: what is played, or its name in `ENVIRONMENTS`; without `AutoReset`, since users of
            PettingZoo reset themselves.
        render_mode: `"ansi"`, text, is the only one.
        **settings: of the named environment.

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
        seen = jax.eval_shape(begun, self.environment, jax.random.key(0))[0]
        self.observation_spaces = {agent: box(seen.shape[1:], seen.dtype) for agent in self.possible_agents}
        self.action_spaces: dict[str, spaces.Space[Any]] = {
            agent: spaces.Discrete(n)
            for agent, n in zip(self.possible_agents, self.environment.n_actions, strict=True)
        }
        self._key: Key[Array, ""] | None = None
        self._state: PyTree[Array] = None

    def observation_space(self, agent: str) -> spaces.Space:
        """What an agent may see."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """What an agent may do."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: Named | None = None) -> tuple[Named, Named]:
        """Begin an episode: everybody's observations and (empty) infos.

        Args:
            seed: what the episode and those after it are a function of; by default, play goes on.
            options: none are used.
        """
        if seed is not None or self._key is None:
            self._key = jax.random.key(
                np.random.SeedSequence().generate_state(1)[0] if seed is None else seed
            )
        self.agents = self.possible_agents.copy()
        observations, self._state, self._key = begun(self.environment, self._key)
        return self._by_seat(observations), {agent: {} for agent in self.agents}

    def step(self, actions: Named) -> tuple[Named, Named, Named, Named, Named]:
        """Play one step: observations, rewards, terminations, truncations and infos of everybody; the last of an episode empties `agents`.

        Args:
            actions: everybody's.

        Raises:
            ValueError: before a reset, after the end of an episode, without everybody's action, or for one
                that does not exist.
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
        observations, self._state, self._key, rewards, terminated, truncated, info = played(
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
        """The state as text.

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
    """The space of arrays of a shape and a kind of number, without bounds."""
    if jnp.issubdtype(dtype, jnp.floating):
        return spaces.Box(-np.inf, np.inf, shape, dtype.type)
    return spaces.Box(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype.type)


@jit
def begun(environment: Environment, key: Key[Array, ""]) -> tuple[Array, PyTree[Array], Key[Array, ""]]:
    """A new episode: observations, state and the key to go on with."""
    key, own = jax.random.split(key)
    return *environment.reset(own), key


@jit
def played(
    environment: Environment, key: Key[Array, ""], state: PyTree[Array], actions: Array
) -> tuple[Any, ...]:
    """A step: observations, state and the key to go on with, then rewards, ends and info."""
    key, own = jax.random.split(key)
    observations, state, *rest = environment.step(own, state, actions)
    return observations, state, key, *rest
