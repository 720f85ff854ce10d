import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import MatrixGame, Quadratic, Smooth, ipd, policy, zero_sum_cycle
from solvers import GradientField, fixed_points
from solvers.differentiable.fixed_point_search import pushes_outward
from tests.reference.smooth_games import double_wells

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def grid(points):
    x, y = (axis.ravel() for axis in jnp.meshgrid(jnp.asarray(points), jnp.asarray(points)))
    return x[:, None], y[:, None]


@pytest.mark.usefixtures("x64")
def test_all_nine_of_two_double_wells():
    x, y = grid(np.linspace(-1.4, 1.4, 8))
    found = fixed_points(Smooth(double_wells), (x.at[0].set(jnp.nan), y))
    assert (found.status == "failed").tolist() == [True] + 63 * [False]
    kinds = {tuple(int(v) for v in point.profile.round()): point.classification.kind for point in found}
    expected = {
        (a, b): ("unstable", "strict saddle", "stable")[abs(a) + abs(b)]
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
    }
    assert kinds == expected
    for point in found:
        np.testing.assert_allclose(point.profile, point.profile.round(), atol=1e-6)
        assert point.residual < 1e-8
    assert sum(point.starts for point in found) == (found.labels >= 0).sum()
    np.testing.assert_allclose(found.failures, np.mean(found.status != "solved"))
    table = found.to_frame()
    assert table["starts"].is_monotonic_decreasing
    assert set(table["kind"]) == {"stable", "strict saddle", "unstable"}
    assert table["share"].sum() == pytest.approx(1 - found.failures)


class Shifted(eqx.Module):
    """The simultaneous gradient less a constant."""

    gradient: GradientField
    by: jax.Array

    def __call__(self, joint):
        return tuple(g - self.by for g in self.gradient(joint))


@pytest.mark.usefixtures("x64")
def test_quadratic_games_and_shifted_fields_have_the_root_that_numpy_finds():
    rng = np.random.default_rng(5)
    owner = np.array([0, 0, 1, 1])
    for shift in (0.0, 0.0, 0.0, 1.0, -2.0):
        a, b = rng.normal(size=(2, 4, 4)), rng.normal(size=(2, 4))
        a = a + a.transpose(0, 2, 1)
        game = Quadratic(a, b, (2, 2))
        found = fixed_points(game, 8, Shifted(GradientField(game), jnp.array(shift)))
        jacobian = a[owner, np.arange(4)]
        expected = np.linalg.solve(jacobian, shift - b[owner, np.arange(4)])
        assert len(found) == 1
        assert found.failures == 0
        np.testing.assert_allclose(found[0].profile, expected, atol=1e-7 * max(1, np.abs(expected).max()))
        assert found[0].attracting == (np.linalg.eigvals(jacobian).real.max() < 0)
        np.testing.assert_allclose(np.poly(found[0].eigenvalues), np.poly(jacobian), rtol=1e-8)
        assert (found[0].classification.kind == "not a fixed point") == (shift != 0)
        np.testing.assert_allclose(found[0].classification.residual, 2 * abs(shift), atol=1e-7)


def test_starts_that_stall_are_no_fixed_points():
    game = zero_sum_cycle()  # the origin is its only fixed point, and the gradient's norm has other minima
    found = fixed_points(game, 16)
    assert [point.profile.round(4).tolist() for point in found] == [[0, 0]]
    stalled = found.status == "not_converged"
    assert stalled.any()
    assert (found.residuals[stalled] > 1e-2).all()
    assert (found.labels[stalled] == -1).all()
    assert found.failures == pytest.approx(stalled.mean())


@pytest.mark.usefixtures("x64")
def test_corners_of_the_policy_space_are_reported_at_infinity():
    dilemma = fixed_points(MatrixGame.symmetric([[-1, -3], [0, -2]]), grid([-3.0, -1.0, 1.0, 3.0]))
    assert set(dilemma.status) == {"at_infinity"}
    corners = {tuple(point.profile[::2].round().astype(int).tolist()): point for point in dilemma}
    assert {corner for corner, point in corners.items() if point.outward} == {
        (0, 0)
    }  # only defection is pushed to
    assert all(
        point.at_infinity and point.classification is None and point.attracting is None for point in dilemma
    )
    assert set(dilemma.to_frame()["kind"]) == {"at infinity"}

    pennies = fixed_points(
        MatrixGame.bimatrix([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]), grid([-3.0, -1.0, 1.0, 3.0])
    )
    inside = [point for point in pennies if not point.at_infinity]
    assert [point.profile.round(6).tolist() for point in inside] == [[0.5] * 4]
    assert inside[0].classification.kind == "stable"
    assert not any(point.outward for point in pennies if point.at_infinity)


@pytest.mark.usefixtures("x64")
def test_outward_with_more_than_two_actions():
    game = MatrixGame.symmetric([[3, 0, 0], [5, 1, 0], [6, 2, 1]])  # the last action dominates
    best, worst = jnp.array([-20.0, -20.0, 0.0]), jnp.array([0.0, -20.0, -20.0])
    field = GradientField(game)
    assert pushes_outward(game, field, (best, best))
    assert not pushes_outward(game, field, (best, worst))
    assert pushes_outward(game, field, (best + 7.0, best - 7.0))  # a softmax ignores a shift


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_boundary_points_of_the_iterated_prisoners_dilemma():
    game = ipd()
    found = fixed_points(game, 32)
    assert (found.status != "failed").all()
    assert all(point.at_infinity or point.classification is not None for point in found)
    field = GradientField(game)
    for name, expected in (("alld", True), ("allc", False)):
        assert pushes_outward(game, field, (policy(name),) * 2) == expected


def test_bad_input():
    with pytest.raises(ValueError, match="starts is 0"):
        fixed_points(zero_sum_cycle(), 0)
    with pytest.raises(ValueError, match="start"):
        fixed_points(zero_sum_cycle(), (jnp.zeros((0, 1)), jnp.zeros((0, 1))))
    with pytest.raises(ValueError, match="merge is -1"):
        fixed_points(zero_sum_cycle(), 2, merge=-1)
