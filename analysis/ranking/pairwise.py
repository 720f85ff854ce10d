"""Rankings by duels: each match is won by the learner that earns more in it than its opponent."""

import numpy as np
from jaxtyping import Float

from analysis.ranking.registry import register
from analysis.ranking.scores import Array3

TIE = 1e-6
"""Scores that differ by at most this share of the range of all scores are a tie: float32 has no more digits."""


def duels(scores: Array3, tie: float = TIE) -> Array3:
    """The results of all duels: 1 where learner i earns more than j, 1/2 for a tie, 0 where it earns less.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        tie: differences of at most this share of the range of all scores are ties.

    Returns:
        Entry `[i, j, s]` is i's result; NaN on the diagonal and in lanes that are not finite.
    """
    scores = np.asarray(scores, dtype=float)
    finite = scores[np.isfinite(scores)]
    slack = tie * np.ptp(finite) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        lead = scores - scores.transpose(1, 0, 2)
    result = np.where(np.abs(lead) <= slack, 0.5, lead > 0)
    played = np.isfinite(lead) & ~np.eye(len(scores), dtype=bool)[..., None]
    return np.where(played, result, np.nan)


@register("wins", "david1987ranking")
def win_rate(scores: Array3, tie: float = TIE) -> Float[np.ndarray, " learners"]:
    """Share of its matches in which a learner earns more than its opponent; a tie counts half.

    In games that are not zero-sum this rewards beating the opponent, not earning much: against reciprocal
    strategies an unconditional defector never loses a duel.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        tie: differences of at most this share of the range of all scores are ties.

    Returns:
        The share of every learner; NaN for one without matches.

    Example:
        >>> win_rate(np.array([[3.0, 0.0], [5.0, 1.0]])[..., None]).tolist()
        [0.0, 1.0]
    """
    results = duels(scores, tie)
    with np.errstate(invalid="ignore"):
        return np.nansum(results, axis=(1, 2)) / np.isfinite(results).sum(axis=(1, 2))


@register("copeland", "copeland1951reasonable")
def copeland(scores: Array3, tie: float = TIE) -> Float[np.ndarray, " learners"]:
    """Copeland score: the number of opponents that a learner beats in most of their matches; a draw counts half.

    Args:
        scores: what learner i (first axis) earns against j (second) in every lane.
        tie: differences of at most this share of the range of all scores are ties.

    Example:
        >>> rock_paper_scissors = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
        >>> copeland(rock_paper_scissors[..., None]).tolist()
        [1.0, 1.0, 1.0]
    """
    results = duels(scores, tie)
    lead = np.nansum(results - 0.5, axis=-1)
    beaten = np.where(np.isfinite(results).any(axis=-1), np.where(np.abs(lead) < 1e-9, 0.5, lead > 0), 0.0)
    return beaten.sum(axis=1)
