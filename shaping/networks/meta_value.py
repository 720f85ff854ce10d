"""Networks for meta-values, their targets and their loss."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key

from games.base import Joint
from shaping.base import Scalar


class Normed(eqx.Module):
    """A linear layer without biases, initially orthogonal, followed by a layer norm."""

    linear: eqx.nn.Linear
    norm: eqx.nn.LayerNorm

    def __init__(self, key: Key[Array, ""], into: int, out: int):
        weight = jax.nn.initializers.orthogonal()(key, (into, out)).T
        layer = eqx.nn.Linear(into, out, use_bias=False, key=key)
        self.linear = eqx.tree_at(lambda linear: linear.weight, layer, weight)
        self.norm = eqx.nn.LayerNorm(out, eps=1e-6)

    def __call__(self, x: Float[Array, " into"]) -> Float[Array, " out"]:
        """The normalized output."""
        return self.norm(self.linear(x))


class Residual(eqx.Module):
    r"""A gated residual block.

    $g \odot x + (1 - g) \odot (W\, \mathrm{gelu}(\mathrm{Normed}(x)) + b)$, with $g = 1/2$ initially.
    """

    normed: Normed
    linear: eqx.nn.Linear
    gate: Float[Array, " width"]

    def __init__(self, key: Key[Array, ""], width: int):
        self.normed = Normed(jax.random.fold_in(key, 0), width, width)
        self.linear = linear(jax.random.fold_in(key, 1), width, width)
        self.gate = jnp.zeros(width)

    def __call__(self, x: Float[Array, " width"]) -> Float[Array, " width"]:
        """The block's output."""
        gate = jax.nn.sigmoid(self.gate)
        return gate * x + (1 - gate) * self.linear(jax.nn.gelu(self.normed(x)))


class ValueNetwork(eqx.Module):
    r"""Quantiles of every player's meta-value, from everybody's parameters and discounts $\gamma$.

    An encoder shared by all players takes a player's parameters, after a sigmoid, and its $\gamma$. A second
    network, also shared, takes the player's own features and the mean of the others' features. Relabeling the
    players therefore relabels the meta-values, unless the network has `roles`: a scale and a bias of the
    features per seat, for players that differ or learn by different rules.

    Args:
        key: draws the weights.
        size: largest number of parameters of a player; shorter ones are padded with zeros.
        width: units of every layer.
        blocks: residual blocks before the players' features are joined, and as many after.
        quantiles: how many.
        seats: number of players with roles; None for no roles.

    Source:
        Cooijmans, Aghajohari & Courville 2023, "Meta-value learning", published code (matrix.ipynb), for two
        players.
    """

    embed: eqx.nn.Linear
    policy: Normed
    discount: eqx.nn.Linear
    roles: tuple[Float[Array, "seats features"], Float[Array, "seats features"]] | None
    mix: Normed
    before: tuple[Residual, ...]
    meet: Normed
    after: tuple[Residual, ...]
    final: Normed
    output: eqx.nn.Linear

    def __init__(
        self,
        key: Key[Array, ""],
        size: int,
        width: int = 128,
        blocks: int = 1,
        quantiles: int = 64,
        seats: int | None = None,
    ):
        keys = iter(jax.random.split(key, 7 + 2 * blocks))
        self.embed = linear(next(keys), size, width)
        self.policy = Normed(next(keys), width, width)
        self.discount = linear(next(keys), 1, width)
        self.roles = None if seats is None else (jnp.ones((seats, 2 * width)), jnp.zeros((seats, 2 * width)))
        self.mix = Normed(next(keys), 2 * width, width)
        self.before = tuple(Residual(next(keys), width) for _ in range(blocks))
        self.meet = Normed(next(keys), 2 * width, width)
        self.after = tuple(Residual(next(keys), width) for _ in range(blocks))
        self.final = Normed(next(keys), width, width)
        self.output = linear(next(keys), width, quantiles)

    @property
    def size(self) -> int:
        """Largest number of parameters of a player."""
        return self.embed.weight.shape[1]

    @property
    def width(self) -> int:
        """Units of every layer."""
        return self.embed.weight.shape[0]

    def __call__(
        self, rows: Float[Array, "n size"], discounts: Float[Array, " n"]
    ) -> Float[Array, "n quantiles"]:
        """Everybody's quantiles, from parameters and discounts in the order of seats."""
        n = len(rows)
        apart = self.apart(rows, discounts, jnp.arange(n))
        others = jnp.stack([jnp.stack([apart[j] for j in range(n) if j != i]).mean(0) for i in range(n)])
        return jax.vmap(lambda own, other: self.output(self.together(own, other)))(apart, others)

    def value(
        self, rows: Float[Array, "n size"], discounts: Float[Array, " n"], seats: Int[Array, " n"]
    ) -> Float[Array, ""]:
        """The first row's meta-value, the mean of its quantiles; the rows' seats are given."""
        own, *others = self.apart(rows, discounts, seats)
        return self.output(self.together(own, jnp.stack(others).mean(0))).mean()

    def apart(
        self, rows: Float[Array, "n size"], discounts: Float[Array, " n"], seats: Int[Array, " n"]
    ) -> Float[Array, "n width"]:
        """Features of every player, from its own parameters and discount."""
        hidden = jax.vmap(lambda x: jax.nn.gelu(self.policy(jax.nn.gelu(self.embed(jax.nn.sigmoid(x))))))(
            rows
        )
        horizon = jax.vmap(lambda g: jax.nn.gelu(self.discount(g[None])))(discounts)
        x = jnp.concatenate([hidden, horizon], axis=-1)
        if self.roles is not None:
            scale, bias = self.roles
            x = x * scale[seats] + bias[seats]
        x = jax.vmap(lambda x: jax.nn.gelu(self.mix(x)))(x)
        for block in self.before:
            x = jax.vmap(block)(x)
        return x

    def together(self, own: Float[Array, " width"], others: Float[Array, " width"]) -> Float[Array, " width"]:
        """The last hidden units of one player, within (-1, 1)."""
        x = jax.nn.gelu(self.meet(jnp.concatenate([own, others])))
        for block in self.after:
            x = block(x)
        return jnp.tanh(self.final(x))

    def averaged(self) -> "ValueNetwork":
        """The network with one output, the mean of the quantiles: the same values at lower cost."""
        mean = (self.output.weight.mean(0, keepdims=True), self.output.bias.mean(keepdims=True))  # pyright: ignore[reportOptionalMemberAccess]
        return eqx.tree_at(lambda network: (network.output.weight, network.output.bias), self, mean)


