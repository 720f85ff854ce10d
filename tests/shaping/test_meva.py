"""Meta-value learning: targets, loss and gradient by definition, the fixed point by recursion, and trainings that go on."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ipd, matching_pennies
from games.catalog import ipd_contribution
from shaping import Naive, View, play
from shaping.checkpoint.folder import load, load_state, save
from shaping.learners.meva import Meva
from shaping.networks.meta_value import ValueNetwork, lambda_targets, quantile_loss, rows
from shaping.training import MevaTrainer, run
from shaping.training.meva import is_symmetric

pytestmark = pytest.mark.usefixtures("quickly_compiled")

SMALL = {"width": 16, "quantiles": 4, "batch": 32, "steps": 8, "stride": 4, "blocks": 0}


@functools.cache
def network(roles=None):
    """A small one, its roles and biases away from where they start."""
    net = eqx.filter_jit(ValueNetwork)(jax.random.key(0), size=5, width=8, quantiles=4, seats=roles)
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda x: jnp.asarray(np.asarray(x) + 0.1 * rng.normal(size=x.shape), np.float32), net
    )


@eqx.filter_jit
def step(learner, view):
    return learner.update((), view)[0]


def test_targets_are_weighted_sums_of_n_step_returns():
    """The forward view, by loops: (1 - l) sum_k l^(k-1) of the k-step returns, what is left on the longest."""
    rng = np.random.default_rng(0)
    rewards, values, g, mixing = (
        rng.normal(size=(5, 2)),
        rng.normal(size=(6, 2, 3)),
        np.array([0.3, 0.9]),
        0.7,
    )
    wanted = np.zeros((5, 2, 3))
    for t, player, q in itertools.product(range(5), range(2), range(3)):
        returns = []
        for k in range(1, 6 - t):
            ahead = sum((1 - g[player]) * g[player] ** s * rewards[t + s, player] for s in range(k))
            returns.append(ahead + g[player] ** k * values[t + k, player, q])
        weights = [(1 - mixing) * mixing**k for k in range(len(returns) - 1)] + [mixing ** (len(returns) - 1)]
        wanted[t, player, q] = np.dot(weights, returns)
    found = lambda_targets(jnp.asarray(rewards), jnp.asarray(values), jnp.asarray(g), mixing)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mixing", [0.0, 0.9])
def test_repeated_targets_solve_bellmans_equation(mixing):
    """On a table of seven states, one leading to the next: the fixed point is (1 - g) (I - g P)^-1 P f, whatever the mixing."""
    follows, f, g = np.array([3, 0, 4, 5, 6, 1, 6]), np.arange(7.0) ** 2, 0.6
    paths = [np.arange(7)]
    for _ in range(3):
        paths.append(follows[paths[-1]])
    path = jnp.asarray(
        np.stack(paths)
    )  # (time, state): the states stand in for the players, who have a discount each

    def sweep(_, values):
        return lambda_targets(jnp.asarray(f)[path[1:]], values[path][:, :, None], jnp.full(7, g), mixing)[
            0, :, 0
        ]

    transition = np.eye(7)[follows]
    wanted = np.linalg.solve(np.eye(7) - g * transition, (1 - g) * transition @ f)
    np.testing.assert_allclose(jax.lax.fori_loop(0, 60, sweep, jnp.zeros(7)), wanted, rtol=1e-5)


def test_the_loss_is_its_definition():
    rng = np.random.default_rng(1)
    quantiles, samples = rng.normal(size=4), 3 * rng.normal(size=6)
    total = 0.0
    for i, s in itertools.product(range(4), samples):
        gap = s - quantiles[i]
        huber = gap**2 / 2 if abs(gap) <= 1 else abs(gap) - 0.5
        total += abs((i + 0.5) / 4 - (gap < 0)) * huber / 6
    assert float(quantile_loss(jnp.asarray(quantiles), jnp.asarray(samples))) == pytest.approx(
        total, rel=1e-5
    )


def test_the_loss_is_least_at_the_quantiles():
    """The loss is convex, and its slope in one quantile free of the others: bisection finds where it vanishes.

    Samples spread over thousands, so that the parabola of Huber's function, of width 1, hardly counts.
    """
    samples = 1000 * np.random.default_rng(2).exponential(size=4001)
    slope = jax.jit(jax.grad(lambda q: quantile_loss(q, jnp.asarray(samples))))
    low, high = jnp.zeros(8), jnp.full(8, 1e4)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = jnp.where(slope(middle) < 0, middle, low), jnp.where(slope(middle) < 0, high, middle)
    np.testing.assert_allclose(low, np.quantile(samples, (np.arange(8) + 0.5) / 8), rtol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("roles", [None, 2])
def test_the_three_ways_to_ask_a_network_agree(roles):
    """Quantiles by seat, one player's value by its seat, and the network of the mean alone."""
    net, params = network(roles), ipd().init(jax.random.key(3))
    g, quantiles, value = (
        jnp.array([0.2, 0.9]),
        eqx.filter_jit(net),
        eqx.filter_jit(lambda net, *seen: net.value(*seen)),
    )
    means = quantiles(rows(params, 5), g).mean(-1)
    for seat in (0, 1):
        seats = jnp.array([seat, 1 - seat])
        for asked in (net, net.averaged()):
            np.testing.assert_allclose(
                value(asked, rows(params, 5)[seats], g[seats], seats), means[seat], rtol=1e-4, atol=1e-5
            )
    swapped = quantiles(rows(params, 5)[::-1], g[::-1]).mean(-1)[::-1]
    assert np.allclose(swapped, means, atol=1e-5) == (roles is None)


