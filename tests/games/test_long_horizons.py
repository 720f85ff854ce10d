"""Discounts up to 1 and logits up to 1000, against decimal arithmetic of thousands of digits."""

import decimal
import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import GAMES, Iterated, MatrixGame, policy
from tests.reference.chains import row

pytestmark = pytest.mark.usefixtures("quickly_compiled")
SMALL = {np.float32: 300, np.float64: 600}
"""$1-d = 10^{-k}$ stands for the average: far below products of six of the tiny probabilities here."""
LEVELS = (0, 1, 5, 22, 45, 100, 200, 1000)
AXELROD = [[3.0, 0.0], [5.0, 1.0]]

compiled = eqx.filter_jit(
    lambda game, params: (jax.vmap(lambda p: game.per_step(game.values(p)))(params), slopes(game, params))
)


def slopes(game, params):
    """Everybody's per-step value by everybody's logits."""
    return jax.vmap(jax.jacrev(lambda p: game.per_step(game.values(p))))(params)


@functools.cache
def chance(logit, dtype):  # as many digits as the type is checked with
    """P(action 0) and P(action 1) as numbers; what is below the smallest normal number of the type is 0, as games have it."""
    rest = (-abs(decimal.Decimal(logit))).exp()
    if rest < decimal.Decimal(float(jnp.finfo(dtype).tiny)):
        rest = decimal.Decimal(0)
    large, small = 1 / (1 + rest), rest / (1 + rest)
    return (large, small) if logit > 0 else (small, large)


def exact(tables, payoffs, stop, memory=1):
    """Per-step values of two-action play by elimination with pivoting, in decimals."""
    n = len(tables)
    joints = list(itertools.product((0, 1), repeat=n))
    histories = [h for length in range(memory + 1) for h in itertools.product(joints, repeat=length)]
    number = {h: i for i, h in enumerate(histories)}
    keep = 1 - stop
    system = []
    for h in histories:
        line = [decimal.Decimal(0)] * len(histories) + [decimal.Decimal(0)] * n
        line[number[h]] += 1
        for joint in joints:
            p = decimal.Decimal(1)
            for i, a in enumerate(joint):
                p *= tables[i][row(h, i, (2,) * n)][a]
            line[number[(*h, joint)[-memory:]]] -= keep * p
            for i in range(n):
                line[len(histories) + i] += stop * p * decimal.Decimal(payoffs[(i, *joint)])
        system.append(line)
    size = len(histories)
    for k in range(size):
        best = max(range(k, size), key=lambda i: abs(system[i][k]))
        system[k], system[best] = system[best], system[k]
        top = [x / system[k][k] for x in system[k]]
        system[k] = top
        for i in range(size):
            if i != k and system[i][k]:
                factor = system[i][k]
                system[i] = [x - factor * y if y else x for x, y in zip(system[i], top, strict=True)]
    return [system[0][size + i] for i in range(n)]


def exact_slopes(logits, payoffs, stop, dtype):
    """Derivatives by central differences of 1e-30; certain rows have none."""
    h = decimal.Decimal("1e-30")
    out = []
    for player, own in enumerate(logits):
        for s, logit in enumerate(own):
            if 0 in chance(logit, dtype):
                out.append([0.0] * len(logits))
                continue
            ends = []
            for sign in (1, -1):
                tables = [[chance(x, dtype) for x in table] for table in logits]
                tables[player][s] = chance(decimal.Decimal(logit) + sign * h, dtype)
                ends.append(exact(tables, payoffs, stop))
            out.append([float((a - b) / (2 * h)) for a, b in zip(*ends, strict=True)])
    return np.array(out).T


