"""A learner that knows the others only by what they do: it plays against models of them, fitted along the way."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from games.agents.base import ActorCritic, agent
from games.base import Own
from games.sampled.episodes import Sample, log_probability
from shaping.base import Learner, Scalar, View, choice, count, number
from shaping.wrappers.basic import OPTIMIZERS

Models = tuple[Own, ...]
"""A model of every other player, by seat."""
WATCHED = 2**31
"""The number of the randomness of what is watched, which no learner asks for."""


class Modeled(NamedTuple):
    """What is known of the others.

    Attributes:
        inner: the inner learner's state.
        models: of the others, by seat.
        moments: the optimizer's.
    """

    inner: PyTree
    models: Models
    moments: PyTree


class OpponentModel(Learner):
    r"""Learn against models of the others in place of the others, whose parameters are never seen.

    Before every step of the inner learner, real episodes are watched, one batch after the other, and every
    model $\phi_j$, which has the form of the game's policies and starts from a draw of its own, descends
    $-\mathrm{mean}_{t,b} \log \pi_{\phi_j}(a_{j,t} | o_{j,t})$; where it has a critic, also half the mean
    squared distance of its values from the rewards to go of player j. The inner learner then sees a game in
    which the others are their models: what it anticipates, and whatever episodes it asks for, is imagined.

    Args:
        inner: any learner.
        lr: of the models' policies, at least 0.
        lr_critic: of their critics, at least 0.
        batches: how many batches of episodes are watched before a step, at least 1.
        steps: how many steps of descent each of them serves, at least 1.
        optimizer: `"adam"` or `"sgd"`, which goes on from one step of the match to the next.

    Raises:
        ValueError: for a number outside its range; when a match starts, for a game that is not played step by
            step.

    Source:
        Foerster et al. 2018a, "Learning with opponent-learning awareness", section 4.4. Defaults: POLA-OM of
        Zhao et al. 2022.

    Example:
        >>> from games import ENVIRONMENTS, Sampled
        >>> from shaping import Naive, play
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=5), batch=4)
        >>> play(game, [OpponentModel(Naive(), batches=2)] * 2, steps=2).learners
        ('modeling(naive)', 'modeling(naive)')
    """

    inner: Learner
    lr: Scalar = number(0.005)
    lr_critic: Scalar = number(0.0005)
    batches: int = count(200)
    steps: int = count(1)
    optimizer: str = choice("adam", "sgd")

    @property
    def label(self) -> str:
        """The inner label, marked."""
        return f"modeling({self.inner.label})"

    def start(self, view: View) -> Own:
        """As the inner learner, who sees models."""
        return self.inner.start(imagined(view, drawn(view)))

    def init(self, view: View) -> Modeled:
        """The models as they are drawn, and the inner state against them."""
        models = drawn(view)
        return Modeled(self.inner.init(imagined(view, models)), models, self.descent.init(models))

    def update(self, state: Modeled, view: View) -> tuple[Own, Modeled]:
        """The inner step against the models, after they were fitted to what the others do now."""
        watching = view.afresh(WATCHED)

        def watch(carry, batch):
            played = watching.afresh(batch).rollout()
            return jax.lax.fori_loop(
                0, self.steps, lambda _, known: self.fitted(known[0], known[1], view, played), carry
            ), None

        (models, moments), _ = jax.lax.scan(watch, (state.models, state.moments), jnp.arange(self.batches))
        step, inner = self.inner.update(state.inner, imagined(view, models))
        return step, Modeled(inner, models, moments)

    @property
    def descent(self) -> optax.GradientTransformation:
        """The optimizer at rate 1."""
        return OPTIMIZERS[self.optimizer](learning_rate=1.0)

    def fitted(self, models: Models, moments: PyTree, view: View, played: Sample) -> tuple[Models, PyTree]:
        """One step of all models towards what was watched."""
        slopes = jax.grad(
            lambda models: sum(misfit(m, view, j, played) for m, j in zip(models, view.others, strict=True))
        )(models)
        steps, moments = self.descent.update(slopes, moments)
        return optax.tree.add(models, self.rated(steps)), moments

    def rated(self, steps: PyTree) -> PyTree:
        """Steps at the rates of policies and critics."""

        def rate(x):
            if isinstance(x, ActorCritic):
                return ActorCritic(
                    optax.tree.scale(self.lr, x.actor), optax.tree.scale(self.lr_critic, x.critic)
                )
            return self.lr * x

        return jax.tree.map(rate, steps, is_leaf=lambda x: isinstance(x, ActorCritic))


def drawn(view: View) -> Models:
    """Models as the game draws parameters, from other randomness than the match's."""
    game, key = view.sampled, jax.random.key(0) if view.key is None else view.key
    key = jax.random.fold_in(key, WATCHED)
    return tuple(game.policy.init(jax.random.fold_in(key, j), game.environment, j) for j in view.others)


def imagined(view: View, models: Models) -> View:
    """The view with the others' parameters replaced by their models."""
    known = dict(zip(view.others, models, strict=True)) | {view.seat: view.own}
    return dataclasses.replace(view, params=tuple(known[j] for j in range(len(known))))


def misfit(model: Own, view: View, player: int, played: Sample) -> Float[Array, ""]:
    """How far a model is from what a player did, and, where it has a critic, from what that was worth."""
    game, x = view.sampled, agent(model)
    logs = log_probability(game.outputs(x, played, player), played.actions[:, :, player])
    loss = -jnp.where(played.alive, logs, 0.0).sum() / played.alive.sum()
    if isinstance(x, ActorCritic):
        valued = game.outputs(x.critic, played, player, last=True)
        loss += game.critic_loss(valued, played.rewards[..., player : player + 1], played.alive)[0]
    return loss
