"""The coin game: every variant beside a second implementation, beside JaxMARL's recorded play, and by its own laws."""

import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games.environments.auto_reset import AutoReset
from games.environments.coin import CoinGame, CoinState
from games.environments.rollouts import random_actions, rollout
from games.hash_random import below, derive, words
from tests.reference import torus

pytestmark = pytest.mark.usefixtures("quickly_compiled")

LANES, LENGTH = 40, 9
VARIANTS = {
    "lola": CoinGame.lola(length=LENGTH),
    "lola, red wins": CoinGame.lola("red", LENGTH),
    "mfos": CoinGame.mfos(LENGTH),
    "jaxmarl, egocentric": CoinGame.jaxmarl(True, LENGTH),
    "loqa of 4, two coins": CoinGame.loqa(4, LENGTH, coins="two", ties="red", egocentric=True, stay=True),
}
SLOW = {"lola, red wins", "mfos"}
every_variant = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in VARIANTS]
)


@functools.cache
def play(name):
    """Lanes of random play of four episodes, as numpy arrays with axes lane and step."""
    game = AutoReset(VARIANTS[name])
    run = jax.jit(jax.vmap(lambda key: rollout(game, random_actions(game), key, 4 * LENGTH)))
    return jax.tree.map(np.asarray, run(jax.random.split(jax.random.key(3), LANES)))


def things(game, state, lane, step):
    """Places of the players and of the coins, None for a coin that is not there."""
    rows, columns, coins = (
        tuple(int(x[lane, step]) for x in pair) for pair in (state.rows, state.columns, state.coins)
    )
    return list(zip(rows, columns, strict=True)), [
        None if cell < 0 else divmod(cell, game.size) for cell in coins
    ]


def rules(game):
    return {
        name: getattr(game, name) for name in ("coins", "respawn", "ties", "egocentric", "own_first", "size")
    }


def marks(planes):
    return set(map(tuple, np.argwhere(planes).tolist()))


@every_variant
def test_every_transition_is_that_of_the_second_implementation(name):
    game, path = VARIANTS[name], play(name)
    last = 0
    for lane in range(LANES):
        for step in range(4 * LENGTH - 1):
            players, coins = things(game, path.state, lane, step)
            players, rewards, picked, places = torus.played(
                rules(game), players, coins, path.actions[lane, step]
            )
            over = bool(path.truncated[lane, step])
            if over and game.last_reward == "unpaid":
                rewards = [0.0, 0.0]
            assert path.rewards[lane, step].tolist() == rewards
            assert path.info["picked"][lane, step].tolist() == picked
            final = path.info["final_observation"][lane, step]
            last += over
            if not over:
                after = things(game, path.state, lane, step + 1)
                assert after[0] == players
                assert all(coin in place for coin, place in zip(after[1], places, strict=True))
                for i in (0, 1):
                    assert marks(final[i]) == torus.seen(rules(game), *after, i)
                    np.testing.assert_array_equal(final[i], path.observations[lane, step + 1, i])
            else:  # the final observation shows the step before the reset
                known = torus.seen(rules(game), players, [None, None], 0)
                assert known <= marks(final[0])
    assert last == 3 * LANES


@every_variant
def test_episodes_have_their_length_and_begin_anew(name):
    game, path = VARIANTS[name], play(name)
    step = np.arange(4 * LENGTH)
    np.testing.assert_array_equal(
        path.truncated, np.broadcast_to(step % LENGTH == LENGTH - 1, path.truncated.shape)
    )
    np.testing.assert_array_equal(path.state.time, np.broadcast_to(step % LENGTH, path.truncated.shape))
    assert not path.terminated.any()
    for lane in range(LANES):
        for start in (0, LENGTH, 2 * LENGTH):
            players, coins = things(game, path.state, lane, start)
            if game.start == "apart":
                assert players[0] != players[1]
                assert not set(players) & set(coins)


