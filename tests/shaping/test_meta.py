"""The meta-game against what it is made of: matches, learners and games, step by step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from games import GAMES, MatrixGame, ipd, tandem
from shaping import LEARNERS, Lola, Naive, Optimistic, Optimized, View, play
from shaping.learners.mmaml import Mmaml
from shaping.learners.scripted import Scripted
from shaping.meta.game import MetaGame
from shaping.training import GradientTrainer, MmamlTrainer, run


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Formulas are compared here, by programs that run a few times each: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(autouse=True)
def precise(x64):
    """Everything here is in float64."""


@eqx.filter_jit
def stepwise(meta, actions, key=None):
    """Play given actions `(steps, n_players, size)` through the environment: observations, rewards, everybody's values, truncations."""

    def step(state, action):
        observation, state, reward, terminated, truncated, info = meta.step(jax.random.key(1), state, action)
        return state, (observation, reward, info["values"], terminated, truncated)

    observation, state = meta.reset(jax.random.key(0) if key is None else key)
    return observation, state, jax.lax.scan(step, state, actions)[1]


@eqx.filter_jit
def value(meta, players, key=None):
    """The value of a meta-game, compiled."""
    return meta.values(players, key)


def three_players():
    """A one-shot game of three players with payoffs drawn at random."""
    return MatrixGame(np.random.default_rng(0).normal(size=(3, 2, 2, 2)))


SETTINGS = {
    "against_naive": (ipd, [None, Naive()], 1),
    "second_seat": (lambda: GAMES.make("stag_hunt"), [Lola(0.5, 0.5), None], 1),
    "own_start_chosen": (lambda: GAMES.make("matching_pennies"), [None, Optimized(Naive(), "adam", 0.1)], 0),
    "two_updates_first": (lambda: GAMES.make("matching_pennies"), [Optimistic(0.3), None], 2),
    "two_co_players": (three_players, [Naive(3.0), None, Optimistic(2.0)], 1),
    "two_open_seats": (three_players, [None, Naive(3.0), None], 1),
    "three_actions": (lambda: GAMES.make("rock_paper_scissors"), [None, Naive(0.5)], 1),
}


@pytest.fixture(params=SETTINGS, scope="module")
def setting(request):
    """A meta-game from given first parameters, and a path of actions for every open seat."""
    with jax.enable_x64(True):
        make, learners, warm_up = SETTINGS[request.param]
        game = make()
        meta = MetaGame(game, learners, steps=4, warm_up=warm_up, initial=game.init(jax.random.key(2)))
        actions = jax.random.normal(jax.random.key(3), (4, meta.n_players, *meta.action_shape))
        return meta, actions, stepwise(meta, actions)


def scripts(meta, actions):
    """The same paths as learners, which keep their draw while the co-players learn beforehand."""
    learners = []
    for path, seat in zip(jnp.moveaxis(actions, 1, 0), meta.open, strict=True):
        still = jnp.broadcast_to(
            ravel_pytree(meta.initial[seat])[0], (max(meta.warm_up - 1, 0), path.shape[1])
        )
        learners.append(Scripted(jnp.concatenate([still, path]), opens=meta.warm_up == 0))
    return tuple(learners)


