import itertools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import games
from games import GAMES, MatrixGame, Quadratic, bibtex
from games.exact.tables import CERTAIN
from tests.reference.exact_games import random_parameters, stage_of, values

pytestmark = pytest.mark.usefixtures("quickly_compiled")

MATRICES = {
    "prisoners_dilemma": ([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]),
    "ipd": ([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]),
    "ipd_axelrod": ([[3, 0], [5, 1]], [[3, 5], [0, 1]]),
    "ipd_coala": ([[1, -1], [2, 0]], [[1, 2], [-1, 0]]),
    "ipd_meta_mapg": ([[0.5, -1.5], [1.5, -0.5]], [[0.5, 1.5], [-1.5, -0.5]]),
    "ipd_contribution": ([[0.33, -0.335], [0.665, 0]], [[0.33, 0.665], [-0.335, 0]]),
    "imp": ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]),
    "chicken": ([[0, -1], [1, -100]], [[0, 1], [-1, -100]]),
    "iterated_chicken": ([[0, -1], [1, -100]], [[0, 1], [-1, -100]]),
    "chicken_bounded": ([[3, 1], [4, 0]], [[3, 4], [1, 0]]),
    "stag_hunt": ([[4, 0], [3, 1]], [[4, 3], [0, 1]]),
    "ibs": ([[2, 0], [0, 1]], [[1, 0], [0, 2]]),
    "iterated_coordination": ([[4, 0], [0, 8]], [[4, 0], [0, 8]]),
    "ultimatum": ([[5, 5], [8, 0]], [[5, 5], [2, 0]]),
    "irps": ([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], [[0, 1, -1], [-1, 0, 1], [1, -1, 0]]),
}


@pytest.mark.parametrize("name", MATRICES)
def test_payoffs_are_the_published_ones(name):
    np.testing.assert_allclose(stage_of(GAMES.make(name)).payoffs, MATRICES[name], atol=1e-6)


def test_repetition_has_the_payoffs_of_its_stage():
    names = {e.name for e in GAMES}
    for name in names:
        if f"iterated_{name}" in names:
            once, again = GAMES.make(name), GAMES.make(f"iterated_{name}")
            assert isinstance(once, MatrixGame)
            np.testing.assert_array_equal(again.stage.payoffs, once.payoffs)


@pytest.mark.parametrize("n_players", [2, 3, 4])
@pytest.mark.parametrize("cf", [1.1, 1.6])
def test_contribution_game_of_n_players(n_players, cf):
    payoffs = np.asarray(games.ipd_contribution(cf, n_players).stage.payoffs)
    for actions in itertools.product([0, 1], repeat=n_players):  # 0 contributes
        contributed = [1 - a for a in actions]
        expected = [cf / n_players * sum(contributed) - c for c in contributed]
        np.testing.assert_allclose(payoffs[(slice(None), *actions)], expected, atol=1e-6)


def at(name, x, y):
    return np.asarray(GAMES.make(name).values((jnp.array([x], float), jnp.array([y], float))))


def test_smooth_games_are_the_published_ones():
    np.testing.assert_allclose(at("tandem", 1, 2), [-7, -5])
    np.testing.assert_allclose(at("tandem_cubed", 1, 2), [-79, -77])
    np.testing.assert_allclose(at("hamiltonian", 2, 3), [-6, 6])
    np.testing.assert_allclose(at("balduzzi", 2, 1), [-22, 19.5])
    np.testing.assert_allclose(at("zero_sum_cycle", 2, 1), [-(2 - 2 + 0.5 + 4 - 0.25), 4.25])
    g = 1 / 5 - 16 / 2
    np.testing.assert_allclose(
        at("market", 2, 1), [-(2 - 2 + 64 / 6 + g / 4), -(-2 - 0.5 + 1 / 6 - g / 4)], rtol=1e-6
    )
    f = (5 - 1e-4) / 2
    np.testing.assert_allclose(
        at("market_with_min", 2, 1), [-(64 / 6 - 4 + f + 2 + g / 4), -(1 / 6 - f - 2 - g / 4)], rtol=1e-6
    )


