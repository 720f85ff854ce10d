"""An optimizer that alternates between two environments, one of them more and more rarely."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.base import Environment
from games.hash_random import derive
from shaping.base import Scalar, number
from shaping.model_free.base import Method, Report


class Apart(Environment):
    """An environment that consists of one separate environment per player, all played in parallel.

    All have episodes of equal length.

    Args:
        envs: one per player, each of one player; observations and actions have equal shapes.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive
        >>> from shaping.meta.game import MetaGame
        >>> apart = Apart((MetaGame(ipd(), [None, Naive()]), MetaGame(ipd(), [Naive(), None])))
        >>> apart.n_players, apart.reset(jax.random.key(0))[0].shape
        (2, (2, 10))
    """

    envs: tuple[Environment, ...] = eqx.field(converter=tuple)

    @property
    def n_players(self) -> int:
        """Number of environments."""
        return len(self.envs)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of every player, in its own environment."""
        return tuple(env.n_actions[0] for env in self.envs)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of every player's observation."""
        return self.envs[0].observation_shape

    @property
    def name(self) -> str:
        """The names of all environments."""
        return f"apart({', '.join(env.name for env in self.envs)})"

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "n_players ..."], tuple[PyTree, ...]]:
        """Start all environments, each from a key of its own."""
        observations, states = zip(
            *(env.reset(derive(key, k)) for k, env in enumerate(self.envs)), strict=True
        )
        return jnp.concatenate(observations), states

    def step(
        self, key: Key[Array, ""], state: tuple[PyTree, ...], actions: Array
    ) -> tuple[
        Array,
        tuple[PyTree, ...],
        Float[Array, " n_players"],
        Bool[Array, ""],
        Bool[Array, ""],
        dict[str, Any],
    ]:
        """One step of all environments; see `Environment.step`."""
        after = [env.step(derive(key, k), state[k], actions[k : k + 1]) for k, env in enumerate(self.envs)]
        observations, states, rewards, terminated, truncated, _ = zip(*after, strict=True)
        ends = jnp.stack(terminated).all(), jnp.stack(truncated).all()
        return jnp.concatenate(observations), states, jnp.concatenate(rewards), *ends, {}

    def observe(self, state: tuple[PyTree, ...]) -> Float[Array, "n_players ..."]:
        """Everybody's observations."""
        return jnp.concatenate([env.observe(s) for env, s in zip(self.envs, state, strict=True)])


class Annealed(Method):
    r"""A method that sometimes plays a second environment, `alone`, in place of the given one.

    In iteration t = 1, 2, ... it does so with probability $\max(0, 1 - r t)$. One random draw per iteration
    decides for all players. With `Apart` as the second environment, all players first learn against simple
    opponents, and later against each other.

    Args:
        method: the optimizer, used in both environments.
        alone: the second environment, with the same number of players.
        rate: $r$, in [0, 1]; at 1 the second environment is never played, at 0 always.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 4, and its code, where r is .0015 and the
        others are naive learners.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive
        >>> from shaping.meta.game import MetaGame
        >>> from shaping.model_free import Ppo
        >>> apart = Apart((MetaGame(ipd(), [None, Naive()]), MetaGame(ipd(), [Naive(), None])))
        >>> Annealed(Ppo(episodes=4), apart, rate=0.01).length
        100
    """

    method: Method
    alone: Environment
    rate: Scalar = number(0.0015, maximum=1.0)

    @property
    def length(self) -> int:
        """Maximal number of steps of an episode."""
        return self.method.length

    def init(self, policies: PyTree) -> PyTree:
        """The method's own state, and the number of iterations so far."""
        return self.method.init(policies), jnp.zeros((), jnp.uint32)

    def step(
        self, env: Environment, policies: PyTree, state: PyTree, key: Key[Array, ""]
    ) -> tuple[PyTree, PyTree, Report]:
        """One iteration of the method in one of the two environments, which the report is about."""
        inner, before = state
        coin, playing = jax.random.split(key)
        policies, inner, report = jax.lax.cond(
            self.is_alone(coin, before),
            lambda: self.method.step(self.alone, policies, inner, playing),
            lambda: self.method.step(env, policies, inner, playing),
        )
        return policies, (inner, before + 1), report

    def is_alone(self, coin: Key[Array, ""], before: Int[Array, ""]) -> Bool[Array, ""]:
        """Whether iteration `before` + 1 plays the second environment."""
        return jax.random.uniform(coin) < 1 - self.rate * (before + 1)
