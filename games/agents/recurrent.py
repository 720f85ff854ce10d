"""Recurrent networks: an encoder of observations, a gated recurrent unit (GRU), and a linear layer."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Key

from games.agents.base import Agent, Step

SAVED = jax.checkpoint_policies.save_only_these_names("gates", "sums", "features")
"""What a step saves for the backward pass: results of matrix products. The rest is recomputed."""


class Recurrent(Agent):
    """An encoder with ReLU, a gated recurrent unit (GRU), and a linear layer.

    Args:
        encoder: from an observation to features, before ReLU.
        cell: the GRU, from features and the old state to the new state, which is the memory.
        head: from the state to the outputs.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", section 5.2: width 64.
    """

    encoder: "Dense | Convolution | Codes"
    cell: eqx.nn.GRUCell
    head: eqx.nn.Linear

    def memory(self) -> Float[Array, " width"]:
        """The state at the start, zeros."""
        return jnp.zeros(self.cell.hidden_size, self.head.weight.dtype)

    def __call__(
        self, observation: Array, memory: Float[Array, " width"]
    ) -> tuple[Float[Array, " outputs"], Float[Array, " width"]]:
        """The outputs and the next state."""
        state = self.cell(jax.nn.relu(self.encoder(observation)), memory)
        return self.head(state), state

    def unroll_batch(self, observations: Array) -> Float[Array, "steps batch outputs"]:
        """The outputs for a batch of episodes, computed with episodes as the last axis: faster on a CPU."""
        weights = stacked_weights(self.cell)

        def step(state, x):
            state = next_state(weights, state, x)
            return state, linear(self.head, state)

        features = jnp.moveaxis(jax.nn.relu(jax.vmap(jax.vmap(self.encoder))(observations)), 1, 2)
        features = jnp.concatenate([features, jnp.ones_like(features[:, :1])], axis=1)
        return jnp.moveaxis(
            jax.lax.scan(checkpointed(step), self.start(features.shape[2]), features)[1], 1, 2
        )

    def start(self, batch: int) -> Float[Array, "width batch"]:
        """The states of a batch of episodes at their start, zeros."""
        return jnp.zeros((self.cell.hidden_size, batch), self.head.weight.dtype)

    def start_batch(self, batch: int) -> tuple[Float[Array, "width batch"], Step]:
        """The initial states of a batch of episodes, which are the last axis, and one step of the batch."""
        weights = stacked_weights(self.cell)

        def step(observations, state):
            features = jax.nn.relu(jax.vmap(self.encoder)(observations)).T
            features = checkpoint_name(jnp.concatenate([features, jnp.ones_like(features[:1])]), "features")
            state = next_state(weights, state, features)
            return linear(self.head, state).T, state

        return self.start(batch), checkpointed(step)

    def specialize(self, distinct: Float[Array, "observations *shape"]) -> "Recurrent":
        """The same network with a one-hot encoder; each observation's part of the gates is precomputed."""
        weight = self.cell.weight_ih @ jax.nn.relu(jax.vmap(self.encoder)(distinct)).T
        return Recurrent(
            Codes(distinct), eqx.tree_at(lambda cell: cell.weight_ih, self.cell, weight), self.head
        )


def checkpointed(step: Callable) -> Callable:
    """A step that saves only `SAVED` for the backward pass; second derivatives need both checkpoints."""
    return jax.checkpoint(jax.checkpoint(step, policy=SAVED), policy=SAVED)


def linear(layer: eqx.nn.Linear, x: Float[Array, "features batch"]) -> Float[Array, "outputs batch"]:
    """A linear layer, with episodes as the last axis."""
    return layer.weight @ x if layer.bias is None else layer.weight @ x + layer.bias[:, None]


def stacked_weights(
    cell: eqx.nn.GRUCell,
) -> tuple[Float[Array, "units3 inputs"], Float[Array, "units inputs"]]:
    """The weights of a GRU as two matrices, so that a step is two matrix products.

    The first maps (state, features, 1) to both gates and to the part of the candidate that the reset gate
    multiplies; the second maps (features, 1) to the rest of the candidate. Biases are columns, because the
    sum over episodes of a separate bias in the backward pass costs more than a longer product.
    """
    n = cell.hidden_size
    (gates, new), (bias, bias_new) = (jnp.split(jnp.asarray(x), [2 * n]) for x in (cell.weight_ih, cell.bias))
    ones = jnp.append(bias, jnp.asarray(cell.bias_n))
    inside = [cell.weight_hh, jnp.concatenate([gates, jnp.zeros_like(new)]), ones[:, None]]
    return jnp.concatenate(inside, axis=1), jnp.concatenate([new, bias_new[:, None]], axis=1)


def next_state(
    weights: tuple[Float[Array, "units3 inputs"], Float[Array, "units features_1"]],
    state: Float[Array, "units batch"],
    x: Float[Array, "features_1 batch"],
) -> Float[Array, "units batch"]:
    """The next state of a GRU, from `stacked_weights`, the state, and the features with a row of ones."""
    reset, update, inside = jnp.split(weights[0] @ jnp.concatenate([state, x]), 3)
    new = jnp.tanh(weights[1] @ x + gate(reset) * checkpoint_name(inside, "sums"))
    return new + gate(update) * (state - new)


@jax.custom_jvp
def gate(x: Float[Array, "units batch"]) -> Float[Array, "units batch"]:
    """The logistic function, computed by tanh, which is faster on a CPU."""
    return 0.5 + 0.5 * jnp.tanh(0.5 * x)


@gate.defjvp
def _gate_jvp(primals, tangents):
    y = checkpoint_name(gate(*primals), "gates")
    return y, (y - y * y) * tangents[0]


class Codes(eqx.Module):
    """The one-hot code of an observation among a few possible ones."""

    distinct: Float[Array, "observations *shape"]

    def __call__(self, observation: Array) -> Float[Array, " observations"]:
        """The one-hot code."""
        same = observation.reshape(1, -1) == self.distinct.reshape(len(self.distinct), -1)
        return same.all(axis=1).astype(self.distinct.dtype)


class Dense(eqx.Module):
    """A linear layer on the flattened observation."""

    layer: eqx.nn.Linear

    def __call__(self, observation: Array) -> Float[Array, " features"]:
        """The features."""
        return self.layer(jnp.ravel(observation))


class Convolution(eqx.Module):
    """Convolutions, 3 by 3 on a torus, with ReLU between them; the output is flattened.

    Args:
        key: source of randomness of weights and biases.
        planes: number of planes of an observation.
        channels: number of channels of each layer.
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
