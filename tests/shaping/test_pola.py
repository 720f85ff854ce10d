"""POLA beside independent solutions of its proximal problem, the outputs of its public code, and the invariance it is made for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from games import GAMES, Network, Parameterized, Preconditioned, Tabular, ipd_contribution
from games.exact.parameterized import one_hot_histories
from games.exact.tables import kl_divergence
from games.strategies.codebases import CONVENTIONS
from shaping import Fixed, Lola, Naive, Pola, View, play
from shaping.calculus.implicit_argmax import maximum

STAGE = np.array([0.33, -0.335, 0.665, 0.0])
"""The contribution game's payoffs at its default factor: CC, CD, DC, DD."""
FACED = [0, 1, 3, 2, 4]


@pytest.fixture(autouse=True)
def precise(x64):
    """Everything here is in float64."""


def value(own, other):
    """A player's return against another, by a plain linear solve."""
    a, b = (1 / (1 + np.exp(-np.asarray(x))) for x in (own, other))
    b = b[FACED]
    p = np.stack([a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b)], axis=1)
    return p[0] @ np.linalg.solve(np.eye(4) - 0.96 * p[1:], STAGE)


def divergence(old, new):
    """Of two tables, as the textbook has it."""
    p, q = (1 / (1 + np.exp(-np.asarray(x))) for x in (old, new))
    return np.sum(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))


def slope(f, x, size=1e-3):
    """Central differences of fourth order."""
    steps = size * np.eye(len(x))
    return np.array([(8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * size) for e in steps])


def best(objective, start):
    """Where scipy finds the maximum."""
    found = minimize(
        lambda x: -objective(x),
        start,
        jac=lambda x: -slope(objective, x),
        method="BFGS",
        options={"gtol": 1e-8},
    )
    assert np.abs(found.jac).max() < 1e-6
    return found.x


def response(inner, x, other, b):
    """The other's answer to the own table x, from the definition."""
    if inner == "step":
        return other + b * slope(lambda y: value(y, x), other)
    return best(lambda y: b * value(y, x) - divergence(other, y), other)


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Formulas are compared here, by programs that run a few times each: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


LONG = (pytest.mark.slow, pytest.mark.timeout(1200))
TIGHT = {"tolerance": 1e-20, "iterations": 50_000.0}


@jax.jit
def compiled(learner, game, params, state):
    """The first player's table after one update, and the learner's next state."""
    step, state = learner.update(state, View(game, params, 0))
    return game.table(0, jax.tree.map(jnp.add, params[0], step)), state


def updated(learner, game, params, state=None):
    """The same from a learner's first state, if no other is given: one program per kind of learner and game."""
    return compiled(learner, game, params, learner.init(View(game, params, 0)) if state is None else state)


def tabular():
    """The contribution game, its parameters in arrays."""
    return Parameterized(ipd_contribution(), Tabular())


def start(seed=0, std=0.5):
    return tuple(std * jax.random.normal(k, (5,)) for k in jax.random.split(jax.random.key(seed)))


@pytest.mark.parametrize("b", [1.0, 0.0])
def test_outer_pola_solves_the_proximal_problem(b):
    own, other = map(np.asarray, start())
    ours, state = updated(Pola(0.3, b, 1.0, **TIGHT), tabular(), (own, other))
    assert state.solved
    theirs = best(lambda x: value(x, response("step", x, other, b)) - divergence(own, x), own)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_proximal_response_is_solved_and_differentiated():
    """The total derivative of the definition, by differences through scipy's inner solutions, vanishes where ours stopped."""
    own, other = map(np.asarray, start())
    ours, state = updated(Pola(0.3, 0.5, 5.0, inner="proximal", **TIGHT), tabular(), (own, other))
    assert state.solved

    def objective(x):
        return value(x, response("proximal", x, other, 0.5)) - 5.0 * divergence(own, x)

    assert np.abs(slope(objective, own, 1e-2)).max() > 0.1
    assert np.abs(slope(objective, np.asarray(ours), 1e-2)).max() < 1e-5


