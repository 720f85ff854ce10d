"""The table of outcomes: real tournaments, fixed strategies by hand, undefined cells, bad input, folders."""

from types import SimpleNamespace

import jax
import numpy as np
import pandas as pd
import pytest

from analysis import Cell, Results, consistency_loss, tournament
from analysis.outcomes import OUTCOMES, PlayedMatch, Undefined, outcomes
from games import (
    MatrixGame,
    Parameterized,
    bibtex,
    ipd,
    ipd_axelrod,
    ipd_contribution,
    iterated_rock_paper_scissors,
)
from games.exact.iterated import Iterated
from games.exact.parameterized import Network, trembling
from games.strategies import policy
from shaping import Fixed, Lola, Naive
from solvers import best_response, repeated_payoffs
from tests.reference import chains

NAMED = {name: Fixed.named(name) for name in ("tft", "alld", "allc", "wsls")}


@pytest.fixture(scope="module")
def axelrod():
    return tournament(["ipd_axelrod"], NAMED, steps=1, seeds=2)


@pytest.fixture(scope="module")
def learned():
    """Two naive learners, the second of which hardly moves."""
    games, learners = (
        ["ipd", "stag_hunt", "matching_pennies", "tandem"],
        {"naive": Naive(), "lazy": Naive(lr=0.01)},
    )
    return tournament(games, learners, steps=20, seeds=4, curves=4)


def row(table, *learners, seat=0, game=None):
    chosen = table[(table["learner_0"] == learners[0]) & (table["learner_1"] == learners[1])]
    if game is not None:
        chosen = chosen[chosen["game"] == game]
    return chosen[chosen["seat"] == seat].iloc[0]


def cell_of(game, *params, steps=1):
    params = tuple(np.atleast_2d(np.asarray(own)) for own in params)
    values = np.asarray(jax.vmap(lambda joint: game.per_step(game.values(joint)))(params)).T
    names = tuple(f"player {i}" for i in range(len(params)))
    return Cell(game, names, params, values, values, np.isfinite(values).all(axis=0), steps)


@pytest.mark.parametrize("entry", OUTCOMES, ids=lambda entry: entry.name)
def test_measures_have_a_summary_and_a_source(entry):
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 120
    assert bibtex(*entry.citations)


def test_fixed_strategies_by_hand(axelrod):
    table = outcomes(axelrod)
    assert len(table) == 4 * 4 * 2
    tft_alld = row(table, "tft", "alld")
    for name, expected in {
        "utilitarian": 2,
        "egalitarian": 1,
        "nash_product": 0,
        "gini": 0,
        "efficiency": 0,
        "pareto_gap": 10 / 13**0.5,
        "cooperation": 0,
        "frequency_DD": 1,
        "cooperation_CC": 1,
        "cooperation_CD": 0,
        "price_of_anarchy": 3,
        "price_of_stability": 3,
        "exploitability": 0,  # against the defector nothing is better than to defect
        "best_response_earns": 3,
        "left_by_best_response": 3,
        "reciprocity": 1,
        "extortion_slope": 1,
        "extortion_residual": 0,
        "zero_determinant_slope": 1,
        "zero_determinant_residual": 0,
        "nearest_distance": 0,
        "diverged": 0,
    }.items():
        assert abs(tft_alld[name] - expected) < 1e-6, name
        assert tft_alld[f"{name}_error"] < 1e-6 or np.isnan(tft_alld[f"{name}_error"])
    assert (tft_alld["nearest_strategy"], tft_alld["standing"]) == ("tft", "friendly rival")
    assert np.isnan(tft_alld["reciprocity_in_play"])  # the other never cooperates
    alld_allc = row(table, "alld", "allc")
    for name, expected in {
        "exploitation": 5,
        "envy": 0,
        "gini": 0.5,
        "cooperation": 0,
        "frequency_DC": 1,
        "exploitability": 0,
        "best_response_earns": 1,
        "left_by_best_response": 1,
    }.items():
        assert abs(alld_allc[name] - expected) < 1e-6, name
    allc = row(table, "alld", "allc", seat=1)
    assert abs(allc["exploitability"] - 1) < 1e-6  # defecting too earns 1 instead of 0
    assert abs(allc["best_response_earns"] - 5) < 1e-6
    assert abs(allc["left_by_best_response"]) < 1e-6
    assert (allc["nearest_strategy"], allc["standing"]) == ("allc", "neither")
    assert row(table, "wsls", "wsls")["standing"] == "neither"  # at (5, 3, 1, 0) it is exploited by 3 to .5
    assert row(table, "alld", "alld")["standing"] == "rival"


