"""Many episodes of an environment, played by agents in one scan, and looked at again afterwards, differentiably."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.agents.base import ActorCritic, Agent
from games.base import Environment
from games.environments.rollouts import Trajectory, rollout
from games.hash_random import Word, derived, uniform, words

Logits = Float[Array, "steps batch outputs"]
"""What a player made of what it saw, at every step of every episode."""


class Sample(NamedTuple):
    """What happened in a batch of episodes; every leaf has leading axes of steps and of episodes.

    Attributes:
        observations: what everybody saw before acting, and at last; one more step than the others.
        actions: everybody's.
        rewards: everybody's; zero after the end of an episode.
        alive: whether the step belongs to the episode.
        info: what the environment reports.
    """

    observations: PyTree[Array]
    actions: Int[Array, "steps batch n_players"]
    rewards: Float[Array, "steps batch n_players"]
    alive: Bool[Array, "steps batch"]
    info: dict[str, Any]

    def seen(self, player: int, last: bool = False) -> PyTree[Array]:
        """What one player saw before acting; with `last`, also what it saw at the end."""
        return jax.tree.map(lambda x: x[:, :, player] if last else x[:-1, :, player], self.observations)


def sample(
    environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], batch: int, steps: int
) -> Sample:
    """Play a batch of episodes; no episode depends on how many there are, and no derivative passes.

    Args:
        environment: what is played.
        agents: one per seat.
        key: of the episodes; episode b and its step t draw from keys hashed from it, b and t.
        batch: how many episodes.
        steps: how many steps of each.

    Returns:
        The sample.
    """
    return episodes(environment, jax.lax.stop_gradient(tuple(agents)), key, batch, steps)[0]


def episodes(
    environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], batch: int, steps: int
) -> tuple[Sample, tuple[Logits, ...]]:
    """As `sample`, with the logits of everybody's actions, through which derivatives pass.

    Agents with a memory run once, as they play; those without run again, along all steps at once, which is
    cheaper on the way back.
    """
    lanes, every = jax.vmap(lambda b: derived(key, b))(jnp.arange(batch)), jnp.arange(steps)
    observations, state = jax.vmap(lambda lane: environment.reset(derived(lane, 0, 0)))(lanes)
    draw = jax.vmap(
        lambda t, lane: tuple(draw_of(word) for word in words(derived(lane, t, 1), environment.n_players)),
        (None, 0),
    )
    draws = jax.vmap(draw, (0, None))(every, lanes)  # for all steps at once: cheaper than inside the scan
    recall = [bool(jax.tree.leaves(x.memory())) for x in agents]
    playing = [x if r else jax.lax.stop_gradient(x) for x, r in zip(agents, recall, strict=True)]
    memories, turns = zip(*(x.together(batch) for x in playing), strict=True)

    def step(carry, now):
        observations, state, memories, alive = carry
        t, draws = now
        seen = [jax.tree.map(lambda o, i=i: o[:, i], observations) for i in range(len(turns))]
        logits, memories = zip(
            *(turn(o, m) for turn, o, m in zip(turns, seen, memories, strict=True)), strict=True
        )
        actions = jnp.stack(
            [jax.vmap(chosen)(*x) for x in zip(draws, jax.lax.stop_gradient(logits), strict=True)], axis=-1
        )
        keys = jax.vmap(lambda lane: derived(lane, t, 2))(lanes)
        after, state, rewards, terminated, truncated, info = jax.vmap(environment.step)(keys, state, actions)
        happened = Sample(observations, actions, jnp.where(alive[:, None], rewards, 0.0), alive, info)
        return (after, state, memories, alive & ~(terminated | truncated)), (happened, logits)

    begin = observations, state, memories, jnp.ones(batch, bool)
    (final, *_), (played, logits) = jax.lax.scan(step, begin, (every, draws))
    played = played._replace(
        observations=jax.tree.map(lambda xs, x: jnp.concatenate([xs, x[None]]), played.observations, final)
    )
    return played, tuple(logits[i] if recall[i] else x.along(played.seen(i)) for i, x in enumerate(agents))


def trajectory(
    environment: Environment, agents: Sequence[Agent], key: Key[Array, ""], steps: int
) -> Trajectory:
    """Play one lane with an agent in every seat and record the states, as for a picture; `jax.vmap` over keys plays many.

    Memories start anew with every episode where the environment resets itself.

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
        >>> trajectory(game, [always_cooperate(game, 0), random(game, 1)], jax.random.key(0), 10).actions.shape
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
            actions.append(chosen(draw_of(draws[i]), logits))
            after.append(memory)
        return jnp.stack(actions), tuple(after), ()

    return rollout(environment, act, key, steps, tuple(agent.memory() for agent in agents))


