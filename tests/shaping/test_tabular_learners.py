"""Q-learning and policy hill-climbing beside plain loops, value iteration, best replies and known dynamics."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from games import ENVIRONMENTS
from games.agents.policies import Architecture, GruPolicy, TablePolicy
from games.environments.catalog import repetition
from games.environments.repeated_matrix import Repetition
from games.exact.matrix import MatrixGame
from games.exact.tables import probabilities
from games.sampled.game import Sampled
from games.strategies.named import policy
from shaping import Phc, QLearning, View, play
from shaping.episodic.q_tables import decayed_rate, greedy, table
from shaping.learners.phc import policy_step
from tests.reference.toys import ONE_STATE, OneState, finite

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def learners(lr=0.2, delta=0.4):
    """One of each kind."""
    return {
        "own": QLearning(lr, 0.3, 0.1),
        "joint": QLearning(lr, 0.3, 0.1, over="joint"),
        "steady": Phc(lr, 0.3, delta, 0.1),
        "wolf": Phc(lr, 0.3, delta / 8, 0.1, losing=3.0, pace="wolf"),
    }


@eqx.filter_jit
def updated(game, learners, joint, key, before):
    """Seat 1's parameters and states after an update of every learner, and the episodes it learned from; begun where there is none."""
    after = {}
    for name, learner in learners.items():
        if before is None:
            view = View(game, joint, 1, key)
            view = View(game, view.with_own(learner.start(view)), 1, key)
            after[name] = view.own, learner.init(view), None
        else:
            own, state, _ = before[name]
            view = View(game, (joint[0], own, joint[2]), 1, key)
            step, state = learner.update(state, view)
            after[name] = own + step, state, view.rollout()
    return after


def without_episodes(after):
    return {name: (own, state, None) for name, (own, state, _) in after.items()}


@eqx.filter_jit
def trained(game, learners, key, updates):
    """Learners of all seats (None does nothing) after so many updates, and their parameters on the way."""
    joint = game.init(key)
    view = [View(game, joint, seat, key) for seat in range(len(learners))]
    joint = tuple(x.start(v) if x else v.own for x, v in zip(learners, view, strict=True))
    states = tuple(x.init(View(game, joint, seat, key)) if x else () for seat, x in enumerate(learners))

    def update(carry, number):
        joint, states = carry
        moves = []
        for seat, (learner, state) in enumerate(zip(learners, states, strict=True)):
            view = View(game, joint, seat, jax.random.fold_in(jax.random.fold_in(key, number), seat))
            moves.append(learner.update(state, view) if learner else (jnp.zeros_like(view.own), state))
        joint = tuple(own + step for own, (step, _) in zip(joint, moves, strict=True))
        return (joint, tuple(state for _, state in moves)), joint

    (_, states), path = jax.lax.scan(update, (joint, states), jnp.arange(updates))
    return states, path


class Handed(Architecture):
    """The same table for everybody."""

    logits: jax.Array

    def init(self, key, environment, player):
        return self.logits

    def network(self, key, observation_shape, outputs):
        return TablePolicy().network(key, observation_shape, outputs)


def simplex(logits):
    """The probabilities of a table."""
    z = np.exp(logits)
    return z / z.sum(axis=-1, keepdims=True)


def steps(played, seat, n):
    """Per step: what every episode showed, as plain numbers: row, own action, others' joint action, reward, next row, share."""
    seen, batch = np.asarray(played.seen(seat, last=True)).argmax(-1), played.actions.shape[1]
    for t in range(played.actions.shape[0]):
        now = []
        for b in range(batch):
            actions, others = played.actions[t, b].tolist(), 0
            for j in range(len(n)):
                others = others * n[j] + actions[j] if j != seat else others
            on = bool(played.alive[min(t + 1, len(played.alive) - 1), b])
            if played.alive[t, b]:
                now.append(
                    (
                        seen[t, b],
                        actions[seat],
                        others,
                        float(played.rewards[t, b, seat]),
                        seen[t + 1, b],
                        1 / batch,
                        on,
                    )
                )
        yield now


def q_loop(learner, begun, episodes, seat, n, discount):
    """Q-learning step by step, and the probabilities after every batch."""
    q, counts, time, joint = np.array(begun.q), np.zeros(begun.counts.shape), 0, learner.over == "joint"

    def values(row):
        chances = (
            counts[row] / counts[row].sum()
            if counts[row].sum()
            else np.full(counts.shape[1], 1 / counts.shape[1])
        )
        return q[row] @ chances

    policies = []
    for played in episodes:
        for now in steps(played, seat, n):
            time += 1
            rate, old = 1 / (1 / float(learner.lr) + time * float(learner.decay)), q.copy()
            targets = [r + on * discount * values(after).max() for *_, r, after, _, on in now]
            for (row, a, b, *_, share, _), target in zip(now, targets, strict=True):
                q[row, a, b * joint] += rate * share * (target - old[row, a, b * joint])
            for row, _, b, *_, share, _ in now:
                counts[row, b * joint] += share
        mostly = np.full(q.shape[:2], float(learner.epsilon) / (q.shape[1] - 1))
        for row in range(len(q)):
            mostly[row, values(row).argmax()] = 1 - float(learner.epsilon)
        policies.append(mostly)
    return q, policies