def test_learned_policies_by_an_independent_chain(learned):
    table = outcomes(learned, ["cooperation", "frequency_CD", "exploitability", "left_by_best_response"])
    for pair in (("naive", "lazy"), ("lazy", "lazy")):
        cell = learned.cell("iterated_prisoners_dilemma", *pair)
        p, q = (1 / (1 + np.exp(-own.astype(float))) for own in cell.params)
        payoffs = np.array([[[-1.0, -3], [0, -2]], [[-1, 0], [-3, -2]]])
        for seat in range(2):
            own, gains, lefts = [], [], []
            for lane in range(4):
                profile = (p[lane], q[lane])
                action = np.array([[1.0, 1], [0, 0]]) if seat == 0 else np.array([[1.0, 0], [1, 0]])
                own.append(chains.memory_one(*profile, np.stack([action, action]), 0.96)[0])
                values = repeated_payoffs(payoffs, profile, 0.96)
                gains.append(best_response(payoffs, profile, seat, 0.96).value - values[seat])
                lefts.append(best_response(payoffs, profile, 1 - seat, 0.96).payoffs[seat])
            found = row(table, *pair, seat=seat, game="iterated_prisoners_dilemma")
            np.testing.assert_allclose(found["cooperation"], np.mean(own), atol=1e-8)
            np.testing.assert_allclose(found["cooperation_error"], np.std(own, ddof=1) / 2, atol=1e-8)
            np.testing.assert_allclose(found["exploitability"], np.mean(gains), atol=1e-8)
            np.testing.assert_allclose(found["left_by_best_response"], np.mean(lefts), atol=1e-8)


def test_exact_values_are_those_that_were_played(learned):
    cell = learned.cell("iterated_prisoners_dilemma", "naive", "lazy")
    np.testing.assert_allclose(PlayedMatch(cell).exact_values, cell.values, atol=1e-5)


def test_undefined_measures_say_why(learned):
    table = outcomes(learned)
    smooth = row(table, "naive", "naive", game="tandem")
    assert np.isnan(smooth["gini"])
    assert pd.isna(smooth["nearest_strategy"])
    assert "gini" in smooth["why"]
    assert "'tandem' has no table of payoffs." in smooth["why"]
    pennies = row(table, "naive", "lazy", game="matching_pennies")
    assert (
        "price_of_anarchy, price_of_stability: The game has positive and negative payoffs" in pennies["why"]
    )
    assert "No action of 'matching_pennies' is called cooperation." in pennies["why"]
    dilemma = row(table, "naive", "lazy", game="iterated_prisoners_dilemma")
    assert dilemma["why"] == ""
    defined = table.set_index("game").drop(columns="why")
    for name in ("utilitarian", "egalitarian", "envy", "exploitation", "convergence_step", "diverged"):
        assert defined[name].notna().all()
    for _, found in table.iterrows():  # every missing number has a reason, and only these
        reasons = {name for line in found["why"].splitlines() for name in line.partition(":")[0].split(", ")}
        assert reasons == {e.name for e in OUTCOMES if e.name in found and pd.isna(found[e.name])}


