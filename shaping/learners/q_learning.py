"""Q-learning with an epsilon-greedy policy, on own or joint actions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from games.base import Own
from shaping.base import Learner, Scalar, View, choice, number
from shaping.episodic.q_tables import (
    Step,
    decayed_rate,
    expected,
    experience,
    greedy,
    joint_actions,
    q_learning_step,
    random_values,
    table,
)


class QState(NamedTuple):
    """State of a Q-learner.

    Attributes:
        q: the value of every action, or joint action, after every observation.
        counts: number of times the others took each joint action after every observation, per episode of a batch.
        time: number of steps learned from.
    """

    q: Float[Array, "rows actions joint"]
    counts: Float[Array, "rows joint"]
    time: Int[Array, ""]


class QLearning(Learner):
    r"""Q-learning on own actions, or on joint actions with the others' empirical frequencies.

    After a step with observation o, own action a, the others' joint action b, reward r and next observation
    o', the value moves by

    $$Q(o, a, b) \leftarrow Q(o, a, b) + \alpha_t \Big(r + d \max_{a'} \bar Q(o', a') - Q(o, a, b)\Big), \qquad
    \bar Q(o, a) = \sum_b f(b | o)\, Q(o, a, b), \qquad \alpha_t = \frac{1}{1/\alpha + c\, t}$$

    - `over="own"`: there is no b: the others count as part of the environment (independent Q-learning);
    - `over="joint"`: f is the frequency of b after o so far (joint-action learning), uniform where o was never seen.

    The own parameters are a table of logits. One update goes through the steps of a batch of episodes that
    were played with the same policy, and sets the parameters to the $\epsilon$-greedy policy of $\bar Q$. At
    each step, the mean over the batch is applied, so a batch counts as one episode with less noise. The last
    step of an episode counts as truncated, so its final value is bootstrapped. The first batch is played with
    the parameters that the game drew.

    Args:
        lr: $\alpha$, learning rate, in [0, 1].
        decay: $c$, decay of that rate, at least 0.
        epsilon: $\epsilon$, probability of an action other than the best, in [0, 1].
        spread: standard deviation of the initial action values, at least 0.
        over: `"own"` or `"joint"`.

    Raises:
        ValueError: for a number outside its range, or an unknown `over`; in a match, for a game that is not
            sampled, or whose policies are no tables.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import play
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=10), batch=4)
        >>> play(game, [QLearning(), QLearning(over="joint")], steps=2).learners
        ('q_learning', 'jal_q')

    Source:
        Watkins & Dayan 1992, "Q-learning"; Claus & Boutilier 1998, "The dynamics of reinforcement learning in
        cooperative multiagent systems", section 3. The defaults are those of the tournament of Foerster et
        al. 2018a, where the policy is also updated within an episode, and joint actions never seen have value
        0.
    """

    lr: Scalar = number(0.01, maximum=1.0)
    decay: Scalar = number(1e-4)
    epsilon: Scalar = number(0.05, maximum=1.0)
    spread: Scalar = number(1.0)
    over: str = choice("own", "joint")

    @property
    def label(self) -> str:
        """What tables call this learner."""
        return "jal_q" if self.over == "joint" else "q_learning"

    def init(self, view: View) -> QState:
        """Random action values and counts of zero."""
        q = random_values(view, self.spread, joint_actions(view) if self.over == "joint" else 1)
        return QState(q, jnp.zeros_like(q[:, 0]), jnp.zeros((), jnp.int32))

    def update(self, state: QState, view: View) -> tuple[Own, QState]:
        """The logits of the epsilon-greedy policy after all steps of the batch, minus the own parameters."""

        def learn(state: QState, now: Step) -> tuple[QState, None]:
            rate = decayed_rate(self.lr, self.decay, state.time + 1)
            q = q_learning_step(state.q, frequencies(state.counts), now, rate, view.sampled.discount)
            counts = state.counts + jnp.einsum("b,br,bj->rj", now.weight, now.row, now.others)
            return QState(q, counts, state.time + 1), None

        state, _ = jax.lax.scan(learn, state, experience(view, self.over == "joint"))
        best = greedy(expected(state.q, frequencies(state.counts)), self.epsilon)
        return table(best) - view.own, state


def frequencies(counts: Float[Array, "rows joint"]) -> Float[Array, "rows joint"]:
    """Counts as frequencies; uniform where nothing was counted.

    Example:
        >>> frequencies(jnp.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.5, 0.5]]
    """
    total = counts.sum(axis=-1, keepdims=True)
    return jnp.where(total > 0, counts / jnp.where(total > 0, total, 1.0), 1.0 / counts.shape[-1])
