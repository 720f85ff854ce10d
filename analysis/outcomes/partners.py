"""Partners and rivals in the repeated prisoner's dilemma, for many strategies at once."""

import numpy as np
from jaxtyping import Bool, Float

from analysis.memory_one import log_chances_of, payoffs_against_all
from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import Undefined, outcome

SAME = 1e-9
"""Payoffs closer than this share of the payoff range count as equal."""
NEARLY_CERTAIN = 0.05
"""Probabilities this close to 0 or 1 are rounded to it, since learners reach certainty only in the limit."""


def is_partner(
    policies: Float[np.ndarray, "*lanes 5"],
    points: Float[np.ndarray, "*lanes k 2"],
    cooperation: float,
    tolerance: float,
) -> Bool[np.ndarray, "*lanes"]:
    r"""Whether a strategy is a partner: nice, and nobody holds it below R without getting less than R itself.

    It never defects first, and $\pi_X < R \Rightarrow \pi_Y < R$ against every opponent. The feasible payoffs
    are the convex hull of the points, so the second condition fails at a point, or on a segment between two.

    Args:
        policies: probabilities of cooperation `[start, CC, CD, DC, DD]`.
        points: payoffs (own, other's) whose convex hull holds all feasible payoffs.
        cooperation: R, the payoff of mutual cooperation.
        tolerance: payoffs closer than this are equal.

    Source:
        Hilbe, Traulsen & Sigmund 2015, "Partners or rivals?"; Hilbe, Chatterjee & Nowak 2018.

    Example:
        >>> tft = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
        >>> bool(is_partner(tft, np.array([[1.0, 1.0], [3.0, 3.0], [2.5, 2.5]]), 3.0, 1e-9))
        True
    """
    nice = (policies[..., 0] == 1) & (policies[..., 1] == 1)
    partner = np.asarray(nice).copy()
    below, above = points[nice, :, 0] - cooperation, points[nice, :, 1] - cooperation
    at_a_point = ((below < -tolerance) & (above >= -tolerance)).any(axis=-1)
    low, high = above[..., :, None], above[..., None, :]
    crosses = (low < -tolerance) & (high > tolerance)
    share = np.where(crosses, high, 0) / np.where(
        crosses, high - low, 1
    )  # of the point where the other gets less
    between = share * below[..., :, None] + (1 - share) * below[..., None, :]
    partner[nice] = ~at_a_point & ~(crosses & (between < -tolerance)).any(axis=(-2, -1))
    return partner


def is_rival(points: Float[np.ndarray, "*lanes k 2"], tolerance: float) -> Bool[np.ndarray, "*lanes"]:
    r"""Whether a strategy is a rival: against every opponent it gets at least as much, $\pi_X \ge \pi_Y$.

    Args:
        points: payoffs (own, other's) whose convex hull holds all feasible payoffs.
        tolerance: payoffs closer than this are equal.

    Source:
        Hilbe, Traulsen & Sigmund 2015, "Partners or rivals?".

    Example:
        >>> bool(is_rival(np.array([[1.0, 1.0], [5.0, 0.0]]), 1e-9))
        True
    """
    return np.asarray((points[..., 0] - points[..., 1] >= -tolerance).all(axis=-1))


def rounded_strategies(
    policies: Float[np.ndarray, "*lanes 5"], nearly_certain: float = NEARLY_CERTAIN
) -> Float[np.ndarray, "*lanes 5"]:
    """Strategies whose probabilities close to 0 or 1 are 0 or 1.

    Example:
        >>> rounded_strategies(np.array([0.99, 1.0, 0.03, 0.7, 0.2])).tolist()
        [1.0, 1.0, 0.0, 0.7, 0.2]
    """
    certain = np.abs(policies - np.round(policies)) <= nearly_certain
    return np.where(certain, np.round(policies), policies)


def standings_of(
    strategies: Float[np.ndarray, "*lanes 5"], payoffs: Float[np.ndarray, "4 2"], discount: float
) -> np.ndarray:
    """`"partner"`, `"rival"`, `"friendly rival"` (both) or `"neither"`, against opponents of any memory.

    Args:
        strategies: probabilities of cooperation `[start, CC, CD, DC, DD]`.
        payoffs: own and other's payoffs after CC, CD, DC and DD.
        discount: in [0, 1]; 1 is the long-run average.

    Source:
        Hilbe, Traulsen & Sigmund 2015; Murase & Baek 2020 for friendly rivals.

    Example:
        >>> from games import STRATEGIES
        >>> axelrod = np.array([[3.0, 3], [0, 5], [5, 0], [1, 1]])
        >>> strategies = np.stack([STRATEGIES.make(name) for name in ("grim", "alld", "random")])
        >>> standings_of(strategies, axelrod, 0.9).tolist()
        ['partner', 'rival', 'neither']
    """
    points = payoffs_against_all(log_chances_of(strategies), payoffs, discount)
    tolerance = SAME * float(np.ptp(payoffs))
    partner = is_partner(strategies, points, float(payoffs[0, 0]), tolerance)
    rival = is_rival(points, tolerance)
    names = np.array(["neither", "rival", "partner", "friendly rival"])
    return names[2 * partner + rival]


@outcome("standing", "hilbe2015partners", "hilbe2018partners", "murase2020friendly", labels=True)
def _standing(match: PlayedMatch) -> np.ndarray:
    """Partner, rival, both or neither, with probabilities within .05 of 0 or 1 rounded to it."""
    play = match.play
    (r, _), (s, _), (t, _), (p, _) = play.payoffs[0].tolist()
    if not play.symmetric or not t > r > p > s:
        raise Undefined(
            f"{match.game.name!r} is not a prisoner's dilemma, for which partners and rivals are defined."
        )
    if play.error:
        raise Undefined(f"{match.game.name!r} has execution errors, under which no player always cooperates.")
    return standings_of(rounded_strategies(play.policies), play.payoffs[0], play.discount)
