"""Learn against who the others were before as well as against who they are."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, count, number

DRAW = 2**32 - 1
"""The number whose key draws who is shown: no step of a look-ahead has it."""


class Past(NamedTuple):
    """What is kept of a match.

    Attributes:
        inner: the inner learner's state.
        kept: the others' parameters by seat, with a leading axis of `capacity` places, as yet those of the
            first step in places not used.
        time: how many steps there have been.
    """

    inner: PyTree
    kept: dict[int, Own]
    time: Int[Array, ""]


class AgainstPast(Learner):
    r"""Show the inner learner, with some probability, the others as they were at a step drawn from those that are kept.

    Steps 0, k, 2k, ... are kept, the latest `capacity` of them, and each is as likely. All others are shown
    from the same step; the own parameters are always today's. Self-play alone forgets how to answer those who
    no longer sit there, such as defectors.

    Args:
        inner: the learner.
        capacity: how many steps are kept, at least 1; memory grows with it.
        every: k, at least 1.
        share: the probability, in [0, 1].

    Raises:
        ValueError: for a number outside its range.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> play(tandem(), [AgainstPast(Naive(0.1), capacity=4)] * 2, steps=3).learners
        ('past(naive)', 'past(naive)')

    Source:
        Aghajohari et al. 2024, "LOQA: learning with opponent Q-learning awareness", where a learner of the
        coin game meets its own past, kept every 10 updates up to 10,000 times: in every episode of a batch
        another. Here one sits in all episodes of a step.
    """

    inner: Learner
    capacity: int = count(100)
    every: int = count(10)
    share: Scalar = number(0.5, maximum=1.0)

    @property
    def label(self) -> str:
        """The inner label, marked."""
        return f"past({self.inner.label})"

    def start(self, view: View) -> Own:
        """As the inner learner."""
        return self.inner.start(view)

    def init(self, view: View) -> Past:
        """The inner state, and the others as they are."""
        others = {j: view.params[j] for j in view.others}
        kept = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.capacity, *jnp.shape(x))), others)
        return Past(self.inner.init(view), kept, jnp.array(0))

    def update(self, state: Past, view: View) -> tuple[Own, Past]:
        """The inner step against those who are drawn."""
        others = {j: view.params[j] for j in view.others}
        place = state.time // self.every % self.capacity
        due = state.time % self.every == 0
        kept = jax.tree.map(lambda xs, x: xs.at[place].set(jnp.where(due, x, xs[place])), state.kept, others)
        key = jax.random.fold_in(jax.random.key(0) if view.key is None else view.key, DRAW)
        which, whether = jax.random.split(key)
        drawn = jax.random.randint(which, (), 0, jnp.minimum(state.time // self.every + 1, self.capacity))
        back = jax.random.uniform(whether) < self.share
        shown = jax.tree.map(lambda xs, x: jnp.where(back, xs[drawn], x), kept, others)
        seen = tuple(shown.get(j, own) for j, own in enumerate(view.params))
        step, inner = self.inner.update(state.inner, dataclasses.replace(view, params=seen))
        return step, Past(inner, kept, state.time + 1)
