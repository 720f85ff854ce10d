"""Stable opponent shaping."""

import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.base import Joint, Own
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import computed_once, interaction, shaping_terms, simultaneous


class Sos(Learner):
    r"""Ascend LookAhead's direction plus a share p of LOLA's shaping term: $\theta \leftarrow \theta + a\,(\xi_0 + p\, b\, \chi)$.

    $\xi_0 = (I + b H_o)\xi$ is the direction of `LookAhead` and $\chi$ the shaping term of LOLA. The share
    $p = \min(p_1, p_2)$ is one number for all players:

    - $p_1$ keeps the direction within a right angle of $\xi_0$: 1 where $\langle b\chi, \xi_0 \rangle \ge 0$, else
      $\min(1, -s |\xi_0|^2 / \langle b\chi, \xi_0 \rangle)$;
    - $p_2$ keeps the fixed points of the gradient: $|\xi|^2$ where $|\xi| < r$, else 1.

    Inner products and norms run over the parameters of all players.

    Args:
        lr: own step size $a$, at least 0.
        look_ahead: $b$, the anticipated step size of the others, at least 0; at 0 this is the naive learner.
        alignment: $s$, in [0, 1]; at 0 the shaping term is dropped wherever it opposes $\xi_0$. (The paper's
            $a$.)
        radius: $r$, at least 0: the norm of the gradient below which the shaping term fades. (The paper's
            $b$.)

    Source:
        Letcher et al. 2019, "Stable opponent shaping in differentiable games", algorithm 1.

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Sos(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    look_ahead: Scalar = number(1.0)
    alignment: Scalar = number(0.5, maximum=1.0)
    radius: Scalar = number(0.1)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """LookAhead's direction plus a share of the shaping term, scaled."""
        xi = simultaneous(view, view.params)
        xi0 = optax.tree.add_scale(xi, self.look_ahead, interaction(view, view.params, xi))
        shaping = optax.tree.scale(self.look_ahead, shaping_terms(view, view.params))
        p = computed_once(self.share(xi, xi0, shaping))
        return optax.tree.scale(self.lr, optax.tree.add_scale(xi0[view.seat], p, shaping[view.seat])), state

    def share(self, xi: Joint, xi0: Joint, shaping: Joint) -> Scalar:
        r"""The share of the shaping term, $p = \min(p_1, p_2)$, in [0, 1]."""
        along, norm = jnp.asarray(optax.tree.vdot(shaping, xi0)), optax.tree.norm(xi)
        opposed = along < 0
        largest = -self.alignment * optax.tree.norm(xi0) ** 2 / jnp.where(opposed, along, 1.0)
        p1 = jnp.where(opposed, jnp.minimum(1.0, largest), 1.0)
        p2 = jnp.where(norm < self.radius, norm**2, 1.0)
        return jnp.minimum(p1, p2)
