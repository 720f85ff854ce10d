import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from games import MatrixGame
from solvers import alpha_rank, fixation_matrix
from solvers.ranking.stationary_distributions import log_stationary, log_stationary_limit

BATTLE = ([[2, 0], [0, 1]], [[1, 0], [0, 2]])
ROCK_PAPER_SCISSORS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
EVERY_ALPHA = [0, 1e-3, 0.1, 1, 10, 1e3, 1e6, math.inf]


def takeover(gain, alpha, m):
    """The formula as it is printed."""
    u = alpha * gain
    return 1 / m if u == 0 else (1 - np.exp(-u)) / (1 - np.exp(-m * u))


def chain(game, alpha, m):
    """The transition matrix of the paper, profile by profile, and the profiles."""
    game = np.asarray(game, float)
    if game.ndim == 2:
        n = len(game)
        t = np.array(
            [
                [takeover(game[r, s] - game[s, r], alpha, m) / (n - 1) if r != s else 0 for r in range(n)]
                for s in range(n)
            ]
        )
        profiles = [(s,) for s in range(n)]
    else:
        shape = game.shape[1:]
        profiles = list(itertools.product(*map(range, shape)))
        t = np.zeros((len(profiles),) * 2)
        for (a, s), (b, r) in itertools.permutations(enumerate(profiles), 2):
            changed = [i for i in range(len(shape)) if s[i] != r[i]]
            if len(changed) == 1:
                i = changed[0]
                t[a, b] = takeover(game[(i, *r)] - game[(i, *s)], alpha, m) / (sum(shape) - len(shape))
    return t + np.diag(1 - t.sum(axis=1)), profiles


def eigenvector(t):
    values, vectors = np.linalg.eig(t.T)
    pi = vectors[:, np.argmin(np.abs(values - 1))].real
    return pi / pi.sum()


@pytest.mark.parametrize("shape", [(6,), (2, 3), (2, 3, 2)])
@pytest.mark.parametrize(("alpha", "m"), [(0.0, 50), (0.3, 7), (0.05, 50)])
def test_distribution_is_the_eigenvector_of_the_papers_chain(shape, alpha, m):
    rng = np.random.default_rng(len(shape))
    game = rng.normal(size=(6, 6) if len(shape) == 1 else (len(shape), *shape)).round(1)
    t, profiles = chain(game, alpha, m)
    ranked = alpha_rank(game, alpha, m)
    assert list(ranked.profiles) == profiles
    np.testing.assert_allclose(ranked.transitions, t, atol=1e-14)
    np.testing.assert_allclose(ranked.distribution, eigenvector(t), rtol=1e-7)


def test_published_commitments():
    """Han et al. 2013, "Good Agreements Make Good Friends", as OpenSpiel's test has them: selection over the whole population."""
    r, t, p, s, delta, eps = 1.0, 2.0, 0.0, -1.0, 4.0, 0.25
    table = [
        [r - eps / 2, r - eps, 0, s + delta - eps, r - eps],
        [r, r, s, s, s],
        [0, t, p, p, p],
        [t - delta, t, p, p, p],
        [r, t, p, p, p],
    ]
    found = alpha_rank(table, 0.1, 20, "population")
    np.testing.assert_allclose(
        found.distribution, [0.40966787, 0.07959841, 0.20506998, 0.08505983, 0.2206039], atol=1e-8
    )
    np.testing.assert_allclose(
        found.log_fixation[~np.eye(5, dtype=bool)], fixation_matrix(table, 20, 0.1)[~np.eye(5, dtype=bool)]
    )


@pytest.mark.parametrize("alpha", EVERY_ALPHA)
def test_textbook_games_at_every_intensity(alpha):
    for selection in ("local", "population"):
        np.testing.assert_allclose(
            alpha_rank(ROCK_PAPER_SCISSORS, alpha, selection=selection).distribution, 1 / 3, rtol=1e-7
        )
    battle = alpha_rank(BATTLE, alpha)
    np.testing.assert_allclose(battle.distribution[0], battle.distribution[3], rtol=1e-7)
    if alpha >= 1:
        np.testing.assert_allclose(battle.distribution, [0.5, 0, 0, 0.5], atol=1e-20)
        np.testing.assert_allclose(battle.marginals, 0.5)
    assert battle.sinks == ((0,), (3,))
    pennies = alpha_rank(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]), alpha)
    np.testing.assert_allclose(pennies.distribution, 0.25, rtol=1e-7)
    assert pennies.sinks == ((0, 1, 2, 3),)