def test_without_look_ahead_both_forms_are_the_proximal_naive_step():
    step, proximal = (
        updated(Pola(0.3, 0.0, 5.0, inner=inner, **TIGHT), tabular(), start(1))[0]
        for inner in ("step", "proximal")
    )
    np.testing.assert_allclose(step, proximal, atol=1e-9)


@pytest.mark.parametrize("inner", ["step", "proximal"])
def test_at_rate_zero_nothing_moves(inner):
    ours, state = updated(Pola(0.0, 1.0, 1.0, inner=inner), tabular(), start())
    np.testing.assert_array_equal(ours, start()[0])
    assert int(state.iterations) == 1


def test_a_proximal_problem_left_unsolved_is_reported_and_counted():
    state = None
    for met in (1, 2):
        _, state = updated(Pola(0.3, 1.0, 1.0, iterations=3.0), tabular(), start(), state)
        assert (int(state.iterations), int(state.unsolved), bool(state.solved)) == (3, met, False)
        assert state.change > 1e-8


def test_a_diverging_ascent_stops_and_is_reported():
    match = play(GAMES.make("tandem"), [Pola(lr=10.0)] * 2, steps=1)
    assert not match.ok.any()
    assert not match.states[0].solved.any()
    assert int(match.states[0].iterations[0]) < 5000


# What the public code prints for one update at factor 1.33 from the policy .5 everywhere, in its order DD, DC, CD, CC, start.
TABULAR_LOLA = ([0.4465, 0.5035, 0.4465, 0.5035, 0.4958], 3.9139)
TABULAR_POLA = ([0.1954, 0.5716, 0.3583, 0.5986, 0.4827], 3.1651)
NETWORKS = {
    "1": (
        [[-1.0, 1, -1, 1, -1, 1]] * 2,
        [0.0, 0.0],
        [[-1.0, 1.0]],
        [0.0],
        ([0.3908, 0.5113, 0.4350, 0.4683, 0.4479], [0.3908, 0.4350, 0.5113, 0.4683, 0.4479]),
        (3.6877, 3.6877),
    ),
    "4": (
        [
            [
                1.1074687263023,
                0.275260757781574,
                0.489599039857568,
                0.130220650429065,
                0.130220650428934,
                -0.0416038405697266,
            ],
            [
                0.0142691805853789,
                0.933207934425381,
                -0.0153849853273826,
                0.170635830969251,
                0.17063583096918,
                0.985901625511033,
            ],
        ],
        [0.286705849, -0.00180708],
        [[1.0, 0.5]],
        [-1.0],
        ([0.4318, 0.4418, 0.4204, 0.4352, 0.4375], [0.4298, 0.4298, 0.4575, 0.4575, 0.4531]),
        (3.7305, 3.4854),
    ),
}


def published(policy, seat):
    """The public code's probabilities in this laboratory's order."""
    return CONVENTIONS.make("pola").to_lab(jnp.array(policy), seat)


@pytest.mark.parametrize(
    ("make", "expected", "digits"),
    [
        (lambda: Lola(0.2, 1.0), TABULAR_LOLA, 1e-4),
        (lambda: Pola(0.2, 0.5, 5.0, inner="proximal"), TABULAR_POLA, 2e-3),
    ],
    ids=["lola", "pola"],
)
def test_a_tabular_update_is_the_public_codes(make, expected, digits):
    """LOLA: steps 1 and .2; POLA with both problems solved: inner and outer penalties 2 and 5, which stops short of four digits."""
    ours, _ = updated(make(), tabular(), (jnp.zeros(5), jnp.zeros(5)))  # the other player moves alike
    np.testing.assert_allclose(jax.nn.sigmoid(ours), published(expected[0], 0), atol=digits)
    assert value(ours, ours) == pytest.approx(expected[1], abs=20 * digits)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_update_of_a_network_is_the_public_codes(name):
    weight_in, bias_in, weight_out, bias_out, policies, values = NETWORKS[name]
    game = Parameterized(ipd_contribution(), Network(2))
    columns = (
        [1, 0, 2, 4, 3, 5],
        [4, 3, 5, 1, 0, 2],
    )  # ours: C, D, start, own first; theirs: D, C, start, first player first
    joint = tuple(
        {
            "weight_in": jnp.array(weight_in)[:, jnp.array(order)],
            "bias_in": jnp.array(bias_in),
            "weight_out": jnp.array(weight_out),
            "bias_out": jnp.array(bias_out),
        }
        for order in columns
    )
    tables = [
        updated(Lola(0.05, 0.2), game, params)[0] for params in (joint, joint[::-1])
    ]  # the game is symmetric
    for seat in range(2):
        np.testing.assert_allclose(jax.nn.sigmoid(tables[seat]), published(policies[seat], seat), atol=1e-4)
    np.testing.assert_allclose([value(*tables), value(*tables[::-1])], values, atol=2e-3)


