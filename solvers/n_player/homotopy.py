"""The principal branch of logit quantal response equilibria, and its limit equilibrium, in numpy.

`solvers.n_player.quantal` follows the same branch in JAX for batches of games. There are two implementations
because their uses differ: this one records every point of a path of unknown length, in float64 with LAPACK,
and takes 10 to 40 ms for a game of any shape; the other one compiles for seconds for each shape, and then
solves a thousand games in 0.1 s.
"""

import dataclasses
import itertools
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_count, check_range
from games.printing import counted
from solvers.base import TOLERANCE, EquilibriumSet, Solution, solution
from solvers.dominance import undominated_actions
from solvers.n_player.indifference_equations import solve_support
from solvers.payoffs import Profile, embed, in_own_units, own_ranges, payoff_tensor, regrets, restrict
from solvers.printing import listing, rounded_text
from solvers.registry import solver

Tensor = Float[np.ndarray, "n_players *actions"]
Odds = Float[np.ndarray, " unknowns"]
Point = Float[np.ndarray, " unknowns_and_precision"]

FIRST_STEP, SHORTEST_STEP = 0.1, 1e-10
LARGEST_CORRECTION, TARGET_CORRECTION = 0.2, 0.05
"""The largest first Newton correction of an accepted step, in log odds, and the first correction at which the
control of the step length aims."""
CROSSING_LENGTH = 1e-5
"""The largest length of a step that may change the orientation, as happens where branches cross; a longer
step that changes it has left the branch."""
NEWTON_TOLERANCE = 1e-6
"""Newton's method stops after a correction of at most this size; the next correction would be a rounding
error."""
EPSILON = float(np.finfo(float).eps)
WIDENING = 1e3
"""Strictly dominated actions are removed if they widen a player's payoff range by more than this factor."""


@dataclasses.dataclass(frozen=True)
class Branch:
    r"""Points on the principal branch, starting at the uniform profile.

    Args:
        precisions: $\lambda$ at each point, in units of 1 over payoff; decreasing where the branch bends
            back.
        strategies: for each player `(points, actions)`.
        regret: at each point, the largest regret of a player, divided by its payoff range.
        reached: whether the last point has the requested precision.
        steps: number of attempted steps, including rejected ones.
        message: one sentence about the end of the branch.
    """

    precisions: Float[np.ndarray, " points"]
    strategies: tuple[Float[np.ndarray, "points _"], ...]
    regret: Float[np.ndarray, " points"]
    reached: bool
    steps: int
    message: str = ""

    def __repr__(self) -> str:
        end = f"precision {rounded_text(self.precisions[-1])} {'reached' if self.reached else 'not reached'}"
        head = f"Branch: {counted(len(self.precisions), 'point')}, {counted(self.bends, 'bend')}, {end}"
        rows = [
            f"player {i} at the end: "
            f"{listing([f'action {a}: {rounded_text(p)}' for a, p in enumerate(own[-1])])}"
            for i, own in enumerate(self.strategies)
        ]
        return "\n  ".join([head, *rows, *filter(None, [self.message])])

    @property
    def bends(self) -> int:
        """Number of points at which the precision changes from increasing to decreasing, or back."""
        return int((np.diff(np.sign(np.diff(self.precisions))) != 0).sum())


@solver("logit", "turocy2005homotopy", players=None, finds="one")
def logit_homotopy(game: Any, precision: float = 1e6, max_steps: int = 5000) -> EquilibriumSet:
    r"""One equilibrium by the logit homotopy: the limit of the principal branch.

    $\log \sigma_{ia} - \log \sigma_{ib} = \lambda (u_i(a, \sigma_{-i}) - u_i(b, \sigma_{-i})) / w_i$,
    with $\lambda$ from 0 to `precision`, where $w_i$ is player i's payoff range.

    The branch starts at the uniform profile and is parameterized by arc length, so that it may bend back. Its
    limit is an equilibrium, unique for almost all games (McKelvey & Palfrey 1995); in symmetric 2x2
    coordination games it is the risk-dominant one (Turocy 2005). From the last point, Newton's method solves
    the indifference equations of the actions that are still played, in rationals if at most two players mix.
    If that fails, as it can if the limit is degenerate, the branch is followed to a precision 10,000 times as
    high; the last point is then returned with its residual, and the status `"not_converged"` if that exceeds
    the tolerance.

    Strictly dominated actions that widen a player's payoff range more than a thousandfold are removed first.

    Args:
        game: a game of any number of players; see `payoff_tensor`.
        precision: the final $\lambda$, between 1e-9 and 1e12.
        max_steps: the largest number of attempted steps.

    Raises:
        ValueError: if `game` is not a game, or if a number is out of range.

    Source:
        Turocy (2005), "A dynamic homotopy interpretation of the logistic quantal response equilibrium
        correspondence".

    Example:
        >>> logit_homotopy(([[2, 0], [0, 1]], [[2, 0], [0, 1]]))[0].profile[0].tolist()
        [1.0, 0.0]
    """
    payoffs = payoff_tensor(game)
    check_range("precision", precision, 1e-9, 1e12)
    check_count("max_steps", max_steps)
    kept = undominated_actions(payoffs)
    if (own_ranges(payoffs) <= WIDENING * own_ranges(restrict(payoffs, kept))).all():
        kept = tuple(list(range(a)) for a in payoffs.shape[1:])
    unit = in_own_units(restrict(payoffs, kept))
    for goal in (precision, 1e4 * precision):
        points, reached, steps = follow_branch(unit, goal, max_steps)
        message = "" if reached else failure_message(points[-1][-1], goal, steps, max_steps)
        end = embed(strategies(points[-1][:-1], unit.shape[1:]), kept, payoffs.shape[1:])
        best = refine(payoffs, end, message, steps)
        if best.status == "solved" or not reached:
            break
    return EquilibriumSet(payoffs, "logit", (best,), status=best.status, message=best.message)


