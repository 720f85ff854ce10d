"""One equilibrium of an n-player game at the end of its principal branch of logit quantal response equilibria."""

import dataclasses
import itertools
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_count, check_range
from games.printing import counted
from solvers.base import TOLERANCE, EquilibriumSet, Solution, listing, short, solution
from solvers.dominance import undominated
from solvers.n_player.indifference_equations import solve_support
from solvers.payoffs import Profile, embed, in_own_units, own_ranges, payoff_tensor, regrets, restrict
from solvers.registry import solver

Tensor = Float[np.ndarray, "n_players *actions"]
Odds = Float[np.ndarray, " unknowns"]
Point = Float[np.ndarray, " unknowns_and_precision"]

FIRST_STEP, LEAST_STEP = 0.1, 1e-10
FARTHEST, USUAL = 0.2, 0.05
"""The largest first correction of an accepted step, in log odds, and the one that the length of the steps aims at."""
CROSSING = 1e-5
"""The length of a step over a point at which branches cross; longer ones that change the path's orientation have left the branch."""
QUADRATIC = 1e-6
"""A correction after which the next would be at the level of rounding."""
EPSILON = float(np.finfo(float).eps)
DWARFED = 1e3
"""How many times wider than without them a player's payoffs may be for strictly dominated actions to be left on the branch."""


@dataclasses.dataclass(frozen=True)
class Branch:
    r"""The points passed on the principal branch, from the uniform profile on.

    Args:
        precisions: $\lambda$ at each point, in units of 1 over payoff; it decreases where the branch bends
            back.
        strategies: per player `(points, actions)`.
        regret: the largest regret of any player at each point, over that player's payoff range.
        reached: whether the last point has the precision asked for.
        steps: how many steps were tried, refused ones included.
        message: one sentence for people.
    """

    precisions: Float[np.ndarray, " points"]
    strategies: tuple[Float[np.ndarray, "points _"], ...]
    regret: Float[np.ndarray, " points"]
    reached: bool
    steps: int
    message: str = ""

    def __repr__(self) -> str:
        end = f"precision {short(self.precisions[-1])} {'reached' if self.reached else 'not reached'}"
        head = f"Branch: {counted(len(self.precisions), 'point')}, {counted(self.bends, 'bend')}, {end}"
        rows = [
            f"player {i} at the end: {listing([f'action {a}: {short(p)}' for a, p in enumerate(own[-1])])}"
            for i, own in enumerate(self.strategies)
        ]
        return "\n  ".join([head, *rows, *filter(None, [self.message])])

    @property
    def bends(self) -> int:
        """How often the precision turns from growing to falling or back."""
        return int((np.diff(np.sign(np.diff(self.precisions))) != 0).sum())


@solver("logit", "turocy2005homotopy", players=None, finds="one")
def logit_homotopy(game: Any, precision: float = 1e6, max_steps: int = 5000) -> EquilibriumSet:
    r"""One equilibrium by the logit homotopy: the principal branch followed to a high precision, then polished.

    $\log \sigma_{ia} - \log \sigma_{ib} = \lambda (u_i(a, \sigma_{-i}) - u_i(b, \sigma_{-i})) / w_i$,
    $\lambda$ from 0 to `precision`, $w_i$ being the range of player i's payoffs.

    The branch starts at the uniform profile and is followed along its arc, so that it may bend back. Its
    limit is an equilibrium, unique for almost all games (McKelvey & Palfrey 1995), in symmetric 2x2 games of
    coordination the risk-dominant one (Turocy 2005). From its end, Newton's method solves the indifference of
    the actions still in use, in rationals where fewer than three players mix. Where that fails, as it can if
    the limit is degenerate, the branch is followed on for four more orders of magnitude; what is reached then
    is given with its residual and the status `"not_converged"` if that is above tolerance.

    Strictly dominated actions that make a player's range more than a thousand times wider are left out
    before.

    Args:
        game: what `payoff_tensor` takes, any number of players.
        precision: $\lambda$, above 0.
        max_steps: after how many steps the path is given up.

    Raises:
        ValueError: for a precision that is no positive number.

    Example:
        >>> logit_homotopy(([[2, 0], [0, 1]], [[2, 0], [0, 1]]))[0].profile[0].tolist()
        [1.0, 0.0]
    """
    payoffs = payoff_tensor(game)
    check_range("precision", precision, 1e-9, 1e12)
    check_count("max_steps", max_steps)
    kept = undominated(payoffs)
    if (own_ranges(payoffs) <= DWARFED * own_ranges(restrict(payoffs, kept))).all():
        kept = tuple(list(range(a)) for a in payoffs.shape[1:])
    unit = in_own_units(restrict(payoffs, kept))
    for goal in (precision, 1e4 * precision):
        points, reached, steps = follow(unit, goal, max_steps)
        message = "" if reached else given_up(points[-1][-1], goal, steps, max_steps)
        end = embed(strategies(points[-1][:-1], unit.shape[1:]), kept, payoffs.shape[1:])
        best = polished(payoffs, end, message, steps)
        if best.status == "solved" or not reached:
            break
    return EquilibriumSet(payoffs, "logit", (best,), status=best.status, message=best.message)


