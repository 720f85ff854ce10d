"""The tournament as a game: a player's actions are the learners, its payoffs the cross-play table."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from analysis.ranking.population import alpha_rank_mass, resampled_tables
from analysis.ranking.scores import check_whole, one_game
from games.exact.matrix import MatrixGame

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd


class LearnersGame(MatrixGame):
    """A matrix game whose actions have names, those of learners; solvers print them.

    Args:
        payoffs: `(n, A1, ..., An)`, as for `MatrixGame`.
        name: name in tables.
        init_std: standard deviation of the initial logits.
        actions: the names of each player's actions.

    Raises:
        ValueError: if the numbers of names and of actions differ.

    Example:
        >>> game_of((["allc", "alld"], [[3, 0], [5, 1]])).actions
        (('allc', 'alld'), ('allc', 'alld'))
    """

    actions: tuple[tuple[str, ...], ...] = eqx.field(static=True, default=())

    def __check_init__(self):
        if self.actions and tuple(map(len, self.actions)) != self.n_actions:
            raise ValueError(
                f"{[len(own) for own in self.actions]} actions are named, and the payoffs are those of {list(self.n_actions)}; name each."
            )

    @property
    def names_actions(self) -> bool:
        """Whether the actions have names."""
        return bool(self.actions)


def game_of(given: Any, game: str | None = None, statistic: str = "final") -> LearnersGame:
    """The cross-play table as a symmetric two-player game in which each player chooses a learner.

    Payoffs are means over both seats and over the finite lanes: the value of a learner whose seat is drawn at
    random.

    Args:
        given: a tournament's results, or scores as for `ranking`.
        game: the name of the game, where there are several.
        statistic: `"final"` or `"trajectory"`.

    Returns:
        The game, whose `actions` are the learners' names; every solver accepts it.

    Raises:
        ValueError: if some pair has no finite lane, or for fewer than two learners.

    Example:
        >>> from solvers import solve
        >>> solve(game_of((["allc", "alld"], [[3, 0], [5, 1]])))[0].strategy_texts()
        ['alld: 1', 'alld: 1']
    """
    scores = one_game(given, game, statistic)
    check_whole(scores)
    if len(scores.names) < 2:
        raise ValueError("There is one learner, and a game needs a choice; enter another.")
    name = f"learners of {game}" if game else "learners"
    payoffs = np.stack([scores.table, scores.table.T])
    return LearnersGame(payoffs, name=name, actions=(scores.names, scores.names))


def equilibria_of_learners(
    given: Any,
    game: str | None = None,
    *,
    method: str | None = None,
    statistic: str = "final",
    resamples: int = 200,
    seed: int = 0,
    **settings: Any,
) -> "pd.DataFrame":
    """The equilibria of the game over learners, and how sure each is given the seeds.

    Args:
        given: a tournament's results, or scores as for `ranking`.
        game: the name of the game, where there are several.
        method: a name in `solvers.SOLVERS`; by default the one that `solve` chooses.
        statistic: `"final"` or `"trajectory"`.
        resamples: number of bootstrap resamples of the seeds.
        seed: of the resamples.
        **settings: settings of the method.

    Returns:
        One row per equilibrium and seat: `equilibrium` (a number), `seat, mixture` (learners' names and
        probabilities), `payoff, residual, symmetric`, and `support_share`, the share of the resamples in which
        some equilibrium plays the same learners; NaN for one seed. `attrs["message"]` tells whether these are
        all equilibria.

    Raises:
        ValueError: as `game_of` and `solve` do.

    Example:
        >>> equilibria_of_learners((["allc", "alld"], [[3, 0], [5, 1]]))[["mixture", "payoff"]].to_numpy().tolist()
        [['alld: 1', 1.0], ['alld: 1', 1.0]]
    """
    import pandas as pd

    from solvers import solve

    scores = one_game(given, game, statistic)
    found = solve(game_of(scores, game), method, **settings)
    tables = resampled_tables(scores.values, resamples, seed)
    rows = []
    for number, equilibrium in enumerate(found):
        p, q = (np.asarray(own, dtype=float) for own in equilibrium.profile)
        held = [carries_equilibrium(table, *equilibrium.support) for table in tables]
        for seat, text in enumerate(equilibrium.strategy_texts()):
            rows.append(
                {
                    "equilibrium": number,
                    "seat": seat,
                    "mixture": text,
                    "payoff": float(equilibrium.payoffs[seat]),
                    "residual": equilibrium.residual,
                    "symmetric": bool(np.allclose(p, q, atol=1e-6)),
                    "support_share": float(np.mean(held)) if held else np.nan,
                }
            )
    columns = ["equilibrium", "seat", "mixture", "payoff", "residual", "symmetric", "support_share"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs["message"] = found.message
    return frame


def carries_equilibrium(
    table: Float[np.ndarray, "learners learners"], rows: tuple[int, ...], columns: tuple[int, ...]
) -> bool:
    """Whether the symmetric game of this table has an equilibrium in which the players play just these actions.

    A linear program maximizes the smallest probability of either player, subject to all played actions of the
    other being best responses.
    """
    return all(
        equalizing_margin(table, best, mixed) > 1e-9 for best, mixed in ((rows, columns), (columns, rows))
    )


def equalizing_margin(
    table: Float[np.ndarray, "learners learners"], best: tuple[int, ...], mixed: tuple[int, ...]
) -> float:
    """The largest smallest probability of a mixture of `mixed` against which the actions `best` are best; -1 for none."""
    from scipy.optimize import linprog

    scaled = (table - table.min()) / (np.ptp(table) or 1.0)
    payoffs, k, one = scaled[:, list(mixed)], len(mixed), np.ones((len(table), 1))
    is_best = np.isin(np.arange(len(table)), best)
    if k == 1:
        lead = payoffs[:, 0].max() - payoffs[is_best, 0].min()
        return 1.0 if lead <= 1e-9 else -1.0
    # unknowns: the mixture, its value, the smallest probability
    bounds = np.hstack([payoffs, -one, 0 * one])
    margins = np.hstack([-np.eye(k), np.zeros((k, 1)), np.ones((k, 1))])
    solution = linprog(
        -np.eye(k + 2)[-1],
        np.vstack([bounds[~is_best], margins]),
        np.zeros((~is_best).sum() + k),
        np.vstack([bounds[is_best], np.concatenate([np.ones(k), [0.0, 0.0]])]),
        np.concatenate([np.zeros(is_best.sum()), [1.0]]),
        [(0, 1)] * k + [(None, None), (None, 1)],
    )
    return float(solution.x[-1]) if solution.status == 0 else -1.0


def response_graph_of(
    given: Any,
    game: str | None = None,
    *,
    statistic: str = "final",
    resamples: int = 1000,
    seed: int = 0,
    **settings: Any,
) -> "nx.DiGraph":
    r"""The response graph over learners: an edge from a resident to a mutant that earns no less from it.

    There is an edge $s \to r$ if $M_{rs} \ge M_{sr}$: r earns from s at least what s earns from r
    (`solvers.ranking.response_graph`).

    Args:
        given: a tournament's results, or scores as for `ranking`.
        game: the name of the game, where there are several.
        statistic: `"final"` or `"trajectory"`.
        resamples: number of bootstrap resamples of the seeds.
        seed: of the resamples.
        **settings: settings of `solvers.ranking.alpha_rank`.

    Returns:
        A graph of learners' names. Edges have `gain`, $M_{rs} - M_{sr}$, and `probability`, the share of the
        resamples in which the edge exists. Nodes have `mass`, the learner's alpha-rank, and `sink`, whether it
        is in a component that no edge leaves. The graph's attribute `game` is the game's name.

    Raises:
        ValueError: if some pair has no finite lane.

    Example:
        >>> graph = response_graph_of((["allc", "alld"], [[3, 0], [5, 1]]))
        >>> list(graph.edges(data="gain")), graph.nodes["alld"]["sink"]
        ([('allc', 'alld', 5.0)], True)
    """
    import networkx as nx

    from solvers.ranking import response_graph, sink_components

    scores = one_game(given, game, statistic)
    check_whole(scores)
    names, graph = scores.names, response_graph(scores.table)
    tables = resampled_tables(scores.values, resamples, seed)
    mass = alpha_rank_mass(scores.values, **settings)
    sinks = {k for component in sink_components(graph) for k in component}
    slack = 1e-9 * np.ptp(scores.table)
    lead = np.swapaxes(tables, 1, 2) - tables  # [s, r]: what r earns from s over what s earns from r
    for s, r, edge in graph.edges(data=True):
        edge.pop("player")
        edge["gain"] = float(edge["gain"])
        edge["probability"] = float((lead[:, s, r] >= -slack).mean()) if len(tables) else float("nan")
    for k, node in graph.nodes(data=True):
        node |= {"mass": float(mass[k]), "sink": k in sinks}
    named = nx.relabel_nodes(graph, dict(enumerate(names)))
    named.graph["game"] = game or ""
    return named
