"""The meta-game: a match against learners, seen as a game and as an environment."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Environment, Game, Joint, Own
from games.checks import check_count
from games.sampled.catalog import as_game
from shaping.base import Learner, replaced
from shaping.catalog import as_learners
from shaping.engine import advance, begin, record
from shaping.learners.scripted import Scripted


class MetaState(eqx.Module):
    """Where a meta-game stands.

    Attributes:
        played: what everybody played last, which is what observations show, in the form `game.split` gives.
        params: what everybody plays next, the open seats until they act otherwise.
        states: the co-players' own learner states; nothing at the open seats.
        time: how often the co-players have learned, those updates before the first observation included.
    """

    played: Joint
    params: Joint
    states: tuple[PyTree, ...]
    time: Int[Array, ""]


class MetaGame(Game, Environment):
    r"""A match against learners: its players are the seats left open, one meta-step is one step of everybody's learning.

    With own parameters $\phi_t$ and the co-players' $\theta_t$, meta-step t

    1. takes the meta-action: $\phi_t$, all own parameters anew;
    2. pays the meta-reward: the own per-step value $V(\phi_t, \theta_t)$, **before** the co-players learn from it;
    3. lets the co-players learn, from a frozen copy of everyone and each by its own rule with its own state: $\theta_{t+1}$;
    4. shows the meta-state $\sigma(\phi_t, \theta_t)$: what was played, not what will be; own parameters first, then the others' by seat.

    Everybody's first parameters are the game's draw (a co-player's, those it starts with). The first
    observation shows what the co-players learned from last: by then they have learned `warm_up` times, and
    their own states were made from the draw.

    As an `Environment`, the open seats are played by actions `(n_players, size)`. As a `Game`, they are
    played by learners: a parameter of the meta-game is a `Learner`, whose numbers are differentiated through
    the whole match; any will do, such as a path of own logits (`Scripted`, which `init` draws), initial
    logits with a step size, or a policy network. The value is the mean over the meta-steps and over `lanes`
    matches; `per_step` makes of it what is published.

    Args:
        game: the game that is learned; exact ones make an exact meta-game.
        learners: one per seat, in order; None leaves a seat open.
        steps: meta-steps of a match, at least 1.
        warm_up: how often the co-players learn before the first observation: 1 for M-FOS, 0 where the own
            start is chosen too (M-MAML).
        lanes: how many matches, each with its own draw, `values` averages over.
        initial: everybody's first parameters in place of the draw; data.

    Raises:
        ValueError: if the learners are not one per seat, no seat is open, the open seats differ in their
            numbers of parameters, or a count is no integer or too small.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 3 and its published code.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive
        >>> meta = MetaGame(ipd(), [None, Naive()], steps=3)
        >>> observation, state = meta.reset(jax.random.key(0))
        >>> observation, state, reward, terminated, truncated, info = meta.step(jax.random.key(1), state, jnp.zeros((1, 5)))
        >>> observation.shape, reward.shape, bool(truncated)
        ((1, 10), (1,), False)
    """

    game: Game
    learners: tuple[Learner | None, ...] = eqx.field(converter=tuple)
    steps: int = eqx.field(static=True, default=100)
    warm_up: int = eqx.field(static=True, default=1)
    lanes: int = eqx.field(static=True, default=1)
    initial: Joint | None = None

    def __post_init__(self):
        self.game = as_game(self.game)
        self.learners = as_learners(self.learners, self.game, opens=True)

    def __check_init__(self):
        check_count("steps", self.steps)
        check_count("warm_up", self.warm_up, 0)
        check_count("lanes", self.lanes)
        if not self.open:
            raise ValueError("No seat is open; put None in place of at least one learner.")
        sizes = [self.sizes[seat] for seat in self.open]
        if len(set(sizes)) > 1:
            raise ValueError(
                f"The open seats {self.open} have {sizes} parameters; leave only seats open that have equally many, one for instance."
            )

    @property
    def name(self) -> str:
        """The game and the co-players."""
        return f"meta({self.game.name}, {', '.join('open' if x is None else x.label for x in self.learners)})"

    @property
    def open(self) -> tuple[int, ...]:
        """The seats left open, which are the players of the meta-game."""
        return tuple(seat for seat, learner in enumerate(self.learners) if learner is None)

    @property
    def n_players(self) -> int:
        """Number of open seats."""
        return len(self.open)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of parameters of every seat."""
        drawn = jax.eval_shape(self.game.init, jax.random.key(0))
        return tuple(sum(leaf.size for leaf in jax.tree.leaves(own)) for own in drawn)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """No number of actions to count, which is written as 0 for every player: an action is a vector of `action_shape`."""
        return (0,) * self.n_players

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Shape of one player's action."""
        return (self.sizes[self.open[0]],)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one player's observation."""
        return (sum(self.sizes),)

    # As an environment

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "n_players observation"], MetaState]:
        """Draw everybody's parameters and let the co-players learn `warm_up` times; the observation shows what they learned from last."""
        state = self._begin(self.learners, key)
        return self.observe(state), state

    def step(
        self, key: Key[Array, ""], state: MetaState, actions: Float[Array, "n_players size"]
    ) -> tuple[
        Float[Array, "n_players observation"],
        MetaState,
        Float[Array, " n_players"],
        Bool[Array, ""],
        Bool[Array, ""],
        dict[str, Any],
    ]:
        """One meta-step.

        Args:
            key: randomness of the co-players' updates, for games whose values are sampled.
            state: where the meta-game stands.
            actions: the open seats' parameters, flat.

        Returns:
            Observations, state, rewards, whether it is over (never), whether `steps` meta-steps are done, and
            everybody's per-step values under `values`.
        """
        joint = state.params
        for row, seat in enumerate(self.open):
            own, unravel = ravel_pytree(joint[seat])
            joint = replaced(joint, seat, unravel(actions[row].astype(own.dtype)))
        values = jnp.stack(record(self.game, joint, key))
        params, states = advance(self.game, self.learners, joint, state.states, key, state.time)
        later = MetaState(joint, params, states, state.time + 1)
        over = later.time >= self.warm_up + self.steps
        rewards = jnp.stack([values[seat] for seat in self.open])
        return self.observe(later), later, rewards, jnp.zeros_like(over), over, {"values": values}

    def observe(self, state: MetaState) -> Float[Array, "n_players observation"]:
        """The meta-state of every open seat: sigmoids of what was played, own parameters first, then the others' by seat."""
        seen = [
            jnp.concatenate([jnp.ravel(jax.nn.sigmoid(leaf)) for leaf in jax.tree.leaves(own)])
            for own in state.played
        ]
        return jnp.stack(
            [
                jnp.concatenate([seen[seat], *(s for j, s in enumerate(seen) if j != seat)])
                for seat in self.open
            ]
        )

    # As a game

    def init(self, key: Key[Array, ""]) -> Joint:
        """A path of own parameters for every open seat, each step drawn as the game draws the first."""
        draws = jax.vmap(lambda t: self.game.init(jax.random.fold_in(key, t)))(jnp.arange(self.steps))
        paths = (jax.vmap(lambda own: ravel_pytree(own)[0])(draws[seat]) for seat in self.open)
        return tuple(Scripted(path, opens=self.warm_up == 0) for path in paths)

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """Every open seat's value, un-normalized: the mean over the meta-steps and the lanes; without a key, of the draws of key 0."""
        key = jax.random.key(0) if key is None else key
        values = jax.vmap(lambda lane: self.match(params, jax.random.fold_in(key, lane))[0])(
            jnp.arange(self.lanes)
        )
        return jnp.stack([values[:, :, seat].mean() for seat in self.open])

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """The mean over the meta-steps of the values per step of play."""
        return self.game.per_step(values)

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """The divergence of the own policy in `new`'s match from that in `old`'s, averaged over the meta-steps."""
        key, seat = jax.random.key(0) if key is None else key, self.open[player]
        before, after = (self.match(replaced(params, player, x), key)[1] for x in (old, new))
        return jax.vmap(lambda a, b: self.game.divergence(seat, a[seat], b[seat], a))(before, after).mean()

    def match(
        self, players: Sequence[Learner], key: Key[Array, ""]
    ) -> tuple[Float[Array, "steps seats"], Joint]:
        """One match: everybody's values at every meta-step, un-normalized, and everybody's parameters then.

        Args:
            players: a learner for every open seat.
            key: of the draw and of the updates.
        """
        learners = self._seated(players)
        state = self._begin(learners, key)

        @jax.checkpoint  # what a step needs is worked out again on the way back: a hundred steps of residuals are slow to write and read
        def step(carry, t):
            joint, states = carry
            values = self.game.values(joint, key)
            return advance(self.game, learners, joint, states, jax.random.fold_in(key, t), t), (values, joint)

        _, (values, path) = jax.lax.scan(
            step, (state.params, state.states), self.warm_up + jnp.arange(self.steps)
        )
        return values, self.game.join(path)

    # Both

    def _seated(self, players: Sequence[Learner]) -> tuple[Learner, ...]:
        """One learner per seat: the given ones in the open seats."""
        given = iter(players)
        return tuple(next(given) if learner is None else learner for learner in self.learners)

    def _begin(self, learners: Sequence[Learner | None], key: Key[Array, ""]) -> MetaState:
        """Where a match stands when the first observation is made."""
        joint, states = begin(self.game, learners, key, key, self.initial)
        played = joint
        for t in range(self.warm_up):
            played = joint
            joint, states = advance(self.game, learners, joint, states, jax.random.fold_in(key, t), t)
        return MetaState(played, joint, states, jnp.asarray(self.warm_up))
