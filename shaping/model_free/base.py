"""The interface of optimizers of policies."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key, PyTree

from games.base import Environment
from games.printing import module_text
from shaping.base import check_fields
from shaping.model_free.episodes import Episodes


class Report(NamedTuple):
    """The report of one iteration, before its update.

    Attributes:
        returns: mean undiscounted return of an episode, per player.
        per_step: mean reward of a step, per player.
        failed: fraction of the episodes that were not finite; they are in neither mean.
        ok: whether the update was finite, and therefore made, per player.
    """

    returns: Float[Array, " player"]
    per_step: Float[Array, " player"]
    failed: Float[Array, ""]
    ok: Bool[Array, " player"]


class Method(eqx.Module):
    """An optimizer of policies that learns from playing an environment: a value with two pure functions.

    Attributes:
        length: maximal number of steps of its episodes.
    """

    if TYPE_CHECKING:  # a type checker would take an abstract attribute for an argument of the constructor
        length: ClassVar[Any]
    else:
        length: eqx.AbstractVar[int]

    def __check_init__(self):
        check_fields(self)

    def __repr__(self) -> str:
        return module_text(self)

    @abc.abstractmethod
    def init(self, policies: PyTree) -> PyTree:
        """The optimizer's initial state; policies are stacked along a leading player axis."""

    @abc.abstractmethod
    def step(
        self, env: Environment, policies: PyTree, state: PyTree, key: Key[Array, ""]
    ) -> tuple[PyTree, PyTree, Report]:
        """One iteration: the next policies, the next state and the report."""


def report(
    returns: Float[Array, "episode player"],
    steps: Float[Array, " episode"],
    usable: Bool[Array, " episode"],
    ok,
) -> Report:
    """Means over the usable episodes; NaN where there are none."""
    total = jnp.where(usable[:, None], returns, 0.0).sum(axis=0)
    return Report(total / usable.sum(), total / jnp.where(usable, steps, 0).sum(), 1 - usable.mean(), ok)


def episodes_report(played: Episodes, ok: Bool[Array, " player"]) -> Report:
    """The report on played episodes."""
    return report(played.rewards.sum(axis=0), played.alive.sum(axis=0), played.ok, ok)


def new_if_finite(old: PyTree, new: PyTree) -> tuple[PyTree, Bool[Array, ""]]:
    """The new numbers if all are finite, otherwise the old numbers; and whether they are the new ones."""
    fine = jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(new)]).all()
    return jax.tree.map(lambda a, b: jnp.where(fine, b, a), old, new), fine
