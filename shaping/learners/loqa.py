"""LOQA: policy gradient through a model of the others as softmax policies of their action values."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from games.agents.base import Trembling, agent
from games.base import Own
from games.sampled.episodes import Sample, log_policy
from games.sampled.estimators import Paths, advantages, returns
from shaping.base import Learner, Scalar, View, number
from shaping.episodic.critics import (
    Critics,
    Networks,
    Outputs,
    at_actions,
    bootstrap_mask,
    mean,
    network_outputs,
    new_critics,
    updated,
)


class Loqa(Learner):
    r"""Learning with opponent Q-learning awareness: policy gradient that also increases the probability of others' good actions.

    The others are modeled as $\hat\pi_j = \mathrm{softmax}(Q_j / \tau)$, where the value of the action $b_t$
    that j took is replaced by an estimate from the return that followed, which depends on the own parameters
    (Loaded DiCE; w are the own log-probabilities and $\bot$ stops gradients):

    $$\hat Q_{j,t} = r_{j,t} + d \Big(G_{j,t+1} + \sum_{k > t} (d \lambda)^{k-t-1} (w_k - \bot w_k) (G_{j,k} - V_{j,k})\Big)$$

    The step is $a \nabla_i$ of the mean over episodes and steps of $A_{i,t} (w_t + c \sum_j \log
    \hat\pi_j(b_t)) + e \mathcal{H}_t$, with the own generalized advantages A and the entropy $\mathcal{H}$.
    The learner sees the observations, actions and rewards of all players, as in the paper, and learns $Q_j$
    for each of them: by Adam on the Huber loss, with targets $r + d \sum_b \pi_j(b) Q_j^{target}(b)$. There
    are no second derivatives. The last step of an episode counts as truncated, so its final value is
    bootstrapped. For sampled games only.

    While the action values are still inaccurate, advantages have a nonzero mean, and the model term then
    lowers the probability of everything that is good for the others: let the values learn much faster than
    the policies.

    Args:
        lr: own step size $a$, at least 0; `Optimized(Loqa(lr=1.0), "adam", lr=1e-3)` is the paper's.
        shaping: $c$, weight of the model term, at least 0; 0 is plain actor-critic.
        temperature: $\tau$ of the others' modeled policies, above 0.
        decay: $\lambda$ in [0, 1], which multiplies the game's discount $d$.
        mix: $\lambda$ of the generalized advantages, in [0, 1]; 0 for one-step advantages.
        entropy: $e$, weight of the entropy, at least 0.
        tremble: probability in [0, 1] with which, in the episodes that are learned from, every player's
            action is uniformly random.
        critic_lr: learning rate of the action values' Adam, at least 0.
        keep: decay of the target networks, in [0, 1]: the share of their old parameters they keep per update.

    Raises:
        ValueError: for a number outside its range; in a match, for a game that is not sampled.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import View
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=3), batch=2)
        >>> view = View(game, game.init(jax.random.key(0)), 0, jax.random.key(1))
        >>> [x.logits.shape for x in Loqa().init(view).networks]
        [(5, 2), (5, 2)]

    Source:
        Aghajohari et al. 2024, "LOQA: learning with opponent Q-learning awareness", algorithms 1 and 2, and
        its published code, which does not differentiate the own action of step t in $\hat Q_{j,t}$ either,
        since the other did not see it. In that code, returns are not continued by V at the end of an episode,
        and the values' targets have the next action instead of the mean over actions.
    """

    lr: Scalar = number(1.0)
    shaping: Scalar = number(1.0)
    temperature: Scalar = number(1.0, minimum=1e-6)
    decay: Scalar = number(0.9, maximum=1.0)
    mix: Scalar = number(0.0, maximum=1.0)
    entropy: Scalar = number(0.0)
    tremble: Scalar = number(0.0, maximum=1.0)
    critic_lr: Scalar = number(1e-2)
    keep: Scalar = number(0.99, maximum=1.0)

    def init(self, view: View) -> Critics:
        """Action values for every player."""
        return new_critics(view, view.sampled.environment.n_actions, self.critic_lr)

    def update(self, state: Critics, view: View) -> tuple[Own, Critics]:
        """The scaled gradient; the action values learn from the same episodes."""
        played = view.rollout(
            tuple(Trembling(x, jnp.asarray(self.tremble)) for x in view.sampled.agents(view.params))
        )
        q = network_outputs(state.networks, played)
        gradient = jax.grad(lambda own: self.objective(own, view, played, q))(view.own)
        return optax.tree.scale(self.lr, gradient), self.learned_values(state, view, played)

    def objective(self, own: Own, view: View, played: Sample, q: Outputs) -> Float[Array, ""]:
        """The objective, of which only the first derivative at the current parameters is meaningful."""
        seat, discount = view.seat, view.sampled.discount
        values = self.values(view, played, q)
        own_advantages = advantages(played.rewards, values, discount, jnp.asarray(self.mix))[..., seat]
        to_go = returns(played.rewards, discount, values[-1])
        logs = log_policy(agent(own), played.seen(seat))
        log_prob = at_actions(logs, played.actions[..., seat])
        estimates = self.action_value_estimates(log_prob, to_go, values, discount)
        modeled = jnp.zeros_like(log_prob)
        for j in view.others:
            taken = jax.nn.one_hot(played.actions[..., j], q[j].shape[-1], dtype=bool)
            q_hat = jnp.where(taken, estimates[..., j, None], q[j][:-1])
            modeled += at_actions(jax.nn.log_softmax(q_hat / self.temperature), played.actions[..., j])
        entropy = -(jnp.exp(logs) * logs).sum(axis=-1)
        return mean(own_advantages * (log_prob + self.shaping * modeled) + self.entropy * entropy, played)

    def action_value_estimates(
        self,
        log_prob: Float[Array, "steps batch"],
        to_go: Paths,
        values: Float[Array, "steps_1 batch n_players"],
        discount: Scalar,
    ) -> Paths:
        r"""$\hat Q_{j,t}$ of every player: the return to go, as a function of the own later actions' probabilities."""
        changes = (log_prob - jax.lax.stop_gradient(log_prob))[..., None]
        later = returns(changes * (to_go - values[:-1]), discount * jnp.asarray(self.decay))
        return to_go + discount * jnp.concatenate([later[1:], jnp.zeros_like(later[:1])])

    def values(self, view: View, played: Sample, q: Outputs) -> Float[Array, "steps_1 batch n_players"]:
        r"""Every player's state values $\sum_b \pi_j(b) Q_j(b)$; 0 after a terminal step."""
        agents = view.sampled.agents(view.params)
        policies = (jnp.exp(log_policy(x, played.seen(j, last=True))) for j, x in enumerate(agents))
        values = [(policy * q_j).sum(axis=-1) for policy, q_j in zip(policies, q, strict=True)]
        return jnp.where(bootstrap_mask(played), jnp.stack(values, axis=-1), 0.0)

    def learned_values(self, state: Critics, view: View, played: Sample) -> Critics:
        """The action values after a step towards the reward plus the discounted value of the next observation."""
        after = self.values(view, played, network_outputs(state.targets, played))[1:]
        targets = played.rewards + view.sampled.discount * after

        def loss(networks: Networks) -> Float[Array, ""]:
            taken = [
                at_actions(x[:-1], played.actions[..., j])
                for j, x in enumerate(network_outputs(networks, played))
            ]
            return mean(optax.losses.huber_loss(jnp.stack(taken, axis=-1), targets).sum(axis=-1), played)

        return updated(state, loss, self.critic_lr, self.keep)
