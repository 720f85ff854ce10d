"""Policy gradient and proximal policy optimization on episodes beside plain loops and best replies."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS
from games.agents.base import ActorCritic, Table
from games.sampled.game import Sampled
from games.strategies.named import policy
from shaping import Naive, Ppo, View

pytestmark = pytest.mark.usefixtures("quickly_compiled")
DISCOUNT = 0.9


@eqx.filter_jit
def updates(game, learner, joint, keys):
    """The learner's parameters in seat 0 after every update, its last state, and the first episodes."""

    def update(carry, key):
        own, state = carry
        step, state = learner.update(state, View(game, (own, *joint[1:]), 0, key))
        own = jax.tree.map(jnp.add, own, step)
        return (own, state), own

    view = View(game, joint, 0, keys[0])
    (_, state), path = jax.lax.scan(update, (joint[0], learner.init(view)), keys)
    return path, state, view.rollout()


def short():
    return Sampled(ENVIRONMENTS.make("ipd_rollout", length=6), batch=5, discount=DISCOUNT)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_naive_learning_is_policy_gradient(x64):
    """Every reward is owed to all actions up to it."""
    game = short()
    joint = game.init(jax.random.key(0))
    path, _, played = updates(game, Naive(0.3), joint, jax.random.split(jax.random.key(1), 1))
    rows, actions, own = (
        np.asarray(played.seen(0)).argmax(-1),
        np.asarray(played.actions)[..., 0],
        np.asarray(joint[0]),
    )
    slope = np.zeros(5)
    for b in range(5):
        score = np.zeros(5)
        for t in range(6):
            score[rows[t, b]] += (actions[t, b] == 0) - sigmoid(own[rows[t, b]])
            slope += score * DISCOUNT**t * float(played.rewards[t, b, 0]) / 5
    np.testing.assert_allclose(path[0], own + 0.3 * slope, rtol=1e-6)


def ppo_loop(own, rows, actions, rewards, learner):
    """All epochs for a table of two actions, with the derivatives and Adam written out."""
    steps, batch = rows.shape
    to_go = np.zeros((steps + 1, batch))
    for t in reversed(range(steps)):
        to_go[t] = rewards[t] + DISCOUNT * to_go[t + 1]
    targets = (to_go[:-1] - to_go[:-1].mean()) / (to_go[:-1].std() + 1e-5)
    lr, clip, entropy, value = (float(x) for x in (learner.lr, learner.clip, learner.entropy, learner.value))
    old, both = sigmoid(own), np.zeros((2, 5))
    both[0] = own
    first, second, outside = np.zeros((2, 5)), np.zeros((2, 5)), 0
    for epoch in range(1, learner.epochs + 1):
        p, slope = sigmoid(both[0]), np.zeros((2, 5))
        for t in range(steps):
            for b in range(batch):
                row, zero = rows[t, b], actions[t, b] == 0
                ratio = p[row] / old[row] if zero else (1 - p[row]) / (1 - old[row])
                advantage = targets[t, b] - both[1, row]
                cut = ratio > 1 + clip if advantage > 0 else ratio < 1 - clip
                outside += cut
                slope[0, row] -= 0.0 if cut else ratio * advantage * (zero - p[row])
                slope[0, row] += (
                    entropy * both[0, row] * p[row] * (1 - p[row])
                )  # minus the entropy's derivative
                slope[1, row] += value * 2 * (both[1, row] - targets[t, b])
        slope /= steps * batch
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        both = both - lr * (first / (1 - 0.9**epoch)) / (np.sqrt(second / (1 - 0.999**epoch)) + 1e-8)
    return both, outside


def test_proximal_updates_are_those_of_a_plain_loop(x64):
    """A critic that belongs to the player is left alone."""
    game, learner = short(), Ppo(0.3, epochs=4, entropy=0.1)
    joint = game.init(jax.random.key(0))
    own = ActorCritic(Table(joint[0]), Table(jnp.ones((5, 1))))
    path, state, played = updates(game, learner, (own, joint[1]), jax.random.split(jax.random.key(1), 1))
    np.testing.assert_array_equal(path.critic.logits[0], own.critic.logits)
    rows = np.asarray(played.seen(0)).argmax(-1)
    expected, outside = ppo_loop(
        np.asarray(joint[0]),
        rows,
        *(np.asarray(x)[..., 0] for x in (played.actions, played.rewards)),
        learner,
    )
    assert outside > 0
    np.testing.assert_allclose(path.actor.logits[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(state.critic.logits[:, 0], expected[1], rtol=1e-6)


def test_proximal_policies_answer_fixed_strategies():
    """One defects against defectors whatever happened, and cooperates with tit for tat after both did."""
    game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=30), batch=32, discount=0.96)
    keys = jax.random.split(jax.random.key(1), 150)
    learner = Ppo(0.05, entropy=0.0)
    alld, tft = (
        updates(game, learner, (jnp.zeros(5), policy(name)), keys)[0][-1] for name in ("alld", "tft")
    )
    assert (
        sigmoid(np.asarray(alld))[[2, 4]].max() < 0.1
    )  # what is seen: D by the other, once the game has begun
    assert sigmoid(np.asarray(tft))[[0, 1]].min() > 0.9
