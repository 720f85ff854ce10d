"""Rankings by every method: hand-worked examples, brute force, affine changes, coverage of intervals, bad input."""

import itertools
import json
import pathlib

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize

from analysis.ranking import (
    RANKINGS,
    bayesian_elo,
    copeland,
    duels,
    elo,
    improvement,
    improvements,
    interquartile_mean,
    mean_score,
    performance_profile,
    probability_of_improvement,
    ranking,
    scores_of,
    win_rate,
)
from analysis.ranking.comparisons import improvement_draws
from analysis.ranking.ratings import POINTS, elo_posterior
from analysis.statistics import interval_of_draws, iqm, resamples
from games import bibtex
from solvers.ranking import alpha_rank, nash_averaging

RLIABLE = json.loads(
    (pathlib.Path(__file__).parents[2] / "data" / "rliable.json").read_text(encoding="utf-8")
)
METHODS = [entry.name for entry in RANKINGS]
DILEMMA = ["tft", "alld", "allc"], np.array([[3.0, 1, 3], [1, 1, 5], [3, 0, 3]])
"""Long matches: tit for tat loses nothing to speak of, and defection earns 5 from unconditional cooperation."""


def random_scores(n=4, lanes=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n, 1)) + 0.7 * rng.normal(size=(n, n, lanes))


@pytest.mark.parametrize("entry", RANKINGS, ids=lambda entry: entry.name)
def test_methods_have_a_summary_and_a_source(entry):
    assert entry.summary.endswith((".", ")."))
    assert bibtex(*entry.citations)


def test_a_dilemma_by_hand():
    names, table = DILEMMA
    scores = table[..., None]
    np.testing.assert_allclose(mean_score(scores), [2, 3, 1.5])
    np.testing.assert_allclose(mean_score(scores, self_play=True), [7 / 3, 7 / 3, 2])
    np.testing.assert_allclose(win_rate(scores), [0.5, 0.75, 0.25])
    np.testing.assert_allclose(copeland(scores), [1, 1.5, 0.5])
    assert ranking((names, table))["learner"].tolist() == ["alld", "tft", "allc"]


def test_copeland_counts_majorities_and_wins_count_matches():
    """0 beats 1 in two lanes of three and loses all three to 2; the third lane of 1 against 2 diverged."""
    scores = np.zeros((3, 3, 3))
    scores[0, 1], scores[1, 0] = [1, 1, 0], [0, 0, 1]
    scores[2, 0] = 1
    scores[1, 2, 2] = np.nan
    np.testing.assert_allclose(copeland(scores), [1, 0.5, 1.5])
    np.testing.assert_allclose(win_rate(scores), [2 / 6, (1 + 1) / 5, (3 + 1) / 5])
    assert np.isnan(duels(scores)[1, 2, 2])
    assert duels(scores)[1, 2, 0] == 0.5


def test_interquartile_mean_is_that_of_all_scores_against_others():
    scores = random_scores(5, 7)
    wanted = [iqm(np.delete(scores[i], i, axis=0)) for i in range(5)]
    np.testing.assert_allclose(interquartile_mean(scores), wanted)


def test_probability_of_improvement_equals_rliable():
    x, y = RLIABLE["x"], RLIABLE["y"]
    assert probability_of_improvement(x, y) == pytest.approx(
        RLIABLE["probability_of_improvement_x_over_y"], abs=1e-15
    )


