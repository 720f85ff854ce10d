"""All equilibria of a two-player game: the pairs of vertices of the best-response polytopes that are completely labeled."""

from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped

from solvers.base import EquilibriumSet
from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.payoffs import payoff_tensor
from solvers.registry import solver, two_players
from solvers.two_player.nash_subsets import equilibrium_set
from solvers.two_player.polytopes import (
    FEW,
    Unproven,
    Vertices,
    blocks,
    most_vertices,
    packed,
    pairwise,
    vertices,
)

LIMIT = 2_000_000
"""The most vertices that a polytope may have by the upper bound theorem, unless larger games are forced."""
MODERATE = 10_000
"""Up to so many vertices, a polytope is enumerated whole, and small integers are as fast as floats."""
LOPSIDED = 10
"""A larger second polytope that may have more vertices than the first by this factor leaves out actions that are never a best reply."""
SMALL = 2**20
"""Up to this size of payoffs, products of integers mostly fit into machine words."""
ACCURATE = 1e-11
"""The largest error of a probability in floats; beyond, it is computed again in integers."""


class TooLarge(ValueError):
    """A game whose polytopes may have too many vertices, which another method may solve."""


Tables = tuple[Shaped[np.ndarray, "m n"], Shaped[np.ndarray, "n m"]]


@solver("vertex", "avis2010enumeration", "extreme", players=2, finds="all", exact=True)
def vertex_enumeration(game: Any, exact: bool = False, force: bool = False) -> EquilibriumSet:
    r"""All extreme equilibria of a two-player game, degenerate or not, with the Nash subsets that they span.

    $(x, y)$ is an extreme equilibrium where x and y are vertices of the best-response polytopes and every
    action of either player is unplayed or a best reply.

    Whether two payoffs are equal is never judged by a tolerance: the polytopes are enumerated in integers,
    or, where payoffs have many digits, in floats whose error bounds prove the outcome. Where they do not, as
    in degenerate games, integers decide.

    Args:
        game: what `payoff_tensor` takes, `(2, m, n)`; floats stand for their shortest decimals.
        exact: whether the profiles are wanted as `Fraction`s.
        force: whether to try games whose polytopes may have more than 2 million vertices.

    Returns:
        The extreme equilibria with their components and maximal cliques; always complete. `degenerate` is
        None only for a lopsided game that was solved without those actions that are never a best reply.

    Raises:
        ValueError: for another number of players, and for polytopes that may be too large, with the estimate.

    Example:
        >>> found = vertex_enumeration(([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]]), exact=True)
        >>> [e.as_json()["profile"] for e in found]
        [[[1, 0, 0], [1, 0]], [['4/5', '1/5', 0], ['2/3', '1/3']], [[0, '1/3', '2/3'], ['1/3', '2/3']]]

    Source: Mangasarian (1964), "Equilibrium points of bimatrix games"; Avis, Rosenberg, Savani & von Stengel
    (2010).
    """
    rational = two_players(game, "vertex")
    against = (
        positive_integers(rational[1]),
        positive_integers(rational[0].T),
    )  # what the opponent earns, by the own action
    polytopes, whole = both_polytopes(against, force)
    pairs = labeled_pairs(*polytopes)
    found = [
        {k: strategy(polytopes[seat], k, against[seat], exact) for k in {pair[seat] for pair in pairs}}
        for seat in (0, 1)
    ]
    degenerate = True if not all(p.simple for p in polytopes) else False if whole else None
    payoffs = rational if exact else payoff_tensor(game)
    return equilibrium_set(payoffs, "vertex", found[0], found[1], pairs, complete=True, degenerate=degenerate)


def both_polytopes(against: Tables, force: bool) -> tuple[tuple[Vertices, Vertices], bool]:
    """The vertices of both polytopes, and whether no action was left out."""
    flat = tuple(table - table.min(axis=1, keepdims=True) for table in against)
    largest = max(int(table.max()) for table in flat)
    if sum(flat[0].shape) > FEW and (largest >= SMALL or most_vertices(*against[0].shape) > MODERATE):
        try:
            return in_turn(tuple((table / (largest or 1)).astype(float) for table in flat), force)
        except Unproven:
            pass
    return in_turn(tuple(table.astype(np.int64 if largest < 2**62 else object) for table in flat), force)


