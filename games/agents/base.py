"""Agents: policies with their parameters, which map an observation and a memory to logits of actions."""

import abc
import itertools
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from games.base import Own
from games.exact.tables import as_table
from games.registry import nearest

Step = Callable[[PyTree[Array], PyTree[Array]], tuple[Float[Array, "batch outputs"], PyTree[Array]]]
"""One step of an agent in a batch of episodes: from observations and memories to logits and new memories."""


class Agent(eqx.Module):
    """A policy with its parameters.

    All leaves are arrays of real numbers, so an agent serves as a player's parameters. A scripted agent has
    none.
    """

    def memory(self) -> PyTree[Array]:
        """The memory at the start of an episode; by default there is none."""
        return ()

    @abc.abstractmethod
    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The logits of the actions, and the memory after the step."""

    def unroll(self, observations: PyTree[Array]) -> Float[Array, "steps outputs"]:
        """The outputs for the observations of one episode; the backward pass recomputes each step."""
        if not jax.tree.leaves(self.memory()):
            return jax.vmap(lambda observation: self(observation, ())[0])(observations)

        def step(memory, observation):
            output, memory = self(observation, memory)
            return memory, output

        return jax.lax.scan(jax.checkpoint(step), self.memory(), observations)[1]

    def unroll_batch(self, observations: PyTree[Array]) -> Float[Array, "steps batch outputs"]:
        """The outputs for the observations of a batch of episodes."""
        return jax.vmap(self.unroll, in_axes=1, out_axes=1)(observations)

    def start_batch(self, batch: int) -> tuple[PyTree[Array], Step]:
        """The memories of a batch of episodes at their start, and `__call__` for the whole batch."""
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (batch, *x.shape)), self.memory()), jax.checkpoint(
            jax.vmap(self)
        )

    def specialize(self, distinct: Array) -> "Agent":
        """An agent with the same outputs for these observations, each of them encoded only once."""
        return self


class Table(Agent):
    """A table of logits, one row per observation, as in `games.exact.iterated`.

    Observations are numbers of rows, or one-hot vectors over the rows.

    Args:
        logits: `(rows,)` for two actions, the logit of action 0; `(rows, n_actions)` for more actions.
    """

    logits: Float[Array, "rows *n_actions"]

    def __call__(
        self, observation: Array, memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The logits in the row of the observation, and the memory unchanged."""
        row = (
            self.logits[observation]
            if observation.ndim == 0
            else jnp.tensordot(observation.astype(self.logits.dtype), self.logits, 1)
        )
        return jnp.stack([row, jnp.zeros_like(row)]) if self.logits.ndim == 1 else row, memory


ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
"""The activation functions of an `Mlp`, by name."""


class Mlp(Agent):
    """A multilayer perceptron.

    Args:
        layers: linear layers; each takes the outputs of the one before.
        activation: the function between the layers, `"relu"` or `"tanh"`.

    Raises:
        ValueError: for another activation.

    Example:
        >>> network = Mlp.uniform(jax.random.key(0), (4, 8, 2), "tanh")
        >>> network.outputs(jnp.zeros(4)).shape
        (2,)
    """

    layers: tuple[eqx.nn.Linear, ...]
    activation: str = eqx.field(static=True, default="relu")

    def __check_init__(self):
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"Unknown activation {self.activation!r}; {nearest(str(self.activation), ACTIVATIONS)}."
            )

    @classmethod
    def uniform(cls, key: Key[Array, ""], sizes: Sequence[int], activation: str = "relu") -> "Mlp":
        r"""Draw weights and biases uniformly from $[-1/\sqrt n, 1/\sqrt n]$, n the inputs of a layer.

        Args:
            key: source of randomness.
            sizes: number of inputs, of units of each hidden layer, and of outputs.
            activation: `"relu"` or `"tanh"`.
        """
        keys = jax.random.split(key, len(sizes) - 1)
        layers = (
            eqx.nn.Linear(inputs, outputs, key=k)
            for (inputs, outputs), k in zip(itertools.pairwise(sizes), keys, strict=True)
        )
        return cls(tuple(layers), activation)

    def __call__(
        self, observation: Array, memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The outputs for an observation, and the memory unchanged."""
        return self.outputs(observation), memory

    def outputs(self, x: Float[Array, "..."]) -> Float[Array, " outputs"]:
        """The outputs for an input of any shape, which is flattened."""
        x = jnp.ravel(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = ACTIVATIONS[self.activation](layer(x))
        return last(x)


class ActorCritic(Agent):
    """An actor, which chooses actions, and a critic, whose one output is the value of the same observations.

    As an agent it is its actor.

    Args:
        actor: an agent.
        critic: an agent with one output.
    """

    actor: Agent
    critic: Agent

    def memory(self) -> PyTree[Array]:
        """The actor's memory; the critic is evaluated on whole episodes only."""
        return self.actor.memory()

    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The actor's logits and memory after the step."""
        return self.actor(observation, memory)

    def unroll(self, observations: PyTree[Array]) -> Float[Array, "steps outputs"]:
        """The actor's outputs along one episode."""
        return self.actor.unroll(observations)

    def unroll_batch(self, observations: PyTree[Array]) -> Float[Array, "steps batch outputs"]:
        """The actor's outputs along a batch of episodes."""
        return self.actor.unroll_batch(observations)

    def start_batch(self, batch: int) -> tuple[PyTree[Array], Step]:
        """The actor's memories at the start, and its step, for a batch of episodes."""
        return self.actor.start_batch(batch)

    def specialize(self, distinct: Array) -> "ActorCritic":
        """Both networks, specialized to these observations."""
        return ActorCritic(self.actor.specialize(distinct), self.critic.specialize(distinct))


class Trembling(Agent):
    r"""An agent that acts as another, but takes a uniformly random action with probability $\epsilon$.

    Args:
        inner: the other agent.
        epsilon: $\epsilon$, in [0, 1].
    """

    inner: Agent
    epsilon: Float[Array, ""]

    def memory(self) -> PyTree[Array]:
        """The inner agent's memory."""
        return self.inner.memory()

    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """Log-probabilities of the actions, and the inner agent's memory after the step."""
        logits, memory = self.inner(observation, memory)
        return self.mixed(logits), memory

    def start_batch(self, batch: int) -> tuple[PyTree[Array], Step]:
        """The inner agent's memories at the start, and this agent's step, for a batch of episodes."""
        memories, inner_step = self.inner.start_batch(batch)

        def step(observations, memories):
            logits, memories = inner_step(observations, memories)
            return self.mixed(logits), memories

        return memories, step

    def mixed(self, logits: Float[Array, "*batch outputs"]) -> Float[Array, "*batch outputs"]:
        """Log-probabilities of the mixture with uniform actions, from the inner agent's logits."""
        return jnp.log((1 - self.epsilon) * jax.nn.softmax(logits) + self.epsilon / logits.shape[-1])


def agent(own: Own) -> Agent:
    """The agent of a player's parameters: an agent itself; the table of an array or of a tuple of scalars.

    Example:
        >>> agent(jnp.zeros(5))(jnp.array(0), ())[0].tolist()
        [0.0, 0.0]
    """
    return own if isinstance(own, Agent) else Table(as_table(own))


def actor_of(own: Own) -> Own:
    """A player's parameters without its critic."""
    return own.actor if isinstance(own, ActorCritic) else own


def with_actor(own: Own, part: Own) -> Own:
    """A player's parameters with all but its critic replaced by `part`."""
    return ActorCritic(part, own.critic) if isinstance(own, ActorCritic) else part
