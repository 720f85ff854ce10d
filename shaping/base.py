"""The two protocols of learning: what a learner sees, and what a learner is."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Game, Joint, Own
from games.checks import check_count, check_range, floating, shown
from games.compiler import jit
from games.printing import module_text
from games.registry import nearest
from games.sampled.episodes import Sample
from games.sampled.game import Sampled

Scalar = Float[Array, ""] | float
"""A number: an array inside compiled code, possibly a plain float where it is written by hand."""


def number(
    default: float, minimum: float = 0.0, maximum: float = float("inf"), infinite: bool = False
) -> Any:
    """A learner's numeric field: data, so that another value never recompiles; refused outside its range when built by hand.

    Args:
        default: its value where none is given.
        minimum: the least accepted.
        maximum: the largest accepted.
        infinite: whether infinity has a meaning.
    """
    return eqx.field(
        converter=floating, default=default, metadata={"range": (minimum, maximum, infinite), "single": True}
    )


def choice(default: str, *others: str) -> Any:
    """A learner's structural field: one of a few names."""
    return eqx.field(static=True, default=default, metadata={"choices": (default, *others)})


def count(default: int, minimum: int = 1) -> Any:
    """A learner's structural field: how often something is unrolled."""
    return eqx.field(static=True, default=default, metadata={"minimum": minimum})


def check_fields(value: Any) -> None:
    """Refuse fields outside the ranges, choices and least counts they were declared with.

    Raises:
        ValueError: naming the class, the field, its value and what it accepts.
    """
    name = type(value).__name__
    for field in dataclasses.fields(value):
        entry, rules = getattr(value, field.name), field.metadata
        if "range" in rules:
            check_range(f"{name}: {field.name}", entry, *rules["range"])
        if "choices" in rules and entry not in rules["choices"]:
            raise ValueError(
                f"{name}: unknown {field.name} {entry!r}; {nearest(str(entry), rules['choices'])}."
            )
        if field.type is Learner and not isinstance(entry, Learner):
            raise ValueError(
                f"{name}: {field.name} is {shown(entry)}; it must be a learner that is made, such as Naive()."
            )
        if "minimum" in rules:
            check_count(f"{name}: {field.name}", entry, rules["minimum"])


