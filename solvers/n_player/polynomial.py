"""Equilibria of small n-player games by support enumeration, with Newton's method on each support."""

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from games.checks import as_seed, check_count
from solvers.base import EquilibriumSet, Solution, solution
from solvers.dominance import undominated_actions
from solvers.n_player.indifference_equations import indifference, solve_supports
from solvers.payoffs import (
    Payoffs,
    Profile,
    action_values,
    embed,
    in_own_units,
    n_players,
    own_ranges,
    payoff_tensor,
    rationals,
    restrict,
)
from solvers.registry import solver
from solvers.two_player.vertex import vertex_enumeration

Tensor = Float[np.ndarray, "n_players *actions"]
Support = tuple[tuple[int, ...], ...]
Found = tuple[Solution, int, bool]
"""An equilibrium, its index, and whether it is regular."""

MAX_SECONDS = 60.0
"""The largest estimated time in seconds without `force=True`."""
BATCH = 4000
"""The largest number of starts of Newton's method in one batch."""
SINGULAR = 1e-5
"""A Jacobian is singular if its smallest singular value is at most this, with payoffs in units of their
range."""


@solver("polynomial", "mckelvey1997maximal", players=None, finds="all")
def polynomial_equilibria(
    game: Any, starts: int = 10, seed: int = 0, force: bool = False, key: int | None = None
) -> EquilibriumSet:
    r"""All equilibria of a small game in which at most two players mix, and others by Newton's method.

    If at most two players mix, they play an equilibrium of the two-player game given the others' actions.
    These equilibria are enumerated in rationals; for a continuum, its extreme points are returned.

    On a support with three or more mixing players, indifference is a system of multilinear equations, $u_i(a,
    \sigma_{-i}) = u_i(b, \sigma_{-i})$ for all a, b in the support of player i, with as many unknowns. Its
    number of isolated solutions is at most a Bezout number (McKelvey & McLennan 1997); the number of starts
    is proportional to it. Supports with an action that is strictly dominated against the others' supports are
    skipped (Porter, Nudelman & Shoham 2008). A solution is an equilibrium if no action outside the support
    has a higher payoff.

    The method does not prove that it finds all solutions of such a system; `complete` is True only if at most
    two players have more than one action that is not strictly dominated, and all equilibria are regular. If
    all equilibria found are regular, their indices must sum to 1 (Ritzberger 1994); if they do not, an
    equilibrium is missing, and the search is repeated with more starts; the message states the result. A
    solution with a singular system may belong to a continuum; of such solutions, points about 0.1 apart are
    returned, and `degenerate` is True.

    Args:
        game: a game of any number of players; see `payoff_tensor`.
        starts: number of starts for each solution that a system may have.
        seed: seed of the random starts, an integer in [0, 2**32 - 1].
        force: whether to solve games for which the estimated time exceeds a minute.
        key: another name of `seed`.

    Raises:
        ValueError: if the estimated time exceeds a minute; the message gives the estimate.

    Example:
        >>> found = polynomial_equilibria(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
        >>> [e.profile[0].round(4).tolist() for e in found]
        [[1.0, 0.0], [0.0, 1.0], [0.6667, 0.3333]]
    """
    check_count("starts", starts)
    seed = as_seed(seed, key)
    exact, payoffs = payoff_tensor(game, exact=True), payoff_tensor(game)
    kept = undominated_actions(exact)
    supports, seconds = estimated_cost(tuple(map(len, kept)), starts)
    if seconds > MAX_SECONDS and not force:
        raise ValueError(
            f"A game of {' x '.join(map(str, payoffs.shape[1:]))} actions has {supports:.3g} supports, whose "
            f"systems would take about {seconds:.2g} seconds; pass force=True to solve them, or use the "
            "method 'logit' for one equilibrium."
        )
    linear = equilibria_with_two_mixing(exact, payoffs, kept)
    for effort in (1, 4, 16):
        found = linear + enumerate_supports(payoffs, kept, effort * starts, seed)
        regular = all(is_regular for _, _, is_regular in found)
        indices = sum(index for _, index, _ in found)
        if not regular or indices == 1:
            break
    found.sort(
        key=lambda one: (sum(map(len, one[0].support)), tuple(map(len, one[0].support)), one[0].support)
    )
    members = tuple(found_solution for found_solution, _, _ in found)
    irregular = sum(not is_regular for _, _, is_regular in found)
    if irregular:
        message = f"{irregular} of {len(members)} equilibria are irregular: they may belong to a continuum."
    elif indices == 1:
        message = (
            "All equilibria found are regular and their indices sum to 1, as those of all equilibria do."
        )
    else:
        message = f"The indices sum to {indices} and not to 1: at least one equilibrium is missing."
    complete = not irregular and sum(len(own) > 1 for own in kept) <= 2
    return EquilibriumSet(
        payoffs,
        "polynomial",
        members,
        complete=complete,
        degenerate=True if irregular else None,
        message=message,
    )