def in_turn(tables: Tables, force: bool) -> tuple[tuple[Vertices, Vertices], bool]:
    """The smaller polytope first; in a large second one the owner has only the actions that are best replies somewhere in the first."""
    first = min((0, 1), key=lambda seat: most_vertices(*tables[seat].shape))
    own, other = tables[first], tables[1 - first]
    check_size(most_vertices(*own.shape), own.shape, force)
    found = vertices(own)
    used = np.ones(len(other), dtype=bool)
    if most_vertices(*other.shape) > max(MODERATE, LOPSIDED * most_vertices(*own.shape)):
        used = found.labels[:, len(own) :].any(axis=0)
    check_size(most_vertices(int(used.sum()), len(own)), own.shape, force)
    second = vertices(other[used])
    points = np.zeros((len(second.points), len(other)), dtype=second.points.dtype)
    labels = np.ones((len(points), sum(own.shape)), dtype=bool)
    points[:, used], labels[:, np.append(used, np.ones(len(own), dtype=bool))] = second.points, second.labels
    second = Vertices(points, labels, second.error)
    return ((found, second) if first == 0 else (second, found)), bool(used.all())


def check_size(most: int, shape: tuple[int, ...], force: bool) -> None:
    """Refuse polytopes that may have too many vertices, unless forced."""
    if most > LIMIT and not force:
        size = " x ".join(map(str, sorted(shape)))
        raise TooLarge(
            f"A best-response polytope of this game of {size} actions may have up to {most:.2g} vertices; more than {LIMIT:.2g} are "
            "enumerated only with force=True. The method 'lemke_howson' finds some equilibria of such games, and one at once with label=0."
        )


def labeled_pairs(first: Vertices, second: Vertices) -> list[tuple[int, int]]:
    """The pairs of vertices of the row and the column player that have every label between them."""
    (_, m), (_, n) = first.points.shape, second.points.shape
    rows, columns = first.labels, np.roll(second.labels, m, axis=1)
    where = {label.tobytes(): k for k, label in enumerate(columns)}
    keys = [missing.tobytes() for missing in ~rows]
    pairs = [(k, where[key]) for k, key in enumerate(keys) if key in where]
    more = rows.sum(axis=1) > m, columns.sum(axis=1) > n  # with these, some label may be had twice
    masks, others, full = packed(rows), packed(columns), packed(np.ones((1, m + n), dtype=bool))[0]
    for a, b in (
        (np.flatnonzero(more[0]), np.arange(len(columns))),
        (np.flatnonzero(~more[0]), np.flatnonzero(more[1])),
    ):
        for block in blocks(a, len(b)):
            i, j = np.nonzero(pairwise(masks[block], others[b], np.bitwise_or, full))
            pairs += zip(block[i].tolist(), b[j].tolist(), strict=True)
    return pairs


def strategy(
    polytope: Vertices, index: int, table: Shaped[np.ndarray, "own other"], exact: bool
) -> Shaped[np.ndarray, " own"]:
    """A vertex as probabilities, rational or correct to 1e-11."""
    point = polytope.points[index]
    if point.dtype == float and not exact and polytope.error[index] <= ACCURATE:
        return point
    numerators = point.tolist() if point.dtype != float else equalizing(table, polytope.labels[index])
    total = sum(numerators)
    return np.array(
        [Fraction(p, total) if exact else p / total for p in numerators], dtype=object if exact else float
    )


def equalizing(table: Shaped[np.ndarray, "own other"], labels: Bool[np.ndarray, " own+other"]) -> list[int]:
    """The strategy with these labels, up to a factor, from the equations that its best replies are equally good."""
    played, replies = np.flatnonzero(~labels[: len(table)]), np.flatnonzero(labels[len(table) :])
    found = unique_solution(table[np.ix_(played, replies)].T.tolist(), [1] * len(replies))
    assert found is not None, "a vertex solves its equations uniquely"
    weights = dict(zip(played.tolist(), found[0], strict=True))
    return [weights.get(i, 0) for i in range(len(table))]
