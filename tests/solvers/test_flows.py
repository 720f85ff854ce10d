import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from solvers import FLOWS, evolve, evolve_population
from tests.reference.compilations import compilations

pytestmark = pytest.mark.usefixtures("x64", "quickly_compiled")

TIMES = np.linspace(0, 12, 25)
CYCLE = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], float)
GAMES = 8


@jax.jit
def populations(row, flow, start):
    return jax.vmap(lambda a, x: evolve_population(a, flow, x, TIMES))(row, start)


@jax.jit
def players(payoffs, flow, start):
    return jax.vmap(lambda p, *s: evolve(p, flow, s, TIMES))(payoffs, *start)


def paths(rows, flow, starts):
    """One population per game of a list, filled up to one batch size so that one program serves all tests."""
    found = populations(np.resize(rows, (GAMES, 3, 3)), flow, np.resize(starts, (GAMES, 3)))
    return jax.tree.map(np.asarray, found)


def pairs(payoffs, flow, starts):
    """The same for two populations."""
    return jax.tree.map(
        np.asarray,
        players(np.resize(payoffs, (GAMES, 2, 3, 3)), flow, [np.resize(s, (GAMES, 3)) for s in starts]),
    )


def interior(count=GAMES, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(3, 2.0), count)


def softmax(x):
    return np.exp(x - x.max(axis=-1, keepdims=True)) / np.exp(x - x.max(axis=-1, keepdims=True)).sum(
        axis=-1, keepdims=True
    )


def test_donation_game_is_logistic():
    """Defection gains the cost whatever the others do: cooperators decline logistically; a third action nobody plays stays so."""
    benefit, cost = 3.0, 0.7
    row = np.array([[benefit - cost, -cost, 9], [benefit, 0, 9], [9, 9, 9.0]])
    starts = np.array([[x, 1 - x, 0] for x in (0.99, 0.5, 0.1)])
    found = paths([row] * 3, FLOWS.make("replicator"), starts)
    odds = starts[:, :1] / starts[:, 1:2] * np.exp(-cost * TIMES)
    for game in range(3):
        np.testing.assert_allclose(found.profile[0][game, :, 0], odds[game] / (1 + odds[game]), rtol=1e-7)
        assert (found.profile[0][game, :, 2] == 0).all()
    both = pairs(np.stack([row, row.T]), FLOWS.make("replicator"), [starts[:1], starts[1:2]])
    for player, own in enumerate((odds[0], odds[1])):
        np.testing.assert_allclose(both.profile[player][0, :, 0], own / (1 + own), rtol=1e-7)


def test_rock_paper_scissors_conserves_the_product():
    """The product of the shares is constant at zero sum, rises where a win is worth more than a loss costs, and falls where less."""
    rows = [CYCLE, CYCLE + 0.5 * (CYCLE == 1), CYCLE - 0.5 * (CYCLE == 1)]
    found = paths(rows, FLOWS.make("replicator"), [[0.6, 0.3, 0.1]] * 3)
    product = found.profile[0].prod(axis=-1)
    np.testing.assert_allclose(product[0], 0.018, rtol=1e-7)
    assert (np.diff(product[1]) > 0).all()
    assert (np.diff(product[2]) < 0).all()
    assert np.ptp(found.profile[0][0], axis=0).min() > 0.4  # it does go round


def test_zero_sum_games_conserve_relative_entropy():
    """Two populations, interior equilibrium (p, q): p.log x + q.log y is constant (Hofbauer & Sigmund 1998, section 11.2)."""
    weights = np.array([1.0, 2.0, 4.0])
    row = CYCLE * np.outer(weights, weights)  # its equilibrium is proportional to 1 / weights
    starts = interior(seed=1), interior(seed=2)
    found = pairs(np.stack([row, -row]), FLOWS.make("replicator"), starts)
    p = 1 / weights / (1 / weights).sum()
    conserved = np.log(found.profile[0]) @ p + np.log(found.profile[1]) @ p
    assert found.ok.all()
    np.testing.assert_allclose(conserved, np.broadcast_to(conserved[:, :1], conserved.shape), rtol=1e-6)
    assert np.ptp(found.profile[0], axis=1).max() > 0.1


def velocity(x, u, precision):
    return x * (u - x @ u) if precision is None else softmax(precision * u) - x


def integrated(field, start):
    """A path by scipy's DOP853."""
    return solve_ivp(field, (0, TIMES[-1]), start, "DOP853", TIMES, rtol=1e-11, atol=1e-13).y.T


@pytest.mark.parametrize(("name", "precision"), [("replicator", None), ("logit", 3.0)])
def test_one_population_beside_another_integrator(name, precision):
    """Random games, written out from the definitions."""
    rows, starts = np.random.default_rng(3).normal(size=(GAMES, 3, 3)), interior(seed=4)
    found = paths(rows, FLOWS.make(name, **({} if precision is None else {"precision": precision})), starts)
    for game in range(3):
        expected = integrated(lambda _, x, a=rows[game]: velocity(x, a @ x, precision), starts[game])
        np.testing.assert_allclose(found.profile[0][game], expected, atol=1e-7)
        end = found.profile[0][game, -1]
        np.testing.assert_allclose(
            found.speed[game], abs(velocity(end, rows[game] @ end, precision)).max(), atol=1e-12
        )


