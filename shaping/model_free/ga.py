"""A genetic algorithm."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from games.base import Environment
from shaping.base import Scalar, choice, count, number
from shaping.model_free.base import Method, Report, report
from shaping.model_free.episodes import ACTS, episode_keys, fitness
from shaping.model_free.es import directions


class Ga(Method):
    r"""Mutate the best of a population; the champion is replaced only by a better policy on new episodes.

    Children are $\theta_{parent} + \sigma\epsilon$, $\epsilon \sim N(0, I)$, of parents drawn evenly from the
    `parents` best of the last generation. All play the same episodes; the best child then meets the champion
    on `trials` new ones. With one parent, all children are the champion's. With several players, child m
    plays with child m of the others, and a challenger with the others' champions. What is reported of returns
    is the old champion's; of failures, the children's.

    Args:
        sigma: $\sigma$, at least 0.
        discount: of the return that is compared, in [0, 1].
        acts: `"mode"` or `"sample"`.
        population: children per generation, at least 2.
        parents: how many are chosen.
        episodes: per child.
        trials: episodes of the challenge.
        length: most steps of an episode.

    Raises:
        ValueError: for more parents than children.

    Source:
        Such et al. 2017, "Deep neuroevolution", algorithm 1 (truncation selection, an elite checked on
        further episodes); with `parents=1, sigma=2, population=2048, episodes=128, trials=2048` the search of
        Lu et al. 2022.

    Example:
        >>> Ga(population=64).parents
        8
    """

    sigma: Scalar = number(0.1)
    discount: Scalar = number(1.0, maximum=1.0)
    acts: str = choice("mode", "sample")
    population: int = count(128, 2)
    parents: int = count(8)
    episodes: int = count(16)
    trials: int = count(64)
    length: int = count(100)

    def __check_init__(self):
        if self.parents > self.population:
            raise ValueError(
                f"Ga: parents is {self.parents}, more than the population of {self.population}; choose at most as many."
            )

    def init(self, policies: PyTree) -> PyTree:
        """The parents `(parent, player, ...)`: copies of the policy."""
        return jax.tree.map(lambda p: jnp.broadcast_to(p[None], (self.parents, *p.shape)), policies)

    def step(
        self, env: Environment, policies: PyTree, state: PyTree, key: Key[Array, ""]
    ) -> tuple[PyTree, PyTree, Report]:
        """One generation and one challenge; the policies are the champions."""
        mating, drawing, playing, proving = jax.random.split(key, 4)
        chosen = jax.random.randint(mating, (self.population,), 0, self.parents)
        noise = directions(drawing, policies, self.population)
        children = jax.tree.map(lambda p, e: p[chosen] + self.sigma * e, state, noise)
        scores, gained, _ = self.fitness(env, children, episode_keys(playing, self.episodes))
        finite = jnp.isfinite(scores)
        best = jnp.argsort(-jnp.where(finite, scores, -jnp.inf), axis=0)[: self.parents]
        sound = jnp.take_along_axis(finite, best, axis=0)
        state = jax.tree.map(
            lambda c, p: jnp.where(player_mask(sound, c), take_members(c, best), p[None]), children, policies
        )

        challengers = jax.tree.map(lambda s: s[0], state)
        teams = jax.tree.map(
            lambda old, new: with_challengers(old, new, env.n_players), policies, challengers
        )
        proof, returns, steps = self.fitness(env, teams, episode_keys(proving, self.trials))
        before, after = (
            jnp.where(jnp.isfinite(proof), proof, -jnp.inf)[0],
            jnp.diagonal(jnp.where(jnp.isfinite(proof), proof, -jnp.inf)[1:]),
        )
        won = after > before
        policies = jax.tree.map(
            lambda old, new: jnp.where(player_mask(won, old), new, old), policies, challengers
        )
        state = jax.tree.map(lambda s, p: s.at[0].set(p), state, policies)
        summary = report(returns[0], steps[0], jnp.isfinite(returns[0]).all(axis=-1), finite.any(axis=0))
        return policies, state, summary._replace(failed=1 - jnp.isfinite(gained).all(axis=-1).mean())

    def fitness(
        self, env: Environment, members: PyTree, keys: Key[Array, " episodes"]
    ) -> tuple[Array, Array, Array]:
        """Fitness, returns and numbers of steps of every member."""
        return fitness(env, members, keys, self.length, self.discount, ACTS[self.acts])


def player_mask(mask: Array, x: Array) -> Array:
    """A per-player mask in the rank of an array whose leading axis is the player."""
    return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))


def take_members(x: Array, order: Array) -> Array:
    """Members `order[k, player]` of an array `(member, player, ...)`."""
    return jnp.take_along_axis(x, player_mask(order, x), axis=0)


def with_challengers(old: Array, new: Array, players: int) -> Array:
    """All champions; then, for every player, all champions with this player's replaced by its challenger."""
    single = player_mask(jnp.eye(players, dtype=bool), old[None])
    return jnp.concatenate([old[None], jnp.where(single, new[None], old[None])])