@every_variant
def test_places_numbers_and_sums(name):
    game, path = VARIANTS[name], play(name)
    assert all(((x >= 0) & (x < game.size)).all() for x in (*path.state.rows, *path.state.columns))
    coins = np.stack(path.state.coins)
    assert (coins < game.size**2).all()
    assert ((coins >= 0).sum(axis=0) == {"one": 1, "two": 2}[game.coins]).all()
    assert path.observations.sum(axis=(3, 4, 5)).max() <= 4
    paid = ~path.truncated if game.last_reward == "unpaid" else np.ones_like(path.truncated)
    picked = path.info["picked"]
    own = np.einsum("...ii->...", picked.astype(int))
    np.testing.assert_array_equal(
        path.rewards.sum(axis=-1)[paid], (own - (picked.sum(axis=(-2, -1)) - own))[paid]
    )
    assert picked.any(axis=(0, 1)).all()
    if game.coins == "one":  # colors alternate within an episode
        red = coins[0] >= 0
        taken, goes_on = picked.any(axis=(-2, -1))[:, :-1], ~path.truncated[:, :-1]
        np.testing.assert_array_equal((red[:, 1:] != red[:, :-1])[goes_on], taken[goes_on])


def test_no_lane_depends_on_how_many_there_are():
    game = AutoReset(VARIANTS["lola"])
    keys = jax.random.split(jax.random.key(3), LANES)
    alone = jax.jit(lambda key: rollout(game, random_actions(game), key, 4 * LENGTH))(keys[5])
    jax.tree.map(lambda one, many: np.testing.assert_array_equal(one, many[5]), alone, play("lola"))


@pytest.mark.parametrize("name", ["jaxmarl, egocentric"])
def test_exchanging_the_players_exchanges_everything(name):
    game, path = VARIANTS[name], play(name)
    state = jax.tree.map(lambda x: jnp.asarray(x.ravel()), path.state)
    actions = jnp.asarray(path.actions.reshape(-1, 2))
    mirrored = CoinState(state.rows[::-1], state.columns[::-1], state.coins[::-1], state.time)
    keys = jax.random.split(jax.random.key(0), len(actions))
    step = jax.jit(jax.vmap(game.step))
    _, after, rewards, _, _, info = step(keys, state, actions)
    _, other, swapped, _, _, exchanged = step(keys, mirrored, actions[:, ::-1])
    np.testing.assert_array_equal(rewards[:, ::-1], swapped)
    np.testing.assert_array_equal(info["picked"][:, ::-1, ::-1], exchanged["picked"])
    np.testing.assert_array_equal(np.stack(after.rows)[::-1], np.stack(other.rows))
    kept = ~np.asarray(info["picked"]).any(axis=1)
    for c in (0, 1):
        np.testing.assert_array_equal(after.coins[c][kept[:, c]], other.coins[1 - c][kept[:, c]])
    see = jax.jit(jax.vmap(game.observe))
    np.testing.assert_array_equal(see(state)[:, ::-1], see(mirrored))


@pytest.mark.parametrize("respawn", ["free", "anywhere"])
@pytest.mark.parametrize("players", [(2, 6), (4, 4)])
def test_new_coins_lie_uniformly(respawn, players):
    game, n = CoinGame(respawn=respawn, coins="two"), 40_000
    taken = (jnp.array(True), jnp.array(True))
    at = tuple(jnp.int32(p) for p in players)
    draw = jax.jit(jax.vmap(lambda key: game.replace(key, (jnp.int32(0), jnp.int32(0)), taken, at)))
    for cells in draw(jax.random.split(jax.random.key(1), n)):
        counts = np.bincount(cells, minlength=9)
        open_cells = [c for c in range(9) if respawn == "anywhere" or c not in players]
        p = 1 / len(open_cells)
        assert counts.sum() == counts[open_cells].sum() == n
        assert np.abs(counts[open_cells] - n * p).max() < 4.5 * np.sqrt(n * p * (1 - p))


