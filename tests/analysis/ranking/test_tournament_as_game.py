"""The cross-play table as a game: equilibria over learners, the response graph, and the flow of a population."""

import itertools

import jax
import networkx as nx
import numpy as np
import pytest

from analysis.ranking import (
    LearnersGame,
    equilibria_of_learners,
    fixation_probabilities,
    game_of,
    moran_shares,
    population_shares,
    replicator_shares,
    response_graph_of,
)
from analysis.ranking.learners_game import carries_equilibrium
from games import MatrixGame
from solvers import solve

DILEMMA = ["allc", "alld"], [[3, 0], [5, 1]]
STAG = ["stag", "hare"], [[4, 0], [3, 2]]
CYCLE = list("rps"), [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]


def lanes(table, sd, number=40, seed=0):
    """Lanes of a table with normal errors."""
    table = np.array(table, dtype=float)
    return table[..., None] + sd * np.random.default_rng(seed).normal(size=(*table.shape, number))


def test_the_game_names_learners_and_pays_the_table():
    game = game_of((STAG[0], lanes(STAG[1], 0.1)))
    assert isinstance(game, MatrixGame)
    assert game.actions == (("stag", "hare"),) * 2
    np.testing.assert_allclose(game.payoffs[0], lanes(STAG[1], 0.1).mean(axis=-1), atol=1e-6)
    np.testing.assert_allclose(game.payoffs[1], game.payoffs[0].T)
    assert {e.strategy_texts()[0] for e in solve(game)} >= {"stag: 1", "hare: 1"}
    jax.vmap(lambda scale: MatrixGame(scale * game.payoffs).values(game.init(jax.random.key(0))))(np.ones(2))


def test_names_and_actions_are_as_many():
    with pytest.raises(ValueError, match=r"\[1, 2\].*\[2, 2\]"):
        LearnersGame(np.zeros((2, 2, 2)), actions=(("a",), ("a", "b")))
    with pytest.raises(ValueError, match="another"):
        game_of((["a"], [[1.0]]))


def test_equilibria_of_a_stag_hunt_by_hand():
    """Both hunt with probability 2/3 in the mixed equilibrium; little noise leaves all three standing."""
    table = equilibria_of_learners((STAG[0], lanes(STAG[1], 0.1)), resamples=30)
    assert table["equilibrium"].nunique() == 3
    assert (table["support_share"] == 1).all()
    assert table["symmetric"].all()
    mixed = table[table["mixture"].str.contains("hare") & table["mixture"].str.contains("stag")]
    assert mixed["payoff"].to_numpy() == pytest.approx(8 / 3, abs=0.1)
    assert equilibria_of_learners(STAG)["support_share"].isna().all()


def test_noise_makes_equilibria_unsure():
    """The first learner leads the second by less than the standard error."""
    table = equilibria_of_learners((["a", "b"], lanes([[0.02, 0.02], [0, 0]], 1.0)), resamples=200)
    assert (table["support_share"] < 0.95).all()


@pytest.mark.parametrize("seed", range(5))
def test_supports_that_carry_an_equilibrium_by_enumeration(seed):
    table = np.random.default_rng(seed).normal(size=(3, 3))
    found = {e.support for e in solve((table, table.T), "support")}
    supports = [s for k in (1, 2, 3) for s in itertools.combinations(range(3), k)]
    assert found == {
        pair for pair in itertools.product(supports, supports) if carries_equilibrium(table, *pair)
    }


def test_response_graphs_by_hand():
    graph = response_graph_of(CYCLE)
    assert set(graph.edges) == {("r", "p"), ("p", "s"), ("s", "r")}
    assert all(graph.nodes[k]["sink"] for k in "rps")
    np.testing.assert_allclose([graph.nodes[k]["mass"] for k in "rps"], 1 / 3)
    assert isinstance(graph, nx.DiGraph)
    noisy = response_graph_of((DILEMMA[0], lanes(DILEMMA[1], 0.3)), resamples=50)
    assert noisy.edges["allc", "alld"]["probability"] == 1
    assert noisy.edges["allc", "alld"]["gain"] == pytest.approx(5, abs=0.3)
    assert not noisy.nodes["allc"]["sink"]