def principal_branch(game: Any, precision: float, max_steps: int = 5000) -> Branch:
    r"""Follow the principal branch of logit quantal response equilibria from precision 0 to a given one.

    The method is a predictor-corrector continuation in log odds and precision: a step goes along the tangent,
    and Newton's method corrects it orthogonally to the tangent. A step is halved if the correction is large
    or converges slowly, or if the tangent turns sharply. The sign of the determinant of the bordered Jacobian
    is constant along a branch; a step that changes it has reached another branch and is halved, unless it is
    so short that branches must cross there, as they do in symmetric games; then the path is continued along
    its tangent.

    Args:
        game: a game of any number of players; see `payoff_tensor`.
        precision: the final $\lambda$, at least 0, in units of 1 over payoff, the same for all players.
        max_steps: the largest number of attempted steps.

    Raises:
        ValueError: if `game` is not a game, or if a number is out of range.

    Example:
        >>> branch = principal_branch(([[6, 6], [7.32, 1]], [[7, 7], [6, 4]]), 5.0)
        >>> branch.reached, branch.bends
        (True, 2)
    """
    payoffs = payoff_tensor(game)
    check_range("precision", precision, 0.0, np.finfo(float).max)
    check_count("max_steps", max_steps)
    ranges = own_ranges(payoffs)
    widest = float(ranges.max())
    unit = np.stack(
        [own * (width / widest) for own, width in zip(in_own_units(payoffs), ranges, strict=True)]
    )
    points, reached, steps = follow_branch(unit, precision * widest, max_steps)
    precisions = np.array([point[-1] for point in points]) / widest
    message = "" if reached else failure_message(precisions[-1], precision, steps, max_steps)
    profiles = [strategies(point[:-1], payoffs.shape[1:]) for point in points]
    regret = np.array([(regrets(unit, profile) / own_ranges(unit)).max() for profile in profiles])
    stacked = tuple(np.stack(own) for own in zip(*profiles, strict=True))
    return Branch(precisions, stacked, regret, reached, steps, message)


def failure_message(precision: float, goal: float, steps: int, max_steps: int) -> str:
    """The message about a branch that was not followed up to the requested precision."""
    why = f"after {steps} steps" if steps >= max_steps else "where no step succeeded"
    return f"The branch was followed only to precision {precision:.3g} of {goal:.3g}, {why}."


def follow_branch(unit: Tensor, goal: float, max_steps: int) -> tuple[list[Point], bool, int]:
    """Points on the branch up to a precision, whether it was reached, and the number of attempted steps."""
    upward = np.zeros(sum(a - 1 for a in unit.shape[1:]) + 1)
    upward[-1] = 1.0  # the direction of increasing precision
    x = np.zeros_like(upward)
    t, orientation = tangent(equations(unit, x)[1], upward)
    path, length, steps = [x], FIRST_STEP, 0
    while x[-1] < goal and steps < max_steps and length >= SHORTEST_STEP:
        steps += 1
        reaches_goal = x[-1] + length * t[-1] >= goal
        length_taken = (goal - x[-1]) / t[-1] if reaches_goal else length
        y, first, jacobian = correct(unit, x + length_taken * t, upward if reaches_goal else t)
        next_tangent, next_orientation = (t, orientation) if jacobian is None else tangent(jacobian, t)
        same_branch = next_tangent @ t > 0.8 and (
            next_orientation == orientation or length <= CROSSING_LENGTH
        )  # False if the tangent is not finite
        if jacobian is None or (not reaches_goal and (y[-1] > goal or not same_branch)):
            length = length_taken / 2
            continue
        x, t, orientation = y, next_tangent, next_orientation
        path.append(x)
        length *= min(2.0, max(0.5, (TARGET_CORRECTION / max(first, 1e-12)) ** 0.5))
    return path, bool(x[-1] >= goal), steps


def strategies(odds: Odds, actions: tuple[int, ...]) -> Profile:
    """Each player's strategy from the log odds of all actions but the last, relative to the last."""
    found, begin = [], 0
    for a in actions:
        own = np.zeros(a)
        own[:-1] = odds[begin : begin + a - 1]
        weight = np.exp(own - own.max())
        found.append(weight / weight.sum())
        begin += a - 1
    return tuple(found)