def climb_loop(learner, begun, episodes, seat, n, discount):
    """Policy hill-climbing step by step, and the policy after every batch."""
    q, pi, mean, visits, time = (
        np.array(begun.q)[..., 0],
        np.array(begun.average),
        np.array(begun.average),
        np.zeros(len(begun.q)),
        0,
    )
    policies = []
    for played in episodes:
        for now in steps(played, seat, n):
            time += 1
            rate, delta = (
                1 / (1 / float(a) + time * float(c))
                for a, c in ((learner.lr, learner.decay), (learner.delta, learner.delta_decay))
            )
            old = q.copy()
            for row, a, _, r, after, share, on in now:
                q[row, a] += rate * share * (r + on * discount * old[after].max() - old[row, a])
            met = {row: sum(share for r, *_, share, _ in now if r == row) for row, *_ in now}
            for row, share in met.items():
                visits[row] += share
                mean[row] += share * (pi[row] - mean[row]) / visits[row]
                fast = learner.pace == "wolf" and not pi[row] @ q[row] > mean[row] @ q[row]
                best, moved = q[row].argmax(), 0.0
                for a in set(range(len(q[row]))) - {best}:
                    lost = min(pi[row, a], delta * (float(learner.losing) if fast else 1) / (len(q[row]) - 1))
                    pi[row, a] -= share * lost
                    moved += share * lost
                pi[row, best] += moved
        policies.append(pi.copy())
    return q, policies


def test_updates_are_those_of_a_plain_loop(x64):
    """Three actions among players of two; at rate zero, only frequencies go on changing."""
    n, keys = (2, 3, 2), jax.random.split(jax.random.key(3))
    stage = MatrixGame(np.random.default_rng(0).normal(size=(3, *n)), "uneven")
    game = Sampled(Repetition(stage, 6), batch=3, discount=0.9)
    joint = game.init(jax.random.key(0))
    begun = updated(game, learners(), joint, keys[0], None)
    once = updated(game, learners(), joint, keys[0], begun)
    twice = updated(game, learners(), joint, keys[1], without_episodes(once))
    for name, learner in learners().items():
        loop = q_loop if isinstance(learner, QLearning) else climb_loop
        q, policies = loop(learner, begun[name][1], [once[name][2], twice[name][2]], 1, n, 0.9)
        np.testing.assert_allclose(twice[name][1].q.reshape(q.shape), q, rtol=1e-9)
        for (own, *_), expected in zip((once[name], twice[name]), policies, strict=True):
            np.testing.assert_allclose(simplex(np.asarray(own)), expected, rtol=1e-8, atol=1e-12)
    still = [updated(game, learners(0.0, 0.0), joint, keys[0], begun)]
    still.append(updated(game, learners(0.0, 0.0), joint, keys[1], without_episodes(still[0])))
    for name in ("own", "steady", "wolf"):
        np.testing.assert_allclose(still[0][name][0], still[1][name][0], atol=1e-12)
    for name in ("steady", "wolf"):
        assert not np.any(begun[name][0])


def test_values_of_lasting_and_of_ending_games():
    """For ever in state 2, at 1 or 0.5 a step; or two steps, from state 0 by way of state 1, and nothing after the end."""
    moves = {(0, 0): {1: 1.0}, (0, 1): {1: 1.0}}
    rewards = {(0, 0): 1.0, (0, 1): 0.4, (1, 0): 2.0, (1, 1): 3.0, (2, 0): 1.0, (2, 1): 0.5}
    game = Sampled(finite({0: 0.5, 2: 0.5}, moves, rewards, last=[1]), batch=8, steps=4, discount=0.9)
    (state,), _ = trained(game, [QLearning(0.5, 0.0, 0.5)], jax.random.key(0), 300)
    np.testing.assert_allclose(state.q[:3, :, 0], [[3.7, 3.1], [2.0, 3.0], [10.0, 9.5]], rtol=1e-4)


def iterated(discount, payoffs):
    """Values of the dilemma against tit for tat, by value iteration: rows start, CC, CD, DC, DD."""
    q = np.zeros((5, 2))
    for _ in range(2000):
        for row in range(5):
            theirs = 0 if row in (0, 1, 2) else 1  # what the own last action was
            for mine in range(2):
                q[row, mine] = payoffs[mine][theirs] + discount * q[1 + 2 * mine + theirs].max()
    return q


