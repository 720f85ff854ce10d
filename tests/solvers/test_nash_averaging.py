import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from solvers import nash_averaging, nash_averaging_on_tasks

ROCK_PAPER_SCISSORS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def antisymmetric(rng, n, digits=None):
    m = rng.normal(size=(n, n)) if digits is None else rng.integers(-digits, digits + 1, (n, n))
    return np.triu(m, 1) - np.triu(m, 1).T.astype(float)


def entropy_gap(game, value, p):
    """By how much the entropy of a maximin strategy rises, to first order, towards any other one; 0 only at the largest entropy.

    Entropy is concave with slope -log p, infinite where p is 0, so two linear programs over the maximin
    strategies decide.
    """

    def most(weights):
        found = linprog(-weights, -game.T, np.full(game.shape[1], -value), np.ones((1, len(p))), [1.0])
        assert found.status == 0
        return -found.fun

    played = p > 0
    slope = -np.log(p, where=played, out=np.zeros(len(p)))
    return max(most((~played).astype(float)), most(slope) - p @ slope)


def game_value(scores):
    """By the textbook's linear program of the row player alone."""
    m, n = scores.shape
    found = linprog(
        [*np.zeros(m), -1],
        np.hstack([-scores.T, np.ones((n, 1))]),
        np.zeros(n),
        [[*np.ones(m), 0]],
        [1],
        [*[(0, None)] * m, (None, None)],
    )
    return -found.fun


def test_a_cycle_and_its_copies():
    found = nash_averaging(ROCK_PAPER_SCISSORS)
    np.testing.assert_allclose(found.agents, 1 / 3, atol=1e-12)
    np.testing.assert_allclose(found.skill, 0, atol=1e-12)
    copied = [0, 0, 1, 2, 2, 2]
    found = nash_averaging(ROCK_PAPER_SCISSORS[np.ix_(copied, copied)])
    np.testing.assert_allclose(found.agents, [1 / 6, 1 / 6, 1 / 3, 1 / 9, 1 / 9, 1 / 9], atol=1e-9)
    np.testing.assert_allclose(found.skill, 0, atol=1e-9)


def test_where_everybody_ties_everybody_counts():
    np.testing.assert_allclose(nash_averaging(np.zeros((4, 4))).agents, 0.25)
    np.testing.assert_allclose(
        nash_averaging(np.ones((4, 4)) + np.diag([5, 6, 7, 8])).agents, 0.25
    )  # self-play says nothing