def test_probability_of_improvement_equals_its_formula_there():
    """rliable divides scipy's Mann-Whitney statistic by the number of pairs, task by task."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(5, size=(6, 4)), rng.integers(5, size=(9, 4))
    u = [
        stats.mannwhitneyu(a, b, alternative="greater").statistic / 54 for a, b in zip(x.T, y.T, strict=True)
    ]
    assert probability_of_improvement(x, y) == pytest.approx(np.mean(u), abs=1e-15)
    assert probability_of_improvement(y, x) == pytest.approx(1 - np.mean(u), abs=1e-15)


@pytest.mark.parametrize("self_play", [False, True])
def test_improvements_by_brute_force(self_play):
    scores = np.round(random_scores(4, 5), 1)
    scores[1, 2, 3] = np.nan
    found = improvements(scores, self_play)
    for i, j in itertools.permutations(range(4), 2):
        tasks = [k for k in range(4) if self_play or k not in (i, j)]
        wanted = probability_of_improvement(scores[i, tasks].T, scores[j, tasks].T)
        assert found[i, j] == pytest.approx(wanted, abs=1e-12)
    np.testing.assert_allclose(found + found.T, 1)
    np.testing.assert_allclose(improvement(scores, self_play), (found.sum(axis=1) - 0.5) / 3)


@pytest.mark.parametrize("self_play", [False, True])
def test_improvements_of_all_resamples_at_once(self_play):
    scores, index = np.round(random_scores(4, 6), 1), resamples(6, 10)
    wanted = [improvement(scores[..., own], self_play) for own in index]
    np.testing.assert_allclose(improvement_draws(scores, index, self_play), wanted, atol=1e-12)
    scores[0, 1, 2] = np.nan
    assert improvement_draws(scores, index, self_play).shape == (10, 4)


def test_performance_profiles_by_hand():
    profile = performance_profile(
        np.array([[[9, 9], [0, 2]], [[1, 3], [9, 9]]]), thresholds=[-1, 0.5, 1, 2.5, 3]
    )
    assert profile["share"].tolist() == [1, 0.5, 0.5, 0, 0, 1, 1, 0.5, 0.5, 0]
    assert (profile["low"] <= profile["share"]).all()
    assert (profile["share"] <= profile["high"]).all()


def duel_scores(wins):
    """Lanes in which learner i earns more than j as often as `wins` says."""
    n, lanes = len(wins), int((wins + wins.T).max())
    scores = np.full((n, n, lanes), np.nan)
    for i, j in itertools.combinations(range(n), 2):
        won = np.arange(wins[i, j] + wins[j, i]) < wins[i, j]
        scores[i, j, : won.size], scores[j, i, : won.size] = won, ~won
    return scores


def test_elo_of_two_learners_is_the_odds_of_their_wins():
    """Nine wins of ten are odds of 9; one fictitious draw makes them 9.5 to 1.5."""
    scores = duel_scores(np.array([[0, 9], [1, 0]]))
    lead = elo(scores, draws=0) @ [1, -1]
    assert lead == pytest.approx(400 * np.log10(9), abs=1e-6)
    assert elo(scores) @ [1, -1] == pytest.approx(400 * np.log10(9.5 / 1.5), abs=1e-6)


def test_elo_maximizes_the_likelihood():
    wins = np.array([[0, 7, 9, 4], [3, 0, 6, 5], [1, 4, 0, 8], [2, 5, 2, 0]])

    def loss(theta, precision=0.0):
        return (wins * np.logaddexp(0, theta[None] - theta[:, None])).sum() + precision / 2 * theta @ theta

    best = minimize(loss, np.zeros(4), tol=1e-12).x
    np.testing.assert_allclose(elo(duel_scores(wins), draws=0), POINTS * (best - best.mean()), atol=0.01)
    best = minimize(loss, np.zeros(4), args=((POINTS / 100) ** 2,), tol=1e-12).x
    np.testing.assert_allclose(bayesian_elo(duel_scores(wins), sd=100), POINTS * best, atol=0.01)


def test_the_posterior_of_two_learners_by_quadrature():
    """The lead has the prior N(0, 2 sd^2); the mode is exact, and Laplace's standard deviation within 3 %."""
    mode, covariance = elo_posterior(duel_scores(np.array([[0, 30], [18, 0]])), sd=200.0)
    lead = np.linspace(-1500, 1500, 200_001)
    log = -30 * np.logaddexp(0, -lead / POINTS) - 18 * np.logaddexp(0, lead / POINTS) - lead**2 / 4 / 200**2
    weight = np.exp(log - log.max())
    mean = weight @ lead / weight.sum()
    sd = (weight @ (lead - mean) ** 2 / weight.sum()) ** 0.5
    assert mode @ [1, -1] == pytest.approx(lead[log.argmax()], abs=0.02)
    assert np.array([1, -1]) @ covariance @ [1, -1] == pytest.approx(sd**2, rel=0.06)


def test_elo_is_infinite_without_draws_and_the_message_names_a_remedy():
    scores = duel_scores(np.array([[0, 3], [0, 0]]))
    with pytest.raises(ValueError, match=r"draws=1.*bayesian_elo"):
        elo(scores, draws=0)
    assert np.isfinite(elo(scores)).all()