def estimated_cost(actions: tuple[int, ...], starts: int = 10) -> tuple[float, float]:
    """The number of supports of a game, and the estimated time in seconds to solve their equations.

    Example:
        >>> estimated_cost((2, 2, 2))[0]
        27.0
    """
    supports, seconds = 0.0, 0.0
    for i, j in itertools.combinations(range(len(actions)), 2):
        games = math.prod(actions) / (actions[i] * actions[j])
        seconds += games * (1e-3 + 5e-6 * math.comb(actions[i] + actions[j], actions[i]))
    for sizes in itertools.product(*(range(1, a + 1) for a in actions)):
        count = math.prod(math.comb(a, k) for a, k in zip(actions, sizes, strict=True))
        supports += count
        if sum(k > 1 for k in sizes) > 2:
            unknowns, n = sum(sizes) - len(sizes), len(sizes)
            seconds += (
                2e-5 * count
                + 1e-3
                + count
                * n_starts(sizes, starts)
                * 15
                * (3e-6 + 4e-9 * (n * n * math.prod(sizes) + unknowns**3))
            )
    return supports, seconds


def n_starts(sizes: tuple[int, ...], starts: int) -> int:
    """Number of starts for supports of these sizes; 3 if only degenerate games have solutions there."""
    solutions = bezout_number([k - 1 for k in sizes if k > 1])
    return starts * (1 + solutions) if solutions else 3


def bezout_number(unknowns: list[int]) -> int:
    r"""The Bezout bound on the number of isolated solutions of the indifference equations.

    It is the coefficient of $\prod_j h_j^{d_j}$ in $\prod_i (\sum_{j \ne i} h_j)^{d_i}$: the $d_i$
    equations of player i are linear in the unknowns of each other player.

    Args:
        unknowns: $d_i$, the number of unknowns of each player.

    Example:
        >>> bezout_number([1, 1, 1]), bezout_number([2, 2, 2]), bezout_number([2, 1])
        (2, 10, 0)
    """
    power = np.zeros([d + 1 for d in unknowns], dtype=object)
    power[(0,) * len(unknowns)] = 1
    for player, equations in enumerate(unknowns):
        for _ in range(equations):
            total = np.zeros_like(power)
            for other in range(len(unknowns)):
                if other != player:
                    shifted, kept = np.moveaxis(total, other, 0), np.moveaxis(power, other, 0)
                    shifted[1:] = shifted[1:] + kept[:-1]
            power = total
    return int(power[tuple(unknowns)])


