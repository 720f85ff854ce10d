"""How the equilibria of a two-player game hang together: maximal Nash subsets and connected components.

An equilibrium is a mixture of extreme ones. Two extreme strategies are joined where they form an equilibrium;
the sets of rows and columns that are all joined with each other and cannot grow, the maximal cliques, span
the maximal Nash subsets: every mixture of the rows against every mixture of the columns is an equilibrium.
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
    """The extreme equilibria of a two-player game as a set that knows its maximal Nash subsets and components.

    Args:
        payoffs: `(2, m, n)`, as `payoff_tensor` gives them.
        method: the solver's registry name.
        rows: strategies of the row player, all different, by their index.
        columns: strategies of the column player, likewise.
        pairs: which row strategy makes an equilibrium with which column strategy; all such pairs.
        known: other fields of the `EquilibriumSet`: `complete`, `degenerate`, `message`.

    Returns:
        The equilibria ordered by the row player's strategy, first actions first, then by the column player's.

    Raises:
        ValueError: for a strategy off the simplex.

    Example:
        >>> from solvers.payoffs import payoff_tensor
        >>> found = equilibrium_set(payoff_tensor(np.zeros((2, 1, 2))), "vertex", [[1.0]], [[1.0, 0.0], [0.0, 1.0]], [(0, 0), (0, 1)])
        >>> found.cliques, found.components
        ((((0,), (0, 1)),), ((0, 1),))

    Source: Avis, Rosenberg, Savani & von Stengel (2010), "Enumeration of Nash equilibria for two-player
    games", Section 5.
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
    """The connected components of extreme equilibria, as indices of pairs, in the order of their first members.

    Args:
        pairs: (row, column) of each extreme equilibrium.

    Example:
        >>> components([(0, 0), (0, 1), (1, 2)])
        ((0, 1), (2,))
    """
    where: dict[tuple[int, int], set[tuple[int, int]]] = {}  # the nodes that each node hangs together with
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
    """The maximal sets of rows and columns that are all paired with each other, sorted.

    The columns of a maximal clique are an intersection of the sets of columns that single rows are paired
    with, and every such intersection that is not empty is one.

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
