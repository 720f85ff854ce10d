import functools
import itertools

import jax
import numpy as np
import pytest
from scipy.optimize import linprog

from solvers import DYNAMICS, best_responses, learn, payoffs as exact, smoothed_best_responses
from solvers.payoffs_jax import action_values, coarse_regrets, exploitability, nash_conv, regrets
from tests.reference.compilations import compilations

pytestmark = pytest.mark.usefixtures("x64", "quickly_compiled")

STEPS, GAMES = 4000, 48
PERIODS = STEPS + 1
SHAPLEY = np.array([[[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]], float)


@functools.partial(jax.jit, static_argnames="sampled")
def run(rule, payoffs, start, keys, sampled=False):
    return jax.vmap(
        lambda p, s, k: learn(
            p, rule, steps=STEPS, every=200, start=s, key=k if sampled else None, tolerance=0.02
        )
    )(payoffs, start, keys)


def runs(rule, payoffs, start=None, sampled=False):
    """Every game of a list, filled up to one batch size so that one program serves all tests."""
    count = len(payoffs)
    payoffs = np.resize(payoffs, (GAMES, *np.shape(payoffs)[1:])).astype(float)
    if start is None:
        start = tuple(np.full(a, 1 / a) for a in payoffs.shape[2:])
    start = tuple(np.resize(s, (GAMES, np.shape(s)[-1])) for s in start)
    with jax.numpy_rank_promotion("allow"):  # random keys of a batch
        found = run(rule, payoffs, start, jax.random.split(jax.random.key(0), GAMES), sampled)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], found)


def general(seed=0):
    return np.random.default_rng(seed).uniform(size=(GAMES, 2, 3, 3))


def zero_sum(seed=1):
    row = np.random.default_rng(seed).normal(size=(GAMES, 3, 3))
    return np.stack([row, -row], axis=1)


def pure(action, actions=3):
    return np.eye(actions)[action]


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def reference(name, payoffs, x, y, steps):
    """Two-player play by the rules' definitions with their default numbers, in numpy: all plays of both."""
    a, b = payoffs
    plays = [(x, y)]
    total = np.zeros((2, 3)) + np.stack([a @ y, x @ b])
    earned, sums = np.array([x @ a @ y, x @ b @ y]), np.stack([x, y])
    for t in range(1, steps + 1):
        mean = sums / t
        if name == "fictitious_play":
            x, y = pure(np.argmax(a @ mean[1])), pure(np.argmax(mean[0] @ b))
        elif name == "alternating_fictitious_play":
            x = pure(np.argmax(a @ mean[1]))
            y = pure(np.argmax((sums[0] + x) @ b))
        elif name == "smoothed_fictitious_play":
            x, y = softmax(a @ mean[1]), softmax(mean[0] @ b)
        elif name == "smoothed_best_response":
            x, y = 0.9 * x + 0.1 * softmax(a @ y), 0.9 * y + 0.1 * softmax(x @ b)
        elif name == "regret_matching":
            positive = np.maximum(total - earned[:, None], 0)
            x, y = (p / p.sum() if p.sum() else np.ones(3) / 3 for p in positive)
        elif name == "multiplicative_weights":
            x, y = softmax(0.1 * total[0]), softmax(0.1 * total[1])
        plays.append((x, y))
        total += np.stack([a @ y, x @ b])
        earned += np.stack([x @ a @ y, x @ b @ y])
        sums += np.stack([x, y])
    return plays


@pytest.mark.parametrize("rule", list(DYNAMICS), ids=lambda entry: entry.name)
def test_rules_beside_their_definitions(rule):
    games, rng = general(), np.random.default_rng(2)
    start = tuple(rng.dirichlet(np.ones(3), GAMES) for _ in range(2))
    found = runs(rule.make(), games, start)
    for game in (0, GAMES - 1):
        plays = reference(rule.name, games[game], start[0][game], start[1][game], STEPS)
        averages = [np.mean(s, axis=0) for s in zip(*plays, strict=True)]
        for mine, last, average, play in zip(found.average, found.last, averages, plays[-1], strict=True):
            np.testing.assert_allclose(mine[game], average, atol=1e-9)
            np.testing.assert_allclose(last[game], play, atol=1e-9)
        np.testing.assert_allclose(
            found.joint[game], np.mean([np.outer(*play) for play in plays], axis=0), atol=1e-9
        )
        np.testing.assert_allclose(
            found.nash_conv[game, -1], exact.nash_conv(games[game], tuple(averages)), atol=1e-9
        )
        np.testing.assert_allclose(
            found.last_nash_conv[game, -1], exact.nash_conv(games[game], plays[-1]), atol=1e-9
        )
        early = [np.mean(s, axis=0) for s in zip(*plays[:201], strict=True)]
        np.testing.assert_allclose(
            found.nash_conv[game, 0], exact.nash_conv(games[game], tuple(early)), atol=1e-9
        )