@pytest.mark.parametrize(("discount", "best"), [(0.96, 0), (0.2, 1)])
def test_against_tit_for_tat_values_are_those_of_value_iteration(discount, best):
    """Far-sighted, one cooperates for ever; short-sighted, one defects."""
    game = Sampled(repetition("ipd", 30), Handed(policy("tft")), batch=8, discount=discount)
    (state, _), path = trained(game, [QLearning(0.5, 0.0, 0.4), None], jax.random.key(0), 250)
    expected = iterated(discount, [[-1, -3], [0, -2]])
    np.testing.assert_allclose(state.q[..., 0], expected, rtol=2e-3)
    assert (expected.argmax(-1) == best).all()
    np.testing.assert_allclose(probabilities(path[0][-1], 2)[:, best], 0.6, atol=1e-6)


def test_winning_is_playing_better_than_on_average():
    learner = Phc(losing=3.0, pace="wolf")
    q, average = jnp.array([[1.0, -1.0]] * 3), jnp.array([[0.5, 0.5]] * 3)
    policies = jnp.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]])
    assert learner.speed(policies, average, q).ravel().tolist() == [1.0, 3.0, 3.0]
    assert Phc(losing=3.0).speed(policies, average, q).ravel().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("pace", ["steady", "wolf"])
def test_hill_climbers_reach_a_best_reply_and_wolf_settles_in_matching_pennies(pace):
    """Against one who plays both actions alike, one of which is better to meet; in matching pennies, steady climbing goes round."""
    payoffs = jnp.stack([jnp.array([[3.0, -1.0], [0.0, 0.0]]), jnp.zeros((2, 2))])
    game = Sampled(OneState(payoffs), batch=16, steps=10, discount=0.0)
    climber = Phc(0.2, 0.0, 1e-3, 0.0, pace=pace)
    still = Phc(0.2, 0.0, 0.0, 0.0, pace=pace)
    (state, _), path = trained(game, [climber, still], jax.random.key(0), 1000)
    np.testing.assert_array_equal(path[1], 0.0)
    np.testing.assert_allclose(state.q[0, :, 0], [1.0, 0.0], atol=0.5)
    assert jax.nn.sigmoid(path[0][-1]).min() > 0.999
    pennies = Sampled(OneState(ONE_STATE), batch=16, steps=10, discount=0.0)
    _, path = trained(pennies, [climber, climber], jax.random.key(0), 1000)
    p = np.asarray(jax.nn.sigmoid(jnp.stack(path)))[..., 0]
    far = np.abs(p[:, -500:] - 0.5).max()
    assert far > 0.4 if pace == "steady" else far < 0.2


def test_a_network_has_no_table_of_values():
    game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=4), GruPolicy(2), batch=2)
    for learner in (QLearning(), Phc()):
        with pytest.raises(
            ValueError,
            match=r"network.*TablePolicy",
        ):
            play(game, [learner] * 2, steps=1)


def test_rates_fall_as_written():
    for time in (1, 1000):
        assert float(decayed_rate(0.01, 1e-4, jnp.array(time))) == pytest.approx(1 / (1 / 0.01 + 1e-4 * time))
        assert float(decayed_rate(5e-5, 1.0, jnp.array(time))) == pytest.approx(1 / (20000 + time))
    assert float(decayed_rate(0.0, 1.0, jnp.array(5))) == 0


def numbers(low, high, shape=(2, 3)):
    return arrays(np.float32, shape, elements=st.floats(low, high, width=32))


@settings(max_examples=50)
@given(numbers(0, 1), numbers(-100, 100), st.floats(0, 2), st.floats(0, 1), st.floats(0, 1))
def test_policies_stay_probabilities(weights, q, delta, epsilon, share):
    start = (weights + 1e-3) / (weights + 1e-3).sum(axis=-1, keepdims=True)
    moved = start + share * policy_step(
        jnp.asarray(start), jnp.asarray(q), jnp.full((2, 1), delta, jnp.float32)
    )
    for chances in (moved, greedy(jnp.asarray(q), epsilon)):
        assert (np.asarray(chances) >= -1e-6).all()
        np.testing.assert_allclose(chances.sum(axis=-1), 1.0, atol=1e-5)
        kept = jnp.clip(chances, 0, 1)
        np.testing.assert_allclose(probabilities(table(kept), 3), kept, atol=1e-5)
        two = jnp.stack([kept[:, 0], 1 - kept[:, 0]], axis=-1)
        np.testing.assert_allclose(probabilities(table(two), 2), two, atol=1e-5)


def test_certain_policies_are_the_strategies_logits():
    np.testing.assert_array_equal(table(probabilities(policy("tft"), 2)), policy("tft"))
