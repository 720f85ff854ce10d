"""Optimistic gradient ascent."""

import optax

from games.base import Own
from shaping.base import Learner, Scalar, View, number


class Optimistic(Learner):
    r"""Extrapolate the gradient from its last change: $\theta_i \leftarrow \theta_i + a\,(2 \xi_t - \xi_{t-1})_i$.

    The state is the previous gradient; the first step is naive.

    Args:
        lr: step size $a$, at least 0.

    Source:
        Daskalakis et al. 2018, "Training GANs with optimism", equation 4.

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Optimistic(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)

    def init(self, view: View) -> Own:
        """The gradient at the first parameters, so the first step is naive."""
        return view.gradient(view.params)

    def update(self, state: Own, view: View) -> tuple[Own, Own]:
        """Twice the gradient minus the previous one, scaled."""
        gradient = view.gradient(view.params)
        return optax.tree.scale(self.lr, optax.tree.sub(optax.tree.scale(2.0, gradient), state)), gradient
