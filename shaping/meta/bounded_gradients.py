"""Bounded derivatives through the learning of others, which cannot explode."""

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
    r"""A learner whose step passes back derivatives of bounded norm.

    The backward pass takes the derivative $u$ with respect to the learner's parameters $\theta_i'$ after the
    step to $v = (\partial \theta_i' / \partial \theta)^\top u$, with respect to all parameters before it. Here
    it passes back $v \min(1, m / |v|)$, and 0 where $v$ is not finite. Large steps make a match chaotic, so
    that derivatives through many of them have arbitrary directions or are not finite; clipped at every step,
    they weight early consequences more.

    Args:
        inner: the learner.
        most: $m$, at least 0.

    Source:
        Graves 2013, "Generating sequences with recurrent neural networks", section 2.1, which clips the
        derivative at every step; Metz et al. 2021, "Gradients are not all you need", for the chaos.
    """

    inner: Learner
    most: Scalar = number(1.0, infinite=True)

    @property
    def label(self) -> str:
        """The label of the inner learner."""
        return self.inner.label

    def start(self, view: View) -> Own:
        """The same as of the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> PyTree:
        """The same as of the inner learner."""
        return self.inner.init(view)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The inner step, plus a difference of 0 by which derivatives of the own parameters are bounded too."""
        flat, shaped = ravel_pytree(view.params)
        params = shaped(clip_derivative(flat, self.most))
        step, state = self.inner.update(state, dataclasses.replace(view, params=params))
        return optax.tree.add(step, optax.tree.sub(params[view.seat], view.own)), state


@jax.custom_vjp
def clip_derivative(flat: Float[Array, " n"], most: Scalar) -> Float[Array, " n"]:
    """The identity, whose derivative is clipped to the norm `most`, and 0 where it is not finite.

    It takes one array: with several, `vmap` would sum the derivative of an array that all lanes share.
    """
    return flat


def _back(most, derivative):
    """The clipped derivative."""
    length = jnp.linalg.norm(derivative)
    fine = jnp.isfinite(length)
    scale = jnp.minimum(1.0, most / jnp.where(fine & (length > 0), length, 1.0))
    return jnp.where(fine, scale * derivative, 0.0), jnp.zeros_like(most)


clip_derivative.defvjp(lambda flat, most: (flat, most), _back)


def bounded(meta: MetaGame, most: float = 100.0) -> MetaGame:
    """The same meta-game, with derivatives through a co-player's step clipped to the norm `most`.

    Args:
        meta: the meta-game.
        most: the bound, in units of the sum of one match's un-normalized values, at least 0; infinity for none.

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
        raise ValueError(f"{shown(meta)} is no meta-game; give a MetaGame.")
    check_range("most", most, 0.0, infinite=True)
    share = most / (meta.steps * meta.lanes)  # values are means over the meta-steps and the lanes
    return dataclasses.replace(
        meta, learners=[None if x is None else Bounded(x, share) for x in meta.learners]
    )