class View(eqx.Module):
    """The game from one seat: everything a white-box learner may see.

    Args:
        game: the game; its players maximize.
        params: everybody's parameters.
        seat: whose view this is, 0 to n-1.
        key: randomness of this step, for games whose values are sampled.
        time: how many steps of the match came before this one.
        match_seat: the player's seat in the match as an array, where the view shows the game with its seats
            exchanged; None where it is `seat`.
    """

    game: Game
    params: Joint
    seat: int = eqx.field(static=True)
    key: Key[Array, ""] | None = None
    time: Int[Array, ""] | int = 0
    match_seat: Int[Array, ""] | None = None

    def own_entry(self, entries: Sequence[Any]) -> Any:
        """The player's entry of a sequence that has one entry per seat of the match.

        Args:
            entries: numbers, or trees of arrays of equal shapes.
        """
        if self.match_seat is None:
            return entries[self.seat]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves)[self.match_seat], *entries)

    @property
    def own(self) -> Own:
        """The player's own parameters."""
        return self.params[self.seat]

    @property
    def others(self) -> tuple[int, ...]:
        """The other seats."""
        return tuple(j for j in range(self.game.n_players) if j != self.seat)

    def with_own(self, own: Own) -> Joint:
        """Everybody's parameters, the player's own replaced."""
        return replaced(self.params, self.seat, own)

    def values(self, joint: Joint) -> Float[Array, " n_players"]:
        """Everybody's value at any joint parameters."""
        return _values(self.game, joint, self.key)

    def value(self, joint: Joint, player: int | None = None) -> Scalar:
        """One player's value at any joint parameters; by default the player's own."""
        return self.values(joint)[self.seat if player is None else player]

    def gradient(self, joint: Joint, player: int | None = None) -> Own:
        """One player's gradient with respect to its own parameters; by default the player's own."""
        player = self.seat if player is None else player
        return jax.grad(lambda own: self.value(replaced(joint, player, own), player))(joint[player])

    def afresh(self, number: Int[Array, ""] | int) -> "View":
        """The same view with other randomness: that of a number."""
        return (
            self if self.key is None else dataclasses.replace(self, key=jax.random.fold_in(self.key, number))
        )

    @property
    def sampled(self) -> Sampled:
        """The game, where it is played step by step.

        Raises:
            ValueError: where it is not.
        """
        if not isinstance(self.game, Sampled):
            raise ValueError(
                f"{self.game.name!r} has no episodes to learn from; play a sampled game, such as Sampled(ENVIRONMENTS.make('ipd_rollout'))."
            )
        return self.game

    def rollout(self, joint: Joint | None = None) -> Sample:
        """Episodes of a sampled game at any joint parameters, by default everybody's own.

        Raises:
            ValueError: where the game is not played step by step.
        """
        return self.sampled.rollout(self.params if joint is None else joint, self.key)

    def look_ahead(self, joint: Joint, lr: Scalar, steps: int = 1) -> Joint:
        r"""Everybody's parameters after the others' next naive steps, which they take at once: $\theta_j + b \nabla_j V_j$.

        Where values are sampled, every step draws anew: what is estimated later is independent of the noise
        that steps take up. Several steps are one loop, whose program is as long as that of one step.
        """

        def ahead(joint: Joint, step: Int[Array, ""] | int) -> Joint:
            view = self.afresh(step)
            stepped = {j: optax.tree.add_scale(joint[j], lr, view.gradient(joint, j)) for j in self.others}
            return tuple(stepped.get(j, p) for j, p in enumerate(joint))

        if steps == 1:
            return ahead(joint, 0)

        def scanned(joint: Joint, step: Int[Array, ""]) -> tuple[Joint, None]:
            return jax.tree.map(lambda old, new: new.astype(old.dtype), joint, ahead(joint, step)), None

        return jax.lax.scan(scanned, joint, jnp.arange(steps, dtype=jnp.uint32))[0]


class Learner(eqx.Module):
    """A rule that turns a view of the game into a step of the player's own parameters.

    A learner is a frozen value: compared, nested, swept. Its numbers are data; its structure is static. The
    step is **added** to the own parameters (optax's meaning), so wrappers compose.
    """

    def __check_init__(self):
        check_fields(self)

    def __repr__(self) -> str:
        return module_text(self)

    @property
    def label(self) -> str:
        """What tables call this learner; by default its class's name in lower case."""
        return type(self).__name__.lower()

    def start(self, view: View) -> Own:
        """The parameters this learner begins a match with; by default those the game drew."""
        return view.own

    def init(self, view: View) -> PyTree:
        """The state before the first step; by default there is none."""
        return ()

    @abc.abstractmethod
    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """One step: what is added to the own parameters, and the next state."""


@jit
def _values(game: Game, joint: Joint, key: Key[Array, ""] | None) -> Any:
    """The game's values as one traced call, whose derivatives JAX derives once and reuses: a learner that asks often traces in seconds."""
    return game.values(joint, key)


def finite(tree: PyTree) -> Bool[Array, ""]:
    """Whether all floating-point numbers of a tree are finite; counters and keys are not looked at."""
    floating = (x for x in jax.tree.leaves(tree) if jnp.issubdtype(jnp.result_type(x), jnp.inexact))
    return jnp.asarray([jnp.isfinite(x).all() for x in floating], bool).all()


def replaced(joint: Sequence[Own], player: int, own: Own) -> Joint:
    """Everybody's parameters with one player's exchanged."""
    return tuple(own if j == player else p for j, p in enumerate(joint))
