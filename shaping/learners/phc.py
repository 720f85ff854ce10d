"""Policy hill-climbing: move towards the action that is worth most, a little at a time; slowly where one wins."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from games.base import Own
from games.exact.tables import probabilities
from shaping.base import Learner, Scalar, View, choice, number
from shaping.episodic.q_tables import Step, corrected, decayed, drawn, experience, sizes, table


class Climb(NamedTuple):
    """What a hill-climber knows.

    Attributes:
        q: the value of every action after every observation.
        average: the mean of its policies so far, over the visits of every observation.
        visits: how often an observation was met, per episode of a batch.
        time: how many steps it has learned from.
    """

    q: Float[Array, "rows actions 1"]
    average: Float[Array, "rows actions"]
    visits: Float[Array, " rows"]
    time: Int[Array, ""]


class Phc(Learner):
    r"""Policy hill-climbing, at a steady rate or at WoLF's two ("win or learn fast").

    At every step, after one of Q-learning on the own actions with the rate $\alpha_t = 1 / (1/\alpha + c\,
    t)$, the policy at the observation o that was met moves towards the best action $a^*$ of Q:

    $$\pi(o, a) \leftarrow \pi(o, a) - \min\Big(\pi(o, a), \frac{\delta_t}{|A| - 1}\Big) \text{ for } a \ne a^*, \qquad
    \delta_t = \frac{1}{1/\delta + e\, t}$$

    and $a^*$ gets what the others lose.

    - `pace="steady"`: plain policy hill-climbing;
    - `pace="wolf"`: $\delta_t$ is multiplied by `losing` unless $\sum_a \pi(o, a) Q(o, a) > \sum_a \bar\pi(o, a) Q(o, a)$, with
      $\bar\pi$ the mean of the policies so far.

    Own parameters are the logits of $\pi$. One update walks through the steps of a batch of episodes, which
    are played with the same policy. At each step everything moves by the mean over the batch: a batch counts
    as one episode, with less noise. The last step of an episode is taken for a cut in a game that goes on.
    There is no exploration but that of $\pi$.

    Args:
        lr: $\alpha$, in [0, 1]: above, values overshoot their targets.
        decay: $c$, at least 0.
        delta: $\delta$, at least 0.
        delta_decay: $e$, at least 0.
        losing: how many times faster to learn while losing, at least 0; for `"wolf"`.
        spread: standard deviation of the first values, at least 0.
        pace: `"steady"` or `"wolf"`.

    Raises:
        ValueError: for a number outside its range, or an unknown `pace`; in a match, for a game that is not
            sampled, or not played by tables.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import play
        >>> game = Sampled(ENVIRONMENTS.make("imp_rollout", length=10), batch=4)
        >>> play(game, [Phc(), Phc(delta=0.01, pace="wolf")], steps=2).learners
        ('phc', 'wolf_phc')

    Source:
        Bowling & Veloso 2002, "Multiagent learning using a variable learning rate", tables 4 and 5. The
        settings are those of the tournament of Foerster et al. 2018a, where the policy that plays moves
        within an episode too.
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
        """The policy that plays all actions alike."""
        return optax.tree.zeros_like(view.own)

    def init(self, view: View) -> Climb:
        """Values drawn at random; the average is the policy that there is."""
        rows, n = sizes(view)
        q = drawn(view, self.spread)
        return Climb(q, probabilities(view.own, n), jnp.zeros(rows, q.dtype), jnp.zeros((), jnp.int32))

    def update(self, state: Climb, view: View) -> tuple[Own, Climb]:
        """To the parameters of the policy after all steps of the batch."""
        rows, n = sizes(view)

        def learn(carry: tuple[Array, Climb], now: Step) -> tuple[tuple[Array, Climb], None]:
            policy, (q, average, visits, time) = carry
            time, met = time + 1, now.weight @ now.row
            q = corrected(
                q,
                jnp.ones((rows, 1), q.dtype),
                now,
                decayed(self.lr, self.decay, time),
                view.sampled.discount,
            )
            visits = visits + met
            average = average + (met / jnp.where(visits > 0, visits, 1.0))[:, None] * (policy - average)
            delta = decayed(self.delta, self.delta_decay, time) * self.haste(policy, average, q[..., 0])
            policy = policy + met[:, None] * climb(policy, q[..., 0], delta)
            return (policy, Climb(q, average, visits, time)), None

        (policy, state), _ = jax.lax.scan(learn, (probabilities(view.own, n), state), experience(view))
        return table(policy) - view.own, state

    def haste(
        self,
        policy: Float[Array, "rows actions"],
        average: Float[Array, "rows actions"],
        q: Float[Array, "rows actions"],
    ) -> Float[Array, "rows 1"]:
        """1 where one wins, otherwise `losing`; always 1 at a steady pace."""
        if self.pace == "steady":
            return jnp.ones_like(q[:, :1])
        gain = ((policy - average) * (q - q.max(axis=-1, keepdims=True))).sum(axis=-1, keepdims=True)
        return jnp.where(gain > 0, 1.0, self.losing)


def climb(
    policy: Float[Array, "rows actions"], q: Float[Array, "rows actions"], delta: Float[Array, "rows 1"]
) -> Float[Array, "rows actions"]:
    """The move of every row by at most `delta` towards its best action; of equals, the first is the best.

    Example:
        >>> climb(jnp.array([[0.5, 0.25, 0.25]]), jnp.array([[0.0, 1.0, 0.0]]), jnp.array([[0.25]])).tolist()
        [[-0.125, 0.25, -0.125]]
    """
    n = q.shape[-1]
    best = jax.nn.one_hot(q.argmax(axis=-1), n, dtype=bool)
    lost = jnp.where(best, 0.0, jnp.minimum(policy, delta / max(n - 1, 1)))
    return jnp.where(best, lost.sum(axis=-1, keepdims=True), -lost)
