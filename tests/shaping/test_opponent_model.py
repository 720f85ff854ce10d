"""Models of the others: what they are fitted to, that they stand in for the others, and that nothing else of the others is seen."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import ENVIRONMENTS, ipd
from games.agents.base import ActorCritic
from games.agents.policies import MlpPolicy, TablePolicy
from games.sampled.estimators import Dice
from games.sampled.game import Sampled
from shaping import Lola, Naive, OpponentModel, View
from shaping.wrappers.opponent_model import model_loss, with_models

pytestmark = pytest.mark.usefixtures("quickly_compiled")
TRUTH = jnp.array([0.4, -1.0, 0.8, 0.2, -0.3])
OWN = jnp.array([-0.5, 0.3, 0.0, 0.7, -0.2])


@eqx.filter_jit
def updated(learner, view, state=None):
    """A learner's step from a state, by default the first, and the next state."""
    return learner.update(learner.init(view) if state is None else state, view)


def game(batch=8, length=6, **settings):
    """The sampled dilemma of short episodes."""
    return Sampled(
        ENVIRONMENTS.make("ipd_rollout", length=length), estimator=Dice("batch"), batch=batch, **settings
    )


class Hidden(View):
    """A view whose others hide: their parameters are what they are said to be, and what is watched is the truth."""

    truth: tuple = ()

    def rollout(self, joint=None):
        """What is watched."""
        return self.game.rollout(self.truth if joint is None else joint, self.key)


def hidden(theirs):
    """The view from seat 0 of what may or may not be the other's parameters."""
    return Hidden(game(), (OWN, theirs), 0, jax.random.key(4), truth=(OWN, TRUTH))


def test_a_table_is_recovered_within_statistical_error():
    """Maximum likelihood is the logit of what was counted, whose error is that of a binomial share."""
    view = View(game(batch=1500), (TRUTH, OWN), 1, jax.random.key(2))
    learner = OpponentModel(Naive(), lr=10.0, batches=1, steps=150, optimizer="sgd")
    (model,) = updated(learner, view)[1].models
    played = eqx.filter_jit(lambda view: view.afresh(2**31).afresh(0).rollout())(view)
    rows, actions = played.seen(0).astype(bool), played.actions[:, :, 0]
    seen = np.array(rows.sum(axis=(0, 1)))
    share = np.array((rows & (actions == 0)[..., None]).sum(axis=(0, 1))) / seen
    np.testing.assert_allclose(model, np.log(share / (1 - share)), atol=0.01)
    assert (np.abs(model - TRUTH) < 4 / np.sqrt(seen * share * (1 - share))).all()


def test_with_a_perfect_model_it_is_the_learner_itself():
    learner, view = OpponentModel(Lola(0.3, 0.5), lr=0.0, batches=2), hidden(TRUTH)
    first = learner.init(view)
    white_box, perfect, ignorant = (
        updated(x, view, state)[0]
        for x, state in ((learner.inner, ()), (learner, first._replace(models=(TRUTH,))), (learner, first))
    )
    np.testing.assert_allclose(perfect, white_box, rtol=1e-5)
    assert np.abs(ignorant - white_box).max() > 1e-3


def test_the_others_parameters_are_never_read():
    """Parameters that are no numbers, beside the episodes of the true ones, change nothing."""
    learner = OpponentModel(Lola(0.3, 0.5), lr=0.1, batches=2)
    results = []
    for theirs in (TRUTH, jnp.full(5, jnp.nan)):
        view = hidden(theirs)
        np.testing.assert_array_equal(learner.start(view), OWN)
        results.append(updated(learner, view, learner.init(view)))
    for seen, unseen in zip(*map(jax.tree.leaves, results), strict=True):
        assert np.isfinite(unseen).all()
        np.testing.assert_array_equal(seen, unseen)


@pytest.mark.slow
def test_networks_are_modeled_with_their_critics():
    """Another network's actions and what it earns: both parts of its model come closer to them."""
    networks = game(batch=32, length=4, policy=MlpPolicy((4,), critic=True))
    learner = OpponentModel(Naive(), lr=0.05, lr_critic=0.05)

    @eqx.filter_jit
    def begun():
        view = View(networks, networks.init(jax.random.key(5)), 0, jax.random.key(6))
        return view, learner.init(view), view.rollout()

    view, (_, new, moments), played = begun()
    (old,), fit = new, eqx.filter_jit(learner.fitted)
    for _ in range(20):
        new, moments = fit(new, moments, view, played)
    mixed = old, ActorCritic(new[0].actor, old.critic), ActorCritic(old.actor, new[0].critic)
    before, acting, valuing = eqx.filter_jit(
        lambda models: [model_loss(model, view, 1, played) for model in models]
    )(mixed)
    assert acting < before
    assert valuing < before


def test_three_players_are_modeled_by_seat():
    from games.environments.repeated_matrix import Repetition
    from games.exact.matrix import MatrixGame

    three = Sampled(Repetition(MatrixGame(jnp.zeros((3, 2, 2, 2))), length=2), TablePolicy(), batch=2)
    params = three.init(jax.random.key(0))
    view = View(three, params, 1, jax.random.key(1))
    seen = with_models(view, (params[2], params[0])).params
    for got, expected in zip(seen, (params[2], params[1], params[0]), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_exact_games_have_nothing_to_watch():
    view = View(ipd(), (OWN, TRUTH), 0, jax.random.key(0))
    with pytest.raises(ValueError, match=r"'iterated_prisoners_dilemma'.*episodes"):
        OpponentModel(Naive()).init(view)
    with pytest.raises(ValueError, match="batches is 0"):
        OpponentModel(Naive(), batches=0)
    with pytest.raises(ValueError, match=r"optimizer 'adem'.*did you mean 'adam'"):
        dataclasses.replace(OpponentModel(Naive()), optimizer="adem")
