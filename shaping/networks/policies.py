"""Policies that are trained by playing: an actor and a critic, with actions on a line or from a list."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from games.agents.base import Mlp
from games.checks import check_count, check_flag


class Gaussian(eqx.Module):
    r"""Continuous actions: $a \sim N(\mu(o), \mathrm{diag}(\mathrm{softplus}(s(o)) + v))$, the actor giving $(\mu, s)$, beside a critic.

    $v$ keeps densities finite. Where rewards are noiseless, policy gradients shrink the variance without end,
    until one step of the optimizer is many standard deviations; a larger $v$ holds it.

    Observations that are probabilities may be `centered`, to $2o - 1$. A network that sees 0 or 1 learns what
    to do at 0 by its biases alone, which it shares with 1: where most matches show 0, it never finds out what
    would be good at 1. Seeing -1 or 1, it moves apart.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", whose actor and critic are of size 2d-256-tanh (width
        256, depth 1).
    """

    actor: Mlp
    critic: Mlp
    least: float = eqx.field(static=True, default=1e-6)
    centered: bool = eqx.field(static=True, default=False)

    def moments(self, observation: Float[Array, " o"]) -> tuple[Float[Array, " a"], Float[Array, " a"]]:
        """Mean and variance of the action."""
        mean, raw = jnp.split(self.actor.outputs(self.seen(observation)), 2)
        return mean, jax.nn.softplus(raw) + self.least

    def act(
        self, key: Key[Array, ""], observation: Float[Array, " o"]
    ) -> tuple[Float[Array, " a"], Float[Array, ""]]:
        """An action and its log-probability."""
        mean, variance = self.moments(observation)
        action = mean + jnp.sqrt(variance) * jax.random.normal(key, mean.shape, mean.dtype)
        return action, log_density(action, mean, variance)

    def mode(self, observation: Float[Array, " o"]) -> Float[Array, " a"]:
        """The most probable action."""
        return self.moments(observation)[0]

    def evaluate(
        self, observation: Float[Array, " o"], action: Float[Array, " a"]
    ) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
        """The action's log-probability, the entropy there, and the critic's value."""
        mean, variance = self.moments(observation)
        entropy = 0.5 * jnp.sum(jnp.log(2 * jnp.pi * jnp.e * variance))
        return log_density(action, mean, variance), entropy, self.critic.outputs(self.seen(observation))[0]

    def seen(self, observation: Float[Array, " o"]) -> Float[Array, " o"]:
        """What the networks are given."""
        return 2 * observation - 1 if self.centered else observation


class Categorical(eqx.Module):
    """Actions 0 to n-1 with the softmax of the actor's outputs for probabilities, beside a critic."""

    actor: Mlp
    critic: Mlp

    def act(
        self, key: Key[Array, ""], observation: Float[Array, " o"]
    ) -> tuple[Int[Array, ""], Float[Array, ""]]:
        """An action and its log-probability."""
        log_p = jax.nn.log_softmax(self.actor.outputs(observation))
        action = jax.random.categorical(key, log_p)
        return action, log_p[action]

    def mode(self, observation: Float[Array, " o"]) -> Int[Array, ""]:
        """The most probable action."""
        return jnp.argmax(self.actor.outputs(observation))

    def evaluate(
        self, observation: Float[Array, " o"], action: Int[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
        """The action's log-probability, the entropy there, and the critic's value."""
        log_p = jax.nn.log_softmax(self.actor.outputs(observation))
        return log_p[action], -jnp.sum(jnp.exp(log_p) * log_p), self.critic.outputs(observation)[0]


Policy = Gaussian | Categorical
"""What the optimizers train: `act`, `mode` and `evaluate`; any module of arrays with these three will do."""


def log_density(
    x: Float[Array, " a"], mean: Float[Array, " a"], variance: Float[Array, " a"]
) -> Float[Array, ""]:
    """Logarithm of a diagonal Gaussian's density."""
    return -0.5 * jnp.sum((x - mean) ** 2 / variance + jnp.log(2 * jnp.pi * variance))


def gaussian(
    observations: int,
    actions: int,
    width: int = 256,
    depth: int = 1,
    least: float = 1e-6,
    centered: bool = False,
) -> Callable[[Key[Array, ""]], Gaussian]:
    """What draws a policy over `actions` real numbers from a key.

    Args:
        observations: numbers in an observation.
        actions: numbers in an action.
        width: hidden units per layer.
        depth: hidden layers, of actor and critic each.
        least: least variance, above 0.
        centered: whether the networks see probabilities o as 2o - 1.

    Example:
        >>> gaussian(10, 5, width=8)(jax.random.key(0)).mode(jnp.zeros(10)).shape
        (5,)
    """
    check_count("width", width)
    check_count("depth", depth, 0)
    check_flag("centered", centered)
    return lambda key: Gaussian(*drawn(key, observations, 2 * actions, width, depth), least, centered)


def categorical(
    observations: int, actions: int, width: int = 256, depth: int = 1
) -> Callable[[Key[Array, ""]], Categorical]:
    """What draws a policy over `actions` discrete actions from a key; arguments as for `gaussian`."""
    check_count("width", width)
    check_count("depth", depth, 0)
    return lambda key: Categorical(*drawn(key, observations, actions, width, depth))


def drawn(key: Key[Array, ""], inputs: int, outputs: int, width: int, depth: int) -> tuple[Mlp, Mlp]:
    """An actor and a critic of equal hidden layers."""
    actor, critic = jax.random.split(key)
    hidden = (inputs, *[width] * depth)
    return Mlp.uniform(actor, (*hidden, outputs), "tanh"), Mlp.uniform(critic, (*hidden, 1), "tanh")
