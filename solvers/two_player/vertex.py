"""All equilibria of a two-player game by enumerating the vertices of the best-response polytopes."""

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
"""The largest number of vertices, by the upper bound theorem, without `force=True`."""
MODERATE = 10_000
"""Up to this number of vertices, all actions of a polytope are used, and small integers are as fast as
floats."""
LOPSIDED = 10
"""If the second polytope may have this many times the vertices of the first, actions that are never a best
reply are left out of it."""
SMALL = 2**20
"""Below this size of payoffs, products of integers mostly fit into machine words."""
ACCURATE = 1e-11
"""If the error bound of a probability is larger, the strategy is computed again in integers."""


class TooLarge(ValueError):
    """Raised for a game whose polytopes may have too many vertices; another method may solve it."""


Tables = tuple[Shaped[np.ndarray, "m n"], Shaped[np.ndarray, "n m"]]


@solver("vertex", "avis2010enumeration", "extreme", players=2, finds="all", exact=True)
def vertex_enumeration(game: Any, exact: bool = False, force: bool = False) -> EquilibriumSet:
    r"""All extreme equilibria of a two-player game, degenerate or not, with the Nash subsets that they span.

    $(x, y)$ is an extreme equilibrium if x and y are vertices of the best-response polytopes and every action
    of each player is unplayed or a best reply.

    No tolerance decides whether payoffs are equal: the polytopes are enumerated in integers, or, for large
    games and payoffs with many digits, in floats with error bounds. If these bounds prove nothing, as in
    degenerate games, the enumeration is repeated in integers.

    Args:
        game: a two-player game; see `payoff_tensor`. Floats are read as their shortest decimals.
        exact: whether profiles are returned as `Fraction`s instead of float64.
        force: whether to solve games whose polytopes may have more than 2 million vertices.

    Returns:
        The extreme equilibria with their components and maximal cliques; `complete` is True. `degenerate` is
        None only if actions that are never a best reply were left out of a much larger second polytope.

    Raises:
        ValueError: if there are not two players, or if the polytopes may be too large; the message gives the
            largest possible number of vertices.

    Example:
        >>> found = vertex_enumeration(([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]]), exact=True)
        >>> [e.as_json()["profile"] for e in found]
        [[[1, 0, 0], [1, 0]], [['4/5', '1/5', 0], ['2/3', '1/3']], [[0, '1/3', '2/3'], ['1/3', '2/3']]]

    Source: Mangasarian (1964), "Equilibrium points of bimatrix games"; Avis, Rosenberg, Savani & von Stengel
    (2010).
    """
    rational = two_players(game, "vertex")
    against = (positive_integers(rational[1]), positive_integers(rational[0].T))  # the opponents' payoffs
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
    """The vertices of both polytopes, and whether all actions were used."""
    flat = tuple(table - table.min(axis=1, keepdims=True) for table in against)
    largest = max(int(table.max()) for table in flat)
    if sum(flat[0].shape) > FEW and (largest >= SMALL or most_vertices(*against[0].shape) > MODERATE):
        try:
            return smaller_first(tuple((table / (largest or 1)).astype(float) for table in flat), force)
        except Unproven:
            pass
    return smaller_first(
        tuple(table.astype(np.int64 if largest < 2**62 else object) for table in flat), force
    )


def smaller_first(tables: Tables, force: bool) -> tuple[tuple[Vertices, Vertices], bool]:
    """Enumerate the smaller polytope first.

    A much larger second one uses only actions that are best replies in the first.
    """
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
    """Raise `TooLarge` if a polytope may have too many vertices, unless `force`."""
    if most > LIMIT and not force:
        size = " x ".join(map(str, sorted(shape)))
        raise TooLarge(
            f"A best-response polytope of this game of {size} actions may have up to {most:.2g} vertices; more than {LIMIT:.2g} "
            "require force=True. The method 'lemke_howson' finds some equilibria of such games, and one quickly with label=0."
        )


def labeled_pairs(first: Vertices, second: Vertices) -> list[tuple[int, int]]:
    """The pairs of vertices of the row and the column player whose labels together are all labels."""
    (_, m), (_, n) = first.points.shape, second.points.shape
    rows, columns = first.labels, np.roll(second.labels, m, axis=1)
    where = {label.tobytes(): k for k, label in enumerate(columns)}
    keys = [missing.tobytes() for missing in ~rows]
    pairs = [(k, where[key]) for k, key in enumerate(keys) if key in where]
    more = (
        rows.sum(axis=1) > m,
        columns.sum(axis=1) > n,
    )  # a vertex with more labels can share some with its partner
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
    """The probabilities of a vertex, as rationals or as floats correct to 1e-11."""
    point = polytope.points[index]
    if point.dtype == float and not exact and polytope.error[index] <= ACCURATE:
        return point
    numerators = point.tolist() if point.dtype != float else equalizing(table, polytope.labels[index])
    total = sum(numerators)
    return np.array(
        [Fraction(p, total) if exact else p / total for p in numerators], dtype=object if exact else float
    )


def equalizing(table: Shaped[np.ndarray, "own other"], labels: Bool[np.ndarray, " own+other"]) -> list[int]:
    """The strategy with these labels, as integers up to a factor: its best replies are equally good."""
    played, replies = np.flatnonzero(~labels[: len(table)]), np.flatnonzero(labels[len(table) :])
    found = unique_solution(table[np.ix_(played, replies)].T.tolist(), [1] * len(replies))
    assert found is not None, "the equations of a vertex have one solution"
    weights = dict(zip(played.tolist(), found[0], strict=True))
    return [weights.get(i, 0) for i in range(len(table))]
