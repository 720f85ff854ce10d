"""Advantage alignment: policy gradient weighted by the product of own and others' advantages."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from games.agents.base import agent
from games.base import Own
from games.sampled.episodes import Sample, log_policy
from games.sampled.estimators import Paths, advantages
from shaping.base import Learner, Scalar, View, number
from shaping.episodic.critics import (
    Critics,
    Networks,
    at_actions,
    bootstrap_mask,
    mean,
    network_outputs,
    new_critics,
    updated,
)


class AdvantageAlignment(Learner):
    r"""Policy gradient with the others' advantages weighted by the own advantages of earlier steps.

    An action becomes more likely if it is good for others who have been good for the player, and less likely
    if it is good for others who have been bad for it. The step is $a \nabla_i$ of the mean over episodes and
    steps of $w_t A^*_t + e \mathcal{H}_t$, with w the own log-probabilities, $\mathcal{H}$ the entropy and

    $$A^*_t = A_{i,t} + \beta d \Big(\sum_{k < t} d^{t-k} A_{i,k}\Big) \sum_{j \ne i} A_{j,t}$$

    where $A_j$ are generalized advantages, d is the discount, and the advantages in the bracket are one-step
    advantages. (Generalized ones would contain rewards after step t, correlated with the others' advantages,
    so that even a defection that costs both players would appear aligned.)

    The learner sees the observations and rewards of all players, as in the paper, and learns a critic for
    each of them: by Adam on the Huber loss, with the generalized advantages plus the values of the target
    networks as targets. The last step of an episode counts as truncated, so its final value is bootstrapped.
    For sampled games only.

    Args:
        lr: own step size $a$, at least 0.
        beta: $\beta$, weight of the alignment term, at least 0; 0 is plain policy gradient.
        mix: $\lambda$ of the generalized advantages, in [0, 1]: 0 for one-step advantages, 1 for returns minus
            values.
        entropy: $e$, weight of the entropy, at least 0.
        critic_lr: learning rate of the critics' Adam, at least 0.
        keep: decay of the target networks, in [0, 1]: the share of their old parameters they keep per update.

    Raises:
        ValueError: for a number outside its range; in a match, for a game that is not sampled.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import View
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=3), batch=2)
        >>> view = View(game, game.init(jax.random.key(0)), 0, jax.random.key(1))
        >>> [x.logits.shape for x in AdvantageAlignment().init(view).networks]
        [(5, 1), (5, 1)]

    Source:
        Duque et al. 2025, "Advantage alignment algorithms", algorithm 1, with the sum over several others as
        in its larger games. The published code has generalized advantages in the bracket, too.
    """

    lr: Scalar = number(1.0)
    beta: Scalar = number(1.0)
    mix: Scalar = number(0.95, maximum=1.0)
    entropy: Scalar = number(0.0)
    critic_lr: Scalar = number(1e-2)
    keep: Scalar = number(0.99, maximum=1.0)

    @property
    def label(self) -> str:
        """What tables call this learner."""
        return "advantage_alignment"

    def init(self, view: View) -> Critics:
        """A critic for every player."""
        return new_critics(view, (1,) * view.game.n_players, self.critic_lr)

    def update(self, state: Critics, view: View) -> tuple[Own, Critics]:
        """The scaled gradient; the critics learn from the same episodes."""
        played = view.rollout()
        values = self.values(state.targets, played)
        targets = values[:-1] + self.advantages(view, played, values, self.mix)

        def loss(networks: Networks) -> Float[Array, ""]:
            errors = optax.losses.huber_loss(self.values(networks, played)[:-1], targets)
            return mean(errors.sum(axis=-1), played)

        gradient = jax.grad(lambda own: self.objective(own, view, played, values))(view.own)
        return optax.tree.scale(self.lr, gradient), updated(state, loss, self.critic_lr, self.keep)

    def objective(self, own: Own, view: View, played: Sample, values: Paths) -> Float[Array, ""]:
        r"""The mean of $w_t A^*_t + e \mathcal{H}_t$; only its first derivative at the current parameters is meaningful."""
        logs = log_policy(agent(own), played.seen(view.seat))
        entropy = -(jnp.exp(logs) * logs).sum(axis=-1)
        weight = self.aligned(view, played, values)
        return mean(
            weight * at_actions(logs, played.actions[..., view.seat]) + self.entropy * entropy, played
        )

    def values(self, networks: Networks, played: Sample) -> Float[Array, "steps_1 batch n_players"]:
        """Every player's values before every step and after the last one; 0 after a terminal step."""
        return jnp.where(
            bootstrap_mask(played), jnp.concatenate(network_outputs(networks, played), axis=-1), 0.0
        )

    def advantages(self, view: View, played: Sample, values: Paths, mix: Scalar) -> Paths:
        """Every player's generalized advantages."""
        return advantages(played.rewards, values, view.sampled.discount, jnp.asarray(mix))

    def aligned(self, view: View, played: Sample, values: Paths) -> Float[Array, "steps batch"]:
        """The weight $A^*_t$ of every own action."""
        discount, seat = view.sampled.discount, view.seat
        gains = self.advantages(view, played, values, self.mix)
        one_step = self.advantages(view, played, values, jnp.zeros_like(discount))[..., seat]

        def add(past, advantage):
            return discount * (past + advantage), past

        past = jax.lax.scan(add, jnp.zeros_like(one_step[0]), one_step)[1]
        return gains[..., seat] + self.beta * discount * past * sum(gains[..., j] for j in view.others)
