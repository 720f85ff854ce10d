"""Higher-order LOLA."""

import jax
import optax
from jaxtyping import PyTree

from games.base import Joint, Own
from shaping.base import Learner, Scalar, View, count, number, replaced


class Hola(Learner):
    r"""LOLA of order n, which anticipates others of order n - 1: $\theta_i \leftarrow \theta_i + a\, d_i^n$.

    $d_i^n = \nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}^{n-1}(\theta))$ for every player i, a total
    derivative, and $d^0 = \xi$ is the naive direction; order 1 is `Lola(variant="exact")`. The work grows
    exponentially with the order and compilation time faster still: on a memory-one game, order 2 compiles in
    seconds and order 3 not within minutes. `Lola(steps=k)` anticipates more steps at a cost linear in k.

    Args:
        lr: own step size $a$, at least 0.
        look_ahead: $b$, the anticipated step size of the others, at least 0; at 0 this is the naive learner.
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
        r"""$a\, d_i^n$."""
        return optax.tree.scale(self.lr, self.direction(view, view.params, view.seat, self.order)), state

    def direction(self, view: View, joint: Joint, player: int, order: int) -> Own:
        r"""A player's direction of an order, $d_i^n(\theta)$."""

        def value(own: Own) -> Scalar:
            here = replaced(joint, player, own)
            if order == 0:
                return view.value(here, player)
            ahead = tuple(
                p
                if j == player
                else optax.tree.add_scale(p, self.look_ahead, self.direction(view, here, j, order - 1))
                for j, p in enumerate(here)
            )
            return view.value(ahead, player)

        return jax.grad(value)(joint[player])
