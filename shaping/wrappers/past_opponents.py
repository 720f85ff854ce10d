"""Learning against earlier parameters of the others."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, count, number

PAST_KEY = 2**32 - 1
"""What is folded into the key for the choice of the past step; no step of a look-ahead folds in this number."""


class PastState(NamedTuple):
    """State of the learner.

    Attributes:
        inner: the inner learner's state.
        kept: a ring buffer of the others' parameters by seat, with a leading axis of length `capacity`; unused
            entries hold the parameters of the first step.
        time: number of steps so far.
    """

    inner: PyTree
    kept: dict[int, Own]
    time: Int[Array, ""]


class AgainstPast(Learner):
    r"""With some probability, replace the others' parameters in the inner learner's view by earlier ones.

    The others' parameters of steps 0, k, 2k, ... are kept, the latest `capacity` of them, and one of these
    steps is chosen uniformly at random, the same for all others; the own parameters are always the current
    ones. In self-play alone, a learner forgets how to respond to opponents that no longer occur, such as
    defectors.

    Args:
        inner: the learner.
        capacity: number of steps kept, at least 1; memory is proportional to it.
        every: $k$, at least 1.
        share: probability of earlier parameters, in [0, 1].

    Raises:
        ValueError: for a number outside its range.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> play(tandem(), [AgainstPast(Naive(0.1), capacity=4)] * 2, steps=3).learners
        ('past(naive)', 'past(naive)')

    Source:
        Aghajohari et al. 2024, "LOQA: learning with opponent Q-learning awareness", where a learner of the
        coin game plays against its own earlier parameters, kept every 10 updates, up to 10,000 of them, with
        another choice in every episode of a batch. Here the choice is the same in all episodes of a step.
    """

    inner: Learner
    capacity: int = count(100)
    every: int = count(10)
    share: Scalar = number(0.5, maximum=1.0)

    @property
    def label(self) -> str:
        """The inner label in `past(...)`."""
        return f"past({self.inner.label})"

    def start(self, view: View) -> Own:
        """The inner learner's first parameters."""
        return self.inner.start(view)

    def init(self, view: View) -> PastState:
        """The inner state, and a buffer filled with the others' current parameters."""
        others = {j: view.params[j] for j in view.others}
        kept = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.capacity, *jnp.shape(x))), others)
        return PastState(self.inner.init(view), kept, jnp.array(0))

    def update(self, state: PastState, view: View) -> tuple[Own, PastState]:
        """The inner step in the view with the chosen parameters."""
        others = {j: view.params[j] for j in view.others}
        place = state.time // self.every % self.capacity
        due = state.time % self.every == 0
        kept = jax.tree.map(lambda xs, x: xs.at[place].set(jnp.where(due, x, xs[place])), state.kept, others)
        key = jax.random.fold_in(jax.random.key(0) if view.key is None else view.key, PAST_KEY)
        step_key, past_key = jax.random.split(key)
        chosen = jax.random.randint(step_key, (), 0, jnp.minimum(state.time // self.every + 1, self.capacity))
        past = jax.random.uniform(past_key) < self.share
        shown = jax.tree.map(lambda xs, x: jnp.where(past, xs[chosen], x), kept, others)
        seen = tuple(shown.get(j, own) for j, own in enumerate(view.params))
        step, inner = self.inner.update(state.inner, dataclasses.replace(view, params=seen))
        return step, PastState(inner, kept, state.time + 1)
