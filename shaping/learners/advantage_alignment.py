"""Advantage alignment: a policy gradient that counts the others' advantages as far as one's own has been good before."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from games.agents.base import agent
from games.base import Own
from games.sampled.episodes import Sample, log_policy
from games.sampled.estimators import Paths, advantages
from shaping.base import Learner, Scalar, View, number
from shaping.episodic.critics import Critics, Networks, drawn, going_on, heights, improved, mean, picked


class AdvantageAlignment(Learner):
    r"""Make actions likely that are good for others who have been good to oneself, and bad for those who have not.

    The step is up $a \nabla_i$ of the mean over episodes and steps of $w_t A^*_t + e \mathcal{H}_t$, w the
    own log-probabilities, and

    $$A^*_t = A_{i,t} + \beta d \Big(\sum_{k < t} d^{t-k} A_{i,k}\Big) \sum_{j \ne i} A_{j,t}$$

    from everybody's generalized advantages; those in the bracket are of one step each. (Otherwise what
    follows step t would enter them as well, times what it is to the others, and even a defection that costs
    both would look aligned.)

    The learner sees everybody's observations and rewards, as in the paper, and learns everybody's critic in
    its own state: by Adam on Huber's loss, towards the generalized advantages plus what the slow copies say.
    The last step of an episode is taken for a cut in a game that goes on. It plays sampled games alone.

    Args:
        lr: $a$, at least 0.
        beta: $\beta$, at least 0; 0 is plain policy gradient.
        mix: of the generalized advantages, in [0, 1]; 0 for one step and the critic, 1 for returns minus
            values.
        entropy: $e$, at least 0.
        critic_lr: Adam's, of the critics, at least 0.
        keep: what share the slow copies keep of what they were, in [0, 1].

    Raises:
        ValueError: for a number outside its range; in a match, for a game that is not sampled.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import View
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=3), batch=2)
        >>> view = View(game, game.init(jax.random.key(0)), 0, jax.random.key(1))
        >>> [x.logits.shape for x in AdvantageAlignment().init(view).now]
        [(5, 1), (5, 1)]

    Source:
        Duque et al. 2025, "Advantage alignment algorithms", algorithm 1; the sum over several others is that
        of its larger games. The published code takes generalized advantages in the bracket, too.
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
        """Everybody's critic."""
        return drawn(view, (1,) * view.game.n_players, self.critic_lr)

    def update(self, state: Critics, view: View) -> tuple[Own, Critics]:
        """The scaled gradient; the critics learn from the same episodes."""
        played = view.rollout()
        worth = self.worth(state.slow, played)
        gains = advantages(played.rewards, worth, view.sampled.discount, jnp.asarray(self.mix))

        def loss(networks: Networks) -> Float[Array, ""]:
            gaps = optax.losses.huber_loss(self.worth(networks, played)[:-1], worth[:-1] + gains)
            return mean(gaps.sum(axis=-1), played)

        slope = jax.grad(lambda own: self.objective(own, view, played, worth))(view.own)
        return optax.tree.scale(self.lr, slope), improved(state, loss, self.critic_lr, self.keep)

    def objective(self, own: Own, view: View, played: Sample, worth: Paths) -> Float[Array, ""]:
        """What is climbed, right in its first derivatives at the parameters that are there."""
        logs = log_policy(agent(own), played.seen(view.seat))
        spread = -(jnp.exp(logs) * logs).sum(axis=-1)
        return mean(
            self.aligned(view, played, worth) * picked(logs, played.actions[..., view.seat])
            + self.entropy * spread,
            played,
        )

    def worth(self, networks: Networks, played: Sample) -> Float[Array, "steps_1 batch n_players"]:
        """What everybody's situations are worth; nothing after the end."""
        return jnp.where(going_on(played), jnp.concatenate(heights(networks, played), axis=-1), 0.0)

    def aligned(self, view: View, played: Sample, worth: Paths) -> Float[Array, "steps batch"]:
        """The own advantages, with the others' weighed by what the own ones were before."""
        discount = view.sampled.discount
        gains = advantages(played.rewards, worth, discount, jnp.asarray(self.mix))
        settled = advantages(played.rewards, worth, discount, jnp.zeros_like(discount))[..., view.seat]

        def add(past, gain):
            return discount * (past + gain), past

        past = jax.lax.scan(add, jnp.zeros_like(settled[0]), settled)[1]
        return gains[..., view.seat] + self.beta * discount * past * sum(gains[..., j] for j in view.others)