def test_the_probability_of_an_edge_is_that_of_a_lead():
    """An edge whose gain is 1.28 standard errors exists in nine resamples of ten."""
    scores = lanes([[0, 0], [0, 0]], 1.0, number=200)
    lead = scores[1, 0] - scores[0, 1]
    scores[1, 0] += 1.2816 * lead.std(ddof=1) / 200**0.5 - lead.mean()
    graph = response_graph_of((["a", "b"], scores), resamples=2000)
    assert graph.edges["a", "b"]["probability"] == pytest.approx(0.9, abs=0.03)


def test_a_population_of_a_stag_hunt_flows_to_the_larger_basin():
    """The basin of hunting stags begins at 2/3, above equal shares."""
    np.testing.assert_allclose(
        replicator_shares(np.array(STAG[1], dtype=float)[..., None]), [0, 1], atol=1e-4
    )
    table = population_shares(STAG, times=[0, 1000], start=[0.7, 0.3])
    np.testing.assert_allclose(table["share"], [0.7, 0.3, 1, 0], atol=1e-4)


def test_replicator_of_two_learners_in_closed_form():
    """With a constant lead c the odds grow as exp(c t); time is in units of the table's range."""
    shares = population_shares((["a", "b"], [[2, 2], [0, 0]]), times=[0, 1, 2])["share"].to_numpy()
    np.testing.assert_allclose(shares[::2] / shares[1::2], np.exp([0, 1, 2]), rtol=1e-4)


def test_flows_have_bands_over_the_seeds():
    table = population_shares((DILEMMA[0], lanes(DILEMMA[1], 1.0)), times=5, resamples=20)
    assert (table["low"] <= table["share"] + 1e-6).all()
    assert (table["share"] <= table["high"] + 1e-6).all()
    assert (table.groupby("time")["share"].sum() - 1).abs().max() < 1e-6


def test_fixation_probabilities_by_hand():
    """For a constant lead r per encounter, the probability is (1 - e^-r) / (1 - e^-rN)."""
    table = fixation_probabilities((["a", "b"], [[1.0, 1.0], [0.5, 0.5]]), population_size=10, intensity=2.0)
    found = table.set_index(["resident", "mutant"])["probability"]
    assert found["b", "a"] == pytest.approx((1 - np.exp(-1)) / (1 - np.exp(-10)))
    assert found["a", "b"] == pytest.approx((1 - np.exp(1)) / (1 - np.exp(10)))
    assert (table["neutral"] == 0.1).all()
    assert table["low"].isna().all()


def test_the_stationary_distribution_of_fixation_by_elimination():
    """Rare mutations: a chain over residents whose rates are fixation probabilities."""
    scores = lanes(np.random.default_rng(1).normal(size=(3, 3)), 0.2)
    found = fixation_probabilities((list("abc"), scores), population_size=15, resamples=50)
    assert (found["low"] <= found["probability"]).all()
    assert (found["probability"] <= found["high"]).all()
    rates = found.pivot(index="resident", columns="mutant", values="probability").fillna(0).to_numpy()
    generator = rates - np.diag(rates.sum(axis=1))
    wanted = np.linalg.lstsq(np.vstack([generator.T, np.ones(3)]), [0, 0, 0, 1], rcond=None)[0]
    np.testing.assert_allclose(moran_shares(scores, population_size=15), wanted, atol=1e-10)


def test_several_games_need_a_name():
    class Results:
        games = ("one", "two")

        def scores(self, game, statistic):
            return ["a", "b"], np.full((2, 2, 3), float(game == "two"))

    assert game_of(Results(), "two").payoffs.min() == 1
    with pytest.raises(ValueError, match=r"2 games.*game='one'"):
        game_of(Results())


@pytest.mark.parametrize(
    "function", [game_of, equilibria_of_learners, response_graph_of, fixation_probabilities]
)
def test_tables_with_a_gap_are_refused(function):
    with pytest.raises(ValueError, match=r"'alld'.*'allc'"):
        function((["allc", "alld"], [[1, 1], [np.nan, 1]]))
