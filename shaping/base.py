"""The two protocols of learning: `View`, what a learner sees, and `Learner`, a learning rule."""

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
    """A numeric field of a learner: data, so no value recompiles; checked when the learner is made.

    Args:
        default: the default value.
        minimum: the smallest accepted value.
        maximum: the largest accepted value.
        infinite: whether infinity is accepted.
    """
    return eqx.field(
        converter=floating, default=default, metadata={"range": (minimum, maximum, infinite), "single": True}
    )


def choice(default: str, *others: str) -> Any:
    """A structural field of a learner: one of several names, part of the compiled program."""
    return eqx.field(static=True, default=default, metadata={"choices": (default, *others)})


def count(default: int, minimum: int = 1) -> Any:
    """A structural field of a learner: an integer of at least `minimum`, part of the compiled program."""
    return eqx.field(static=True, default=default, metadata={"minimum": minimum})


def check_fields(value: Any) -> None:
    """Refuse values of fields outside the ranges, choices and minima that the fields declare.

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
        params: joint parameters, one entry per player.
        seat: seat of the player whose view this is, 0 to n - 1.
        key: randomness of this step, for games with sampled values.
        time: number of steps of the match before this one.
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
        """The joint parameters with the player's own ones replaced."""
        return replaced(self.params, self.seat, own)

    def values(self, joint: Joint) -> Float[Array, " n_players"]:
        """Values of all players at any joint parameters."""
        return _values(self.game, joint, self.key)

    def value(self, joint: Joint, player: int | None = None) -> Scalar:
        """Value of one player, by default the own one, at any joint parameters."""
        return self.values(joint)[self.seat if player is None else player]

    def gradient(self, joint: Joint, player: int | None = None) -> Own:
        r"""Gradient $\nabla_i V_i$ of one player, by default the own one, at any joint parameters."""
        player = self.seat if player is None else player
        return jax.grad(lambda own: self.value(replaced(joint, player, own), player))(joint[player])

    def afresh(self, number: Int[Array, ""] | int) -> "View":
        """The same view with another key, `fold_in(key, number)`; independent samples for every number."""
        return (
            self if self.key is None else dataclasses.replace(self, key=jax.random.fold_in(self.key, number))
        )

    @property
    def sampled(self) -> Sampled:
        """The game as a `Sampled` game.

        Raises:
            ValueError: where the game is exact and has no episodes.
        """
        if not isinstance(self.game, Sampled):
            raise ValueError(
                f"{self.game.name!r} has no episodes to learn from; play a sampled game, such as Sampled(ENVIRONMENTS.make('ipd_rollout'))."
            )
        return self.game

    def rollout(self, joint: Joint | None = None) -> Sample:
        """A batch of episodes of a sampled game, by default at the current joint parameters.

        Raises:
            ValueError: where the game is exact and has no episodes.
        """
        return self.sampled.rollout(self.params if joint is None else joint, self.key)

    def look_ahead(self, joint: Joint, lr: Scalar, steps: int = 1) -> Joint:
        r"""Joint parameters after naive steps of all others, $\theta_j + b \nabla_j V_j(\theta)$.

        Args:
            joint: the joint parameters before.
            lr: b, the step size of the others.
            steps: number of steps; in each of them all others move at once, and sampled values are estimated
                from new samples. Several steps are one loop, which compiles as fast as one step.
        """

        def ahead(joint: Joint, step: Int[Array, ""] | int) -> Joint:
            view = self.afresh(step)
            moved = {j: optax.tree.add_scale(joint[j], lr, view.gradient(joint, j)) for j in self.others}
            return tuple(moved.get(j, p) for j, p in enumerate(joint))

        if steps == 1:
            return ahead(joint, 0)

        def scan_step(joint: Joint, step: Int[Array, ""]) -> tuple[Joint, None]:
            return jax.tree.map(lambda old, new: new.astype(old.dtype), joint, ahead(joint, step)), None

        return jax.lax.scan(scan_step, joint, jnp.arange(steps, dtype=jnp.uint32))[0]


class Learner(eqx.Module):
    """A learning rule: from a state and a view of the game to a step of the player's own parameters.

    A learner is an immutable value, which can be compared, nested in another learner, and swept. Its numbers
    are data, its structure is part of the compiled program. The step is **added** to the own parameters, as
    an update of optax is, so wrappers compose.
    """

    def __check_init__(self):
        check_fields(self)

    def __repr__(self) -> str:
        return module_text(self)

    @property
    def label(self) -> str:
        """Name of the learner in tables; by default the name of its class in lower case."""
        return type(self).__name__.lower()

    def start(self, view: View) -> Own:
        """Initial parameters in a match; by default those that the game has drawn."""
        return view.own

    def init(self, view: View) -> PyTree:
        """State before the first step; by default there is none."""
        return ()

    @abc.abstractmethod
    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """One learning step: the step that is added to the own parameters, and the next state."""


@jit
def _values(game: Game, joint: Joint, key: Key[Array, ""] | None) -> Any:
    """The game's values; a function of its own, so that JAX traces and differentiates it once per game."""
    return game.values(joint, key)


def finite(tree: PyTree) -> Bool[Array, ""]:
    """Whether all floating-point numbers of a tree are finite; integers and keys are ignored."""
    floating = (x for x in jax.tree.leaves(tree) if jnp.issubdtype(jnp.result_type(x), jnp.inexact))
    return jnp.asarray([jnp.isfinite(x).all() for x in floating], bool).all()


def replaced(joint: Sequence[Own], player: int, own: Own) -> Joint:
    """Joint parameters with those of one player replaced."""
    return tuple(own if j == player else p for j, p in enumerate(joint))
