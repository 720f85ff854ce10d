"""Policy hill-climbing, with a fixed learning rate or WoLF's variable one."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from games.base import Own
from games.exact.tables import probabilities
from shaping.base import Learner, Scalar, View, choice, number
from shaping.episodic.q_tables import (
    Step,
    decayed_rate,
    experience,
    q_learning_step,
    random_values,
    sizes,
    table,
)


class PhcState(NamedTuple):
    """State of a hill-climber.

    Attributes:
        q: the value of every action after every observation.
        average: the average policy so far, over the visits of every observation.
        visits: number of visits of every observation, per episode of a batch.
        time: number of steps learned from.
    """

    q: Float[Array, "rows actions 1"]
    average: Float[Array, "rows actions"]
    visits: Float[Array, " rows"]
    time: Int[Array, ""]


class Phc(Learner):
    r"""Policy hill-climbing, with a fixed learning rate or WoLF's variable one ("win or learn fast").

    At every step of an episode, after an update of the own Q-values with the learning rate $\alpha_t = 1 /
    (1/\alpha + c\, t)$, the policy at the current observation o moves towards the best action $a^*$ of Q:

    $$\pi(o, a) \leftarrow \pi(o, a) - \min\Big(\pi(o, a), \frac{\delta_t}{|A| - 1}\Big) \text{ for } a \ne a^*, \qquad
    \delta_t = \frac{1}{1/\delta + e\, t}$$

    and $\pi(o, a^*)$ increases by the sum of these decreases.

    - `pace="steady"`: plain policy hill-climbing;
    - `pace="wolf"`: $\delta_t$ is multiplied by `losing` unless $\sum_a \pi(o, a) Q(o, a) > \sum_a \bar\pi(o, a) Q(o, a)$, with
      $\bar\pi$ the average policy so far.

    The own parameters are the logits of $\pi$. One update goes through the steps of a batch of episodes that
    were played with the same policy; at each step, the mean over the batch is applied, so a batch counts as
    one episode with less noise. The last step of an episode counts as truncated, so its final value is
    bootstrapped. Actions are drawn from $\pi$, without further exploration.

    Args:
        lr: $\alpha$, learning rate of the action values, in [0, 1].
        decay: $c$, decay of that rate, at least 0.
        delta: $\delta$, step size of the policy, at least 0.
        delta_decay: $e$, decay of that step size, at least 0.
        losing: factor on the step size while losing, at least 0; for `"wolf"`.
        spread: standard deviation of the initial action values, at least 0.
        pace: `"steady"` or `"wolf"`.

    Raises:
        ValueError: for a number outside its range, or an unknown `pace`; in a match, for a game that is not
            sampled, or whose policies are no tables.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import play
        >>> game = Sampled(ENVIRONMENTS.make("imp_rollout", length=10), batch=4)
        >>> play(game, [Phc(), Phc(delta=0.01, pace="wolf")], steps=2).learners
        ('phc', 'wolf_phc')

    Source:
        Bowling & Veloso 2002, "Multiagent learning using a variable learning rate", tables 4 and 5. The
        defaults are those of the tournament of Foerster et al. 2018a, where the policy is also updated
        within an episode.
    """

    lr: Scalar = number(0.01, maximum=1.0)
    decay: Scalar = number(1e-4)
    delta: Scalar = number(5e-5)
    delta_decay: Scalar = number(1.0)
    losing: Scalar = number(2.0)
    spread: Scalar = number(1.0)
    pace: str = choice("steady", "wolf")

    @property
    def label(self) -> str:
        """What tables call this learner."""
        return "wolf_phc" if self.pace == "wolf" else "phc"

    def start(self, view: View) -> Own:
        """The uniform policy."""
        return optax.tree.zeros_like(view.own)

    def init(self, view: View) -> PhcState:
        """Random action values; the average policy is the first policy."""
        rows, n = sizes(view)
        q = random_values(view, self.spread)
        return PhcState(q, probabilities(view.own, n), jnp.zeros(rows, q.dtype), jnp.zeros((), jnp.int32))

    def update(self, state: PhcState, view: View) -> tuple[Own, PhcState]:
        """The logits of the policy after all steps of the batch, minus the own parameters."""
        rows, n = sizes(view)

        def learn(carry: tuple[Array, PhcState], now: Step) -> tuple[tuple[Array, PhcState], None]:
            policy, (q, average, visits, time) = carry
            time, visited = time + 1, now.weight @ now.row
            q = q_learning_step(
                q,
                jnp.ones((rows, 1), q.dtype),
                now,
                decayed_rate(self.lr, self.decay, time),
                view.sampled.discount,
            )
            visits = visits + visited
            average = average + (visited / jnp.where(visits > 0, visits, 1.0))[:, None] * (policy - average)
            delta = decayed_rate(self.delta, self.delta_decay, time) * self.speed(policy, average, q[..., 0])
            policy = policy + visited[:, None] * policy_step(policy, q[..., 0], delta)
            return (policy, PhcState(q, average, visits, time)), None

        (policy, state), _ = jax.lax.scan(learn, (probabilities(view.own, n), state), experience(view))
        return table(policy) - view.own, state

    def speed(
        self,
        policy: Float[Array, "rows actions"],
        average: Float[Array, "rows actions"],
        q: Float[Array, "rows actions"],
    ) -> Float[Array, "rows 1"]:
        """Factor on the step size: 1 while winning, otherwise `losing`; always 1 for `"steady"`."""
        if self.pace == "steady":
            return jnp.ones_like(q[:, :1])
        lead = ((policy - average) * (q - q.max(axis=-1, keepdims=True))).sum(axis=-1, keepdims=True)
        return jnp.where(lead > 0, 1.0, self.losing)


def policy_step(
    policy: Float[Array, "rows actions"], q: Float[Array, "rows actions"], delta: Float[Array, "rows 1"]
) -> Float[Array, "rows actions"]:
    """The change of every row's probabilities towards its best action, by at most `delta`.

    Of equally good actions the first is the best.

    Example:
        >>> policy_step(jnp.array([[0.5, 0.25, 0.25]]), jnp.array([[0.0, 1.0, 0.0]]), jnp.array([[0.25]])).tolist()
        [[-0.125, 0.25, -0.125]]
    """
    n = q.shape[-1]
    best = jax.nn.one_hot(q.argmax(axis=-1), n, dtype=bool)
    lost = jnp.where(best, 0.0, jnp.minimum(policy, delta / max(n - 1, 1)))
    return jnp.where(best, lost.sum(axis=-1, keepdims=True), -lost)
