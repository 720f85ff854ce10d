"""LOQA and advantage alignment beside sums over all courses of a short dilemma, written out by hand."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS, GAMES
from games.agents.policies import TablePolicy
from games.sampled.episodes import Sample
from games.sampled.game import Sampled
from shaping import View, play
from shaping.learners.advantage_alignment import AdvantageAlignment
from shaping.learners.loqa import Loqa

T, DISCOUNT = 3, 0.8
PAYOFFS = np.array([[-1.0, -1.0], [-3.0, 0.0], [0.0, -3.0], [-2.0, -2.0]])
TABLES = (np.array([0.3, -0.5, 0.8, 0.1, -1.0]), np.array([-0.2, 0.6, -0.4, 0.9, 0.5]))
Q = tuple(np.random.default_rng(i).normal(-3.0, 1.0, size=(5, 2)) for i in range(2))
COURSES = np.array(list(itertools.product(range(4), repeat=T)))  # joint actions CC, CD, DC, DD


pytestmark = pytest.mark.usefixtures("quickly_compiled")


@pytest.fixture(autouse=True)
def precise(x64):
    """Everything here is in float64."""


def actions(course):
    """Both players' actions."""
    return np.stack([course // 2, course % 2], axis=-1)


def rows(course):
    """The rows that both see, from the start on: own action first."""
    mine, theirs = actions(course).T
    return np.array([[0, 0], *np.stack([1 + 2 * mine + theirs, 1 + 2 * theirs + mine], axis=-1)])


def chances(table):
    """Both actions' probabilities in every row."""
    p = 1 / (1 + np.exp(-table))
    return np.stack([p, 1 - p], axis=-1)


def probability(course, tables=TABLES):
    """Of a course."""
    o, a = rows(course), actions(course)
    return np.prod([chances(tables[i])[o[t, i], a[t, i]] for t in range(T) for i in range(2)])


def sampled():
    """All courses as a sample."""
    observations = np.stack([np.eye(5)[rows(c)] for c in COURSES], axis=1)
    taken = np.stack([actions(c) for c in COURSES], axis=1)
    return Sample(
        jnp.array(observations),
        jnp.array(taken),
        jnp.array(PAYOFFS[COURSES.T]),
        jnp.ones((T, len(COURSES)), bool),
        {},
    )


def game(batch=8, discount=DISCOUNT, length=T):
    return Sampled(
        ENVIRONMENTS.make("ipd_rollout", length=length), TablePolicy(), discount=discount, batch=batch
    )


@eqx.filter_jit
def slopes(learner, table, view, *paths):
    """The gradient of the learner's objective for every course."""

    def one(*course):
        return jax.grad(
            lambda own: learner.objective(own, view, *jax.tree.map(lambda x: x[:, None], course))
        )(table)

    return jax.vmap(one, in_axes=1)(*paths)


def expected_slope(learner, *paths):
    """The mean gradient over all courses, by their probabilities."""
    tables = tuple(map(jnp.array, TABLES))
    return np.asarray(slopes(learner, tables[0], View(game(), tables, 0), sampled(), *paths)).T @ [
        probability(c) for c in COURSES
    ]


def differences(function, at, width=1e-5):
    """Central differences."""
    return np.array(
        [(function(at + width * e) - function(at - width * e)) / (2 * width) for e in np.eye(len(at))]
    )


def values(o, player):
    """What the situations of a course are worth by the action values."""
    return np.array([chances(TABLES[player])[row] @ Q[player][row] for row in o[:, player]])


def gains(course, player, mix, v):
    """Generalized advantages, by their definition."""
    r = PAYOFFS[course, player]
    gaps = [r[t] + DISCOUNT * v[t + 1] - v[t] for t in range(T)]
    return [sum((DISCOUNT * mix) ** (k - t) * gaps[k] for k in range(t, T)) for t in range(T)]


def model(course, later, v, decay):
    """The other's returns, with the weights of the player's later actions against those it was seen with."""
    r = PAYOFFS[course, 1]
    to_go = [
        sum(DISCOUNT ** (k - t) * r[k] for k in range(t, T)) + DISCOUNT ** (T - t) * v[T]
        for t in range(T + 1)
    ]
    corrections = [(later[k] - 1) * (to_go[k] - v[k]) for k in range(T)]
    return [
        r[t]
        + DISCOUNT
        * (to_go[t + 1] + sum((DISCOUNT * decay) ** (k - t - 1) * corrections[k] for k in range(t + 1, T)))
        for t in range(T)
    ]


def weights(course, table):
    """How much likelier the player's actions are by a table than by its own."""
    o, a = rows(course)[:-1, 0], actions(course)[:, 0]
    return chances(table)[o, a] / chances(TABLES[0])[o, a]


@pytest.mark.parametrize(
    ("shaping", "decay", "mix", "temperature", "entropy"),
    [(1.0, 0.9, 0.0, 1.0, 0.0), (0.7, 0.5, 0.6, 2.0, 0.3)],
)
def test_loqas_expected_step_is_the_slope_of_the_expectation_written_out(
    shaping, decay, mix, temperature, entropy
):
    def expectation(table):
        total = 0.0
        for course in COURSES:
            o, a = rows(course), actions(course)
            answered = model(course, weights(course, table), values(o, 1), decay)
            gain = gains(course, 0, mix, values(o, 0))
            for t in range(T):
                heights = Q[1][o[t, 1]].copy()
                heights[a[t, 1]] = answered[t]
                shares = np.exp(heights / temperature) / np.exp(heights / temperature).sum()
                p = chances(table)[o[t, 0]]
                climbed = gain[t] * (
                    np.log(p[a[t, 0]]) + shaping * np.log(shares[a[t, 1]])
                ) - entropy * p @ np.log(p)
                total += probability(course) * climbed / T
        return total

    learner = Loqa(shaping=shaping, decay=decay, mix=mix, temperature=temperature, entropy=entropy)
    heights = tuple(jnp.array(q[np.stack([rows(c)[:, i] for c in COURSES], axis=1)]) for i, q in enumerate(Q))
    ours = expected_slope(learner, heights)
    np.testing.assert_allclose(ours, differences(expectation, TABLES[0]), rtol=1e-6, atol=1e-8)


def test_the_others_return_has_in_the_mean_the_slope_of_its_true_action_value():
    """Given the other's first action: what it goes on to earn, as a function of all that the player does after its own first action."""
    learner, played = Loqa(decay=1.0), sampled()
    o = np.argmax(played.observations[:-1, :, 0], -1)
    worth = jnp.array(np.random.default_rng(3).normal(size=(T + 1, len(COURSES), 2))).at[-1].set(0.0)
    worth = worth.at[:-1].set(
        jnp.array(np.random.default_rng(4).normal(size=5))[o][..., None]
    )  # any function of what is seen
    to_go = np.array(
        [
            [
                [sum(DISCOUNT ** (k - t) * PAYOFFS[c[k], i] for k in range(t, T)) for i in range(2)]
                for c in COURSES
            ]
            for t in range(T)
        ]
    )

    def returned(table):
        logs = jax.nn.log_sigmoid(jnp.stack([table, -table], -1))
        return learner.action_value_estimates(
            jnp.where(played.actions[..., 0] == 0, logs[o, 0], logs[o, 1]), jnp.array(to_go), worth, DISCOUNT
        )[0, :, 1]

    each = np.asarray(jax.jit(jax.jacobian(returned))(jnp.array(TABLES[0])))
    for b in range(2):
        given = np.array([probability(c) * (c[0] % 2 == b) for c in COURSES])

        def value(table, given=given):
            return sum(
                p / given.sum() * np.prod(weights(c, table)[1:]) * to_go[0, n, 1]
                for n, (c, p) in enumerate(zip(COURSES, given, strict=True))
            )

        np.testing.assert_allclose(
            each.T @ given / given.sum(), differences(value, TABLES[0]), rtol=1e-6, atol=1e-8
        )


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_advantage_alignment_weighs_log_probabilities_as_written_out(beta):
    """The mean over courses and steps of the slope of log pi times A*, by a double loop and the sigmoid's derivative."""
    mix, entropy, expected = 0.6, 0.3, np.zeros(5)
    worth = np.array([[values(rows(c), i) for i in range(2)] for c in COURSES])
    p = chances(TABLES[0])[:, 0]
    for course, v in zip(COURSES, worth, strict=True):
        o, a = rows(course)[:, 0], actions(course)[:, 0]
        mine, theirs, settled = (
            gains(course, 0, mix, v[0]),
            gains(course, 1, mix, v[1]),
            gains(course, 0, 0.0, v[0]),
        )
        for t in range(T):
            before = sum(DISCOUNT ** (t - k) * settled[k] for k in range(t))
            aligned = mine[t] + beta * DISCOUNT * before * theirs[t]
            spread = -p[o[t]] * (1 - p[o[t]]) * TABLES[0][o[t]]  # the slope of the entropy of a sigmoid
            expected[o[t]] += probability(course) / T * (((a[t] == 0) - p[o[t]]) * aligned + entropy * spread)
    ours = expected_slope(
        AdvantageAlignment(beta=beta, mix=mix, entropy=entropy), jnp.array(worth.transpose(2, 0, 1))
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_with_true_values_advantage_alignment_weighs_by_true_advantages():
    """Whatever the mix: in the mean, generalized advantages are true ones, unless they are multiplied with what enters them, too."""
    mirrored, expected = [0, 1, 3, 2, 4], np.zeros(5)
    value = np.zeros((T + 1, 5, 2))  # before every step, by the first player's row
    for t in reversed(range(T)):
        for row in range(5):
            for joint in range(4):
                p = chances(TABLES[0])[row, joint // 2] * chances(TABLES[1])[mirrored[row], joint % 2]
                value[t, row] += p * (PAYOFFS[joint] + DISCOUNT * value[t + 1, 1 + joint])
    worth = np.array([value[np.arange(T + 1), rows(c)[:, 0]] for c in COURSES])
    p = chances(TABLES[0])[:, 0]
    for course, v in zip(COURSES, worth, strict=True):
        o, a = rows(course)[:, 0], actions(course)[:, 0]
        true = PAYOFFS[course] + DISCOUNT * v[1:] - v[:-1]
        for t in range(T):
            before = sum(DISCOUNT ** (t - k) * true[k, 0] for k in range(t))
            expected[o[t]] += (
                probability(course)
                / T
                * ((a[t] == 0) - p[o[t]])
                * (true[t, 0] + DISCOUNT * before * true[t, 1])
            )
    ours = expected_slope(AdvantageAlignment(mix=0.9), jnp.array(worth.transpose(1, 0, 2)))
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "learner",
    [Loqa(shaping=0.0, mix=1.0, tremble=0.0), AdvantageAlignment(beta=0.0, mix=1.0)],
    ids=["loqa", "alignment"],
)
def test_without_shaping_it_is_the_policy_gradient(learner):
    """With critics still at zero and without a discount: that of DiCE from the same episodes, per step."""
    view = View(game(discount=1.0), tuple(map(jnp.array, TABLES)), 1, jax.random.key(7))
    step, _ = jax.jit(lambda: learner.update(learner.init(view), view))()
    np.testing.assert_allclose(T * step, jax.jit(lambda: view.gradient(view.params))(), rtol=1e-9)


@pytest.mark.slow
def test_critics_learn_what_the_game_without_end_is_worth():
    """Cuts after four steps are bridged: the start is worth what the exact twin says, to both.

    Payoffs between -0.335 and 1 keep errors where Huber's loss is a square; of larger ones it would not learn
    the mean.
    """
    learners = (
        Loqa(lr=0.0, critic_lr=0.03, keep=0.9),
        AdvantageAlignment(lr=0.0, critic_lr=0.03, keep=0.9, mix=0.5),
    )
    tables = tuple(map(jnp.array, TABLES))
    environment = ENVIRONMENTS.make("ipd_contribution_rollout", length=4, encoding="one_hot")
    match = play(
        Sampled(environment, TablePolicy(), discount=0.5, batch=128),
        learners,
        steps=200,
        every=200,
        params=tables,
    )
    actions_of, states_of = ([x.logits[0, 0] for x in state.targets] for state in match.states)
    truth = GAMES.make("ipd_contribution", discount=0.5).values(tables)
    np.testing.assert_allclose([chances(TABLES[i])[0] @ actions_of[i] for i in range(2)], truth, atol=0.02)
    np.testing.assert_allclose(np.ravel(states_of), truth, atol=0.02)
