"""Solvers in JAX follow JAX's precision, whichever it was when their input was made, and take whatever solvers take."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import MatrixGame, chicken, matching_pennies
from solvers import (
    DYNAMICS,
    FLOWS,
    NormalForm,
    basins_of_flow,
    equilibria_2x2,
    evolve,
    evolve_population,
    fixed_points,
    learn,
    quantal_response,
    stackelberg,
)
from solvers.differentiable.jacobian import GradientField

pytestmark = pytest.mark.usefixtures("quickly_compiled")
TENTHS = [[0.1, 0.0], [0.3, -1.0]]
HALF = ([0.5, 0.5], [0.5, 0.5])


def made():
    """A game, a rule and a flow in the present precision."""
    return chicken(payoffs=TENTHS), DYNAMICS.make("smoothed_best_response", rate=0.5), FLOWS.make("logit")


def answers(game, rule, flow):
    """What the solvers say of a game."""
    return (
        learn(game, rule, 4).average[0],
        evolve(game, flow, HALF, [0.0, 1.0]).profile[0][-1],
        evolve_population(game.payoffs[0], flow, HALF[0], [0.0, 1.0]).profile[0][-1],
        quantal_response(game, [1.0]).strategies[0][0],
    )


def test_what_was_made_in_one_precision_is_solved_in_the_other():
    narrow = made()
    with jax.enable_x64(True):
        wide = made()
        expected = answers(*wide)
        crossed = answers(*narrow)
    assert {x.dtype for x in expected + crossed} == {jnp.dtype("float64")}
    for k in (0, 1, 3):  # solved from the numbers that were typed; a bare float32 array is what it is
        np.testing.assert_allclose(crossed[k], expected[k], rtol=0, atol=1e-15)
    found = answers(*wide)
    assert {x.dtype for x in found} == {jnp.dtype("float32")}
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert equilibria_2x2(*wide[0].payoffs).row.dtype == jnp.float32


def test_traced_payoffs_follow_too(x64):
    payoffs = jnp.asarray([[TENTHS, TENTHS]], jnp.float32)
    assert jax.vmap(lambda p: learn(p, DYNAMICS.make("hedge"), 3).average[0])(payoffs).dtype == jnp.float64
    assert (
        jax.vmap(lambda p: learn(MatrixGame(p), DYNAMICS.make("hedge"), 3).average[0])(payoffs).dtype
        == jnp.float64
    )


@pytest.mark.slow
def test_starts_in_float32_are_followed_in_float64():
    start = (jnp.asarray([0.3]), jnp.asarray([-0.2]))
    axis = jnp.asarray([0.0, 0.25])
    with jax.enable_x64(True):
        game = matching_pennies()
        (point,) = fixed_points(game, jax.tree.map(lambda x: x[None], start))
        assert point.params[0].dtype == jnp.float64
        assert stackelberg(game, start, method="ascent", max_steps=3).params[0].dtype == jnp.float64
        assert basins_of_flow(GradientField(game), axis, axis, time=0.1).xs.dtype == np.float64


@pytest.mark.parametrize(
    "game",
    [matching_pennies(), "mp", NormalForm(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]))],
    ids=["game", "name", "form"],
)
def test_games_are_learned(game):
    """Fictitious play from (1, 0), (1, 0), by hand: player 1 leaves at once, player 0 after three periods on the losing side."""
    found = learn(game, DYNAMICS.make("fictitious_play"), 3, start=([1, 0], [1, 0]))
    plays = [(0, 0), (0, 1), (0, 1), (1, 1)]  # ties go to the first action
    np.testing.assert_allclose(found.average[0], np.eye(2)[[a for a, _ in plays]].mean(0), atol=1e-6)
    np.testing.assert_allclose(found.average[1], np.eye(2)[[b for _, b in plays]].mean(0), atol=1e-6)
    assert evolve(game, FLOWS.make("replicator"), HALF, [0.0, 1.0]).speed == 0


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (([0.5, 0.6], [0.5, 0.5]), r"\[0.5, 0.6\].*simplex"),
        (([1.5, -0.5], [0.5, 0.5]), "simplex"),
        (([0, 0], [1, 0]), "simplex"),
        (([1, 0],), "one strategy"),
        (([1, 0], [1, 0], [1, 0]), "one strategy"),
        (([1, 0, 0], [1, 0]), r"\[2, 2\] actions"),
        (3, "start is 3.*one strategy"),
        ("up", "one strategy"),
        (([float("nan"), 1], [1, 0]), "NaN"),
    ],
)
def test_starts_are_strategies(start, says):
    with pytest.raises(ValueError, match=says):
        learn(matching_pennies(), DYNAMICS.make("fp"), start=start)
    with pytest.raises(ValueError, match=says):
        evolve(matching_pennies(), FLOWS.make("replicator"), start, [0.0, 1.0])


def test_a_population_starts_on_the_simplex():
    with pytest.raises(ValueError, match="simplex"):
        evolve_population(np.eye(2), FLOWS.make("replicator"), [0.5, 0.6], [0.0, 1.0])


def test_what_has_no_matrix_is_refused():
    for solver in (
        lambda g: learn(g, DYNAMICS.make("fp")),
        lambda g: evolve(g, FLOWS.make("logit"), HALF, [0.0, 1.0]),
        lambda g: quantal_response(g, [1.0]),
    ):
        with pytest.raises(ValueError, match=r"'iterated_prisoners_dilemma'.*matrix game"):
            solver("ipd")
        with pytest.raises(ValueError, match=r"'chickn'.*did you mean 'chicken'"):
            solver("chickn")