def cases(n, rows, count, seed):
    """Tables of logits at all levels: mixed, and whole tables at one level."""
    rng = np.random.default_rng(seed)
    levels = [rng.choice(LEVELS, size=(n, rows)) for _ in range(count)]
    levels += [np.full((n, rows), level) for level in LEVELS for _ in range(max(1, count // 8))]
    return [level * rng.choice([-1, 1], size=(n, rows)) for level in levels]


def check(payoffs, discount, dtype, logits):
    """Values and gradients, as shares of the spread of payoffs: to 64 units of rounding, and one over 1-d where a resolvent is used."""
    payoffs = np.asarray(payoffs)
    spread = np.ptp(payoffs)
    digits = decimal.Context(prec=200 + 2 * SMALL[dtype], Emin=-999999, Emax=999999)
    with jax.enable_x64(dtype == np.float64), decimal.localcontext(digits):
        game = Iterated(MatrixGame(payoffs), discount)
        tolerance = np.finfo(dtype).eps * (64 if game.patient else 64 + 1 / (1 - discount))
        stop = (
            decimal.Decimal(10) ** -SMALL[dtype]
            if discount == 1
            else 1 - decimal.Decimal(float(np.asarray(discount, dtype)))
        )
        params = tuple(jnp.asarray([x[i] for x in logits], dtype) for i in range(len(payoffs)))
        values, gradients = compiled(game, params)
        assert all(np.isfinite(x).all() for x in (values, *gradients))
        low, high = (f(payoffs.reshape(len(payoffs), -1), axis=1) for f in (np.min, np.max))
        assert np.maximum(low[None] - values, values - high[None]).max() <= tolerance * spread
        errors = []
        for k, case in enumerate(logits):
            tables = [[chance(int(x), dtype) for x in table] for table in case]
            wanted = [float(x) for x in exact(tables, payoffs, stop)]
            slope = exact_slopes([[int(x) for x in own] for own in case], payoffs, stop, dtype)
            found = np.concatenate([np.asarray(x[k], float) for x in gradients], axis=-1)
            errors.append(
                (
                    np.abs(np.asarray(values[k], float) - wanted).max() / spread,
                    np.abs(found - slope).max() / spread,
                )
            )
    assert np.max(errors) <= tolerance, (
        np.max(errors, axis=0),
        logits[int(np.argmax(np.max(errors, axis=1)))],
    )


slow = pytest.mark.slow


@pytest.mark.parametrize(
    "dtype", [np.float32, pytest.param(np.float64, marks=slow)], ids=["float32", "float64"]
)
@pytest.mark.parametrize(
    "discount",
    [1.0, *(pytest.param(d, marks=slow) for d in (0.999999, 0.99999, 0.9999, 0.999, 0.99, 0.96, 0.9))],
)
def test_values_and_gradients_at_every_discount_and_level(discount, dtype):
    check([AXELROD, np.transpose(AXELROD)], discount, dtype, cases(2, 5, 4, seed=1))


@slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("discount", [1.0, 0.999999, 0.999, 0.99])
def test_more_policies_and_payoffs(discount, dtype):
    rng = np.random.default_rng(2)
    check(rng.normal(size=(2, 2, 2)), discount, dtype, cases(2, 5, 60, seed=3))


@slow
@pytest.mark.parametrize("discount", [1.0, 0.999999, 0.9])
def test_three_players(discount):
    check(
        np.random.default_rng(4).normal(size=(3, 2, 2, 2)), discount, np.float32, cases(3, 9, 3, seed=5)[:3]
    )


def test_defectors_and_their_victims_on_average():
    """Trembles of e^-level: two defectors cannot gain, tit for tat is exploited once, and everything stays finite."""
    game = GAMES.make("ipd_axelrod")
    tft, alld = (
        jnp.array([[22.0], [45.0], [80.0]]) * jnp.sign(x)[None] for x in (policy("tft"), -jnp.ones(5))
    )
    own, other = jnp.concatenate([alld, tft]), jnp.concatenate([alld, alld])
    values, gradients = compiled(game, (own, other))
    np.testing.assert_allclose(values, 1, rtol=1e-6)
    for gradient in gradients:
        np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_memory_of_two_steps_that_is_ignored_at_a_discount_near_one():
    rng = np.random.default_rng(6)
    short, long = (GAMES.make("ipd", discount=0.999999, memory=k) for k in (1, 2))
    params = tuple(jnp.asarray(rng.choice([-45.0, -5.0, 1.0, 22.0], size=5)) for _ in range(2))
    ignoring = tuple(
        own[np.array([0] + [1 + i % 4 for length in (1, 2) for i in range(4**length)])] for own in params
    )
    found, wanted = (
        game.per_step(jax.jit(lambda p, game=game: game.values(p))(p))
        for game, p in ((long, ignoring), (short, params))
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
