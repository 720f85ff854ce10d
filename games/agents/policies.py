"""Policies before they have parameters: what draws an agent for a seat of an environment."""

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
    """The structure of a policy."""

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], environment: Environment, player: int) -> Own:
        """Draw one player's parameters."""

    @abc.abstractmethod
    def network(self, key: Key[Array, ""], observation_shape: tuple[int, ...], outputs: int) -> Agent:
        """Draw something of the same form with any number of outputs, such as a critic."""


class TablePolicy(Architecture):
    r"""A table of logits from $N(0, init\_std^2)$, an array; observations must be one-hot vectors over its rows.

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
        """One row per entry of an observation."""
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
    """A network, with a critic of the same form and parameters of its own where one is asked for."""

    if TYPE_CHECKING:  # a type checker would take an abstract attribute for an argument of the constructor
        critic: ClassVar[Any]
    else:
        critic: eqx.AbstractVar[bool]

    def init(self, key: Key[Array, ""], environment: Environment, player: int) -> Own:
        """An actor, beside a critic where one is asked for."""
        actor, critic = jax.random.split(key)
        drawn = self.network(actor, environment.observation_shape, environment.n_actions[player])
        return (
            ActorCritic(drawn, self.network(critic, environment.observation_shape, 1))
            if self.critic
            else drawn
        )


class MlpPolicy(Network):
    r"""A multilayer perceptron with ReLU, without memory; weights and biases uniform in $[-1/\sqrt n, 1/\sqrt n]$ for n inputs.

    Args:
        hidden: units of every hidden layer, each at least 1.
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
    r"""Dense-ReLU-GRU-Dense, or convolutions in place of the first layer; all layers start uniform in $[-1/\sqrt n, 1/\sqrt n]$.

    Args:
        width: units of the first layer (without convolutions) and of the recurrent one, at least 1.
        channels: of every convolution, three by three on a torus; none for a dense layer.
        critic: whether there is a critic.

    Raises:
        ValueError: for a number below 1; on drawing, where convolutions are asked for and observations are no
            planes.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness": width 64, dense. Lu et al.
        2022, "Model-free opponent shaping": convolutions of 16 channels.

    Example:
        >>> from games import ENVIRONMENTS
        >>> GruPolicy(width=8).init(jax.random.key(0), ENVIRONMENTS.make("ipd_contribution_rollout"), 0).actor.memory().shape
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
            eye, features = (
                Dense(eqx.nn.Linear(math.prod(observation_shape), self.width, key=first)),
                self.width,
            )
        elif len(observation_shape) == 3:
            eye, features = (
                Convolution(first, observation_shape[0], self.channels),
                self.channels[-1] * math.prod(observation_shape[1:]),
            )
        else:
            raise ValueError(
                f"Observations have shape {observation_shape}; convolutions need planes (planes, rows, columns)."
            )
        return Recurrent(
            eye,
            eqx.nn.GRUCell(features, self.width, key=second),
            eqx.nn.Linear(self.width, outputs, key=third),
        )
