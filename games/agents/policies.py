"""Architectures of policies: they draw the initial parameters of an agent for a seat of an environment."""

import abc
import math
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from games.agents.base import ActorCritic, Agent, Mlp, Table
from games.agents.recurrent import Convolution, Dense, Recurrent
from games.base import Environment, Own
from games.checks import check_count, check_counts, check_range, floating
from games.exact.tables import table_shape


class Architecture(eqx.Module):
    """The architecture of a policy."""

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], environment: Environment, player: int) -> Own:
        """Draw one player's initial parameters."""

    @abc.abstractmethod
    def network(self, key: Key[Array, ""], observation_shape: tuple[int, ...], outputs: int) -> Agent:
        """Draw a network of the same architecture with another number of outputs, such as a critic."""


class TablePolicy(Architecture):
    r"""A table of logits, drawn from $N(0, init\_std^2)$; observations must be one-hot vectors over its rows.

    Args:
        init_std: standard deviation of the initial logits, at least 0.

    Example:
        >>> from games import ENVIRONMENTS
        >>> TablePolicy().init(jax.random.key(0), ENVIRONMENTS.make("ipd_rollout"), 0).shape
        (5,)
    """

    init_std: Float[Array, ""] = eqx.field(converter=floating, default=1.0)

    def __check_init__(self):
        check_range("init_std", self.init_std, 0.0)

    def init(self, key: Key[Array, ""], environment: Environment, player: int) -> Own:
        """Draw the logits, one row per entry of an observation."""
        if len(environment.observation_shape) != 1:
            raise ValueError(
                f"Observations of {environment.name!r} have shape {environment.observation_shape}; a table needs one-hot vectors, so take "
                "encoding='one_hot' or another policy."
            )
        shape = table_shape(environment.observation_shape[0], environment.n_actions[player])
        return self.init_std * jax.random.normal(key, shape)

    def network(self, key: Key[Array, ""], observation_shape: tuple[int, ...], outputs: int) -> Table:
        """A table of zeros."""
        return Table(jnp.zeros((*observation_shape, outputs)))


class Network(Architecture):
    """A network, optionally with a critic of the same architecture, which has parameters of its own."""

    if TYPE_CHECKING:  # a type checker would take an abstract attribute for an argument of the constructor
        critic: ClassVar[Any]
    else:
        critic: eqx.AbstractVar[bool]

    def init(self, key: Key[Array, ""], environment: Environment, player: int) -> Own:
        """Draw the actor, and the critic if there is one."""
        actor, critic = jax.random.split(key)
        own = self.network(actor, environment.observation_shape, environment.n_actions[player])
        return (
            ActorCritic(own, self.network(critic, environment.observation_shape, 1)) if self.critic else own
        )


class MlpPolicy(Network):
    r"""A multilayer perceptron with ReLU, without memory.

    Weights and biases are drawn uniformly from $[-1/\sqrt n, 1/\sqrt n]$, n the number of inputs of a layer.

    Args:
        hidden: number of units of each hidden layer, each at least 1.
        critic: whether there is a critic.

    Raises:
        ValueError: for a size below 1.
    """

    hidden: tuple[int, ...] = eqx.field(static=True, default=(64,))
    critic: bool = eqx.field(static=True, default=False)

    def __post_init__(self):
        check_counts("hidden", self.hidden)
        self.hidden = tuple(self.hidden)

    def network(self, key: Key[Array, ""], observation_shape: tuple[int, ...], outputs: int) -> Mlp:
        """Draw a network."""
        return Mlp.uniform(key, (math.prod(observation_shape), *self.hidden, outputs))


class GruPolicy(Network):
    r"""A recurrent network: linear layer, ReLU, gated recurrent unit (GRU), linear layer.

    Convolutions can replace the first layer. Weights and biases are drawn uniformly from $[-1/\sqrt n,
    1/\sqrt n]$, n the number of inputs of a layer.

    Args:
        width: number of units of the GRU, and of the first layer unless it is convolutional, at least 1.
        channels: number of channels of each 3 by 3 convolution on a torus; empty for a linear first layer.
        critic: whether there is a critic.

    Raises:
        ValueError: for a number below 1; in `init`, for convolutions on observations that are not planes.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness": width 64, dense. Lu et al.
        2022, "Model-free opponent shaping": convolutions of 16 channels.

    Example:
        >>> from games import ENVIRONMENTS
        >>> environment = ENVIRONMENTS.make("ipd_contribution_rollout")
        >>> GruPolicy(width=8).init(jax.random.key(0), environment, 0).actor.memory().shape
        (8,)
    """

    width: int = eqx.field(static=True, default=64)
    channels: tuple[int, ...] = eqx.field(static=True, default=())
    critic: bool = eqx.field(static=True, default=True)

    def __post_init__(self):
        check_count("width", self.width)
        check_counts("channels", self.channels)
        self.channels = tuple(self.channels)

    def network(self, key: Key[Array, ""], observation_shape: tuple[int, ...], outputs: int) -> Recurrent:
        """Draw a network."""
        first, second, third = jax.random.split(key, 3)
        if not self.channels:
            encoder, features = (
                Dense(eqx.nn.Linear(math.prod(observation_shape), self.width, key=first)),
                self.width,
            )
        elif len(observation_shape) == 3:
            encoder, features = (
                Convolution(first, observation_shape[0], self.channels),
                self.channels[-1] * math.prod(observation_shape[1:]),
            )
        else:
            raise ValueError(
                f"Observations have shape {observation_shape}; convolutions need planes (planes, rows, columns)."
            )
        return Recurrent(
            encoder,
            eqx.nn.GRUCell(features, self.width, key=second),
            eqx.nn.Linear(self.width, outputs, key=third),
        )
