"""Learning against the others' past."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import hamiltonian, tandem
from shaping import Naive, Optimistic, View, play
from shaping.wrappers.past_opponents import AgainstPast

pytestmark = pytest.mark.usefixtures("quickly_compiled")
CAPACITY, EVERY, STEPS = 3, 2, 40


def test_who_is_shown_was_there_at_a_kept_step():
    """On the rotation, where the first value's slope is a multiple of the second player's number, the step tells who was met."""
    learner = AgainstPast(Naive(0.1), CAPACITY, EVERY, share=1.0)
    match = play(
        hamiltonian(),
        [learner, Naive(0.1)],
        3,
        steps=STEPS,
        trajectory=True,
        params=(jnp.ones(1), jnp.ones(1)),
    )
    assert match.trajectory is not None
    x, y = (np.asarray(p[0, :, 0]) for p in match.trajectory)
    met = -np.diff(x) / 0.1  # a step of x is -0.1 y
    ages = set()
    for t in range(STEPS):
        kept = np.arange(0, t + 1, EVERY)[-CAPACITY:]
        gaps = np.abs(y[kept] - met[t])
        assert gaps.min() < 1e-4
        ages.add(len(kept) - 1 - int(gaps.argmin()))
    assert ages == set(range(CAPACITY))


@pytest.mark.parametrize(("share", "capacity"), [(0.0, 4), (1.0, 1)])
def test_with_no_past_or_with_yesterday_alone_it_is_the_inner_learner(share, capacity):
    inner, params = Optimistic(0.1), (jnp.array([0.3]), jnp.array([-0.2]))
    view = View(tandem(), params, 0, jax.random.key(0))
    ours, plain = (
        jax.jit(lambda x=x: x.update(x.init(view), view)[0])()
        for x in (AgainstPast(inner, capacity, 1, share), inner)
    )
    np.testing.assert_allclose(ours, plain, rtol=1e-6)


def test_the_share_is_a_probability():
    with pytest.raises(ValueError, match=r"share is 1.5.*number"):
        AgainstPast(Naive(), share=1.5)
    with pytest.raises(ValueError, match=r"capacity is 0.*at least 1"):
        AgainstPast(Naive(), capacity=0)
    assert jax.tree.leaves(AgainstPast(Naive(), share=0.25))[-1] == 0.25