def equilibria_with_two_mixing(exact: Payoffs, payoffs: Tensor, kept: Sequence[Sequence[int]]) -> list[Found]:
    """All equilibria in which at most two players mix; for a continuum, its extreme points.

    Args:
        exact: the payoffs in rationals.
        payoffs: the payoffs in float64.
        kept: for each player, the actions that are not strictly dominated.
    """
    if len(exact) == 1:  # a second player with one action is added
        found = equilibria_with_two_mixing(
            np.stack([exact[0], exact[0] * 0])[..., None],
            np.stack([payoffs[0], payoffs[0] * 0])[..., None],
            [*kept, [0]],
        )
        return [(solution(payoffs, one.profile[:1]), index, regular) for one, index, regular in found]
    n, kept_exact, kept_floats = len(exact), restrict(exact, kept), restrict(payoffs, kept)
    profiles: dict[tuple, Profile] = {}
    for pair in itertools.combinations(range(n), 2):
        others = [k for k in range(n) if k not in pair]
        for chosen in np.ndindex(*(len(kept[k]) for k in others)):
            at = [slice(None) if k in pair else chosen[others.index(k)] for k in range(n)]
            if any(
                (losses < 0).all(axis=(1, 2)).any() for losses in deviation_losses(kept_floats, others, at)
            ):
                continue
            limits = [limit for losses in deviation_losses(kept_exact, others, at) for limit in losses]
            for rows, columns in nash_subsets(
                kept_exact[list(pair)][(slice(None), *at)], kept_floats[list(pair)][(slice(None), *at)]
            ):
                points = [
                    (x, y) for x in rows for y in clip_to_limits(columns, [x @ limit for limit in limits])
                ]
                if limits and len(rows) > 1:
                    points += [
                        (x, y) for y in columns for x in clip_to_limits(rows, [limit @ y for limit in limits])
                    ]
                for point in points:
                    profile = tuple(np.full(a, Fraction(0), dtype=object) for a in exact.shape[1:])
                    for k, (strategy, own) in enumerate(zip(profile, kept, strict=True)):
                        strategy[own if k in pair else own[at[k]]] = (
                            point[pair.index(k)] if k in pair else Fraction(1)
                        )
                    profiles.setdefault(tuple(map(tuple, profile)), profile)
    return [
        (solution(payoffs, [own.astype(float) for own in p]), *exact_index(exact, p))
        for p in profiles.values()
    ]


def deviation_losses(
    payoffs: Payoffs, others: Sequence[int], at: Sequence[Any]
) -> Iterator[Shaped[np.ndarray, "actions first second"]]:
    """For each player outside a pair, its loss by each deviation, for all joint actions of the pair."""
    for k in others:
        own = np.moveaxis(
            payoffs[(k, *at[:k], slice(None), *at[k + 1 :])], sum(isinstance(a, slice) for a in at[:k]), 0
        )
        yield own[at[k]] - np.delete(own, at[k], axis=0)


def nash_subsets(exact: Payoffs, payoffs: Tensor) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
    """The maximal Nash subsets of a two-player game, each as the extreme strategies of both players."""
    left = undominated_actions(payoffs)
    if all(len(own) == 1 for own in left):
        row, column = (
            rationals(np.eye(size, dtype=int)[action])
            for size, (action,) in zip(payoffs.shape[1:], left, strict=True)
        )
        return [([row], [column])]
    found = vertex_enumeration(exact, exact=True)
    return [
        ([found.vertices[0][k] for k in rows], [found.vertices[1][k] for k in columns])
        for rows, columns in found.cliques
    ]


def clip_to_limits(points: list[np.ndarray], limits: list[np.ndarray]) -> list[np.ndarray]:
    r"""Clip the convex hull of points to the half-spaces $l \cdot x \ge 0$ of all limits l."""
    for limit in limits:
        room = [limit @ p for p in points]
        inside = [p for p, r in zip(points, room, strict=True) if r >= 0]
        ways = itertools.product(zip(points, room, strict=True), repeat=2)
        points = inside + [(p * -s + q * r) / (r - s) for (p, r), (q, s) in ways if r > 0 > s]
    return points


def exact_index(exact: Payoffs, profile: Profile) -> tuple[int, bool]:
    """The index of an equilibrium with at most two mixing players (0 if irregular), and its regularity."""
    support = tuple(tuple(np.flatnonzero(own).tolist()) for own in profile)
    sizes = [len(used) for used in support if len(used) > 1]
    values = [action_values(exact, profile, player) for player in range(len(exact))]
    strict = all((v == v.max()).sum() == len(used) for v, used in zip(values, support, strict=True))
    if not strict or (sizes and (len(sizes) == 1 or sizes[0] != sizes[1])):
        return 0, False
    if not sizes:
        return 1, True
    x = np.concatenate(
        [own[list(used)][:-1].astype(float) for own, used in zip(profile, support, strict=True)]
    )
    jacobian = indifference(in_own_units(restrict(exact, support))[None], x[None, :])[1][0]
    return int(np.sign(np.linalg.det(-jacobian))), True


