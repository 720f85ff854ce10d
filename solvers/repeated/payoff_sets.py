"""The payoffs of subgame-perfect equilibria of a repeated game, between an outer and an inner hull."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.base import Status
from solvers.repeated.enforced_relations import two_players
from solvers.repeated.histories import Repeated, repeated
from solvers.repeated.polygons import Polygon, clip, distance, excess, hausdorff, hull

CLOSE = 1e-10
"""Vertices nearer than this, in units of the payoff range, are reported as one."""
SHRINK = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1)
"""By how much the outer hull is shrunk until it generates itself, the start of the inner one."""
ROUNDING = 1e-13
"""What float64 may do to a payoff, in units of the payoff range."""
SLACK = 1e-11
"""The gain from deviating once, in units of the payoff range, that a set may leave where no shrunk copy generates itself."""


@dataclasses.dataclass(frozen=True)
class PayoffSet:
    """The payoffs of pure-strategy subgame-perfect equilibria with public randomization.

    Args:
        outer: vertices of a polygon that contains the set; empty where no such equilibrium exists.
        inner: vertices of a polygon within it: every point is the payoff of an equilibrium, up to `slack`.
        slack: what deviating once may gain in the equilibria of the inner hull, over the payoff range: 0
            where a shrunk copy of the outer hull generates itself. Where none does, as at a threshold of the
            discount, the outer hull itself does up to 1e-11.
        gap: the Hausdorff distance between the two, over the payoff range: how exactly the set is known.
        punishments: each player's worst equilibrium payoff, by the outer hull.
        iterations: applications of the operator, outer and inner.
        status: `"solved"` where the gap is within tolerance.
        message: one sentence for people.
    """

    outer: Polygon
    inner: Polygon
    slack: float
    gap: float
    punishments: Float[np.ndarray, " 2"]
    iterations: tuple[int, int]
    status: Status
    message: str


def equilibrium_payoffs(
    game: Any, discount: float | None = None, tolerance: float = 1e-8, steps: int = 20_000
) -> PayoffSet:
    r"""The set of payoffs of subgame-perfect equilibria, in pure strategies and with public randomization, between two polygons.

    Payoffs w can be promised by playing a now and promising w' from a set W ahead if nobody gains by
    deviating now and being held to the worst of W for ever after. The set is the largest that generates
    itself, the limit of

    $B(W) = \mathrm{co} \bigcup_a \{(1-d) u(a) + d w : w \in Q(a, W)\}$,
    $Q(a, W) = \{w \in W : (1-d) u_i(a) + d w_i \ge (1-d) \max_{b} u_i(b, a_{-i}) + d \min W_i\}$

    from the payoffs that give both players at least their pure minimax values. The outer hull is the limit of
    $R(W) \subset B(W)$, which keeps u(a) alone where $u(a) \in Q(a, W)$ and otherwise only those vertices of
    Q(a, W) at which an incentive constraint binds; it has the same limit and is there sooner. A slightly
    shrunk copy that generates itself, $Z \subset B(Z)$, lies within the set. In the plane the linear programs
    over the incentive constraints are half-planes that cut a polygon, so that the directions of the hulls are
    the polygons' own edges.

    Args:
        game: a `games.Iterated`, or a stage game of two players.
        discount: in (0, 1); for a stage game, or to replace the game's own.
        tolerance: the largest gap between the hulls that is called solved, over the payoff range.
        steps: applications of the operator after which each hull is left as it is.

    Raises:
        ValueError: for another number of players, and a discount of 0 or 1.

    Example:
        >>> found = equilibrium_payoffs([[[9, 1], [10, 3]], [[9, 10], [1, 3]]], discount=0.9)
        >>> sorted(found.inner.round(6).tolist())
        [[3.0, 3.0], [3.0, 9.75], [9.0, 9.0], [9.75, 3.0]]

    Source:
        Abreu, Pearce & Stacchetti (1990); Judd, Yeltekin & Conklin (2003) for the two hulls; Abreu & Sannikov
        (2014) for R.
    """
    rules = two_players(repeated(game, discount))
    if not 0 < rules.discount < 1:
        raise ValueError(
            f"discount is {rules.discount:g}; equilibrium payoffs are computed for discounts between 0 and 1, both excluded."
        )
    unit = rules.in_own_units
    outer, rounds = iterate(restricted, rational(unit), unit, steps)
    if not len(outer):
        message = "The outer hull became empty, which proves that no pure-strategy subgame-perfect equilibrium exists."
        return PayoffSet(outer, outer, 0.0, 0.0, np.full(2, np.nan), (rounds, 0), "solved", message)
    inner, slack, more = grown(outer, unit, tolerance, steps)
    gap = hausdorff(outer, inner)
    message = "No polygon within the outer hull was found to generate itself; the outer hull contains all equilibrium payoffs."
    if len(inner):
        message = f"The outer and the inner hull are {gap:.1e} of the payoff range apart; deviating once gains at most {slack:.0e}."
    outer, inner = (rules.in_payoffs(hull(p, CLOSE)) for p in (outer, inner))
    return PayoffSet(
        outer,
        inner,
        slack,
        gap,
        outer.min(axis=0),
        (rounds, more),
        "solved" if gap <= tolerance else "not_converged",
        message,
    )


def rational(rules: Repeated) -> Polygon:
    """The hull of the payoffs where both players get what they can secure against any pure actions of the other."""
    polygon = hull(rules.rewards, ROUNDING)
    for i, payoffs in enumerate(rules.payoffs):
        polygon = clip(polygon, np.eye(2)[i], payoffs.max(axis=i).min() - ROUNDING)
    return hull(polygon, ROUNDING / 10)


def grown(outer: Polygon, rules: Repeated, tolerance: float, steps: int) -> tuple[Polygon, float, int]:
    """The inner hull, its slack, and how often the operator was applied; empty where nothing was found to generate itself."""
    middle = outer.mean(axis=0)
    for share in SHRINK:
        start = middle + (1 - share) * (outer - middle)
        if excess(start, generated(start, rules)) <= 10 * ROUNDING:
            inner, count = (
                (start, 0)
                if hausdorff(start, outer) <= tolerance
                else iterate(generated, start, rules, steps)
            )
            return inner, 0.0, count
    if excess(outer, generated(outer, rules, SLACK)) <= SLACK:
        return outer, SLACK, 0
    return np.zeros((0, 2)), 0.0, 0


def continuations(
    promised: Polygon, rules: Repeated, slack: float
) -> Iterator[tuple[np.ndarray, np.ndarray, Polygon]]:
    """For each profile of actions its payoffs, the least that each player must be promised, and the promises Q that do."""
    d, worst = rules.discount, promised.min(axis=0)
    tempted = np.stack(
        [(1 - d) / d * (u.max(axis=i, keepdims=True) - u) for i, u in enumerate(rules.payoffs)]
    )
    for now, temptation in zip(rules.rewards, tempted.reshape(2, -1).T, strict=True):
        least, kept = worst + temptation - slack, promised
        for side, bound in zip(np.eye(2), least, strict=True):
            kept = clip(kept, side, bound) if len(kept) else kept
        yield now, least, kept


def generated(promised: Polygon, rules: Repeated, slack: float = ROUNDING) -> Polygon:
    """What a set of promises generates: the operator B of `equilibrium_payoffs`."""
    d = rules.discount
    return hull(
        np.concatenate([(1 - d) * now + d * kept for now, _, kept in continuations(promised, rules, slack)]),
        ROUNDING / 10,
    )


def restricted(promised: Polygon, rules: Repeated) -> Polygon:
    """The operator R of `equilibrium_payoffs`."""
    d, found = rules.discount, []
    for now, least, kept in continuations(promised, rules, ROUNDING):
        if (now >= least).all() and distance(now, promised) <= ROUNDING:
            found.append(now[None])
        else:
            found.append((1 - d) * now + d * kept[(kept <= least + ROUNDING).any(axis=1)])
    return hull(np.concatenate(found), ROUNDING / 10)


def iterate(
    operator: Callable[[Polygon, Repeated], Polygon], start: Polygon, rules: Repeated, steps: int
) -> tuple[Polygon, int]:
    """Apply an operator until it moves the set by no more than rounding does, or empties it."""
    now = start
    for step in range(steps):
        if not len(now):
            return now, step
        before, now = now, operator(now, rules)
        if len(now) and hausdorff(before, now) <= ROUNDING:
            return now, step + 1
    return now, steps
