"""The extragradient method."""

import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import simultaneous


class Extragradient(Learner):
    r"""Step along the gradient at the point one joint naive step ahead: $\theta \leftarrow \theta + a\, \xi(\theta + a\, \xi(\theta))$.

    The step of all players to the point ahead has the learner's own size $a$.

    Args:
        lr: step size $a$, at least 0.

    Source:
        Korpelevich 1976, "The extragradient method for finding saddle points and other problems".

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Extragradient(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The gradient at the point ahead, scaled."""
        ahead = optax.tree.add_scale(view.params, self.lr, simultaneous(view, view.params))
        return optax.tree.scale(self.lr, view.gradient(ahead)), state
