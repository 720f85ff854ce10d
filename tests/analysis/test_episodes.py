"""Evaluation in episodes: payments that are known exactly, shares of coins, and what is compared with whom."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from analysis.evaluation import SCRIPTED, evaluate, scripted
from games import ENVIRONMENTS
from games.environments.coin import CoinGame
from games.sampled.episodes import sample
from games.strategies.named import policy

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def row(table, opponent, seat, run=0):
    return table[(table["opponent"] == opponent) & (table["seat"] == seat) & (table["run"] == run)].iloc[0]


@pytest.mark.parametrize("encoding", ["one_hot", "per_player", "index"])
def test_strategies_are_paid_what_they_are_paid(encoding):
    """Tit for tat: R always, or S once and then P; the other way around for a defector who meets it."""
    environment = ENVIRONMENTS.make("ipd_rollout", length=5, encoding=encoding)
    tft, alld = (scripted(environment, name, 0) for name in ("tft", "alld"))
    table = evaluate(environment, [(tft, alld)], episodes=2, opponents=SCRIPTED[:3])
    for opponent, seat, reward, other in (
        ("self", 0, (-3 - 4 * 2) / 5, (0 - 4 * 2) / 5),
        ("self", 1, (0 - 4 * 2) / 5, (-3 - 4 * 2) / 5),
        ("always_cooperate", 0, -1, -1),
        ("always_cooperate", 1, 0, -3),
        ("always_defect", 0, (-3 - 4 * 2) / 5, (0 - 4 * 2) / 5),
        ("tit_for_tat", 1, (0 - 4 * 2) / 5, (-3 - 4 * 2) / 5),
    ):
        found = row(table, opponent, seat)
        np.testing.assert_allclose([found["reward"], found["reward_other"]], [reward, other], rtol=1e-6)
        assert found["reward_error"] < 1e-6
        assert np.isnan(found["own_coins"])


def test_runs_meet_each_other():
    environment = ENVIRONMENTS.make("ipd_rollout", length=3)
    runs = [(policy("allc"),) * 2, (policy("alld"),) * 2]
    table = evaluate(environment, runs, episodes=2, opponents=())
    assert row(table, "next run", 0, 0)["reward"] == -3
    assert row(table, "next run", 0, 1)["reward"] == 0
    assert len(table) == 6


def test_shares_of_coins():
    """Counted again one by one; a cooperator takes its own alone."""
    game = CoinGame.loqa(length=20)
    pair = scripted(game, "random", 0), scripted(game, "always_cooperate", 1)
    table = evaluate(game, [pair], episodes=40, opponents=())
    played = sample(game, pair, jax.random.fold_in(jax.random.key(0), 0), 40, 20)
    for seat in (0, 1):
        picked = np.asarray(played.info["picked"])[:, :, seat].astype(float)
        own, every = picked[:, :, seat].sum(0), picked.sum((0, 2))
        resampled = np.random.default_rng(0).integers(40, size=(2000, 40))
        found = row(table, "self", seat)
        assert found["own_coins"] == pytest.approx(own.sum() / every.sum())
        spread = (own[resampled].sum(1) / every[resampled].sum(1)).std()
        assert found["own_coins_error"] == pytest.approx(spread, rel=0.15)
    assert row(table, "self", 1)["own_coins"] == 1


def test_egocentric_players_meet_everybody_who_can_see():
    """Tit for tat cannot; asked for by name, it says so."""
    game = CoinGame.lola(length=3, egocentric=True)
    run = (scripted(game, "always_defect", 0), scripted(game, "always_defect", 1))
    assert set(evaluate(game, [run], episodes=2)["opponent"]) == {"self", *SCRIPTED} - {"tit_for_tat"}
    with pytest.raises(ValueError, match="egocentric=False"):
        evaluate(game, [run], episodes=2, opponents=["tit_for_tat"])


def test_what_has_no_scripted_players_is_refused():
    with pytest.raises(ValueError, match=r"ipd_in_the_matrix.*scripted"):
        evaluate(ENVIRONMENTS.make("ipd_in_the_matrix"), [(jnp.zeros(5),) * 2], steps=2)
