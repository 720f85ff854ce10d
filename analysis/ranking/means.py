"""Rankings by what a learner earns: the mean and the interquartile mean of its scores."""

import numpy as np
from jaxtyping import Float

from analysis.ranking.registry import register
from analysis.ranking.scores import Array3, cross_play, off_diagonal
from analysis.statistics import iqm


@register("mean", "axelrod1984evolution")
def mean_score(scores: Array3, self_play: bool = False) -> Float[np.ndarray, " learners"]:
    r"""Mean score over all opponents, each with equal weight.

    $\frac{1}{N-1} \sum_{j \ne i} M_{ij}$, M being the cross-play table.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        self_play: whether the opponents include the learner itself.

    Returns:
        The mean of every learner; NaN for one without a finite lane against some opponent, since a mean over
        the other opponents would measure something else.

    Raises:
        ValueError: for one learner without self-play.

    Example:
        >>> mean_score(np.array([[3.0, 0.0], [5.0, 1.0]])[..., None], self_play=True).tolist()
        [1.5, 3.0]
    """
    counted = off_diagonal(len(scores), self_play)
    return np.where(counted, cross_play(scores), 0).sum(axis=1) / counted.sum(axis=1)


@register("iqm", "agarwal2021precipice")
def interquartile_mean(scores: Array3, self_play: bool = False) -> Float[np.ndarray, " learners"]:
    """Interquartile mean of the scores against all opponents in all lanes, robust against outliers.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        self_play: whether the opponents include the learner itself.

    Raises:
        ValueError: for one learner without self-play.

    Example:
        >>> interquartile_mean(np.array([[[0.0], [1.0]], [[2.0], [0.0]]])).tolist()
        [1.0, 2.0]
    """
    counted = off_diagonal(len(scores), self_play)
    return np.asarray(iqm(np.where(counted[..., None], scores, np.nan).reshape(len(scores), -1), axis=1))