def test_learners_without_matches_have_no_rating():
    scores = duel_scores(np.array([[0, 3, 0], [1, 0, 0], [0, 0, 0]]))
    assert np.isnan(elo(scores)).tolist() == [False, False, True]
    table = ranking((["a", "b", "c"], scores), method="elo")
    assert table["learner"].tolist() == ["a", "b", "c"]


def test_solvers_rank_the_cross_play_table():
    scores = random_scores()
    table = scores.mean(axis=-1)
    np.testing.assert_allclose(RANKINGS.make("alpha_rank", scores=scores), alpha_rank(table).distribution)
    np.testing.assert_allclose(RANKINGS.make("nash_averaging", scores=scores), nash_averaging(table).skill)
    moran = alpha_rank(table, 2.0, 20, "population").distribution
    np.testing.assert_allclose(
        RANKINGS.make("moran", scores=scores, intensity=2.0, population_size=20), moran
    )


@pytest.mark.parametrize("method", METHODS)
def test_affine_changes_of_payoffs_leave_the_order(method):
    """Settings per unit of payoff change with the unit."""
    scores = random_scores()
    settings = [{"intensity": 3.0}, {"intensity": 1.0}] if method == "moran" else [{}, {}]
    first = ranking(scores, method=method, resamples=0, **settings[0])
    second = ranking(3 * scores - 5, method=method, resamples=0, **settings[1])
    assert first["learner"].tolist() == second["learner"].tolist()
    unit, shift = {"mean": (3, -5), "iqm": (3, -5), "nash_averaging": (3, 0)}.get(method, (1, 0))
    np.testing.assert_allclose(unit * first["score"] + shift, second["score"], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_relabeling_learners_relabels_the_ranking(method):
    scores, order = random_scores(), [2, 0, 3, 1]
    first = ranking((list("abcd"), scores), method=method, resamples=30).set_index("learner")
    second = ranking(([*"cadb"], scores[np.ix_(order, order)]), method=method, resamples=30).set_index(
        "learner"
    )
    columns = ["score", "low", "high"]
    pd.testing.assert_frame_equal(first[columns], second.loc[first.index, columns], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_intervals_and_first_places(method):
    table = ranking(random_scores(lanes=12), method=method, resamples=60)
    assert (table["low"] <= table["score"] + 1e-6).all()
    assert (table["score"] <= table["high"] + 1e-6).all()
    assert table["first"].sum() == pytest.approx(1)
    assert table["rank"].is_monotonic_increasing


def test_ties_share_a_rank_and_the_first_place():
    scores = np.ones((3, 3, 4))
    table = ranking(scores, resamples=10)
    assert table["rank"].tolist() == [1, 1, 1]
    np.testing.assert_allclose(table["first"], 1 / 3)


def test_one_seed_has_no_interval_but_a_posterior():
    assert ranking(DILEMMA)[["low", "high", "first"]].isna().all(axis=None)
    assert ranking(DILEMMA, method="bayesian_elo").notna().all(axis=None)


def test_diverged_lanes_are_left_out_and_pairs_without_lanes_are_named():
    scores = random_scores(3, 8)
    scores[0, 1, :3] = np.nan
    assert ranking(scores, resamples=50).notna().all(axis=None)
    scores[0, 1] = np.nan
    table = ranking((list("abc"), scores), resamples=50)
    assert table["learner"].iloc[-1] == "a"
    assert np.isnan(table["score"].iloc[-1])
    with pytest.raises(ValueError, match=r"'a'.*'b'.*leave"):
        ranking((list("abc"), scores), method="alpha_rank")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "alfa_rank"}, "did you mean 'alpha_rank'"),
        ({"method": "alpha_rank", "alfa": 1.0}, "did you mean 'alpha'"),
        ({"method": "mean", "scores": 1}, "no setting 'scores'"),
        ({"statistic": "finall"}, "did you mean 'final'"),
        ({"resamples": -1}, "resamples"),
        ({"method": "elo", "draws": -1.0}, "draws"),
        ({"method": "bayesian_elo", "sd": 0.0}, "sd"),
    ],
)
def test_bad_settings_are_one_sentence_with_the_nearest_name(settings, message):
    with pytest.raises(ValueError, match=message) as error:
        ranking(DILEMMA, **settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nothing", "results are wanted"),
        (np.zeros((2, 3)), r"\(2, 3\)"),
        ((["a", "a"], np.zeros((2, 2))), "once"),
        (pd.DataFrame([[0, 1], [1, 0]], index=["a", "b"], columns=["a", "c"]), "labels differ"),
        ([[1.0]], "another"),
    ],
)
def test_what_is_no_table_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ranking(given)


