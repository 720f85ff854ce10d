r"""Logit responses in log odds, in which no probability can leave the simplex or underflow.

The unknowns are $z_{ia} = \log(\sigma_{ia} / \sigma_{i,last})$ for every player's actions but the last. A
profile is a quantal response equilibrium at precision $\lambda$ where $F(z, \lambda) = z_{ia} - \lambda
(u_{ia}(\sigma) - u_{i,last}(\sigma)) = 0$.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Payoffs = Float[Array, "n_players *actions"]
Strategies = tuple[Float[Array, " actions"], ...]


def logits(odds: Float[Array, " unknowns"], actions: tuple[int, ...]) -> Strategies:
    """Everybody's log odds against their last action, that one's 0 included."""
    ends = [sum(a - 1 for a in actions[: i + 1]) for i in range(len(actions))]
    return tuple(jnp.append(odds[end - a + 1 : end], 0.0) for a, end in zip(actions, ends, strict=True))


def probabilities(odds: Float[Array, " unknowns"], actions: tuple[int, ...]) -> Strategies:
    """Everybody's strategy from their log odds against their last action."""
    return tuple(jax.nn.softmax(own) for own in logits(odds, actions))


def likeliest_last(
    odds: Float[Array, " unknowns"], actions: tuple[int, ...]
) -> tuple[tuple[Int[Array, " _"], ...], Float[Array, " unknowns"]]:
    """Orders of the actions that exchange everybody's likeliest with the last, and the log odds in these orders.

    Log odds against an unlikely action are large, so that their differences lose digits.
    """
    orders, moved = [], []
    for own in logits(odds, actions):
        best, last = jnp.argmax(own), len(own) - 1
        order = jnp.arange(len(own)).at[best].set(last).at[last].set(best)
        orders.append(order)
        moved.append((own[order] - own[best])[:-1])
    return tuple(orders), jnp.concatenate(moved)


def reordered(payoffs: Payoffs, orders: tuple[Int[Array, " _"], ...]) -> Payoffs:
    """The payoffs with everybody's actions in another order."""
    for player, order in enumerate(orders):
        payoffs = jnp.take(payoffs, order, axis=player + 1)
    return payoffs


def action_values(payoffs: Payoffs, strategies: Strategies) -> Strategies:
    """What each action earns each player against the others' strategies."""
    values = []
    for player, table in enumerate(payoffs):
        for other in reversed(range(len(strategies))):
            if other != player:
                table = jnp.moveaxis(table, other, -1) @ strategies[other]
        values.append(table)
    return tuple(values)


def equations(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, " unknowns"]:
    """How far the log odds are from the logit response to themselves."""
    values = action_values(payoffs, probabilities(odds, payoffs.shape[1:]))
    return odds - precision * jnp.concatenate([v[:-1] - v[-1] for v in values])


def derivatives(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, "unknowns _"]:
    """Of the equations, with respect to the log odds and, last, the precision; written out, as it runs twice as fast as `jax.jacfwd`."""
    strategies = probabilities(odds, payoffs.shape[1:])
    values = action_values(payoffs, strategies)
    rows = []
    for i, (table, v) in enumerate(zip(payoffs, values, strict=True)):
        blocks = []
        for j, own in enumerate(strategies):
            if i == j:
                blocks.append(jnp.eye(len(own) - 1, dtype=odds.dtype))
                continue
            cross = table
            for other in reversed(range(len(strategies))):
                if other not in (i, j):
                    cross = jnp.moveaxis(cross, other, -1) @ strategies[other]
            cross = cross if i < j else cross.T
            relative = cross[:-1] - cross[-1:]
            gain = (v[:-1] - v[-1])[:, None]
            blocks.append(-precision * ((relative - gain) * own[None, :])[:, :-1])
        rows.append(jnp.concatenate([*blocks, (v[-1] - v[:-1])[:, None]], axis=1))
    return jnp.concatenate(rows)


def response_gap(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, ""]:
    """The largest difference between a probability and the logit response to the others."""
    strategies = probabilities(odds, payoffs.shape[1:])
    responses = [jax.nn.softmax(precision * (v - v.max())) for v in action_values(payoffs, strategies)]
    return jnp.max(jnp.stack([jnp.abs(s - r).max() for s, r in zip(strategies, responses, strict=True)]))
