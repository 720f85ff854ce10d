import itertools

import numpy as np
import pytest

from solvers.repeated.active_equilibria import (
    active_best_response,
    active_profile,
    discretization_error,
    mutual_best_responses,
    recurrent_classes,
)
from solvers.repeated.policy_grids import keep_policy, policy_grid, rule_on_grid

DILEMMA = ([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]])
PENNIES = ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
BATTLE = ([[2, 0], [0, 1]], [[1, 0], [0, 2]])


def naive(player, payoffs, lr):
    """Gradient ascent on one's own probability, in a game of two."""
    own = np.asarray(payoffs[player]) if player == 0 else np.asarray(payoffs[player]).T

    def update(p):
        other = p[:, 1 - player]
        return p[:, player] + lr * ((own[0] - own[1]) @ np.stack([other, 1 - other]))

    return update


def counted(chain, reward):
    """The average reward of a chain of four states from each, by its powers: none has a period that does not divide 12."""
    late = np.linalg.matrix_power(chain, 2**20)
    return np.mean([late @ np.linalg.matrix_power(chain, k) @ reward for k in range(12)], axis=0)


@pytest.mark.parametrize("seed", range(5))
def test_rules_that_stay_are_equilibria_exactly_at_the_nash_equilibria_of_the_grid(seed):
    payoffs = np.random.default_rng(seed).integers(-3, 4, (2, 2, 2)).astype(float)
    grid = policy_grid(payoffs, 5)
    profile = active_profile(grid, [keep_policy(grid, i) for i in (0, 1)])
    q = grid.probabilities
    mix = np.stack([q, 1 - q])
    u, v = mix.T @ payoffs[0] @ mix, mix.T @ payoffs[1] @ mix
    nash = (u >= u.max(0, keepdims=True) - 1e-9) & (v >= v.max(1, keepdims=True) - 1e-9)
    assert profile.equilibrium_starts().tolist() == np.flatnonzero(nash.ravel()).tolist()
    assert [c.states for c in profile.classes] == [(s,) for s in range(25)]


@pytest.mark.parametrize("seed", range(8))
def test_best_responses_against_all_deterministic_rules(seed):
    rng = np.random.default_rng(seed)
    grid = policy_grid(rng.normal(size=(2, 2, 2)), 2)
    other = (
        rng.dirichlet([0.6, 0.6], size=4) if seed % 2 else np.eye(2)[rng.integers(0, 2, 4)]
    )  # deterministic ones make reducible chains
    response, best = active_best_response(grid, [other, other], 0)
    tables = [np.eye(2)[list(choice)] for choice in itertools.product(range(2), repeat=4)]

    def gains(own):
        chain = np.einsum("sa,sb->sab", own, other).reshape(4, 4)
        return counted(chain, grid.rewards[:, 0])

    np.testing.assert_allclose(best, np.max([gains(own) for own in tables], axis=0), atol=1e-8)
    np.testing.assert_allclose(gains(response), best, atol=1e-8)


@pytest.mark.parametrize("points", [5, 11])
def test_who_is_copied_cooperates(points):
    grid = policy_grid(DILEMMA, points)
    copy = [rule_on_grid(grid, i, lambda p, i=i: p[:, 1 - i]) for i in (0, 1)]
    np.testing.assert_allclose(active_best_response(grid, copy, 0)[1], -1)
    both = active_profile(grid, copy)
    assert grid.policies[both.equilibrium_starts()].tolist() == [[1, 1]]
    periods = {c.states: c.period for c in both.classes}
    assert sorted(periods.values()) == [1] * points + [2] * (
        points * (points - 1) // 2
    )  # unequal ones are exchanged


@pytest.mark.parametrize("payoffs", [DILEMMA, BATTLE])
def test_mutual_best_responses_are_equilibria_from_where_they_say(payoffs):
    grid = policy_grid(payoffs, 5)
    found = mutual_best_responses(grid, [rule_on_grid(grid, i, naive(i, payoffs, 0.3)) for i in (0, 1)])
    assert found.settled
    for player in (0, 1):  # no other rule gains from any state
        np.testing.assert_allclose(
            active_best_response(grid, found.rules, player)[1], found.gains[:, player], atol=1e-9
        )
    assert len(found.equilibrium_starts())


