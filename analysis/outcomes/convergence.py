"""How long a match takes to converge, and how many of its lanes diverge."""

import numpy as np
from jaxtyping import Bool, Float, Int

from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import Undefined, outcome

TOLERANCE = 0.05
"""The share of the range of a curve within which its values count as those of its end."""


def convergence_steps(
    curves: Float[np.ndarray, "records *lanes"],
    steps: Int[np.ndarray, " records"],
    tolerance: float = TOLERANCE,
) -> Float[np.ndarray, "*lanes"]:
    r"""The learning step from which on a curve stays close to its last value.

    $T = \min \{t : |v_s - v_{end}| \le \epsilon\, (\max_r v_r - \min_r v_r) \text{ for all records } s \ge t\}$.
    It does not change with the units of the values. A curve that is still moving at its end has a T near the
    last step, which is then a lower bound.

    Args:
        curves: values at every record.
        steps: number of learning steps before each record, increasing.
        tolerance: $\epsilon$.

    Source:
        The settling time of control theory: Ogata 2010, "Modern control engineering", section 5.3.

    Example:
        >>> convergence_steps(np.array([0.0, 0.5, 0.97, 1.0, 1.0]), np.array([0, 10, 20, 30, 40])).item()
        20.0
    """
    span = curves.max(axis=0) - curves.min(axis=0)
    far = ~(np.abs(curves - curves[-1]) <= tolerance * span)
    last = len(curves) - 1 - np.argmax(far[::-1], axis=0)  # the last record that is far from the end
    first = np.where(far.any(axis=0), np.minimum(last + 1, len(curves) - 1), 0)
    return np.asarray(steps, dtype=float)[first]


def diverged_share(ok: Bool[np.ndarray, " seeds"]) -> float:
    """The share of lanes whose values, parameters or states are not all finite.

    Example:
        >>> diverged_share(np.array([True, True, True, False]))
        0.25
    """
    return float(np.mean(~np.asarray(ok, dtype=bool)))


@outcome("convergence_step", "ogata2010control")
def _convergence_step(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """Learning step from which on the player's value stays within 5 % of its range from its last value."""
    cell = match.cell
    if cell.curves is None or cell.curve_steps is None:
        raise Undefined("No learning curves were kept; play the tournament with curves=50.")
    return convergence_steps(np.asarray(cell.curves, dtype=float), np.asarray(cell.curve_steps))


@outcome("diverged", "agarwal2021precipice", whole_match=True)
def _diverged(match: PlayedMatch) -> float:
    """Share of the lanes in which some number is not finite; all other measures leave them out."""
    return diverged_share(match.ok)
