"""A fixed strategy as a learner whose parameters never change."""

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from games.base import Own
from games.checks import floating
from games.exact.tables import CERTAIN
from games.strategies.named import STRATEGIES
from shaping.base import Learner, View


class Fixed(Learner):
    """Play one strategy for ever: it sets the parameters at the start of a match, and every step is zero.

    Args:
        probabilities: of action 0 after each history, `[start, CC, CD, DC, DD]` with memory one, each in [0,
            1]; a single number is used after every history. For players with two actions.
        name: what tables call it.

    Raises:
        ValueError: for a probability outside [0, 1]; when a match starts, for a table that does not fit the
            game's.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> match = play(ipd(), [Fixed([1, 1, 0, 1, 0], "tft"), Naive()], steps=3)
        >>> match.learners, match.params[0].tolist()
        (('tft', 'naive'), [[1000.0, 1000.0, -1000.0, 1000.0, -1000.0]])
    """

    probabilities: Float[Array, "..."] = eqx.field(converter=floating, metadata={"range": (0.0, 1.0)})
    name: str = eqx.field(static=True, default="fixed")

    @classmethod
    def named(cls, name: str, **settings: float) -> "Fixed":
        """The strategy of this name or alias in `games.strategies.named.STRATEGIES`.

        Args:
            name: such as `"tft"`.
            **settings: the strategy's own settings, such as `p` of `"joss"`.

        Raises:
            ValueError: for an unknown name or setting.

        Example:
            >>> Fixed.named("tit_for_tat").label
            'tft'
        """
        return cls(STRATEGIES.make(name, **settings), STRATEGIES.get(name).name)

    @property
    def label(self) -> str:
        """The strategy's name."""
        return self.name

    def start(self, view: View) -> Own:
        """The strategy's logits."""
        if isinstance(view.own, dict):
            raise ValueError(
                f"The strategy {self.name!r} is a table, but player {view.seat} of {view.game.name!r} plays through another policy; "
                "let it play the game as it is."
            )
        p, own = self.probabilities, jnp.asarray(view.own)
        if p.ndim > 0 and p.shape != own.shape:
            raise ValueError(
                f"The strategy {self.name!r} is a table of shape {p.shape}, but player {view.seat} of {view.game.name!r} has parameters of "
                f"shape {own.shape}; give one probability per history of a two-action player, or a single number for all of them."
            )
        return jnp.broadcast_to(jnp.clip(jnp.log(p) - jnp.log1p(-p), -CERTAIN, CERTAIN), own.shape).astype(
            own.dtype
        )

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """No step."""
        return optax.tree.zeros_like(view.own), state
