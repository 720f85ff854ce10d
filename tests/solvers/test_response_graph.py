import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import MatrixGame
from solvers import response_graph, sink_components

SHAPES = st.sampled_from([(2, 2), (2, 3), (3, 3), (2, 2, 2), (3, 2, 2)])


@st.composite
def tensors(draw):
    shape = draw(SHAPES)
    seed = draw(st.integers(0, 10_000))
    return np.random.default_rng(seed).integers(-2, 3, (len(shape), *shape)).astype(float)


def moves(payoffs):
    """Every unilateral move, its mover and its gain, one by one."""
    shape = payoffs.shape[1:]
    for s in itertools.product(*map(range, shape)):
        for i, actions in enumerate(shape):
            for a in set(range(actions)) - {s[i]}:
                t = (*s[:i], a, *s[i + 1 :])
                yield s, t, i, payoffs[(i, *t)] - payoffs[(i, *s)]


def closed_classes(nodes, edges):
    """By reachability: of every node all it leads to, and those sets from which nothing else is reached."""
    ahead = {v: {v} for v in nodes}
    for _ in nodes:
        for s, t in edges:
            ahead[s] |= ahead[t]
    return tuple(
        sorted(
            tuple(sorted(ahead[v]))
            for v in nodes
            if all(ahead[w] == ahead[v] for w in ahead[v]) and v == min(ahead[v])
        )
    )


@settings(max_examples=60)
@given(payoffs=tensors(), strict=st.booleans())
def test_edges_are_the_moves_that_do_not_hurt(payoffs, strict):
    every = list(moves(payoffs))
    graph = response_graph(payoffs, strict=strict)
    wanted = {(s, t): (i, gain) for s, t, i, gain in every if (gain > 0 if strict else gain >= 0)}
    assert {(s, t): (d["player"], d["gain"]) for s, t, d in graph.edges(data=True)} == wanted
    assert set(graph.nodes) == set(itertools.product(*map(range, payoffs.shape[1:])))
    assert sink_components(graph) == closed_classes(list(graph.nodes), list(graph.edges))
    best = response_graph(payoffs, "best", strict=strict)
    most = {(s, i): max(g for a, _, j, g in every if (a, j) == (s, i)) for s, _, i, _ in every}
    assert set(best.edges) == {edge for edge, (i, gain) in wanted.items() if gain == most[edge[0], i]}


@settings(max_examples=30)
@given(payoffs=tensors())
def test_profiles_without_an_edge_are_the_pure_equilibria(payoffs):
    graph = response_graph(payoffs, strict=True)
    stuck = {s for s in graph.nodes if graph.out_degree(s) == 0}
    assert stuck == {s for s in graph.nodes if all(gain <= 0 for a, _, _, gain in moves(payoffs) if a == s)}
    assert all((s,) in sink_components(graph) for s in stuck)


def test_known_sinks():
    coordination = MatrixGame.symmetric(np.diag([3.0, 2.0, 1.0]))
    assert sink_components(response_graph(coordination, strict=True)) == (((0, 0),), ((1, 1),), ((2, 2),))
    pennies = response_graph(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]))
    assert sink_components(pennies) == (((0, 0), (0, 1), (1, 0), (1, 1)),)
    shapley = np.stack([np.eye(3), np.roll(np.eye(3), 1, axis=1)])
    assert sink_components(response_graph(shapley, strict=True)) == (
        ((0, 0), (0, 1), (1, 1), (1, 2), (2, 0), (2, 2)),
    )
    dilemma = response_graph(MatrixGame.symmetric([[3, 0], [5, 1]]))
    assert sink_components(dilemma) == (((1, 1),),)


def test_tables_lead_to_who_earns_more_in_the_encounter():
    table = np.array([[0.0, 3, 1], [2, 5, 4], [1, 0, 9]])  # 0 beats 1, 1 beats 2, 0 and 2 tie
    assert set(response_graph(table).edges) == {(1, 0), (2, 1), (0, 2), (2, 0)}
    assert set(response_graph(table, strict=True).edges) == {(1, 0), (2, 1)}
    assert sink_components(response_graph(table, strict=True)) == ((0,),)
    assert sink_components(response_graph(table)) == ((0, 1, 2),)


def test_ties_are_judged_in_units_of_the_payoff_range():
    nearly = np.array([[[0.0, 0.0], [1e-12, 1.0]]] * 2)
    assert response_graph(nearly).has_edge((1, 0), (0, 0))
    assert not response_graph(nearly, tolerance=0).has_edge((1, 0), (0, 0))
    assert response_graph(1e-12 * nearly).edges == response_graph(nearly).edges


def test_refusals():
    with pytest.raises(ValueError, match=r"responses 'worse'.*accepted: better, best"):
        response_graph(np.zeros((2, 2)), "worse")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"\(2, 3\).*square"):
        response_graph(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"finite.*leave out"):
        response_graph(np.array([[0, np.nan], [1, 0]]))
    with pytest.raises(ValueError, match=r"rows.*length"):
        response_graph([[0, 1], [1]])
    with pytest.raises(ValueError, match="tolerance is -1"):
        response_graph(np.zeros((2, 2)), tolerance=-1)
