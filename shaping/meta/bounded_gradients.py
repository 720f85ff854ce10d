"""Derivatives through others' learning that cannot explode."""

import dataclasses

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from games.base import Own
from games.checks import check_range, shown
from shaping.base import Learner, Scalar, View, number
from shaping.meta.game import MetaGame


class Bounded(Learner):
    r"""Learns as another learner does, but what a derivative brings back through its step is at most `most` long.

    With $u$ the derivative in the parameters $\theta_i'$ after the step, those of everybody before it receive
    $v = (\partial \theta_i' / \partial \theta)^\top u$: here $v \min(1, m / |v|)$, and nothing where $v$ is
    not finite. Large steps make a match chaotic: derivatives through many of them point nowhere, or are not
    finite. Shortened at every step, they weigh what happens soon.

    Args:
        inner: who learns.
        most: $m$, at least 0.

    Source:
        Graves 2013, "Generating sequences with recurrent neural networks", section 2.1, which clips what
        comes back at every step; Metz et al. 2021, "Gradients are not all you need", for the chaos.
    """

    inner: Learner
    most: Scalar = number(1.0, infinite=True)

    @property
    def label(self) -> str:
        """The inner learner's."""
        return self.inner.label

    def start(self, view: View) -> Own:
        """As the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> PyTree:
        """As the inner learner."""
        return self.inner.init(view)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The learner's step; the way from the own parameters to the next ones leads through the bound too, hence the difference of 0."""
        flat, shaped = ravel_pytree(view.params)
        params = shaped(shortened(flat, self.most))
        step, state = self.inner.update(state, dataclasses.replace(view, params=params))
        return optax.tree.add(step, optax.tree.sub(params[view.seat], view.own)), state


@jax.custom_vjp
def shortened(flat: Float[Array, " n"], most: Scalar) -> Float[Array, " n"]:
    """The same numbers, whose derivative is at most `most` long, and 0 where it is not finite.

    One array: of several, `vmap` would hand back the derivative of one that all lanes share as the lanes'
    sum, and to each of them.
    """
    return flat


def _back(most, derivative):
    """The derivative, shortened."""
    length = jnp.linalg.norm(derivative)
    fine = jnp.isfinite(length)
    scale = jnp.minimum(1.0, most / jnp.where(fine & (length > 0), length, 1.0))
    return jnp.where(fine, scale * derivative, 0.0), jnp.zeros_like(most)


shortened.defvjp(lambda flat, most: (flat, most), _back)


def bounded(meta: MetaGame, most: float = 100.0) -> MetaGame:
    """The same meta-game, whose values' derivatives through a co-player's step are at most `most` long.

    Args:
        meta: the meta-game.
        most: in units of one match's sum of un-normalized values, at least 0; infinity for no bound.

    Raises:
        ValueError: for a negative or NaN bound.

    Example:
        >>> from games import GAMES
        >>> from shaping import GradientTrainer, Lola, Scripted, run
        >>> meta = MetaGame(GAMES.make("chicken"), [None, Lola()], steps=3)
        >>> run(GradientTrainer(bounded(meta), meta.init(jax.random.key(0))[0]), iterations=2).record.per_step.shape
        (2,)
    """
    if not isinstance(meta, MetaGame):
        raise ValueError(
            f"{shown(meta)} is no meta-game; give a MetaGame, whose co-players' steps are what is bounded."
        )
    check_range("most", most, 0.0, infinite=True)
    share = most / (meta.steps * meta.lanes)  # values are means over the meta-steps and the lanes
    return dataclasses.replace(
        meta, learners=[None if x is None else Bounded(x, share) for x in meta.learners]
    )
