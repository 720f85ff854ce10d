"""Learners around another learner: an optimizer, clipped steps, or steps at some times only."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, PyTree

from games.base import Own
from games.checks import check_range, floating
from games.registry import nearest
from shaping.base import Learner, Scalar, View, count, number

OPTIMIZERS = {
    "adam": optax.adam,
    "adamw": optax.adamw,
    "adagrad": optax.adagrad,
    "amsgrad": optax.amsgrad,
    "lion": optax.lion,
    "rmsprop": optax.rmsprop,
    "sgd": optax.sgd,
    "yogi": optax.yogi,
}


def _numbers(settings: dict[str, float]) -> dict[str, Float[Array, ""]]:
    """Settings as arrays."""
    return {name: floating(value) for name, value in settings.items()}


class Optimized(Learner):
    """Ascend the inner learner's direction with an optax optimizer; give the inner learner `lr=1`.

    Optax minimizes, so the optimizer receives minus the inner step. The optimizer's numbers
    are data: they can be swept, and other values do not recompile.

    Args:
        inner: the learner whose step is the direction.
        name: an optimizer of optax: `"adam"`, `"adamw"`, `"adagrad"`, `"amsgrad"`, `"lion"`, `"rmsprop"`,
            `"sgd"` or `"yogi"`.
        lr: the optimizer's learning rate, at least 0.
        settings: its other numbers by optax's names, such as `{"b1": 0.8}` or `{"momentum": 0.9}`.

    Raises:
        ValueError: for an unknown optimizer, or a NaN or negative number.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> play(tandem(), [Optimized(Naive(), "adam", lr=0.1), Naive()], steps=3).learners
        ('adam(naive)', 'naive')
    """

    inner: Learner
    name: str = eqx.field(static=True, default="adam")
    lr: Scalar = number(0.1)
    settings: dict[str, Float[Array, ""]] = eqx.field(converter=_numbers, default_factory=dict)

    def __check_init__(self):
        if self.name not in OPTIMIZERS:
            raise ValueError(f"Optimized: unknown optimizer {self.name!r}; {nearest(self.name, OPTIMIZERS)}.")
        accepted = [x for x in inspect.signature(OPTIMIZERS[self.name]).parameters if x != "learning_rate"]
        for name, value in self.settings.items():
            if name not in accepted:
                raise ValueError(
                    f"Optimized: {self.name!r} has no setting {name!r}; {nearest(name, accepted)}."
                )
            check_range(f"Optimized: {name}", value, 0.0)

    @property
    def label(self) -> str:
        """The optimizer and what it optimizes."""
        return f"{self.name}({self.inner.label})"

    def optimizer(self) -> optax.GradientTransformation:
        """The optimizer with these numbers."""
        return OPTIMIZERS[self.name](learning_rate=self.lr, **self.settings)

    def start(self, view: View) -> Own:
        """The same as of the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> tuple[PyTree, PyTree]:
        """The inner state and the optimizer's."""
        return self.inner.init(view), self.optimizer().init(view.own)

    def update(self, state: tuple[PyTree, PyTree], view: View) -> tuple[Own, tuple[PyTree, PyTree]]:
        """The optimizer's step along the inner learner's step."""
        inner, moments = state
        direction, inner = self.inner.update(inner, view)
        step, moments = self.optimizer().update(optax.tree.scale(-1.0, direction), moments, view.own)
        return step, (inner, moments)


class Clipped(Learner):
    r"""Clip the norm of the step: $s \leftarrow s \min(1, c / |s|)$, over all own parameters of the player.

    Args:
        inner: the learner whose steps are clipped.
        norm: $c$, at least 0.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> play(tandem(), [Clipped(Naive(), norm=0.5), Naive()], steps=3).learners
        ('clipped(naive)', 'naive')
    """

    inner: Learner
    norm: Scalar = number(1.0, infinite=True)

    @property
    def label(self) -> str:
        """The name of the wrapper and the inner label."""
        return f"clipped({self.inner.label})"

    def start(self, view: View) -> Own:
        """The same as of the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> PyTree:
        """The same as of the inner learner."""
        return self.inner.init(view)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The inner step, no longer than the norm."""
        step, state = self.inner.update(state, view)
        length = optax.tree.norm(step)
        share = jnp.where(length > self.norm, self.norm / jnp.where(length > 0, length, 1.0), 1.0)
        return optax.tree.scale(share, step), state


