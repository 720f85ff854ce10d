"""Welfare and inequality of the players' values: utilitarian, egalitarian, Nash product, Gini, envy, efficiency.

The functions take values with the players along the first axis, and any further axes of lanes.
"""

import numpy as np
from jaxtyping import ArrayLike, Float

from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import Undefined, outcome

Values = Float[ArrayLike, "n *lanes"]


def utilitarian_welfare(values: Values) -> Float[np.ndarray, "*lanes"]:
    r"""The sum of the players' values, $W = \sum_i v_i$.

    Source:
        Harsanyi 1955, "Cardinal welfare, individualistic ethics, and interpersonal comparisons of utility".

    Example:
        >>> float(utilitarian_welfare([3.0, 0.5]))
        3.5
    """
    return np.asarray(values, dtype=float).sum(axis=0)


def egalitarian_welfare(values: Values) -> Float[np.ndarray, "*lanes"]:
    r"""The value of the player that gets least, $\min_i v_i$.

    Source:
        Rawls 1971, "A theory of justice".

    Example:
        >>> float(egalitarian_welfare([3.0, 0.5]))
        0.5
    """
    return np.asarray(values, dtype=float).min(axis=0)


def nash_product(values: Values, disagreement: Float[ArrayLike, " n"]) -> Float[np.ndarray, "*lanes"]:
    r"""The product of the players' gains over the disagreement point, $\prod_i \max(v_i - d_i, 0)$.

    It is 0 where some player gets less than its disagreement payoff. Its largest value over the feasible
    payoffs is at the Nash bargaining solution.

    Args:
        values: per-step values, players first.
        disagreement: $d$, one payoff per player.

    Source:
        Nash 1950, "The bargaining problem".

    Example:
        >>> float(nash_product([3.0, 2.0], [1.0, 1.0]))
        2.0
    """
    values = np.asarray(values, dtype=float)
    floor = np.reshape(np.asarray(disagreement, dtype=float), (-1, *(1,) * (values.ndim - 1)))
    return np.maximum(values - floor, 0).prod(axis=0)


def gini_coefficient(values: Values) -> Float[np.ndarray, "*lanes"]:
    r"""The Gini coefficient of non-negative values, $\sum_{i,j} |v_i - v_j| / (2 n \sum_i v_i)$.

    It is 0 if all players get the same, and $1 - 1/n$ if one player gets everything. It depends on where zero
    is.

    Args:
        values: non-negative numbers, players first.

    Raises:
        Undefined: for a negative number.

    Source:
        Gini 1912, "Variabilità e mutabilità"; the form is Sen 1973, "On economic inequality", section 2.4.

    Example:
        >>> float(gini_coefficient([1.0, 3.0])), float(gini_coefficient([0.0, 2.0]))
        (0.25, 0.5)
    """
    values = np.asarray(values, dtype=float)
    if (values < 0).any():
        raise Undefined("The Gini coefficient is a share of a positive total, and some values are negative.")
    gaps = np.abs(values[:, None] - values[None]).sum(axis=(0, 1))
    total = 2 * len(values) * values.sum(axis=0)
    return np.divide(gaps, total, out=np.zeros_like(total), where=total != 0)


def envy(values: Values) -> Float[np.ndarray, "n *lanes"]:
    r"""How much more than a player the best-off player gets, $\max_j v_j - v_i$.

    It compares payoffs between players, so they must be in the same unit.

    Source:
        Feldman & Kirman 1974, "Fairness and envy".

    Example:
        >>> envy([3.0, 0.5]).tolist()
        [0.0, 2.5]
    """
    values = np.asarray(values, dtype=float)
    return values.max(axis=0, keepdims=True) - values


def welfare_efficiency(values: Values, lowest: float, highest: float) -> Float[np.ndarray, "*lanes"]:
    r"""Welfare on a scale from the lowest to the highest possible one, $(W - W_{min}) / (W_{max} - W_{min})$.

    Unlike the price of anarchy it does not depend on where zero is.

    Args:
        values: per-step values, players first.
        lowest: the smallest sum of payoffs of a joint action.
        highest: the largest one.

    Raises:
        Undefined: if both are equal, as in a zero-sum game.

    Source:
        Luce & Raiffa 1957, "Games and decisions", for the feasible payoffs.

    Example:
        >>> float(welfare_efficiency([2.0, 2.0], 2.0, 6.0))
        0.5
    """
    if not highest > lowest:
        raise Undefined("All joint actions give the same welfare, as in a zero-sum game.")
    return (utilitarian_welfare(values) - lowest) / (highest - lowest)


@outcome("utilitarian", "harsanyi1955welfare", aliases=("welfare",), units="welfare")
def _utilitarian(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Utilitarian welfare: the sum of the players' per-step values."""
    return utilitarian_welfare(match.values)


@outcome("egalitarian", "rawls1971justice", units="payoff")
def _egalitarian(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Egalitarian welfare: the per-step value of the player that gets least."""
    return egalitarian_welfare(match.values)


@outcome("nash_product", "nash1950bargaining", units="product")
def _nash_product(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Product of the players' gains over their minimax payoffs; 0 if some player gets less than that."""
    return nash_product(match.values, match.facts.security)


@outcome("gini", "gini1912variabilita", "sen1973inequality")
def _gini(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Gini coefficient of the players' gains over the game's lowest payoff."""
    lowest = float(match.facts.payoffs.min())
    return gini_coefficient(np.maximum(match.values - lowest, 0))


@outcome("envy", "feldman1974fairness", units="difference")
def _envy(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """How much more than this player the best-off player gets per step."""
    return envy(match.values)


@outcome("efficiency", "luce1957games")
def _efficiency(match: PlayedMatch) -> Float[np.ndarray, " seeds"]:
    """Welfare between the lowest (0) and the highest (1) that a joint action gives."""
    welfare = match.facts.welfare
    return welfare_efficiency(match.values, float(welfare.min()), float(welfare.max()))
