"""Starting parameters per seed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games import GAMES, AutomatonGame, ipd
from shaping import Fixed, Lola, Naive, play, sweep


def test_every_lane_starts_from_its_own_parameters():
    starts = tuple(jax.random.normal(jax.random.key(k), (3, 5)) for k in range(2))
    match = play(ipd(), [Lola(), Naive()], steps=4, seeds=3, params=starts)
    for lane in range(3):
        alone = play(ipd(), [Lola(), Naive()], steps=4, params=tuple(own[lane] for own in starts))
        np.testing.assert_allclose(match.values[lane], alone.values[0], rtol=1e-5)


def test_the_draws_given_again_are_the_same_match(x64):
    game = GAMES.make("tandem")
    drawn = play(game, ["naive", "lola"], 5, steps=3, seeds=4, trajectory=True)
    again = play(
        game, ["naive", "lola"], 5, steps=3, seeds=4, params=tuple(x[:, 0] for x in drawn.trajectory)
    )
    np.testing.assert_allclose(again.values, drawn.values, rtol=1e-12)


def test_sweeps_and_structured_parameters():
    starts = tuple(jnp.stack([jnp.zeros(5), jnp.ones(5)]) for _ in range(2))
    match = play(ipd(), [sweep(Naive, lr=[0.1, 1.0]), Naive()], steps=2, seeds=2, params=starts)
    assert match.values.shape == (2, 2, 3, 2)
    game = AutomatonGame(ipd().stage)
    both = [game.init(jax.random.key(k)) for k in range(2)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *both)
    values = play(game, [Naive(), Naive()], steps=1, seeds=2, params=stacked).values[:, 0]
    np.testing.assert_allclose(values, [game.per_step(game.values(own)) for own in both], rtol=1e-5)


def test_another_number_of_starts_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 5\).*\(5,\)"):
        play(ipd(), [Naive(), Naive()], steps=1, seeds=3, params=(jnp.zeros((2, 5)),) * 2)


def test_a_shorter_memory_is_lifted():
    long = play(ipd(memory=2), [Fixed.named("tft"), Fixed.named("joss")], steps=1)
    short = play(ipd(), [Fixed.named("tft"), Fixed.named("joss")], steps=1)
    np.testing.assert_allclose(long.values, short.values, rtol=1e-5)
