"""Consensus optimization."""

import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import jacobian_transposed_product, simultaneous


class Consensus(Learner):
    r"""Ascend the own value and descend the norm of all gradients: $\theta \leftarrow \theta + a\,(\xi - g H^\top \xi)$.

    $H^\top \xi = \nabla \tfrac12 |\xi|^2$, so the second term descends the squared norm of the simultaneous
    gradient $\xi$.

    Args:
        lr: own step size $a$, at least 0.
        weight: $g$, the weight of the second term, at least 0; at 0 this is the naive learner.

    Source:
        Mescheder, Nowozin & Geiger 2017, "The numerics of GANs", equation 10.

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Consensus(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    weight: Scalar = number(1.0)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        r"""$a\,[\xi - g H^\top \xi]_i$."""
        xi = simultaneous(view, view.params)
        htx = jacobian_transposed_product(view, view.params, xi)
        return optax.tree.scale(self.lr, optax.tree.add_scale(xi, -self.weight, htx)[view.seat]), state
