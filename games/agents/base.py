"""What plays an environment: agents, from observations and a memory of their own to the logits of actions."""

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

Turn = Callable[[PyTree[Array], PyTree[Array]], tuple[Float[Array, "batch outputs"], PyTree[Array]]]
"""From what an agent sees in each of a batch of episodes, and its memories, to its logits there and the memories after the step."""


class Agent(eqx.Module):
    """A policy with its parameters: every leaf is an array of real numbers, so that an agent is a player's parameters as it stands.

    A scripted agent has no parameters.
    """

    def memory(self) -> PyTree[Array]:
        """The memory before the first step; by default there is none."""
        return ()

    @abc.abstractmethod
    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The logits of the actions, and the memory after this step."""

    def unroll(self, observations: PyTree[Array]) -> Float[Array, "steps outputs"]:
        """The outputs along one episode's observations, from the first on; the residuals of a step are worked out again on the way back."""
        if not jax.tree.leaves(self.memory()):
            return jax.vmap(lambda observation: self(observation, ())[0])(observations)

        def step(memory, observation):
            output, memory = self(observation, memory)
            return memory, output

        return jax.lax.scan(jax.checkpoint(step), self.memory(), observations)[1]

    def along(self, observations: PyTree[Array]) -> Float[Array, "steps batch outputs"]:
        """The outputs along a batch of episodes."""
        return jax.vmap(self.unroll, in_axes=1, out_axes=1)(observations)

    def together(self, batch: int) -> tuple[PyTree[Array], Turn]:
        """The memories of a batch of episodes before the first step, and what `__call__` is for one of them, for all."""
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (batch, *x.shape)), self.memory()), jax.checkpoint(
            jax.vmap(self)
        )

    def coded(self, distinct: Array) -> "Agent":
        """The same agent where all that can be seen is known, if it gains by looking at each thing once."""
        return self


class Table(Agent):
    """A table of logits, one row per observation: what `games.exact.iterated` values exactly.

    Args:
        logits: `(rows,)` for two actions, of action 0 against action 1; `(rows, n_actions)` for more.

    Observations are the number of the row, or one-hot vectors over the rows.
    """

    logits: Float[Array, "rows *n_actions"]

    def __call__(
        self, observation: Array, memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The row."""
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
        r"""Draw weights and biases uniformly from $[-1/\sqrt n, 1/\sqrt n]$, n the number of inputs of a layer.

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
    """An actor, which acts, beside a critic of one output, which values what the actor sees.

    Args:
        actor: an agent.
        critic: an agent with one output.
    """

    actor: Agent
    critic: Agent

    def memory(self) -> PyTree[Array]:
        """The actor's; the critic only looks back on episodes."""
        return self.actor.memory()

    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The actor's."""
        return self.actor(observation, memory)

    def unroll(self, observations: PyTree[Array]) -> Float[Array, "steps outputs"]:
        """The actor's."""
        return self.actor.unroll(observations)

    def along(self, observations: PyTree[Array]) -> Float[Array, "steps batch outputs"]:
        """The actor's."""
        return self.actor.along(observations)

    def together(self, batch: int) -> tuple[PyTree[Array], Turn]:
        """The actor's."""
        return self.actor.together(batch)

    def coded(self, distinct: Array) -> "ActorCritic":
        """Both."""
        return ActorCritic(self.actor.coded(distinct), self.critic.coded(distinct))


class Trembling(Agent):
    r"""An agent whose hand trembles: with probability $\epsilon$ the action is any, all as likely.

    Args:
        inner: who acts.
        epsilon: in [0, 1].
    """

    inner: Agent
    epsilon: Float[Array, ""]

    def memory(self) -> PyTree[Array]:
        """The inner agent's."""
        return self.inner.memory()

    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The logarithms of the probabilities."""
        logits, memory = self.inner(observation, memory)
        return self.shaken(logits), memory

    def together(self, batch: int) -> tuple[PyTree[Array], Turn]:
        """The inner agent's, with the hand's trembling."""
        memories, turn = self.inner.together(batch)

        def trembling(observations, memories):
            logits, memories = turn(observations, memories)
            return self.shaken(logits), memories

        return memories, trembling

    def shaken(self, logits: Float[Array, "*batch outputs"]) -> Float[Array, "*batch outputs"]:
        """The logarithms of the probabilities, from the inner agent's logits."""
        return jnp.log((1 - self.epsilon) * jax.nn.softmax(logits) + self.epsilon / logits.shape[-1])


def agent(own: Own) -> Agent:
    """The agent that a player's parameters stand for: an agent stands for itself, an array (or a tuple of scalars) for a table.

    Example:
        >>> agent(jnp.zeros(5))(jnp.array(0), ())[0].tolist()
        [0.0, 0.0]
    """
    return own if isinstance(own, Agent) else Table(as_table(own))


def acting(own: Own) -> Own:
    """The part of a player's parameters that acts: all but a critic."""
    return own.actor if isinstance(own, ActorCritic) else own


def acting_as(own: Own, part: Own) -> Own:
    """A player's parameters with the part that acts exchanged."""
    return ActorCritic(part, own.critic) if isinstance(own, ActorCritic) else part