@pytest.mark.parametrize("alpha", [0.1, 10, 1e4])
def test_games_with_a_potential_have_a_closed_form(alpha):
    r"""Detailed balance: $\rho(u) / \rho(-u) = e^{(m-1)u}$, so $\pi \propto e^{\alpha (m-1) \Phi}$, however small."""
    rng = np.random.default_rng(3)
    potential = rng.normal(size=(3, 2, 2))
    payoffs = np.stack([potential] * 3)
    payoffs[1] += rng.normal(size=(3, 1, 2))  # what others do alone is worth to a player changes no incentive
    level = alpha * 19 * potential.ravel()
    found = alpha_rank(payoffs, alpha, 20).log_distribution
    np.testing.assert_allclose(found, level - np.logaddexp.reduce(level), rtol=1e-9, atol=1e-9)
    strength = rng.normal(size=8)
    level = alpha * 19 * strength
    found = alpha_rank((strength[:, None] - strength[None, :]) / 2, alpha, 20).log_distribution
    np.testing.assert_allclose(found, level - np.logaddexp.reduce(level), rtol=1e-9, atol=1e-9)


def in_trees(size, root):
    """Every way to give each other state a successor so that all lead to the root."""
    others = [k for k in range(size) if k != root]
    for successors in itertools.product(range(size), repeat=size - 1):
        step = dict(zip(others, successors, strict=True))
        for k in others:
            seen = set()
            while k != root and k not in seen:
                seen.add(k)
                k = step[k]
            if k != root:
                break
        else:
            yield [(k, step[k]) for k in others]


def test_elimination_agrees_with_the_tree_theorem_at_any_scale():
    rng = np.random.default_rng(5)
    for scale in (1, 50, 2000):
        log_rates = -scale * rng.random((5, 5))
        log_rates[0, 2] = log_rates[3, 1] = -np.inf
        weights = [
            np.logaddexp.reduce([sum(log_rates[e] for e in tree) for tree in in_trees(5, root)])
            for root in range(5)
        ]
        np.testing.assert_allclose(
            log_stationary(log_rates), weights - np.logaddexp.reduce(weights), rtol=1e-10, atol=1e-10
        )


def test_the_limit_agrees_with_the_tree_theorem():
    """Leading terms in integers and rationals, on chains full of ties."""
    rng = np.random.default_rng(6)
    several = 0
    for _ in range(60):
        costs = rng.integers(0, 3, (4, 4))
        counts = rng.integers(1, 4, (4, 4))
        terms = []
        for root in range(4):
            trees = [
                (sum(costs[e] for e in t), math.prod(Fraction(1, int(counts[e])) for e in t))
                for t in in_trees(4, root)
            ]
            least = min(c for c, _ in trees)
            terms.append((least, sum(x for c, x in trees if c == least)))
        least = min(c for c, _ in terms)
        weights = [float(x) if c == least else 0.0 for c, x in terms]
        several += sum(w > 0 for w in weights) < 4
        found = np.exp(log_stationary_limit(costs.astype(float), -np.log(counts)))
        np.testing.assert_allclose(found, np.array(weights) / sum(weights), atol=1e-12)
    assert several > 20


@st.composite
def integer_games(draw):
    shape = draw(st.sampled_from([(4, 4), (2, 2, 2), (2, 3, 2), (3, 2, 2, 2)]))
    return np.random.default_rng(draw(st.integers(0, 10_000))).integers(0, 4, shape).astype(float)


@settings(max_examples=60)
@given(game=integer_games(), selection=st.sampled_from(["local", "population"]))
def test_infinite_alpha_is_the_limit(game, selection):
    selection = selection if game.ndim == 2 else "local"
    limit, large = (alpha_rank(game, alpha, 10, selection) for alpha in (math.inf, 500.0))
    np.testing.assert_allclose(limit.distribution, large.distribution, atol=1e-9)
    assert limit.sinks == large.sinks
    inside = {s for sink in limit.sinks for s in sink}
    assert all(k in inside for k in np.flatnonzero(limit.distribution))


def test_one_sink_leaves_the_chain_of_better_responses():
    rng = np.random.default_rng(7)
    for _ in range(10):
        table = rng.integers(0, 3, (7, 7)).astype(float)
        found = alpha_rank(table)
        if len(found.sinks) > 1:
            continue
        gain = table.T - table
        t = np.where(gain > 0, 1.0, np.where(gain == 0, 1 / 50, 0.0)) / 6
        np.fill_diagonal(t, 0)
        np.testing.assert_allclose(found.transitions, t + np.diag(1 - t.sum(axis=1)), atol=1e-14)
        inside = list(found.sinks[0])
        block = t[np.ix_(inside, inside)]
        np.testing.assert_allclose(
            found.distribution[inside], eigenvector(block + np.diag(1 - block.sum(axis=1))), atol=1e-9
        )
        np.testing.assert_allclose(found.distribution[inside].sum(), 1)


