"""Maximal Nash subsets and connected components of the equilibria of a two-player game.

Every equilibrium is a mixture of extreme equilibria. Consider the bipartite graph in which a row strategy and
a column strategy are adjacent if they form an extreme equilibrium. Its maximal cliques are the maximal Nash
subsets: every mixture of the row strategies of a clique and every mixture of its column strategies form an
equilibrium.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from solvers.base import EquilibriumSet, solution
from solvers.payoffs import Payoffs

Strategies = Sequence[Any] | Mapping[int, Any]
Clique = tuple[tuple[int, ...], tuple[int, ...]]


def equilibrium_set(
    payoffs: Payoffs,
    method: str,
    rows: Strategies,
    columns: Strategies,
    pairs: Iterable[tuple[int, int]],
    **known: Any,
) -> EquilibriumSet:
    """Make an `EquilibriumSet` of extreme equilibria, with maximal Nash subsets and components.

    Args:
        payoffs: `(2, m, n)`, from `payoff_tensor`.
        method: the name of the solver.
        rows: distinct strategies of the row player, by index.
        columns: distinct strategies of the column player, by index.
        pairs: all pairs (row index, column index) that form an equilibrium.
        known: the fields `complete`, `degenerate` and `message` of the `EquilibriumSet`.

    Returns:
        The equilibria, in lexicographic order of the row player's and then the column player's strategies.

    Raises:
        ValueError: if a strategy is not a probability distribution.

    Example:
        >>> from solvers.payoffs import payoff_tensor
        >>> payoffs, columns = payoff_tensor(np.zeros((2, 1, 2))), [[1.0, 0.0], [0.0, 1.0]]
        >>> found = equilibrium_set(payoffs, "vertex", [[1.0]], columns, [(0, 0), (0, 1)])
        >>> found.cliques, found.components
        ((((0,), (0, 1)),), ((0, 1),))

    Source:
        Avis, Rosenberg, Savani & von Stengel (2010), "Enumeration of Nash equilibria for two-player games",
        Section 5.
    """
    pairs = list(pairs)
    strategies, places = [], []
    for seat, side in enumerate((rows, columns)):
        used = sorted({pair[seat] for pair in pairs}, key=lambda k: tuple(side[k]), reverse=True)
        strategies.append(tuple(np.asarray(side[k]) for k in used))
        places.append({k: place for place, k in enumerate(used)})
    pairs = sorted((places[0][r], places[1][c]) for r, c in pairs)
    equilibria = tuple(solution(payoffs, (strategies[0][r], strategies[1][c])) for r, c in pairs)
    failed = any(e.status != "solved" for e in equilibria)
    cliques = maximal_cliques(pairs)
    if continua := sum(len(r) * len(c) > 1 for r, c in cliques):
        known.setdefault(
            "message", f"Mixtures within {continua} of the {len(cliques)} maximal cliques are equilibria too."
        )
    return EquilibriumSet(
        payoffs,
        method,
        equilibria,
        cliques=cliques,
        vertices=tuple(strategies),
        components=components(pairs),
        status="not_converged" if failed else "solved",
        **known,
    )


def components(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """The connected components of the extreme equilibria.

    Args:
        pairs: (row, column) of each extreme equilibrium.

    Returns:
        For each component the indices of its pairs; components in the order of their first pairs.

    Example:
        >>> components([(0, 0), (0, 1), (1, 2)])
        ((0, 1), (2,))
    """
    where: dict[tuple[int, int], set[tuple[int, int]]] = {}  # the component of each node
    for r, c in pairs:
        here, there = (where.setdefault(node, {node}) for node in ((0, r), (1, c)))
        if here is not there:
            here, there = sorted((here, there), key=len, reverse=True)
            here |= there
            where |= dict.fromkeys(there, here)
    members: dict[int, list[int]] = {}
    for index, (r, _) in enumerate(pairs):
        members.setdefault(id(where[0, r]), []).append(index)
    return tuple(map(tuple, members.values()))


def maximal_cliques(pairs: Sequence[tuple[int, int]]) -> tuple[Clique, ...]:
    """The maximal cliques of the bipartite graph of pairs, sorted.

    The column sets of the maximal cliques are exactly the non-empty intersections of the sets of columns that
    are paired with single rows.

    Args:
        pairs: (row, column) of each extreme equilibrium.

    Example:
        >>> maximal_cliques([(0, 0), (0, 1), (1, 1)])
        (((0,), (0, 1)), ((0, 1), (1,)))
    """
    partners: dict[int, frozenset[int]] = {}
    for r, c in pairs:
        partners[r] = partners.get(r, frozenset()) | {c}
    rows: dict[int, set[int]] = {}
    for r, c in pairs:
        rows.setdefault(c, set()).add(r)
    shared: set[frozenset[int]] = set()
    for group in components(pairs):
        closed: set[frozenset[int]] = set()
        for own in {partners[pairs[k][0]] for k in group}:
            closed |= {own} | {own & other for other in closed}
        shared |= closed - {frozenset()}
    return tuple(
        sorted(
            (tuple(sorted(set.intersection(*(rows[c] for c in columns)))), tuple(sorted(columns)))
            for columns in shared
        )
    )
