"""LOQA: a policy gradient that also flows through a model of the others, who follow their action values."""

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
    Heights,
    Networks,
    drawn,
    going_on,
    heights,
    improved,
    mean,
    picked,
)


class Loqa(Learner):
    r"""Learning with opponent Q-learning awareness: raise what makes the others' good actions good for oneself.

    The others are taken to play $\hat\pi_j = \mathrm{softmax}(Q_j / \tau)$. In it, the value of the action
    $b_t$ that j took is replaced by the return that followed, as a function of the own parameters (Loaded
    DiCE, w the own log-probabilities, whose values are taken off):

    $$\hat Q_{j,t} = r_{j,t} + d \Big(G_{j,t+1} + \sum_{k > t} (d \lambda)^{k-t-1} (w_k - \bot w_k) (G_{j,k} - V_{j,k})\Big)$$

    The step is up $a \nabla_i$ of the mean over episodes and steps of $A_{i,t} (w_t + c \sum_j \log
    \hat\pi_j(b_t)) + e \mathcal{H}_t$, with the own generalized advantages A. The learner sees everybody's
    observations, actions and rewards, as in the paper, and learns everybody's $Q_j$ in its own state: by Adam
    on Huber's loss, towards $r + d \sum_b \pi_j(b) Q_j^{slow}(b)$. There are no second derivatives. The last
    step of an episode is taken for a cut in a game that goes on. It plays sampled games alone.

    While the values are still far off, advantages have a mean, through which the model lowers all that is
    good for the others: let the values learn much faster than the policies.

    Args:
        lr: $a$, at least 0; `Optimized(Loqa(lr=1.0), "adam", lr=1e-3)` is the paper's.
        shaping: $c$, at least 0; 0 is plain actor-critic.
        temperature: $\tau$ of the others' policies, above 0.
        decay: $\lambda$ in [0, 1], beside the game's own discount $d$.
        mix: of the generalized advantages, in [0, 1]; 0 for one step and the critic.
        entropy: $e$, at least 0.
        tremble: probability in [0, 1] with which everybody's action is any while episodes are played to learn
            from.
        critic_lr: Adam's, of the action values, at least 0.
        keep: what share the slow copies keep of what they were, in [0, 1].

    Raises:
        ValueError: for a number outside its range; in a match, for a game that is not sampled.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import View
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=3), batch=2)
        >>> view = View(game, game.init(jax.random.key(0)), 0, jax.random.key(1))
        >>> [x.logits.shape for x in Loqa().init(view).now]
        [(5, 2), (5, 2)]

    Source:
        Aghajohari et al. 2024, "LOQA: learning with opponent Q-learning awareness", algorithms 1 and 2, and
        its published code: the action of the step itself is not differentiated in $\hat Q$, since the other
        did not see it. There, the returns are not continued by V at the end, and the values' targets take the
        action that followed instead of the mean.
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
        """Everybody's action values."""
        return drawn(view, view.sampled.environment.n_actions, self.critic_lr)

    def update(self, state: Critics, view: View) -> tuple[Own, Critics]:
        """The scaled gradient; the action values learn from the same episodes."""
        played = view.rollout(
            tuple(Trembling(x, jnp.asarray(self.tremble)) for x in view.sampled.agents(view.params))
        )
        slope = jax.grad(lambda own: self.objective(own, view, played, heights(state.now, played)))(view.own)
        return optax.tree.scale(self.lr, slope), self.learned(state, view, played)

    def objective(self, own: Own, view: View, played: Sample, q: Heights) -> Float[Array, ""]:
        """What is climbed, right in its first derivatives at the parameters that are there."""
        seat, discount = view.seat, view.sampled.discount
        worth = self.worth(view, played, q)
        gains = advantages(played.rewards, worth, discount, jnp.asarray(self.mix))[..., seat]
        to_go = returns(played.rewards, discount, worth[-1])
        logs = log_policy(agent(own), played.seen(seat))
        did = picked(logs, played.actions[..., seat])
        shaped = self.shaped(did, to_go, worth, discount)
        answers = jnp.zeros_like(did)
        for j in view.others:
            took = jax.nn.one_hot(played.actions[..., j], q[j].shape[-1], dtype=bool)
            model = jax.nn.log_softmax(jnp.where(took, shaped[..., j, None], q[j][:-1]) / self.temperature)
            answers += picked(model, played.actions[..., j])
        spread = -(jnp.exp(logs) * logs).sum(axis=-1)
        return mean(gains * (did + self.shaping * answers) + self.entropy * spread, played)

    def shaped(
        self,
        did: Float[Array, "steps batch"],
        to_go: Paths,
        worth: Float[Array, "steps_1 batch n_players"],
        discount: Scalar,
    ) -> Paths:
        """Everybody's returns to go, as functions of what the player did later."""
        changes = (did - jax.lax.stop_gradient(did))[..., None]
        later = returns(changes * (to_go - worth[:-1]), discount * jnp.asarray(self.decay))
        return to_go + discount * jnp.concatenate([later[1:], jnp.zeros_like(later[:1])])

    def worth(self, view: View, played: Sample, q: Heights) -> Float[Array, "steps_1 batch n_players"]:
        """What everybody's situations are worth: the mean of its action values; nothing after the end."""
        agents = view.sampled.agents(view.params)
        chances = (jnp.exp(log_policy(x, played.seen(j, last=True))) for j, x in enumerate(agents))
        values = [(p * heights).sum(axis=-1) for p, heights in zip(chances, q, strict=True)]
        return jnp.where(going_on(played), jnp.stack(values, axis=-1), 0.0)

    def learned(self, state: Critics, view: View, played: Sample) -> Critics:
        """The action values after a step towards one reward and what follows."""
        after = self.worth(view, played, heights(state.slow, played))[1:]
        targets = played.rewards + view.sampled.discount * after

        def loss(networks: Networks) -> Float[Array, ""]:
            took = [picked(x[:-1], played.actions[..., j]) for j, x in enumerate(heights(networks, played))]
            return mean(optax.losses.huber_loss(jnp.stack(took, axis=-1), targets).sum(axis=-1), played)

        return improved(state, loss, self.critic_lr, self.keep)
