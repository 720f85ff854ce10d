"""Parts of a matrix have the values and derivatives of slices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from games.exact.parts import parts

X, V, W = jax.random.normal(jax.random.key(0), (3, 6, 4))
ORDERS = {
    "forward": lambda f: jax.jvp(f, (X,), (V,)),
    "backward": lambda f: jax.grad(f)(X),
    "backward over backward": lambda f: jax.grad(lambda x: jnp.vdot(jax.grad(f)(x), V))(X),
    "forward over backward": lambda f: jax.jvp(jax.grad(f), (X,), (V,)),
    "backward over forward": lambda f: jax.grad(lambda x: jax.jvp(f, (x,), (V,))[1])(X),
    "third": lambda f: jax.grad(
        lambda x: jax.jvp(jax.grad(lambda y: jnp.vdot(jax.grad(f)(y), V)), (x,), (W,))[1].sum()
    )(X),
    "backward, in lanes": lambda f: jax.vmap(jax.grad(f), in_axes=1, out_axes=1)(
        jnp.stack([X, V, W], axis=1)
    ),
    "forward, compiled in a loop": lambda f: jax.lax.scan(
        lambda x, _: (jax.jit(jax.grad(f))(x), f(x)), X, None, 2
    ),
}


def mixed(split):
    """A function that bends each part in its own way, and leaves one of them out."""

    def f(x):
        a, b, _ = split(x, 3)
        return (jnp.sin(a) * b**2).sum() + (a @ jnp.ones(4)) @ (a @ jnp.arange(4.0)) ** 2

    return f


@pytest.mark.parametrize("order", ORDERS)
def test_derivatives_are_those_of_slices(order):
    found, expected = (jax.tree.leaves(ORDERS[order](mixed(split))) for split in (parts, jnp.split))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-4)


@given(st.integers(1, 4), st.integers(1, 3), st.sampled_from([(), (2,), (2, 3)]))
def test_values_are_slices_of_the_last_axis_but_one(n, rows, batch):
    x = np.random.default_rng(0).normal(size=(*batch, n * rows, 2)).astype(np.float32)
    np.testing.assert_array_equal(np.stack(parts(jnp.asarray(x), n)), np.stack(np.split(x, n, axis=-2)))


def test_one_part_in_lanes_and_the_others_not():
    """The way back puts together parts of which some are the same in all lanes."""

    def back(c):
        return jax.vjp(lambda x: parts(x, 2), X)[1]((c, V[:3]))[0]

    np.testing.assert_array_equal(
        jax.vmap(back)(jnp.stack([V[:3], W[3:]])), jnp.stack([back(V[:3]), back(W[3:])])
    )


@pytest.mark.parametrize("n", [0, 4])
def test_parts_that_are_not_equal_are_refused(n):
    with pytest.raises(ValueError, match=f"6 rows.*{n} equal"):
        parts(X, n)
