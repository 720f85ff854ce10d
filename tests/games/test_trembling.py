"""Execution errors: exact values against chains written by hand, and classical results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import Iterated, MatrixGame, ipd, ipd_axelrod, trembling
from games.exact.parameterized import Network, Parameterized
from games.strategies import policy
from shaping import Naive, play


def logit(p):
    return jnp.log(p) - jnp.log1p(-p)


def executed(p, error):
    return (1 - error) * p + error * (1 - p)


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_values_are_those_of_the_executed_tables(x64, discount):
    tables = np.random.default_rng(1).uniform(0.01, 0.99, (2, 5))
    game = ipd(discount=discount)
    found = trembling(game, 0.07).values(tuple(map(logit, tables)))
    np.testing.assert_allclose(found, game.values(tuple(map(logit, executed(tables, 0.07)))), rtol=1e-10)


def test_classical_long_runs(x64):
    """Boyd 1989; Nowak & Sigmund 1993: after an error tit for tat alternates, win-stay lose-shift recovers."""
    small = 1e-6
    game = trembling(ipd_axelrod(), small)
    tft, wsls = policy("tft"), policy("wsls")
    np.testing.assert_allclose(game.values((tft, tft)), [(3 + 0 + 5 + 1) / 4] * 2, rtol=1e-5)
    np.testing.assert_allclose(game.values((wsls, wsls)), [3, 3], rtol=1e-4)


def test_without_errors_nothing_changes():
    for settings in ({}, {"discount": 1.0}, {"memory": 2}):
        game = ipd(**settings)
        params = game.init(jax.random.key(0))
        np.testing.assert_allclose(trembling(game, 0.0).values(params), game.values(params), rtol=1e-5)
    certain = (policy("tft"), policy("grim"))
    np.testing.assert_allclose(trembling(ipd(), 0.0).values(certain), ipd().values(certain), rtol=1e-6)


def test_more_actions_and_other_parameters(x64):
    stage = MatrixGame(np.random.default_rng(0).normal(size=(2, 3, 3)))
    game = Iterated(stage, 0.9)
    params = game.init(jax.random.key(1))
    p = [np.asarray(jax.nn.softmax(own)) for own in params]
    shaken = tuple(jnp.log((1 - 0.2) * x + 0.1 * (1 - x)) for x in p)
    np.testing.assert_allclose(trembling(game, 0.2).values(params), game.values(shaken), rtol=1e-10)
    nets = Parameterized(ipd(), Network(4))
    params = nets.init(jax.random.key(2))
    np.testing.assert_allclose(
        trembling(nets, 0.1).values(params), trembling(ipd(), 0.1).values(nets.tables(params)), rtol=1e-10
    )


def test_learners_play_it_and_errors_are_data():
    rough = play(trembling(ipd(), 0.1), [Naive(), Naive()], steps=3, seeds=2)
    assert bool(rough.ok.all())
    with pytest.raises(ValueError, match=r"error.*1\.5.*\[0"):
        trembling(ipd(), 1.5)


def test_another_kind_of_game_is_refused():
    with pytest.raises(ValueError, match=r"MatrixGame.*repeated game"):
        trembling(ipd().stage, 0.1)
    assert trembling(ipd(), 0.1).name == "trembling_iterated_prisoners_dilemma"
