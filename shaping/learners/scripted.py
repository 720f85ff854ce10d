"""A given sequence of parameters as a learner."""

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
    r"""Play given parameters: $\theta_i$ is row t of the path after step t, and its last row after its end.

    The others' parameters have no influence on it (open-loop control). The path is data, so the value of a
    whole match can be differentiated with respect to every entry of it, as training in a meta-game does.

    Args:
        path: the own parameters after every step, `(steps, size)`, as flat vectors in the order of their leaves.
        opens: whether the first row is the first parameters of the match; otherwise these are the game's draw,
            and the first row is the result of the first step.

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
        """The first row if `opens`, otherwise the parameters that the game drew."""
        own, unravel = ravel_pytree(view.own)
        if self.path.shape[1:] != own.shape:
            raise ValueError(
                f"Scripted: path has shape {self.path.shape}, but player {view.seat} of {view.game.name!r} has {own.size} parameters; "
                f"give one row of that many numbers per step."
            )
        return unravel(self.path[0].astype(own.dtype)) if self.opens else view.own

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The next row minus the own parameters."""
        own, unravel = ravel_pytree(view.own)
        row = jnp.minimum(jnp.asarray(view.time) + self.opens, len(self.path) - 1)
        target = unravel(jax.lax.dynamic_index_in_dim(self.path, row, keepdims=False).astype(own.dtype))
        return optax.tree.sub(target, view.own), state
