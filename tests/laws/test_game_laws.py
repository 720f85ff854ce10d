"""The laws that every game obeys, over the registries of exact and sampled games."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import games
from analysis.tournaments.round_robins import anonymous
from games import GAMES, Iterated, MatrixGame, Smooth, bibtex
from games.exact.matrix import relabeled
from games.exact.tables import CERTAIN
from games.sampled.catalog import SAMPLED
from tests.reference import chains
from tests.reference.exact_games import random_parameters, stage_of, values

pytestmark = pytest.mark.usefixtures("quickly_compiled")
ENTRIES = [pytest.param(e.name, {}, id=e.name) for e in GAMES]
VARIANTS = [
    pytest.param("ipd_contribution", {"n_players": 3}, id="ipd_contribution of three"),
    pytest.param("ipd", {"memory": 2}, id="ipd of memory 2"),
    pytest.param("ipd", {"discount": 1.0}, id="ipd on average"),
    pytest.param("imp", {"discount": 0.9}, id="imp of LOLA"),
]
every_game = pytest.mark.parametrize(("name", "settings"), ENTRIES + VARIANTS)

lanes_of = eqx.filter_jit(lambda game, params: jax.vmap(game.values)(params))


@eqx.filter_jit
def moved(game, points, rebuild):
    """Values at a batch of batches of flat parameters."""
    return jax.vmap(jax.vmap(lambda x: game.values(rebuild(x))))(points)


@eqx.filter_jit
def slopes(game, points, rebuild):
    """Jacobians at a batch of flat parameters."""
    return jax.vmap(jax.jacrev(lambda x: game.values(rebuild(x))))(points)


@every_game
def test_entry_says_what_it_is(name, settings):
    entry, game = GAMES.get(name), GAMES.make(name, **settings)
    assert game.name == entry.name
    assert entry.summary.endswith(".")
    assert "\n" not in entry.summary
    assert bibtex(entry.citation)
    assert getattr(games, entry.name) is entry.make
    if isinstance(game, (MatrixGame, Iterated)) and not settings:
        payoffs = np.asarray(stage_of(game).payoffs)
        np.testing.assert_allclose([payoffs.min(), payoffs.max()], entry.facts["bounds"], rtol=1e-6)
        assert entry.facts["discount"] == (
            pytest.approx(float(game.discount)) if isinstance(game, Iterated) else None
        )


@every_game
def test_values_are_finite_and_inside_the_bounds(name, settings):
    entry, game = GAMES.get(name), GAMES.make(name, **settings)
    draws = [game.init(jax.random.key(s)) for s in range(3)] + [
        random_parameters(game, s, 30.0) for s in range(3)
    ]
    if not isinstance(game, Smooth):
        draws += [jax.tree.map(lambda p, s=s: jnp.where(p > 0, s, -s), draws[0]) for s in (CERTAIN, -CERTAIN)]
    for params in draws:
        per_step = np.asarray(game.per_step(values(game, params)))
        assert per_step.shape == (game.n_players,)
        assert np.isfinite(per_step).all()
        if entry.facts["bounds"] and not settings:
            low, high = entry.facts["bounds"]
            slack = 1e-4 * (high - low)
            assert (per_step >= low - slack).all()
            assert (per_step <= high + slack).all()


@every_game
def test_gradient_equals_finite_differences(x64, name, settings):
    game = GAMES.make(name, **settings)
    _, rebuild = ravel_pytree(random_parameters(game, 0, 0.7))
    points = jnp.stack([ravel_pytree(random_parameters(game, seed, 0.7))[0] for seed in (11, 12, 13)])
    h, steps = 1e-5, jnp.eye(points.shape[1])

    above, below = (
        moved(anonymous(game), points[:, None] + sign * h * steps[None], rebuild) for sign in (1, -1)
    )
    numeric, exact = (above - below) / (2 * h), slopes(anonymous(game), points, rebuild)
    assert np.abs(exact).max() > 0
    np.testing.assert_allclose(exact, numeric.swapaxes(1, 2), atol=1e-6 * np.abs(numeric).max())


def renamed(game, params, order):
    """The game and its parameters with seat k of the result being seat order[k]; a table's rows follow their histories."""
    swap = relabeled(stage_of(game), order)
    if isinstance(game, MatrixGame):
        return swap, tuple(params[j] for j in order)
    joints = list(itertools.product(*(range(a) for a in game.n_actions)))
    histories = [h for length in range(game.memory + 1) for h in itertools.product(joints, repeat=length)]
    tables = []
    for seat, j in enumerate(order):
        before = [chains.row(h, j, game.n_actions) for h in histories]
        after = [
            chains.row([tuple(joint[i] for i in order) for joint in h], seat, swap.n_actions)
            for h in histories
        ]
        tables.append(params[j][np.array(before)[np.argsort(after)]])
    return eqx.tree_at(lambda g: g.stage, game, swap), tuple(tables)


