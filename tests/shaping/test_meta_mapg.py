"""The three terms of the gradient of a match: against Jacobians written out, given paths of the peers, and LOLA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from games import GAMES, MatrixGame, ipd
from shaping import Lola, Naive, Optimistic, View, play
from shaping.learners.mmaml import Mmaml
from shaping.learners.scripted import Scripted
from shaping.meta.game import MetaGame
from shaping.meta.gradient_terms import Detached, chain_terms
from shaping.training import MmamlTrainer, run
from tests.reference.dense import Dense


@pytest.fixture(autouse=True)
def precise(x64, quickly_compiled):
    """Everything here is in float64, by programs that run once each."""


def three_players():
    """A one-shot game of three players with payoffs drawn at random."""
    return MatrixGame(np.random.default_rng(0).normal(size=(3, 2, 2, 2)))


def against(game, seat, steps, make=lambda j: Naive(0.5 + 0.3 * j), **settings):
    """The meta-game with one seat open and others of differing steps in the rest."""
    learners = [None if j == seat else make(j) for j in range(game.n_players)]
    return MetaGame(game, learners, steps, warm_up=0, **settings)


def flat(own):
    """A learner's numbers: logits, then the step size."""
    return np.concatenate([np.ravel(own.logits), np.ravel(own.lr)])


def placed(make, seat, steps):
    """A meta-game from given first parameters, and who plays it."""
    game = make()
    return against(game, seat, steps, initial=game.init(jax.random.key(1))), Mmaml(
        game.init(jax.random.key(2))[seat], 0.7
    )


def written_out(meta, player):
    """Both sortings of the paths, from the Jacobians of everybody's step as matrices: `{crossing: (current, own, peer)}`.

    Columns of the derivatives are the own logits and the own step size, rows everybody's parameters, one
    player after the other.
    """
    (seat,) = meta.open
    dense = Dense(meta.game, tuple(player.logits if j == seat else p for j, p in enumerate(meta.initial)))
    mine = np.zeros(len(dense.at), bool)
    mine[dense.slices[seat]] = True
    lrs = np.concatenate(
        [
            np.full(p.size, player.lr if j == seat else meta.learners[j].lr)
            for j, p in enumerate(dense.restore(dense.flat))
        ]
    )
    n, at = int(mine.sum()), dense.at
    total = np.zeros((len(at), n + 1))  # of everybody's parameters in the own numbers, through everybody
    total[mine, :n] = np.eye(n)
    alone = total.copy()  # of the own parameters, through own ones
    terms = {"own": np.zeros((3, n + 1)), "peer": np.zeros((3, n + 1))}
    for t in range(meta.steps):
        slope = -dense.gradients(at)[seat] / meta.steps
        by_end = slope[mine] @ total[mine], slope[~mine] @ total[~mine]
        by_path = slope[mine] @ alone[mine], slope @ total - slope[mine] @ alone[mine]
        for crossing, (own, peer) in (("own", by_end), ("peer", by_path)):
            terms[crossing][1 if t else 0] += own
            terms[crossing][2] += peer
        climb, step = -dense.xi(at), np.eye(len(at)) - lrs[:, None] * dense.jacobian(at)
        total, alone = step @ total, np.where(mine[:, None], step[:, mine] @ alone[mine], 0)
        total[mine, n] += climb[mine]
        alone[mine, n] += climb[mine]
        at = at + lrs * climb
    return terms


@pytest.mark.parametrize(
    ("make", "seat", "steps", "crossing"),
    [
        (three_players, 1, 5, "peer"),
        (three_players, 1, 5, "own"),
        pytest.param(ipd, 0, 4, "peer", marks=pytest.mark.slow),
        pytest.param(ipd, 0, 4, "own", marks=pytest.mark.slow),
        pytest.param(ipd, 1, 8, "peer", marks=pytest.mark.slow),
        pytest.param(ipd, 1, 8, "own", marks=pytest.mark.slow),
    ],
)
def test_the_terms_are_products_of_jacobians(make, seat, steps, crossing):
    meta, player = placed(make, seat, steps)
    expected = written_out(meta, player)
    terms = np.array([flat(x) for x in chain_terms(meta, player, crossing=crossing)])
    scale = np.abs(expected[crossing]).max()
    np.testing.assert_allclose(terms, expected[crossing], rtol=1e-8, atol=1e-10 * scale)
    assert np.abs(expected[crossing][:, :-1]).min() > 0
    assert np.abs(expected["peer"][1] - expected["own"][1]).max() > 1e-6 * scale


@pytest.mark.parametrize(
    ("make", "steps"), [(three_players, 5), pytest.param(ipd, 8, marks=pytest.mark.slow)]
)
def test_the_terms_sum_to_the_gradient_of_the_match(make, steps):
    """Backwards through the match, and by finite differences of it."""
    meta, player = placed(make, 1, steps)
    numbers, unravel = ravel_pytree(player)
    at = jax.jit(jax.value_and_grad(lambda x: meta.values((unravel(x),))[0]))
    total = sum(flat(x) for x in chain_terms(meta, player))
    np.testing.assert_allclose(total, at(numbers)[1], rtol=1e-11, atol=1e-12)
    h = 1e-5
    differences = [(at(numbers + h * e)[0] - at(numbers - h * e)[0]) / (2 * h) for e in jnp.eye(len(numbers))]
    np.testing.assert_allclose(total, differences, rtol=1e-5, atol=1e-7)


