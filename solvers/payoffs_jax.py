r"""Best responses, smoothed best responses and what a profile leaves to gain, for n players, in JAX: under jit, vmap and gradients.

Sums of products are written out action by action: a product of a small matrix and a vector under `vmap` is a
call per game, is rounded to fewer bits on some accelerators, and jaxlib 0.10.2 reduces it wrongly over large
batches on a CPU.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from games.checks import concrete, numeric_array
from solvers.payoffs import payoff_tensor

Payoffs = Float[Array, "n_players *actions"]
Profile = tuple[Float[Array, " actions"], ...]
Values = tuple[Float[Array, " actions"], ...]


ROUNDING = 1e-6
"""How far from 1 the sum of probabilities given in float32 may be."""


def in_default_precision(tree: Any) -> Any:
    """Every inexact array in JAX's default precision, whichever that was when it was made."""
    wanted = jnp.result_type(float)
    return jax.tree.map(
        lambda x: x.astype(wanted) if jnp.issubdtype(jnp.result_type(x), jnp.inexact) else x, tree
    )


def as_payoffs(game: Any) -> Payoffs:
    """The payoffs `(n, A1, ..., An)` of a game, traced or not, in JAX's default precision, less a player's least payoff if all are large.

    Args:
        game: what `solvers.payoffs.payoff_tensor` takes, or traced payoffs.

    Raises:
        ValueError: for payoffs that are not finite or of the wrong shape.
    """
    payoffs = getattr(game, "payoffs", game)
    if not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(payoffs)):
        tensor = payoff_tensor(game)
        low, high = (f(tensor, axis=tuple(range(1, tensor.ndim)), keepdims=True) for f in (np.min, np.max))
        far = np.maximum(abs(low), abs(high)) > 1e3 * (
            high - low
        )  # a constant moves no answer, and float32 has few digits
        return numeric_array("The payoffs", tensor - np.where(far, low, 0))
    payoffs = in_default_precision(numeric_array("The payoffs", payoffs))
    if payoffs.ndim < 2 or len(payoffs) != payoffs.ndim - 1 or 0 in payoffs.shape:
        raise ValueError(
            f"The payoffs have shape {payoffs.shape}; they must be (n, A1, ..., An); for many games use jax.vmap."
        )
    return payoffs


def as_start(start: Any, payoffs: Float[Array, "..."], actions: tuple[int, ...]) -> Profile:
    """Everybody's first strategy, in the precision of the payoffs.

    Raises:
        ValueError: for strategies of the wrong number or length, or off the simplex.
    """
    if not hasattr(start, "__len__") or isinstance(start, (str, dict)):
        raise ValueError(f"start is {start!r}; it must hold one strategy each, of {list(actions)} actions.")
    profile = tuple(numeric_array("start", own).astype(payoffs.dtype) for own in start)
    if tuple(own.shape for own in profile) != tuple((a,) for a in actions):
        raise ValueError(
            f"start has shapes {[own.shape for own in profile]}; it must hold one strategy each, of {list(actions)} actions."
        )
    for own in profile:
        if concrete(own) and not (
            np.asarray(own).min() >= -ROUNDING and abs(np.asarray(own, dtype=float).sum() - 1) <= ROUNDING
        ):
            raise ValueError(
                f"start holds {[float(f'{x:.6g}') for x in own]}, which is off the simplex; give probabilities that sum to 1."
            )
    return profile


def contracted(
    table: Float[Array, "..."], weights: Float[Array, " actions"], axis: int
) -> Float[Array, "..."]:
    """The weighted sum of a table along one axis."""
    slices = jnp.moveaxis(table, axis, 0)
    return sum((slices[a] * weights[a] for a in range(1, len(weights))), start=slices[0] * weights[0])


def dot(x: Float[Array, " actions"], y: Float[Array, " actions"]) -> Float[Array, ""]:
    """Inner product."""
    return contracted(x, y, 0)


