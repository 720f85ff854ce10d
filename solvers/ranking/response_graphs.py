"""Response graphs: pure profiles, and an edge wherever one player would rather move."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_range
from solvers.dominance import undominated
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
"""From which profile, to which, who moves, and what the mover gains."""


def response_graph(
    game: Any, responses: Literal["better", "best"] = "better", strict: bool = False, tolerance: float = TIE
) -> "nx.DiGraph":
    r"""The directed graph of unilateral moves that do not hurt the mover.

    Profiles $s$ and $t$ that differ in player i alone are joined by $s \to t$ where $u_i(t) \ge u_i(s)$: ties
    are joined both ways. Of a square table, strategies $s \to r$ are joined where the mutant earns from the
    resident no less than the resident from the mutant, $M_{rs} \ge M_{sr}$, as in the single-population
    alpha-rank.

    Args:
        game: payoffs `(n, A1, ..., An)` or a game that has them, for nodes that are tuples of actions; or a
            square table of what each strategy earns against each, such as a cross-play table, for nodes that
            are indices of strategies.
        responses: `"better"` for every such move, `"best"` for those of the mover's largest gain alone.
        strict: whether ties are left out.
        tolerance: payoffs closer than this share of the mover's payoff range, strictly dominated actions left
            aside, are a tie; at least 0.

    Returns:
        A graph whose edges carry `player`, the mover (0 in a table), and `gain`.

    Raises:
        ValueError: for payoffs that are neither, or an unknown kind of response.

    Example:
        >>> graph = response_graph(([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
        >>> sink_components(graph)
        (((0, 0),), ((1, 1),))

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
    """The strongly connected components that no edge leaves, each sorted: where better responses end up for good.

    Example:
        >>> sink_components(response_graph([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]))
        ((0, 1, 2),)
    """
    import networkx as nx

    return tuple(sorted(tuple(sorted(component)) for component in nx.attracting_components(graph)))


def is_table(game: Any) -> bool:
    """Whether this is a table of one population rather than the payoffs of several."""
    try:
        return np.ndim(getattr(game, "payoffs", game)) == 2
    except ValueError:  # ragged, which is refused with a sentence where payoffs are read
        return False


def moves(game: Any) -> tuple[list[tuple[int, ...]], Moves, Float[np.ndarray, " n_players"]]:
    """All profiles (of a table: strategies), all unilateral moves between them, and everybody's unit of ties.

    That is the range of one's payoffs without strictly dominated actions, which may pay disastrously less
    than all others.
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
    source, target, player = unilateral(actions)
    flat = payoffs.reshape(len(actions), -1)
    gain = flat[player, target] - flat[player, source]
    return (
        [tuple(map(int, s)) for s in np.ndindex(*actions)],
        (source, target, player, gain),
        tie_units(payoffs),
    )


def tie_units(payoffs: Payoffs) -> Float[np.ndarray, " n_players"]:
    """Everybody's payoff range without strictly dominated actions; with them where it is 0 otherwise."""
    sensible = restrict(payoffs, undominated(payoffs))
    return np.array([np.ptp(few) or payoff_range(own) for few, own in zip(sensible, payoffs, strict=True)])


def unilateral(
    actions: Sequence[int],
) -> tuple[Int[np.ndarray, " moves"], Int[np.ndarray, " moves"], Int[np.ndarray, " moves"]]:
    """Numbers of the profiles (last player's action fastest) before and after every move of one player, and that player."""
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
    """For every move, the largest gain its mover has from that profile."""
    best = np.full((size, player.max(initial=0) + 1), -np.inf)
    np.maximum.at(best, (source, player), gain)
    return best[source, player]