def test_without_the_peer_term_the_peers_are_a_given_path():
    """Meta-PG: whatever the peers' rule and state, they are part of the environment, and their path stays as it was."""
    game = GAMES.make("stag_hunt")
    meta = against(game, 0, 4, lambda j: Optimistic(0.6), initial=game.init(jax.random.key(3)))
    player = Mmaml(0.4, 0.9)
    match = play(game, [player, Optimistic(0.6)], steps=3, params=meta.initial, trajectory=True)
    script = Scripted(match.trajectory[1][0].reshape(4, 1), opens=True)
    given = MetaGame(game, [None, script], 4, warm_up=0, initial=meta.initial)
    expected = jax.jit(jax.grad(lambda player: given.values((player,))[0]))(player)
    terms = chain_terms(meta, player)
    np.testing.assert_allclose(flat(terms.current) + flat(terms.own), flat(expected), rtol=1e-9)
    assert np.abs(flat(terms.peer)).min() > 1e-3
    assert Detached(Optimistic()).label == "optimistic"


@jax.jit
def updated(learner, view):
    """A learner's step."""
    return learner.update((), view)[0]


@pytest.mark.parametrize("make", [three_players, pytest.param(ipd, marks=pytest.mark.slow)])
def test_one_update_is_lola(make):
    """A match of two policies, the own step being 0.

    The value after the peers' naive step is what LOLA ascends in its exact form, and half of what the match
    pays. To first order in the peers' step, the peer term is LOLA's shaping term as first published.
    """
    game, seat = make(), 1
    view = View(game, game.init(jax.random.key(4)), seat)
    naive, player = updated(Naive(1.0), view), Mmaml(view.own, 0.0)
    for b in (0.8, 1e-5):
        terms = chain_terms(against(game, seat, 2, lambda j: Naive(b), initial=view.params), player)  # noqa: B023  # made at once
        np.testing.assert_allclose(2 * terms.current.logits, naive, rtol=1e-9)
        exact = updated(Lola(1.0, b, "exact"), view)
        np.testing.assert_allclose(2 * (terms.own.logits + terms.peer.logits), exact, rtol=1e-9)
    shaping = updated(Lola(1.0, 1.0, "original"), view) - naive
    np.testing.assert_allclose(
        2 * terms.peer.logits / b, shaping, rtol=1e-3, atol=1e-3 * np.abs(shaping).max()
    )


@pytest.mark.slow
def test_lanes_are_averaged():
    game = GAMES.make("stag_hunt")
    key, player = jax.random.key(6), Mmaml(0.2, 0.8)
    many = chain_terms(against(game, 0, 3, lanes=3), player, key, crossing="own")
    draws = [game.init(jax.random.fold_in(key, lane)) for lane in range(3)]
    each = [chain_terms(against(game, 0, 3, initial=draw), player, crossing="own") for draw in draws]
    np.testing.assert_allclose(
        [flat(x) for x in many], np.mean([[flat(x) for x in terms] for terms in each], axis=0), rtol=1e-9
    )


def test_training_with_own_terms_takes_their_steps():
    """Adam's first step of size lr goes along the signs of the gradient, and these are not those of the whole gradient."""
    game, learners, key = GAMES.make("stag_hunt"), [None, Naive(3.0)], jax.random.key(0)
    begin, after = (
        run(
            MmamlTrainer(game, learners, steps=8, lanes=2, lr=lr, terms="own"), key, iterations=1, chunk=1
        ).learners[0]
        for lr in (0.0, 1e-3)
    )
    first, later = jax.random.split(key)
    np.testing.assert_array_equal(begin.logits, game.init(first)[0])
    terms = chain_terms(MetaGame(game, learners, 8, 0, 2), begin, jax.random.fold_in(later, 0))
    own = flat(terms.current) + flat(terms.own)
    np.testing.assert_allclose(flat(after) - flat(begin), 1e-3 * np.sign(own), rtol=1e-3)
    assert (np.sign(own) != np.sign(own + flat(terms.peer))).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: chain_terms(against(ipd(), 0, 2), Mmaml(), crossing="both"),
            "crossing 'both'.*accepted: own, peer",
        ),
        (
            lambda: chain_terms(MetaGame(ipd(), [None, None], 2, 0), Mmaml()),
            "2 open seats.*one seat open",
        ),
        (
            lambda: chain_terms(MetaGame(ipd(), [None, Naive()], 2), Mmaml()),
            "1 updates.*warm_up=0",
        ),
        (
            lambda: MmamlTrainer(ipd(), [None, Naive()], terms="peer"),
            "terms 'peer'.*accepted: all, own",
        ),
    ],
)
def test_bad_input_is_refused_with_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()
