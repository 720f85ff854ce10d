"""Stable opponent shaping."""

import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number
from shaping.calculus.gradients import dot, interaction, shaping_terms, simultaneous


class Sos(Learner):
    r"""Shape as LOLA does, but only as far as it keeps LookAhead's direction and its fixed points.

    $\theta \leftarrow \theta + a\,(\xi_0 + p\, b\, \chi)$ with $\xi_0 = (I + b H_o)\xi$ and the shaping terms
    $\chi$. One scalar $p = \min(p_1, p_2)$ serves all players:

    - $p_1$ keeps the angle to $\xi_0$: 1 where $\langle b\chi, \xi_0 \rangle \ge 0$, else
      $\min(1, -s |\xi_0|^2 / \langle b\chi, \xi_0 \rangle)$;
    - $p_2$ keeps the fixed points: $|\xi|^2$ where $|\xi| < r$, else 1.

    Inner products and norms run over everybody's parameters.

    Args:
        lr: own step $a$, at least 0.
        look_ahead: $b$, the anticipated step of the others, at least 0; at 0 this is the naive learner.
        alignment: $s$, in [0, 1]; at 0 shaping never works against $\xi_0$. (The paper's $a$.)
        radius: $r$, at least 0: below this gradient norm shaping fades. (The paper's $b$.)

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
        """LookAhead's direction and a measured share of the shaping term."""
        xi = simultaneous(view, view.params)
        xi0 = optax.tree.add_scale(xi, self.look_ahead, interaction(view, view.params, xi))
        shaping = optax.tree.scale(self.look_ahead, shaping_terms(view, view.params))
        p = self.share(xi, xi0, shaping)
        return optax.tree.scale(self.lr, optax.tree.add_scale(xi0[view.seat], p, shaping[view.seat])), state

    def share(self, xi: PyTree, xi0: PyTree, shaping: PyTree) -> Scalar:
        r"""How much of the shaping term to keep, $p$ in [0, 1].

        Written as one quotient, $p = \min(p_1 q, p_2 q) / q$ with $q = -\langle b\chi, \xi_0 \rangle$ where
        that is positive: compilers share the result of a division among its uses, but would work out a
        minimum anew for each parameter.
        """
        along, norm, norm0 = dot(shaping, xi0), optax.tree.norm(xi), optax.tree.norm(xi0)
        q = jnp.where(along < 0, -along, 1.0)
        p1q = jnp.where(along < 0, jnp.minimum(q, self.alignment * norm0**2), q)
        p2 = jnp.where(norm < self.radius, norm**2, 1.0)
        return jnp.minimum(p1q, p2 * q) / q
