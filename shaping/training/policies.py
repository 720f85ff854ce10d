"""Training of policies in an environment by PPO, evolution strategies or a genetic algorithm."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree

from games.base import Environment
from games.checks import shown
from games.registry import nearest
from shaping.engine import BEFORE
from shaping.model_free import METHODS, Method, Report
from shaping.training.trainer import Trainer


class PolicyState(NamedTuple):
    """The policies, stacked along a leading player axis, and the optimizer's state."""

    policies: PyTree
    optimizer: PyTree


class PolicyTrainer(Trainer):
    """Train one policy per player of an environment.

    An update that is not finite is not made; the record's `ok` says where.

    Args:
        env: the environment.
        start: a function from a key to a new policy, such as `gaussian(10, 5)`.
        method: `Ppo(...)`, `Es(...)` or `Ga(...)`, or one of their names for the default settings.

    Raises:
        ValueError: for an unknown method, or something that is no environment or method.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 4, for PPO and the genetic algorithm on one
        meta-game.

    Example:
        >>> from games import ipd
        >>> from shaping import MetaGame
        >>> from shaping.model_free import Ppo, gaussian
        >>> from shaping.training import run
        >>> meta = MetaGame(ipd(), [None, "naive"], steps=3)
        >>> trained = run(PolicyTrainer(meta, gaussian(10, 5, width=4), Ppo(episodes=2, length=3)), iterations=2)
        >>> trained.record.per_step.shape, trained.learners[0].mode(meta.reset(jax.random.key(0))[0][0]).shape
        ((2, 1), (5,))
    """

    env: Environment
    start: Callable[[Key[Array, ""]], Any] = eqx.field(static=True)
    method: Any = "ppo"

    def __post_init__(self):
        if isinstance(self.method, str):
            if self.method not in METHODS:
                raise ValueError(f"Unknown method {self.method!r}; {nearest(self.method, METHODS)}.")
            self.method = METHODS[self.method]()

    def __check_init__(self):
        if not isinstance(self.env, Environment) or not isinstance(self.method, Method):
            raise ValueError(
                f"A training takes an environment and a method, such as MetaGame(...) and Ppo(), not {shown(self.env)} "
                f"and {shown(self.method)}."
            )

    def init(self, key: Key[Array, ""]) -> PolicyState:
        """New policies."""
        keys = jax.random.split(jax.random.fold_in(key, BEFORE), self.env.n_players)
        policies = jax.vmap(self.start)(keys)
        return PolicyState(policies, self.method.init(policies))

    def step(self, state: PolicyState, key: Key[Array, ""]) -> tuple[PolicyState, Report]:
        """One iteration of the optimizer."""
        policies, optimizer, report = self.method.step(self.env, state.policies, state.optimizer, key)
        return PolicyState(policies, optimizer), report

    def learners(self, state: PolicyState) -> tuple[Any, ...]:
        """Every player's policy."""
        return tuple(jax.tree.map(lambda x, k=k: x[k], state.policies) for k in range(self.env.n_players))
