"""Gradient ascent on the own value, with the others' parameters held fixed."""

import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number


class Naive(Learner):
    r"""Ascend the own value, with the others' parameters held fixed: $\theta_i \leftarrow \theta_i + a \nabla_i V_i$.

    On a sampled game this is policy gradient.

    Args:
        lr: own step size $a$, at least 0, for gradients of un-normalized returns.

    Example:
        >>> from games import GAMES
        >>> from shaping import play
        >>> play(GAMES.make("tandem"), [Naive(lr=0.1)] * 2, steps=10).values.shape
        (1, 11, 2)
    """

    lr: Scalar = number(1.0)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The scaled gradient."""
        return optax.tree.scale(self.lr, view.gradient(view.params)), state
