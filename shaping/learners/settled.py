"""A learner that plays fixed parameters, such as those learned in a training."""

import jax
import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, View


class Settled(Learner):
    """Play the same parameters at every step.

    `shaping.training.MatchTrainer` returns its results in this form. It plays any game with parameters of the
    same structure and shapes.

    Args:
        own: the parameters of one seat.
        name: what tables call it.

    Raises:
        ValueError: when a match starts, for parameters of another form than the seat's.

    Example:
        >>> import jax.numpy as jnp
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> play(ipd(), [Settled(jnp.zeros(5), "mixed"), Naive()], steps=2).learners
        ('mixed', 'naive')
    """

    own: PyTree
    name: str = "settled"

    @property
    def label(self) -> str:
        """The given name."""
        return self.name

    def start(self, view: View) -> Own:
        """The parameters."""
        here, there = (jax.tree.map(lambda x: tuple(jax.numpy.shape(x)), own) for own in (view.own, self.own))
        if jax.tree.structure(view.own) != jax.tree.structure(self.own) or here != there:
            raise ValueError(
                f"{self.name!r} was trained for parameters of another form than those of player {view.seat} of {view.game.name!r}; "
                "let it play the game it was trained on, with the same width."
            )
        return jax.tree.map(lambda x, old: x.astype(old.dtype), self.own, view.own)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """No step."""
        return optax.tree.zeros_like(view.own), state