def enumerate_supports(payoffs: Tensor, kept: Sequence[Sequence[int]], starts: int, seed: int) -> list[Found]:
    """The equilibria found in which more than two players mix."""
    rng = np.random.default_rng(seed)
    found: list[Found] = []
    for sizes, group in itertools.groupby(
        undominated_supports(payoffs, kept), key=lambda support: tuple(map(len, support))
    ):
        count = n_starts(sizes, starts)
        supports = list(group)
        for first in range(0, len(supports), most := max(1, BATCH // count)):
            some = supports[first : first + most]
            blocks = np.stack([in_own_units(restrict(payoffs, support)) for support in some])
            draws = [rng.dirichlet(np.ones(k), (len(some), count)) for k in sizes]
            for k, draw in zip(sizes, draws, strict=True):
                draw[:, 0] = 1 / k
            for support, block, points in zip(some, blocks, solve_supports(blocks, draws), strict=True):
                found += equilibria_among(points, payoffs, block, support, count)
    return found


def equilibria_among(
    points: list[Profile], payoffs: Tensor, block: Tensor, support: Support, count: int
) -> list[Found]:
    """The points on a support that are equilibria; irregular ones only if at least 0.1 from the others."""
    found: list[Found] = []
    here: list[np.ndarray] = []
    for point in points:
        profile = embed(point, support, payoffs.shape[1:])
        one = solution(payoffs, profile, iterations=count)
        if one.status != "solved":
            continue
        flat = np.concatenate(profile)
        index, regular = index_on_support(block, point, payoffs, profile, support)
        if regular or not any(np.abs(flat - other).max() < 0.1 for other in here):
            here.append(flat)
            found.append((one, index, regular))
    return found


def undominated_supports(payoffs: Tensor, kept: Sequence[Sequence[int]]) -> Iterator[Support]:
    """All supports with more than two mixing players, by size, without strictly dominated actions.

    An action is dominated if another one has a higher payoff against all actions in the others' supports.
    """
    n = n_players(payoffs)
    sizes = [
        k
        for k in itertools.product(*(range(1, len(own) + 1) for own in kept))
        if sum(size > 1 for size in k) > 2
    ]
    sizes.sort(key=sum)
    allowed: dict[tuple[int, Support], frozenset[int]] = {}

    def best(player: int, others: Support) -> frozenset[int]:
        if (player, others) not in allowed:
            played = [*others[:player], kept[player], *others[player:]]
            table = np.moveaxis(payoffs[player][np.ix_(*played)], player, 0).reshape(len(kept[player]), -1)
            beaten = (table[None, :, :] > table[:, None, :]).all(axis=2).any(axis=1)
            allowed[player, others] = frozenset(np.array(kept[player])[~beaten].tolist())
        return allowed[player, others]

    for support in itertools.chain.from_iterable(
        itertools.product(*map(itertools.combinations, kept, k)) for k in sizes
    ):
        if all(best(i, support[:i] + support[i + 1 :]).issuperset(support[i]) for i in range(n)):
            yield support


def index_on_support(
    block: Tensor, point: Profile, payoffs: Tensor, profile: Profile, support: Support
) -> tuple[int, bool]:
    """The index of an equilibrium, and whether it is regular.

    An equilibrium is regular if its Jacobian is nonsingular and every best response is played.
    """
    jacobian = indifference(block[None], np.concatenate([p[:-1] for p in point])[None, :])[1][0]
    values = [action_values(payoffs, profile, player) for player in range(len(block))]
    widths = own_ranges(restrict(payoffs, support))
    strict = all(
        len(used) == len(v) or v[list(used)].min() > np.delete(v, list(used)).max() + 1e-7 * width
        for v, used, width in zip(values, support, widths, strict=True)
    )
    regular = strict and np.linalg.svd(jacobian, compute_uv=False).min() > SINGULAR
    return int(np.sign(np.linalg.det(-jacobian))), bool(regular)
