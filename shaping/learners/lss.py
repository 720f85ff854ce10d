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
    r"""Cut the rotation out of the simultaneous gradient: $\theta \leftarrow \theta + \tfrac{a}{2}\,(I + H^\top H^{-1})\,\xi$.

    Where H is singular, $H^{-1}$ becomes $(H^\top H + \lambda I)^{-1} H^\top$; it counts as singular where
    full pivoting meets a pivot below d times the precision of the numbers, relative to the largest pivot, d
    being the number of all parameters. The definition inverts H, so this learner does write it down: keep it
    to a few dozen parameters.

    Args:
        lr: own step $a$, at least 0.
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
        """The mean of the gradient and its turned copy."""
        at, restore = ravel_pytree(view.params)

        def gradient(flat):
            return ravel_pytree(simultaneous(view, restore(flat)))[0]

        xi, h = gradient(at), jax.jacfwd(gradient)(at)
        regular, share = solve_any_rank(h, xi)
        ridged, _ = solve_any_rank(h.T @ h + self.ridge * jnp.eye(at.size, dtype=at.dtype), h.T @ xi)
        singular = share <= at.size * jnp.finfo(at.dtype).eps
        turned = h.T @ jnp.where(singular, ridged, regular)
        return optax.tree.scale(self.lr / 2, restore(xi + turned)[view.seat]), state