def test_stochastically_stable_profile_of_a_stag_hunt():
    """Two sinks: leaving the risk-dominant one costs more, though the other pays more."""
    stag_hunt = MatrixGame.symmetric([[4, 0], [3, 2]])
    found = alpha_rank(stag_hunt)
    assert found.sinks == ((0,), (3,))
    np.testing.assert_array_equal(found.distribution, [0, 0, 0, 1])
    assert found.log_distribution[0] == -np.inf
    assert alpha_rank(stag_hunt, 1.0).distribution.argmax() == 3


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), alpha=st.sampled_from([0.5, 30.0, math.inf]))
def test_laws(seed, alpha):
    rng = np.random.default_rng(seed)
    table = rng.integers(-3, 4, (5, 5)).astype(float)
    order = rng.permutation(5)
    found = alpha_rank(table, alpha)
    np.testing.assert_allclose(
        alpha_rank(table[np.ix_(order, order)], alpha).distribution, found.distribution[order], atol=1e-9
    )
    np.testing.assert_allclose(
        alpha_rank(3 * table + 7, alpha / 3).distribution, found.distribution, atol=1e-9
    )
    assert found.distribution.sum() == pytest.approx(1, abs=1e-12)
    payoffs = rng.integers(-3, 4, (2, 3, 2)).astype(float)
    both = alpha_rank(payoffs, alpha)
    swapped = alpha_rank(payoffs[::-1].transpose(0, 2, 1), alpha)
    np.testing.assert_allclose(
        swapped.distribution.reshape(2, 3), both.distribution.reshape(3, 2).T, atol=1e-9
    )
    shifted = payoffs + np.stack(
        [np.tile(rng.normal(size=2), (3, 1)), np.tile(rng.normal(size=(3, 1)), (1, 2))]
    ).round(1)
    np.testing.assert_allclose(alpha_rank(shifted, alpha).distribution, both.distribution, atol=1e-9)


def test_frames():
    table = pd.DataFrame(
        [[0.0, 2, 1], [1, 0, 3], [1, 1, 0]], ["lola", "naive", "sos"], ["lola", "naive", "sos"]
    )
    frame = alpha_rank(table, 1.0).to_frame(table.index)
    assert list(frame.columns) == ["rank", "profile", "mass", "log_mass", "in_sink"]
    assert set(frame["profile"]) == {"lola", "naive", "sos"}
    assert (frame["mass"].diff().dropna() <= 0).all()
    cycle = alpha_rank(ROCK_PAPER_SCISSORS).to_frame()
    assert cycle["rank"].tolist() == [1, 1, 1]
    assert cycle["in_sink"].all()
    battle = alpha_rank(BATTLE).to_frame([["opera", "football"]] * 2)
    assert battle["profile"].tolist()[:2] == [("opera", "opera"), ("football", "football")]
    assert battle["rank"].tolist() == [1, 1, 3, 3]
    assert alpha_rank([[3.0]]).distribution.tolist() == [1.0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: alpha_rank(np.zeros((2, 3))),
            r"\(2, 3\).*square",
        ),
        (
            lambda: alpha_rank(np.full((2, 2), np.nan)),
            "finite.*leave out",
        ),
        (lambda: alpha_rank([[1, 2], [3]]), "rows.*length"),
        (lambda: alpha_rank(np.zeros((3, 2, 2))), r"\(3, 2, 2\).*entry per player"),
        (lambda: alpha_rank(BATTLE, -1), "alpha is -1"),
        (lambda: alpha_rank(BATTLE, math.nan), "alpha is nan"),
        (lambda: alpha_rank(BATTLE, population_size=1), "population_size is 1"),
        (lambda: alpha_rank(BATTLE, selection="population"), "population.*square"),
        (lambda: alpha_rank(BATTLE, selection="global"), "accepted: local, population"),
        (lambda: alpha_rank(BATTLE, max_profiles=3), "4 profiles.*max_profiles = 3"),
        (lambda: alpha_rank(BATTLE).to_frame(["one"]), r"\[3\].*\[2, 2\]"),
        (lambda: log_stationary(np.full((2, 2), -np.inf)), "every state"),
        (lambda: log_stationary_limit(np.full((2, 2), np.inf), np.zeros((2, 2))), "every state"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
