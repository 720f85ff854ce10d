"""POLA by a fixed number of steps, for games whose values are estimated: POLA-DiCE on a sampled game."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.agents.base import ActorCritic
from games.base import Joint, Own
from shaping.base import Learner, Scalar, View, choice, count, number, replaced


class PolaDice(Learner):
    r"""Ascend the value after the others' next steps, with a penalty on the change of the own policy.

    On a sampled game this is POLA-DiCE. One update repeats `steps` times, from the old parameters and with
    new episodes each time, $\theta_i \leftarrow \theta_i +
    \mathrm{Adam}(\nabla_i [V_i(\theta_i, \theta_{-i}^k) - \beta\, D(\pi_i^{old} \| \pi_{\theta_i})])$,
    differentiated through k steps of the others, with new episodes for each, $\theta_j^{m+1} =
    \theta_j^m + b\, \nabla_j [V_j(\theta_i, \theta_{-i}^m) - \beta_{in}\, D(\pi_j^{old} \|
    \pi_{\theta_j^m})]$.

    `Pola` solves the same problem to a tolerance, which is not possible with estimates; this learner takes a
    fixed number of steps, on any game. If parameters are an `ActorCritic`, critics are trained in the same
    steps with learning rates of their own. With `steps=1` and no penalties this is `Lola` with Adam, or
    LOLA-DiCE as in the public code of the POLA paper.

    Args:
        lr: Adam's learning rate, at least 0; at 0 nothing moves.
        look_ahead: $b$, the others' step size, at least 0.
        penalty: $\beta$, at least 0.
        inner_penalty: $\beta_{in}$, at least 0.
        critic: the own critic's learning rate as a multiple of `lr`, at least 0.
        inner_critic: the others' critics' step size, at least 0; in the public code, .0005 times twice the
            number of steps of an episode, since its critics descend the sum of squares over steps.
        inner_steps: $k$, number of steps of the others.
        steps: number of Adam's steps per update.
        moments: whether Adam's moments are `"kept"` between updates or `"renewed"` (reset to zero) at every
            update, as in the public code; with `steps=1` a renewed step is close to the sign of the gradient
            times `lr`.

    Raises:
        ValueError: for a negative or NaN number, or an unknown `moments`.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", algorithm 4; defaults are
        those of the public code for the iterated contribution game. The public code has the opposite
        direction of the divergences, $D(\pi_{\theta} \| \pi^{old})$, which is equal to second order.

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
        """The parameters after all steps of the proximal problem, minus the own parameters."""

        def step(carry, s):
            own, moments = carry
            gradient = self.gradient(own, view.afresh(s))
            direction, moments = optax.scale_by_adam().update(gradient, moments)
            return (stepped(own, direction, self.lr, self.lr * self.critic), moments), None

        start = view.own, self.init(view) if self.moments == "renewed" else state
        (own, state), _ = jax.lax.scan(step, start, jnp.arange(self.steps))
        return optax.tree.sub(own, view.own), state

    def gradient(self, own: Own, view: View) -> Own:
        """The gradient of the proximal objective at own parameters, through all steps of the others."""
        game = view.game

        def objective(own: Own) -> Scalar:
            no_penalty = (
                None,
            ) * game.n_players  # before the first step the divergence and its gradient are 0
            joint = self.others_step(view.afresh(0), view.with_own(own), no_penalty)
            if self.inner_steps == 2:
                joint = self.others_step(view.afresh(1), joint, view.params)
            elif (
                self.inner_steps > 2
            ):  # a loop, so that compilation time does not grow with the number of steps
                steps = jnp.arange(1, self.inner_steps, dtype=jnp.uint32)
                joint, _ = jax.lax.scan(
                    lambda joint, m: (self.others_step(view.afresh(m), joint, view.params), None),
                    joint,
                    steps,
                )
            return game.proximal(view.seat, view.own, self.penalty, joint, view.key)

        return jax.grad(objective)(own)

    def others_step(self, view: View, joint: Joint, old: Joint) -> Joint:
        """Everybody's parameters after one more step of the others, with a penalty on the divergence from `old`."""
        after = {}
        for j in view.others:

            def objective(theirs: Own, j=j) -> Scalar:
                return view.game.proximal(j, old[j], self.inner_penalty, replaced(joint, j, theirs), view.key)

            after[j] = stepped(joint[j], jax.grad(objective)(joint[j]), self.look_ahead, self.inner_critic)
        return tuple(after.get(j, p) for j, p in enumerate(joint))


def stepped(own: Own, direction: Own, rate: Scalar, critic: Scalar) -> Own:
    """Parameters after a step, with a learning rate of its own for a critic."""
    if isinstance(own, ActorCritic):
        return ActorCritic(
            stepped(own.actor, direction.actor, rate, critic),
            stepped(own.critic, direction.critic, critic, critic),
        )
    return jax.tree.map(lambda p, d: (p + rate * d).astype(p.dtype), own, direction)
