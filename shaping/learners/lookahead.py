"""LookAhead: ascent against the others' anticipated parameters."""

import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import interaction, simultaneous


class LookAhead(Learner):
    r"""Ascend the value after the others' next naive step, without differentiating that step.

    $\theta_i \leftarrow \theta_i + a\, [(I + b H_o)\, \xi]_i$, with $\xi$ the simultaneous gradient and $H_o$
    the off-diagonal blocks of its Jacobian: LOLA's first-order update without the shaping term. It is also
    the first-order expansion in b of competitive gradient descent (`Cgd`).

    Args:
        lr: own step size $a$, at least 0.
        look_ahead: $b$, the anticipated step size of the others, at least 0; at 0 this is the naive learner.

    Source:
        Zhang & Lesser 2010, "Multi-agent learning with policy prediction"; in this form Letcher et al. 2019,
        section 2.3.

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [LookAhead(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    look_ahead: Scalar = number(1.0)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        r"""$a\, [(I + b H_o)\, \xi]_i$."""
        xi = simultaneous(view, view.params)
        direction = optax.tree.add_scale(xi, self.look_ahead, interaction(view, view.params, xi))
        return optax.tree.scale(self.lr, direction[view.seat]), state
