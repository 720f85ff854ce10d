import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from games import Quadratic, Smooth, market_with_min
from solvers import classify
from tests.reference.smooth_games import point

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def losses(*coefficients):
    """The game of quadratic losses a x^2 + b x y + c y^2 + d x + e y, one row of coefficients per player."""
    return Quadratic(
        [[[-2 * a, -b], [-b, -2 * c]] for a, b, c, *_ in coefficients],
        [[-row[3], -row[4]] for row in coefficients],
    )


BALDUZZI = losses((0.5, 10.0, 0.0, 0.0, 0.0), (0.0, -10.0, 0.5, 0.0, 0.0))
HAMILTONIAN = losses((0.0, 1.0, 0.0, 0.0, 0.0), (0.0, -1.0, 0.0, 0.0, 0.0))
TANDEM = losses((1.0, 2.0, 1.0, -2.0, 0.0), (1.0, 2.0, 1.0, 0.0, -2.0))
REPELLER = losses(
    (-0.5, 1.0, 0.5, 0.0, 0.0), (0.5, -1.0, -0.5, 0.0, 0.0)
)  # the zero-sum cycle near the origin
SADDLE = losses((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, -1.0, 0.0, 0.0))
# the leader's own second derivative has the wrong sign, its total one through y = 5x/6 the right one: no Nash equilibrium, yet minimax
HIDDEN = losses((-1.0, 5.0, -3.0, 0.0, 0.0), (1.0, -5.0, 3.0, 0.0, 0.0))
FLAT = Smooth(lambda x, y: (x**4, y**4))

CASES = {
    "balduzzi": (
        BALDUZZI,
        (0, 0),
        {
            "kind": "stable",
            "stable": True,
            "attracting": True,
            "differential_nash": True,
            "stackelberg": {0: True, 1: True},
        },
    ),
    "hamiltonian": (
        HAMILTONIAN,
        (0, 0),
        {
            "kind": "stable",
            "attracting": None,
            "differential_nash": False,
            "local_nash": None,
            "stackelberg": {0: None, 1: None},
        },
    ),
    "tandem": (
        TANDEM,
        (0.5, 0.5),
        {
            "kind": "degenerate",
            "stable": True,
            "attracting": None,
            "local_nash": True,
            "stackelberg": {0: False, 1: False},
        },
    ),
    "market_with_min": (
        market_with_min(),
        (0, 0),
        {"kind": "stable", "attracting": True, "differential_nash": True, "degenerate": False},
    ),
    "repeller": (
        REPELLER,
        (0, 0),
        {
            "kind": "unstable",
            "unstable": True,
            "strict_saddle": True,
            "stable": False,
            "attracting": False,
            "local_nash": False,
        },
    ),
    "saddle": (
        SADDLE,
        (0, 0),
        {
            "kind": "strict saddle",
            "unstable": False,
            "stable": False,
            "attracting": False,
            "local_nash": False,
        },
    ),
    "flat": (
        FLAT,
        (0, 0),
        {
            "kind": "degenerate",
            "stable": True,
            "attracting": None,
            "local_nash": None,
            "differential_nash": False,
        },
    ),
    "elsewhere": (
        BALDUZZI,
        (1, 0),
        {"kind": "not a fixed point", "stable": False, "attracting": False, "local_nash": False},
    ),
    "hidden": (
        HIDDEN,
        (0, 0),
        {
            "kind": "attracting",
            "stable": False,
            "attracting": True,
            "local_nash": False,
            "stackelberg": {0: True, 1: False},
        },
    ),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", CASES)
def test_known_fixed_points(name):
    game, at, expected = CASES[name]
    game = jax.tree.map(lambda x: jnp.asarray(x, float), game)
    found = classify(game, point(*at), leaders=None if "stackelberg" in expected else ())
    assert {key: getattr(found, key) for key in expected} == expected


@pytest.mark.parametrize("name", ["balduzzi", "repeller", "tandem", "saddle"])
def test_single_precision_agrees(name):
    game, at, expected = CASES[name]
    assert classify(game, point(*at), leaders=()).kind == expected["kind"]


@pytest.mark.usefixtures("x64")
def test_a_stackelberg_equilibrium_need_not_be_a_fixed_point():
    duopoly = losses(
        (1.0, 1.0, 0.0, -12.0, 0.0), (0.0, 1.0, 1.0, 0.0, -12.0)
    )  # leader 6, follower 3; Cournot 4 and 4
    found, cournot = classify(duopoly, point(6, 3)), classify(duopoly, point(4, 4))
    assert found.kind == "not a fixed point"
    assert found.stackelberg == {0: True, 1: False}
    assert cournot.kind == "stable"
    assert cournot.stackelberg == {0: False, 1: False}


@pytest.mark.usefixtures("x64")
@settings(max_examples=60)
@given(st.integers(0, 2**31), st.floats(-4, 4))
def test_quadratic_games_against_the_definitions(seed, shift):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(2, 3, 3))
    a = a + a.transpose(0, 2, 1) + shift * np.eye(3)
    jacobian = np.concatenate([a[0][:2], a[1][2:]])
    found = classify(Quadratic(a, sizes=(2, 1)), (jnp.zeros(2), jnp.zeros(1)), leaders=(0,))
    loss = -jacobian
    forms = [
        float(u @ loss @ u) for u in rng.normal(size=(2000, 3))
    ]  # the definition itself, on sampled directions
    assert not found.stable or min(forms) >= -1e-9
    assert not found.unstable or max(forms) < 0
    assert found.strict_saddle == (np.linalg.eigvals(loss).real.min() < 0)
    assert found.attracting == (np.linalg.eigvals(loss).real.min() > 0)
    assert found.differential_nash == (np.linalg.eigvalsh(a[0][:2, :2]).max() < 0 and a[1][2, 2] < 0)
    response = -a[1][2, :2] / a[1][2, 2]  # the second player's best response to the first's two parameters
    total = np.vstack([np.eye(2), response]).T @ a[0] @ np.vstack([np.eye(2), response])
    assert found.stackelberg[0] == (a[1][2, 2] < 0 and np.linalg.eigvalsh(total).max() < 0)
    np.testing.assert_allclose(
        found.total_eigenvalues[0], np.linalg.eigvalsh(total), rtol=1e-8, atol=1e-8 * np.abs(total).max()
    )


def test_bad_input():
    with pytest.raises(ValueError, match=r"2.*0 to 1"):
        classify(BALDUZZI, point(0, 0), leaders=(2,))
    with pytest.raises(ValueError, match="finite"):
        classify(BALDUZZI, point(np.nan, 0), leaders=())
