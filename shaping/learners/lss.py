"""Local symplectic surgery."""

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import PyTree

from games.base import Own
from games.linear_systems import solve_any_rank
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import simultaneous


class Lss(Learner):
    r"""Remove the rotation from the simultaneous gradient: $\theta \leftarrow \theta + \tfrac{a}{2}\,(I + H^\top H^{-1})\,\xi$.

    Where H is singular, $H^{-1}$ is replaced by $(H^\top H + \lambda I)^{-1} H^\top$. H counts as singular if
    full pivoting meets a pivot below d times the machine precision, relative to the largest pivot, with d the
    number of all parameters. H is computed as a dense matrix, so this learner is for games of up to a few
    dozen parameters.

    Args:
        lr: own step size $a$, at least 0.
        ridge: $\lambda$, at least 0, for singular H.

    Source:
        Mazumdar, Jordan & Sastry 2019, "On finding local Nash equilibria (and only local Nash equilibria) in
        zero-sum games".

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Lss(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    ridge: Scalar = number(0.1)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        r"""$\tfrac{a}{2}\,[(I + H^\top H^{-1})\,\xi]_i$."""
        at, restore = ravel_pytree(view.params)

        def gradient(flat):
            return ravel_pytree(simultaneous(view, restore(flat)))[0]

        xi, h = gradient(at), jax.jacfwd(gradient)(at)
        regular, smallest_pivot = solve_any_rank(h, xi)
        ridged, _ = solve_any_rank(h.T @ h + self.ridge * jnp.eye(at.size, dtype=at.dtype), h.T @ xi)
        singular = smallest_pivot <= at.size * jnp.finfo(at.dtype).eps
        inverse_product = jnp.where(singular, ridged, regular)  # H^-1 xi
        return optax.tree.scale(self.lr / 2, restore(xi + h.T @ inverse_product)[view.seat]), state