def principal_branch(game: Any, precision: float, max_steps: int = 5000) -> Branch:
    """The principal branch of logit quantal response equilibria from precision 0 to where it first reaches another one.

    Predictor and corrector along the arc of log odds and precision: a step goes along the tangent and is
    corrected at right angles to it; it is halved where the correction is large, shrinks slowly, or turns the
    tangent sharply. The sign of the determinant of derivatives and tangent is the same all along a branch; a
    step that changes it has come to another branch, and is halved until it is too short for anything but a
    point where branches cross, as they do in symmetric games: there the path goes straight on.

    Args:
        game: what `payoff_tensor` takes, any number of players.
        precision: in units of 1 over payoff, at least 0, the same for everybody, so that it depends on the
            units of each.
        max_steps: after how many steps the path is given up.

    Raises:
        ValueError: for a precision that is negative or no number.

    Example:
        >>> branch = principal_branch(([[6, 6], [7.32, 1]], [[7, 7], [6, 4]]), 5.0)  # McKelvey's example of a branch that bends back
        >>> branch.reached, branch.bends
        (True, 2)
    """
    payoffs = payoff_tensor(game)
    check_range("precision", precision, 0.0, np.finfo(float).max)
    check_count("max_steps", max_steps)
    ranges = own_ranges(payoffs)
    spread = float(ranges.max())
    unit = np.stack(
        [own * (width / spread) for own, width in zip(in_own_units(payoffs), ranges, strict=True)]
    )
    points, reached, steps = follow(unit, precision * spread, max_steps)
    precisions = np.array([point[-1] for point in points]) / spread
    message = "" if reached else given_up(precisions[-1], precision, steps, max_steps)
    profiles = [strategies(point[:-1], payoffs.shape[1:]) for point in points]
    regret = np.array([(regrets(unit, profile) / own_ranges(unit)).max() for profile in profiles])
    stacked = tuple(np.stack(own) for own in zip(*profiles, strict=True))
    return Branch(precisions, stacked, regret, reached, steps, message)


def given_up(precision: float, goal: float, steps: int, max_steps: int) -> str:
    """Where and why a branch ended before its goal."""
    why = f"after {steps} steps" if steps >= max_steps else "where no step succeeded"
    return f"The branch was given up at precision {precision:.3g} of {goal:.3g}, {why}."


def follow(unit: Tensor, goal: float, max_steps: int) -> tuple[list[Point], bool, int]:
    """The points passed on the principal branch up to a precision, whether that was reached, and how many steps were tried."""
    across = np.zeros(sum(a - 1 for a in unit.shape[1:]) + 1)
    across[-1] = 1.0
    x = np.zeros_like(across)
    t, orientation = tangent(equations(unit, x)[1], across)
    path, length, steps = [x], FIRST_STEP, 0
    while x[-1] < goal and steps < max_steps and length >= LEAST_STEP:
        steps += 1
        lands = x[-1] + length * t[-1] >= goal
        taken = (goal - x[-1]) / t[-1] if lands else length
        y, first, jacobian = corrected(unit, x + taken * t, across if lands else t)
        ahead, turned = (t, orientation) if jacobian is None else tangent(jacobian, t)
        same = ahead @ t > 0.8 and (
            turned == orientation or length <= CROSSING
        )  # false for a tangent that is not finite
        if jacobian is None or (not lands and (y[-1] > goal or not same)):
            length = taken / 2
            continue
        x, t, orientation = y, ahead, turned
        path.append(x)
        length *= min(2.0, max(0.5, (USUAL / max(first, 1e-12)) ** 0.5))
    return path, bool(x[-1] >= goal), steps