def test_market_with_min_is_continuous_and_has_its_minimum(x64):
    game = games.market_with_min()

    def losses(x, y):
        return -game.values((jnp.array([x]), jnp.array([y])))

    def gradients(x, y):
        return jax.grad(lambda x: losses(x, y)[0])(x), jax.grad(lambda y: losses(x, y)[1])(y)

    for angle in np.linspace(0, 2 * np.pi, 9):
        inside, outside = (
            losses(r * np.cos(angle), r * np.sin(angle)) for r in (0.01 * (1 - 1e-9), 0.01 * (1 + 1e-9))
        )
        np.testing.assert_allclose(inside, outside, atol=1e-12)
        assert np.isfinite(gradients(0.01 * np.cos(angle), 0.01 * np.sin(angle))).all()
    np.testing.assert_allclose(gradients(0.0, 0.0), 0)
    curvature = jax.jit(jax.hessian(lambda z: losses(z[0], z[1])))(jnp.zeros(2))
    np.testing.assert_allclose(
        [curvature[0, 0, 0], curvature[1, 1, 1]], [1, 1], rtol=1e-9
    )  # a strict minimum for both


@pytest.mark.parametrize("name", ["hamiltonian", "zero_sum_cycle", "matching_pennies", "imp", "irps"])
def test_zero_sum_games_sum_to_zero(name):
    game = GAMES.make(name)
    np.testing.assert_allclose(values(game, random_parameters(game, 1, 1.0)).sum(), 0, atol=1e-4)


def test_quadratic_of_any_dimension(x64):
    rng = np.random.default_rng(0)
    matrices, vectors = rng.normal(size=(3, 6, 6)), rng.normal(size=(3, 6))
    game = Quadratic(matrices, vectors, sizes=(1, 2, 3))
    params = game.init(jax.random.key(0))
    theta = np.concatenate(params)
    np.testing.assert_allclose(
        game.values(params),
        [theta @ a @ theta / 2 + b @ theta for a, b in zip(matrices, vectors, strict=True)],
    )
    split = tuple(tuple(own) for own in params)
    np.testing.assert_allclose(game.values(split), game.values(params))
    slope = jax.grad(lambda own: game.values((params[0], own, params[2]))[1])(params[1])
    np.testing.assert_allclose(slope, (((matrices[1] + matrices[1].T) / 2) @ theta + vectors[1])[1:3])
    family = jax.vmap(lambda a: Quadratic(a, sizes=(1, 2, 3)).values(params))(
        jnp.stack([game.matrices, 2 * game.matrices])
    )
    np.testing.assert_allclose(family[1], 2 * family[0])


def test_payoffs_are_data_of_a_family():
    def exploited(temptation):
        return GAMES.make("ipd", payoffs=[[-1.0, -3.0], [temptation, -2.0]]).values(
            (jnp.full(5, CERTAIN), jnp.full(5, -CERTAIN))
        )

    np.testing.assert_allclose(jax.vmap(exploited)(jnp.array([0.0, 1.0]))[:, 1] * 0.04, [0, 1], atol=1e-4)

    def pennies(stake):
        return GAMES.make("imp", payoffs=[[stake, -1.0], [-1.0, 1.0]]).values(
            (jnp.full(5, CERTAIN), jnp.full(5, CERTAIN))
        )

    np.testing.assert_allclose(jax.vmap(pennies)(jnp.array([1.0, 3.0]))[:, 0] * 0.04, [1, 3], rtol=1e-4)


