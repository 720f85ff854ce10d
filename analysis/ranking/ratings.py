r"""Elo ratings of learners from their duels.

All ratings follow the model of Bradley and Terry: learner i wins a match against j with probability
$1 / (1 + 10^{(r_j - r_i) / 400})$. Ratings are fitted to all matches at once, so their order does not matter;
their mean is 0.
"""

import numpy as np
from jaxtyping import Float

from analysis.ranking.pairwise import TIE, duels
from analysis.ranking.registry import register
from analysis.ranking.scores import Array3
from games.checks import check_range

POINTS = 400 / np.log(10)
"""Elo points per unit of log odds."""


def counts(scores: Array3, tie: float) -> Float[np.ndarray, "learners learners"]:
    """How many matches learner i (row) won against j (column); a tie is half a win for both."""
    return np.nansum(duels(scores, tie), axis=-1)


def fit(
    wins: Float[np.ndarray, "learners learners"], precision: float
) -> tuple[Float[np.ndarray, " learners"], Float[np.ndarray, "learners learners"]]:
    r"""The maximum of $\sum_{ij} w_{ij} \log \sigma(\theta_i - \theta_j) - \frac{\rho}{2} |\theta|^2$, by Newton.

    The objective is concave; steps are halved until it increases.

    Args:
        wins: $w_{ij}$.
        precision: $\rho$, of a normal prior; 0 for maximum likelihood.

    Returns:
        $\theta$ with mean 0, and the negative Hessian there.
    """
    n = len(wins)
    total = wins + wins.T

    def objective(theta):
        return (
            -(wins * np.logaddexp(0, theta[None, :] - theta[:, None])).sum() - precision / 2 * theta @ theta
        )

    theta, best = np.zeros(n), objective(np.zeros(n))
    curvature = np.eye(n)
    for _ in range(200):
        p = 1 / (1 + np.exp(np.clip(theta[None, :] - theta[:, None], -700, 700)))
        gradient = (wins - total * p).sum(axis=1) - precision * theta
        weight = total * p * (1 - p)
        curvature = np.diag(weight.sum(axis=1)) - weight + precision * np.eye(n)
        if np.abs(gradient).max() < 1e-9 * max(total.max(), 1):
            break
        step, size = np.linalg.solve(curvature + np.full((n, n), 1 / n), gradient), 1.0
        while (value := objective(theta + size * step)) < best and size > 1e-10:
            size /= 2
        theta, best = theta + size * step, max(value, best)
        theta -= theta.mean()
    return theta, curvature


@register("elo", "elo1978rating", "bradley1952rank", "ford1957solution")
def elo(scores: Array3, draws: float = 1.0, tie: float = TIE) -> Float[np.ndarray, " learners"]:
    """Elo ratings of largest likelihood, fitted to all duels at once; the mean rating is 0.

    Without the fictitious draws, ratings are finite only if no group of learners wins all matches against the
    others.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        draws: fictitious drawn matches of every pair that has met, at least 0.
        tie: differences of at most this share of the range of all scores are ties.

    Returns:
        The rating of every learner; NaN for one without matches.

    Raises:
        ValueError: if the ratings are not finite for want of draws.

    Example:
        >>> three_wins_of_four = np.array([[[0.0] * 4, [1, 1, 1, 0]], [[0, 0, 0, 1], [0.0] * 4]])
        >>> elo(three_wins_of_four, draws=0).round(2).tolist()
        [95.42, -95.42]
    """
    from scipy.sparse.csgraph import connected_components

    check_range("draws", draws, 0.0)
    wins = counts(scores, tie)
    played = wins + wins.T > 0
    wins = wins + np.where(played, draws / 2, 0)
    entered = played.any(axis=1)
    ratings = np.full(len(wins), np.nan)
    if not entered.any():
        return ratings
    wins = wins[np.ix_(entered, entered)]
    if connected_components(wins > 0, connection="strong")[0] > 1:
        raise ValueError(
            "Some learners win all their matches against the others, so their ratings are infinite; set draws=1, or take "
            "method='bayesian_elo'."
        )
    ratings[entered] = POINTS * fit(wins, 0.0)[0]
    return ratings


def elo_posterior(
    scores: Array3, sd: float = 350.0, tie: float = TIE
) -> tuple[Float[np.ndarray, " learners"], Float[np.ndarray, "learners learners"]]:
    """The Laplace approximation of the ratings' posterior: its mode, and the covariance of centered ratings.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        sd: standard deviation of the normal prior of a rating, in Elo points, larger than 0.
        tie: differences of at most this share of the range of all scores are ties.

    Raises:
        ValueError: for a standard deviation that is not positive.
    """
    check_range("sd", sd, 1e-6)
    theta, curvature = fit(counts(scores, tie), (POINTS / sd) ** 2)
    n = len(theta)
    center = np.eye(n) - 1 / n
    return POINTS * theta, POINTS**2 * center @ np.linalg.inv(curvature) @ center


@register(
    "bayesian_elo", "bradley1952rank", "coulom2008whole", aliases=("bayes_elo",), posterior=elo_posterior
)
def bayesian_elo(scores: Array3, sd: float = 350.0, tie: float = TIE) -> Float[np.ndarray, " learners"]:
    r"""Elo ratings with a normal prior, finite for any results, with intervals of their posterior (Laplace).

    Ratings have the prior $N(0, \mathrm{sd}^2)$. The rating is the posterior mode; its interval is that of the
    normal distribution with the curvature of the log posterior at the mode.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        sd: standard deviation of the prior, in Elo points, larger than 0.
        tie: differences of at most this share of the range of all scores are ties.

    Raises:
        ValueError: for a standard deviation that is not positive.

    Example:
        >>> always = np.array([[[0.0], [1.0]], [[0.0], [0.0]]])
        >>> bool(bayesian_elo(always)[0] > 0)
        True
    """
    return elo_posterior(scores, sd, tie)[0]
