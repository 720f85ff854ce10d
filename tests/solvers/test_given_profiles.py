"""Regrets of given profiles, potentials, symmetric equilibria and commitments against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from games import ipd, ipd_axelrod, trembling
from solvers import (
    exact_potential,
    exploitability,
    is_nash,
    nash_conv,
    optimal_commitment,
    pure_equilibria,
    regrets,
    repeated_payoffs,
    solve,
)

seeds = st.integers(0, 10**6)


@given(seed=seeds)
def test_regrets_of_a_normal_form_are_those_of_all_pure_deviations(seed):
    rng = np.random.default_rng(seed)
    payoffs = rng.normal(size=(3, 2, 3, 2))
    profile = [rng.dirichlet(np.ones(a)) for a in (2, 3, 2)]

    def value(strategies):
        return np.einsum("nabc,a,b,c->n", payoffs, *strategies)

    expected = []
    for player, own in enumerate(profile):
        deviations = [
            value([*profile[:player], pure, *profile[player + 1 :]])[player] for pure in np.eye(len(own))
        ]
        expected.append(max(deviations) - value(profile)[player])
    found = regrets(payoffs, profile)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert nash_conv(payoffs, profile) == pytest.approx(sum(expected))
    assert exploitability(payoffs, profile) == pytest.approx(sum(expected) / 3)


@pytest.mark.parametrize(
    "game", [ipd(), ipd_axelrod(discount=0.9), trembling(ipd_axelrod(discount=0.9), 0.02)]
)
def test_regrets_of_a_repeated_game_are_those_of_all_deterministic_strategies(game):
    profile = ("tft", np.array([0.9, 0.8, 0.3, 0.6, 0.1]))
    deviations = [np.array(p) for p in itertools.product((0.0, 1.0), repeat=5)]
    base = repeated_payoffs(game, profile)
    best = [
        max(repeated_payoffs(game, (d, profile[1]))[0] for d in deviations) - base[0],
        max(repeated_payoffs(game, (profile[0], d))[1] for d in deviations) - base[1],
    ]
    np.testing.assert_allclose(regrets(game, profile), best, atol=1e-9)


def test_no_regret_at_equilibrium():
    assert nash_conv(ipd(), ("grim", "grim")) == pytest.approx(0, abs=1e-9)
    assert bool(is_nash(ipd(), ("grim", "grim")))
    for equilibrium in solve("chicken"):
        assert nash_conv("chicken", equilibrium.profile) == pytest.approx(0, abs=1e-9)


@given(seed=seeds)
def test_a_game_made_of_a_potential_has_it(seed):
    rng = np.random.default_rng(seed)
    potential = rng.normal(size=(2, 3, 2))
    payoffs = np.stack(
        [potential + rng.normal(size=potential.mean(axis=i, keepdims=True).shape) for i in range(3)]
    )
    found = exact_potential(payoffs)
    assert found.is_potential_game
    np.testing.assert_allclose(found.potential, potential - potential.mean(), atol=1e-9)
    top = np.unravel_index(potential.argmax(), potential.shape)
    pure = {tuple(int(s.argmax()) for s in e.profile) for e in pure_equilibria(payoffs)}
    assert tuple(map(int, top)) in pure


@given(seed=seeds)
def test_a_cycle_that_gains_refutes_a_potential(seed):
    """Monderer & Shapley 1996, corollary 2.9: the gains along a cycle of four deviations sum to 0."""
    a, b = np.random.default_rng(seed).normal(size=(2, 2, 2))
    around = (a[1, 0] - a[0, 0]) + (b[1, 1] - b[1, 0]) + (a[0, 1] - a[1, 1]) + (b[0, 0] - b[0, 1])
    assert exact_potential((a, b)).is_potential_game == (abs(around) < 1e-9)


def test_symmetric_equilibria_of_hawk_and_dove():
    found = solve([[[0, 7], [2, 6]], [[0, 2], [7, 6]]])
    assert len(found) == 3
    assert [e.profile[0].round(6).tolist() for e in found.symmetric()] == [[round(1 / 3, 6), round(2 / 3, 6)]]
    with pytest.raises(ValueError, match=r"2 x 3.*equally many"):
        solve(np.zeros((2, 2, 3))).symmetric()


@given(seed=seeds, leader=st.integers(0, 1))
def test_a_commitment_is_the_best_on_a_grid_and_no_worse_than_any_equilibrium(seed, leader):
    payoffs = np.random.default_rng(seed).normal(size=(2, 2, 3) if leader == 0 else (2, 3, 2))
    found = optimal_commitment(payoffs, leader)
    own, other = payoffs[leader], payoffs[1 - leader]
    if leader:
        own, other = own.T, other.T
    grid = np.linspace(0, 1, 2001)
    mixed = np.stack([grid, 1 - grid], axis=1)
    responses = (mixed @ other).argmax(axis=1)
    best = (mixed @ own)[np.arange(len(grid)), responses].max()
    assert found.payoffs[leader] >= best - 1e-9
    assert found.payoffs[leader] <= best + 2e-3 * np.ptp(own) * 3
    assert found.residual <= 1e-8
    assert all(found.payoffs[leader] >= e.payoffs[leader] - 1e-8 for e in solve(payoffs))


def test_refusals():
    with pytest.raises(ValueError, match=r"3 players.*two players"):
        optimal_commitment(np.zeros((3, 2, 2, 2)))
    with pytest.raises(ValueError, match=r"leader is 2.*0 or 1"):
        optimal_commitment("chicken", leader=2)
    with pytest.raises(ValueError, match=r"shape \(3,\).*2 actions"):
        regrets("chicken", ([1, 0, 0], [1, 0]))
