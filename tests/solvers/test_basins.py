import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from games import Quadratic, Smooth
from solvers import GradientField, basins_of_flow, basins_of_map
from tests.reference.smooth_games import double_wells

pytestmark = pytest.mark.usefixtures("quickly_compiled")

AXIS = np.linspace(-1.75, 1.75, 8)  # no start on an axis of symmetry
QUADRANTS = 2 * (AXIS[:, None] > 0) + (AXIS[None, :] > 0)
CORNERS = [[-1, -1], [-1, 1], [1, -1], [1, 1]]


class Step(eqx.Module):
    """Gradient ascent by everybody at once."""

    field: GradientField
    lr: float = 0.1

    def __call__(self, joint):
        return tuple(own + self.lr * g for own, g in zip(joint, self.field(joint), strict=True))


def check_quadrants(found, accuracy):
    np.testing.assert_allclose(found.attractors, CORNERS, atol=accuracy)
    np.testing.assert_array_equal(found.labels, QUADRANTS)
    np.testing.assert_allclose(found.fractions, [0.25] * 4)
    assert found.unresolved == 0
    assert found.rest.max() < 1e-3


def test_double_wells_divide_the_plane_in_quadrants():
    check_quadrants(basins_of_map(Step(GradientField(Smooth(double_wells))), AXIS, AXIS, steps=300), 1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_flow_into_double_wells_in_double_precision():
    check_quadrants(basins_of_flow(GradientField(Smooth(double_wells)), AXIS, AXIS, time=30.0), 1e-7)


def rotation(attraction, speed=10.0):
    """Everybody ascends minus half the attraction times their own square, under a rotation."""
    a, s = float(attraction), float(speed)
    return GradientField(Quadratic([[[-a, -s], [-s, 0.0]], [[0.0, s], [s, -a]]]))


def test_ends_of_linear_flows():
    xs, ys, t = np.array([-1.0, 0.5, 2.0]), np.array([-1.0, 0.5]), 1.5
    x, y = np.meshgrid(xs, ys, indexing="ij")
    c, s = np.cos(10 * t), np.sin(10 * t)
    turned = np.stack([c * x - s * y, s * x + c * y], axis=-1)
    found = basins_of_flow(rotation(1), xs, ys, [[0.0, 0.0]], time=t, radius=0.3)
    np.testing.assert_allclose(found.ends, np.exp(-t) * turned, atol=2e-4)
    near = np.exp(-t) * np.abs(turned).max(-1) <= 0.3
    np.testing.assert_array_equal(found.labels, np.where(near, 0, -1))
    assert 0 < found.unresolved < 1
    orbit = basins_of_flow(rotation(0), xs, ys, time=t)
    np.testing.assert_allclose(orbit.ends, turned, atol=1e-3)
    assert orbit.unresolved == 1
    assert len(orbit.attractors) == len(orbit.fractions) == 0


def test_divergence_is_unresolved():
    update = Step(rotation(0, 1), lr=1.0)  # ends beyond the range of floats
    for attractors in (None, [[0.0, 0.0]]):
        found = basins_of_map(update, [0.5, 1.0], [0.5], attractors, steps=500)
        assert found.labels.tolist() == [[-1], [-1]]
        assert not np.isfinite(found.ends).any()


def test_a_plane_in_more_dimensions_and_its_table():
    def embed(x, y):
        return jnp.stack([x, 1.0 + 0 * x]), jnp.stack([y])

    found = basins_of_map(
        lambda joint: (joint[0] / 2, jnp.sign(joint[1])), [-1.0, 2.0], [-3.0, 1.0, 2.0], steps=30, embed=embed
    )
    np.testing.assert_allclose(found.attractors, [[0, 0, -1], [0, 0, 1]], atol=1e-6)
    table = found.to_frame()
    assert list(table.columns) == ["x", "y", "label", "rest", "end_0", "end_1", "end_2"]
    assert len(table) == 6
    assert table[table["y"] > 0]["label"].eq(1).all()
    assert table[table["y"] < 0]["label"].eq(0).all()


def test_bad_input():
    def still(joint):
        return joint

    with pytest.raises(ValueError, match="vector"):
        basins_of_map(still, [[0.0]], [0.0])
    with pytest.raises(ValueError, match=r"\(m, 2\)"):
        basins_of_map(still, [0.0], [0.0], [[0.0, 0.0, 0.0]], steps=1)
    with pytest.raises(ValueError, match="steps is 0"):
        basins_of_map(still, [0.0], [0.0], steps=0)
    with pytest.raises(ValueError, match="time is 0"):
        basins_of_flow(still, [0.0], [0.0], time=0.0)