def rows(games=("one", "two"), learners=("a", "b"), seeds=3):
    """Tidy rows with made-up values; one lane diverged."""
    values = iter(np.random.default_rng(0).normal(size=1000))
    return pd.DataFrame(
        [
            {
                "game": game,
                "learner_0": x,
                "learner_1": y,
                "seat": seat,
                "learner": (x, y)[seat],
                "opponent": (y, x)[seat],
                "seed": seed,
                "value": next(values),
                "value_auc": next(values),
                "ok": bool(seed or x == y),
            }
            for game in games
            for x, y in itertools.product(learners, learners)
            for seed in range(seeds)
            for seat in (0, 1)
        ]
    )


def test_tidy_rows_become_scores_of_both_seats():
    frame = rows()
    scores = scores_of(frame, "two", "trajectory")["two"]
    own = frame[(frame["game"] == "two") & (frame["learner"] == "a") & (frame["opponent"] == "b")]
    wanted = own.groupby("seed")["value_auc"].mean().to_numpy()
    assert np.isnan(scores.values[0, 1, 0])
    np.testing.assert_allclose(scores.values[0, 1, 1:], wanted[1:])
    alone = frame[(frame["game"] == "two") & (frame["learner"] == "b") & (frame["opponent"] == "b")]
    np.testing.assert_allclose(scores.values[1, 1], alone.groupby("seed")["value_auc"].mean())


def test_every_game_is_ranked_apart():
    table = ranking(rows(), resamples=10)
    assert table["game"].tolist() == ["one", "one", "two", "two"]
    one = ranking(rows(), "two", resamples=10)
    pd.testing.assert_frame_equal(one, table[table["game"] == "two"].reset_index(drop=True))
    with pytest.raises(ValueError, match="no game 'three'"):
        ranking(rows(), "three")


def test_games_that_cannot_be_ranked_are_left_out_with_the_reason():
    """One learner alone at the second game, as when the others cannot play it."""
    frame = rows()
    frame = frame[(frame["game"] == "one") | ((frame["learner_0"] == "a") & (frame["learner_1"] == "a"))]
    table = ranking(frame, resamples=10)
    assert set(table["game"]) == {"one"}
    assert "one learner" in table.attrs["why"]["two"]
    with pytest.raises(ValueError, match="one learner"):
        ranking(frame, "two")


def simulated_coverage(repetitions, lanes=40, n=4, sd=200.0, count=300):
    """The shares of true ratings in the posterior's intervals, and of true leads in the bootstrap's intervals of Elo."""
    rng, index = np.random.default_rng(5), resamples(lanes, count)
    posterior, bootstrap = [], []
    for _ in range(repetitions):
        theta = rng.normal(size=n) * sd / POINTS
        probability = 1 / (1 + np.exp(theta[None] - theta[:, None]))
        won = rng.random((n, n, lanes)) < probability[..., None]
        upper = np.triu(np.ones((n, n), dtype=bool), 1)[..., None]
        scores = np.where(upper, won, 0) + np.where(
            upper.transpose(1, 0, 2), ~won.transpose(1, 0, 2), 0
        ).astype(float)
        mode, covariance = elo_posterior(scores, sd)
        truth = POINTS * (theta - theta.mean())
        posterior.append(np.abs(mode - truth) <= 1.96 * np.sqrt(np.diag(covariance)))
        if count:
            low, high = interval_of_draws(np.array([elo(scores[..., k]) for k in index]), lanes)
            bootstrap.append((low <= truth) & (truth <= high))
    return np.mean(posterior), np.mean(bootstrap) if count else np.nan


def test_intervals_of_the_posterior_cover_the_true_ratings():
    """The standard error of a coverage of 0.95 is 0.004 in 800 tournaments of four learners."""
    assert abs(simulated_coverage(800, count=0)[0] - 0.95) < 0.02


@pytest.mark.slow
def test_intervals_of_elo_cover_the_true_ratings():
    posterior, bootstrap = simulated_coverage(300, lanes=100, count=250)
    assert abs(posterior - 0.95) < 0.02
    assert abs(bootstrap - 0.95) < 0.02
