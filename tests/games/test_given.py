"""What may be given for a game, a learner and a seed: all forms of one thing are that thing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import chicken, tandem
from games.checks import as_key, as_seed
from games.sampled.estimators import Surrogate
from shaping import LookAhead, Naive, Sos, Sweep, play, sweep
from shaping.arguments import as_learner
from solvers import solve

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def test_names_factories_and_classes_stand_for_games_and_learners():
    wanted = play(tandem(), [LookAhead(), Naive()], 3, steps=2, seeds=2)
    for game in ("tandem", tandem):
        for learners in (["lookahead", "naive"], [LookAhead, Naive], ("la", Naive())):
            found = play(game, learners, steps=2, seeds=np.int32(2), seed=np.int64(3))
            np.testing.assert_array_equal(found.values, wanted.values)
            assert (found.game, found.learners) == (wanted.game, wanted.learners)


def test_solvers_take_names_and_factories():
    """Chicken has two pure equilibria and a mixed one."""
    assert [len(solve(game)) for game in ("chicken", chicken, chicken())] == [3, 3, 3]


def test_a_sweep_takes_a_name():
    named = sweep("naive", lr=[0.1, 0.2])
    assert isinstance(named, Sweep)
    np.testing.assert_array_equal(named.learner.lr, sweep(Naive, lr=[0.1, 0.2]).learner.lr)


def test_a_seed_and_a_key_are_one_thing_and_no_two_seeds_are_alike():
    words = {
        tuple(jax.random.key_data(as_key(seed)).tolist()) for seed in (0, 1, 2**31 - 1, 2**31, 2**32 - 1)
    }
    assert len(words) == 5
    for same in (np.int32(7), np.uint64(7), jnp.asarray(7), jax.random.key(7)):
        assert (jax.random.key_data(as_key(same)) == jax.random.key_data(jax.random.key(7))).all()
    assert as_seed(key=5) == as_seed(5) == as_seed(np.int16(5)) == 5


def test_a_learner_with_nobody_beside_it_is_a_naive_one():
    from games import Smooth

    alone = Smooth(lambda x: (x**2,), n_players=1)
    sos, naive = (play(alone, [learner], steps=3) for learner in (Sos(0.1), Naive(0.1)))
    np.testing.assert_allclose(sos.values, naive.values, rtol=1e-6)


def test_as_learner_leaves_a_learner_as_it_is():
    learner = Naive(0.5)
    assert as_learner(learner) is learner


def test_the_batch_baseline_of_a_surrogate_leaves_its_first_derivative_right():
    """Two episodes of one step, whose rewards are 1 and 3: each is compared with the other."""
    rewards = jnp.array([1.0, 3.0])[None, :, None]

    def objective(logs):
        return Surrogate("batch")(logs[None, :, None], rewards, jnp.zeros((2, 2, 1)), jnp.asarray(0.9))[0]

    value, slope = jax.value_and_grad(objective)(jnp.zeros(2))
    assert value == 2.0
    np.testing.assert_allclose(slope, [(1 - 3) / 2, (3 - 1) / 2])


def test_the_one_best_action_of_one_player_is_all_there_is():
    assert solve([[1, 3, 2]]).complete
    assert not solve([[1, 3, 3]]).complete  # any mixture of two
