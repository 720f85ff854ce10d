"""Batches of episodes, played by agents in one scan, and log-probabilities and critics' values along them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.agents.base import ActorCritic, Agent
from games.base import Environment
from games.environments.rollouts import Trajectory, rollout
from games.hash_random import Word, derive, uniform, words

Logits = Float[Array, "steps batch outputs"]
"""A player's logits at every step of every episode."""


class Sample(NamedTuple):
    """A batch of episodes; every leaf has leading axes of steps and of episodes.

    Attributes:
        observations: all players' observations before every step and after the last: one step more than the
            other fields.
        actions: all players' actions.
        rewards: all players' rewards; zero after the end of an episode.
        alive: mask of the steps that belong to the episode.
        info: what the environment reports about the steps.
    """

    observations: PyTree[Array]
    actions: Int[Array, "steps batch n_players"]
    rewards: Float[Array, "steps batch n_players"]
    alive: Bool[Array, "steps batch"]
    info: dict[str, Any]

    def seen(self, player: int, last: bool = False) -> PyTree[Array]:
        """One player's observations before every step; with `last`, also those after the last step."""
        return jax.tree.map(lambda x: x[:, :, player] if last else x[:-1, :, player], self.observations)


def sample(
    environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], batch: int, steps: int
) -> Sample:
    """Play a batch of episodes, without derivatives; an episode does not depend on the size of the batch.

    Args:
        environment: the environment.
        agents: one per seat.
        key: source of randomness; the keys of step t of episode b are hashed from it, b and t.
        batch: number of episodes.
        steps: number of steps of each.
    """
    return sample_with_logits(environment, jax.lax.stop_gradient(tuple(agents)), key, batch, steps)[0]


def sample_with_logits(
    environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], batch: int, steps: int
) -> tuple[Sample, tuple[Logits, ...]]:
    """The episodes of `sample`, and all players' logits at their steps, which are differentiable.

    Agents with a memory are differentiated through the scan that plays the episodes. Agents without are
    evaluated again on all steps at once, whose backward pass is cheaper.
    """
    lanes, times = jax.vmap(lambda b: derive(key, b))(jnp.arange(batch)), jnp.arange(steps)
    observations, state = jax.vmap(lambda lane: environment.reset(derive(lane, 0, 0)))(lanes)
    draw = jax.vmap(
        lambda t, lane: tuple(draw_from(word) for word in words(derive(lane, t, 1), environment.n_players)),
        (None, 0),
    )
    draws = jax.vmap(draw, (0, None))(times, lanes)  # for all steps at once, faster than inside the scan
    has_memory = [bool(jax.tree.leaves(x.memory())) for x in agents]
    playing = [x if r else jax.lax.stop_gradient(x) for x, r in zip(agents, has_memory, strict=True)]
    memories, agent_steps = zip(*(x.start_batch(batch) for x in playing), strict=True)

    def step(carry, now):
        observations, state, memories, alive = carry
        t, draws = now
        seen = [jax.tree.map(lambda o, i=i: o[:, i], observations) for i in range(len(agent_steps))]
        logits, memories = zip(
            *(act(o, m) for act, o, m in zip(agent_steps, seen, memories, strict=True)), strict=True
        )
        actions = jnp.stack(
            [jax.vmap(choose)(*x) for x in zip(draws, jax.lax.stop_gradient(logits), strict=True)], axis=-1
        )
        keys = jax.vmap(lambda lane: derive(lane, t, 2))(lanes)
        after, state, rewards, terminated, truncated, info = jax.vmap(environment.step)(keys, state, actions)
        record = Sample(observations, actions, jnp.where(alive[:, None], rewards, 0.0), alive, info)
        return (after, state, memories, alive & ~(terminated | truncated)), (record, logits)

    start = observations, state, memories, jnp.ones(batch, bool)
    (final, *_), (played, logits) = jax.lax.scan(step, start, (times, draws))
    played = played._replace(
        observations=jax.tree.map(lambda xs, x: jnp.concatenate([xs, x[None]]), played.observations, final)
    )
    return played, tuple(
        logits[i] if has_memory[i] else x.unroll_batch(played.seen(i)) for i, x in enumerate(agents)
    )