def test_one_shot_games_and_larger_ones(learned):
    table = outcomes(
        learned, ["exploitability", "best_response_earns", "left_by_best_response", "cooperation"]
    )
    stag = learned.cell("stag_hunt", "naive", "lazy")
    x, y = (1 / (1 + np.exp(-own[:, 0].astype(float))) for own in stag.params)
    u = np.array([[4.0, 0], [3, 1]])
    values = np.array([np.array([a, 1 - a]) @ u @ np.array([b, 1 - b]) for a, b in zip(x, y, strict=True)])
    best = np.array([(u @ np.array([b, 1 - b])).max() for b in y])
    found = row(table, "naive", "lazy", game="stag_hunt")
    np.testing.assert_allclose(found["exploitability"], (best - values).mean(), atol=1e-8)
    np.testing.assert_allclose(found["cooperation"], x.mean(), atol=1e-8)
    earned = np.array([(np.array([a, 1 - a]) @ u.T).max() for a in x])
    np.testing.assert_allclose(found["best_response_earns"], earned.mean(), atol=1e-8)
    game = iterated_rock_paper_scissors()
    params = tuple(np.stack([own] * 2) for own in game.init(jax.random.key(1)))
    large = outcomes(cell_of(game, *params))
    assert (large["exploitability"] > 0.1).all()
    np.testing.assert_allclose(large["best_response_earns"], -large["left_by_best_response"], atol=1e-8)


def test_measures_that_let_learners_learn(learned):
    names = ["robustness", "value_against_naive", "consistency_loss"]
    assert not set(names) & set(outcomes(learned, None))
    tft = np.tile(np.asarray(policy("tft")), (2, 1))
    fixed = cell_of(ipd(), tft, np.tile(np.asarray(policy("alld")), (2, 1)), steps=100)
    table = outcomes(fixed, names)
    assert table["value_against_naive"][0] > -1.1  # naive learners learn to cooperate with tit for tat
    np.testing.assert_allclose(table["robustness"], table["value_against_naive"] - [-2.04, -1.92], atol=1e-4)
    assert np.isnan(table["consistency_loss"]).all()
    assert "could not be rebuilt" in table["why"][0]
    small = tournament(["tandem"], {"a": Lola(lr=0.1, look_ahead=0.5)}, steps=3, seeds=2)
    cell = small.cell("tandem", "a", "a")
    expected = [
        float(consistency_loss("tandem", [Lola(lr=1.0, look_ahead=0.5)] * 2, (x, y), 0.5))
        for x, y in zip(*cell.params, strict=True)
    ]
    np.testing.assert_allclose(
        outcomes(small, "consistency_loss")["consistency_loss"], np.mean(expected), rtol=1e-5
    )


def test_diverged_lanes_are_left_out_and_counted():
    good = np.asarray(policy("tft"))
    params = np.stack([good, np.full(5, np.nan), good])
    cell = cell_of(ipd_axelrod(), params, np.stack([good] * 3))
    table = outcomes(cell)
    assert table["seeds"].tolist() == [2, 2]
    np.testing.assert_allclose(table["diverged"], 1 / 3)
    np.testing.assert_allclose(table["cooperation"], 1, atol=1e-9)
    assert table["nearest_strategy"].tolist() == ["tft", "tft"]
    nothing = cell._replace(ok=np.zeros(3, bool))
    table = outcomes(nothing)
    assert table["cooperation"].isna().all()
    assert "in any of the lanes that stayed finite" in table["why"][0]
    assert (table["diverged"] == 1).all() or table["diverged"].isna().all()


def test_labels_that_name_the_second_action_cooperation():
    game = Iterated(MatrixGame.symmetric([[1, 5], [0, 3]]), 1.0, 1, "turned around")
    tft = np.asarray(policy("tft"))[[0, 4, 3, 2, 1]] * -1  # in terms of action 1
    table = outcomes(
        cell_of(game, tft, np.full(5, -1000.0)),
        ["cooperation", "cooperation_CC", "frequency_CC", "nearest_strategy"],
    )
    np.testing.assert_allclose(table[["cooperation", "frequency_CC"]], 1, atol=1e-9)
    assert table["nearest_strategy"].tolist() == ["tft", "allc"]