def test_many_players_with_many_actions(x64):
    rng = np.random.default_rng(1)
    payoffs = rng.normal(size=(3, 2, 3, 4))
    game = MatrixGame(payoffs)
    params = game.init(jax.random.key(0))
    first = 1 / (1 + np.exp(-params[0][0]))
    mixed = [np.array([first, 1 - first]), *(np.exp(p) / np.exp(p).sum() for p in params[1:])]
    np.testing.assert_allclose(game.values(params), np.einsum("iabc,a,b,c->i", payoffs, *mixed), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: GAMES.make("ipd", payoffs=[[np.nan, 0], [1, 2]]), "NaN"),
        (lambda: GAMES.make("ipd", payoffs=[[np.inf, 0], [1, 2]]), "NaN"),
        (lambda: GAMES.make("ipd", payoffs=[[1, 2], [3]]), "rows.*length"),
        (lambda: GAMES.make("ipd", payoffs=[["a", 2], [3, 4]]), "(?i)payoffs"),
        (lambda: GAMES.make("ipd", payoffs=[1, 2]), r"\(2, 2\).*entry per player"),
        (lambda: GAMES.make("imp", payoffs=[[1, 2], [3]]), "rows.*length"),
        (lambda: MatrixGame(np.zeros((3, 2, 2))), r"\(3, 2, 2\).*length 2"),
        (lambda: MatrixGame(np.zeros((2, 2, 2, 2))), "length 3"),
        (lambda: MatrixGame(np.zeros((2, 2, 1))), "at least 2"),
        (lambda: MatrixGame(3.0), "entry per player"),
        (lambda: MatrixGame.bimatrix(np.zeros((2, 2)), np.zeros((2, 3))), r"\(2, 2\) and \(2, 3\)"),
        (lambda: GAMES.make("ibs", payoffs=np.zeros((3, 2, 2))), "length 2"),
        (lambda: GAMES.make("ipd", discount=1.2), r"discount is 1.2.*\[0, 1\]"),
        (lambda: GAMES.make("ipd", init_std=-1.0), "init_std is -1"),
        (lambda: GAMES.make("ipd", memory=0), "memory is 0"),
        (
            lambda: GAMES.make("ipd_contribution", n_players=1),
            "n_players is 1.*at least 2",
        ),
        (lambda: GAMES.make("ipd_contribution", cf=float("nan")), "cf is nan"),
        (lambda: GAMES.make("ipd", discount="much"), "discount is 'much'.*number"),
        (lambda: GAMES.make("tandem", init_std=None), "init_std is None.*at least 0"),
        (
            lambda: GAMES.make("ipd").values((jnp.zeros(4), jnp.zeros(5))),
            r"Player 0's .*\(4,\).*\(5,\)",
        ),
        (
            lambda: GAMES.make("irps").values((jnp.zeros((10, 3)), jnp.zeros(10))),
            r"Player 1's .*\(10, 3\)",
        ),
        (
            lambda: GAMES.make("chicken").values((jnp.zeros(1), jnp.zeros(2))),
            r"Player 1's .*\(2,\)",
        ),
        (
            lambda: GAMES.make("tandem").values((jnp.zeros(1),)),
            "1 players.*2",
        ),
        (lambda: GAMES.make("market_with_min", radius=0.0), "radius is 0"),
        (lambda: GAMES.make("similarity_dilemma", noise=0.0), "noise is 0"),
        (lambda: GAMES.make("prisoner_dilemma"), "did you mean 'prisoners_dilemma'"),
        (lambda: GAMES.make("ipd", discont=0.9), "did you mean 'discount'"),
        (lambda: Quadratic(np.zeros((2, 2))), r"\(n, d, d\)"),
        (lambda: Quadratic(np.zeros((2, 2, 2)), np.zeros(2)), "per player"),
        (lambda: Quadratic(np.zeros((2, 2, 2)), sizes=(1, 2)), r"\(1, 2\).*2|2.*\(1, 2\)"),
        (lambda: bibtex("foerster2018lol"), "did you mean 'foerster2018lola'"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, says):
    with pytest.raises(ValueError, match=says) as refused:
        make()
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_import_is_light():
    code = (
        "import sys, games; print(sorted({'pandas', 'matplotlib', 'scipy', 'networkx'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert loaded == "[]"
