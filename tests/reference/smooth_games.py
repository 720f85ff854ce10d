"""Smooth games of one real parameter per player: points, double wells, and tandem's consistent updates in closed form."""

import jax
import jax.numpy as jnp
import numpy as np


def point(x, y):
    """The joint parameters of two players with one number each."""
    return jnp.array([float(x)]), jnp.array([float(y)])


def double_wells(x, y):
    """Losses of two players whose own double well has minima at -1 and 1; neither depends on the other's parameter."""
    return (x**2 - 1) ** 2 / 4, (y**2 - 1) ** 2 / 4 + 0 * x


def consistent_on_tandem(b):
    r"""The consistent updates of tandem that HOLA tends to, $d_1 = d_2 = p + q (x + y)$.

    With $d_2 = p + q s$ and $s = x + y$, player 1's anticipated value is $2x - (s + b d_2)^2$ and its total
    derivative $2 - 2 (1 + bq)(s + b(p + qs))$. Equal to $p + q s$ for all s if $q = -2 z^2$ and $p = 2 - 2 z
    b p$ with $z = 1 + bq$, that is $2 b z^2 + z - 1 = 0$; of its two roots the positive one tends to naive
    learning, $z = 1$, as b tends to 0.
    """
    z = (np.sqrt(1 + 8 * b) - 1) / (4 * b)
    return 2 / (1 + 2 * b * z), (z - 1) / b


def uniform_parameters(n=500, bound=1.0, size=1):
    """Both players' parameters (n, size) from the uniform distribution on [-bound, bound]."""
    return tuple(jax.random.uniform(jax.random.key(0), (2, n, size), minval=-bound, maxval=bound))
