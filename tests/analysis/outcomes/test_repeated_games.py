"""Best responses in repeated games of other sizes: batches against the solver, lane by lane."""

import jax
import numpy as np
import pytest

from analysis import Cell
from analysis.outcomes import PlayedMatch
from analysis.outcomes.exploitability import best_responses, by_policy_iteration, lane_by_lane
from games import ipd, ipd_contribution, iterated_rock_paper_scissors
from games.exact.parameterized import trembling
from solvers import best_response, repeated_payoffs

GAMES = {
    "three actions": iterated_rock_paper_scissors(),
    "memory two": ipd(memory=2),
    "three players": ipd_contribution(n_players=3),
    "execution errors": trembling(ipd(memory=2), 0.1),
    "memory one": ipd(),
}


def drawn(game, lanes=3, certain=False):
    """A match of random parameters; with some certain actions if asked for."""
    params = jax.vmap(game.init)(jax.random.split(jax.random.key(0), lanes))
    flat = tuple(np.asarray(own).reshape(lanes, -1) * (300.0 if certain else 1.0) for own in params)
    values = np.zeros((game.n_players, lanes))
    ok = np.arange(lanes) != 1
    return PlayedMatch(Cell(game, ("x",) * game.n_players, flat, values, values, ok, 1))


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("name", GAMES)
def test_batches_agree_with_the_solver(name, certain):
    match = drawn(GAMES[name], certain=certain)
    found, expected = by_policy_iteration(match), lane_by_lane(match)
    for batch, solver in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose(batch, solver, atol=1e-8)
    assert np.isnan(found.value[:, 1]).all()  # a lane that diverged
    if match.n_players == 2:
        assert (found.left <= expected.left + 1e-8)[:, match.ok].all()
        if not certain:
            np.testing.assert_allclose(found.left, expected.left, atol=1e-8)
    else:
        assert found.left is None


def test_both_ways_of_memory_one_agree():
    match = drawn(GAMES["memory one"], certain=True)
    for fast, general in zip(best_responses(match), by_policy_iteration(match), strict=True):
        np.testing.assert_allclose(fast[:, match.ok], general[:, match.ok], atol=1e-8)


def test_average_rewards_of_larger_games():
    game = iterated_rock_paper_scissors(discount=1.0)
    match = drawn(game)
    found = best_responses(match)
    logits = [own[0].reshape(10, 3).astype(float) for own in match.cell.params]
    profile = [np.exp(own) / np.exp(own).sum(axis=1, keepdims=True) for own in logits]
    np.testing.assert_allclose(found.value[:, 0], repeated_payoffs(game, profile), atol=1e-6)
    np.testing.assert_allclose(found.best[0, 0], best_response(game, profile, 0).value, atol=1e-6)


def test_the_least_that_equally_good_responses_leave():
    match = drawn(ipd())
    match.cell = match.cell._replace(
        params=tuple(np.full((3, 5), 1000.0) for _ in range(2)), ok=np.ones(3, bool)
    )
    for found in (
        best_responses(match),
        by_policy_iteration(match),
    ):  # to defect against one that always cooperates
        np.testing.assert_allclose(found.best, 0, atol=1e-9)
        np.testing.assert_allclose(found.left, -3, atol=1e-9)