def linear(key: Key[Array, ""], into: int, out: int) -> eqx.nn.Linear:
    """A linear layer: truncated normal weights of variance one over the number of inputs, biases 0."""
    drawn: Any = (jax.nn.initializers.lecun_normal()(key, (into, out)).T, jnp.zeros(out))
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), eqx.nn.Linear(into, out, key=key), drawn)


def rows(joint: Joint, size: int) -> Float[Array, "n size"]:
    """Everybody's parameters, flat and padded with zeros."""
    flat = [ravel_pytree(own)[0] for own in joint]
    return jnp.stack([jnp.pad(own, (0, size - own.size)) for own in flat])


def lambda_targets(
    rewards: Float[Array, "time n"],
    values: Float[Array, "time_1 n quantiles"],
    discounts: Float[Array, " n"],
    mixing: Scalar,
) -> Float[Array, "time n quantiles"]:
    r"""TD($\lambda$) targets of every quantile.

    $G_t = (1-\gamma)\, r_t + \gamma\, [(1-\lambda) V_{t+1} + \lambda G_{t+1}]$, with $G_T = V_T$.

    Args:
        rewards: $r_t$, the per-step values after step t.
        values: $V_0$ to $V_T$, the target network's quantiles.
        discounts: $\gamma$ of every player, in [0, 1].
        mixing: $\lambda$, in [0, 1].

    Example:
        >>> lambda_targets(jnp.ones((2, 1)), jnp.full((3, 1, 1), 5.0), jnp.array([0.5]), 1.0).ravel().tolist()
        [2.0, 3.0]
    """
    g = discounts[:, None]

    def step(later, seen):
        reward, value = seen
        target = (1 - g) * reward[:, None] + g * ((1 - mixing) * value + mixing * later)
        return target, target

    return jax.lax.scan(step, values[-1], (rewards, values[1:]), reverse=True)[1]


def quantile_loss(quantiles: Float[Array, " q"], samples: Float[Array, " m"]) -> Float[Array, ""]:
    r"""Loss of Huber quantile regression.

    $\sum_i \frac{1}{m} \sum_j |\tau_i - [s_j < q_i]|\, h(s_j - q_i)$ with $\tau_i = (i + 1/2)/q$. $h$ is
    Huber's function with threshold 1: $h(x) = x^2/2$ up to $|x| = 1$, and $|x| - 1/2$ beyond.

    Source:
        Dabney et al. 2018, "Distributional reinforcement learning with quantile regression", equation 10.

    Example:
        >>> float(quantile_loss(jnp.array([0.0]), jnp.array([3.0, -1.0])))
        0.75
    """
    q = len(quantiles)
    levels = (jnp.arange(q) + 0.5) / q
    gap = samples[None, :] - quantiles[:, None]
    return (jnp.abs(levels[:, None] - (gap < 0)) * optax.losses.huber_loss(gap)).mean(axis=1).sum()