def equations(payoffs: Tensor, x: Point) -> tuple[Odds, Float[np.ndarray, "unknowns unknowns_and_precision"]]:
    """The log odds minus those of the logit response, and the Jacobian by log odds and precision."""
    odds, precision, actions = x[:-1], x[-1], payoffs.shape[1:]
    profile = strategies(odds, actions)
    ends = list(itertools.accumulate(a - 1 for a in actions))
    rows = [slice(end - a + 1, end) for a, end in zip(actions, ends, strict=True)]
    value, jacobian = odds.copy(), np.eye(len(odds), len(x))
    for i, own in enumerate(rows):
        gain = payoffs[i][:-1] - payoffs[i][-1]  # if there are no other players
        for j in range(len(actions)):
            if j == i:
                continue
            table = payoffs[i]
            for other in range(len(actions) - 1, -1, -1):
                if other not in (i, j):
                    table = (
                        table.transpose([*range(other), *range(other + 1, table.ndim), other])
                        @ profile[other]
                    )
            cross = table if i < j else table.T
            weighted = (cross[:-1] - cross[-1]) * profile[j]  # [own action, the other's]
            gain = weighted.sum(axis=1)
            jacobian[own, rows[j]] = -precision * (weighted - gain[:, None] * profile[j])[:, :-1]
        value[own] -= precision * gain
        jacobian[own, -1] = -gain
    return value, jacobian


def tangent(
    jacobian: Float[np.ndarray, "unknowns unknowns_and_precision"], previous: Point
) -> tuple[Point, float]:
    """The unit tangent in the direction of the previous one, and the orientation of the path (1 or -1).

    The orientation is the sign of the determinant of the bordered Jacobian. Both are NaN if it is singular.
    """
    from scipy.linalg.lapack import dgesv  # pyright: ignore[reportAttributeAccessIssue]

    along = np.zeros_like(previous)
    along[-1] = 1.0
    factors, exchanged, t, singular = dgesv(np.vstack([jacobian, previous]), along)
    if singular:
        return np.full_like(previous, np.nan), np.nan
    negative = (factors.diagonal() < 0).sum() + (exchanged != np.arange(len(along))).sum()
    return t / np.linalg.norm(t), float(1 - 2 * (negative % 2))


def correct(
    payoffs: Tensor, y: Point, border: Point
) -> tuple[Point, float, Float[np.ndarray, "unknowns _"] | None]:
    """Newton's method from a point back to the path, orthogonally to `border`.

    Returns:
        The corrected point, the length of the first correction, and the Jacobian of the last iteration; None
        instead of the Jacobian if the method failed.
    """
    from scipy.linalg.lapack import dgesv  # pyright: ignore[reportAttributeAccessIssue]

    sizes: list[float] = []
    jacobian = None
    for _ in range(4):
        value, jacobian = equations(payoffs, y)
        if np.abs(value).max(initial=0.0) <= 4 * EPSILON * (1 + np.abs(y).max()):
            return (
                y,
                (sizes or [0.0])[0],
                jacobian if len(sizes) < 2 or sizes[1] <= 0.5 * sizes[0] + 1e-3 else None,
            )
        _, _, move, singular = dgesv(np.vstack([jacobian, border]), np.append(value, 0.0))
        if singular:
            return y, np.inf, None
        y = y - move
        sizes.append(float(np.linalg.norm(move)))
        if not sizes[0] <= LARGEST_CORRECTION:
            return y, np.inf, None
        if sizes[-1] <= NEWTON_TOLERANCE:
            break
    good = (len(sizes) < 2 or sizes[1] <= 0.5 * sizes[0] + 1e-3) and sizes[-1] <= 1e-4
    return y, sizes[0], jacobian if good else None


def refine(payoffs: Tensor, end: Profile, message: str, steps: int) -> Solution:
    """Refine the end of a branch by solving the indifference equations of its support.

    Small probabilities at the end of the branch may be positive or 0 in the limit, so several thresholds are
    tried. The solution with the smallest residual is returned, or the end of the branch itself.
    """
    best = solution(payoffs, end, message or "The end of the branch.", steps)
    tried = set()
    for threshold in (1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        used = tuple(np.flatnonzero(own > min(threshold, own.max() / 2)).tolist() for own in end)
        kept = undominated_actions(restrict(payoffs, used))
        support = tuple(tuple(own[a] for a in left) for own, left in zip(used, kept, strict=True))
        if support in tried:
            continue
        tried.add(support)
        start = [own[list(used)] / own[list(used)].sum() for own, used in zip(end, support, strict=True)]
        for point in solve_support(restrict(payoffs, support), start):
            found = solution(
                payoffs,
                embed(point, support, payoffs.shape[1:]),
                message or "Refined by Newton's method.",
                steps,
            )
            if found.residual < best.residual and found.residual <= TOLERANCE:
                best = found
        if best.residual <= 1e-12:
            break
    if best.status != "solved":
        best = dataclasses.replace(
            best,
            message=f"{best.message} Its residual is {best.residual:.1e}, and Newton's method found no "
            "smaller one.",
        )
    return best