@every_game
def test_relabeling_players_relabels_values(x64, name, settings):
    entry, game = GAMES.get(name), GAMES.make(name, **settings)
    params = random_parameters(game, 3, 1.0)
    found = np.asarray(values(game, params))
    if game.n_players == 2 and params[0].shape == params[1].shape:
        swapped = np.asarray(values(game, params[::-1]))
        assert np.allclose(swapped, found[::-1], rtol=1e-9) == entry.facts["symmetric"]
    if not isinstance(game, Smooth):
        for order in list(itertools.permutations(range(game.n_players)))[1:]:
            np.testing.assert_allclose(values(*renamed(game, params, order)), found[list(order)], rtol=1e-9)


@every_game
def test_init_depends_on_key_and_seat_alone(name, settings):
    game = GAMES.make(name, **settings)
    draw = jax.jit(lambda key: game.init(key))
    keys = jax.vmap(jax.random.key)(jnp.arange(500))
    one, lanes = draw(keys[7]), jax.vmap(draw)(keys)
    for own, drawn in zip(one, lanes, strict=True):
        np.testing.assert_array_equal(own, drawn[7])
        sample = np.asarray(drawn, dtype=float) / float(game.init_std)
        assert abs(sample.mean()) < 5 / np.sqrt(sample.size)
        assert abs(sample.std() - 1) < 5 / np.sqrt(2 * sample.size)
    assert len({np.asarray(drawn).ravel()[0].item() for drawn in lanes}) == game.n_players
    if "n_players" in GAMES.get(name).settings():
        more = GAMES.make(name, **settings | {"n_players": 4})
        wider = more.init(keys[7])
        assert len(wider) == 4
    silent = eqx.tree_at(lambda g: g.init_std, game, jnp.zeros(()))
    assert all((own == 0).all() for own in silent.init(keys[0]))


@every_game
def test_divergence_measures_behavior(x64, name, settings):
    game = GAMES.make(name, **settings)
    params, other = random_parameters(game, 5, 1.0), random_parameters(game, 6, 1.0)
    for seat in range(game.n_players):
        old, new = params[seat], other[seat]
        assert game.divergence(seat, old, old, params) == 0
        assert game.divergence(seat, old, new, params) > 1e-3
        gradient = jax.grad(lambda new, old=old, seat=seat: game.divergence(seat, old, new, params))(old)
        np.testing.assert_allclose(gradient, 0, atol=1e-12)
        split = game.split(params)[seat], game.split(other)[seat]
        np.testing.assert_allclose(
            game.divergence(seat, *split, params), game.divergence(seat, old, new, params), rtol=1e-12
        )
        if isinstance(game, (MatrixGame, Iterated)) and game.n_actions[seat] > 2:
            np.testing.assert_allclose(game.divergence(seat, old, old + 3.0, params), 0, atol=1e-12)


@every_game
def test_split_and_join_change_nothing(name, settings):
    game = GAMES.make(name, **settings)
    params = game.init(jax.random.key(1))
    whole = game.join(game.split(params))
    for a, b in zip(params, whole, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(values(game, game.split(params)), values(game, params), rtol=1e-6)
    lanes = jax.vmap(game.init)(jax.random.split(jax.random.key(2), 3))
    for a, b in zip(lanes, game.join(jax.vmap(game.split)(lanes)), strict=True):
        np.testing.assert_array_equal(a, b)


@every_game
def test_lanes_equal_a_loop(name, settings):
    game = GAMES.make(name, **settings)
    lanes = jax.vmap(game.init)(jax.random.split(jax.random.key(2), 3))
    together = lanes_of(anonymous(game), lanes)
    for lane in range(3):
        alone = values(game, jax.tree.map(lambda x, lane=lane: x[lane], lanes))
        np.testing.assert_allclose(together[lane], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("entry", list(SAMPLED), ids=lambda e: e.name)
def test_named_games_are_sampled_games(entry):
    """Traced, not compiled: parameters are drawn, and everybody gets a value."""
    game = entry.make(batch=2, length=3)
    params = jax.eval_shape(game.init, jax.random.key(0))
    assert jax.eval_shape(game.values, params, jax.random.key(1)).shape == (game.n_players,)
    assert game.name == entry.name
    assert game.steps == 3
    assert bibtex(entry.citation)
