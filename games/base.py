"""The two protocols of the laboratory: a game as learners see it, and an environment as policies play it."""

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.printing import counted, named_text

Own = PyTree[Float[Array, "..."]]
"""One player's parameters."""
Joint = tuple[Own, ...]
"""Everybody's parameters, one entry per seat."""


class Game(eqx.Module):
    r"""A differentiable game: everybody's parameters in, everybody's values out.

    Players **maximize** $V_i(\theta_1, \dots, \theta_n)$, and `values` is differentiable to any order. A
    closed form, a sampled rollout under DiCE and a whole match against a learner are implementations of this
    one protocol, so that one learner serves them all.
    """

    if TYPE_CHECKING:  # a type checker would take abstract attributes for arguments of the constructor
        n_players: ClassVar[Any]
        name: ClassVar[Any]
    else:
        n_players: eqx.AbstractVar[int]
        name: eqx.AbstractVar[str]

    def __repr__(self) -> str:
        return named_text(self, counted(self.n_players, "player"))

    @abc.abstractmethod
    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw everybody's parameters; player i's depend on the key and i alone."""

    @abc.abstractmethod
    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """Everybody's value, in the units that learners ascend (a return is not normalized); exact games ignore the key."""

    @abc.abstractmethod
    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """How far the player's behavior moves when `old` becomes `new`, the others being as in `params`."""

    def proximal(
        self,
        player: int,
        old: Own | None,
        penalty: Float[Array, ""] | float,
        params: Joint,
        key: Key[Array, ""] | None = None,
    ) -> Float[Array, ""]:
        """The player's value, less the penalty times the divergence of its behavior from that of `old`; of None, less nothing."""
        value = self.values(params, key)[player]
        return (
            value
            if old is None
            else value - penalty * self.divergence(player, old, params[player], params, key)
        )

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """What tables report: values per step of play; one-shot games report their payoff as it is."""
        return values

    def split(self, params: Joint) -> Joint:
        """The same parameters in the structure that vectorizes best (a tuple of scalars, say); `values` accepts both."""
        return params

    def join(self, params: Joint) -> Joint:
        """Undo `split`; leading batch axes of the leaves stay in front."""
        return params

    def exchanged(self) -> "Game | None":
        """The same two-player game with its seats exchanged, where only numbers differ; None where that takes another program.

        Whoever learns in seat 1 of the game then learns in seat 0 of the exchanged one, with the same
        parameters.
        """
        return None


class Environment(eqx.Module):
    r"""Something to be played step by step, a pure function of keys.

    Players are a leading array axis, never a string: observations `(n_players, *observation_shape)`, actions
    and rewards `(n_players,)`. No reset is hidden in `step`; `games.environments.auto_reset.AutoReset` adds
    one and loses nothing. Lanes are a `vmap`.

    Attributes:
        n_players: number of players.
        n_actions: number of actions of each player, counted from 0.
        observation_shape: shape of one player's observation.
        name: what tables call it.
    """

    if TYPE_CHECKING:  # a type checker would take abstract attributes for arguments of the constructor
        n_players: ClassVar[Any]
        n_actions: ClassVar[Any]
        observation_shape: ClassVar[Any]
        name: ClassVar[Any]
    else:
        n_players: eqx.AbstractVar[int]
        n_actions: eqx.AbstractVar[tuple[int, ...]]
        observation_shape: eqx.AbstractVar[tuple[int, ...]]
        name: eqx.AbstractVar[str]

    def __repr__(self) -> str:
        actions = " x ".join(map(str, self.n_actions))
        return named_text(self, counted(self.n_players, "player"), f"{actions} actions")

    @property
    def distinct(self) -> Float[Array, "observations *shape"] | None:
        """All observations that there are, where they are few: networks then look at each once; None where they are many."""
        return None

    @abc.abstractmethod
    def reset(self, key: Key[Array, ""]) -> tuple[PyTree[Array], PyTree[Array]]:
        """Start an episode: `(observations, state)`."""

    @abc.abstractmethod
    def step(
        self, key: Key[Array, ""], state: PyTree[Array], actions: Int[Array, " n_players"]
    ) -> tuple[
        PyTree[Array],
        PyTree[Array],
        Float[Array, " n_players"],
        Bool[Array, ""],
        Bool[Array, ""],
        dict[str, Any],
    ]:
        """Play one step: `(observations, state, rewards, terminated, truncated, info)`.

        Rewards are per player, never summed. `terminated` says that nothing can come after this step;
        `truncated`, that the episode's length is reached.
        """

    @abc.abstractmethod
    def observe(self, state: PyTree[Array]) -> PyTree[Array]:
        """What everybody sees in a state, as `reset` and `step` return it."""

    def render(self, state: PyTree[Array]) -> str:
        """One state as text, to be printed."""
        return str(state)


def precision(params: Joint) -> Any:
    """The floating-point type of parameters, which results computed from them have, whatever that of the game's own numbers."""
    dtype = jnp.result_type(*jax.tree.leaves(params))
    return dtype if jnp.issubdtype(dtype, jnp.inexact) else jnp.result_type(float)


def normal_init(key: Key[Array, ""], shapes: Sequence[tuple[int, ...]], std: Float[Array, ""]) -> Joint:
    """Everybody's parameters from $N(0, std^2)$ in JAX's default precision, player i's from the key and i alone."""
    std = jnp.asarray(std, dtype=float)
    return tuple(std * jax.random.normal(jax.random.fold_in(key, i), shape) for i, shape in enumerate(shapes))


def check_shapes(game: str, params: Joint, shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse parameters that are not one array, or one tuple of scalars, of the right shape per player; indexing would not.

    Raises:
        ValueError: naming the player, the shape and the one the game wants.
    """
    if len(params) != len(shapes):
        raise ValueError(
            f"Parameters of {len(params)} players were given for the {len(shapes)} of {game!r}; give exactly one entry each."
        )
    for player, (own, shape) in enumerate(zip(params, shapes, strict=True)):
        found = (len(own),) if isinstance(own, tuple) else jnp.shape(own)
        if found != shape:
            raise ValueError(f"Player {player}'s parameters have shape {found}; {game!r} wants {shape}.")
