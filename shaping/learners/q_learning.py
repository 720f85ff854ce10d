"""Q-learning: what one's actions are worth, learned step by step, and mostly the best of them played."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from games.base import Own
from shaping.base import Learner, Scalar, View, choice, number
from shaping.episodic.q_tables import (
    Step,
    corrected,
    decayed,
    drawn,
    expected,
    experience,
    greedy,
    joint_actions,
    table,
)


class Values(NamedTuple):
    """What a Q-learner knows.

    Attributes:
        q: the value of every action, or joint action, after every observation.
        counts: how often the others did what, after every observation, per episode of a batch.
        time: how many steps it has learned from.
    """

    q: Float[Array, "rows actions joint"]
    counts: Float[Array, "rows joint"]
    time: Int[Array, ""]


class QLearning(Learner):
    r"""Q-learning on one's own actions, or on joint actions with the others' frequencies.

    After a step with observation o, own action a, the others' joint action b, reward r and next observation
    o', the value moves by

    $$Q(o, a, b) \leftarrow Q(o, a, b) + \alpha_t \Big(r + d \max_{a'} \bar Q(o', a') - Q(o, a, b)\Big), \qquad
    \bar Q(o, a) = \sum_b f(b | o)\, Q(o, a, b), \qquad \alpha_t = \frac{1}{1/\alpha + c\, t}$$

    - `over="own"`: there is no b; the others are part of the world (independent Q-learning);
    - `over="joint"`: f is how often they did b after o so far (joint-action learning); equal where o was never seen.

    Own parameters are a table of logits. One update walks through the steps of a batch of episodes, which are
    played with the same policy, and the parameters become those of the best action of $\bar Q$, but with
    probability $\epsilon$ one of the others. At each step the values move by the mean over the batch: a batch
    counts as one episode, with less noise. The last step of an episode is taken for a cut in a game that goes
    on. The first batch is played with the parameters that the game drew.

    Args:
        lr: $\alpha$, in [0, 1]: above, values overshoot their targets.
        decay: $c$, how fast the rate falls, at least 0.
        epsilon: in [0, 1].
        spread: standard deviation of the first values, at least 0.
        over: `"own"` or `"joint"`.

    Raises:
        ValueError: for a number outside its range, or an unknown `over`; in a match, for a game that is not
            sampled, or not played by tables.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import play
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=10), batch=4)
        >>> play(game, [QLearning(), QLearning(over="joint")], steps=2).learners
        ('q_learning', 'jal_q')

    Source:
        Watkins & Dayan 1992, "Q-learning"; Claus & Boutilier 1998, "The dynamics of reinforcement learning in
        cooperative multiagent systems", section 3. The settings are those of the tournament of Foerster et
        al. 2018a, where the policy follows the values within an episode too, and joint actions never seen
        count as worth 0.
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

    def init(self, view: View) -> Values:
        """Values drawn at random, and no counts."""
        q = drawn(view, self.spread, joint_actions(view) if self.over == "joint" else 1)
        return Values(q, jnp.zeros_like(q[:, 0]), jnp.zeros((), jnp.int32))

    def update(self, state: Values, view: View) -> tuple[Own, Values]:
        """To the parameters of the best actions, after all steps of the batch."""

        def learn(state: Values, now: Step) -> tuple[Values, None]:
            rate = decayed(self.lr, self.decay, state.time + 1)
            q = corrected(state.q, frequencies(state.counts), now, rate, view.sampled.discount)
            counts = state.counts + jnp.einsum("b,br,bj->rj", now.weight, now.row, now.others)
            return Values(q, counts, state.time + 1), None

        state, _ = jax.lax.scan(learn, state, experience(view, self.over == "joint"))
        best = greedy(expected(state.q, frequencies(state.counts)), self.epsilon)
        return table(best) - view.own, state


def frequencies(counts: Float[Array, "rows joint"]) -> Float[Array, "rows joint"]:
    """Counts as frequencies; equal ones where nothing was counted.

    Example:
        >>> frequencies(jnp.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.5, 0.5]]
    """
    total = counts.sum(axis=-1, keepdims=True)
    return jnp.where(total > 0, counts / jnp.where(total > 0, total, 1.0), 1.0 / counts.shape[-1])