class Draw(NamedTuple):
    """A uniform number in [0, 1), and its logit."""

    uniform: Float[Array, ""]
    logit: Float[Array, ""]


def draw_of(word: Word) -> Draw:
    """The draw that a word stands for."""
    u = uniform(word)
    return Draw(u, jnp.log(u) - jnp.log1p(-u))


def chosen(draw: Draw, logits: Float[Array, " outputs"]) -> Int[Array, ""]:
    """The action in whose share of [0, 1) a uniform number falls; of two actions, logits tell as well."""
    if logits.shape[0] == 2:
        return (draw.logit >= logits[0] - logits[1]).astype(jnp.int32)
    shares = jax.nn.softmax(logits)
    ends = [shares[: k + 1].sum() for k in range(logits.shape[0] - 1)]
    return sum(((draw.uniform >= end).astype(jnp.int32) for end in ends), jnp.zeros((), jnp.int32))


def log_policy(agent: Agent, observations: PyTree[Array]) -> Logits:
    """The logarithms of all actions' probabilities along episodes."""
    return jax.nn.log_softmax(agent.along(observations))


def log_probabilities(logits: Sequence[Logits], played: Sample) -> Float[Array, "steps batch n_players"]:
    """The logarithms of the probabilities of what everybody did; 0 after the end of an episode."""
    logs = [taken(x, played.actions[:, :, i]) for i, x in enumerate(logits)]
    return jnp.where(played.alive[..., None], jnp.stack(logs, axis=-1), 0.0)


def log_shares(logits: Float[Array, "*batch outputs"]) -> tuple[Float[Array, "*batch"], ...]:
    """The logarithms of every action's probability, one array per action, which for two a CPU has done sooner than along an axis of two."""
    if logits.shape[-1] == 2:
        ahead = logits[..., 0] - logits[..., 1]
        return jax.nn.log_sigmoid(ahead), jax.nn.log_sigmoid(-ahead)
    return tuple(jnp.moveaxis(jax.nn.log_softmax(logits), -1, 0))


def taken(logits: Float[Array, "*batch outputs"], actions: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """The logarithms of the probabilities of actions; of two, a quarter of the work."""
    if logits.shape[-1] == 2:
        return jax.nn.log_sigmoid((logits[..., 0] - logits[..., 1]) * (1 - 2 * actions).astype(logits.dtype))
    did = actions[..., None] == jnp.arange(logits.shape[-1]).reshape((1,) * actions.ndim + (-1,))
    return jnp.where(did, jax.nn.log_softmax(logits), 0.0).sum(axis=-1)


def critics(agents: Sequence[Agent], played: Sample) -> Float[Array, "steps_1 batch n_players"]:
    """Every critic's values of what it saw, the end included; zeros where there is no critic."""
    columns = []
    for i, x in enumerate(agents):
        if isinstance(x, ActorCritic):
            columns.append(x.critic.along(played.seen(i, last=True))[..., 0])
        else:
            columns.append(jnp.zeros((played.alive.shape[0] + 1, played.alive.shape[1])))
    return jnp.stack(columns, axis=-1)
