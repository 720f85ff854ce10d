"""The two interfaces: a game, which learners differentiate, and an environment, in which agents act."""

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
"""All players' parameters, one entry per seat."""


class Game(eqx.Module):
    r"""A differentiable game: a function from all players' parameters to all players' values.

    Players **maximize** $V_i(\theta_1, \dots, \theta_n)$, and `values` is differentiable to any order. A
    closed form, episodes under DiCE and a whole match against a learner all implement this interface, so a
    learner is written once for all of them.
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
        """Draw initial parameters of all players; player i's depend on the key and on i only."""

    @abc.abstractmethod
    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' values, as learners ascend them: returns are not normalized.

        Args:
            params: all players' parameters.
            key: source of randomness of sampled games; exact games ignore it.
        """

    @abc.abstractmethod
    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """Distance of a player's policies of parameters `old` and `new`; the others play as in `params`."""

    def proximal(
        self,
        player: int,
        old: Own | None,
        penalty: Float[Array, ""] | float,
        params: Joint,
        key: Key[Array, ""] | None = None,
    ) -> Float[Array, ""]:
        r"""The proximal objective $V_i(\theta) - c\, D_i(\theta_{old}, \theta_i)$, with D the divergence.

        Args:
            player: seat of the player.
            old: the parameters that the divergence is measured from; without any, the objective is the value.
            penalty: $c$.
            params: all players' parameters.
            key: source of randomness of sampled games.
        """
        value = self.values(params, key)[player]
        return (
            value
            if old is None
            else value - penalty * self.divergence(player, old, params[player], params, key)
        )

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """Values per step of play, which tables report; the payoff itself in a one-shot game."""
        return values

    def split(self, params: Joint) -> Joint:
        """The same parameters in the structure that is fastest under `vmap`, such as a tuple of scalars."""
        return params

    def join(self, params: Joint) -> Joint:
        """The inverse of `split`; batch axes of the leaves, if any, remain leading axes."""
        return params

    def exchanged(self) -> "Game | None":
        """The game with its two seats exchanged, if it differs from this game in arrays only; otherwise None.

        The player of seat 1 then plays in seat 0 of the exchanged game, with the same parameters, so that
        both seats can be computed as one batch.
        """
        return None


class Environment(eqx.Module):
    r"""A multi-agent environment: pure functions `reset` and `step` of a key, a state and actions.

    Players are the leading axis of arrays: observations `(n_players, *observation_shape)`, actions and
    rewards `(n_players,)`. `step` never resets; the wrapper `games.environments.auto_reset.AutoReset` starts
    a new episode after the last step. Many lanes are played by `jax.vmap`.

    Attributes:
        n_players: number of players.
        n_actions: number of actions of each player, counted from 0.
        observation_shape: shape of one player's observation.
        name: name in tables.
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
        """All possible observations of a player; None if they are too many to be listed."""
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

        Rewards are per player. `terminated` means that the game has ended: no reward can follow. `truncated`
        means that the episode has reached its length while the game could go on.
        """

    @abc.abstractmethod
    def observe(self, state: PyTree[Array]) -> PyTree[Array]:
        """All players' observations of a state, which `reset` and `step` return."""

    def render(self, state: PyTree[Array]) -> str:
        """A state as text."""
        return str(state)


def precision(params: Joint) -> Any:
    """The floating-point type of parameters, to which games cast their own numbers."""
    dtype = jnp.result_type(*jax.tree.leaves(params))
    return dtype if jnp.issubdtype(dtype, jnp.inexact) else jnp.result_type(float)


def normal_init(key: Key[Array, ""], shapes: Sequence[tuple[int, ...]], std: Float[Array, ""]) -> Joint:
    """Parameters from $N(0, std^2)$, one array per shape; player i's depend on the key and on i only."""
    std = jnp.asarray(std, dtype=float)
    return tuple(std * jax.random.normal(jax.random.fold_in(key, i), shape) for i, shape in enumerate(shapes))


def check_shapes(game: str, params: Joint, shapes: Sequence[tuple[int, ...]]) -> None:
    """Check that parameters are one array, or one tuple of scalars, of the right shape per player.

    Raises:
        ValueError: naming the player, the shape that was given and the one that is needed.
    """
    if len(params) != len(shapes):
        raise ValueError(
            f"Parameters of {len(params)} players were given for the {len(shapes)} of {game!r}; give exactly one entry each."
        )
    for player, (own, shape) in enumerate(zip(params, shapes, strict=True)):
        found = (len(own),) if isinstance(own, tuple) else jnp.shape(own)
        if found != shape:
            raise ValueError(f"Player {player}'s parameters have shape {found}; {game!r} wants {shape}.")
