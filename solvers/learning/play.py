"""Learning in normal-form games, one play after another, under jit and vmap; payoffs and the rules' numbers are data.

A rule (`solvers.learning.rules`) says what everybody plays next after what has happened.
"""

import abc
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from games.checks import as_key, check_count, check_range, shown
from games.compiler import jit
from solvers.payoffs_jax import (
    Payoffs,
    Profile,
    Values,
    action_values,
    as_payoffs,
    as_start,
    dot,
    in_default_precision,
    nash_conv,
    payoff_span,
)


class History(eqx.Module):
    """What has happened up to some period.

    Args:
        periods: how many were played.
        average: everybody's average strategy.
        last: what everybody played last.
        values: what every action would have earned, in total, against what the others played.
        earned: what everybody earned in total.
        joint: average probability of every joint action.
    """

    periods: Int[Array, ""]
    average: Profile
    last: Profile
    values: Values
    earned: tuple[Float[Array, ""], ...]
    joint: Float[Array, "*actions"]


class Rule(eqx.Module):
    """What everybody plays next."""

    @abc.abstractmethod
    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """Everybody's next strategy."""


class Learned(eqx.Module):
    """A run of a rule.

    Args:
        average: everybody's average strategy.
        last: everybody's last strategy.
        joint: average probability of every joint action; its coarse regrets vanish where everybody's regret
            does.
        nash_conv: NashConv of the average strategies after every `every` periods.
        last_nash_conv: that of the strategies then played.
        converged: whether NashConv of the average is within tolerance at the end.
    """

    average: Profile
    last: Profile
    joint: Float[Array, "*actions"]
    nash_conv: Float[Array, " records"]
    last_nash_conv: Float[Array, " records"]
    converged: Bool[Array, ""]


def learn(
    payoffs: Any,
    rule: Rule,
    steps: int = 1000,
    every: int = 1,
    start: Profile | None = None,
    tolerance: Any = 1e-2,
    key: Key[Array, ""] | int | None = None,
    seed: int | None = None,
) -> Learned:
    """Play a game again and again by a rule that learns from what was played.

    Args:
        payoffs: those of a game, `(n, A1, ..., An)`, or a `games.MatrixGame`; a family of games is a
            `jax.vmap` over it.
        rule: a member of `DYNAMICS`.
        steps: number of periods after the first.
        every: after how many periods NashConv is recorded; divides `steps`.
        start: what everybody plays in the first period, probabilities; uniform unless given.
        tolerance: largest NashConv of the average strategies that counts as converged, in units of the payoff
            range.
        key: where a seed or a typed key is given, everybody draws a pure action from their strategy in every
            period, and all learn from those; without it the strategies themselves are played, and nothing is
            random.
        seed: another name of `key`.

    Raises:
        ValueError: for payoffs of the wrong shape or not finite, a start off the simplex, `every` that does
            not divide `steps`, or a negative tolerance.

    Example:
        >>> from solvers.learning.rules import FictitiousPlay
        >>> pennies = jnp.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
        >>> bool(learn(pennies, FictitiousPlay(), start=(jnp.array([1.0, 0.0]), jnp.array([0.3, 0.7])), tolerance=0.1).converged)
        True
    """
    key = None if key is None and seed is None else as_key(0 if key is None else key, seed)
    if not isinstance(rule, Rule):
        raise ValueError(
            f"rule is {shown(rule)}; it must be one that is made, such as DYNAMICS.make('fictitious_play')."
        )
    payoffs = as_payoffs(payoffs)
    check_count("steps", steps)
    check_count("every", every)
    check_range("tolerance", tolerance, 0.0)
    if steps % every:
        raise ValueError(f"every is {every}; it must divide steps, which is {steps}.")
    if start is None:
        start = tuple(jnp.full(a, 1 / a, payoffs.dtype) for a in payoffs.shape[1:])
    start = as_start(start, payoffs, payoffs.shape[1:])
    return run(
        payoffs, in_default_precision(rule), start, jnp.asarray(tolerance, payoffs.dtype), key, steps, every
    )


@partial(jit, static_argnames=("steps", "every"))
def run(
    payoffs: Payoffs, rule: Rule, start: Profile, tolerance: Array, key: Any, steps: int, every: int
) -> Learned:
    """See `learn`."""

    def period(k: Int[Array, ""], history: History) -> History:
        strategies = rule.play(payoffs, history)
        return extended(
            payoffs, history, strategies if key is None else drawn(strategies, jax.random.fold_in(key, k))
        )

    def record(history: History, block: Int[Array, ""]) -> tuple[History, tuple]:
        history = jax.lax.fori_loop(block * every, (block + 1) * every, period, history)
        return history, (nash_conv(payoffs, history.average), nash_conv(payoffs, history.last))

    none = tuple(jnp.zeros_like(s) for s in start)
    nothing = History(
        jnp.int32(0),
        none,
        none,
        none,
        (jnp.zeros((), payoffs.dtype),) * len(start),
        jnp.zeros_like(payoffs[0]),
    )
    history, (curve, last) = jax.lax.scan(
        record, extended(payoffs, nothing, start), jnp.arange(steps // every)
    )
    return Learned(
        history.average,
        history.last,
        history.joint,
        curve,
        last,
        curve[-1] <= tolerance * payoff_span(payoffs),
    )


def extended(payoffs: Payoffs, history: History, strategies: Profile) -> History:
    """The history with one more period."""
    weight = 1 / (history.periods + 1).astype(payoffs.dtype)
    values = action_values(payoffs, strategies)
    now = strategies[0]
    for s in strategies[1:]:
        now = now[..., None] * s.reshape((1,) * now.ndim + s.shape)
    return History(
        history.periods + 1,
        tuple(a + weight * (s - a) for a, s in zip(history.average, strategies, strict=True)),
        strategies,
        tuple(total + v for total, v in zip(history.values, values, strict=True)),
        tuple(total + dot(s, v) for total, s, v in zip(history.earned, strategies, values, strict=True)),
        history.joint + weight * (now - history.joint),
    )


def drawn(strategies: Profile, key: Key[Array, ""]) -> Profile:
    """A pure action of everybody."""
    keys = [jax.random.fold_in(key, i) for i in range(len(strategies))]
    return tuple(
        jax.nn.one_hot(jax.random.categorical(k, jnp.log(s)), len(s), dtype=s.dtype)
        for k, s in zip(keys, strategies, strict=True)
    )