def value(matrix):
    """The value of a zero-sum game by linear programming."""
    rows, columns = matrix.shape
    bounds = [(0, 1)] * rows + [(None, None)]
    answer = linprog(
        [*[0] * rows, -1],
        np.c_[-matrix.T, np.ones(columns)],
        np.zeros(columns),
        [[*[1] * rows, 0]],
        [1],
        bounds,
    )
    return answer.x[-1]


@pytest.mark.parametrize("name", ["fictitious_play", "alternating_fictitious_play"])
def test_fictitious_play_solves_zero_sum_games(name):
    """Robinson (1951); and at any time the averages bracket the value."""
    games = zero_sum()
    found = runs(DYNAMICS.make(name), games, (pure(0), pure(1)))
    assert found.converged.all()
    for game in range(GAMES):
        low, high = (
            (found.average[0][game] @ games[game, 0]).min(),
            (games[game, 0] @ found.average[1][game]).max(),
        )
        assert low - 1e-7 <= value(games[game, 0]) <= high + 1e-7
        np.testing.assert_allclose(high - low, found.nash_conv[game, -1], atol=1e-9)


def test_fictitious_play_solves_two_by_three_games():
    """Berger (2005); a third row that is never a best response stays unplayed."""
    games = general(3)
    games[:, 0, 2] = -9
    found = runs(DYNAMICS.make("fictitious_play"), games, (pure(0), pure(0)))
    assert (found.average[0][:, 2] == 0).all()
    assert (found.nash_conv[:, -1] <= 0.02 * np.ptp(games[:, :, :2], axis=(1, 2, 3))).all()


@pytest.mark.parametrize("name", ["fictitious_play", "alternating_fictitious_play"])
def test_shapleys_cycle(name):
    """Shapley (1964): play cycles through the six outcomes in which one player earns 1 and the other 0, in runs that grow geometrically.

    So the best payoffs against the averages sum to 1, not to the equilibrium's 2/3, up to one unit over time
    for every switch of a player.
    """
    found = runs(DYNAMICS.make(name), [SHAPLEY], (pure(0), pure(1)))
    x, y = found.average[0][0], found.average[1][0]
    plays = reference(name, SHAPLEY, pure(0), pure(1), STEPS)
    switches = sum((now[k] != before[k]).any() for before, now in itertools.pairwise(plays) for k in range(2))
    best = (SHAPLEY[0] @ y).max() + (x @ SHAPLEY[1]).max()
    assert switches < 30
    assert np.trace(found.joint[0]) == 0
    assert 1 - 1 / PERIODS <= best <= 1 + (switches + 1) / PERIODS
    assert found.nash_conv[0].min() > 0.2
    assert not found.converged[0]


def test_order_of_moves_decides_coordination():
    """Fudenberg & Levine (1998, section 2.3): all at once, from irrational weights, play alternates and nobody ever coordinates, though
    the averages converge; one after the other, they coordinate at once."""
    game = np.full((2, 3, 3), -9.0)
    game[:, :2, :2] = [[0, 1], [1, 0]]
    start = np.array([1, np.sqrt(2), 0]) / (1 + np.sqrt(2))
    together, in_turn = (
        runs(DYNAMICS.make(name), [game], (start, start))
        for name in ("fictitious_play", "alternating_fictitious_play")
    )
    coordinated = [found.joint[0, 0, 1] + found.joint[0, 1, 0] for found in (together, in_turn)]
    assert coordinated[0] < 1 / PERIODS
    assert coordinated[1] > 1 - 1 / PERIODS
    np.testing.assert_allclose(together.average[0][0], [0.5, 0.5, 0], atol=1e-3)
    assert together.converged[0]


def fixed_action_gains(game, joint):
    """What each player would have gained by the best fixed action, by einsum."""
    a, b = game
    return np.array(
        [
            np.einsum("ij,kj->k", joint, a).max() - (joint * a).sum(),
            np.einsum("ij,ik->k", joint, b).max() - (joint * b).sum(),
        ]
    )


def test_regret_matching_bound():
    """Average regret is at most the payoff range times the root of actions over periods, so that joint play approaches a CCE."""
    games = general(4)
    found = runs(DYNAMICS.make("regret_matching"), games)
    for game in range(GAMES):
        gains = fixed_action_gains(games[game], found.joint[game])
        assert (gains <= np.ptp(games[game], axis=(1, 2)) * np.sqrt(3 / PERIODS)).all()
        np.testing.assert_allclose(coarse_regrets(games[game], found.joint[game]), gains, atol=1e-12)


