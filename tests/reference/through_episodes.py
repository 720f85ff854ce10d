"""One outer step of POLA-DiCE as straightforward code has it: derivatives pass through the episodes as they are played.

Actors and critics of everybody run inside the rollout, episode by episode, and the rollout is differentiated;
policies run once more, old and new, for the divergence. The draws are those of
`games.sampled.episodes.sample`, so that the gradient must be that of `PolaDice`.
"""

import jax
import jax.numpy as jnp

from games.agents.base import Agent
from games.base import Joint, Own
from games.hash_random import derive, words
from games.sampled.episodes import choose, draw_from
from games.sampled.estimators import primal
from games.sampled.game import Sampled
from shaping.base import View, replaced
from shaping.learners.pola_dice import PolaDice, stepped


def episodes(game: Sampled, joint: Joint, key):
    """Everybody's observations, log-probabilities, values (the end included) and rewards; leading axes of steps and episodes."""
    environment = game.environment

    def episode(number):
        lane, every = derive(key, number), jnp.arange(game.steps)
        observations, state = environment.reset(derive(lane, 0, 0))
        draws = jax.vmap(
            lambda t: tuple(draw_from(word) for word in words(derive(lane, t, 1), environment.n_players))
        )(every)

        def step(carry, now):
            observations, state, acting, valuing = carry
            t, draws = now
            acted = [x.actor(observations[i], acting[i]) for i, x in enumerate(joint)]
            valued = [x.critic(observations[i], valuing[i]) for i, x in enumerate(joint)]
            actions = jnp.stack(
                [
                    choose(draw, jax.lax.stop_gradient(logits))
                    for draw, (logits, _) in zip(draws, acted, strict=True)
                ]
            )
            logs = jnp.stack(
                [
                    jax.nn.log_softmax(logits)[action]
                    for (logits, _), action in zip(acted, actions, strict=True)
                ]
            )
            values = jnp.stack([value[0] for value, _ in valued])
            seen, state, rewards, *_ = environment.step(derive(lane, t, 2), state, actions)
            carry = seen, state, [memory for _, memory in acted], [memory for _, memory in valued]
            return carry, (observations, logs, values, rewards)

        begin = observations, state, [x.actor.memory() for x in joint], [x.critic.memory() for x in joint]
        (final, _, _, valuing), (seen, logs, values, rewards) = jax.lax.scan(step, begin, (every, draws))
        last = jnp.stack([x.critic(final[i], valuing[i])[0][0] for i, x in enumerate(joint)])
        return seen, logs, jnp.concatenate([values, last[None]]), rewards

    return jax.vmap(episode, out_axes=1)(jnp.arange(game.batch))


def logits(actor: Agent, seen):
    """What an actor makes of what was seen, episode by episode."""

    def one(seen):
        def step(memory, observation):
            output, memory = actor(observation, memory)
            return memory, output

        return jax.lax.scan(step, actor.memory(), seen)[1]

    return jax.vmap(one, in_axes=1, out_axes=1)(seen)


def proximal(game: Sampled, player: int, old: Own, penalty, joint: Joint, key):
    """The player's value less the penalty times the divergence from `old`; see `Sampled.proximal`."""
    seen, logs, values, rewards = episodes(game, joint, key)
    values, rewards = values[..., player : player + 1], rewards[..., player : player + 1]
    value = game.estimator(logs, rewards, jax.lax.stop_gradient(values), game.discount)
    value = primal(
        value, value - game.critic * game.critic_loss(values, rewards, jnp.ones(rewards.shape[:2], bool))
    )[0]
    before, after = (
        jax.nn.log_softmax(logits(x.actor, seen[:, :, player]))
        for x in (jax.lax.stop_gradient(old), joint[player])
    )
    return value - penalty * jnp.sum(jnp.exp(before) * (before - after), axis=-1).mean()


def slope(learner: PolaDice, game: Sampled, joint: Joint, at: Own, key) -> Own:
    """The gradient at own parameters `at`, for seat 0 of two, both of whom began this update at `joint`."""

    def objective(own: Own):
        view = View(game, (own, joint[1]), 0, key)
        answer = joint[1]
        for m in range(learner.inner_steps):
            theirs = jax.grad(
                lambda x, m=m: proximal(
                    game, 1, joint[1], learner.inner_penalty, replaced(view.params, 1, x), view.afresh(m).key
                )
            )(answer)
            answer = stepped(answer, theirs, learner.look_ahead, learner.inner_critic)
        return proximal(game, 0, joint[0], learner.penalty, (own, answer), key)

    return jax.grad(objective)(at)
