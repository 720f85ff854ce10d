"""`ok` covers what learners keep: a table, a moment or a model that is not finite is divergence, even where values stay finite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from analysis.tournaments.round_robins import round_robin
from games import Sampled, balduzzi, tandem
from shaping import LEARNERS, Learner, Naive, QLearning, play
from shaping.training import MatchTrainer, run
from tests.reference.toys import ONE_STATE, OneState

pytestmark = pytest.mark.usefixtures("quickly_compiled")


class Growing(Learner):
    """Stands still, and multiplies what it keeps wherever it began above 0; a counter and a key are kept beside."""

    def init(self, view):
        return jnp.where(view.own[0] > 0, 2.0, 0.0), jnp.array(2**31 - 1), jax.random.key(0)

    def update(self, state, view):
        return jax.tree.map(jnp.zeros_like, view.own), (state[0] * 1e30, *state[1:])


def test_a_state_that_overflows_is_divergence_in_a_match_and_in_a_round_robin():
    """The players' first numbers decide who overflows, so that seats and lanes differ."""
    game = balduzzi()
    match = play(game, [Growing(), Naive(0.0)], steps=3, seeds=16)
    np.testing.assert_array_equal(match.ok, match.params[0][:, 0] <= 0)
    assert 0 < match.ok.sum() < 16
    assert jnp.isfinite(match.values).all()
    table = round_robin(game, [Naive(0.0), Growing()], steps=3, seeds=16)
    first, second = (np.asarray(own)[0, 0, :, 0] > 0 for own in table.params)
    np.testing.assert_array_equal(table.ok[0, 0], np.ones(16, bool))
    np.testing.assert_array_equal(table.ok[1, 0], ~first)
    np.testing.assert_array_equal(table.ok[0, 1], ~second)
    np.testing.assert_array_equal(table.ok[1, 1], ~(first | second))
    assert len({tuple(lane) for lane in table.ok.reshape(4, 16)}) == 4


def test_a_training_whose_state_overflows_ends_with_a_sentence():
    with pytest.raises(ValueError, match="finite"):
        run(MatchTrainer(tandem(), [Growing(), Growing()]), iterations=3)


@pytest.mark.slow
def test_tables_that_overflow_are_divergence_though_their_greedy_policies_are_finite():
    match = play(
        Sampled(OneState(ONE_STATE), steps=2, batch=2), [QLearning(spread=3e38)] * 2, steps=1, seeds=8
    )
    finite = np.logical_and(*(np.isfinite(state.q).all((1, 2, 3)) for state in match.states))
    np.testing.assert_array_equal(match.ok, finite)
    assert not finite.all()
    assert jnp.isfinite(match.values).all()


@pytest.mark.parametrize("name", ["q_learning", "jal_q", "phc", "wolf_phc"])
def test_tables_do_not_overshoot_their_targets(name):
    LEARNERS.make(name, lr=1.0)
    with pytest.raises(ValueError, match=r"lr is 10.*\[0, 1\]"):
        LEARNERS.make(name, lr=10)
