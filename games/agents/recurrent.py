"""Recurrent networks: what sees, a gated recurrent unit, and a linear layer."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Key

from games.agents.base import Agent, Turn

KEPT = jax.checkpoint_policies.save_only_these_names("gates", "sums", "features")
"""What a step keeps for the way back: what products end in, and what is small; to work out the rest again is sooner done."""


class Recurrent(Agent):
    """What sees, a gated recurrent unit, and a linear layer: Dense-ReLU-GRU-Dense where what sees is one layer.

    Args:
        eye: from an observation to features; ReLU follows it.
        cell: from features to the state, which is the memory.
        head: from the state to the outputs.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", section 5.2: width 64.
    """

    encoder: "Dense | Convolution | Codes"
    cell: eqx.nn.GRUCell
    head: eqx.nn.Linear

    def memory(self) -> Float[Array, " width"]:
        """Zeros."""
        return jnp.zeros(self.cell.hidden_size, self.head.weight.dtype)

    def __call__(
        self, observation: Array, memory: Float[Array, " width"]
    ) -> tuple[Float[Array, " outputs"], Float[Array, " width"]]:
        """The outputs, and the next state."""
        state = self.cell(jax.nn.relu(self.encoder(observation)), memory)
        return self.head(state), state

    def along(self, observations: Array) -> Float[Array, "steps batch outputs"]:
        """As step by step, with episodes last, as matrix products on a CPU like it."""
        weights = stacked(self.cell)

        def step(state, x):
            state = turned(weights, state, x)
            return state, across(self.head, state)

        features = jnp.moveaxis(jax.nn.relu(jax.vmap(jax.vmap(self.encoder))(observations)), 1, 2)
        features = jnp.concatenate([features, jnp.ones_like(features[:, :1])], axis=1)
        return jnp.moveaxis(jax.lax.scan(thrifty(step), self.start(features.shape[2]), features)[1], 1, 2)

    def start(self, batch: int) -> Float[Array, "width batch"]:
        """The states of a batch of episodes before the first step."""
        return jnp.zeros((self.cell.hidden_size, batch), self.head.weight.dtype)

    def together(self, batch: int) -> tuple[Float[Array, "width batch"], Turn]:
        """With episodes last in the memories, as in `along`."""
        weights = stacked(self.cell)

        def step(observations, state):
            features = jax.nn.relu(jax.vmap(self.encoder)(observations)).T
            features = checkpoint_name(jnp.concatenate([features, jnp.ones_like(features[:1])]), "features")
            state = turned(weights, state, features)
            return across(self.head, state).T, state

        return self.start(batch), thrifty(step)

    def coded(self, distinct: Float[Array, "observations *shape"]) -> "Recurrent":
        """With an eye for which of the observations it is, and what each does to the gates worked out."""
        weight = self.cell.weight_ih @ jax.nn.relu(jax.vmap(self.encoder)(distinct)).T
        return Recurrent(
            Codes(distinct), eqx.tree_at(lambda cell: cell.weight_ih, self.cell, weight), self.head
        )


def thrifty(step: Callable) -> Callable:
    """A step that keeps `KEPT` for the way back, and for the way back of that: out of one checkpoint, JAX takes what is known first."""
    return jax.checkpoint(jax.checkpoint(step, policy=KEPT), policy=KEPT)


def across(layer: eqx.nn.Linear, x: Float[Array, "features batch"]) -> Float[Array, "outputs batch"]:
    """A linear layer where episodes are last."""
    return layer.weight @ x if layer.bias is None else layer.weight @ x + layer.bias[:, None]


def stacked(cell: eqx.nn.GRUCell) -> tuple[Float[Array, "units3 inputs"], Float[Array, "units inputs"]]:
    """The weights of state, features and 1: for both gates and what is reset, and, of features and 1, for the new state.

    Biases are columns, because a sum over episodes on the way back costs more than a longer product.
    """
    n = cell.hidden_size
    (gates, new), (bias, bias_new) = (jnp.split(jnp.asarray(x), [2 * n]) for x in (cell.weight_ih, cell.bias))
    ones = jnp.append(bias, jnp.asarray(cell.bias_n))
    inside = [cell.weight_hh, jnp.concatenate([gates, jnp.zeros_like(new)]), ones[:, None]]
    return jnp.concatenate(inside, axis=1), jnp.concatenate([new, bias_new[:, None]], axis=1)


def turned(
    weights: tuple[Float[Array, "units3 inputs"], Float[Array, "units features_1"]],
    state: Float[Array, "units batch"],
    x: Float[Array, "features_1 batch"],
) -> Float[Array, "units batch"]:
    """The next state, from `stacked` weights, and features and 1."""
    reset, keep, inside = jnp.split(weights[0] @ jnp.concatenate([state, x]), 3)
    new = jnp.tanh(weights[1] @ x + gate(reset) * checkpoint_name(inside, "sums"))
    return new + gate(keep) * (state - new)


@jax.custom_jvp
def gate(x: Float[Array, "units batch"]) -> Float[Array, "units batch"]:
    """The logistic function as a hyperbolic tangent, which a CPU has done sooner."""
    return 0.5 + 0.5 * jnp.tanh(0.5 * x)


@gate.defjvp
def _gate_jvp(primals, tangents):
    y = checkpoint_name(gate(*primals), "gates")
    return y, (y - y * y) * tangents[0]


class Codes(eqx.Module):
    """Which of few observations it is, a one-hot vector."""

    distinct: Float[Array, "observations *shape"]

    def __call__(self, observation: Array) -> Float[Array, " observations"]:
        """The vector."""
        same = observation.reshape(1, -1) == self.distinct.reshape(len(self.distinct), -1)
        return same.all(axis=1).astype(self.distinct.dtype)


class Dense(eqx.Module):
    """One linear layer on the flattened observation."""

    layer: eqx.nn.Linear

    def __call__(self, observation: Array) -> Float[Array, " features"]:
        """The features."""
        return self.layer(jnp.ravel(observation))


class Convolution(eqx.Module):
    """Three by three convolutions over a torus of planes with ReLU between them, flattened.

    Args:
        key: draws weights and biases.
        planes: number of planes of an observation.
        channels: of every layer.
    """

    layers: tuple[eqx.nn.Conv2d, ...]

    def __init__(self, key: Key[Array, ""], planes: int, channels: tuple[int, ...]):
        keys = jax.random.split(key, len(channels))
        sizes = zip((planes, *channels[:-1]), channels, keys, strict=True)
        self.layers = tuple(
            eqx.nn.Conv2d(a, b, 3, padding=1, padding_mode="CIRCULAR", key=k) for a, b, k in sizes
        )

    def __call__(self, observation: Float[Array, "planes rows columns"]) -> Float[Array, " features"]:
        """The features."""
        x = self.layers[0](observation)
        for layer in self.layers[1:]:
            x = layer(jax.nn.relu(x))
        return jnp.ravel(x)
