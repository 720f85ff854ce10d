"""One equilibrium of an n-player game at the end of its principal branch of logit quantal response equilibria."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_count, check_range
from solvers.base import TOLERANCE, EquilibriumSet, Solution, solution
from solvers.multilinear import in_own_range, placed, solve_support
from solvers.payoffs import Profile, action_values, n_players, payoff_range, payoff_tensor, regrets
from solvers.registry import solver

Tensor = Float[np.ndarray, "n_players *actions"]
Odds = Float[np.ndarray, " unknowns"]
Point = Float[np.ndarray, " unknowns_and_precision"]

FIRST_STEP, LEAST_STEP = 0.1, 1e-10
FARTHEST, USUAL = 0.2, 0.05
"""The largest first correction of an accepted step, in log odds, and the one that the length of the steps aims at."""
CROSSING = 1e-5
"""The length of a step over a point at which branches cross; longer ones that change the path's orientation have left the branch."""


@dataclasses.dataclass(frozen=True)
class Branch:
    r"""The points passed on the principal branch, from the uniform profile on.

    Args:
        precisions: $\lambda$ at each point, in units of 1 over payoff; it decreases where the branch bends back.
        strategies: per player `(points, actions)`.
        regret: the largest regret of any player at each point, over the payoff range.
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

    @property
    def bends(self) -> int:
        """How often the precision turns from growing to falling or back."""
        return int((np.diff(np.sign(np.diff(self.precisions))) != 0).sum())


@solver("logit", "turocy2005homotopy", players=None, finds="one")
def logit_homotopy(game: Any, precision: float = 1e6, max_steps: int = 5000) -> EquilibriumSet:
    r"""One equilibrium by the logit homotopy: the principal branch followed to a high precision, then polished.

    $\log \sigma_{ia} - \log \sigma_{ib} = \lambda (u_i(a, \sigma_{-i}) - u_i(b, \sigma_{-i}))$, $\lambda$ from 0 to `precision`

    The branch starts at the uniform profile and is followed along its arc, so that it may bend back. Its limit is an equilibrium,
    unique for almost all games (McKelvey & Palfrey 1995), in symmetric 2x2 games of coordination the risk-dominant one (Turocy 2005).
    From its end, Newton's method solves the indifference of the actions still in use. Where that fails, as it can if the limit is
    degenerate, the branch is followed on for four more orders of magnitude; what is reached then is given with its residual and the
    status `"not_converged"` if that is above tolerance.

    Args:
        game: what `payoff_tensor` takes, any number of players.
        precision: $\lambda$ in units of 1 over the payoff range, above 0.
        max_steps: after how many steps the path is given up.

    Raises:
        ValueError: for a precision that is no positive number.

    Example:
        >>> logit_homotopy(([[2, 0], [0, 1]], [[2, 0], [0, 1]]))[0].profile[0].tolist()
        [1.0, 0.0]
    """
    payoffs = payoff_tensor(game)
    check_range("precision", precision, 1e-9, 1e12)
    spread = float(payoff_range(payoffs))
    branch = principal_branch(payoffs, precision / spread, max_steps)
    best = polished(payoffs, branch)
    if best.status != "solved" and branch.reached:
        best = polished(payoffs, principal_branch(payoffs, 1e4 * precision / spread, max_steps))
    return EquilibriumSet(payoffs, "logit", (best,), status=best.status, message=best.message)


def principal_branch(game: Any, precision: float, max_steps: int = 5000) -> Branch:
    """The principal branch of logit quantal response equilibria from precision 0 to where it first reaches another one.

    Predictor and corrector along the arc of log odds and precision: a step goes along the tangent and is corrected at right angles
    to it; it is halved where the correction is large, shrinks slowly, or turns the tangent sharply. The sign of the determinant of
    derivatives and tangent is the same all along a branch; a step that changes it has come to another branch, and is halved until it
    is too short for anything but a point where branches cross, as they do in symmetric games: there the path goes straight on.

    Args:
        game: what `payoff_tensor` takes, any number of players.
        precision: in units of 1 over payoff, at least 0.
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
    spread = float(payoff_range(payoffs))
    unit, goal = (payoffs - payoffs.min()) / spread, precision * spread
    across = np.zeros(sum(a - 1 for a in payoffs.shape[1:]) + 1)
    across[-1] = 1.0
    x = np.zeros_like(across)
    t, orientation = tangent(unit, x, across)
    path, length, steps, message = [x], FIRST_STEP, 0, ""
    while x[-1] < goal:
        if steps >= max_steps or length < LEAST_STEP:
            why = f"after {steps} steps" if steps >= max_steps else "where no step succeeded"
            message = f"The branch was given up at precision {x[-1] / spread:.3g} of {precision:.3g}, {why}."
            break
        steps += 1
        lands = x[-1] + length * t[-1] >= goal
        taken = (goal - x[-1]) / t[-1] if lands else length
        y, first = corrected(unit, x + taken * t, across if lands else t)
        ahead, turned = (t, orientation) if y is None else tangent(unit, y, t)
        same = ahead @ t > 0.8 and (turned == orientation or length <= CROSSING)  # false for a tangent that is not finite
        if y is None or (not lands and (y[-1] > goal or not same)):
            length = taken / 2
            continue
        x, t, orientation = y, ahead, turned
        path.append(x)
        length *= min(2.0, max(0.5, np.sqrt(USUAL / max(first, 1e-12))))
    points = np.array(path)
    profiles = [strategies(point[:-1], payoffs.shape[1:]) for point in points]
    regret = np.array([regrets(unit, profile).max() for profile in profiles])
    stacked = tuple(np.stack(own) for own in zip(*profiles, strict=True))
    return Branch(points[:, -1] / spread, stacked, regret, bool(x[-1] >= goal), steps, message)


