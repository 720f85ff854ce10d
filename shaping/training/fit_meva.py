"""How a meta-value is fitted: explorers, rollouts and Adam, many iterations in one compiled program."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PyTree, UInt32

from games.base import Game, Joint, Own
from games.compiler import filter_jit
from shaping.base import Learner, Scalar, View
from shaping.engine import advance, begin
from shaping.learners.meva import foresighted, seating
from shaping.model_free.base import kept
from shaping.networks.meta_value import ValueNetwork, lambda_targets, quantile_loss, rows

Learners = tuple[Learner | None, ...]


class Progress(NamedTuple):
    """What the next iteration needs, all arrays: networks, Adam's averages, the words of the run's key, iterations that came before."""

    network: ValueNetwork
    target: ValueNetwork
    moments: PyTree
    key: UInt32[Array, " words"]
    iteration: Int[Array, ""]


class Fit(NamedTuple):
    """What one iteration saw.

    Attributes:
        loss: mean quantile loss of its updates.
        error: root mean square of value less target, in per-step values.
        per_step: everybody's mean per-step value at the end of the rollouts, whatever the discounts drawn.
        ok: whether all updates were finite; those that were not are not made.
    """

    loss: Float[Array, ""]
    error: Float[Array, ""]
    per_step: Float[Array, " player"]
    ok: Bool[Array, ""]


class Follower(Learner):
    """A seat in training: it follows value and meta-value with given weights, everybody having a discount of one's own."""

    network: ValueNetwork
    discounts: Float[Array, " n"]
    lr: Scalar
    now: Scalar
    later: Scalar

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The scaled gradient."""
        seats = seating(view, None)
        return optax.tree.scale(
            self.lr, foresighted(self.network, view, seats, self.discounts[seats], self.now, self.later)
        ), state


def adam() -> optax.GradientTransformation:
    """Adam's direction, with the averages of the published code."""
    return optax.scale_by_adam(b1=0.9, b2=0.99)


@filter_jit(loops=True, large="This training")
def iterations(
    game: Game,
    learners: Learners,
    progress: Progress,
    numbers: dict[str, Any],
    due: Int[Array, ""],
    counts: tuple[int, ...],
) -> tuple[Progress, Fit]:
    """`due` iterations; the program is the same for any number of them up to the last of the counts: batch, rollouts, stride, chunk."""
    *sizes, chunk = counts

    def iterate(n, carry):
        progress, fits = carry
        progress, fit = iteration(game, learners, progress, numbers, *sizes)
        return progress, jax.tree.map(lambda buffer, x: buffer.at[n].set(x), fits, fit)

    empty = Fit(
        jnp.zeros(chunk), jnp.zeros(chunk), jnp.zeros((chunk, game.n_players)), jnp.zeros(chunk, bool)
    )
    return jax.lax.fori_loop(0, due, iterate, (progress, empty))


