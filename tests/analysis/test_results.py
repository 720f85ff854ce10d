"""What a tournament returns: score arrays, cells, intervals and comparisons say what the rows say, also after loading."""

import pickle

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.plots import pictures as plots
from analysis.statistics import iqm
from analysis.tournaments import compositions as groups
from analysis.tournaments.results import Results, holm
from analysis.tournaments.run import tournament
from analysis.tournaments.tables import cells, standings
from games import GAMES, MatrixGame, ipd, ipd_contribution
from shaping import Lola, Naive, checkpoint, play, sweep

pytestmark = pytest.mark.usefixtures("quickly_compiled")
LEARNERS = ["naive", "lola", "tft"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A tournament with records, in a folder."""
    folder = tmp_path_factory.mktemp("run")
    found = tournament({"ipd": ipd(), "tandem": "tandem"}, LEARNERS, steps=6, seeds=5, out=folder, curves=3)
    return found, folder


def test_a_folder_gives_back_what_the_tournament_returned(results):
    found, folder = results
    loaded = Results.load(folder)
    assert loaded.frame.equals(found.frame)
    assert loaded.skipped.equals(found.skipped)
    assert found.skipped[["game", "learner"]].to_numpy().tolist() == [["tandem", "tft"]]
    assert "table" in found.skipped["reason"][0]
    assert repr(loaded) == repr(found)
    assert "skipped" in repr(found)
    assert "<table>" in found._repr_html_()
    assert loaded.games["ipd"] == ipd()
    assert isinstance(loaded.learners["lola"], Lola)
    for learners in (("naive", "tft"), ("lola", "lola")):
        a, b = (x.cell("ipd", *learners) for x in (found, loaded))
        for x, y in zip(jax.tree.leaves(a[2:]), jax.tree.leaves(b[2:]), strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_cell_is_a_match_of_its_own(results):
    found, _ = results
    cell = found.cell("ipd", "lola", "naive")
    match = play(ipd(), [Lola(), Naive()], steps=6, seeds=5)
    np.testing.assert_allclose(cell.values, match.values[:, -1].T, rtol=1e-4)
    np.testing.assert_allclose(np.stack(cell.params), np.stack(match.params), rtol=1e-3, atol=1e-4)
    assert cell.curve_steps.tolist() == [0, 2, 4, 6]
    np.testing.assert_allclose(cell.curves, np.moveaxis(match.values[:, ::2], 0, 2), rtol=1e-4)
    rows = found.curves("ipd", "lola", "naive")
    assert len(rows) == 4 * 2 * 5
    assert len(plots.curves(rows).axes) == 1


def test_scores_and_payoffs_are_means_over_both_seats(results):
    found, _ = results
    frame = found.frame[found.frame["game"] == "ipd"]
    names, scores = found.scores("ipd")
    assert (names, scores.shape) == (tuple(LEARNERS), (3, 3, 5))
    for i, own in enumerate(names):
        for j, other in enumerate(names):
            rows = frame[(frame["learner"] == own) & (frame["opponent"] == other)]
            np.testing.assert_allclose(scores[i, j], rows.groupby("seed")["value"].mean(), rtol=1e-6)
            assert found.payoffs("ipd").loc[own, other] == pytest.approx(rows["value"].mean(), rel=1e-6)
    assert found.scores("tandem")[0] == ("naive", "lola")
    assert found.cooperation("ipd").loc["tft", "tft"] == pytest.approx(1)
    with pytest.raises(ValueError, match="'tandem'"):
        found.cooperation("tandem")
    for wrong in (lambda: found.scores("ipdd"), lambda: found.cell("ipd", "lol", "naive")):
        with pytest.raises(ValueError, match="did you mean"):
            wrong()
    with pytest.raises(ValueError, match="'last'"):
        found.scores("ipd", "last")


def test_frequencies_of_outcomes_are_the_games(results):
    found, _ = results
    cell = found.cell("ipd", "naive", "lola")
    exact = jax.vmap(ipd().frequencies)(tuple(map(np.asarray, cell.params)))
    for seat, order in enumerate([[0, 1, 2, 3], [0, 2, 1, 3]]):
        rows = found.frame.query("game == 'ipd' and learner_0 == 'naive' and learner_1 == 'lola'")
        own = rows[rows["seat"] == seat][["freq_CC", "freq_CD", "freq_DC", "freq_DD"]]
        np.testing.assert_allclose(own, np.asarray(exact)[:, order], atol=1e-5)


def test_cross_seed_values_are_of_neighboring_lanes(results):
    found, _ = results
    for game in ("ipd", "tandem"):
        cell = found.cell(game, "naive", "naive")
        shapes = [x.shape for x in cell.game.init(jax.random.key(0))]
        one, two = (x.reshape(5, *shape) for x, shape in zip(cell.params, shapes, strict=True))
        values = jax.vmap(cell.game.values)((one, np.roll(two, -1, axis=0)))
        rows = found.frame.query("game == @game and learner_0 == 'naive' and learner_1 == 'naive'")
        expected = np.asarray(jax.vmap(cell.game.per_step)(values)).T.ravel()
        np.testing.assert_allclose(rows["value_cross_seed"], expected, rtol=1e-4)
    assert found.frame.query("learner_0 != learner_1")["value_cross_seed"].isna().all()


def test_intervals_are_those_of_the_statistics(results):
    found, _ = results
    table = found.intervals(by=["game", "learner", "opponent", "seat"])
    rows = found.frame.query("game == 'ipd' and learner == 'naive' and opponent == 'lola' and seat == 0")
    own = table.query("game == 'ipd' and learner == 'naive' and opponent == 'lola' and seat == 0").iloc[0]
    low, high = stats.t.interval(0.95, 4, rows["value"].mean(), rows["value"].sem())
    np.testing.assert_allclose(own[["value", "low", "high"]].astype(float), [rows["value"].mean(), low, high])
    assert len(found.intervals("game")) == 2
    for method in ("bootstrap", "iqm"):
        drawn = found.intervals(method=method, resamples=200)
        assert (drawn["low"] <= drawn["value"]).all()
        assert (drawn["value"] <= drawn["high"]).all()
    rows = found.frame.query("game == 'ipd' and learner == 'lola'")
    assert drawn.query("game == 'ipd' and learner == 'lola'")["value"].item() == pytest.approx(
        iqm(rows["value"])
    )
    for wrong in ({"by": "gam"}, {"method": "iqr"}):
        with pytest.raises(ValueError, match="did you mean"):
            found.intervals(**wrong)


def test_comparisons_are_paired_and_corrected_together(results):
    found, _ = results
    table = found.compare("lola")
    scores = found.scores("ipd")[1]
    gap = (scores[1] - scores[0]).mean(0)
    own = table[(table["game"] == "ipd") & (table["other"] == "naive")].iloc[0]
    assert own["difference"] == pytest.approx(gap.mean())
    assert own["p"] == pytest.approx(stats.ttest_1samp(gap, 0).pvalue)
    assert len(table) == 3  # tft does not play the other game
    assert (table["p_holm"] >= table["p"]).all()
    np.testing.assert_allclose(table["p_holm"], holm(table["p"].to_numpy()))
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.02])), [0.02, np.nan, 0.02])


def test_tables_become_latex(results):
    found, _ = results
    text = found.to_latex("ipd")
    assert text.count(r"\\") == 4
    assert "naive & $" in text


def test_results_stand_where_rows_do(results):
    found, _ = results
    assert cells(found).equals(cells(found.frame))
    assert standings(found).equals(standings(found.frame))
    assert found["value"].equals(found.frame["value"])
    assert len(found.plot.heatmap().axes) >= 2
    assert "heatmap" in dir(found.plot)
    with pytest.raises(AttributeError, match="heatmap"):
        found.plot.heatmaps  # noqa: B018


def test_every_composition_of_three_learners_is_a_match_of_its_own(x64):
    game = ipd_contribution(n_players=3)
    found = tournament({"public": game}, {"a": Naive(0.5), "b": Lola(0.3), "c": Naive(0.1)}, steps=4, seeds=2)
    assert len(found.frame) == 10 * 3 * 2
    cell = found.cell("public", "a", "b", "c")
    match = play(game, [Naive(0.5), Lola(0.3), Naive(0.1)], steps=4, seeds=2)
    np.testing.assert_allclose(cell.values, match.values[:, -1].T, rtol=1e-9)
    np.testing.assert_allclose(cell.mean_values, match.values.mean(1).T, rtol=1e-9)
    for own, exact in zip(cell.params, match.params, strict=True):
        np.testing.assert_allclose(own, exact.reshape(2, -1), rtol=1e-8)
    assert found.payoffs("public").shape == (10, 3)
    assert standings(found).query("learner == 'a'")["self_lanes"].item() == 2
    assert len(cells(found)) == 10
    with pytest.raises(ValueError, match="3 players"):
        found.scores("public")
    assert "a + b + c" in found.to_latex()


def test_seats_that_are_not_alike_take_every_assignment():
    payoffs = np.random.default_rng(0).normal(size=(3, 2, 2, 2))
    assert not groups.are_seats_alike(MatrixGame(payoffs))
    assert groups.are_seats_alike(ipd_contribution(n_players=3))
    assert len(groups.compositions("ab", 3, False)) == 8
    assert len(groups.compositions("ab", 3, True, "c")) == 2


def test_opponents_grids_sweeps_and_folders(tmp_path):
    checkpoint.save(Lola(0.7), tmp_path / "trained", game=ipd())
    found = tournament(
        [ipd()],
        ["naive", sweep(Lola, look_ahead=[0.5, 2.0]), str(tmp_path / "trained")],
        opponents=["naive", "tft"],
        steps=2,
        seeds=2,
    )
    trained = str(tmp_path / "trained")
    assert list(found.frame["learner_0"].unique()) == [
        "naive", "lola(look_ahead=0.5)", "lola(look_ahead=2)", trained
    ]  # fmt: skip
    assert list(found.frame["learner_1"].unique()) == ["naive", "tft"]
    whole = tournament(
        [ipd()], {"lola": Lola(look_ahead=0.5), "naive": Naive()}, steps=2, seeds=2
    )  # a rectangle holds the same matches
    names = [g.name for g in found.games.values()]
    np.testing.assert_allclose(
        found.cell(names[0], "lola(look_ahead=0.5)", "naive").values,
        whole.cell(names[0], "lola", "naive").values,
        rtol=1e-5,
    )
    grid = tournament([ipd()], ["naive", "lola"], grid={"lola.lr": [0.1, 1]}, steps=1, seeds=1)
    assert list(grid.learners) == ["naive", "lola(lr=0.1)", "lola(lr=1)"]


def test_games_rebuild_by_name_or_not_at_all(tmp_path):
    mine = MatrixGame.symmetric([[1, 2], [3, 4]])
    tournament({"mine": mine}, {"fast": Naive(7.0)}, steps=1, seeds=1, out=tmp_path)
    loaded = Results.load(tmp_path)
    assert loaded.games == {"mine": None}
    assert loaded.learners["fast"].lr == 7.0
    assert isinstance(loaded.frame, pd.DataFrame)


def test_plans_travel_to_other_processes():
    from analysis.tournaments.blocks import Plan
    from analysis.tournaments.run import specify

    games, learners = {"pd": GAMES.make("pd")}, {"naive": Naive()}
    plan = Plan(games, learners, specify(games, learners, 2, 2, 0))
    block = plan.block("pd", ["naive"], ["naive"], seeds=2)
    there, same = pickle.loads(pickle.dumps((plan, block)))
    assert same == there.block("pd", ["naive"], ["naive"], seeds=2) == block


def test_scores_against_opponents_alone_are_those_of_the_seats_that_were_played():
    results = tournament(["tandem"], ["naive", "lola"], opponents=["sos"], steps=3, seeds=2)
    names, scores = results.scores("tandem")
    cell = results.cell("tandem", "naive", "sos")
    np.testing.assert_array_equal(scores[names.index("naive"), names.index("sos")], cell.values[0])
    np.testing.assert_array_equal(scores[names.index("sos"), names.index("naive")], cell.values[1])
    assert np.isnan(scores[names.index("naive"), names.index("lola")]).all()
    assert results.payoffs("tandem").loc["naive", "sos"] == pytest.approx(cell.values[0].mean())