def strategies(odds: Odds, actions: tuple[int, ...]) -> Profile:
    """Everybody's strategy from the log odds of all actions but the last against the last."""
    found, begin = [], 0
    for a in actions:
        own = np.append(odds[begin : begin + a - 1], 0.0)
        weight = np.exp(own - own.max())
        found.append(weight / weight.sum())
        begin += a - 1
    return tuple(found)


def equations(payoffs: Tensor, x: Point) -> tuple[Odds, Float[np.ndarray, "unknowns unknowns_and_precision"]]:
    """How far the log odds are from the logit response to themselves, and the derivatives with respect to odds and precision."""
    odds, precision, n = x[:-1], x[-1], n_players(payoffs)
    profile = strategies(odds, payoffs.shape[1:])
    ends = np.cumsum([a - 1 for a in payoffs.shape[1:]])
    rows = [slice(end - a + 1, end) for a, end in zip(payoffs.shape[1:], ends, strict=True)]
    value, jacobian = odds.copy(), np.eye(len(odds), len(x))
    for i in range(n):
        values = action_values(payoffs, profile, i)
        gain = values[:-1] - values[-1]
        value[rows[i]] -= precision * gain
        jacobian[rows[i], -1] = -gain
        for j in range(n):
            if j == i:
                continue
            table = payoffs[i]
            for other in reversed(range(n)):
                if other not in (i, j):
                    table = np.moveaxis(table, other, -1) @ profile[other]
            cross = table if i < j else table.T
            relative = cross[:-1] - cross[-1]  # [own action, the other's]
            response = relative * profile[j] - (relative @ profile[j])[:, None] * profile[j]  # per log odds of the other
            jacobian[rows[i], rows[j]] = -precision * response[:, :-1]
    return value, jacobian


def tangent(payoffs: Tensor, x: Point, previous: Point) -> tuple[Point, float]:
    """The unit tangent of the path, on the side of the previous one, and the path's orientation; NaN where there is none."""
    system, along = np.vstack([equations(payoffs, x)[1], previous]), np.zeros_like(x)
    along[-1] = 1.0
    try:
        t = np.linalg.solve(system, along)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan), np.nan
    return t / np.linalg.norm(t), float(np.linalg.slogdet(system)[0])


def corrected(payoffs: Tensor, y: Point, border: Point) -> tuple[Point | None, float]:
    """Newton's method back to the path, along no direction of `border`: the point, or None, and the first correction."""
    sizes: list[float] = []
    for _ in range(4):
        value, jacobian = equations(payoffs, y)
        if np.abs(value).max(initial=0.0) <= 4 * np.finfo(float).eps * (1 + np.abs(y).max()):
            sizes.append(0.0)
            continue
        try:
            move = np.linalg.solve(np.vstack([jacobian, border]), np.append(value, 0.0))
        except np.linalg.LinAlgError:
            return None, np.inf
        y = y - move
        sizes.append(float(np.linalg.norm(move)))
        if not sizes[0] <= FARTHEST:
            return None, np.inf
    good = sizes[1] <= 0.5 * sizes[0] + 1e-3 and sizes[-1] <= 1e-4
    return (y, sizes[0]) if good else (None, np.inf)


def polished(payoffs: Tensor, branch: Branch) -> Solution:
    """The end of a branch, or the nearest solution of the indifference of the actions above some probability, if that has less regret."""
    unit = in_own_range(payoffs)
    end = tuple(own[-1] for own in branch.strategies)
    best, steps = solution(payoffs, end, branch.message or "The end of the branch.", branch.steps), branch.steps
    tried = set()
    for threshold in (1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        support = tuple(tuple(np.flatnonzero(own > min(threshold, own.max() / 2)).tolist()) for own in end)
        if support in tried:
            continue
        tried.add(support)
        draws = [own[list(used)][None, :] / own[list(used)].sum() for own, used in zip(end, support, strict=True)]
        for point in solve_support(unit[np.ix_(range(n_players(payoffs)), *support)], draws):
            found = solution(payoffs, placed(point, support, payoffs.shape[1:]), branch.message or "Polished.", steps)
            if found.residual < best.residual and found.residual <= TOLERANCE:
                best = found
        if best.residual <= 1e-12:
            break
    if best.status != "solved":
        best = dataclasses.replace(best, message=f"{best.message} Its residual is {best.residual:.1e}, and polishing found no smaller one.")
    return best