def alike(seed):
    """The same two policies in four parameterizations: game and parameters of each."""
    game = ipd_contribution()
    network = Parameterized(game, Network(8))
    weights = network.init(jax.random.key(seed))
    tables = network.tables(weights)
    versions = {"table": (tabular(), tables), "network": (network, weights)}
    for name, matrix in {
        "stretched": np.diag([0.5, 3.0, 1.0, 2.0, 0.5]) + 0.2,
        "basis": Preconditioned().matrix,
    }.items():
        inverse = np.linalg.inv(matrix)
        versions[name] = (
            Parameterized(game, Preconditioned(matrix)),
            tuple({"theta": inverse @ t} for t in tables),
        )
    return versions


def moves(learner, game, params):
    """How far one update moves every probability of the first player."""
    table, state = updated(learner, game, params)
    return np.asarray(jax.nn.sigmoid(table) - jax.nn.sigmoid(game.table(0, params[0]))), state


@pytest.mark.parametrize(
    ("other", "rate"),
    [("stretched", 0.1), pytest.param("network", 0.1, marks=LONG), pytest.param("basis", 0.05, marks=LONG)],
)
def test_equal_policies_get_equal_updates_whatever_their_parameters(other, rate):
    """The method's point, solved on both levels; LOLA's updates of the same policies differ by their own size."""
    versions = alike(0)
    table, through = versions["table"], versions[other]
    (ours, solved), (theirs, also) = (
        moves(Pola(r, 0.5, 5.0, inner="proximal", tolerance=1e-15, iterations=20_000.0), *version)
        for r, version in ((0.3, table), (rate, through))
    )
    assert solved.solved
    assert also.solved
    assert np.abs(ours).max() > 0.05
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(ours).max()
    lola, unequal = (moves(Lola(0.05, 0.5), *version)[0] for version in (table, through))
    assert np.abs(lola - unequal).max() > 0.5 * np.abs(lola).max()


def test_implicit_derivatives_are_those_of_the_solution():
    """Beside differences of the solution and the derivative of unrolled iterations; also where the objective is flat in a direction."""

    def concave(x, y):
        z = jnp.array([x[0] + x[1], x[2]])  # flat along (1, -1, 0)
        return -jnp.sum(jnp.cosh(z - y)) + 0.3 * jnp.sin(z[0] * z[1])

    @jax.jit
    def solved(y):
        x, short = maximum(
            lambda x: concave(x, y), jnp.zeros(3), lambda a, b: jnp.sum((a - b) ** 2), 5000.0, 1e-26
        )
        return jnp.array([x[0] + x[1], x[2]]), short

    def unrolled(y):
        x = jax.lax.fori_loop(0, 400, lambda _, x: x + 0.2 * jax.grad(concave)(x, y), jnp.zeros(3))
        return jnp.array([x[0] + x[1], x[2]])

    y = jnp.array([0.3, -0.7])
    implicit = jax.jit(jax.jacrev(lambda y: solved(y)[0]))(y)
    assert solved(y)[1] <= 1e-26
    np.testing.assert_allclose(implicit, jax.jit(jax.jacfwd(unrolled))(y), rtol=1e-7)
    differences = [(solved(y + e)[0] - solved(y - e)[0]) / 2e-5 for e in 1e-5 * jnp.eye(2)]
    np.testing.assert_allclose(implicit, np.array(differences).T, rtol=1e-6)


