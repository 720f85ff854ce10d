"""An environment as a game: values are estimated from episodes, and differentiable to any order."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from games.agents.base import ActorCritic, Agent, agent
from games.agents.policies import Architecture, TablePolicy
from games.base import Environment, Game, Joint, Own
from games.checks import check_count, check_range, floating, shown
from games.sampled.episodes import Logits, Sample, critics, episodes, log_probabilities, log_shares, sample
from games.sampled.estimators import Dice, Estimator, primal, returns


class Sampled(Game):
    r"""A game that can only be played: $V_i(\theta) = E_\theta \sum_t d^t r_{i,t}$, estimated from a batch of episodes.

    `values` is an estimator's objective: at the mean return of the batch, with derivatives that estimate
    those of the expected return. LOLA on this game is LOLA-DiCE. A player's parameters are an `Agent`, or an
    array, which is a table; a scripted agent plays too.

    Where a player's parameters are an `ActorCritic`, its value also carries, at height zero, $-\frac{c}{2}\,
    \mathrm{mean}_{t,b} (V(o_t) - G_t)^2$ with G the returns to go: whoever ascends the value trains the
    critic along with the actor, and the critic moves nothing else.

    Args:
        environment: what is played.
        policy: what draws everybody's parameters.
        estimator: of the derivatives.
        discount: in [0, 1].
        batch: episodes per evaluation, at least 1.
        steps: of an episode; by default the environment's length.
        critic: $c$, the rate of the critics beside the actors', at least 0.
        name: what tables call it; by default the environment's name.

    Raises:
        ValueError: for something that is no environment, or a number outside its range.

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
        self.steps = self.steps or length  # pyright: ignore[reportAttributeAccessIssue]  # given, or refused above
        self.name = self.name or self.environment.name

    def __check_init__(self):
        for what, kind, example in (
            ("policy", Architecture, "TablePolicy()"),
            ("estimator", Estimator, 'Dice("batch")'),
        ):
            if not isinstance(getattr(self, what), kind):
                raise ValueError(
                    f"{what} is {shown(getattr(self, what))}; it must be one that is made, such as {example}."
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
        """Draw everybody's parameters."""
        return tuple(
            self.policy.init(jax.random.fold_in(key, i), self.environment, i) for i in range(self.n_players)
        )

    def agents(self, params: Joint) -> tuple[Agent, ...]:
        """The agents that parameters stand for."""
        return tuple(agent(own) for own in params)

    def rollout(self, params: Joint, key: Key[Array, ""] | None = None) -> Sample:
        """A batch of episodes; without a key, those of key 0."""
        return sample(*self.setup(params, key))

    def setup(
        self, params: Joint, key: Key[Array, ""] | None
    ) -> tuple[Environment, tuple[Agent, ...], Key[Array, ""], int, int]:
        """What episodes are played from."""
        agents = tuple(self.coded(x) for x in self.agents(params))
        return self.environment, agents, jax.random.key(0) if key is None else key, self.batch, self.steps

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """Everybody's mean return over a batch of episodes, with the estimator's derivatives; without a key, episodes of key 0."""
        return self.objective(params, *episodes(*self.setup(params, key)))

    def objective(
        self, params: Joint, played: Sample, logits: Sequence[Logits]
    ) -> Float[Array, " n_players"]:
        """`values` from episodes that were played with these parameters, and the logits of everybody's actions there."""
        agents = tuple(self.coded(x) for x in self.agents(params))
        valued = critics(agents, played)
        logs = log_probabilities(logits, played)
        values = self.estimator(logs, played.rewards, jax.lax.stop_gradient(valued), self.discount)
        if not any(isinstance(x, ActorCritic) for x in agents):
            return values
        return primal(values, values - self.critic * self.critic_loss(valued, played.rewards, played.alive))

    def critic_loss(
        self,
        valued: Float[Array, "steps_1 batch players"],
        rewards: Float[Array, "steps batch players"],
        alive: Bool[Array, "steps batch"],
    ) -> Float[Array, " players"]:
        """Half the mean squared distance of critics from the returns to go."""
        last = valued[-1] if getattr(self.estimator, "bootstrap", False) else None
        targets = jax.lax.stop_gradient(returns(rewards, self.discount, last))
        gaps = jnp.where(alive[..., None], valued[:-1] - targets, 0.0)
        return 0.5 * (gaps**2).sum(axis=(0, 1)) / alive.sum()

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        r"""The mean of $\mathrm{KL}(\pi_{old}(\cdot|h) \,\|\, \pi_{new}(\cdot|h))$ over what is seen in episodes of `params`."""
        played = self.rollout(params, key)
        return apart(
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
        """The player's value, less the penalty times the divergence from `old` along the same episodes; every network runs once."""
        played, logits = episodes(*self.setup(params, key))
        own, rewards = agent(params[player]), played.rewards[..., player : player + 1]
        valued = jnp.zeros((self.steps + 1, self.batch, 1))
        if isinstance(own, ActorCritic):
            valued = self.outputs(own.critic, played, player, last=True)
        value = self.estimator(
            log_probabilities(logits, played), rewards, jax.lax.stop_gradient(valued), self.discount
        )
        if isinstance(own, ActorCritic):
            value = primal(value, value - self.critic * self.critic_loss(valued, rewards, played.alive))
        if old is None:
            return value[0]
        before = jax.lax.stop_gradient(self.outputs(agent(old), played, player))
        return value[0] - penalty * apart(before, logits[player], played)

    def outputs(
        self, x: Agent, played: Sample, player: int, last: bool = False
    ) -> Float[Array, "steps batch outputs"]:
        """What an agent makes of what a player saw along episodes; with `last`, also of what it saw at the end."""
        return self.coded(x).along(played.seen(player, last))

    def coded(self, x: Agent) -> Agent:
        """The agent, which looks at every observation once if these are few."""
        return x if self.environment.distinct is None else x.coded(self.environment.distinct)

    def per_step(self, values: Float[Array, "*batch n_players"]) -> Float[Array, "*batch n_players"]:
        r"""Values over $\sum_t d^t$."""
        return values / jnp.sum(self.discount ** jnp.arange(self.steps, dtype=float))


def apart(
    before: Float[Array, "steps batch outputs"], after: Float[Array, "steps batch outputs"], played: Sample
) -> Float[Array, ""]:
    """The mean divergence of one policy from another along episodes, from their logits."""
    each = [
        jnp.exp(old) * (old - new) for old, new in zip(log_shares(before), log_shares(after), strict=True)
    ]
    return jnp.where(played.alive, sum(each), 0.0).sum() / played.alive.sum()
