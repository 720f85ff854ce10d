"""Play a normal-form game repeatedly by a learning rule, under jit and vmap.

A rule (`solvers.learning.rules`) maps the history of play to the strategies of the next period. Payoffs and
the rule's parameters are traced, so that other values do not cause another compilation.
"""

import abc
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from games.checks import as_key, check_count, check_range, concrete, shown
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
from solvers.printing import result_text


class History(eqx.Module):
    """Statistics of the play so far, from which the learning rules compute the strategies of the next period.

    Args:
        periods: number of periods played.
        average: average strategy of each player.
        last: strategies of the last period.
        values: for each player and action, the sum over periods of the action's payoff against the others.
        earned: total payoff of each player.
        joint: average probability of every joint action.
    """

    periods: Int[Array, ""]
    average: Profile
    last: Profile
    values: Values
    earned: tuple[Float[Array, ""], ...]
    joint: Float[Array, "*actions"]


class Rule(eqx.Module):
    """A learning rule: strategies of the next period from the history of play."""

    @abc.abstractmethod
    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """The strategies of the next period, one per player."""


class LearningRun(eqx.Module):
    """The result of `learn`.

    Args:
        average: average strategy of each player.
        last: strategies of the last period.
        joint: average probability of every joint action; a coarse correlated equilibrium in the limit where
            the average regret of every player vanishes.
        nash_conv: NashConv of the average strategies, recorded once every `every` periods.
        last_nash_conv: NashConv of the strategies played in the recorded periods.
        converged: whether NashConv of the average strategies is within tolerance at the end.
    """

    average: Profile
    last: Profile
    joint: Float[Array, "*actions"]
    nash_conv: Float[Array, " records"]
    last_nash_conv: Float[Array, " records"]
    converged: Bool[Array, ""]

    def __repr__(self) -> str:
        if not concrete(self.converged):
            return super().__repr__()
        rows = {"average": self.average, "last": self.last, "NashConv": self.nash_conv[..., -1]}
        return result_text("LearningRun", rows | {"converged": self.converged})


def learn(
    payoffs: Any,
    rule: Rule,
    steps: int = 1000,
    every: int = 1,
    start: Profile | None = None,
    tolerance: Any = 1e-2,
    key: Key[Array, ""] | int | None = None,
    seed: int | None = None,
) -> LearningRun:
    """Play a normal-form game repeatedly by a learning rule.

    Args:
        payoffs: the payoffs `(n, A1, ..., An)` of a game, or a `games.MatrixGame`; use `jax.vmap` for a
            family of games.
        rule: a member of `DYNAMICS`.
        steps: number of periods after the first.
        every: number of periods between two records of NashConv; it must divide `steps`.
        start: mixed strategies of the first period, one per player; uniform by default.
        tolerance: largest NashConv of the average strategies that counts as converged, in units of the payoff
            range.
        key: a seed or a typed key; if given, each player samples a pure action from its strategy in every
            period, and the history is that of the sampled actions. By default the mixed strategies themselves
            enter the history, and nothing is random.
        seed: another name of `key`.

    Raises:
        ValueError: for payoffs of the wrong shape or not finite, a start off the simplex, `every` that does
            not divide `steps`, or a negative tolerance.

    Example:
        >>> from solvers.learning.rules import FictitiousPlay
        >>> pennies = jnp.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
        >>> start = (jnp.array([1.0, 0.0]), jnp.array([0.3, 0.7]))
        >>> bool(learn(pennies, FictitiousPlay(), start=start, tolerance=0.1).converged)
        True
    """
    key = None if key is None and seed is None else as_key(0 if key is None else key, seed)
    if not isinstance(rule, Rule):
        raise ValueError(
            f"rule is {shown(rule)}; it must be an instance of a rule, such as "
            "DYNAMICS.make('fictitious_play')."
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
    return simulate(
        payoffs, in_default_precision(rule), start, jnp.asarray(tolerance, payoffs.dtype), key, steps, every
    )


@partial(jit, static_argnames=("steps", "every"))
def simulate(
    payoffs: Payoffs, rule: Rule, start: Profile, tolerance: Array, key: Any, steps: int, every: int
) -> LearningRun:
    """The compiled loop of `learn`: one scan over the records, `every` periods in each."""

    def period(k: Int[Array, ""], history: History) -> History:
        strategies = rule.play(payoffs, history)
        return append_period(
            payoffs,
            history,
            strategies if key is None else sample_pure(strategies, jax.random.fold_in(key, k)),
        )

    def record(history: History, block: Int[Array, ""]) -> tuple[History, tuple]:
        history = jax.lax.fori_loop(block * every, (block + 1) * every, period, history)
        return history, (nash_conv(payoffs, history.average), nash_conv(payoffs, history.last))

    zeros = tuple(jnp.zeros_like(s) for s in start)
    empty = History(
        jnp.int32(0),
        zeros,
        zeros,
        zeros,
        (jnp.zeros((), payoffs.dtype),) * len(start),
        jnp.zeros_like(payoffs[0]),
    )
    history, (curve, last) = jax.lax.scan(
        record, append_period(payoffs, empty, start), jnp.arange(steps // every)
    )
    return LearningRun(
        history.average,
        history.last,
        history.joint,
        curve,
        last,
        curve[-1] <= tolerance * payoff_span(payoffs),
    )


def append_period(payoffs: Payoffs, history: History, strategies: Profile) -> History:
    """The history after one more period in which these strategies are played."""
    weight = 1 / (history.periods + 1).astype(payoffs.dtype)
    values = action_values(payoffs, strategies)
    product = strategies[0]
    for s in strategies[1:]:
        product = product[..., None] * s.reshape((1,) * product.ndim + s.shape)
    return History(
        history.periods + 1,
        tuple(a + weight * (s - a) for a, s in zip(history.average, strategies, strict=True)),
        strategies,
        tuple(total + v for total, v in zip(history.values, values, strict=True)),
        tuple(total + dot(s, v) for total, s, v in zip(history.earned, strategies, values, strict=True)),
        history.joint + weight * (product - history.joint),
    )


def sample_pure(strategies: Profile, key: Key[Array, ""]) -> Profile:
    """One action per player, sampled from its strategy, as a one-hot vector."""
    keys = [jax.random.fold_in(key, i) for i in range(len(strategies))]
    return tuple(
        jax.nn.one_hot(jax.random.categorical(k, jnp.log(s)), len(s), dtype=s.dtype)
        for k, s in zip(keys, strategies, strict=True)
    )