def test_the_environment_is_a_match_step_by_step(setting):
    """`play` of the same paths and co-players: everybody's parameters and values at every step, the first observation included."""
    meta, actions, (first, _, (observations, rewards, values, terminated, truncated)) = setting
    paths = iter(scripts(meta, actions))
    learners = [next(paths) if learner is None else learner for learner in meta.learners]
    match = play(meta.game, learners, steps=meta.warm_up + 3, params=meta.initial, trajectory=True)
    np.testing.assert_allclose(values, match.values[0, meta.warm_up :], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(rewards, values[:, np.array(meta.open)])
    played = [np.asarray(own[0]).reshape(own.shape[1], -1) for own in match.trajectory]
    drawn = [np.asarray(ravel_pytree(own)[0]) for own in meta.initial]
    for row, seat in enumerate(meta.open):
        order = [seat, *(j for j in range(meta.game.n_players) if j != seat)]
        expected = 1 / (1 + np.exp(-np.concatenate([played[j] for j in order], axis=1)))
        np.testing.assert_allclose(observations[:, row], expected[meta.warm_up :], rtol=1e-9)
        before = (
            expected[meta.warm_up - 1]
            if meta.warm_up
            else 1 / (1 + np.exp(-np.concatenate([drawn[j] for j in order])))
        )
        np.testing.assert_allclose(first[row], before, rtol=1e-9)
    assert not terminated.any()
    assert truncated.tolist() == [False, False, False, True]


def test_the_game_is_the_mean_of_the_environments_rewards(setting):
    meta, actions, (_, _, (_, rewards, *_)) = setting
    np.testing.assert_allclose(
        meta.per_step(value(meta, scripts(meta, actions))), rewards.mean(axis=0), rtol=1e-9, atol=1e-12
    )


def test_the_shapes_are_those_announced(setting):
    meta, _, (first, state, (observations, rewards, *_)) = setting
    assert first.shape == (meta.n_players, *meta.observation_shape) == observations.shape[1:]
    assert rewards.shape == (4, meta.n_players)
    assert first.dtype == observations.dtype == rewards.dtype == jnp.float64
    after = jax.eval_shape(
        meta.step, jax.random.key(0), state, jnp.zeros((meta.n_players, *meta.action_shape))
    )[1]
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert [(x.shape, x.dtype) for x in jax.tree.leaves(after)] == [
        (x.shape, x.dtype) for x in jax.tree.leaves(state)
    ]


def test_a_batch_is_a_loop():
    meta = MetaGame(GAMES.make("stag_hunt"), [None, Naive()], steps=4)
    actions = jax.random.normal(jax.random.key(0), (3, 4, 1, 1))
    keys = jax.random.split(jax.random.key(1), 3)
    together = jax.vmap(lambda actions, key: stepwise(meta, actions, key)[2][:3])(actions, keys)
    for lane in range(3):
        for ours, alone in zip(together, stepwise(meta, actions[lane], keys[lane])[2], strict=False):
            np.testing.assert_allclose(ours[lane], alone, rtol=1e-9)


def test_lanes_are_independent_draws_of_a_seeded_match():
    game = GAMES.make("stag_hunt")
    player = (Mmaml(0.5, 0.7),)
    key = jax.random.key(4)
    many = value(MetaGame(game, [None, Naive()], steps=3, lanes=3), player, key)
    drawn = (game.init(jax.random.fold_in(key, lane)) for lane in range(3))
    alone = [value(MetaGame(game, [None, Naive()], steps=3, initial=initial), player) for initial in drawn]
    assert np.ptp(alone) > 0
    np.testing.assert_allclose(many, np.mean(alone, axis=0), rtol=1e-9)


def test_naive_updates_through_the_environment_are_naive_play():
    """The protocol of the published tables: the mean over 100 meta-steps, one update before them; naive against naive is -1.98."""
    game, seat = ipd(), 1
    meta = MetaGame(game, [Naive(), None])

    def lane(key):
        def step(carry, _):
            observation, state = carry
            own, other = jnp.split(
                jnp.log(observation[0]) - jnp.log1p(-observation[0]), 2
            )  # the inverse of the sigmoid
            own += View(game, (other, own), seat).gradient((other, own))
            observation, state, _, _, _, info = meta.step(key, state, own[None])
            return (observation, state), info["values"]

        return jax.lax.scan(step, meta.reset(key), length=100)[1]

    keys = jax.random.split(jax.random.key(5), 512)
    values = jax.jit(jax.vmap(lane))(keys)
    match = jax.jit(
        jax.vmap(lambda *drawn: play(game, [Naive(), Naive()], steps=100, params=drawn).values[0, 1:])
    )
    both = match(*jax.vmap(game.init)(keys))
    np.testing.assert_allclose(values.mean(axis=(0, 1)), both.mean(axis=(0, 1)), atol=1e-6)
    assert float(values[..., seat].mean()) == pytest.approx(-1.98, abs=0.02)


PLAYERS = {
    "path": lambda meta: meta.init(jax.random.key(0))[0],
    "start_and_step": lambda meta: Mmaml(meta.game.init(jax.random.key(0))[meta.open[0]], 0.4),
}


@pytest.mark.parametrize(
    ("player", "game", "learner"),
    [
        ("path", "stag_hunt", "naive"),
        ("start_and_step", "stag_hunt", "lola_taylor"),
        pytest.param("path", "ipd", "naive", marks=pytest.mark.slow),
        pytest.param("start_and_step", "ipd", "lola_taylor", marks=pytest.mark.slow),
    ],
)
def test_the_gradient_through_the_match_is_its_finite_differences(player, game, learner):
    meta = MetaGame(GAMES.make(game), [None, LEARNERS.make(learner, lr=0.5)], steps=3, lanes=2)
    flat, unravel = ravel_pytree(PLAYERS[player](meta))
    at = jax.jit(jax.value_and_grad(lambda x: meta.values((unravel(x),), jax.random.key(6))[0]))
    h = 1e-5
    differences = [(at(flat + h * e)[0] - at(flat - h * e)[0]) / (2 * h) for e in jnp.eye(len(flat))]
    assert np.abs(differences).min() > 0
    np.testing.assert_allclose(at(flat)[1], differences, rtol=1e-5, atol=1e-6)


def test_two_open_seats_are_a_game_of_two_learners():
    """Naive players of a meta-game: each ascends its own value of the whole match, the other being as it is."""
    meta = MetaGame(tandem(init_std=1.0), [None, None], steps=3)
    joint = meta.init(jax.random.key(0))
    assert not np.array_equal(joint[0].path, joint[1].path)
    match = play(meta, [Naive(0.1), Naive(0.1)], steps=1, params=joint)
    for seat in range(2):  # the loss's mean over 3 steps is (x+y)^2 - 2 own
        total = joint[0].path + joint[1].path
        np.testing.assert_allclose(
            match.params[seat].path[0], joint[seat].path - 0.1 * (2 * total - 2) / 3, rtol=1e-9
        )


def test_the_divergence_is_that_of_the_policies_played():
    game = GAMES.make("stag_hunt")
    meta = MetaGame(game, [None, Naive()], steps=3)
    (old,), (new,) = meta.init(jax.random.key(0)), meta.init(jax.random.key(1))
    divergence = eqx.filter_jit(lambda meta, old, new: meta.divergence(0, old, new, (old,)))
    assert float(divergence(meta, old, old)) == 0
    expected = np.mean([game.divergence(0, a, b, (a, a)) for a, b in zip(old.path, new.path, strict=True)])
    np.testing.assert_allclose(divergence(meta, old, new), expected, rtol=1e-9)


def test_ascent_is_adam_written_by_hand():
    """On the tandem game against nobody who moves, the loss in every step of the path is (x + y)^2 - 2x, divided by the steps."""
    game = tandem()
    meta = MetaGame(game, [None, Naive(0.0)], steps=2, initial=(jnp.zeros(1), jnp.full(1, 0.25)))
    start = Scripted([[0.0], [2.0]])
    trained = run(GradientTrainer(meta, start, lr=0.1), iterations=5, chunk=2)
    x, m, v, expected = np.array([0.0, 2.0]), np.zeros(2), np.zeros(2), []
    for t in range(1, 6):
        expected.append(np.mean(2 * x - (x + 0.25) ** 2))
        gradient = (2 - 2 * (x + 0.25)) / 2
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        x = x + 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(trained.state.player.path.ravel(), x, rtol=1e-6)
    np.testing.assert_allclose(trained.record.per_step, expected, rtol=1e-6)


def test_an_ascent_in_pieces_is_the_ascent_in_one():
    """Gone on with from plain arrays: the same to the last bit, since the program is the same for any number of steps."""
    meta = MetaGame(tandem(init_std=1.0), [None, Naive(0.1)], steps=3, lanes=2)
    heard = []
    trainer = GradientTrainer(meta, Mmaml(0.1, 0.5))
    whole = run(trainer, 3, iterations=5, chunk=2, callback=heard.append)
    assert [now.iterations for now in heard] == [2, 4, 5]
    assert whole.record.per_step.shape == (5,)
    kept = heard[0]._replace(state=jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), heard[0].state))
    rest = run(trainer, 8, iterations=5, chunk=2, start=kept)
    for a, b in ((rest.state, whole.state), (rest.record, whole.record)):
        assert jax.tree.structure(a) == jax.tree.structure(b)
        jax.tree.map(np.testing.assert_array_equal, a, b)
    assert run(trainer, iterations=4, start=whole).iterations == 5
    np.testing.assert_allclose(
        run(trainer, 3, iterations=5, chunk=5).record.per_step, whole.record.per_step, rtol=1e-12
    )