def strategies(odds: Odds, actions: tuple[int, ...]) -> Profile:
    """Everybody's strategy from the log odds of all actions but the last against the last."""
    found, begin = [], 0
    for a in actions:
        own = np.zeros(a)
        own[:-1] = odds[begin : begin + a - 1]
        weight = np.exp(own - own.max())
        found.append(weight / weight.sum())
        begin += a - 1
    return tuple(found)


def equations(payoffs: Tensor, x: Point) -> tuple[Odds, Float[np.ndarray, "unknowns unknowns_and_precision"]]:
    """How far the log odds are from the logit response to themselves, and the derivatives with respect to odds and precision."""
    odds, precision, actions = x[:-1], x[-1], payoffs.shape[1:]
    profile = strategies(odds, actions)
    ends = list(itertools.accumulate(a - 1 for a in actions))
    rows = [slice(end - a + 1, end) for a, end in zip(actions, ends, strict=True)]
    value, jacobian = odds.copy(), np.eye(len(odds), len(x))
    for i, own in enumerate(rows):
        gain = payoffs[i][:-1] - payoffs[i][-1]  # of a player alone
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
    """The unit tangent of the path, on the side of the previous one, and the path's orientation; NaN where there is none."""
    from scipy.linalg import lapack

    along = np.zeros_like(previous)
    along[-1] = 1.0
    factors, exchanged, t, singular = lapack.dgesv(np.vstack([jacobian, previous]), along)  # pyright: ignore[reportAttributeAccessIssue]
    if singular:
        return np.full_like(previous, np.nan), np.nan
    negative = (factors.diagonal() < 0).sum() + (exchanged != np.arange(len(along))).sum()
    return t / np.linalg.norm(t), float(1 - 2 * (negative % 2))


def corrected(
    payoffs: Tensor, y: Point, border: Point
) -> tuple[Point, float, Float[np.ndarray, "unknowns _"] | None]:
    """Newton's method back to the path, along no direction of `border`.

    Returns:
        The point, the length of the first correction, and the derivatives there up to an error that squares
        away; None for these where it failed.
    """
    from scipy.linalg import lapack

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
        _, _, move, singular = lapack.dgesv(np.vstack([jacobian, border]), np.append(value, 0.0))  # pyright: ignore[reportAttributeAccessIssue]
        if singular:
            return y, np.inf, None
        y = y - move
        sizes.append(float(np.linalg.norm(move)))
        if not sizes[0] <= FARTHEST:
            return y, np.inf, None
        if sizes[-1] <= QUADRATIC:
            break
    good = (len(sizes) < 2 or sizes[1] <= 0.5 * sizes[0] + 1e-3) and sizes[-1] <= 1e-4
    return y, sizes[0], jacobian if good else None


def polished(payoffs: Tensor, end: Profile, message: str, steps: int) -> Solution:
    """The end of a branch, or the nearest solution of the indifference of the actions above some probability, if that has less regret."""
    best = solution(payoffs, end, message or "The end of the branch.", steps)
    tried = set()
    for threshold in (1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        used = tuple(np.flatnonzero(own > min(threshold, own.max() / 2)).tolist() for own in end)
        kept = undominated(restrict(payoffs, used))
        support = tuple(tuple(own[a] for a in left) for own, left in zip(used, kept, strict=True))
        if support in tried:
            continue
        tried.add(support)
        start = [own[list(used)] / own[list(used)].sum() for own, used in zip(end, support, strict=True)]
        for point in solve_support(restrict(payoffs, support), start):
            found = solution(payoffs, embed(point, support, payoffs.shape[1:]), message or "Polished.", steps)
            if found.residual < best.residual and found.residual <= TOLERANCE:
                best = found
        if best.residual <= 1e-12:
            break
    if best.status != "solved":
        best = dataclasses.replace(
            best,
            message=f"{best.message} Its residual is {best.residual:.1e}, and polishing found no smaller one.",
        )
    return best
