import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar, root

from games import Quadratic, Smooth
from solvers import leader_curvature, leader_gradient, stackelberg
from tests.reference.smooth_games import point


def crowd(x, y, z):
    """Two followers who react to the leader and to each other; their best responses are inverse hyperbolic sines."""
    return (
        (x - 1) ** 2 + jnp.sin(y) * x + z**2,
        jnp.cosh(y) - y * (x + 0.3 * z),
        jnp.cosh(z) - z * (x - 0.2 * y),
    )


CROWD = Smooth(crowd, n_players=3)


def answers(x):
    """The followers' answers to the leader, solved anew by scipy."""
    found = root(
        lambda f: [np.sinh(f[0]) - x - 0.3 * f[1], np.sinh(f[1]) - x + 0.2 * f[0]], [0.0, 0.0], tol=1e-13
    )
    assert found.success
    return found.x


def leaders_value(x):
    y, z = answers(x)
    return -float((x - 1) ** 2 + np.sin(y) * x + z**2)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("x", [-1.5, 0.2, 0.9])
def test_gradient_and_curvature_against_followers_solved_anew(x):
    params = tuple(jnp.array([v]) for v in (x, *answers(x)))
    h = 1e-4
    slope = (leaders_value(x + h) - leaders_value(x - h)) / (2 * h)
    bend = (leaders_value(x + h) - 2 * leaders_value(x) + leaders_value(x - h)) / h**2
    np.testing.assert_allclose(leader_gradient(CROWD, params, 0), [slope], rtol=1e-5)
    np.testing.assert_allclose(leader_curvature(CROWD, params, 0), [[bend]], rtol=1e-4)


@pytest.mark.usefixtures("x64")
def test_gradient_of_many_parameters_against_a_follower_solved_anew():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 5, 5)), rng.normal(size=(2, 5))
    a = a + a.transpose(0, 2, 1)
    a[1, 3:, 3:] = -np.eye(2) - 0.1 * np.ones((2, 2))
    game, leads = Quadratic(a, b, (3, 2)), rng.normal(size=3)

    def value(own):
        other = np.linalg.solve(a[1, 3:, 3:], -b[1, 3:] - a[1, 3:, :3] @ own)
        theta = np.concatenate([own, other])
        return theta @ a[0] @ theta / 2 + b[0] @ theta, other

    expected = [(value(leads + h)[0] - value(leads - h)[0]) / 2e-4 for h in 1e-4 * np.eye(3)]
    found = leader_gradient(game, (jnp.asarray(leads), jnp.asarray(value(leads)[1])), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def duopoly():
    """Profits q (12 - q - r) and r (12 - q - r)."""
    return Quadratic([[[-2.0, -1.0], [-1.0, 0.0]], [[0.0, -1.0], [-1.0, -2.0]]], [[12.0, 0.0], [0.0, 12.0]])


def test_duopoly_led_by_the_first():
    found = stackelberg(duopoly(), point(0, 1))
    assert found.status == "solved"
    np.testing.assert_allclose([float(own[0]) for own in found.params], [6, 3], atol=1e-4)
    np.testing.assert_allclose(found.values, [18, 9], atol=1e-4)
    np.testing.assert_allclose(
        found.leader_eigenvalues, [-1], rtol=1e-5
    )  # profit q (12 - q) / 2 once the other has answered


@pytest.mark.usefixtures("x64")
def test_duopoly_led_by_the_second():
    found = stackelberg(duopoly(), point(1, 2), 1, "ascent")
    assert found.status == "solved"
    np.testing.assert_allclose([float(own[0]) for own in found.params], [3, 6], atol=1e-8)
    np.testing.assert_allclose(found.values, [9, 18], atol=1e-7)
    np.testing.assert_allclose(found.follower_eigenvalues, [[-2]])
    assert found.residual < 1e-9
    hurried = stackelberg(duopoly(), point(1, 2), 1, "ascent", max_steps=3)
    assert hurried.status == "not_converged"
    assert hurried.iterations == 3
    assert stackelberg(duopoly(), point(1, 2), 1, "ascent", lr=9.0, follower_lr=9.0).status == "failed"


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_two_followers():
    found = stackelberg(CROWD, tuple(jnp.zeros(1) for _ in range(3)))
    assert found.status == "solved"
    best = minimize_scalar(lambda x: -leaders_value(x), bounds=(-3, 3), options={"xatol": 1e-9})
    leader, *followers = (float(own[0]) for own in found.params)
    np.testing.assert_allclose(leader, best.x, atol=1e-6)
    np.testing.assert_allclose(found.values[0], -best.fun, atol=1e-12)
    np.testing.assert_allclose(followers, answers(leader), atol=1e-8)


def test_what_is_no_solution_is_not_called_one():
    convex = Quadratic(
        [[[2.0, 0.0], [0.0, 0.0]], [[0.0, 2.0], [2.0, -2.0]]], [[-2.0, -1.0], [0.0, 0.0]]
    )  # (x - 1)^2 - y against (y - x)^2
    worst = stackelberg(convex, point(0, 0))
    assert worst.status == "failed"
    assert "not a maximum" in worst.message
    assert worst.residual < 1e-4
    rotation = stackelberg(Quadratic([[[0.0, 1.0], [1.0, 0.0]], [[0.0, -1.0], [-1.0, 0.0]]]), point(1, 1))
    assert rotation.status == "failed"
    assert "singular" in rotation.message


@pytest.mark.usefixtures("x64")
def test_damping_shortens_the_followers_answer():
    params = point(2, 5)
    plain, damped, frozen = (
        float(leader_gradient(duopoly(), params, 0, jnp.array(damping))[0]) for damping in (0.0, 2.0, 1e12)
    )
    own = 12 - 2 * 2 - 5  # the leader's partial derivative
    np.testing.assert_allclose([plain, damped, frozen], [own + 2 / 2, own + 2 / 4, own], atol=1e-9)


def test_bad_input():
    with pytest.raises(ValueError, match=r"descent.*root.*ascent"):
        stackelberg(duopoly(), point(1, 2), method="descent")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"2.*0 to 1"):
        stackelberg(duopoly(), point(1, 2), leader=2)
    with pytest.raises(ValueError, match="lr is -1"):
        stackelberg(duopoly(), point(1, 2), lr=-1.0)
