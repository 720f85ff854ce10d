"""Proximal policy optimization as a learner of sampled games."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from games.agents.base import Agent, actor_of, agent, with_actor
from games.base import Own
from games.sampled.episodes import log_policy
from games.sampled.estimators import returns
from shaping.base import Learner, Scalar, View, count, number
from shaping.episodic.critics import at_actions
from shaping.episodic.ppo_loss import clipped, normalized


class PpoState(NamedTuple):
    """State of the learner: its critic, and Adam's moments of policy and critic."""

    critic: Agent
    moments: PyTree[Array]


class Ppo(Learner):
    r"""Several epochs of clipped policy gradient on the own observations, actions and rewards of a batch of episodes.

    With the ratio $\rho = \pi(a|h) / \pi_{old}(a|h)$, the returns to go $\hat G$, normalized over the batch,
    and advantages $A = \hat G - V(h)$, minimize the mean over episodes and steps of

    $$-\min(\rho A, \mathrm{clip}(\rho, 1 - c, 1 + c) A) + v (V(h) - \hat G)^2 - e\, \mathcal{H}(\pi(\cdot|h))$$

    by Adam. The critic V has the architecture of the game's policies and is part of the state; the critic of
    an `ActorCritic` is not changed. For sampled games only.

    Args:
        lr: Adam's learning rate, at least 0.
        clip: $c$, at least 0.
        entropy: $e$, weight of the entropy, at least 0.
        value: $v$, weight of the critic's loss, at least 0.
        epochs: number of Adam's steps per batch of episodes.

    Raises:
        ValueError: for a number outside its range; in a match, for a game that is not sampled.

    Example:
        >>> from games import ENVIRONMENTS
        >>> from games.sampled.game import Sampled
        >>> from shaping import play
        >>> game = Sampled(ENVIRONMENTS.make("ipd_rollout", length=10), batch=8)
        >>> play(game, [Ppo()] * 2, steps=2).values.shape
        (1, 3, 2)

    Source:
        Schulman et al. 2017, "Proximal policy optimization algorithms", equation 7, with the normalized
        returns of Lu et al. 2022, as `shaping.model_free.Ppo`.
    """

    lr: Scalar = number(0.005)
    clip: Scalar = number(0.2)
    entropy: Scalar = number(0.01)
    value: Scalar = number(0.5)
    epochs: int = count(4)

    def init(self, view: View) -> PpoState:
        """A new critic and zero moments."""
        game = view.sampled
        key = jax.random.key(0) if view.key is None else view.key
        critic = game.policy.network(key, game.environment.observation_shape, 1)
        networks: PyTree = actor_of(view.own), critic
        return PpoState(critic, optax.adam(self.lr).init(networks))

    def update(self, state: PpoState, view: View) -> tuple[Own, PpoState]:
        """The policy after all epochs, minus the own parameters."""
        played, seat, old = view.rollout(), view.seat, actor_of(view.own)
        seen, actions = played.seen(seat), played.actions[..., seat]
        weights = played.alive / played.alive.sum()
        targets = normalized(returns(played.rewards[..., seat], view.sampled.discount), weights)
        before = at_actions(log_policy(agent(old), seen), actions)

        def loss(networks: tuple[Own, Agent]) -> Float[Array, ""]:
            logs = log_policy(agent(networks[0]), seen)
            values = networks[1].unroll_batch(seen)[..., 0]
            surrogate = clipped(
                jnp.exp(at_actions(logs, actions) - before),
                targets - jax.lax.stop_gradient(values),
                self.clip,
            )
            entropy = -(jnp.exp(logs) * logs).sum(axis=-1)
            return jnp.sum(
                weights * (-surrogate + self.value * (values - targets) ** 2 - self.entropy * entropy)
            )

        def epoch(carry: PyTree, _: None) -> tuple[PyTree, None]:
            networks, moments = carry
            step, moments = optax.adam(self.lr).update(jax.grad(loss)(networks), moments)
            return (optax.apply_updates(networks, step), moments), None

        ((new, critic), moments), _ = jax.lax.scan(
            epoch, ((old, state.critic), state.moments), length=self.epochs
        )
        step = with_actor(optax.tree.zeros_like(view.own), optax.tree.sub(new, old))
        return step, PpoState(critic, moments)