def trajectory(
    environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], steps: int
) -> Trajectory:
    """Play one lane with an agent in every seat, recording states too; `jax.vmap` over keys plays many.

    An agent's memory is reset at the end of an episode.

    Args:
        environment: the environment; wrap it in `AutoReset` to play more than one episode.
        agents: one per player, by seat.
        key: the lane's key.
        steps: number of steps.

    Raises:
        ValueError: if the number of agents is not that of players.

    Example:
        >>> from games.environments.coin import CoinGame
        >>> from games.agents.coin_scripted import always_cooperate, random
        >>> game = CoinGame.loqa()
        >>> agents = [always_cooperate(game, 0), random(game, 1)]
        >>> trajectory(game, agents, jax.random.key(0), 10).actions.shape
        (10, 2)
    """
    if len(agents) != environment.n_players:
        raise ValueError(
            f"{len(agents)} agents were given for the {environment.n_players} players of {environment.name!r}; give one each."
        )

    def act(key, observations, memories):
        draws = words(key, environment.n_players)
        actions, after = [], []
        for i, agent in enumerate(agents):
            logits, memory = agent(jax.tree.map(lambda x, i=i: x[i], observations), memories[i])
            actions.append(choose(draw_from(draws[i]), logits))
            after.append(memory)
        return jnp.stack(actions), tuple(after), ()

    return rollout(environment, act, key, steps, tuple(agent.memory() for agent in agents))


class Draw(NamedTuple):
    """A uniform number in [0, 1), and its logit."""

    uniform: Float[Array, ""]
    logit: Float[Array, ""]


def draw_from(word: Word) -> Draw:
    """The uniform number of a random word, and its logit."""
    u = uniform(word)
    return Draw(u, jnp.log(u) - jnp.log1p(-u))


def choose(draw: Draw, logits: Float[Array, " outputs"]) -> Int[Array, ""]:
    """Draw an action: invert the cumulative distribution or, for two actions, compare the logits."""
    if logits.shape[0] == 2:
        return (draw.logit >= logits[0] - logits[1]).astype(jnp.int32)
    shares = jax.nn.softmax(logits)
    ends = [shares[: k + 1].sum() for k in range(logits.shape[0] - 1)]
    return sum(((draw.uniform >= end).astype(jnp.int32) for end in ends), jnp.zeros((), jnp.int32))


def log_policy(agent: Agent, observations: PyTree[Array]) -> Logits:
    """Log-probabilities of all actions along episodes."""
    return jax.nn.log_softmax(agent.unroll_batch(observations))


def log_probabilities(logits: Sequence[Logits], played: Sample) -> Float[Array, "steps batch n_players"]:
    """Log-probabilities of all players' actions; 0 after the end of an episode."""
    logs = [log_probability(x, played.actions[:, :, i]) for i, x in enumerate(logits)]
    return jnp.where(played.alive[..., None], jnp.stack(logs, axis=-1), 0.0)


def log_probability_per_action(logits: Float[Array, "*batch outputs"]) -> tuple[Float[Array, "*batch"], ...]:
    """Log-probabilities, one array per action: faster on a CPU than an axis of length two."""
    if logits.shape[-1] == 2:
        ahead = logits[..., 0] - logits[..., 1]
        return jax.nn.log_sigmoid(ahead), jax.nn.log_sigmoid(-ahead)
    return tuple(jnp.moveaxis(jax.nn.log_softmax(logits), -1, 0))


def log_probability(
    logits: Float[Array, "*batch outputs"], actions: Int[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Log-probabilities of given actions; for two actions in a quarter of the time of the general formula."""
    if logits.shape[-1] == 2:
        return jax.nn.log_sigmoid((logits[..., 0] - logits[..., 1]) * (1 - 2 * actions).astype(logits.dtype))
    chosen = actions[..., None] == jnp.arange(logits.shape[-1]).reshape((1,) * actions.ndim + (-1,))
    return jnp.where(chosen, jax.nn.log_softmax(logits), 0.0).sum(axis=-1)


def critic_values(agents: Sequence[Agent], played: Sample) -> Float[Array, "steps_1 batch n_players"]:
    """All critics' values of the observations, final ones included; zeros for players without a critic."""
    columns = []
    for i, x in enumerate(agents):
        if isinstance(x, ActorCritic):
            columns.append(x.critic.unroll_batch(played.seen(i, last=True))[..., 0])
        else:
            columns.append(jnp.zeros((played.alive.shape[0] + 1, played.alive.shape[1])))
    return jnp.stack(columns, axis=-1)
