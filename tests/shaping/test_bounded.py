"""Derivatives through others' learning, bounded: against the backward recursion written by hand."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import tandem
from shaping import Lola, Naive, Scripted, View
from shaping.meta.bounded_gradients import Bounded, bounded
from shaping.meta.game import MetaGame


@pytest.fixture(autouse=True)
def precise(x64, quickly_compiled):
    """Everything here is in float64, by programs that run once each."""


@eqx.filter_jit
def gradient(meta, path):
    """The value of a path and its gradient in every step."""
    return eqx.filter_value_and_grad(lambda player: meta.values((player,))[0])(Scripted(path, opens=True))


def match(lr, steps, **settings):
    """Tandem, the other seat naive."""
    return MetaGame(tandem(init_std=1.0), [None, Naive(lr)], steps, warm_up=0, **settings)


def by_hand(lr, path, most, start):
    """Tandem: V = 2x - (x+y)^2 and y' = y + b (2 - 2(x+y)), so that both derivatives of y' are known, and so is the way back."""
    y = [start]
    for x in path:
        y.append(y[-1] + lr * (2 - 2 * (x + y[-1])))
    back, found = 0.0, []  # the derivative of all later values in y
    for x, now in zip(path[::-1], y[-2::-1], strict=True):
        passed = np.array([-2 * lr, 1 - 2 * lr]) * back  # through the step, in x and in y
        passed *= min(1, most / max(np.linalg.norm(passed), 1e-300))
        found.append(2 - 2 * (x + now) + passed[0])
        back = -2 * (x + now) + passed[1]
    return np.array(found[::-1]) / len(path)


def test_what_comes_back_is_shortened_at_every_step_and_in_every_lane():
    path = np.array([0.4, -0.2, 1.0, 0.1, 0.7])
    meta = match(1.5, 5, lanes=2)
    plain = gradient(meta, path[:, None])
    starts = [float(meta.game.init(jax.random.fold_in(jax.random.key(0), lane))[1][0]) for lane in range(2)]
    assert abs(starts[0] - starts[1]) > 0.1
    for most in (0.0, 0.5, 20.0, np.inf):
        value, found = gradient(bounded(meta, most), path[:, None])
        np.testing.assert_allclose(value, plain[0], rtol=1e-12)
        expected = np.mean([by_hand(1.5, path, most, start) for start in starts], axis=0)
        np.testing.assert_allclose(found.path.ravel(), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.path, plain[1].path, rtol=1e-12)  # the last bound is none


def test_a_chaotic_match_keeps_a_finite_gradient():
    """The other's overshooting multiplies derivatives by 1999 per step, beyond the largest number in 100 steps."""
    path = np.zeros((100, 1))
    meta = match(
        1e3, 100, initial=(jnp.zeros(1), jnp.ones(1))
    )  # the fixed point x + y = 1: values stay finite
    assert not np.isfinite(gradient(meta, path)[1].path).all()
    found = gradient(bounded(meta, 1.0), path)[1].path
    assert np.isfinite(found).all()
    assert (np.abs(found) <= 1 / 100 + 1e-12).all()  # V's own derivative is 0 there


@pytest.mark.parametrize("learner", [Naive(0.3), Lola(0.3)])
def test_learning_itself_is_left_as_it_is(learner):
    view = View(tandem(), (jnp.full(1, 0.4), jnp.full(1, -0.7)), 1)
    assert Bounded(learner, 0.1).update((), view)[0] == learner.update((), view)[0]
    assert Bounded(learner).label == learner.label


def test_a_bad_bound_is_refused():
    with pytest.raises(ValueError, match=r"most is -1.*at least 0"):
        bounded(match(1.0, 2), -1.0)
