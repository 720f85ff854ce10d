"""The laws of learners that learn from episodes, over the registry, on a short dilemma and a small coin game."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS, GAMES
from games.agents.policies import GruPolicy, TablePolicy
from games.environments.coin import CoinGame
from games.sampled.game import Sampled
from shaping import LEARNERS, View, play
from tests.reference.compilations import compilations

pytestmark = pytest.mark.usefixtures("quickly_compiled")
LEARNING = [
    entry
    for entry in LEARNERS
    if entry.facts["learns"] and entry.facts["sampled"] and not entry.facts["trained"]
]

over_learners = pytest.mark.parametrize("entry", LEARNING, ids=lambda e: e.name)


def dilemma():
    """Played by tables."""
    return Sampled(ENVIRONMENTS.make("ipd_rollout", length=4), TablePolicy(), batch=4)


@eqx.filter_jit
def stepped(game, learner, joint, key):
    """The first seat's step after an `init`, with the states before and after."""
    view = View(game, joint, 0, key)
    state = learner.init(view)
    step, after = learner.update(state, view)
    return step, state, after


def made(entry, rate):
    """A learner at a rate, and the rate of its policy's climb with it."""
    return entry.make(**{name: rate for name in ("lr", "delta") if name in entry.settings()})


def kinds(tree):
    return jax.tree.structure(tree), [(x.shape, x.dtype) for x in jax.tree.leaves(tree)]


def moved(tree):
    return any(np.any(x) for x in jax.tree.leaves(tree))


@over_learners
def test_a_step_keeps_structure_and_stands_still_at_rate_zero_and_is_one_program(entry):
    game = dilemma()
    joint, key = game.init(jax.random.key(0)), jax.random.key(1)
    step, before, after = stepped(game, made(entry, 0.3), joint, key)
    others = [(made(entry, lr), jax.random.key(k)) for lr, k in ((0.3, 1), (0.3, 2), (0.1, 1), (0.0, 1))]
    with compilations() as count:
        (again, *_), (other_key, *_), slow, (still, *_) = (stepped(game, x, joint, k) for x, k in others)
    assert count == []
    assert kinds(step) == kinds(joint[0])
    assert kinds(before) == kinds(after)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((step, after)))
    np.testing.assert_array_equal(step, again)
    assert not np.array_equal(step, other_key)
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(*map(jax.tree.leaves, ((step, after), slow[::2])), strict=True)
    )
    assert moved(step)
    assert entry.facts["tabular"] or not moved(
        still
    )  # values in tables are drawn, and played from the first step on


@pytest.mark.slow  # recurrent networks take the compiler long
@over_learners
def test_recurrent_networks_learn_in_the_coin_game(entry):
    game = Sampled(CoinGame.loqa(length=2), GruPolicy(2), batch=8)  # enough that somebody takes a coin
    joint = game.init(jax.random.key(0))
    if entry.facts["tabular"]:
        with pytest.raises(ValueError, match="TablePolicy"):
            stepped(game, entry.make(), joint, jax.random.key(1))
        return
    step, before, after = stepped(game, entry.make(lr=0.3), joint, jax.random.key(1))
    assert kinds(step) == kinds(joint[0])
    assert kinds(before) == kinds(after)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((step, after)))
    assert moved(step.actor)


@pytest.mark.slow  # a program for each number of lanes
@over_learners
def test_same_key_same_run_whatever_the_number_of_lanes(entry):
    one, two = (play(dilemma(), [entry.make(lr=0.1)] * 2, 0, steps=2, seeds=seeds) for seeds in (1, 2))
    np.testing.assert_allclose(one.values[0], two.values[0], rtol=1e-5)
    assert not np.array_equal(two.values[0], two.values[1])


@pytest.mark.parametrize("entry", [e for e in LEARNING if not e.facts["anywhere"]], ids=lambda e: e.name)
def test_a_game_without_episodes_is_refused_with_a_sentence(entry):
    with pytest.raises(ValueError, match=r"iterated_prisoners_dilemma.*sampled game"):
        play(GAMES.make("ipd"), [entry.make()] * 2, steps=1)


@over_learners
def test_bad_numbers_are_refused_with_a_sentence(entry):
    for bad in (-0.1, float("nan")):
        with pytest.raises(ValueError, match=rf"lr is {bad}.*(at least 0|\[0, 1\])"):
            entry.make(lr=bad)


@over_learners
def test_learners_are_values(entry):
    assert all(eqx.is_inexact_array(leaf) and jnp.ndim(leaf) == 0 for leaf in jax.tree.leaves(entry.make()))
