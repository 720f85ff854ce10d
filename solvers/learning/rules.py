r"""Learning rules: fictitious play, smoothed best responses, regret matching, multiplicative weights."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from games.checks import check_range, floating
from games.registry import Entry, Registry, first_line
from solvers.learning.play import History, Rule
from solvers.payoffs_jax import Payoffs, Profile, action_values, best_responses, pure, smoothed_best_responses

DYNAMICS = Registry("dynamic")
"""Learning rules; an entry's `make(**settings)` returns a rule for `learn`."""


def dynamic(name: str, citation: str, *aliases: str) -> Callable[[type[Rule]], type[Rule]]:
    """Register a rule in `DYNAMICS` under a name, with the first line of its docstring as its summary."""

    def register(rule: type[Rule]) -> type[Rule]:
        DYNAMICS.add(Entry(name, rule, first_line(rule), citation, aliases))
        return rule

    return register


@dynamic("fictitious_play", "brown1951iterative", "fp")
class FictitiousPlay(Rule):
    """All players simultaneously play a best response to the others' average strategies; of ties, the first.

    The average strategies converge to equilibrium in zero-sum games (Robinson 1951) and in non-degenerate 2xn
    games (Berger 2005); in Shapley's 3x3 game they cycle (Shapley 1964).
    """

    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """Best responses to the average strategies."""
        return best_responses(payoffs, history.average)


@dynamic("alternating_fictitious_play", "berger2007brown")
class AlternatingFictitiousPlay(Rule):
    """Players best respond in turn to averages that include the new moves of the players before them."""

    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """Each player's best response to the averages, updated after the moves of the players before it."""
        averages, weight = list(history.average), 1 / (history.periods + 1).astype(payoffs.dtype)
        strategies = []
        for player in range(len(averages)):
            strategies.append(pure(action_values(payoffs, tuple(averages))[player]))
            averages[player] = averages[player] + weight * (strategies[player] - averages[player])
        return tuple(strategies)


@dynamic("smoothed_fictitious_play", "fudenberg1998theory", "stochastic_fictitious_play")
class SmoothedFictitiousPlay(Rule):
    r"""Players play the logit response to the others' average strategies.

    Its rest points are the quantal response equilibria of the same precision.

    Args:
        precision: $\lambda \ge 0$, per payoff unit.
    """

    precision: Float[Array, ""] = eqx.field(converter=floating, default=1.0)

    def __check_init__(self):
        check_range("precision", self.precision, 0.0)

    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """Logit responses to the average strategies."""
        return smoothed_best_responses(payoffs, history.average, self.precision)


@dynamic("smoothed_best_response", "hopkins1999note", "logit_response")
class SmoothedBestResponse(Rule):
    r"""Strategies move part of the way to the logit response, $\sigma + r(\mathrm{logit}(\sigma) - \sigma)$.

    Args:
        precision: $\lambda \ge 0$, per payoff unit.
        rate: $r$ in (0, 1]; at 1 the logit responses themselves are played.
    """

    precision: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    rate: Float[Array, ""] = eqx.field(converter=floating, default=0.1)

    def __check_init__(self):
        check_range("precision", self.precision, 0.0)
        check_range("rate", self.rate, np.finfo(float).tiny, 1.0)

    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """The last strategies, moved by `rate` towards their logit responses."""
        responses = smoothed_best_responses(payoffs, history.last, self.precision)
        return tuple(s + self.rate * (r - s) for s, r in zip(history.last, responses, strict=True))


@dynamic("regret_matching", "hart2000simple", "unconditional_regret_matching")
class RegretMatching(Rule):
    r"""Each action is played with probability proportional to its positive regret.

    The regret is $[\sum_t u_i(a, \sigma^t_{-i}) - u_i(\sigma^t)]_+$; play is uniform where no regret is
    positive. Average regret falls as $O(1 / \sqrt{T})$, so joint play approaches the coarse correlated
    equilibria (Hart & Mas-Colell 2000, section 4, the unconditional procedure).
    """

    def play(self, payoffs: Payoffs, history: History) -> Profile:
        """Strategies proportional to the positive regrets."""
        return tuple(
            normalized_positive_part(total - earned)
            for total, earned in zip(history.values, history.earned, strict=True)
        )


def normalized_positive_part(regret: Float[Array, " actions"]) -> Float[Array, " actions"]:
    """The positive part of the regrets, normalized to a strategy; uniform where no regret is positive."""
    positive = jnp.maximum(regret, 0)
    total = positive.sum()
    return jnp.where(total > 0, positive / jnp.where(total > 0, total, 1), 1 / len(regret))


@dynamic("multiplicative_weights", "freund1999adaptive", "hedge")
class MultiplicativeWeights(Rule):
    r"""Each action is played with probability proportional to $\exp(\eta \sum_t u_i(a, \sigma^t_{-i}))$.

    With payoffs in [0, 1], regret after T periods is at most $\ln A / \eta + \eta T / 8$.

    Args:
        lr: $\eta \ge 0$, per payoff unit.
    """

    lr: Float[Array, ""] = eqx.field(converter=floating, default=0.1)

    def __check_init__(self):
        check_range("lr", self.lr, 0.0)

    def play(self, payoffs: Payoffs, history: History) -> Profile:
        r"""The softmax of the total payoffs of the actions times $\eta$."""
        return tuple(jax.nn.softmax(self.lr * total) for total in history.values)
