"""Exploitation and extortion: how a player's payoff compares with the other's, here and against anybody."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from analysis.memory_one import MemoryOnePlay
from analysis.outcomes.matches import PlayedMatch, kept
from analysis.outcomes.registry import Undefined, outcome

TINY = 1e-9
"""Vectors and payoff differences below this, relative to the payoff range, count as 0."""


class Line(NamedTuple):
    r"""A line $s_X - \kappa = \chi (s_Y - \kappa)$ between own and other's payoffs.

    Attributes:
        slope: $\chi$; above 1, one's gains over the baseline exceed the other's. NaN if the other's payoff does
            not vary.
        baseline: $\kappa$, where the line crosses the diagonal; NaN if it is parallel to it.
        residual: how far payoffs are from the line; 0 if the line is enforced.
    """

    slope: Float[np.ndarray, "*lanes"]
    baseline: Float[np.ndarray, "*lanes"]
    residual: Float[np.ndarray, "*lanes"]


def exploitation(values: Float[ArrayLike, "n *lanes"]) -> Float[np.ndarray, "n *lanes"]:
    r"""A player's value minus the mean of the others', $v_i - \frac{1}{n-1} \sum_{j \ne i} v_j$.

    Source:
        Press & Dyson 2012, "Iterated prisoner's dilemma contains strategies that dominate any evolutionary
        opponent".

    Example:
        >>> exploitation([3.0, 0.5]).tolist()
        [2.5, -2.5]
    """
    values = np.asarray(values, dtype=float)
    others = (values.sum(axis=0, keepdims=True) - values) / (len(values) - 1)
    return values - others


def line_through(own: Float[np.ndarray, "*lanes k"], other: Float[np.ndarray, "*lanes k"]) -> Line:
    r"""The regression line of own payoffs on the other's, over k opponents.

    $\chi = \mathrm{Cov}(s_X, s_Y) / \mathrm{Var}(s_Y)$; the residual is the standard deviation of $s_X$ around
    the line. If a strategy enforces a line (zero-determinant strategies do), all opponents are on it: the
    slope is exact and the residual is 0.

    Args:
        own: the strategy's payoffs $s_X$ against every opponent.
        other: the opponents' payoffs $s_Y$.

    Source:
        Press & Dyson 2012; Hilbe, Traulsen & Sigmund 2015, "Partners or rivals?".

    Example:
        >>> line = line_through(np.array([1.0, 2.0, 5.0]), np.array([1.0, 1.5, 3.0]))
        >>> [round(float(x), 9) for x in line]
        [2.0, 1.0, 0.0]
    """
    x, y = own - own.mean(axis=-1, keepdims=True), other - other.mean(axis=-1, keepdims=True)
    unit = np.maximum(np.ptp(own, axis=-1), np.ptp(other, axis=-1))
    varies = np.ptp(other, axis=-1) > TINY * np.maximum(unit, np.finfo(float).tiny)
    variance = np.where(varies, (y**2).mean(axis=-1), np.nan)
    slope = (x * y).mean(axis=-1) / variance
    residual = np.sqrt(((x - slope[..., None] * y) ** 2).mean(axis=-1))
    return Line(slope, baseline(own.mean(axis=-1), other.mean(axis=-1), slope), residual)


def baseline(
    own: Float[np.ndarray, "*lanes"], other: Float[np.ndarray, "*lanes"], slope: Float[np.ndarray, "*lanes"]
) -> Float[np.ndarray, "*lanes"]:
    r"""Where a line through a point crosses the diagonal, $\kappa = (s_X - \chi s_Y) / (1 - \chi)$.

    Example:
        >>> float(baseline(np.array(5.0), np.array(3.0), np.array(2.0)))
        1.0
    """
    crosses = np.abs(1 - slope) > TINY
    return np.divide(own - slope * other, 1 - slope, out=np.full(np.shape(slope), np.nan), where=crosses)


def zero_determinant_line(
    policies: Float[np.ndarray, "*lanes 5"], payoffs: Float[np.ndarray, "4 2"], discount: float
) -> Line:
    r"""The line that a zero-determinant strategy enforces, and how far a strategy is from being one.

    Let $\tilde p = d\,(p_{CC}, p_{CD}, p_{DC}, p_{DD}) - (1, 1, 0, 0) + (1-d) p_0$. Against any opponent
    $\langle \tilde p, v \rangle = 0$ for the frequencies v of CC, CD, DC and DD. The payoffs are on a line if
    $\tilde p = \alpha S_X + \beta S_Y + \gamma$, and then $\chi = -\beta / \alpha$. In general $\alpha, \beta,
    \gamma$ are fitted by least squares; the residual is $|\tilde p - \alpha S_X - \beta S_Y - \gamma| / |\tilde
    p|$, and the slope means something only where it is nearly 0.

    Args:
        policies: probabilities of cooperation `[start, CC, CD, DC, DD]`, own action first.
        payoffs: own and other's payoffs after CC, CD, DC and DD, for which $S_X$, $S_Y$ and 1 are linearly
            independent.
        discount: d in [0, 1].

    Returns:
        The slope (NaN if the other's payoff alone is set), the baseline, and the residual in [0, 1], which is
        NaN for a strategy that repeats its own action for ever ($\tilde p = 0$).

    Raises:
        Undefined: if $S_X$, $S_Y$ and 1 are linearly dependent, as in a zero-sum game.

    Source:
        Press & Dyson 2012; Hilbe, Traulsen & Sigmund 2015 for discounted payoffs.

    Example:
        >>> from games import STRATEGIES
        >>> axelrod = np.array([[3.0, 3], [0, 5], [5, 0], [1, 1]])
        >>> line = zero_determinant_line(STRATEGIES.make("extort_2"), axelrod, 1.0)
        >>> [round(float(x), 9) + 0.0 for x in line]
        [2.0, 1.0, 0.0]
    """
    basis = np.column_stack([payoffs, np.ones(4)])
    if np.linalg.matrix_rank(basis) < 3:
        raise Undefined(
            "Both players' payoffs are linearly dependent, so every strategy has payoffs on that line."
        )
    vector = discount * policies[..., 1:] - [1, 1, 0, 0] + (1 - discount) * policies[..., :1]
    found = vector @ np.linalg.pinv(basis).T
    alpha, beta, gamma = np.moveaxis(found, -1, 0)
    length = np.linalg.norm(vector, axis=-1)
    length = np.where(length > TINY, length, np.nan)
    residual = np.linalg.norm(vector - found @ basis.T, axis=-1) / length
    unit = np.ptp(payoffs)
    sets_own = np.abs(alpha) * unit > TINY * length
    crosses = np.abs(alpha + beta) * unit > TINY * length
    slope = np.where(sets_own, -beta, np.nan) / np.where(sets_own, alpha, 1)
    crossing = np.where(crosses, -gamma, np.nan) / np.where(crosses, alpha + beta, 1)
    return Line(slope, crossing, residual)


def symmetric_play(match: PlayedMatch) -> MemoryOnePlay:
    """Memory-one play of a symmetric game, in which payoffs of both players can be compared.

    Raises:
        Undefined: for another game.
    """
    if not match.play.symmetric:
        raise Undefined(
            f"{match.game.name!r} is not symmetric, so a slope between both players' payoffs has no meaning."
        )
    return match.play


@kept
def regression(match: PlayedMatch) -> Line:
    """The `line_through` the payoffs of each seat's strategy against all deterministic memory-one strategies."""
    symmetric_play(match)
    return line_through(match.against_all[..., 0], match.against_all[..., 1])


@outcome("exploitation", "press2012zd", units="difference")
def _exploitation(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """The player's value per step minus the mean of the others'."""
    return exploitation(match.values)


@outcome("extortion_slope", "press2012zd", "hilbe2015partners")
def _extortion_slope(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """Slope of own payoffs over the other's, over all deterministic memory-one opponents; above 1 for extortion."""
    return regression(match).slope


@outcome("extortion_residual", "press2012zd", "hilbe2015partners", units="difference")
def _extortion_residual(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """Standard deviation of own payoffs around that line; 0 if the player enforces it."""
    return regression(match).residual


@outcome("zero_determinant_slope", "press2012zd", "hilbe2015partners")
def _zero_determinant_slope(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """Slope of the zero-determinant relation that fits the strategy best; exact where the residual is 0."""
    play = symmetric_play(match)
    return zero_determinant_line(play.policies, play.payoffs[0], play.discount).slope


@outcome("zero_determinant_residual", "press2012zd", "knight2024extortion")
def _zero_determinant_residual(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """How far the strategy is from a zero-determinant one, from 0 to 1."""
    play = symmetric_play(match)
    return zero_determinant_line(play.policies, play.payoffs[0], play.discount).residual
