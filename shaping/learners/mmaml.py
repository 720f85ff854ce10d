"""M-MAML: a naive learner with trained initial parameters and step size."""

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from games.base import Own
from games.checks import as_float
from shaping.base import Learner, Scalar, View, number


class Mmaml(Learner):
    r"""A naive learner with chosen initial parameters.

    $\theta_0 = \phi$, then $\theta \leftarrow \theta + a \nabla V$. Both $\phi$ and $a$ are trained by
    `shaping.training.MmamlTrainer`, with the gradient of the whole match.

    Args:
        logits: $\phi$, the own parameters of one seat, or one number for all of them.
        lr: $a$; of any sign, since nothing holds the learned one above 0.

    Raises:
        ValueError: when a match starts, for parameters of another shape than the seat's.

    Source:
        Kim et al. 2021, "A policy gradient algorithm for learning to learn in multiagent reinforcement
        learning", in the exact form in which Lu et al. 2022 play against it.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> play(ipd(), [Mmaml([2.0, 2.0, -2.0, 2.0, -2.0]), Naive()], steps=3).learners
        ('mmaml', 'naive')
    """

    logits: Float[Array, "..."] = eqx.field(converter=as_float, default=0.0)
    lr: Scalar = number(1.0, minimum=-float("inf"))

    def start(self, view: View) -> Own:
        """The chosen parameters."""
        own = jnp.asarray(view.own)
        if self.logits.ndim > 0 and self.logits.shape != own.shape:
            raise ValueError(
                f"Mmaml: logits have shape {self.logits.shape}, but player {view.seat} of {view.game.name!r} has parameters of shape "
                f"{own.shape}; train it for this game and seat."
            )
        return jnp.broadcast_to(self.logits, own.shape).astype(own.dtype)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The scaled gradient."""
        return optax.tree.scale(self.lr, view.gradient(view.params)), state
