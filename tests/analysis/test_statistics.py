"""Interquartile means and bootstrap intervals: by hand, as rliable and scipy have them, and by their coverage."""

import json
import pathlib

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import bootstrap_interval, interval_of_draws, iqm, resamples, student

RLIABLE = json.loads(
    (pathlib.Path(__file__).parents[1] / "data" / "rliable.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", ["x", "y"])
def test_iqm_equals_rliable(name):
    assert iqm(RLIABLE[name]) == pytest.approx(RLIABLE[f"iqm_{name}"], abs=1e-15)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (4, 5), (7, 3), (64, 10)])
def test_iqm_is_the_mean_trimmed_by_a_quarter(shape):
    """rliable computes `scipy.stats.trim_mean(scores, 0.25, axis=None)`."""
    scores = np.random.default_rng(0).normal(size=shape)
    assert iqm(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), abs=1e-14)
    np.testing.assert_allclose(iqm(scores, axis=0), stats.trim_mean(scores, 0.25, axis=0), atol=1e-14)


def test_iqm_leaves_out_what_is_not_finite():
    assert iqm([np.nan, 0, 1, 2, np.inf, 100]) == 1.5
    assert np.isnan(iqm([np.nan]))
    np.testing.assert_array_equal(iqm([[1.0, np.nan], [3.0, np.nan]], axis=0), [2.0, np.nan])


def test_affine_changes_change_the_interval_likewise():
    samples = np.random.default_rng(1).normal(size=(9, 4))
    first, second = (bootstrap_interval(x, iqm, count=200) for x in (samples, 3 * samples - 2))
    for one, other in zip(first, second, strict=True):
        assert other == pytest.approx(3 * one - 2)


def test_runs_stay_paired_and_equal_seeds_give_equal_resamples():
    """The difference of two learners that differ by a constant has no spread."""
    own = np.random.default_rng(2).normal(size=(8, 3))
    both = np.stack([own, own + 1], axis=1)
    gap = bootstrap_interval(both, lambda s: s[:, 1].mean() - s[:, 0].mean(), count=100)
    assert gap.low == pytest.approx(1) == gap.high
    apart = bootstrap_interval(both, lambda s: s[:, 1].mean() - s[:, 0].mean(), count=100, stratified=True)
    assert apart.low < 0.9 < 1.1 < apart.high
    first, second = (bootstrap_interval(x, count=100) for x in (own, own + 1))
    assert second.low - first.low == pytest.approx(1)
    np.testing.assert_array_equal(resamples(5, 7, seed=3), resamples(5, 7, seed=3))


def test_the_interval_of_a_normal_mean_is_nearly_students():
    values = np.random.default_rng(3).normal(size=12)
    low, high = student(values.mean(), values.std(ddof=1) / 12**0.5, 11)
    found = bootstrap_interval(values, count=20_000)
    assert found.high - found.low == pytest.approx(high - low, rel=0.05)


def test_one_run_has_no_interval():
    found = bootstrap_interval([[1.0, 3.0]])
    assert found.value == 2
    assert np.isnan([found.low, found.high]).all()


def test_resamples_without_a_value_are_left_out():
    draws = np.array([[np.nan, 1.0], [0.0, 1.0], [2.0, 1.0]])
    low, high = interval_of_draws(draws, 1000)
    assert 0 <= low[0] < 0.1
    assert 1.9 < high[0] <= 2
    assert low[1] == 1 == high[1]
    assert np.isnan(interval_of_draws(np.full((3, 1), np.nan), 10)[0]).all()
    low, high = interval_of_draws(np.array([-np.inf, -np.inf, np.inf, np.inf]), 10)
    assert (low, high) == (-np.inf, np.inf)


@pytest.mark.parametrize("bad", [{"count": 0}, {"level": 1.0}, {"level": 0}])
def test_numbers_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        bootstrap_interval([1.0, 2.0], **bad)


def test_samples_without_runs_are_refused():
    with pytest.raises(ValueError, match="one row per run"):
        bootstrap_interval([])


def coverage(statistic, truth, draw, runs, repetitions, count=1000):
    """The share of simulated samples whose interval holds the true value, over repetitions."""
    rng, index = np.random.default_rng(4), resamples(runs, count)
    hits = 0
    for _ in range(repetitions):
        low, high = interval_of_draws(statistic(draw(rng, runs)[index]), runs)
        hits += bool(low <= truth <= high)
    return hits / repetitions


def tasks(rng, runs):
    """Runs on three tasks, paired by the run: normal errors that are shared in part."""
    return rng.normal(size=(runs, 1)) + rng.normal(size=(runs, 3))


def mean_over_tasks(samples):
    return samples.mean(axis=(1, 2))


def iqm_over_tasks(samples):
    return iqm(samples.reshape(len(samples), -1), axis=1)


def test_intervals_cover_the_truth():
    """The standard error of a coverage of 0.95 is 0.007 in 1000 repetitions."""
    assert abs(coverage(mean_over_tasks, 0, tasks, 24, 1000) - 0.95) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("statistic", [mean_over_tasks, iqm_over_tasks])
@pytest.mark.parametrize("runs", [16, 64])
def test_intervals_cover_the_truth_closely(statistic, runs):
    assert abs(coverage(statistic, 0, tasks, runs, 4000) - 0.95) < 0.02