@pytest.mark.parametrize(
    ("name", "precision"), [("replicator", None), pytest.param("logit", 3.0, marks=pytest.mark.slow)]
)
def test_two_populations_beside_another_integrator(name, precision):
    """Random games, written out from the definitions."""
    payoffs, starts = (
        np.random.default_rng(3).normal(size=(GAMES, 2, 3, 3)),
        (interior(seed=4), interior(seed=5)),
    )
    found = pairs(
        payoffs, FLOWS.make(name, **({} if precision is None else {"precision": precision})), starts
    )

    def field(z, a, b):
        return np.concatenate([velocity(z[:3], a @ z[3:], precision), velocity(z[3:], z[:3] @ b, precision)])

    for game in range(3):
        expected = integrated(
            lambda _, z, game=game: field(z, *payoffs[game]), np.concatenate([s[game] for s in starts])
        )
        np.testing.assert_allclose(
            np.concatenate([s[game] for s in found.profile], axis=-1), expected, atol=1e-7
        )


def test_coordination_ends_where_the_threshold_says():
    """[[2, 0], [0, 1]]: action 0 spreads from shares above 1/3."""
    row = np.array([[2, 0, -1], [0, 1, -1], [-1, -1, -1.0]])
    shares = np.array([0.2, 0.33, 0.34, 0.5])
    ends = paths(
        [20 * row] * 4, FLOWS.make("replicator"), np.stack([shares, 1 - shares, 0 * shares], axis=1)
    ).profile[0][:, -1, 0]
    np.testing.assert_allclose(ends[:4], [0, 0, 1, 1], atol=1e-9)


def test_logit_in_a_potential_game_climbs_the_perturbed_potential():
    """With symmetric payoffs, x.Ax / 2 less x.log x over the precision never falls (Hofbauer & Sandholm 2007); rest points are logit
    equilibria."""
    rows = np.random.default_rng(6).normal(size=(GAMES, 3, 3))
    rows = rows + np.swapaxes(rows, 1, 2)
    shares = paths(rows, FLOWS.make("logit", precision=2.0), interior(seed=7)).profile[0]
    potential = (
        np.einsum("gta,gab,gtb->gt", shares, rows, shares) / 2 - (shares * np.log(shares)).sum(axis=-1) / 2
    )
    assert (np.diff(potential, axis=1) > -1e-9).all()
    assert potential[:, -1].max() - potential[:, 0].min() > 0.1
    still = paths(rows, FLOWS.make("logit", precision=2.0), shares[:, -1]).profile[0][
        :, -1
    ]  # twelve more units of time
    np.testing.assert_allclose(still, softmax(2 * np.einsum("gab,gb->ga", rows, still)), atol=1e-6)


def test_logit_without_precision_forgets_exponentially():
    starts = interior(seed=8)
    found = paths(
        np.random.default_rng(9).normal(size=(GAMES, 3, 3)), FLOWS.make("logit", precision=0.0), starts
    ).profile[0]
    expected = 1 / 3 + (starts[:, None] - 1 / 3) * np.exp(-TIMES)[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_failure_is_data():
    """A game so fast that the steps do not suffice leaves the others alone."""
    rows = np.stack([CYCLE, 1e4 * CYCLE])
    found = paths(rows, FLOWS.make("replicator"), [[0.6, 0.3, 0.1]] * 2)
    assert found.ok[:2].tolist() == [True, False]
    assert found.accepted[1] + found.rejected[1] == 4096
    np.testing.assert_allclose(found.profile[0][0].prod(axis=-1), 0.018, rtol=1e-7)
    assert not np.isfinite(found.profile[0][1, -1]).any()


def test_other_numbers_compile_nothing():
    paths(np.zeros((1, 3, 3)), FLOWS.make("logit", precision=1.0), interior())
    with compilations() as events:
        paths(np.ones((1, 3, 3)), FLOWS.make("logit", precision=4.0), interior())
    assert not events


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"payoffs": np.zeros((2, 3))}, r"\(2, 3\).*entry per player"),
        ({"start": ([1, 0, 0],)}, "start.*shape"),
        ({"times": [0.0]}, r"times has shape \(1,\).*at least two"),
        ({"times": [0.0, 2.0, 1.0]}, "times is -1"),
        ({"tolerance": 0.0}, "tolerance is 0"),
        ({"max_steps": 0}, "max_steps is 0"),
    ],
)
def test_bad_input_is_refused(arguments, says):
    good = {
        "payoffs": np.zeros((2, 3, 3)),
        "flow": FLOWS.make("replicator"),
        "start": interior(2),
        "times": [0.0, 1.0],
    }
    with pytest.raises(ValueError, match=says):
        evolve(**(good | arguments))
    with pytest.raises(ValueError, match="square"):
        evolve_population(np.zeros((2, 3)), FLOWS.make("replicator"), [0.5, 0.5], [0.0, 1.0])
