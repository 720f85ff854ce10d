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
from shaping.arguments import as_learners
from shaping.base import Learner, replaced
from shaping.engine import advance, begin, record
from shaping.learners.scripted import Scripted


class MetaState(eqx.Module):
    """State of a meta-game.

    Attributes:
        played: the joint parameters that were played last, which observations show, in the form that
            `game.split` gives them.
        params: the joint parameters that are played next; those of the open seats are replaced by their action.
        states: learner states of the co-players; empty at the open seats.
        time: number of learning steps of the co-players so far, those before the first observation included.
    """

    played: Joint
    params: Joint
    states: tuple[PyTree, ...]
    time: Int[Array, ""]


class MetaGame(Game, Environment):
    r"""A match against learners as a game: its players are the open seats, its steps the learning steps.

    With own parameters $\phi_t$ and the co-players' $\theta_t$, meta-step t

    1. takes the meta-action $\phi_t$, which replaces all own parameters;
    2. pays the meta-reward, the own per-step value $V(\phi_t, \theta_t)$, **before** the co-players' update;
    3. updates all co-players simultaneously, each by its own rule with its own state: $\theta_{t+1}$;
    4. shows the meta-state $\sigma(\phi_t, \theta_t)$, the parameters of this step: own parameters first, then
       those of the others by seat.

    The game draws the initial parameters, unless a co-player has a start of its own. Before the first
    observation, the co-players learn `warm_up` times from the drawn parameters of the open seats; the
    observation shows the parameters before the last of these updates.

    As an `Environment`, the open seats take actions `(n_players, size)`. As a `Game`, a player's parameters
    are a `Learner`, whose numbers are differentiated through the whole match, such as a path of own logits
    (`Scripted`, which `init` draws), initial logits with a step size (`Mmaml`), or a policy network. The
    value is the mean over the meta-steps and over `lanes` matches, and `per_step` gives it per step of play.

    Args:
        game: the game in which the co-players learn; the meta-game of an exact game is exact.
        learners: one per seat, in order; None for an open seat.
        steps: meta-steps of a match, at least 1.
        warm_up: number of learning steps before the first observation: 1 for M-FOS; 0 where the initial own
            parameters are chosen too (M-MAML).
        lanes: number of matches, each with its own draw, over which `values` is the mean.
        initial: initial joint parameters in place of the draw.

    Raises:
        ValueError: if there is not one learner per seat, no seat is open, the open seats differ in their
            numbers of parameters, or a count is not an integer or too small.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 3 and its published code.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive
        >>> meta = MetaGame(ipd(), [None, Naive()], steps=3)
        >>> observation, state = meta.reset(jax.random.key(0))
        >>> action = jnp.zeros((1, 5))
        >>> observation, state, reward, _, truncated, _ = meta.step(jax.random.key(1), state, action)
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
        """Name of the game and labels of the co-players."""
        return f"meta({self.game.name}, {', '.join('open' if x is None else x.label for x in self.learners)})"

    @property
    def open(self) -> tuple[int, ...]:
        """The open seats, which are the players of the meta-game."""
        return tuple(seat for seat, learner in enumerate(self.learners) if learner is None)

    @property
    def n_players(self) -> int:
        """Number of open seats."""
        return len(self.open)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of parameters of every seat."""
        shapes = jax.eval_shape(self.game.init, jax.random.key(0))
        return tuple(sum(leaf.size for leaf in jax.tree.leaves(own)) for own in shapes)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """0 for every player, since actions are not discrete: an action is a vector of `action_shape`."""
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
        """Draw initial parameters and let the co-players learn `warm_up` times: `(observations, state)`."""
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
            state: state of the meta-game.
            actions: parameters of the open seats, flattened.

        Returns:
            Observations, state, rewards, terminated (never), truncated (after `steps` meta-steps), and the
            per-step values of all seats under `values`.
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
        """Sigmoids of the parameters played last, for every open seat: own ones first, then the others by seat."""
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
        """A path of parameters for every open seat, each step drawn as the game draws initial parameters."""
        draws = jax.vmap(lambda t: self.game.init(jax.random.fold_in(key, t)))(jnp.arange(self.steps))
        paths = (jax.vmap(lambda own: ravel_pytree(own)[0])(draws[seat]) for seat in self.open)
        return tuple(Scripted(path, opens=self.warm_up == 0) for path in paths)

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """Un-normalized values of the open seats: means over meta-steps and lanes; without a key, with key 0."""
        key = jax.random.key(0) if key is None else key
        values = jax.vmap(lambda lane: self.match(params, jax.random.fold_in(key, lane))[0])(
            jnp.arange(self.lanes)
        )
        return jnp.stack([values[:, :, seat].mean() for seat in self.open])

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        """The same means of values per step of play."""
        return self.game.per_step(values)

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """Mean over the meta-steps of the divergence of the own policies in the matches of `old` and `new`."""
        key, seat = jax.random.key(0) if key is None else key, self.open[player]
        before, after = (self.match(replaced(params, player, x), key)[1] for x in (old, new))
        return jax.vmap(lambda a, b: self.game.divergence(seat, a[seat], b[seat], a))(before, after).mean()

    def match(
        self, players: Sequence[Learner], key: Key[Array, ""]
    ) -> tuple[Float[Array, "steps seats"], Joint]:
        """One match.

        Args:
            players: one learner per open seat.
            key: randomness of the draw and of the updates: init key and match key in one.

        Returns:
            Un-normalized values of all seats at every meta-step, and the joint parameters there.
        """
        learners = self._with_players(players)
        state = self._begin(learners, key)

        @jax.checkpoint  # recomputing a step in the backward pass is faster than storing its residuals
        def step(carry, t):
            joint, states = carry
            values = self.game.values(joint, key)
            return advance(self.game, learners, joint, states, jax.random.fold_in(key, t), t), (values, joint)

        _, (values, path) = jax.lax.scan(
            step, (state.params, state.states), self.warm_up + jnp.arange(self.steps)
        )
        return values, self.game.join(path)

    # As both

    def _with_players(self, players: Sequence[Learner]) -> tuple[Learner, ...]:
        """One learner per seat: the players' learners in the open seats."""
        own = iter(players)
        return tuple(next(own) if learner is None else learner for learner in self.learners)

    def _begin(self, learners: Sequence[Learner | None], key: Key[Array, ""]) -> MetaState:
        """State of a match at its first observation."""
        joint, states = begin(self.game, learners, key, key, self.initial)
        played = joint
        for t in range(self.warm_up):
            played = joint
            joint, states = advance(self.game, learners, joint, states, jax.random.fold_in(key, t), t)
        return MetaState(played, joint, states, jnp.asarray(self.warm_up))
