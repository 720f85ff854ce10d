"""A classical tournament of memory-one strategies, beside axelrod's simulated one (tests/data/make_axelrod.py)."""

import json
import pathlib

import jax
import numpy as np
import pytest

from analysis.ranking import ranking, scores_of
from analysis.tournaments import tournament
from games import STRATEGIES, ipd_axelrod
from shaping.learners.fixed import Fixed

FROZEN = json.loads((pathlib.Path(__file__).parents[2] / "data" / "axelrod.json").read_text(encoding="utf-8"))
SIMULATED = FROZEN["tournament"]
NAMES = SIMULATED["names"]
OURS = {
    "Cooperator": "allc",
    "Defector": "alld",
    "TitForTat": "tft",
    "SuspiciousTitForTat": "suspicious_tft",
    "Grudger": "grim",
    "WinStayLoseShift": "wsls",
}
VECTORS = {name: FROZEN["vectors"].get(name) or np.asarray(STRATEGIES.make(OURS[name])) for name in NAMES}
STAGE = np.array([[3.0, 0, 5, 1], [3, 5, 0, 1]])
"""Payoffs of both players after CC, CD, DC, DD."""


def play(discount):
    """The rows of a tournament of all strategies in float64; strategies that never learn need one step."""
    with jax.enable_x64(True):
        lineup = [Fixed(VECTORS[name], name) for name in NAMES]
        return tournament([ipd_axelrod(discount=discount)], lineup, steps=1, seeds=1)


@pytest.fixture(scope="module")
def discounted():
    return play(1 - SIMULATED["end_probability"])


def expectation(a, b, discount):
    """Mean payoffs per turn of two memory-one strategies, by the Markov chain of their moves."""
    p, q = (np.array(VECTORS[x], dtype=float) for x in (a, b))
    seen = np.stack(
        [p[1:], q[[1, 3, 2, 4]]]
    )  # cooperation after CC, CD, DC, DD as the first player sees them
    moves = lambda x, y: np.array([x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)])  # noqa: E731
    start, chain = moves(p[0], q[0]), moves(*seen).T
    if discount < 1:
        return STAGE @ ((1 - discount) * np.linalg.solve((np.eye(4) - discount * chain).T, start))
    powers = chain  # the mean of a deterministic cycle and a convergent chain alike, by doubling the horizon
    mean = np.eye(4)
    for _ in range(35):
        mean, powers = (mean + mean @ powers) / 2, powers @ powers
        powers = powers / powers.sum(axis=1, keepdims=True)
    return STAGE @ (start @ mean)


@pytest.mark.parametrize("average", [False, True])
def test_average_payoffs_are_the_exact_expectations(discounted, average):
    """Of all pairs, to 1e-6, with matches that end at random and in endless ones."""
    discount = 1.0 if average else 1 - SIMULATED["end_probability"]
    scores = scores_of(play(discount) if average else discounted)["ipd_axelrod"]
    assert list(scores.names) == NAMES
    wanted = [[expectation(a, b, discount)[0] for b in NAMES] for a in NAMES]
    np.testing.assert_allclose(scores.table, wanted, atol=1e-6)


def test_every_pair_earns_what_it_earns_there(discounted):
    """Within four standard errors; a defector against a cooperator earns the number of turns times 5, or 0."""
    table = scores_of(discounted)["ipd_axelrod"].table / SIMULATED["end_probability"]
    others = ~np.eye(len(NAMES), dtype=bool)
    gap = np.abs(table - np.array(SIMULATED["payoffs"]))[others]
    assert (gap <= 4 * np.array(SIMULATED["payoff_errors"])[others] + 1e-9).all()


def test_the_ranking_is_the_simulated_one_within_its_standard_error(discounted):
    """Leads agree within four standard errors; pairs whose simulated lead is larger than that are in its order."""
    found = ranking(discounted).set_index("learner")
    score = found.loc[NAMES, "score"].to_numpy() / SIMULATED["end_probability"]
    simulated, errors = np.array(SIMULATED["scores"]), np.array(SIMULATED["lead_errors"])
    lead, wanted = score[:, None] - score, simulated[:, None] - simulated
    others = ~np.eye(len(NAMES), dtype=bool)
    assert (np.abs(lead - wanted)[others] < 4 * errors[others]).all()
    sure = others & (np.abs(wanted) > 4 * errors)
    assert sure.sum() > 0.9 * others.sum()
    rank = found.loc[NAMES, "rank"].to_numpy()
    assert ((rank[:, None] < rank)[sure] == (wanted > 0)[sure]).all()
