"""Response graphs: nodes are pure profiles, edges are deviations that do not lower the deviator's payoff."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_range
from solvers.dominance import undominated_actions
from solvers.evolution.square_tables import square_table
from solvers.payoffs import Payoffs, payoff_range, payoff_tensor, restrict

if TYPE_CHECKING:
    import networkx as nx

TIE = 1e-9
"""Payoffs closer than this share of the mover's payoff range are a tie."""
Moves = tuple[
    Int[np.ndarray, " moves"],
    Int[np.ndarray, " moves"],
    Int[np.ndarray, " moves"],
    Float[np.ndarray, " moves"],
]
"""For each unilateral deviation: the indices of the profile before and after it, the player, and its gain."""


def response_graph(
    game: Any, responses: Literal["better", "best"] = "better", strict: bool = False, tolerance: float = TIE
) -> "nx.DiGraph":
    r"""The directed graph of unilateral deviations that do not lower the payoff of the deviating player.

    Profiles $s$ and $t$ that differ only in player i's action have an edge $s \to t$ if $u_i(t) \ge u_i(s)$;
    ties give edges both ways. In a square table, strategies have an edge $s \to r$ if a mutant r earns from a
    resident s no less than the resident from the mutant, $M_{rs} \ge M_{sr}$, as in the single-population
    alpha-rank.

    Args:
        game: payoffs `(n, A1, ..., An)` or a game that has them, the nodes being tuples of actions; or a
            square table of what each strategy earns against each, such as a cross-play table, the nodes being
            indices of strategies.
        responses: `"better"` for every such move, `"best"` only for moves with the mover's largest gain.
        strict: whether to leave out ties.
        tolerance: payoffs closer than this share of the mover's payoff range (without strictly dominated
            actions) are a tie; at least 0.

    Returns:
        A graph with the edge attributes `player`, the mover (0 in a table), and `gain`.

    Raises:
        ValueError: for payoffs that are neither, or an unknown kind of response.

    Example:
        >>> graph = response_graph(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
        >>> sink_components(graph)
        (((0, 0),), ((1, 1),))

    Source:
        Omidshafiei et al. 2019, "alpha-Rank: Multi-Agent Evaluation by Evolution"; Biggar & Shames 2023, "The
        Replicator Dynamic, Chain Components and the Response Graph".
    """
    import networkx as nx

    check_range("tolerance", tolerance, 0.0)
    if responses not in ("better", "best"):
        raise ValueError(f"Unknown responses {responses!r}; accepted: better, best.")
    profiles, (source, target, player, gain), units = moves(game)
    slack = tolerance * units[player]
    kept = gain > slack if strict else gain >= -slack
    if responses == "best":
        kept &= gain >= largest_gain(len(profiles), source, player, gain) - slack
    graph = nx.DiGraph()
    nodes = [s[0] for s in profiles] if is_table(game) else profiles
    graph.add_nodes_from(nodes)
    edges = zip(
        source[kept].tolist(), target[kept].tolist(), player[kept].tolist(), gain[kept].tolist(), strict=True
    )
    graph.add_edges_from((nodes[s], nodes[t], {"player": i, "gain": g}) for s, t, i, g in edges)
    return graph


def sink_components(graph: "nx.DiGraph") -> tuple[tuple[Any, ...], ...]:
    """The strongly connected components that no edge leaves, sorted; better responses end in one of them.

    Example:
        >>> sink_components(response_graph([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]))
        ((0, 1, 2),)
    """
    import networkx as nx

    return tuple(sorted(tuple(sorted(component)) for component in nx.attracting_components(graph)))


def is_table(game: Any) -> bool:
    """Whether the argument is a square table of one population rather than payoffs of several players."""
    try:
        return np.ndim(getattr(game, "payoffs", game)) == 2
    except ValueError:  # rows of different length; `payoff_tensor` raises the error
        return False


def moves(game: Any) -> tuple[list[tuple[int, ...]], Moves, Float[np.ndarray, " n_players"]]:
    """All profiles (in a table: strategies), all unilateral deviations, and each player's unit for ties.

    The unit is the range of a player's payoffs without strictly dominated actions, whose payoffs may be far
    below all others.
    """
    if is_table(game):
        table = square_table(game)
        size = len(table)
        source, target = np.nonzero(~np.eye(size, dtype=bool))
        gain = table[target, source] - table[source, target]
        return (
            [(s,) for s in range(size)],
            (source, target, np.zeros_like(source), gain),
            tie_units(np.stack([table, table.T]))[:1],
        )
    payoffs = payoff_tensor(game)
    actions = payoffs.shape[1:]
    source, target, player = unilateral_moves(actions)
    flat = payoffs.reshape(len(actions), -1)
    gain = flat[player, target] - flat[player, source]
    return (
        [tuple(map(int, s)) for s in np.ndindex(*actions)],
        (source, target, player, gain),
        tie_units(payoffs),
    )


def tie_units(payoffs: Payoffs) -> Float[np.ndarray, " n_players"]:
    """Each player's payoff range without strictly dominated actions; if that is 0, with them."""
    undominated_payoffs = restrict(payoffs, undominated_actions(payoffs))
    return np.array(
        [np.ptp(few) or payoff_range(own) for few, own in zip(undominated_payoffs, payoffs, strict=True)]
    )


def unilateral_moves(
    actions: Sequence[int],
) -> tuple[Int[np.ndarray, " moves"], Int[np.ndarray, " moves"], Int[np.ndarray, " moves"]]:
    """Profile indices before and after each unilateral move (last player fastest), and the mover."""
    number = np.arange(np.prod(actions, dtype=int)).reshape(actions)
    source, target, player = [], [], []
    for i, count in enumerate(actions):
        rows = np.moveaxis(number, i, -1).reshape(-1, count)
        before, after = np.nonzero(~np.eye(count, dtype=bool))
        source.append(rows[:, before].ravel())
        target.append(rows[:, after].ravel())
        player.append(np.full(source[-1].size, i))
    return np.concatenate(source), np.concatenate(target), np.concatenate(player)


def largest_gain(
    size: int, source: np.ndarray, player: np.ndarray, gain: np.ndarray
) -> Float[np.ndarray, " moves"]:
    """For every deviation, the largest gain of the same player at the same profile."""
    best = np.full((size, player.max(initial=0) + 1), -np.inf)
    np.maximum.at(best, (source, player), gain)
    return best[source, player]
