r"""Action values, best responses and regrets of n-player games in JAX.

All functions work under `jit` and `vmap` and are differentiable.

Expectations are sums written out action by action, not matrix products: under `vmap`, a matrix product is
one call per game; some accelerators round it to fewer bits; and jaxlib 0.10.2 computes it wrongly for large
batches on the CPU.
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
"""The largest accepted distance from 1 of a sum of probabilities, which allows for float32."""


def in_default_precision(tree: Any) -> Any:
    """Convert all floating-point arrays of a pytree to JAX's current default precision."""
    dtype = jnp.result_type(float)
    return jax.tree.map(
        lambda x: x.astype(dtype) if jnp.issubdtype(jnp.result_type(x), jnp.inexact) else x, tree
    )


def as_payoffs(game: Any) -> Payoffs:
    """The payoffs `(n, A1, ..., An)` of a game as a JAX array of the default precision.

    If the largest absolute value of a player's payoffs exceeds 1000 times their range, the smallest is
    subtracted from all of them: this changes no equilibrium, and without it float32 would round off the
    differences.

    Args:
        game: a game as for `solvers.payoffs.payoff_tensor`, or traced payoffs, which are used as they are.

    Raises:
        ValueError: if the payoffs are not finite or have the wrong shape.
    """
    payoffs = getattr(game, "payoffs", game)
    if not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(payoffs)):
        tensor = payoff_tensor(game)
        low, high = (f(tensor, axis=tuple(range(1, tensor.ndim)), keepdims=True) for f in (np.min, np.max))
        large = np.maximum(abs(low), abs(high)) > 1e3 * (high - low)
        return numeric_array("The payoffs", tensor - np.where(large, low, 0))
    payoffs = in_default_precision(numeric_array("The payoffs", payoffs))
    if payoffs.ndim < 2 or len(payoffs) != payoffs.ndim - 1 or 0 in payoffs.shape:
        raise ValueError(
            f"The payoffs have shape {payoffs.shape}; they must be (n, A1, ..., An); for a batch of games "
            "use jax.vmap."
        )
    return payoffs


def as_start(start: Any, payoffs: Float[Array, "..."], actions: tuple[int, ...]) -> Profile:
    """Convert the initial strategies to the precision of the payoffs, and check them.

    Raises:
        ValueError: if the number of strategies or the length of one is wrong, or if one is not a probability
            distribution.
    """
    if not hasattr(start, "__len__") or isinstance(start, (str, dict)):
        raise ValueError(
            f"start is {start!r}; it must hold one strategy per player, of {list(actions)} actions."
        )
    profile = tuple(numeric_array("start", own).astype(payoffs.dtype) for own in start)
    if tuple(own.shape for own in profile) != tuple((a,) for a in actions):
        raise ValueError(
            f"start has shapes {[own.shape for own in profile]}; it must hold one strategy per player, of "
            f"{list(actions)} actions."
        )
    for own in profile:
        if concrete(own) and not (
            np.asarray(own).min() >= -ROUNDING and abs(np.asarray(own, dtype=float).sum() - 1) <= ROUNDING
        ):
            raise ValueError(
                f"start holds {[float(f'{x:.6g}') for x in own]}, which is off the simplex; pass "
                "probabilities that sum to 1."
            )
    return profile


def contract(table: Float[Array, "..."], weights: Float[Array, " actions"], axis: int) -> Float[Array, "..."]:
    r"""The weighted sum of a table along one axis, $\sum_a w_a T_a$, written out entry by entry."""
    slices = jnp.moveaxis(table, axis, 0)
    return sum((slices[a] * weights[a] for a in range(1, len(weights))), start=slices[0] * weights[0])


def dot(x: Float[Array, " actions"], y: Float[Array, " actions"]) -> Float[Array, ""]:
    """Inner product."""
    return contract(x, y, 0)


def action_values(payoffs: Payoffs, profile: Profile) -> Values:
    r"""Each player's expected payoff of each action against the others, $u_i(a_i, \sigma_{-i})$.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.

    Returns:
        One array per player, `(actions,)`.

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
                table = contract(table, profile[other], other)
        values.append(table)
    return tuple(values)


def regrets(payoffs: Payoffs, profile: Profile) -> Float[Array, " n_players"]:
    r"""How much each player would gain by a best response, $\max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.
    """
    return regrets_from_values(action_values(payoffs, profile), profile)


def regrets_from_values(values: Values, profile: Profile) -> Float[Array, " n_players"]:
    """Each player's regret, from the action values of `action_values`."""
    return jnp.stack([v.max() - dot(v, own) for v, own in zip(values, profile, strict=True)])


def nash_conv(payoffs: Payoffs, profile: Profile) -> Float[Array, ""]:
    r"""The sum of all regrets, $\sum_i \max_a u_i(a, \sigma_{-i}) - u_i(\sigma)$ (Lanctot et al. 2017).

    0 at equilibrium.

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
    """NashConv divided by the number of players, the convention for two-player zero-sum games."""
    return nash_conv(payoffs, profile) / len(profile)


def coarse_regrets(payoffs: Payoffs, joint: Float[Array, "*actions"]) -> Float[Array, " n_players"]:
    r"""How much each player would gain by a fixed action against correlated play.

    $\max_a \sum_b z(b) u_i(a, b_{-i}) - \sum_b z(b) u_i(b)$, at most 0 for all players at a coarse correlated
    equilibrium.

    Args:
        payoffs: `(n, A1, ..., An)`.
        joint: $z$, the probability of each joint action, `(A1, ..., An)`.
    """
    regrets = []
    for player in range(payoffs.ndim - 1):
        own = payoffs[player]
        others = joint.sum(player).ravel()
        fixed = contract(jnp.moveaxis(own, player, 0).reshape(own.shape[player], -1), others, 1)
        regrets.append(fixed.max() - dot(own.ravel(), joint.ravel()))
    return jnp.stack(regrets)


def payoff_span(payoffs: Payoffs) -> Float[Array, ""]:
    """The unit of tolerances: the largest minus the smallest payoff of all players, or 1 if all are equal."""
    span = payoffs.max() - payoffs.min()
    return jnp.where(span > 0, span, 1)


def pure(values: Float[Array, " actions"]) -> Float[Array, " actions"]:
    """The pure strategy of the action with the highest value; of several such actions, the first."""
    return jax.nn.one_hot(jnp.argmax(values), len(values), dtype=values.dtype)


def best_responses(payoffs: Payoffs, profile: Profile) -> Profile:
    """Each player's pure best response to the others' strategies; of several, the one with the lowest index.

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
    r"""Each player's logit response, $\sigma_i(a) \propto \exp(\lambda\, u_i(a, \sigma_{-i}))$.

    Args:
        payoffs: `(n, A1, ..., An)`.
        profile: one mixed strategy per player.
        precision: $\lambda \ge 0$, in units of 1 over payoff; the response is uniform at 0 and approaches a
            best response as $\lambda$ grows.

    Source:
        Fudenberg & Levine (1998), "The Theory of Learning in Games", Section 4.3.

    Example:
        >>> payoffs = jnp.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]])
        >>> smoothed_best_responses(payoffs, (jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0])), 0.0)[0].tolist()
        [0.5, 0.5]
    """
    return tuple(jax.nn.softmax(precision * v) for v in action_values(payoffs, profile))
