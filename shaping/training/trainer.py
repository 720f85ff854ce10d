"""A training as a value: how it begins, what one iteration does, and the learners it has trained."""

import abc
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.printing import module_text
from games.registry import nearest
from shaping.base import Learner, check_fields, finite


class Values(NamedTuple):
    """The record of an iteration of which values alone are kept.

    Attributes:
        per_step: per-step values before the update, of one player or of all.
    """

    per_step: Float[Array, "..."]


class Trainer(eqx.Module):
    """A training: settings as fields, and pure functions of a state that consists of arrays.

    `shaping.training.run` calls `init` once and `step` once per iteration, in compiled chunks. A new trainer
    defines `init`, `step` and `learners`; the other methods have defaults.

    Attributes:
        chunk: iterations between two reports of `shaping.training.train`.
        loops: whether the program is compiled as a loop of learners (see `games.compiler.LOOPS`).
        remedy: what to change where the training diverges, as the end of an error message.
    """

    chunk: ClassVar[int] = 1
    loops: ClassVar[bool] = False
    remedy: ClassVar[str] = "choose a smaller lr"

    def __repr__(self) -> str:
        return module_text(self)

    def __check_init__(self):
        check_fields(self)

    @property
    def label(self) -> str:
        """The name of the training in messages: that of the class, without `Trainer`, in lower case."""
        return type(self).__name__.removesuffix("Trainer").lower()

    @abc.abstractmethod
    def init(self, key: Key[Array, ""]) -> PyTree:
        """The state before the first iteration; its leaves are arrays."""

    @abc.abstractmethod
    def step(self, state: PyTree, key: Key[Array, ""]) -> tuple[PyTree, PyTree]:
        """One iteration: the next state, and a record of arrays, of equal shapes at every iteration.

        Args:
            state: the state before.
            key: the iteration's own key, `iteration_key(key, t)`.
        """

    @abc.abstractmethod
    def learners(self, state: PyTree) -> tuple[Learner, ...]:
        """The learners trained so far, one per open seat, or one for all of them."""

    def iteration_key(self, key: Key[Array, ""], t: Int[Array, ""]) -> Any:
        """The key of iteration t = 0, 1, ...: `fold_in(key, t)`."""
        return jax.random.fold_in(key, t)

    def ok(self, state: PyTree, record: PyTree) -> Bool[Array, ""]:
        """Whether the training can go on: by default, whether all numbers of the state are finite."""
        return finite(state)

    def summary(self, record: Any) -> dict[str, Any]:
        """The last of a record as plain data; by default per-step values and the number of skipped updates.

        Args:
            record: records of all iterations so far, as numpy arrays with a leading axis of iterations. Their
                `per_step` holds values; `ok`, if there is one, says which updates were finite, and made.
        """
        values = np.atleast_1d(np.asarray(record.per_step[-1], float)).tolist()
        skipped = {"skipped": int((~record.ok).sum())} if hasattr(record, "ok") else {}
        return {"per_step": values} | skipped


def check_names(name: str, settings: Iterable[str], accepted: Iterable[str]) -> None:
    """Refuse settings that a training does not have.

    Raises:
        ValueError: naming the first of them, with the nearest accepted name.
    """
    accepted = set(accepted)
    for setting in settings:
        if setting not in accepted:
            raise ValueError(
                f"The training of {name!r} has no setting {setting!r}; {nearest(setting, accepted)}."
            )