def test_an_unbounded_objective_is_no_maximum():
    x, short = jax.jit(
        lambda: maximum(jnp.sum, jnp.zeros(2), lambda a, b: jnp.sum((a - b) ** 2), 20.0, 1e-6)
    )()
    assert short > 1e-6
    assert (x > 1).all()


def test_divergence_is_the_textbooks_and_keeps_its_digits():
    old, new = start(3, 2.0)
    np.testing.assert_allclose(kl_divergence(old, new, 2), divergence(old, new), rtol=1e-12)
    np.testing.assert_allclose(
        jax.grad(kl_divergence, 1)(old, new, 2), jax.nn.sigmoid(new) - jax.nn.sigmoid(old), rtol=1e-9
    )
    for factor in (1e-3, 1e-4):
        near = old + factor * new
        narrow = [x.astype(jnp.float32) for x in (old, near)]
        exact = float(kl_divergence(*(x.astype(jnp.float64) for x in narrow), 2))
        assert 0 < exact < 1e-5
        assert float(kl_divergence(*narrow, 2)) == pytest.approx(exact, rel=0.1)
    assert kl_divergence(jnp.full(5, 1000.0), jnp.full(5, -1000.0), 2) == 5000.0
    assert kl_divergence(old, old, 2) == 0


def test_parameters_that_are_the_table_are_the_game():
    game = ipd_contribution()
    through = Parameterized(game, Tabular())
    joint = game.init(jax.random.key(0))
    np.testing.assert_array_equal(through.init(jax.random.key(0)), joint)
    np.testing.assert_allclose(through.values(joint), game.values(joint))
    np.testing.assert_allclose(through.divergence(0, *joint, joint), game.divergence(0, *joint, joint))


def test_the_basis_of_pola_in_this_laboratorys_order():
    """The public code's matrix: the identity, and -2 in the first column below the diagonal; order DD, DC, CD, CC, start."""
    theirs = np.eye(5) - 2 * np.outer([0, 1, 1, 1, 1], [1, 0, 0, 0, 0])
    theta = np.arange(1.0, 6.0)
    convention = CONVENTIONS.make("pola")
    for seat in range(2):
        ours = Preconditioned().table(
            {"theta": convention.to_lab(theta, seat)}, (5,), one_hot_histories((2, 2), 1)
        )
        np.testing.assert_allclose(ours, convention.to_lab(theirs @ theta, seat))


@pytest.mark.parametrize("name", ["iterated_rock_paper_scissors", "three"])
def test_networks_play_every_repeated_game(name):
    game = GAMES.make("ipd_contribution", n_players=3) if name == "three" else GAMES.make(name)
    through = Parameterized(game, Network(4))
    params = through.init(jax.random.key(0))
    for player in range(game.n_players):
        table = through.table(player, params[player])
        assert table.shape == game.shapes[player]
        assert len(np.unique(through.histories(player), axis=0)) == len(table)
    np.testing.assert_allclose(through.values(params), game.values(through.tables(params)))
    assert through.divergence(0, params[0], params[0], params) == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Parameterized(GAMES.make("tandem")), "Smooth.*repeated game"),
        (lambda: Parameterized(GAMES.make("ipd"), 3), "policy is an? int.*Policy"),
        (lambda: Network(0), "hidden is 0.*at least 1"),
        (lambda: Preconditioned(np.ones((2, 3))), r"\(2, 3\).*square"),
        (
            lambda: Parameterized(GAMES.make("ipd", memory=2), Preconditioned()).init(jax.random.key(0)),
            "5 rows.*21",
        ),
        (
            lambda: play(Parameterized(GAMES.make("ipd"), Network()), [Fixed.named("tft"), Naive()], steps=1),
            "tft.*policy",
        ),
        (lambda: Pola(inner="exact"), "inner 'exact'.*accepted"),
        (lambda: Pola(penalty=-1.0), "penalty is -1.*at least 0"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, says):
    with pytest.raises(ValueError, match=says) as refused:
        make()
    assert "\n" not in str(refused.value)
