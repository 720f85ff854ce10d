"""Play an environment by agents, and keep its states: what is to be looked at."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from games.agents.base import Agent
from games.base import Environment
from games.environments.rollouts import Trajectory
from games.hash_random import derived, words
from games.sampled.episodes import chosen, draw_of


def playout(environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], steps: int) -> Trajectory:
    """Play one lane with an agent in every seat; `jax.vmap` over keys plays many.

    Memories begin anew with every episode, where the environment resets itself.

    Args:
        environment: what is played; wrap it in `AutoReset` to play more than one episode.
        agents: one per player, by seat.
        key: this lane's key.
        steps: how many steps.

    Raises:
        ValueError: for another number of agents than of players.

    Example:
        >>> from games.environments.coin import CoinGame
        >>> from games.agents.coin_scripted import always_cooperate, random
        >>> game = CoinGame.loqa()
        >>> playout(game, [always_cooperate(game, 0), random(game, 1)], jax.random.key(0), 10).actions.shape
        (10, 2)
    """
    if len(agents) != environment.n_players:
        raise ValueError(
            f"{len(agents)} agents were given for the {environment.n_players} players of {environment.name!r}; give one each."
        )
    start = tuple(agent.memory() for agent in agents)

    def step(carry, t):
        observations, state, memories = carry
        draws = words(derived(key, t, 1), environment.n_players)
        actions, remembered = [], []
        for i, agent in enumerate(agents):
            logits, memory = agent(jax.tree.map(lambda x, i=i: x[i], observations), memories[i])
            actions.append(chosen(draw_of(draws[i]), logits))
            remembered.append(memory)
        joint = jnp.stack(actions)
        seen, after, rewards, terminated, truncated, info = environment.step(derived(key, t, 2), state, joint)
        done = terminated | truncated
        memories = jax.tree.map(lambda new, old: jnp.where(done, new, old), start, tuple(remembered))
        return (seen, after, memories), Trajectory(
            observations, state, joint, rewards, terminated, truncated, info
        )

    return jax.lax.scan(step, (*environment.reset(derived(key, 0, 0)), start), jnp.arange(steps))[1]