@pytest.mark.slow
def test_without_foresight_it_is_the_naive_learner():
    meva = play(ipd(), [Meva(network(), lr=0.7, discount=0.0), Naive()], steps=4).values
    np.testing.assert_allclose(meva, play(ipd(), [Naive(0.7), Naive()], steps=4).values, rtol=1e-5)


@pytest.mark.parametrize("seat", [0, 1])
def test_the_step_is_the_gradient_by_finite_differences(x64, seat):
    """Of (1 - g) times the return plus g times the meta-value, which is per step and therefore divided by one less the game's discount."""
    game, net = ipd(0.9), jax.tree.map(lambda x: x.astype(float), network(roles=2))
    params = game.init(jax.random.key(4))
    found = step(Meva(net, lr=2.0, discount=0.8), View(game, params, seat))

    def surrogate(own):
        joint = (own, params[1]) if seat == 0 else (params[0], own)
        meta = net(rows(joint, 5), jnp.full(2, 0.8))[seat].mean()
        return 0.2 * game.values(joint)[seat] + 0.8 * meta / (1 - 0.9)

    surrogate = jax.jit(surrogate)
    h = 1e-5
    slopes = [
        (surrogate(params[seat] + h * e) - surrogate(params[seat] - h * e)) / (2 * h) for e in np.eye(5)
    ]
    np.testing.assert_allclose(found, 2.0 * np.array(slopes), rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_it_plays_any_seat_it_was_not_trained_in_as_the_one_it_was():
    """Trained in seat 1 beside others, it follows that seat's meta-value wherever it sits."""
    meva, (a, b) = Meva(network(roles=2), row=1), ipd().init(jax.random.key(5))
    first = step(meva, View(ipd(), (a, b), 0))
    np.testing.assert_allclose(first, step(meva, View(ipd(), (b, a), 1)), rtol=1e-5, atol=1e-6)
    trained_in_all = Meva(network(roles=2))
    place = View(ipd(), (a, b), 0, match_seat=jnp.array(1))  # of the game with its seats exchanged
    np.testing.assert_allclose(step(trained_in_all, place), first, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_meta_value_is_what_recursion_gives():
    """One's own step is 0 here, so that the future is the other's naive learning: known, and rolled out.

    The discounted mean of one's later values, by brute force over 400 steps, against the network, for three
    discounts on matching pennies: nearer than a quarter of how much these values differ between starts.
    """
    game = matching_pennies()
    sizes = {"width": 32, "blocks": 0, "quantiles": 4, "batch": 64, "steps": 20, "stride": 5}
    trainer = MevaTrainer(game, [None, Naive(0.5)], **sizes, lr=3e-3, target=0.9, inner_lr=0.0)
    trained = run(trainer, iterations=400, chunk=400)
    net, fixed = trained.learners[0].network, Naive(0.0)
    match = play(game, [fixed, Naive(0.5)], 3, steps=400, seeds=64, trajectory=True)
    starts = [jax.tree.map(lambda x: x[:, 0], own) for own in match.trajectory or ()]
    errors, spread = [], []
    for g in (0.0, 0.5, 0.9):
        weights = (1 - g) * g ** np.arange(400.0)
        wanted = np.asarray(match.values[:, 1:, 0]) @ weights
        seen = jnp.stack([x.reshape(64, -1) for x in starts], axis=1)
        found = jax.jit(jax.vmap(lambda x, g=g: net(x, jnp.full(2, g)).mean(-1)[0]))(seen)
        errors.append(np.sqrt(np.mean((found - wanted) ** 2)))
        spread.append(wanted.std())
    assert max(errors) < 0.25 * min(spread)


@pytest.mark.slow
def test_training_in_pieces_is_training_in_one(tmp_path):
    game = matching_pennies()
    trainer = MevaTrainer(game, [None, Naive()], **SMALL)
    whole = run(trainer, 7, iterations=4, chunk=2)
    half = run(trainer, 7, iterations=2, chunk=2)
    save(half.learners[0], tmp_path, game=game, state=half.state)
    jax.tree.map(np.testing.assert_array_equal, load(tmp_path, game), half.learners[0])
    seen = []
    held = half._replace(state=load_state(tmp_path, jax.eval_shape(trainer.init, half.key)))
    again = run(trainer, iterations=4, chunk=2, start=held, callback=lambda now: seen.append(now.iterations))
    for a, b in ((again.state, whole.state), (again.record, whole.record)):
        jax.tree.map(np.testing.assert_array_equal, a, b)
    assert seen == [4]
    assert whole.record.ok.all()


def test_games_that_are_symmetric():
    """The prisoner's dilemma of two looks the same from both seats; matching pennies does not.

    Nor does one of three, whose policies tell the others apart by their seats.
    """
    assert is_symmetric(ipd())
    assert not is_symmetric(ipd_contribution(n_players=3))
    assert not is_symmetric(matching_pennies())


def test_bad_input_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match=r"'iterated_prisoners_dilemma'.*open"):
        MevaTrainer(ipd(), [Naive(), Naive()])
    with pytest.raises(ValueError, match=r"stride is 30.*divide.*100"):
        MevaTrainer(ipd(), [None, Naive()], stride=30)
    with pytest.raises(ValueError, match=r"5 parameters.*'matching_pennies'"):
        play(matching_pennies(), [Meva(network()), Naive()], steps=1)
