"""Higher-order LOLA."""

import jax
import optax
from jaxtyping import PyTree

from games.base import Joint, Own
from shaping.base import Learner, Scalar, View, count, number, replaced


class Hola(Learner):
    r"""LOLA against LOLA against ... against a naive learner, `order` deep.

    $d^0 = \xi$ and $d_i^n = \nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}^{n-1}(\theta))$ for all players
    at once, differentiated as a whole; $\theta \leftarrow \theta + a\, d^n$. Order 0 would be the naive
    learner; order 1 is `Lola(variant="exact")`. The work grows exponentially with the order, and compile time
    faster still: on a memory-one game in its scalar form order 2 takes seconds and order 3 does not finish in
    minutes; `Lola(steps=k)` looks further at a linear price.

    Args:
        lr: own step $a$, at least 0.
        look_ahead: $b$, the anticipated step of the others, at least 0; at 0 this is the naive learner.
        order: $n$, at least 1.

    Source:
        Foerster et al. 2018; Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness",
        section 3.

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Hola(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    look_ahead: Scalar = number(1.0)
    order: int = count(2)

    @property
    def label(self) -> str:
        """What tables call this learner: its name and its order."""
        return f"hola{self.order}"

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The direction of the highest order."""
        return optax.tree.scale(self.lr, self.direction(view, view.params, view.seat, self.order)), state

    def direction(self, view: View, joint: Joint, player: int, order: int) -> Own:
        r"""A player's direction of some order, $d_i^n(\theta)$."""

        def value(own: Own) -> Scalar:
            here = replaced(joint, player, own)
            ahead = here
            if order > 0:
                for j in range(len(joint)):
                    if j != player:
                        ahead = replaced(
                            ahead,
                            j,
                            optax.tree.add_scale(
                                here[j], self.look_ahead, self.direction(view, here, j, order - 1)
                            ),
                        )
            return view.value(ahead, player)

        return jax.grad(value)(joint[player])