@pytest.mark.parametrize("lr", [0.01, 0.05, 1.0])
def test_hedge_bound(lr):
    """Payoffs in [0, 1]: average regret is at most ln 3 / (lr T) + lr / 8."""
    games = general(5)
    found = runs(DYNAMICS.make("multiplicative_weights", lr=lr), games)
    worst = max(fixed_action_gains(games[game], found.joint[game]).max() for game in range(GAMES))
    assert worst <= np.log(3) / (lr * PERIODS) + lr / 8


def test_smoothed_rules_rest_at_logit_equilibria():
    """In zero-sum games smoothed play converges to the logit equilibrium."""
    games = zero_sum(6)
    for rule, field, atol in (
        ("smoothed_fictitious_play", "average", 1e-3),
        ("smoothed_best_response", "last", 1e-9),
    ):
        found = getattr(runs(DYNAMICS.make(rule, precision=2.0), games), field)
        for game in range(GAMES):
            x, y = (s[game] for s in found)
            np.testing.assert_allclose(x, softmax(2 * games[game, 0] @ y), atol=atol)
            np.testing.assert_allclose(y, softmax(2 * x @ games[game, 1]), atol=atol)


def test_sampled_play():
    """Everybody plays pure actions, the same for the same key, and regret is small on average."""
    games = general(7)
    rule = DYNAMICS.make("regret_matching")
    found, again = (runs(rule, games, (pure(0), pure(0)), sampled=True) for _ in range(2))
    counts = found.joint * PERIODS
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)
    np.testing.assert_array_equal(found.joint, again.joint)
    assert all(set(np.unique(s)) <= {0, 1} for s in found.last)
    gains = np.array([fixed_action_gains(games[game], found.joint[game]) for game in range(GAMES)])
    assert gains.mean() <= np.sqrt(3 / PERIODS)
    assert (counts > 0.5).sum(axis=(1, 2)).mean() > 1


def test_measures_of_three_players():
    rng = np.random.default_rng(8)
    payoffs = rng.normal(size=(3, 2, 3, 2))
    profile = tuple(rng.dirichlet(np.ones(a)) for a in (2, 3, 2))

    @jax.jit
    def measured(p, s):
        smooth = [smoothed_best_responses(p, s, precision) for precision in (0.0, 1e6)]
        return (
            action_values(p, s),
            regrets(p, s),
            nash_conv(p, s),
            exploitability(p, s),
            best_responses(p, s),
            smooth,
        )

    values, regret, total, mean, best, smooth = measured(payoffs, profile)
    for player in range(3):
        np.testing.assert_allclose(values[player], exact.action_values(payoffs, profile, player), atol=1e-12)
        assert best[player] @ values[player] == max(values[player])
    np.testing.assert_allclose(regret, exact.regrets(payoffs, profile), atol=1e-12)
    np.testing.assert_allclose(
        [total, mean], [exact.nash_conv(payoffs, profile), exact.exploitability(payoffs, profile)], atol=1e-12
    )
    assert all(
        (s == pure(0, len(s))).all() for s in measured(0 * payoffs, profile)[4]
    )  # ties go to the first action
    for player, actions in enumerate((2, 3, 2)):
        np.testing.assert_allclose(smooth[0][player], 1 / actions, atol=1e-12)
        np.testing.assert_allclose(smooth[1][player], best[player], atol=1e-9)


def test_other_numbers_compile_nothing():
    runs(DYNAMICS.make("multiplicative_weights", lr=0.2), general(9))
    with compilations() as events:
        runs(DYNAMICS.make("multiplicative_weights", lr=0.3), general(10))
    assert not events


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"payoffs": np.zeros((2, 3))}, r"\(2, 3\).*entry per player"),
        ({"payoffs": [[[1, np.nan]], [[0, 0]]]}, "nan is not a payoff.*finite"),
        ({"steps": 10, "every": 3}, "every is 3.*divide"),
        ({"steps": 0}, "steps is 0"),
        ({"start": (pure(0), pure(0, 2))}, "start.*shape"),
        ({"tolerance": -1.0}, "tolerance is -1"),
    ],
)
def test_bad_input_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        learn(**({"payoffs": SHAPLEY, "rule": DYNAMICS.make("fp")} | arguments))


@pytest.mark.parametrize(
    ("name", "setting", "number"),
    [
        ("hedge", "lr", -1.0),
        ("smoothed_best_response", "rate", 0.0),
        ("smoothed_fictitious_play", "precision", np.nan),
    ],
)
def test_bad_numbers_are_refused(name, setting, number):
    with pytest.raises(ValueError, match=f"{setting} is {number:g}"):
        DYNAMICS.make(name, **{setting: number})
