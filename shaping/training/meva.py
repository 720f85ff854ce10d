"""Training of meta-value learning: a meta-value, by temporal differences on everybody's learning."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Game, Joint, Own
from games.compiler import filter_jit
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, Scalar, View, count, number
from shaping.engine import BEFORE, advance, begin
from shaping.learners.meva import Meva, meta_gradient, seat_order
from shaping.model_free.base import new_if_finite
from shaping.networks.meta_value import ValueNetwork, lambda_targets, quantile_loss, rows
from shaping.training.trainer import Trainer

Seats = Sequence[Learner | None]


class MevaState(NamedTuple):
    """The network, its target network and Adam's moments."""

    network: ValueNetwork
    target: ValueNetwork
    moments: PyTree


class Fit(NamedTuple):
    """The record of one iteration.

    Attributes:
        loss: mean quantile loss of its updates.
        error: root mean square of value less target, in per-step values.
        per_step: everybody's mean per-step value at the end of the rollouts, over all discounts drawn.
        ok: whether all updates were finite; those that were not are not made.
    """

    loss: Float[Array, ""]
    error: Float[Array, ""]
    per_step: Float[Array, " player"]
    ok: Bool[Array, ""]


class MevaTrainer(Trainer):
    r"""Fit a meta-value to everybody's learning, the open seats following the meta-value themselves.

    Explorers, which ascend a meta-value with some signs flipped in its last layer, move away from the game's
    initial parameters. Every `stride` steps, rollouts start where the explorers are: with new discounts
    $\gamma_i \sim \mathrm{Beta}(1/2, 1/2)$ the open seats ascend $(1-\gamma) V + \gamma U$, the other seats
    learn by their own rules, and the quantiles of U are fitted to TD($\lambda$) targets of $U(\theta) =
    (1-\gamma)\, V(\theta') + \gamma\, U(\theta')$, $\theta'$ being the next joint parameters. The learners
    hold the target network. The default settings are those of the paper's matrix games.

    Args:
        game: the game; of two players or more.
        seats: one learner per seat, in order; None leaves a seat to the meta-value. All seats open is
            self-play.
        width: units of every layer.
        blocks: residual blocks before the players' features are joined, and as many after.
        quantiles: how many.
        batch: number of matches per iteration.
        steps: steps of a match of explorers, a multiple of `stride`.
        stride: steps of a rollout, and of the explorers between two rollouts.
        lr: Adam's learning rate; its averages decay by .9 and .99.
        decay: weight decay per step, as a multiple of `lr`.
        target: decay rate of the target network's moving average, in [0, 1].
        mixing: $\lambda$ of TD($\lambda$), in [0, 1].
        flip: probability that an explorer flips the sign of a unit of the last layer, in [0, 1].
        inner_lr: $a$, the players' step on un-normalized returns.
        discount: $\gamma$ of the trained learners.

    Raises:
        ValueError: if the learners are not one per seat, no seat is open, the game has one player, or a number
            is outside its range.

    Source:
        Cooijmans, Aghajohari & Courville 2023, "Meta-value learning: a general framework for learning with
        learning awareness", sections 4 and 5.3, and the published code (matrix.ipynb).

    Example:
        >>> from games import ipd
        >>> from shaping.training import run
        >>> small = MevaTrainer(ipd(), [None, "naive"], width=4, quantiles=2, batch=2, steps=2, stride=1)
        >>> run(small, iterations=2).record.per_step.shape
        (2, 2)
    """

    loops: ClassVar[bool] = True

    game: Game
    seats: Sequence[Any]
    width: int = count(128)
    blocks: int = count(1, 0)
    quantiles: int = count(64)
    batch: int = count(128)
    steps: int = count(100)
    stride: int = count(10)
    lr: Scalar = number(1e-3)
    decay: Scalar = number(0.01)
    target: Scalar = number(0.99, maximum=1.0)
    mixing: Scalar = number(0.9, maximum=1.0)
    flip: Scalar = number(1 / 16, maximum=1.0)
    inner_lr: Scalar = number(1.0)
    discount: Scalar = number(0.95, maximum=1.0)

    def __post_init__(self):
        self.game = as_game(self.game)
        self.seats = as_learners(self.seats, self.game, opens=True)

    def __check_init__(self):
        if self.steps % self.stride:
            raise ValueError(
                f"stride is {self.stride}, which does not divide steps, {self.steps}; choose a divisor."
            )
        if None not in self.seats or self.game.n_players < 2:
            raise ValueError(
                f"{self.seats.count(None)} of the {self.game.n_players} seats of {self.game.name!r} are open; put None in place "
                "of the learners that are to follow the meta-value, in a game of two players or more."
            )

    @property
    def together(self) -> bool:
        """Whether every seat is open."""
        return all(x is None for x in self.seats)

    def init(self, key: Key[Array, ""]) -> MevaState:
        """A new network, which is its own target."""
        size = max(
            sum(leaf.size for leaf in jax.tree.leaves(own)) for own in jax.eval_shape(self.game.init, key)
        )
        with jax.ensure_compile_time_eval():  # the network's form depends on the answer
            roles = None if self.together and is_symmetric(self.game) else self.game.n_players
        network = _new_network(
            jax.random.fold_in(key, BEFORE), size, self.width, self.blocks, self.quantiles, roles
        )
        moments: Any = adam().init(network)  # pyright: ignore[reportArgumentType]
        return MevaState(network, network, moments)

    def step(self, state: MevaState, key: Key[Array, ""]) -> tuple[MevaState, Fit]:
        """One match of explorers in every lane, with a rollout and an update every `stride` steps."""
        game, n, stride = self.game, self.game.n_players, self.stride
        draw, choose, walk, fresh, roll = (jax.random.fold_in(key, k) for k in range(5))

        def lane_keys(key):
            return jax.vmap(lambda lane: jax.random.fold_in(key, lane))(jnp.arange(self.batch))

        def explorer(key):
            """An explorer's discounts, and which units of the last layer have their sign flipped."""
            return arcsine(key, n), jax.random.bernoulli(key, self.flip, (n, self.width))

        def window(carry, k):
            """The explorers' next `stride` steps, a rollout from there, and one update of the network."""
            (network, target, moments), joint, states = carry
            mean = network.averaged()

            def phase(carry, plan):
                key, time, discounts, signs, now, later = plan

                def follower(seat):
                    return Follower(
                        signed(mean, signs[seat]), discounts, self.inner_lr, now[seat], later[seat]
                    )

                players = with_players(self.seats, follower)
                joint, states = carry
                joint, states, path = steps(game, players, joint, states, key, time, stride)
                return (joint, states), (carry, path)

            def lane(joint, states, explorer, discounts, keys):
                """Parameters and values along the rollout; both phases are one program."""
                horizons, flipped = explorer
                ones = jnp.ones(n)
                signs = jnp.stack([jnp.where(flipped, -1.0, 1.0), jnp.ones(flipped.shape)])
                weights = jnp.stack([0 * ones, 1 - discounts]), jnp.stack([ones, discounts])
                plans = (
                    jnp.stack(keys),
                    (k + jnp.arange(2)) * stride,
                    jnp.stack([horizons, discounts]),
                    signs,
                    *weights,
                )
                _, (begins, paths) = jax.lax.scan(phase, (joint, states), plans)
                (joint, states), path = jax.tree.map(lambda x: x[1], (begins, paths))
                rewards = jax.vmap(lambda at: game.per_step(jnp.asarray(game.values(at, keys[1]))))(path)
                passed = jax.vmap(lambda at: rows(at, network.size))(path)
                return joint, states, jnp.concatenate([rows(joint, network.size)[None], passed]), rewards

            discounts = jax.vmap(lambda key: arcsine(key, n))(lane_keys(jax.random.fold_in(fresh, k)))
            keys = lane_keys(jax.random.fold_in(walk, k)), lane_keys(jax.random.fold_in(roll, k))
            joint, states, seen, rewards = jax.vmap(lane)(joint, states, explorers, discounts, keys)
            (loss, error), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
                network, target, seen, rewards, discounts, self.mixing
            )
            direction, averages = adam().update(gradient, moments)
            after = jax.tree.map(lambda x, d: x - self.lr * (d + self.decay * x), network, direction)
            follows = jax.tree.map(lambda x, y: self.target * x + (1 - self.target) * y, target, after)
            fitted, ok = new_if_finite((network, target, moments), (after, follows, averages))
            return (fitted, joint, states), Fit(loss, error**2, rewards[:, -1].mean(axis=0), ok)

        joint, states = jax.vmap(lambda key: begin(game, self.seats, key, key))(lane_keys(draw))
        explorers = jax.vmap(explorer)(lane_keys(choose))
        carry = (tuple(state), joint, states)
        (fitted, _, _), fits = jax.lax.scan(window, carry, jnp.arange(self.steps // stride))
        fit = Fit(fits.loss.mean(), jnp.sqrt(fits.error.mean()), fits.per_step.mean(axis=0), fits.ok.all())
        return MevaState(*fitted), fit

    def learners(self, state: MevaState) -> tuple[Learner, ...]:
        """One learner per open seat, with the target network."""
        return tuple(
            Meva(state.target, self.inner_lr, self.discount, None if self.together else seat)
            for seat, learner in enumerate(self.seats)
            if learner is None
        )


class Follower(Learner):
    """The learner in an open seat during training: it ascends value and meta-value with given weights.

    Everybody has a discount of its own.
    """

    network: ValueNetwork
    discounts: Float[Array, " n"]
    lr: Scalar
    now: Scalar
    later: Scalar

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The scaled gradient."""
        seats = seat_order(view, None)
        return optax.tree.scale(
            self.lr, meta_gradient(self.network, view, seats, self.discounts[seats], self.now, self.later)
        ), state


@filter_jit(large="The network")
def _new_network(*settings: Any) -> ValueNetwork:
    """A new network."""
    return ValueNetwork(*settings)


def adam() -> optax.GradientTransformation:
    """Adam's direction, with the averages of the published code."""
    return optax.scale_by_adam(b1=0.9, b2=0.99)


def mean_loss(
    network: ValueNetwork,
    target: ValueNetwork,
    seen: Float[Array, "lane time_1 n size"],
    rewards: Float[Array, "lane time n"],
    discounts: Float[Array, "lane n"],
    mixing: Scalar,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The mean quantile loss over lanes, times and players, and the root mean square of value less target.

    Targets are constants: no gradient passes through them.
    """

    def lane(seen, rewards, discounts):
        values = jax.vmap(lambda at: target(at, discounts))(seen)
        wanted = jax.lax.stop_gradient(lambda_targets(rewards, values, discounts, mixing))
        found = jax.vmap(lambda at: network(at, discounts))(seen[:-1])
        return jax.vmap(jax.vmap(quantile_loss))(found, wanted), found.mean(-1) - wanted.mean(-1)

    losses, errors = jax.vmap(lane)(seen, rewards, discounts)
    return losses.mean(), jnp.sqrt((errors**2).mean())


def steps(
    game: Game,
    players: tuple[Learner, ...],
    joint: Joint,
    states: PyTree,
    key: Key[Array, ""],
    time: Int[Array, ""],
    count: int,
) -> tuple[Joint, PyTree, Joint]:
    """Some steps of everybody: the parameters and states after the last, and the parameters after each."""

    def step(carry, t):
        joint, states = carry
        joint, states = advance(game, players, joint, states, jax.random.fold_in(key, t), t)
        return (joint, states), joint

    (joint, states), path = jax.lax.scan(step, (joint, states), time + jnp.arange(count))
    return joint, states, path


def with_players(seats: Seats, make: Callable[[int], Learner]) -> tuple[Learner, ...]:
    """The learners in all seats, those in open seats made by a function of the seat."""
    return tuple(make(seat) if learner is None else learner for seat, learner in enumerate(seats))


def signed(network: ValueNetwork, signs: Float[Array, " width"]) -> ValueNetwork:
    """The network with the units of its last layer multiplied by signs."""
    return eqx.tree_at(lambda network: network.output.weight, network, network.output.weight * signs[None, :])


def arcsine(key: Key[Array, ""], n: int) -> Float[Array, " n"]:
    r"""Draws from Beta(1/2, 1/2), the distribution of $\sin^2(\pi u / 2)$ for uniform u."""
    return jnp.sin(jnp.pi / 2 * jax.random.uniform(key, (n,))) ** 2


def is_symmetric(game: Game) -> bool:
    """Whether relabeling the players relabels the values and changes nothing else, tried on one draw."""
    params = game.init(jax.random.key(0))
    shapes = [jax.tree.map(jnp.shape, own) for own in params]
    if any(shape != shapes[0] for shape in shapes):
        return False
    values = game.values(params, jax.random.key(1))
    n = game.n_players
    for order in ([*range(1, n), 0], [1, 0, *range(2, n)]):  # these two generate every permutation
        exchanged = game.values(tuple(params[j] for j in order), jax.random.key(1))
        if not np.allclose(exchanged, values[jnp.array(order)], rtol=1e-4):
            return False
    return True
