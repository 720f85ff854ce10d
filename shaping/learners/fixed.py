"""Learners whose parameters never change: a strategy given by its probabilities, or given parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from games.base import Own
from games.checks import floating
from games.exact.tables import CERTAIN
from games.strategies.named import STRATEGIES
from shaping.base import Learner, View


class Constant(Learner):
    """A learner whose every step is zero; its `start` gives the parameters of the whole match."""

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """No step."""
        return optax.tree.zeros_like(view.own), state


class Fixed(Constant):
    """Play one strategy, given by its probabilities, at every step.

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


class Settled(Constant):
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
        here, there = (jax.tree.map(lambda x: tuple(jnp.shape(x)), own) for own in (view.own, self.own))
        if jax.tree.structure(view.own) != jax.tree.structure(self.own) or here != there:
            raise ValueError(
                f"{self.name!r} was trained for parameters of another form than those of player {view.seat} of {view.game.name!r}; "
                "let it play the game it was trained on, with the same width."
            )
        return jax.tree.map(lambda x, old: x.astype(old.dtype), self.own, view.own)
