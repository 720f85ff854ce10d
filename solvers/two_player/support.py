"""All equilibria of a two-player game by its supports, decided in floats where that is safe and in rationals where it is not."""

import math
from typing import Any

import numpy as np
from jaxtyping import Bool

from solvers.base import EquilibriumSet
from solvers.payoffs import payoff_tensor
from solvers.registry import solver
from solvers.two_player.equalizing import equalizer, equalizing_sets
from solvers.two_player.integers import positive_integers, two_players
from solvers.two_player.structure import equilibrium_set

LIMIT = 4_000_000
"""Pairs of linear systems that are solved without being told to."""
SECONDS = 5e-6
"""A pair's cost, on one core, where floats decide."""


@solver("support", "porter2008simple", players=2, finds="all", exact=True)
def support_enumeration(game: Any, exact: bool = False, force: bool = False) -> EquilibriumSet:
    r"""All equilibria of a two-player game that is not degenerate, and all extreme equilibria of one that is.

    For supports I and J of equal size, x on I makes the actions J equally good, $\sum_{i \in I} x_i B_{ij} =
    v$ for $j \in J$, and none better; y on J does so for I. Each player's solutions are kept whatever the
    other's, and x and y are an equilibrium where each plays best replies only. So a strategy of one support
    meets strategies of any other: equilibria with supports of different size, which degenerate games have,
    are found, and every isolated equilibrium is among the extreme ones.

    Args:
        game: what `payoff_tensor` takes; floats are read as their shortest decimals.
        exact: whether the answers stay rationals. In either case a sign that rounding could have changed is
            decided in rationals.
        force: solve even if there are more than four million pairs of supports.

    Returns:
        The equilibria, of a degenerate game the extreme ones with the maximal Nash subsets that they span;
        always complete, and `degenerate` is proven either way.

    Raises:
        ValueError: for another number of players, and for a game too large, with the estimate.

    Example:
        >>> found = support_enumeration(([[2, 0], [0, 1]], [[1, 0], [0, 2]]), exact=True)
        >>> [e.as_json()["profile"] for e in found], found.complete
        ([[[1, 0], [1, 0]], [['2/3', '1/3'], ['1/3', '2/3']], [[0, 1], [0, 1]]], True)

    Source:
        Porter, Nudelman and Shoham (2008); the polytopes of von Stengel (2007), Section 3.3, whose vertices
        the solutions are.
    """
    rationals = two_players(game, "support")
    _, m, n = rationals.shape
    systems = math.comb(m + n, n) - 1
    if systems > LIMIT and not force:
        raise ValueError(
            f"Support enumeration of a game of {m} x {n} actions solves {systems:.3g} pairs of linear systems, about "
            f"{systems * SECONDS:.2g} s or more; pass force=True for that, or use the method 'lemke_howson' for some equilibria."
        )
    against = (
        positive_integers(rationals[1]),
        positive_integers(rationals[0].T),
    )  # what the opponent gets, by the own action
    sets = [equalizing_sets(table) for table in against]
    mutual = within(sets[0][0], sets[1][1]) & within(sets[1][0], sets[0][1]).T
    pairs = [(int(i), int(j)) for i, j in np.argwhere(mutual)]
    kind = object if exact else float
    rows, columns = (
        {k: np.array(equalizer(table, support[k], replies[k]), dtype=kind) for k in used}
        for table, (support, replies), used in zip(
            against, sets, map(set, zip(*pairs, strict=True)), strict=True
        )
    )
    degenerate = any(bool((replies.sum(axis=1) > support.sum(axis=1)).any()) for support, replies in sets)
    message = (
        "The game is degenerate: these are its extreme equilibria, and the cliques say which mixtures are too."
        if degenerate
        else ""
    )
    payoffs = rationals if exact else payoff_tensor(game)
    return equilibrium_set(
        payoffs, "support", rows, columns, pairs, complete=True, degenerate=degenerate, message=message
    )


def within(
    parts: Bool[np.ndarray, "parts actions"], wholes: Bool[np.ndarray, "wholes actions"]
) -> Bool[np.ndarray, "parts wholes"]:
    """Which sets of actions lie in which."""
    return parts.astype(np.float32) @ (~wholes).T.astype(np.float32) == 0