def iteration(
    game: Game,
    learners: Learners,
    progress: Progress,
    numbers: dict[str, Any],
    batch: int,
    rollouts: int,
    stride: int,
) -> tuple[Progress, Fit]:
    """One match of explorers in every lane, with a rollout and an update every `stride` steps."""
    n = game.n_players
    key = jax.random.fold_in(jax.random.wrap_key_data(progress.key), progress.iteration)
    draw, choose, walk, fresh, roll = (jax.random.fold_in(key, k) for k in range(5))

    def lane_keys(key):
        return jax.vmap(lambda lane: jax.random.fold_in(key, lane))(jnp.arange(batch))

    def chosen(key):
        return arcsine(key, n), jax.random.bernoulli(key, numbers["flip"], (n, progress.network.width))

    joint, states = jax.vmap(lambda key: first(game, learners, key))(lane_keys(draw))
    explorers = jax.vmap(chosen)(lane_keys(choose))

    def window(carry, k):
        (network, target, moments), joint, states = carry
        mean = network.averaged()

        def phase(carry, seen):
            key, begin, discounts, signs, now, later = seen

            def make(seat):
                return Follower(
                    signed(mean, signs[seat]), discounts, numbers["inner_lr"], now[seat], later[seat]
                )

            joint, states, path = steps(game, seated(learners, make), carry[0], carry[1], key, begin, stride)
            return (joint, states), (carry, path)

        def lane(joint, states, explorer, discounts, keys):
            """Explorers and then a rollout, one program for both: where the rollout began, what it passed and what that paid."""
            horizons, flipped = explorer
            ones = jnp.ones(n)
            signs = jnp.stack([jnp.where(flipped, -1.0, 1.0), jnp.ones(flipped.shape)])
            weights = jnp.stack([0 * ones, 1 - discounts]), jnp.stack([ones, discounts])
            phases = (
                jnp.stack(keys),
                (k + jnp.arange(2)) * stride,
                jnp.stack([horizons, discounts]),
                signs,
                *weights,
            )
            _, (begins, paths) = jax.lax.scan(phase, (joint, states), phases)
            (joint, states), path = jax.tree.map(lambda x: x[1], (begins, paths))
            paid = jax.vmap(lambda at: game.per_step(jnp.asarray(game.values(at, keys[1]))))(path)
            passed = jax.vmap(lambda at: rows(at, network.size))(path)
            return joint, states, jnp.concatenate([rows(joint, network.size)[None], passed]), paid

        discounts = jax.vmap(lambda key: arcsine(key, n))(lane_keys(jax.random.fold_in(fresh, k)))
        keys = lane_keys(jax.random.fold_in(walk, k)), lane_keys(jax.random.fold_in(roll, k))
        joint, states, seen, rewards = jax.vmap(lane)(joint, states, explorers, discounts, keys)
        (loss, error), slope = jax.value_and_grad(mean_loss, has_aux=True)(
            network, target, seen, rewards, discounts, numbers["mixing"]
        )
        step, averages = adam().update(slope, moments)
        after = jax.tree.map(lambda x, d: x - numbers["lr"] * (d + numbers["decay"] * x), network, step)
        follows = jax.tree.map(
            lambda x, y: numbers["target"] * x + (1 - numbers["target"]) * y, target, after
        )
        fitted, ok = kept((network, target, moments), (after, follows, averages))
        return (fitted, joint, states), Fit(loss, error**2, rewards[:, -1].mean(axis=0), ok)

    begin = ((progress.network, progress.target, progress.moments), joint, states)
    (fitted, _, _), fits = jax.lax.scan(window, begin, jnp.arange(rollouts))
    fit = Fit(fits.loss.mean(), jnp.sqrt(fits.error.mean()), fits.per_step.mean(axis=0), fits.ok.all())
    return Progress(*fitted, progress.key, progress.iteration + 1), fit


def mean_loss(
    network: ValueNetwork,
    target: ValueNetwork,
    seen: Float[Array, "lane time_1 n size"],
    rewards: Float[Array, "lane time n"],
    discounts: Float[Array, "lane n"],
    mixing: Scalar,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The mean quantile loss over lanes, times and players, and the root mean square of value less target; targets are constants."""

    def lane(seen, rewards, discounts):
        values = jax.vmap(lambda at: target(at, discounts))(seen)
        wanted = jax.lax.stop_gradient(lambda_targets(rewards, values, discounts, mixing))
        found = jax.vmap(lambda at: network(at, discounts))(seen[:-1])
        return jax.vmap(jax.vmap(quantile_loss))(found, wanted), found.mean(-1) - wanted.mean(-1)

    losses, errors = jax.vmap(lane)(seen, rewards, discounts)
    return losses.mean(), jnp.sqrt((errors**2).mean())


def first(game: Game, learners: Learners, key: Key[Array, ""]) -> tuple[Joint, PyTree]:
    """Everybody's first parameters, and the learners' first states; nothing at the open seats."""
    return begin(game, learners, key, key)


def steps(
    game: Game,
    players: tuple[Learner, ...],
    joint: Joint,
    states: PyTree,
    key: Key[Array, ""],
    begin,
    count: int,
):
    """Some steps of everybody: the parameters and states after the last, and the parameters after each."""

    def step(carry, t):
        joint, states = carry
        joint, states = advance(game, players, joint, states, jax.random.fold_in(key, t), t)
        return (joint, states), joint

    (joint, states), path = jax.lax.scan(step, (joint, states), begin + jnp.arange(count))
    return joint, states, path


def seated(learners: Learners, make: Callable[[int], Learner]) -> tuple[Learner, ...]:
    """The learners, with one that is made in every open seat."""
    return tuple(make(seat) if learner is None else learner for seat, learner in enumerate(learners))


def signed(network: ValueNetwork, signs: Float[Array, " width"]) -> ValueNetwork:
    """The network with the units of its last layer multiplied."""
    return eqx.tree_at(lambda network: network.output.weight, network, network.output.weight * signs[None, :])


def arcsine(key: Key[Array, ""], n: int) -> Float[Array, " n"]:
    r"""Draws from Beta(1/2, 1/2), the law of $\sin^2(\pi u / 2)$."""
    return jnp.sin(jnp.pi / 2 * jax.random.uniform(key, (n,))) ** 2