class Frozen(Learner):
    """Learn for some steps, then keep the parameters; the steps that are not taken are not computed.

    Args:
        inner: the learner.
        after: number of steps for which it learns, at least 0.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> match = play(tandem(), [Frozen(Naive()), Naive()], steps=3, trajectory=True)
        >>> bool((match.trajectory[0][0, 0] == match.trajectory[0][0, -1]).all())
        True
    """

    inner: Learner
    after: Scalar = number(0.0, infinite=True)

    @property
    def label(self) -> str:
        """The name of the wrapper and the inner label."""
        return f"frozen({self.inner.label})"

    def start(self, view: View) -> Own:
        """The same as of the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> PyTree:
        """The same as of the inner learner."""
        return self.inner.init(view)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The inner step before step `after`, then a step of zero."""
        return when(jnp.asarray(view.time) < self.after, self.inner, state, view)


class EveryK(Learner):
    """Learn at every k-th step of the match; in between, parameters and state stay, and nothing is computed.

    Args:
        inner: the learner.
        k: number of steps of the match per learning step, at least 1.
        offset: the first step at which it learns, counted from 0, below k.

    Raises:
        ValueError: for a k below 1 or an offset outside [0, k).

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> play(tandem(), [EveryK(Naive(), k=10), Naive()], steps=20).learners
        ('every10(naive)', 'naive')
    """

    inner: Learner
    k: int = count(1)
    offset: int = count(0, minimum=0)

    def __check_init__(self):
        if self.offset >= self.k:
            raise ValueError(
                f"EveryK: offset is {self.offset}; it must be an integer in [0, {self.k - 1}], below k."
            )

    @property
    def label(self) -> str:
        """The name of the wrapper and the inner label."""
        return f"every{self.k}({self.inner.label})"

    def start(self, view: View) -> Own:
        """The same as of the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> PyTree:
        """The same as of the inner learner."""
        return self.inner.init(view)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The inner step at steps offset, offset + k, offset + 2k, ...; otherwise a step of zero."""
        return when(jnp.asarray(view.time) % self.k == self.offset, self.inner, state, view)


class Alternating(Learner):
    """Step in turn: in an n-player match, the player in seat i learns at steps i, i + n, i + 2n and so on.

    With every player wrapped so, n steps of the match are one round of alternating gradient ascent, in which
    each player sees what the players before it have just done.

    Args:
        inner: the learner.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> play(tandem(), [Alternating(Naive())] * 2, steps=4).learners
        ('alternating(naive)', 'alternating(naive)')
    """

    inner: Learner

    @property
    def label(self) -> str:
        """The name of the wrapper and the inner label."""
        return f"alternating({self.inner.label})"

    def start(self, view: View) -> Own:
        """The same as of the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> PyTree:
        """The same as of the inner learner."""
        return self.inner.init(view)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The inner step at steps i, i + n, i + 2n, ... in seat i; otherwise a step of zero."""
        n = view.game.n_players
        return when(jnp.asarray(view.time) % n == view.own_entry(range(n)), self.inner, state, view)


def when(due: Bool[Array, ""], inner: Learner, state: PyTree, view: View) -> tuple[Own, PyTree]:
    """The inner learner's step and next state where it is due; otherwise a step of zero and the same state.

    Only the branch that is taken is computed, as long as `due` is the same in all lanes of a batch.
    """

    def learn(state: PyTree) -> tuple[Own, PyTree]:
        step, state = inner.update(state, view)
        return optax.tree.cast_like(step, view.own), state

    def wait(state: PyTree) -> tuple[Own, PyTree]:
        return optax.tree.zeros_like(view.own), state

    return jax.lax.cond(due, learn, wait, state)
