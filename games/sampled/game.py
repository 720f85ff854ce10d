"""An environment as a game: values are estimated from episodes and differentiable to any order."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from games.agents.base import ActorCritic, Agent, agent
from games.agents.policies import Architecture, TablePolicy
from games.base import Environment, Game, Joint, Own
from games.checks import check_count, check_range, floating, shown
from games.sampled.episodes import (
    Logits,
    Sample,
    critic_values,
    log_probabilities,
    log_probability_per_action,
    sample,
    sample_with_logits,
)
from games.sampled.estimators import Dice, Estimator, primal, returns


class Sampled(Game):
    r"""The game with values $V_i(\theta) = E_\theta \sum_t d^t r_{i,t}$, estimated from a batch of episodes.

    `values` returns the mean returns of the batch; their derivatives are the estimator's estimates of the
    derivatives of the expected return. LOLA on this game is LOLA-DiCE. A player's parameters are an `Agent`,
    or an array, which is a table of logits; a scripted agent has no parameters.

    If a player's parameters are an `ActorCritic`, the gradient of $-\frac{c}{2}\, \mathrm{mean}_{t,b} (V(o_t)
    - G_t)^2$, with G the returns to go, is added to the derivatives of its value, but not to the value
    itself: gradient ascent on the value then trains the critic too. The critic's loss has no gradient in the
    actors.

    Args:
        environment: the environment.
        policy: the architecture, which draws all players' parameters.
        estimator: the estimator of the derivatives.
        discount: in [0, 1].
        batch: number of episodes per evaluation, at least 1.
        steps: number of steps of an episode; by default the environment's length.
        critic: $c$, the learning rate of the critics relative to the actors', at least 0.
        name: name in tables; by default the environment's name.

    Raises:
        ValueError: if `environment` is not an `Environment`, or a number is outside its range.

    Source:
        Foerster et al. 2018b, "DiCE: the infinitely differentiable Monte-Carlo estimator".

    Example:
        >>> from games import ENVIRONMENTS
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=10), batch=4)
        >>> game.values(game.init(jax.random.key(0)), jax.random.key(1)).shape
        (2,)
    """

    environment: Environment
    policy: Architecture = eqx.field(default_factory=TablePolicy)
    estimator: Estimator = eqx.field(default_factory=Dice)
    discount: Float[Array, ""] = eqx.field(converter=floating, default=0.96)
    batch: int = eqx.field(static=True, default=128)
    steps: int = eqx.field(static=True, default=0)
    critic: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    name: str = eqx.field(static=True, default="")

    def __post_init__(self):
        if not isinstance(self.environment, Environment):
            raise ValueError(
                f"environment is a {type(self.environment).__name__}; it must be an Environment, such as CoinGame.lola()."
            )
        length = getattr(self.environment, "length", None)
        if not self.steps and length is None:
            raise ValueError(f"{self.environment.name!r} has no length of its own; give steps.")
        self.steps = self.steps or length  # pyright: ignore[reportAttributeAccessIssue]  # one is given
        self.name = self.name or self.environment.name

    def __check_init__(self):
        for what, kind, example in (
            ("policy", Architecture, "TablePolicy()"),
            ("estimator", Estimator, 'Dice("batch")'),
        ):
            if not isinstance(getattr(self, what), kind):
                raise ValueError(
                    f"{what} is {shown(getattr(self, what))}; it must be an instance, such as {example}."
                )
        check_count("batch", self.batch)
        check_count("steps", self.steps)
        check_range("discount", self.discount, 0.0, 1.0)
        check_range("critic", self.critic, 0.0)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.environment.n_players

    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw all players' parameters."""
        return tuple(
            self.policy.init(jax.random.fold_in(key, i), self.environment, i) for i in range(self.n_players)
        )

    def agents(self, params: Joint) -> tuple[Agent, ...]:
        """The agents of all players' parameters."""
        return tuple(agent(own) for own in params)

    def rollout(self, params: Joint, key: Key[Array, ""] | None = None) -> Sample:
        """Play a batch of episodes; without a key, with key 0."""
        return sample(*self.sample_arguments(params, key))

    def sample_arguments(
        self, params: Joint, key: Key[Array, ""] | None
    ) -> tuple[Environment, tuple[Agent, ...], Key[Array, ""], int, int]:
        """The arguments of `sample` and `sample_with_logits`."""
        agents = tuple(self.specialize(x) for x in self.agents(params))
        return self.environment, agents, jax.random.key(0) if key is None else key, self.batch, self.steps

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' mean returns over a batch of episodes, with the estimator's derivatives."""
        return self.objective(params, *sample_with_logits(*self.sample_arguments(params, key)))

    def objective(
        self, params: Joint, played: Sample, logits: Sequence[Logits]
    ) -> Float[Array, " n_players"]:
        """`values` from episodes played with these parameters and the players' logits in them."""
        agents = tuple(self.specialize(x) for x in self.agents(params))
        predicted = critic_values(agents, played)
        logs = log_probabilities(logits, played)
        values = self.estimator(logs, played.rewards, jax.lax.stop_gradient(predicted), self.discount)
        if not any(isinstance(x, ActorCritic) for x in agents):
            return values
        return primal(
            values, values - self.critic * self.critic_loss(predicted, played.rewards, played.alive)
        )

    def critic_loss(
        self,
        predicted: Float[Array, "steps_1 batch players"],
        rewards: Float[Array, "steps batch players"],
        alive: Bool[Array, "steps batch"],
    ) -> Float[Array, " players"]:
        """Half the mean squared error of the critics' values, from the returns to go.

        With an estimator that bootstraps, returns include the critic's value of the final observation.
        """
        last = predicted[-1] if getattr(self.estimator, "bootstrap", False) else None
        targets = jax.lax.stop_gradient(returns(rewards, self.discount, last))
        gaps = jnp.where(alive[..., None], predicted[:-1] - targets, 0.0)
        return 0.5 * (gaps**2).sum(axis=(0, 1)) / alive.sum()

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        r"""The mean of $\mathrm{KL}(\pi_{old} \| \pi_{new})$ over the steps of episodes of `params`."""
        played = self.rollout(params, key)
        return mean_divergence(
            self.outputs(agent(old), played, player), self.outputs(agent(new), played, player), played
        )

    def proximal(
        self,
        player: int,
        old: Own | None,
        penalty: Float[Array, ""] | float,
        params: Joint,
        key: Key[Array, ""] | None = None,
    ) -> Float[Array, ""]:
        """The value minus the penalty times the divergence from `old`, both from the same episodes."""
        played, logits = sample_with_logits(*self.sample_arguments(params, key))
        own, rewards = agent(params[player]), played.rewards[..., player : player + 1]
        predicted = jnp.zeros((self.steps + 1, self.batch, 1))
        if isinstance(own, ActorCritic):
            predicted = self.outputs(own.critic, played, player, last=True)
        value = self.estimator(
            log_probabilities(logits, played), rewards, jax.lax.stop_gradient(predicted), self.discount
        )
        if isinstance(own, ActorCritic):
            value = primal(value, value - self.critic * self.critic_loss(predicted, rewards, played.alive))
        if old is None:
            return value[0]
        before = jax.lax.stop_gradient(self.outputs(agent(old), played, player))
        return value[0] - penalty * mean_divergence(before, logits[player], played)

    def outputs(
        self, x: Agent, played: Sample, player: int, last: bool = False
    ) -> Float[Array, "steps batch outputs"]:
        """The outputs of a network for a player's observations; with `last`, also for its final ones."""
        return self.specialize(x).unroll_batch(played.seen(player, last))

    def specialize(self, x: Agent) -> Agent:
        """The agent, specialized to the environment's possible observations if these are few."""
        return x if self.environment.distinct is None else x.specialize(self.environment.distinct)

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        r"""Values divided by $\sum_t d^t$."""
        return values / jnp.sum(self.discount ** jnp.arange(self.steps, dtype=float))


def mean_divergence(
    before: Float[Array, "steps batch outputs"], after: Float[Array, "steps batch outputs"], played: Sample
) -> Float[Array, ""]:
    """The mean Kullback-Leibler divergence of two policies along episodes, from their logits."""
    each = [
        jnp.exp(old) * (old - new)
        for old, new in zip(
            log_probability_per_action(before), log_probability_per_action(after), strict=True
        )
    ]
    return jnp.where(played.alive, sum(each), 0.0).sum() / played.alive.sum()
