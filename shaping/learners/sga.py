"""Symplectic gradient adjustment."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import (
    computed_once,
    jacobian_product,
    jacobian_transposed_product,
    simultaneous,
)


class Sga(Learner):
    r"""Adjust the simultaneous gradient for its rotation: $\theta \leftarrow \theta + a\,(\xi - \lambda A^\top \xi)$.

    $A = (H - H^\top)/2$ is the antisymmetric part of the game Jacobian, so $A^\top \xi = (H^\top \xi - H
    \xi)/2$. The sign of the adjustment is chosen so that it attracts to stable fixed points and repels from
    unstable ones, $\lambda = \mathrm{sign}(\epsilon - \langle \xi, H^\top\xi \rangle \langle A^\top \xi,
    H^\top \xi \rangle / d)$ with d the number of all parameters. (The paper's inner products are those of
    losses, whose product has the opposite sign.)

    Args:
        lr: own step size $a$, at least 0.
        epsilon: $\epsilon$, at least 0: while the product of the inner products is below it, the adjustment
            is subtracted.

    Source:
        Balduzzi et al. 2018, "The mechanics of n-player differentiable games", algorithm 1 (with the sign
        criterion of section 3.5).

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Sga(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    epsilon: Scalar = number(0.1)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The adjusted gradient, scaled."""
        xi = simultaneous(view, view.params)
        hx = jacobian_product(view, view.params, xi)
        htx = jacobian_transposed_product(view, view.params, xi)
        atx = optax.tree.scale(0.5, optax.tree.sub(htx, hx))
        d = sum(x.size for x in jax.tree.leaves(xi))
        alignment = optax.tree.vdot(xi, htx) * optax.tree.vdot(atx, htx) / d
        sign = computed_once(jnp.sign(self.epsilon - alignment))
        return optax.tree.scale(self.lr, optax.tree.add_scale(xi, -sign, atx)[view.seat]), state
