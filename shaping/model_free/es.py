"""Evolution strategies."""

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Key, PyTree

from games.base import Environment
from shaping.base import Scalar, choice, count, number
from shaping.model_free.base import Method, Report, new_if_finite, report
from shaping.model_free.episodes import ACTS, episode_keys, fitness


class Es(Method):
    r"""Ascend a smoothed return by its score-function gradient, from random directions in parameter space.

    $\nabla_\theta E_\epsilon[F(\theta + \sigma\epsilon)] = E[F(\theta + \sigma\epsilon)\, \epsilon] /
    \sigma$, $\epsilon \sim N(0, I)$, in antithetic pairs $\pm\epsilon$, by Adam. All members play the same
    episodes. With several players, member m plays with member m of the others, whose directions are
    independent.

    Args:
        lr: Adam's, at least 0.
        sigma: $\sigma$, at least 0.
        discount: of the return that is ascended, in [0, 1].
        weighting: how the members' returns become weights: `"ranks"` (centered, from -.5 to .5), `"standardized"` or
            `"raw"`.
        acts: `"mode"` (noise in the parameters alone) or `"sample"`.
        pairs: antithetic pairs; the population is twice as large.
        episodes: per member.
        length: most steps of an episode.

    Source:
        Salimans et al. 2017, "Evolution strategies as a scalable alternative to reinforcement learning",
        algorithm 1 and section 2.1.

    Example:
        >>> Es(sigma=0.04, lr=0.1, pairs=500).weighting
        'ranks'
    """

    lr: Scalar = number(0.02)
    sigma: Scalar = number(0.1)
    discount: Scalar = number(1.0, maximum=1.0)
    weighting: str = choice("ranks", "standardized", "raw")
    acts: str = choice("mode", "sample")
    pairs: int = count(64)
    episodes: int = count(16)
    length: int = count(100)

    def init(self, policies: PyTree) -> PyTree:
        """Adam's moments, one set per player."""
        return jax.vmap(optax.adam(self.lr).init)(policies)

    def step(
        self, env: Environment, policies: PyTree, state: PyTree, key: Key[Array, ""]
    ) -> tuple[PyTree, PyTree, Report]:
        """Evaluate a population, then take one step of Adam along the estimated gradient."""
        gradient, (returns, steps, usable) = self.estimate(env, policies, key)
        direction, moments = jax.vmap(optax.adam(self.lr).update)(
            jax.tree.map(jnp.negative, gradient), state, policies
        )
        after = (optax.apply_updates(policies, direction), moments)
        (policies, state), ok = jax.vmap(new_if_finite)((policies, state), after)
        return policies, state, report(returns, steps, usable, ok & usable.any())

    def estimate(
        self, env: Environment, policies: PyTree, key: Key[Array, ""]
    ) -> tuple[PyTree, tuple[Array, Array, Array]]:
        """The gradient, and of every episode the return, the number of steps and whether it is finite."""
        drawing, playing = jax.random.split(key)
        noise = jax.tree.map(lambda e: jnp.concatenate([e, -e]), directions(drawing, policies, self.pairs))
        members = jax.tree.map(lambda p, e: p[None] + self.sigma * e, policies, noise)
        keys = episode_keys(playing, self.episodes)
        scores, returns, steps = fitness(env, members, keys, self.length, self.discount, ACTS[self.acts])
        weights = fitness_weights(scores, self.weighting) / (2 * self.pairs * self.sigma)
        gradient = jax.tree.map(lambda e: jnp.einsum("mp,mp...->p...", weights, e), noise)
        usable = jnp.isfinite(returns).all(axis=-1)
        return gradient, (returns.reshape(-1, returns.shape[-1]), steps.ravel(), usable.ravel())


def directions(key: Key[Array, ""], tree: PyTree, members: int) -> PyTree:
    """Standard normal numbers in the shape of a tree, with a leading axis of members."""
    flat, shaped = ravel_pytree(tree)
    return jax.vmap(shaped)(jax.random.normal(key, (members, flat.size), flat.dtype))


def fitness_weights(scores: Float[Array, "member player"], weighting: str) -> Float[Array, "member player"]:
    """Weights of the members from their scores, per player.

    A score that is not finite counts as much as the lowest finite one.

    Example:
        >>> fitness_weights(jnp.array([[3.0], [10.0], [jnp.nan]]), "ranks").ravel().tolist()
        [0.0, 0.5, -0.5]
    """
    finite = jnp.isfinite(scores)
    if weighting == "ranks":
        return (
            jax.vmap(ranks, in_axes=1, out_axes=1)(jnp.where(finite, scores, -jnp.inf))
            / (scores.shape[0] - 1)
            - 0.5
        )
    scores = jnp.where(finite, scores, jnp.min(jnp.where(finite, scores, jnp.inf), axis=0))
    if weighting == "raw":
        return scores
    return (scores - scores.mean(axis=0)) / (scores.std(axis=0) + 1e-8)


def ranks(x: Float[Array, " n"]) -> Float[Array, " n"]:
    """Ranks from 0 on; equal numbers have equal ranks, so that a population of equals has gradient 0.

    Example:
        >>> ranks(jnp.array([5.0, 1.0, 5.0])).tolist()
        [1.5, 0.0, 1.5]
    """
    order = jnp.sort(x)
    return (jnp.searchsorted(order, x, side="left") + jnp.searchsorted(order, x, side="right") - 1) / 2
