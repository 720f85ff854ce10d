"""All equilibria of a two-player game by enumerating the vertices of the best-response polytopes."""

from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped

from solvers.base import EquilibriumSet
from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.payoffs import payoff_tensor
from solvers.registry import solver, two_player_payoffs
from solvers.two_player.nash_subsets import equilibrium_set
from solvers.two_player.polytopes import (
    MAX_LIST_ACTIONS,
    Unproven,
    Vertices,
    blocks,
    most_vertices,
    pack_sets,
    pairs_with_result,
    vertices,
)

LIMIT = 2_000_000
"""The largest number of vertices, by the upper bound theorem, without `force=True`."""
MODERATE_VERTICES = 10_000
"""Up to this number of vertices, all actions of a polytope are used, and small integers are used, which are
then as fast as floats."""
SIZE_RATIO = 10
"""If the second polytope may have more than this many times the vertices of the first, it is enumerated
without the actions that are not a best reply at any vertex of the first."""
SMALL_PAYOFFS = 2**20
"""If payoffs are below this, most products of integers fit into 64 bits."""
MAX_ERROR = 1e-11
"""If the error bound of a probability is larger than this, the strategy is computed again in integers."""


class TooLarge(ValueError):
    """Raised for a game whose polytopes may have too many vertices; another method may solve it."""


Tables = tuple[Shaped[np.ndarray, "m n"], Shaped[np.ndarray, "n m"]]


@solver("vertex", "avis2010enumeration", "extreme", players=2, finds="all", exact=True)
def vertex_enumeration(game: Any, exact: bool = False, force: bool = False) -> EquilibriumSet:
    r"""All extreme equilibria of a two-player game, degenerate or not, with the Nash subsets that they span.

    $(x, y)$ is an extreme equilibrium if x and y are vertices of the best-response polytopes and every action
    of each player has probability 0 or is a best reply.

    Payoffs are compared without a tolerance: the polytopes are enumerated in integers or, for large games and
    payoffs with many digits, in floats with error bounds. If a bound does not decide a comparison, as in
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

    Source:
        Mangasarian (1964), "Equilibrium points of bimatrix games"; Avis, Rosenberg, Savani & von Stengel
        (2010).
    """
    rational = two_player_payoffs(game, "vertex")
    opponent_payoffs = (positive_integers(rational[1]), positive_integers(rational[0].T))
    polytopes, whole = enumerate_polytopes(opponent_payoffs, force)
    pairs = labeled_pairs(*polytopes)
    found = [
        {
            k: strategy(polytopes[seat], k, opponent_payoffs[seat], exact)
            for k in {pair[seat] for pair in pairs}
        }
        for seat in (0, 1)
    ]
    degenerate = True if not all(p.simple for p in polytopes) else False if whole else None
    payoffs = rational if exact else payoff_tensor(game)
    return equilibrium_set(payoffs, "vertex", found[0], found[1], pairs, complete=True, degenerate=degenerate)


def enumerate_polytopes(opponent_payoffs: Tables, force: bool) -> tuple[tuple[Vertices, Vertices], bool]:
    """The vertices of both polytopes, and whether all actions were used."""
    flat = tuple(table - table.min(axis=1, keepdims=True) for table in opponent_payoffs)
    largest = max(int(table.max()) for table in flat)
    if sum(flat[0].shape) > MAX_LIST_ACTIONS and (
        largest >= SMALL_PAYOFFS or most_vertices(*opponent_payoffs[0].shape) > MODERATE_VERTICES
    ):
        try:
            return enumerate_smaller_first(
                tuple((table / (largest or 1)).astype(float) for table in flat), force
            )
        except Unproven:
            pass
    return enumerate_smaller_first(
        tuple(table.astype(np.int64 if largest < 2**62 else object) for table in flat), force
    )


def enumerate_smaller_first(tables: Tables, force: bool) -> tuple[tuple[Vertices, Vertices], bool]:
    """The vertices of both polytopes, the one with fewer possible vertices first.

    If the other one may have many more vertices, only actions that are a best reply at a vertex of the first
    polytope are used for it; see `SIZE_RATIO`.
    """
    first = min((0, 1), key=lambda seat: most_vertices(*tables[seat].shape))
    own, other = tables[first], tables[1 - first]
    check_size(most_vertices(*own.shape), own.shape, force)
    found = vertices(own)
    used = np.ones(len(other), dtype=bool)
    if most_vertices(*other.shape) > max(MODERATE_VERTICES, SIZE_RATIO * most_vertices(*own.shape)):
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
            f"A best-response polytope of this game of {size} actions may have up to {most:.2g} vertices; "
            f"more than {LIMIT:.2g} require force=True. The method 'lemke_howson' finds some equilibria of "
            "such games, and one quickly with label=0."
        )


def labeled_pairs(first: Vertices, second: Vertices) -> list[tuple[int, int]]:
    """The pairs of vertices of both players that together have all labels: the extreme equilibria."""
    (_, m), (_, n) = first.points.shape, second.points.shape
    rows, columns = first.labels, np.roll(second.labels, m, axis=1)
    where = {label.tobytes(): k for k, label in enumerate(columns)}
    keys = [missing.tobytes() for missing in ~rows]
    pairs = [(k, where[key]) for k, key in enumerate(keys) if key in where]
    more = (
        rows.sum(axis=1) > m,
        columns.sum(axis=1) > n,
    )  # such a vertex can have labels in common with its partner
    masks, others, full = pack_sets(rows), pack_sets(columns), pack_sets(np.ones((1, m + n), dtype=bool))[0]
    for a, b in (
        (np.flatnonzero(more[0]), np.arange(len(columns))),
        (np.flatnonzero(~more[0]), np.flatnonzero(more[1])),
    ):
        for block in blocks(a, len(b)):
            i, j = np.nonzero(pairs_with_result(masks[block], others[b], np.bitwise_or, full))
            pairs += zip(block[i].tolist(), b[j].tolist(), strict=True)
    return pairs


def strategy(
    polytope: Vertices, index: int, table: Shaped[np.ndarray, "own other"], exact: bool
) -> Shaped[np.ndarray, " own"]:
    """The probabilities of a vertex, as rationals or as floats correct to 1e-11."""
    point = polytope.points[index]
    if point.dtype == float and not exact and polytope.error[index] <= MAX_ERROR:
        return point
    numerators = point.tolist() if point.dtype != float else equalizing_weights(table, polytope.labels[index])
    total = sum(numerators)
    return np.array(
        [Fraction(p, total) if exact else p / total for p in numerators], dtype=object if exact else float
    )


def equalizing_weights(
    table: Shaped[np.ndarray, "own other"], labels: Bool[np.ndarray, " own+other"]
) -> list[int]:
    """The strategy of the vertex with these labels, as integers up to a positive factor."""
    played, replies = np.flatnonzero(~labels[: len(table)]), np.flatnonzero(labels[len(table) :])
    found = unique_solution(table[np.ix_(played, replies)].T.tolist(), [1] * len(replies))
    assert found is not None, "the equations of a vertex have one solution"
    weights = dict(zip(played.tolist(), found[0], strict=True))
    return [weights.get(i, 0) for i in range(len(table))]