def action_values(payoffs: Payoffs, profile: Profile) -> Values:
    r"""What each action earns everybody against the others' mixed strategies, $u_i(a_i, \sigma_{-i})$.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.

    Returns:
        One array per player.

    Example:
        >>> payoffs = jnp.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]])
        >>> [v.tolist() for v in action_values(payoffs, (jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0])))]
        [[2.0, 0.0], [0.5, 1.0]]
    """
    values = []
    for player in range(len(profile)):
        table = payoffs[player]
        for other in reversed(range(len(profile))):
            if other != player:
                table = contracted(table, profile[other], other)
        values.append(table)
    return tuple(values)


def regrets(payoffs: Payoffs, profile: Profile) -> Float[Array, " n_players"]:
    r"""What everybody would gain by a best response, $\max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.
    """
    return gains(action_values(payoffs, profile), profile)


def gains(values: Values, profile: Profile) -> Float[Array, " n_players"]:
    """What everybody would gain by the best of actions of these values."""
    return jnp.stack([v.max() - dot(v, own) for v, own in zip(values, profile, strict=True)])


def nash_conv(payoffs: Payoffs, profile: Profile) -> Float[Array, ""]:
    r"""The sum of everybody's regret, $\sum_i \max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$ (Lanctot et al. 2017); 0 at a Nash equilibrium.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.

    Example:
        >>> pennies = jnp.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
        >>> float(nash_conv(pennies, (jnp.array([1.0, 0.0]), jnp.array([0.5, 0.5]))))
        1.0
    """
    return regrets(payoffs, profile).sum()


def exploitability(payoffs: Payoffs, profile: Profile) -> Float[Array, ""]:
    """NashConv per player, the convention of two-player zero-sum games."""
    return nash_conv(payoffs, profile) / len(profile)


def coarse_regrets(payoffs: Payoffs, joint: Float[Array, "*actions"]) -> Float[Array, " n_players"]:
    r"""What everybody would gain by one fixed action against correlated play; nobody gains at a coarse correlated equilibrium.

    $\max_a \sum_b z(b) u_i(a, b_{-i}) - \sum_b z(b) u_i(b)$

    Args:
        payoffs: `(n, A1, ..., An)`.
        joint: probability $z$ of every joint action.
    """
    gains = []
    for player in range(payoffs.ndim - 1):
        own = payoffs[player]
        others = joint.sum(player).ravel()
        fixed = contracted(jnp.moveaxis(own, player, 0).reshape(own.shape[player], -1), others, 1)
        gains.append(fixed.max() - dot(own.ravel(), joint.ravel()))
    return jnp.stack(gains)


def payoff_span(payoffs: Payoffs) -> Float[Array, ""]:
    """The largest less the smallest payoff of any player, or 1 where all are equal: the unit of tolerances."""
    span = payoffs.max() - payoffs.min()
    return jnp.where(span > 0, span, 1)


def pure(values: Float[Array, " actions"]) -> Float[Array, " actions"]:
    """The best action, the first of those that tie."""
    return jax.nn.one_hot(jnp.argmax(values), len(values), dtype=values.dtype)


def best_responses(payoffs: Payoffs, profile: Profile) -> Profile:
    """Everybody's pure best response; the first action of those that tie.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.

    Example:
        >>> payoffs = jnp.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]])
        >>> [s.tolist() for s in best_responses(payoffs, (jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0])))]
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return tuple(pure(v) for v in action_values(payoffs, profile))


def smoothed_best_responses(payoffs: Payoffs, profile: Profile, precision: ArrayLike) -> Profile:
    r"""Everybody's logit response, $\sigma_i(a) \propto \exp(\lambda\, u_i(a, \sigma_{-i}))$ (Fudenberg & Levine 1998, section 4.3).

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.
        precision: $\lambda \ge 0$ per payoff unit; 0 is uniform, and the larger, the nearer to a best
            response.

    Example:
        >>> payoffs = jnp.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]])
        >>> smoothed_best_responses(payoffs, (jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0])), 0.0)[0].tolist()
        [0.5, 0.5]
    """
    return tuple(jax.nn.softmax(precision * v) for v in action_values(payoffs, profile))
