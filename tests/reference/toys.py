"""Small environments whose best play is known, by a formula or by backward induction."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from games.base import Environment
from games.hash_random import uniform, words

SIZE, HORIZON = 8, 4


def drawn(key, probabilities):
    """A number from 0 on with the given probabilities."""
    return jnp.searchsorted(jnp.cumsum(probabilities), uniform(words(key, 1)[0]), side="right").clip(
        max=SIZE - 1
    )


class Finite(Environment):
    """A finite decision problem: up to 8 states seen one-hot, 2 actions, 4 steps. All is data: one program plays every instance."""

    begin: Float[Array, "8"]
    move: Float[Array, "8 2 8"]
    reward: Float[Array, "8 2"]
    last: Float[Array, "8"]
    n_players: int = eqx.field(static=True, default=1)
    name: str = eqx.field(static=True, default="finite")
    n_actions: tuple = eqx.field(static=True, default=(2,))
    observation_shape: tuple = eqx.field(static=True, default=(SIZE,))

    def observe(self, state):
        return jax.nn.one_hot(state, SIZE)[None]

    def reset(self, key):
        state = drawn(key, self.begin)
        return self.observe(state), state

    def step(self, key, state, actions):
        after = drawn(key, self.move[state, actions[0]])
        over = self.last[state] > 0
        return self.observe(after), after, self.reward[state, actions[0]][None], over, jnp.array(False), {}


def finite(begin, moves, rewards, last=()):
    """From `{state: p}`, `{(state, action): {state: p}}` (otherwise nothing moves), `{(state, action): reward}` and final states."""
    start, reward, ends = np.zeros(SIZE), np.zeros((SIZE, 2)), np.zeros(SIZE)
    move = np.repeat(np.eye(SIZE)[:, None], 2, axis=1)
    for state, p in begin.items():
        start[state] = p
    for (state, action), to in moves.items():
        move[state, action] = 0
        for after, p in to.items():
            move[state, action, after] = p
    for (state, action), r in rewards.items():
        reward[state, action] = r
    ends[list(last)] = 1
    return Finite(*(jnp.asarray(x, jnp.float32) for x in (start, move, reward, ends)))


def best(problem, discount):
    """The best discounted return, by backward induction."""
    move, reward, last = (np.asarray(x, float) for x in (problem.move, problem.reward, problem.last))
    ahead = np.zeros(SIZE)
    for _ in range(HORIZON):
        ahead = (reward + discount * (1 - last)[:, None] * (move @ ahead)).max(axis=1)
    return np.asarray(problem.begin, float) @ ahead


def bandit():
    """Two contexts, two arms each: 1 for the arm of the context's number, 0 for the other; one step."""
    return finite({0: 0.5, 1: 0.5}, {}, {(0, 0): 1.0, (1, 1): 1.0}, last=(0, 1))


def patience():
    """.5 at once and the end, or nothing now, nothing for a step whatever one does, and then 1."""
    moves = {(0, 1): {2: 1.0}, (0, 0): {1: 1.0}, (1, 0): {3: 1.0}, (1, 1): {3: 1.0}}
    return finite({0: 1.0}, moves, {(0, 1): 0.5, (3, 0): 1.0, (3, 1): 1.0}, last=(2, 3))


def two_doors():
    """Two steps, each with the action that what one sees calls for; only both right bring 1.

    A cue (states 0 and 1) calls for its own number; a right answer leads to a second cue (2 and 3), which
    calls for the other number.
    """
    right = {(0, 0): {2: 0.5, 3: 0.5}, (1, 1): {2: 0.5, 3: 0.5}}
    wrong = {(0, 1): {4: 1.0}, (1, 0): {4: 1.0}}
    return finite({0: 0.5, 1: 0.5}, right | wrong, {(2, 1): 1.0, (3, 0): 1.0}, last=(2, 3, 4))


class Reach(Environment):
    """One step: name the point one sees. Reward `-|scale (a - target)|^2`; the target is `center` plus `spread` times a uniform draw.

    Every player has a target of its own. Beyond `edge` from the target the reward is NaN.
    """

    center: Float[Array, "player 2"]
    spread: Float[Array, ""]
    scale: Float[Array, "2"]
    edge: Float[Array, ""]
    name: str = eqx.field(static=True, default="reach")
    observation_shape: tuple = eqx.field(static=True, default=(2,))

    @property
    def n_players(self):
        return self.center.shape[0]

    @property
    def n_actions(self):
        return (0,) * self.n_players

    def observe(self, state):
        return state

    def reset(self, key):
        draws = jnp.stack([uniform(word) for word in words(key, self.center.size)])
        target = self.center + self.spread * (2 * draws - 1).reshape(self.center.shape)
        return target, target

    def step(self, key, state, actions):
        reward = -jnp.sum((self.scale[None] * (actions - state)) ** 2, axis=1)
        far = jnp.abs(actions - state).max(axis=1) > self.edge
        return state, state, jnp.where(far, jnp.nan, reward), jnp.array(True), jnp.array(False), {}


def reach(center=((0.5, -0.5), (-0.8, 0.2)), spread=0.0, scale=(1.0, 2.0), edge=np.inf):
    """A point to reach: the same one every time where `spread` is 0."""
    return Reach(*(jnp.asarray(x, jnp.float32) for x in (center, spread, scale, edge)))


def worth(problem, actions, discount):
    """The discounted return of a rule `state -> action`, exactly."""
    move, reward, last = (np.asarray(x, float) for x in (problem.move, problem.reward, problem.last))
    rows, ahead = np.arange(SIZE), np.zeros(SIZE)
    for _ in range(HORIZON):
        ahead = reward[rows, actions] + discount * (1 - last) * (move[rows, actions] @ ahead)
    return np.asarray(problem.begin, float) @ ahead


ONE_STATE = jnp.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
"""Matching pennies: the first player wins on a match."""


class OneState(Environment):
    """A game of two players with two actions, played over and over by players who remember nothing."""

    payoffs: Float[Array, "2 2 2"]
    n_players: int = eqx.field(static=True, default=2)
    name: str = eqx.field(static=True, default="one_state")
    n_actions: tuple = eqx.field(static=True, default=(2, 2))
    observation_shape: tuple = eqx.field(static=True, default=(1,))

    def observe(self, state):
        return jnp.ones((2, 1))

    def reset(self, key):
        return self.observe(()), ()

    def step(self, key, state, actions):
        no = jnp.array(False)
        return self.observe(state), state, self.payoffs[:, actions[0], actions[1]], no, no, {}