def test_execution_errors_and_networks():
    game = trembling(ipd(memory=2), 0.2)
    params = tuple(np.stack([own] * 2) for own in game.init(jax.random.key(0)))
    profile = [1 / (1 + np.exp(-own[0].astype(float))) for own in params]
    gain = best_response(game, profile, 0).value - repeated_payoffs(game, profile)[0]
    np.testing.assert_allclose(
        outcomes(cell_of(game, *params), "exploitability")["exploitability"][0], gain, atol=1e-6
    )
    tft, alld = (np.asarray(policy(name)) for name in ("tft", "alld"))
    game = trembling(ipd_axelrod(), 0.1)
    table = outcomes(
        cell_of(game, tft, alld), ["cooperation", "exploitability", "nearest_strategy", "standing"]
    )
    np.testing.assert_allclose(table["cooperation"], [0.1 * 0.9 + 0.9 * 0.1, 0.1], atol=1e-6)
    assert table["nearest_strategy"].tolist() == ["tft", "alld"]
    best = best_response(game, ("tft", "alld"), 0).value - repeated_payoffs(game, ("tft", "alld"))[0]
    np.testing.assert_allclose(table["exploitability"][0], best, atol=1e-6)
    assert "execution errors" in table["why"][0]
    network = Parameterized(ipd(), Network(hidden=2))
    flat = [
        np.concatenate([np.ravel(x) for x in jax.tree.leaves(own)]) for own in network.init(jax.random.key(0))
    ]
    params = network.init(jax.random.key(0))
    values = np.asarray(network.per_step(network.values(params)))[:, None]
    cell = Cell(network, ("a", "b"), tuple(x[None] for x in flat), values, values, np.array([True]), 1)
    np.testing.assert_allclose(PlayedMatch(cell).exact_values, values, atol=1e-5)
    assert outcomes(cell, "exploitability")["exploitability"].gt(0).all()


def test_three_players():
    players = {"all": Fixed(1.0, "all"), "none": Fixed(0.0, "none")}
    table = outcomes(tournament([ipd_contribution(n_players=3)], players, steps=1, seeds=2))
    assert len(table) == 4 * 3
    assert table["opponent"].iloc[0] == "all + all"
    np.testing.assert_allclose(table["cooperation"], table["learner"] == "all", atol=1e-9)
    # to contribute costs 1 and brings oneself 1.33 / 3
    np.testing.assert_allclose(
        table["exploitability"], (table["learner"] == "all") * (1 - 1.33 / 3), atol=1e-6
    )
    np.testing.assert_allclose(table["efficiency"].iloc[[0, -1]], [1, 0], atol=1e-6)
    assert table["pareto_gap"].isna().all()
    assert table["why"].str.contains("has 3 players").all()
    np.testing.assert_allclose(
        table.groupby(["learner_0", "learner_1", "learner_2"])["exploitation"].sum(), 0, atol=1e-6
    )


def test_a_folder_and_a_stand_in(tmp_path, axelrod):
    played = tournament(
        ["ipd"], {"tft": NAMED["tft"], "naive": "naive"}, steps=2, seeds=2, out=tmp_path / "run"
    )
    pd.testing.assert_frame_equal(outcomes(Results.load(tmp_path / "run")), outcomes(played))
    stand_in = SimpleNamespace(frame=axelrod.frame, games=axelrod.games, learners={}, cell=axelrod.cell)
    pd.testing.assert_frame_equal(outcomes(stand_in), outcomes(axelrod))
    pd.testing.assert_frame_equal(axelrod.outcomes("gini"), outcomes(axelrod, "gini"))
    unknown = Results(axelrod.frame)
    table = outcomes(unknown, ["utilitarian", "gini", "cooperation"])
    assert table["utilitarian"].notna().all()
    assert table["why"].str.contains("could not be rebuilt").all()


def test_bad_input(axelrod):
    for measures, wanted in (("cooperatoin", "'cooperation'"), (["gini", "nash"], "'nash_product'")):
        with pytest.raises(ValueError, match="Unknown outcome") as caught:
            outcomes(axelrod, measures)
        assert wanted in str(caught.value)
    with pytest.raises(ValueError, match="what tournament returned"):
        outcomes(3)
    with pytest.raises(Undefined):
        OUTCOMES.get("gini").make(PlayedMatch(cell_of(ipd(), np.zeros(5), np.zeros(5))._replace(game=None)))