def test_callbacks_see_finite_numbers():
    heard = []
    meta = MetaGame(tandem(), [None, Naive()], steps=1, warm_up=0)
    trainer = GradientTrainer(meta, Mmaml(jnp.zeros(1), 0.5), lr=1e308)
    with pytest.raises(ValueError, match=r"left the finite numbers in iterations .*; choose a smaller lr"):
        run(trainer, iterations=5, chunk=1, callback=heard.append)
    assert heard
    assert all(np.isfinite(now.state.player.logits).all() for now in heard)


@pytest.mark.slow
def test_a_learned_start_dares_first_and_the_naive_learner_yields():
    """At chicken, who starts out daring is yielded to: 1 per step but for the crashes of the beginning; two naive learners swerve."""
    game = GAMES.make("chicken")
    trainer = MmamlTrainer(game, [None, Naive()], steps=30, lanes=32, lr=0.1)
    learner = run(trainer, iterations=300, chunk=100).learners[0]
    trained, naive = (
        play(game, [x, Naive()], 9, steps=29, seeds=256).values.mean(axis=(0, 1)) for x in (learner, Naive())
    )
    assert trained[0] > max(naive[0], 0) + 0.3
    assert trained[1] < trained[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MetaGame(ipd(), [None, Naive(), Naive()]), "3 learners.*2 seats"),
        (lambda: MetaGame(ipd(), [Naive(), Naive()]), "open.*None"),
        (
            lambda: MetaGame(ipd(), [None, Naive()], steps=0),
            "steps is 0.*at least 1",
        ),
        (
            lambda: MetaGame(ipd(), [None, Naive()], warm_up=-1),
            "warm_up is -1.*at least 0",
        ),
        (lambda: MetaGame(ipd(), [None, Naive()], lanes=0), "lanes is 0"),
        (lambda: GradientTrainer(MetaGame(ipd(), [None, None]), Mmaml()), "2 players.*one"),
        (
            lambda: play(ipd(), [Scripted([[0.0, 1.0]]), Naive()], steps=1),
            r"\(1, 2\).*player 0 .*5 parameters",
        ),
        (
            lambda: play(ipd(), [Naive(), Mmaml([0.0, 1.0])], steps=1),
            r"\(2,\).*player 1 .*\(5,\)",
        ),
    ],
)
def test_bad_input_is_refused_with_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()