def test_pursuit_and_evasion_never_settle():
    grid = policy_grid(PENNIES, 2)
    found = mutual_best_responses(
        grid, [keep_policy(grid, i) for i in (0, 1)], rounds=7
    )  # certain policies, foreseen, always lose to someone
    assert not found.settled
    assert found.rounds == 7
    assert len(found.equilibrium_starts()) == 0


def test_who_always_replies_best_is_led_in_circles():
    grid = policy_grid(PENNIES, 2)
    reply = rule_on_grid(grid, 1, lambda p: 1.0 - p[:, 0])  # the column player mismatches what it saw
    response, gain = active_best_response(grid, [reply, reply], 0)
    np.testing.assert_allclose(gain, 1)
    led = active_profile(grid, [response, reply])
    assert [c.period for c in led.classes] == [2]
    np.testing.assert_allclose(led.classes[0].payoffs, [1, -1])
    assert led.regrets[:, 0].max() <= 1e-9
    assert led.regrets[:, 1].min() > 0


def test_a_naive_learner_is_led_to_ones_own_favorite():
    grid = policy_grid(BATTLE, 7)
    learner = rule_on_grid(grid, 1, naive(1, BATTLE, 0.1))
    _, gain = active_best_response(grid, [learner, learner], 0)
    np.testing.assert_allclose(gain, 2, atol=1e-9)
    both = active_profile(grid, [rule_on_grid(grid, i, naive(i, BATTLE, 0.1)) for i in (0, 1)])
    ends = {tuple(grid.policies[c.states[0]]): c.payoffs.tolist() for c in both.classes if len(c.states) == 1}
    assert ends[(1, 1)] == [2, 1]
    assert ends[(0, 0)] == [1, 2]


def test_a_rule_on_the_grid_moves_as_its_update_does_on_average():
    grid = policy_grid(DILEMMA, 6)
    update = naive(0, DILEMMA, 0.03)
    rule = rule_on_grid(grid, 0, update)
    np.testing.assert_allclose(rule @ grid.probabilities, np.clip(update(grid.policies), 0, 1), atol=1e-12)
    np.testing.assert_allclose(rule.sum(1), 1)
    assert (rule > 0).sum(1).max() <= 2


def test_finer_grids_change_less():
    errors = [discretization_error(PENNIES, [None, naive(1, PENNIES, 0.2)], 0, points) for points in (3, 5)]
    assert errors[1] < errors[0]
    assert discretization_error(BATTLE, [None, naive(1, BATTLE, 0.2)], 0, 3) < 1e-9


def test_three_players_and_periods():
    payoffs = np.random.default_rng(0).normal(size=(3, 2, 2, 2))
    grid = policy_grid(payoffs, 2)
    np.testing.assert_allclose(
        grid.rewards[::-1], payoffs.reshape(3, 8).T
    )  # the grid runs from P(action 0) = 0
    turn = [rule_on_grid(grid, i, lambda p, i=i: p[:, (i + 1) % 3]) for i in range(3)]
    assert sorted(c.period for c in active_profile(grid, turn).classes) == [1, 1, 3, 3]
    clock = np.roll(np.eye(6), 1, axis=1)
    clock[2, 0] = clock[2, 3] = 0.5  # loops of length 6 and 3
    assert [(c.states, c.period) for c in recurrent_classes(clock, np.zeros((6, 1)))] == [
        ((0, 1, 2, 3, 4, 5), 3)
    ]


def test_bad_input():
    with pytest.raises(ValueError, match="two actions"):
        policy_grid(np.zeros((2, 2, 3)))
    grid = policy_grid(DILEMMA, 2)
    with pytest.raises(ValueError, match=r"1 rules.*2"):
        active_profile(grid, [keep_policy(grid, 0)])
    with pytest.raises(ValueError, match="Player 1's"):
        active_profile(grid, [keep_policy(grid, 0), 2 * keep_policy(grid, 1)])
    with pytest.raises(ValueError, match="finite"):
        rule_on_grid(grid, 0, lambda p: np.nan)
    large = policy_grid(DILEMMA, 101)
    with pytest.raises(ValueError, match="84 GB"):
        active_best_response(large, [keep_policy(large, i) for i in (0, 1)], 0)
