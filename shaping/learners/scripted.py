"""A learner that walks along a given path of parameters, whatever the others do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from games.base import Own
from games.checks import as_float
from shaping.base import Learner, View


class Scripted(Learner):
    r"""Play given parameters step by step: $\theta_i \leftarrow$ the path's row t at step t, and its last row ever after.

    The path is data, so that the value of a whole match can be differentiated in every entry of it: the
    open-loop player of a meta-game.

    Args:
        path: `(steps, size)`, own parameters one step per row, flat, in the order of their leaves.
        opens: whether the first row is what the match begins with; otherwise it begins with the game's draw,
            and the first row is what the first step leads to.

    Raises:
        ValueError: when a match starts, for rows that do not have as many entries as the player has
            parameters.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> match = play(tandem(), [Scripted([[0.5], [0.25]]), Naive()], steps=3, trajectory=True)
        >>> match.trajectory[0].ravel()[1:].round(4).tolist()
        [0.5, 0.25, 0.25]
    """

    path: Float[Array, "steps size"] = eqx.field(converter=as_float)
    opens: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if self.path.ndim != 2 or not len(self.path):
            raise ValueError(
                f"Scripted: path has shape {self.path.shape}; it must be (steps, size), one row of parameters per step."
            )

    def start(self, view: View) -> Own:
        """The first row of a path that opens the match, else the draw."""
        own, unravel = ravel_pytree(view.own)
        if self.path.shape[1:] != own.shape:
            raise ValueError(
                f"Scripted: path has shape {self.path.shape}, but player {view.seat} of {view.game.name!r} has {own.size} parameters; "
                f"give one row of that many numbers per step."
            )
        return unravel(self.path[0].astype(own.dtype)) if self.opens else view.own

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The way to the next row."""
        own, unravel = ravel_pytree(view.own)
        row = jnp.minimum(jnp.asarray(view.time) + self.opens, len(self.path) - 1)
        target = unravel(jax.lax.dynamic_index_in_dim(self.path, row, keepdims=False).astype(own.dtype))
        return optax.tree.sub(target, view.own), state