@pytest.fixture(scope="module")
def recorded():
    """10,000 transitions of JaxMARL's coin game, flat."""
    file = np.load(pathlib.Path(__file__).parents[1] / "data" / "coin_jaxmarl.npz")
    lanes, steps = file["time"].shape
    planes = {
        name: np.moveaxis(np.unpackbits(file[name]).reshape(lanes * steps, 2, 3, 3, 4), -1, 2)
        for name in ("observations", "egocentric")
    }
    return {name: file[name] for name in ("places", "time", "actions", "rewards", "reset")} | planes


def as_state(places, time):
    rows, columns = places[..., 0].astype(np.int32), places[..., 1].astype(np.int32)
    cells = 3 * rows + columns
    return CoinState(
        *(tuple(jnp.asarray(x[:, i]) for i in (0, 1)) for x in (rows, columns, cells[:, 2:])),
        jnp.asarray(time, jnp.int32),
    )


def test_transitions_are_jaxmarls(recorded):
    """Equal states, rewards and ends on 10,000 transitions, new coins drawn from keys that send them where JaxMARL's went."""
    game = CoinGame.jaxmarl()
    before = as_state(recorded["places"].reshape(-1, 4, 2), recorded["time"].ravel())
    goal = recorded["places"][:, 1:].reshape(-1, 4, 2)
    keys = jax.vmap(lambda i: derive(jax.random.key(0), i))(jnp.arange(4000))
    first, second = jax.vmap(lambda key: tuple(below(w, 9) for w in words(key, 2)))(keys)
    which = {(int(a), int(b)): i for i, (a, b) in enumerate(zip(first, second, strict=True))}
    assert len(which) == 81
    cells = (goal[..., 0] * 3 + goal[..., 1])[:, 2:]
    lanes, steps = recorded["time"].shape
    wanted = np.zeros((lanes, steps), int)
    wanted[:, :-1] = np.array([which[int(a), int(b)] for a, b in cells]).reshape(lanes, steps - 1)
    _, after, rewards, _, truncated, _ = jax.jit(jax.vmap(game.step))(
        keys[wanted.ravel()], before, jnp.asarray(recorded["actions"].reshape(-1, 2), jnp.int32)
    )
    assert len(rewards) == 10_000
    np.testing.assert_array_equal(rewards, recorded["rewards"].reshape(-1, 2))
    np.testing.assert_array_equal(truncated, recorded["reset"].ravel())
    goes_on = np.asarray(~recorded["reset"].astype(bool))
    goes_on[:, -1] = False  # the recording ends
    known = as_state(goal, recorded["time"][:, 1:].ravel())
    inner = goes_on[:, :-1].ravel()
    for found, expected in zip(jax.tree.leaves(after), jax.tree.leaves(known), strict=True):
        np.testing.assert_array_equal(
            np.asarray(found).reshape(lanes, steps)[:, :-1].ravel()[inner], np.asarray(expected)[inner]
        )
    assert (recorded["rewards"] != 0).sum() > 1000


@pytest.mark.parametrize(("egocentric", "name"), [(False, "observations"), (True, "egocentric")])
def test_observations_are_jaxmarls(recorded, egocentric, name):
    state = as_state(recorded["places"].reshape(-1, 4, 2), recorded["time"].ravel())
    np.testing.assert_array_equal(
        jax.jit(jax.vmap(CoinGame.jaxmarl(egocentric).observe))(state), recorded[name]
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"coins": "three"}, "coins 'three'.*accepted: one, two"),
        ({"respawn": "fre"}, "did you mean 'free'"),
        ({"ties": "blue"}, "ties 'blue'.*accepted"),
        ({"start": "left"}, "start 'left'.*accepted"),
        ({"last_reward": "lost"}, "last_reward 'lost'.*accepted"),
        ({"size": 1}, "size is 1"),
        ({"size": 17}, r"size is 17.*\[2, 16\]"),
        ({"length": 0}, "length is 0"),
        ({"penalty": float("nan")}, "penalty is nan"),
    ],
)
def test_bad_settings_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        CoinGame(**settings)