def test_a_best_agent_takes_all():
    """In a transitive table the strongest is the equilibrium, and skills are what is lost to it."""
    strength = np.array([0.5, 3.0, 1.0, -2.0])
    found = nash_averaging(strength[:, None] - strength[None, :])
    np.testing.assert_allclose(found.agents, [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.skill, strength - 3.0, atol=1e-12)
    assert found.to_frame(["a", "b", "c", "d"])["agent"].tolist() == ["b", "c", "a", "d"]


def test_an_inequality_can_bind():
    """Agents 0 and 1 tie; 2 beats 0 by 2 and loses to 1 by 1, so 0 may have at most a third."""
    found = nash_averaging([[0, 0, -2], [0, 0, 1], [2, -1, 0]])
    np.testing.assert_allclose(found.agents, [1 / 3, 2 / 3, 0], atol=1e-9)
    assert found.status == "solved"
    assert entropy_gap(np.array([[0, 0, -2], [0, 0, 1], [2, -1, 0]]), 0.0, np.array([0.25, 0.75, 0])) > 0.05


@pytest.mark.parametrize("seed", range(12))
def test_entropy_is_largest(seed):
    rng = np.random.default_rng(seed)
    table = antisymmetric(rng, 5, digits=1 + seed % 2)
    copies = rng.integers(0, 5, 7)
    table = table[np.ix_(copies, copies)]
    found = nash_averaging(table)
    assert found.residual < 1e-9
    assert found.status == "solved"
    assert found.agents.sum() == pytest.approx(1, abs=1e-12)
    assert (table @ found.agents).max() < 1e-8
    assert entropy_gap(table, 0.0, found.agents) < 1e-6


@pytest.mark.parametrize("n", [3, 6, 25])
def test_copies_share_their_mass_and_change_no_skill(n):
    rng = np.random.default_rng(n)
    table = antisymmetric(rng, n)  # no ties, so the equilibrium is unique
    once = nash_averaging(table)
    copies = np.concatenate([np.arange(n), rng.integers(0, n, 5)])
    twice = nash_averaging(table[np.ix_(copies, copies)])
    np.testing.assert_allclose(twice.skill, once.skill[copies], atol=1e-8)
    np.testing.assert_allclose(np.bincount(copies, twice.agents), once.agents, atol=1e-8)
    np.testing.assert_allclose(twice.agents, (once.agents / np.bincount(copies))[copies], atol=1e-8)
    order = rng.permutation(n)
    np.testing.assert_allclose(
        nash_averaging(table[np.ix_(order, order)]).skill, once.skill[order], atol=1e-8
    )
    np.testing.assert_allclose(nash_averaging(3 * table + 1).skill, 3 * once.skill, atol=1e-8)


def test_copies_do_shift_skills_where_equilibria_are_many():
    """Two agents tie and beat a third by 1 and by 2: the entropy weighs them 1:1, and a copy of the first makes that 2:1."""
    table = np.array([[0.0, 0, 1], [0, 0, 2], [-1, -2, 0]])
    np.testing.assert_allclose(nash_averaging(table).skill, [0, 0, -3 / 2], atol=1e-9)
    copies = [0, 0, 1, 2]
    np.testing.assert_allclose(
        nash_averaging(table[np.ix_(copies, copies)]).skill, [0, 0, 0, -4 / 3], atol=1e-9
    )


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 6), (6, 9)])
def test_tasks(shape):
    for seed in range(4):
        scores = np.random.default_rng(seed).integers(-2, 5, shape).astype(float)
        found = nash_averaging_on_tasks(scores)
        value = game_value(scores)
        assert found.value == pytest.approx(value, abs=1e-9)
        assert found.residual < 1e-9
        assert found.skill.max() == pytest.approx(value, abs=1e-7)
        assert found.difficulty.max() == pytest.approx(-value, abs=1e-7)
        assert entropy_gap(scores, value, found.agents) < 1e-6
        assert entropy_gap(-scores.T, -value, found.tasks) < 1e-6


def test_redundant_tasks_and_a_shift_of_all_scores():
    scores = np.random.default_rng(2).normal(size=(5, 4))
    once = nash_averaging_on_tasks(scores)
    copies = [0, 1, 2, 3, 3, 1]
    np.testing.assert_allclose(nash_averaging_on_tasks(scores[:, copies]).skill, once.skill, atol=1e-8)
    shifted = nash_averaging_on_tasks(scores + 10)
    np.testing.assert_allclose(shifted.skill, once.skill + 10, atol=1e-7)
    np.testing.assert_allclose(shifted.agents, once.agents, atol=1e-7)
    assert shifted.value == pytest.approx(once.value + 10, abs=1e-7)


def test_frames_of_a_cross_play_table():
    names = ["lola", "naive", "sos"]
    table = pd.DataFrame([[1.0, 3, 1], [0, 2, 0], [1, 3, 1]], names, names)
    frame = nash_averaging(table).to_frame(names)
    assert list(frame.columns) == ["rank", "agent", "skill", "mass"]
    assert frame["rank"].tolist() == [1, 1, 3]
    assert frame["agent"].tolist()[-1] == "naive"
    for a, b in itertools.pairwise(frame["skill"]):
        assert a >= b - 1e-9


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nash_averaging(np.zeros((2, 3))), r"\(2, 3\).*square"),
        (lambda: nash_averaging([[0, np.inf], [1, 0]]), "finite"),
        (lambda: nash_averaging([[0, 1], [1]]), "length"),
        (lambda: nash_averaging_on_tasks([[0, 1], [1]]), "rectangular.*finite"),
        (lambda: nash_averaging_on_tasks([[np.nan, 1]]), "rectangular.*finite"),
        (lambda: nash_averaging(np.zeros((2, 2))).to_frame(["one"]), "1 names.*2 agents"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
