"""Opponent modeling: a learner that sees models of the others, fitted to their observed actions."""

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
"""The parameters of a model of every other player, in the order of their seats."""
MODELING_KEY = 2**31
"""What is folded into the key for the episodes that models are fitted to; learners fold in smaller numbers."""


class OpponentModelState(NamedTuple):
    """State of the learner.

    Attributes:
        inner: the inner learner's state.
        models: parameters of the models of the others, in the order of their seats.
        moments: the state of the models' optimizer.
    """

    inner: PyTree
    models: Models
    moments: PyTree


class OpponentModel(Learner):
    r"""Replace the others' parameters, which the inner learner then never sees, by those of models of them.

    Before every step of the inner learner, batches of episodes of the real players are sampled, and every
    model $\phi_j$, which has the architecture of the game's policies and starts from random parameters,
    descends $-\mathrm{mean}_{t,b} \log \pi_{\phi_j}(a_{j,t} | o_{j,t})$; if it has a critic, also half the
    mean squared error of its values for the returns of player j. The inner learner then sees a game in which
    the others play as their models do: its look-ahead and its episodes are those of the models.

    Args:
        inner: any learner.
        lr: learning rate of the models' policies, at least 0.
        lr_critic: learning rate of their critics, at least 0.
        batches: number of batches of episodes sampled before a step, at least 1.
        steps: number of gradient steps on each of them, at least 1.
        optimizer: `"adam"` or `"sgd"`, whose state is kept between the steps of a match.

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
        """The inner label in `modeling(...)`."""
        return f"modeling({self.inner.label})"

    def start(self, view: View) -> Own:
        """The inner learner's first parameters, in the view with models."""
        return self.inner.start(with_models(view, random_models(view)))

    def init(self, view: View) -> OpponentModelState:
        """Models with random parameters, and the inner state in the view with these models."""
        models = random_models(view)
        return OpponentModelState(
            self.inner.init(with_models(view, models)), models, self.descent.init(models)
        )

    def update(self, state: OpponentModelState, view: View) -> tuple[Own, OpponentModelState]:
        """The inner step in the view with models, after these were fitted to new episodes."""
        real = view.afresh(MODELING_KEY)

        def fit(carry, batch):
            played = real.afresh(batch).rollout()
            return jax.lax.fori_loop(
                0, self.steps, lambda _, x: self.fitted(x[0], x[1], view, played), carry
            ), None

        (models, moments), _ = jax.lax.scan(fit, (state.models, state.moments), jnp.arange(self.batches))
        step, inner = self.inner.update(state.inner, with_models(view, models))
        return step, OpponentModelState(inner, models, moments)

    @property
    def descent(self) -> optax.GradientTransformation:
        """The optimizer with learning rate 1; `scaled` applies the two learning rates."""
        return OPTIMIZERS[self.optimizer](learning_rate=1.0)

    def fitted(self, models: Models, moments: PyTree, view: View, played: Sample) -> tuple[Models, PyTree]:
        """Models and optimizer state after one gradient step of all models on a batch of episodes."""
        gradients = jax.grad(
            lambda models: sum(
                model_loss(m, view, j, played) for m, j in zip(models, view.others, strict=True)
            )
        )(models)
        steps, moments = self.descent.update(gradients, moments)
        return optax.tree.add(models, self.scaled(steps)), moments

    def scaled(self, steps: PyTree) -> PyTree:
        """Steps times the learning rates of policies and critics."""

        def rate(x):
            if isinstance(x, ActorCritic):
                return ActorCritic(
                    optax.tree.scale(self.lr, x.actor), optax.tree.scale(self.lr_critic, x.critic)
                )
            return self.lr * x

        return jax.tree.map(rate, steps, is_leaf=lambda x: isinstance(x, ActorCritic))


def random_models(view: View) -> Models:
    """Models with parameters as the game draws them, from another key than that of the match."""
    game, key = view.sampled, jax.random.key(0) if view.key is None else view.key
    key = jax.random.fold_in(key, MODELING_KEY)
    return tuple(game.policy.init(jax.random.fold_in(key, j), game.environment, j) for j in view.others)


def with_models(view: View, models: Models) -> View:
    """The view with the others' parameters replaced by those of their models."""
    params = dict(zip(view.others, models, strict=True)) | {view.seat: view.own}
    return dataclasses.replace(view, params=tuple(params[j] for j in range(len(params))))


def model_loss(model: Own, view: View, player: int, played: Sample) -> Float[Array, ""]:
    """Mean negative log-likelihood of a player's actions under a model, plus the loss of its critic if it has one."""
    game, x = view.sampled, agent(model)
    logs = log_probability(game.outputs(x, played, player), played.actions[:, :, player])
    loss = -jnp.where(played.alive, logs, 0.0).sum() / played.alive.sum()
    if isinstance(x, ActorCritic):
        valued = game.outputs(x.critic, played, player, last=True)
        loss += game.critic_loss(valued, played.rewards[..., player : player + 1], played.alive)[0]
    return loss
