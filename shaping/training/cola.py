"""Training of COLA's networks on the consistency loss."""

import functools
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.agents.base import Mlp
from games.base import Game, Joint
from games.checks import check_counts, check_flag
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, Scalar, choice, count, number
from shaping.calculus.consistency import gaps
from shaping.engine import lane_keys
from shaping.learners.cola import Cola, new_networks
from shaping.training.trainer import Trainer

WINDOW = 100
"""Number of iterations over which losses are averaged, for messages and for the choice of the best seed."""


class ColaState(NamedTuple):
    """Networks and Adam's moments, with a leading axis of seeds.

    Attributes:
        networks: the networks.
        moments: Adam's moments.
        loss: a moving average of every seed's loss, over about the last `WINDOW` iterations.
        keys: the random streams of the seeds.
        iteration: number of iterations done.
    """

    networks: PyTree
    moments: PyTree
    loss: Float[Array, " seeds"]
    keys: Key[Array, " seeds"]
    iteration: Int[Array, ""]


class Loss(NamedTuple):
    """The record of one iteration.

    Attributes:
        loss: every seed's consistency loss, on parameters that it was not trained on before.
    """

    loss: Float[Array, " seeds"]


class ColaTrainer(Trainer):
    r"""Fit networks $d_i$ by the consistency loss.

    $E_\theta \sum_i |d_i(\theta) - \nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))|^2$, by Adam on
    new $\theta \sim U[-I, I]$ at every iteration; all seeds side by side in one program. Lane s has a random
    stream of its own, whatever the number of lanes.

    Args:
        game: the game.
        seats: None for every seat, which is the default: networks of all seats are trained together.
        look_ahead: $b$, the anticipated step of the others.
        bound: $I$: parameters are drawn from $U[-I, I]$.
        clamp: whether the learner clamps the inputs of its networks to $[-I, I]$.
        hidden: sizes of the hidden layers.
        activation: `"tanh"` or `"relu"`.
        std: standard deviation of the initial weights.
        batch: parameters drawn per iteration.
        lr: Adam's learning rate at first.
        decay: factor of the rate every `decay_every` iterations, in [0, 1].
        decay_every: at least 1.
        seeds: number of independent trainings, of which the best is kept; the paper's settings do not always
            succeed.

    Raises:
        ValueError: for a number outside its range, or a learner in a seat.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", section 4.3.

    Example:
        >>> from games import hamiltonian
        >>> from shaping.training import run
        >>> small = ColaTrainer(hamiltonian(), bound=1.0, hidden=(4,), batch=4, lr=0.01)
        >>> trained = run(small, iterations=20)
        >>> trained.record.loss.shape, trained.learners[0].label
        ((20, 1), 'cola')
    """

    chunk: ClassVar[int] = 1000
    remedy: ClassVar[str] = "choose a smaller lr or look_ahead"

    game: Game
    seats: Sequence[Any] = ()
    look_ahead: Scalar = number(1.0)
    bound: Scalar = number(7.0)
    clamp: bool = eqx.field(static=True, default=True)
    hidden: tuple[int, ...] = eqx.field(static=True, default=(16, 16, 16))
    activation: str = choice("tanh", "relu")
    std: Scalar = number(0.1)
    batch: int = count(64)
    lr: Scalar = number(1e-3)
    decay: Scalar = number(1.0, maximum=1.0)
    decay_every: int = count(1)
    seeds: int = count(1)

    def __post_init__(self):
        self.game = as_game(self.game)
        seats = self.seats or [None] * self.game.n_players
        self.seats = as_learners(seats, self.game, opens=True)
        self.hidden = tuple(self.hidden) if isinstance(self.hidden, list) else self.hidden

    def __check_init__(self):
        check_counts("hidden", self.hidden)
        check_flag("clamp", self.clamp)
        if any(x is not None for x in self.seats):
            raise ValueError(
                "COLA's networks are trained for all seats together; leave every seat open, which is against 'self'."
            )

    def init(self, key: Key[Array, ""]) -> ColaState:
        """New networks."""
        make = functools.partial(
            new_networks, self.game, hidden=self.hidden, activation=self.activation, std=self.std
        )
        networks = jax.vmap(make)(lane_keys(key, "networks", self.seeds))
        moments = jax.vmap(lambda n: optax.scale_by_adam().init(n))(networks)
        keys = lane_keys(key, "parameters", self.seeds)
        return ColaState(networks, moments, jnp.zeros(self.seeds), keys, jnp.zeros((), jnp.uint32))

    def step(self, state: ColaState, key: Key[Array, ""]) -> tuple[ColaState, Loss]:
        """One step of Adam for every seed; randomness comes from the seeds' own keys, not from `key`."""
        t = state.iteration
        rate = self.lr * self.decay ** (t // self.decay_every).astype(float)

        def lane(networks, moments, key):
            params = uniform_params(self.game, jax.random.fold_in(key, t), self.bound, self.batch)
            loss, gradient = jax.value_and_grad(lambda n: mean_loss(self.game, n, params, self.look_ahead))(
                networks
            )
            step, moments = optax.scale_by_adam().update(gradient, moments)
            return optax.tree.add_scale(networks, -rate, step), moments, loss

        networks, moments, loss = jax.vmap(lane)(state.networks, state.moments, state.keys)
        average = state.loss + (loss - state.loss) / jnp.minimum(t + 1, WINDOW)
        return ColaState(networks, moments, average, state.keys, t + 1), Loss(loss)

    def finite_seeds(self, state: ColaState) -> Bool[Array, " seeds"]:
        """Which seeds have not diverged."""
        leaves = [
            x
            for x in jax.tree.leaves((state.networks, state.moments))
            if jnp.issubdtype(x.dtype, jnp.inexact)
        ]
        return jnp.stack([jnp.isfinite(x).reshape(self.seeds, -1).all(axis=1) for x in leaves]).all(axis=0)

    def ok(self, state: ColaState, record: Loss) -> Bool[Array, ""]:
        """Whether some seed has not diverged."""
        return self.finite_seeds(state).any()

    def learners(self, state: ColaState) -> tuple[Learner, ...]:
        """The learner of the finite seed with the lowest loss, with `lr=1`."""
        best = int(jnp.argmin(jnp.where(self.finite_seeds(state), state.loss, jnp.inf)))
        networks = jax.tree.map(lambda x: x[best], state.networks)
        return (Cola(networks, bound=self.bound if self.clamp else float("inf")),)

    def summary(self, record: Loss) -> dict[str, Any]:
        """Every seed's mean loss over the last iterations; None where it diverged."""
        means = np.asarray(record.loss[-WINDOW:], float).mean(axis=0)
        return {"loss": [float(x) if np.isfinite(x) else None for x in means]}


def mean_loss(game: Game, networks: tuple[Mlp, ...], batch: Joint, look_ahead: Scalar) -> Float[Array, ""]:
    """The networks' consistency loss, averaged over a batch of joint parameters."""
    learner = Cola(networks)

    def loss(params: Joint) -> Float[Array, ""]:
        gap = gaps(
            game, lambda p, seat: learner.direction(networks[seat], p, seat), game.split(params), look_ahead
        )
        return jnp.asarray(optax.tree.norm(gap, squared=True))

    return jax.vmap(loss)(batch).mean()


def uniform_params(game: Game, key: Key[Array, ""], bound: Scalar, batch: int) -> Joint:
    r"""A batch of joint parameters from $U[-I, I]$."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(game.init, key))
    keys = (jax.random.fold_in(key, k) for k in range(len(leaves)))
    params = [
        jax.random.uniform(k, (batch, *x.shape), x.dtype, -bound, bound)
        for k, x in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, params)
