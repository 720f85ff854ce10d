"""Proximal learning with opponent-learning awareness by a fixed number of steps, on games whose values are estimated."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.agents.base import ActorCritic
from games.base import Joint, Own
from shaping.base import Learner, Scalar, View, choice, count, number, replaced


class PolaDice(Learner):
    r"""Ascend the value one will have after the others' next steps, as far as behavior stays close: POLA-DiCE on a sampled game.

    `steps` times, with fresh randomness, from the old parameters, $\theta_i \leftarrow \theta_i +
    \mathrm{Adam}(\nabla_i [V_i(\theta_i, \theta_{-i}^k) - \beta\, D(\pi_i^{old} \| \pi_{\theta_i})])$,
    differentiated through k steps of the others' answer, with fresh randomness each: $\theta_j^{m+1} =
    \theta_j^m + b\, \nabla_j [V_j(\theta_i, \theta_{-i}^m) - \beta_{in}\, D(\pi_j^{old} \|
    \pi_{\theta_j^m})]$.

    `Pola` solves the same problem to a tolerance, which an estimate does not have; this one takes as many
    steps as it is told to, on any game. Where parameters are an `ActorCritic`, critics learn along the way at
    a rate of their own. With `steps=1` and no penalties this is LOLA(-DiCE) with Adam.

    Args:
        lr: Adam's rate, at least 0; at 0 nothing moves.
        look_ahead: $b$, the others' rate, at least 0.
        penalty: $\beta$, at least 0.
        inner_penalty: $\beta_{in}$, at least 0.
        critic: the own critic's rate as a share of `lr`, at least 0.
        inner_critic: the others' critics' rate, at least 0; in the public code, .0005 times twice the number
            of steps of an episode, since its critics descend the sum of squares over steps.
        inner_steps: k.
        steps: how many of Adam's steps make an update.
        moments: whether Adam's moments are `"kept"` from update to update, or `"renewed"` at every one, as in
            the public code; with `steps=1` that is close to a step of fixed size in the direction of the
            gradient's signs.

    Raises:
        ValueError: for a negative or NaN number, or an unknown `moments`.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", algorithm 4; defaults are
        those of the public code for the iterated contribution game. The public code has its divergences the
        other way round, of the new policy from the old one, which is the same to second order.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.estimators import LoadedDice
        >>> from games.sampled.game import Sampled
        >>> from shaping import play
        >>> game = Sampled(ENVIRONMENTS.make("ipd_contribution_rollout", length=4), estimator=LoadedDice(), batch=8)
        >>> play(game, [PolaDice(steps=2)] * 2, steps=1).values.shape
        (1, 2, 2)
    """

    lr: Scalar = number(0.003)
    look_ahead: Scalar = number(0.005)
    penalty: Scalar = number(100.0)
    inner_penalty: Scalar = number(10.0)
    critic: Scalar = number(1 / 6)
    inner_critic: Scalar = number(0.05)
    inner_steps: int = count(2)
    steps: int = count(200)
    moments: str = choice("kept", "renewed")

    @property
    def label(self) -> str:
        """What tables call this learner: `pola_dice`; with one step, where the penalty has no gradient yet, `lola_dice_adam`."""
        return "pola_dice" if self.steps > 1 else "lola_dice_adam"

    def init(self, view: View) -> PyTree:
        """Adam's moments before the first step."""
        return optax.scale_by_adam().init(view.own)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """All the steps of one proximal problem."""

        def step(carry, s):
            own, moments = carry
            slope = self.slope(own, view.afresh(s))
            direction, moments = optax.scale_by_adam().update(slope, moments)
            return (climbed(own, direction, self.lr, self.lr * self.critic), moments), None

        begin = view.own, self.init(view) if self.moments == "renewed" else state
        (own, state), _ = jax.lax.scan(step, begin, jnp.arange(self.steps))
        return optax.tree.sub(own, view.own), state

    def slope(self, own: Own, view: View) -> Own:
        """The gradient of the proximal objective at own parameters, through all of the others' steps."""
        game = view.game

        def objective(own: Own) -> Scalar:
            unmoved = (None,) * game.n_players  # nothing has moved yet: no divergence, and no gradient of it
            joint = self.answered(view.afresh(0), view.with_own(own), unmoved)
            if self.inner_steps == 2:
                joint = self.answered(view.afresh(1), joint, view.params)
            elif self.inner_steps > 2:  # one loop, whose program is as long as that of one step
                steps = jnp.arange(1, self.inner_steps, dtype=jnp.uint32)
                joint, _ = jax.lax.scan(
                    lambda joint, m: (self.answered(view.afresh(m), joint, view.params), None), joint, steps
                )
            return game.proximal(view.seat, view.own, self.penalty, joint, view.key)

        return jax.grad(objective)(own)

    def answered(self, view: View, joint: Joint, old: Joint) -> Joint:
        """Everybody's parameters after one more step of the others, held to where they were."""
        after = {}
        for j in view.others:

            def objective(theirs: Own, j=j) -> Scalar:
                return view.game.proximal(j, old[j], self.inner_penalty, replaced(joint, j, theirs), view.key)

            after[j] = climbed(joint[j], jax.grad(objective)(joint[j]), self.look_ahead, self.inner_critic)
        return tuple(after.get(j, p) for j, p in enumerate(joint))


def climbed(own: Own, direction: Own, rate: Scalar, critic: Scalar) -> Own:
    """Parameters after a step, a critic's at a rate of its own."""
    if isinstance(own, ActorCritic):
        return ActorCritic(
            climbed(own.actor, direction.actor, rate, critic),
            climbed(own.critic, direction.critic, critic, critic),
        )
    return jax.tree.map(lambda p, s: (p + rate * s).astype(p.dtype), own, direction)
