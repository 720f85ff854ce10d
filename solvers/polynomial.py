"""All equilibria of small n-player games, support by support: each support's polynomial system by Newton's method from many starts."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import as_seed, check_count
from solvers.base import EquilibriumSet, Solution, solution
from solvers.multilinear import indifference, placed, solve_support
from solvers.payoffs import action_values, in_own_units, n_players, payoff_tensor, regrets
from solvers.registry import solver

Tensor = Float[np.ndarray, "n_players *actions"]
Support = tuple[tuple[int, ...], ...]

PATIENCE = 60.0
"""Seconds of work beyond which an enumeration has to be forced."""
SINGULAR = 1e-5
"""The least singular value, payoffs in units of their range, below which a system counts as singular."""


@solver("polynomial", "mckelvey1997maximal", players=None, finds="all")
def polynomial_equilibria(game: Any, starts: int = 10, seed: int = 0, force: bool = False, key: int | None = None) -> EquilibriumSet:
    r"""All equilibria of a small n-player game that Newton's method finds from many starts on every support.

    On a support, the players' indifference is a system of multilinear equations in as many unknowns,
    $u_i(a, \sigma_{-i}) = u_i(b, \sigma_{-i})$ for all a, b that i plays. Its number of isolated solutions is at most a Bezout number
    (McKelvey & McLennan 1997), to which the number of starts is proportional. Supports with an action that another one strictly
    dominates against the others' supports are skipped (Porter, Nudelman & Shoham 2008). What is found counts only if no action
    outside the support pays more.

    Nothing proves that all solutions are found, so `complete` is always False. Where all that is found is regular, its indices must
    sum to 1 (Ritzberger 1994); if they do not, something is missing, the search is repeated with more starts, and the message says
    how it ended. Solutions at which the system is singular may belong to a continuum, of which points about 0.1 apart are given;
    then `degenerate` is True.

    Args:
        game: what `payoff_tensor` takes, any number of players.
        starts: starts per solution that a system may have.
        seed: of the starts, an integer in [0, 2**32 - 1].
        force: whether to begin though the estimate of the work exceeds a minute.
        key: another name of `seed`.

    Raises:
        ValueError: where the work is estimated to exceed a minute, with the estimate.

    Example:
        >>> found = polynomial_equilibria(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
        >>> [e.profile[0].round(4).tolist() for e in found]
        [[1.0, 0.0], [0.0, 1.0], [0.6667, 0.3333]]
    """
    payoffs, seed = payoff_tensor(game), as_seed(seed, key)
    check_count("starts", starts)
    supports, seconds = cost(payoffs.shape[1:], starts)
    if seconds > PATIENCE and not force:
        raise ValueError(
            f"A game of {' x '.join(map(str, payoffs.shape[1:]))} actions has {supports:.3g} supports, whose systems would take about "
            f"{seconds:.2g} seconds; pass force=True to solve them nevertheless, or find one equilibrium by method 'logit'."
        )
    for effort in (1, 4, 16):
        found = enumerate_supports(payoffs, effort * starts, seed)
        regular = all(is_regular for _, _, is_regular in found)
        indices = sum(index for _, index, _ in found)
        if not regular or indices == 1:
            break
    members = tuple(found_solution for found_solution, _, _ in found)
    irregular = sum(not is_regular for _, _, is_regular in found)
    if irregular:
        message = f"{irregular} of {len(members)} equilibria are irregular: they may belong to a continuum."
    elif indices == 1:
        message = "All are regular and their indices sum to 1, as they do where nothing is missing."
    else:
        message = f"The indices sum to {indices} and not to 1: at least one equilibrium is missing."
    return EquilibriumSet(payoffs, "polynomial", members, degenerate=True if irregular else None, message=message)


def cost(actions: tuple[int, ...], starts: int = 10) -> tuple[float, float]:
    """How many supports a game has, and about how many seconds their systems take.

    Example:
        >>> cost((2, 2, 2))[0]
        27.0
    """
    supports, seconds = 0.0, 0.0
    for sizes in itertools.product(*(range(1, a + 1) for a in actions)):
        count = math.prod(math.comb(a, k) for a, k in zip(actions, sizes, strict=True))
        unknowns, n = sum(sizes) - len(sizes), len(sizes)
        supports += count
        seconds += 2e-5 * count + 1e-3 + count * tries(sizes, starts) * 15 * (3e-6 + 4e-9 * (n * n * math.prod(sizes) + unknowns**3))
    return supports, seconds


def tries(sizes: tuple[int, ...], starts: int) -> int:
    """From how many points the system of a support of these sizes is attempted."""
    mixing = [k - 1 for k in sizes if k > 1]
    if not mixing:
        return 1
    solutions = bezout(mixing)
    if not solutions or len(mixing) == 2:  # without a solution unless the game is degenerate, or linear
        return 3
    return starts * (1 + solutions)


def bezout(unknowns: list[int]) -> int:
    r"""The largest number of isolated solutions of a support's system with so many unknowns per player.

    The coefficient of $\prod_j h_j^{d_j}$ in $\prod_i (\sum_{j \ne i} h_j)^{d_i}$: player i's $d_i$ equations are linear in the
    unknowns of each other player.

    Example:
        >>> bezout([1, 1, 1]), bezout([2, 2, 2]), bezout([2, 1])
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


def enumerate_supports(payoffs: Tensor, starts: int, seed: int) -> list[tuple[Solution, int, bool]]:
    """Every equilibrium found with its index and whether it is regular, smallest supports first."""
    unit = in_own_units(payoffs)
    rng = np.random.default_rng(seed)
    found: list[tuple[Solution, int, bool]] = []
    for support in undominated_supports(payoffs):
        sizes = tuple(map(len, support))
        block = unit[np.ix_(range(n_players(payoffs)), *support)]
        count = tries(sizes, starts)
        draws = [rng.dirichlet(np.ones(k), count) for k in sizes]
        for k, draw in zip(sizes, draws, strict=True):
            draw[0] = 1 / k
        here: list[np.ndarray] = []
        for point in solve_support(block, draws):
            profile = placed(point, support, payoffs.shape[1:])
            flat = np.concatenate(profile)
            if regrets(unit, profile).max() > 1e-9 or any(np.abs(flat - other).max() < 1e-6 for other in here):
                continue
            index, regular = character(block, point, unit, profile, support)
            if not regular and any(np.abs(flat - other).max() < 0.1 for other in here):
                continue
            here.append(flat)
            found.append((solution(payoffs, profile, iterations=count), index, regular))
    return found


def undominated_supports(payoffs: Tensor) -> Iterator[Support]:
    """All supports, by size, in which no action is strictly dominated by another one against the others' supports."""
    n, actions = n_players(payoffs), payoffs.shape[1:]
    sizes = sorted(itertools.product(*(range(1, a + 1) for a in actions)), key=sum)
    allowed: dict[tuple[int, Support], frozenset[int]] = {}

    def best(player: int, others: Support) -> frozenset[int]:
        if (player, others) not in allowed:
            kept = [*others[:player], range(actions[player]), *others[player:]]
            table = np.moveaxis(payoffs[player][np.ix_(*kept)], player, 0).reshape(actions[player], -1)
            beaten = (table[None, :, :] > table[:, None, :]).all(axis=2).any(axis=1)
            allowed[player, others] = frozenset(np.flatnonzero(~beaten).tolist())
        return allowed[player, others]

    for support in itertools.chain.from_iterable(itertools.product(*map(itertools.combinations, map(range, actions), k)) for k in sizes):
        if all(best(i, support[:i] + support[i + 1 :]).issuperset(support[i]) for i in range(n)):
            yield support


def character(
    block: Tensor, point: tuple[np.ndarray, ...], unit: Tensor, profile: tuple[np.ndarray, ...], support: Support
) -> tuple[int, bool]:
    """The index of an equilibrium, and whether it is regular: isolated to first order, with no unused best response."""
    jacobian = indifference(block, np.concatenate([p[:-1] for p in point])[None, :])[1][0]
    values = [action_values(unit, profile, player) for player in range(len(block))]
    strict = all(
        len(used) == len(v) or v[list(used)].min() > np.delete(v, list(used)).max() + 1e-7 for v, used in zip(values, support, strict=True)
    )
    if not len(jacobian):
        return 1, strict
    regular = strict and np.linalg.svd(jacobian, compute_uv=False).min() > SINGULAR
    return int(np.sign(np.linalg.det(-jacobian))), bool(regular)
