"""Scripted players of the coin game: exact expected rewards by enumeration, published ones, and what each of them keeps to."""

import functools
import itertools

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from games.agents.base import Agent, agent
from games.agents.coin_scripted import COIN_AGENTS, steps_around, tit_for_tat
from games.base import Environment
from games.bibliography import bibtex
from games.environments.auto_reset import AutoReset
from games.environments.catalog import ENVIRONMENTS
from games.environments.coin import CoinGame, CoinState
from games.sampled.episodes import trajectory
from tests.reference.torus import MOVES

pytestmark = pytest.mark.usefixtures("quickly_compiled")
EPISODES, STEPS = 2000, 50
REFERENCE = {
    ("always_cooperate",) * 2: (0.347, 0.347),
    ("always_cooperate", "always_defect"): (-0.27, 0.63),
    ("always_defect",) * 2: (0.0, 0.0),
}
"""Mean rewards per step of the coin game's literature: one coin, 3 by 3, 50 steps."""


def seats(game, *names):
    return [COIN_AGENTS.make(name, game=game, player=i) for i, name in enumerate(names)]


@functools.cache
def mean_rewards(*names):
    """Mean rewards per step of two scripted players, and their standard errors."""
    game = CoinGame.loqa()
    run = jax.jit(
        jax.vmap(lambda key: trajectory(game, seats(game, *names), key, STEPS).rewards.mean(axis=0))
    )
    found = np.asarray(run(jax.random.split(jax.random.key(1), EPISODES)))
    return found.mean(axis=0), found.std(axis=0) / np.sqrt(EPISODES)


def apart(place, other, n=3):
    """Steps between two cells of a torus."""
    return sum(min((a - b) % n, (b - a) % n) for a, b in zip(place, other, strict=True))


def targets(name, me, coin, own, n=3):
    """Where a player goes, each with the same probability; it cooperates by keeping away from the other's coin."""
    ahead = [((me[0] + down) % n, (me[1] + across) % n) for down, across in MOVES[:4]]
    wanted = min if own or name == "always_defect" else max
    best = wanted(apart(x, coin, n) for x in ahead)
    return [x for x in ahead if apart(x, coin, n) == best]


@functools.cache
def exact(*names, n=3):
    """Expected mean rewards by enumeration of where the blue player and the coin are, as the red player sees it, and of the color."""
    cells = [(r, c) for r in range(n) for c in range(n)]
    state = {}
    for blue, coin, color in itertools.product(cells[1:], cells[1:], (0, 1)):
        if blue != coin:
            state[blue, coin, color] = 1 / (len(cells) - 1) / (len(cells) - 2) / 2

    @functools.cache
    def after(blue, coin, color):
        following, rewards = [], np.zeros(2)
        moves = [targets(names[0], (0, 0), coin, color == 0, n), targets(names[1], blue, coin, color == 1, n)]
        share = 1 / len(moves[0]) / len(moves[1])
        for places in itertools.product(*moves):
            took = [place == coin for place in places]
            for i in (0, 1):
                rewards[i] += share * (took[i] - 2 * (took[1 - i] and color == i))
            free = [x for x in cells if x not in places] if any(took) else [coin]
            for x in free:
                seen = [
                    tuple((a - b) % n for a, b in zip(thing, places[0], strict=True))
                    for thing in (places[1], x)
                ]
                following.append(((*seen, 1 - color if any(took) else color), share / len(free)))
        return following, rewards

    total = np.zeros(2)
    for _ in range(STEPS):
        total += sum(p * after(*s)[1] for s, p in state.items())
        ahead = {}
        for s, p in state.items():
            for following, share in after(*s)[0]:
                ahead[following] = ahead.get(following, 0) + p * share
        state = ahead
    return total / STEPS


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(n, marks=[pytest.mark.slow] if n[0] == "always_defect" else [], id="-".join(n))
        for n in REFERENCE
    ],
)
def test_rewards_are_the_expected_and_the_published_ones(names):
    """Within 4 standard errors of the enumeration, which is within a hundredth of the published numbers."""
    found, error = mean_rewards(*names)
    assert (error < 0.003).all()
    assert (np.abs(found - exact(*names)) < 4 * error).all()
    assert np.abs(exact(*names) - REFERENCE[names]).max() < 0.01


def test_two_cooperators_earn_what_a_renewal_process_does():
    """Who waits stands two steps from the coin, so that 4 of the 7 free cells for its own are one step away: .35 each per step at last."""
    taken = [0.0] * (STEPS + 1)
    for t in range(1, STEPS + 1):  # the first coin is one or two steps away with the same probability
        taken[t] = 0.5 * (t <= 2) + sum(p * taken[t - gap] for gap, p in ((1, 4 / 7), (2, 3 / 7)) if t > gap)
    assert sum(taken) / STEPS / 2 == pytest.approx(exact(*("always_cooperate",) * 2)[0], abs=1e-12)
    assert taken[-1] / 2 == pytest.approx(0.35, abs=1e-9)


@pytest.mark.slow
def test_tit_for_tat_cooperates_with_cooperators_and_is_hardly_robbed():
    """With itself it is a cooperator, draw for draw; a defector, which takes a cooperator's .27 a step, cannot take a tenth of it."""
    np.testing.assert_array_equal(
        mean_rewards("tit_for_tat", "tit_for_tat")[0], mean_rewards("always_cooperate", "always_cooperate")[0]
    )
    found, error = mean_rewards("tit_for_tat", "always_defect")
    assert (found + 4 * error)[0] < 0
    assert (found - 4 * error)[0] > exact("always_cooperate", "always_defect")[0] / 10


VARIANTS = {
    "one coin": CoinGame.loqa(length=9),
    "two coins, red wins": CoinGame.loqa(4, 9, coins="two", ties="red", stay=True),
    "mfos": CoinGame.mfos(9),
}


DEFAULT = {("two coins, red wins", 0)}


@pytest.mark.parametrize(
    ("name", "player"),
    [
        pytest.param(*x, marks=[] if x in DEFAULT else [pytest.mark.slow])
        for x in itertools.product(VARIANTS, (0, 1))
    ],
)
def test_tit_for_tat_remembers_who_took_its_last_coin(name, player):
    """It plays as a defector while its last coin taken was taken by the other, as the environment tells, and as a cooperator otherwise."""
    game = VARIANTS[name]
    cooperate, defect, tft, random = (
        COIN_AGENTS.make(n, game=game, player=player)
        for n in ("always_cooperate", "always_defect", "tit_for_tat", "random")
    )
    other = COIN_AGENTS.make("random", game=game, player=1 - player)

    def told(key):
        """Random play, so that everything happens, as tit for tat sees it."""
        path = trajectory(game, [random, other] if player == 0 else [other, random], key, 9)
        seen = path.observations[:, player]

        def step(memory, observation):
            logits, memory = tft(observation, memory)
            return memory, (logits, memory.robbed)

        logits, robbed = jax.lax.scan(step, tft.memory(), seen)[1]
        others = [jax.vmap(lambda o, a=a: a(o, ())[0])(seen) for a in (cooperate, defect)]
        return path.info["picked"], logits, robbed, *others

    picked, logits, robbed, kind, greedy = jax.tree.map(
        np.asarray, jax.jit(jax.vmap(told))(jax.random.split(jax.random.key(2), 200))
    )
    expected = np.zeros(len(picked), bool)
    for t in range(9):
        np.testing.assert_array_equal(robbed[:, t], expected)
        np.testing.assert_array_equal(logits[:, t], np.where(expected[:, None], greedy[:, t], kind[:, t]))
        lost, kept = picked[:, t, 1 - player, player], picked[:, t, player, player]
        expected = lost | (expected & ~kept)
    assert 0.05 < robbed.mean() < 0.95
    assert (kind != greedy).any()


@pytest.mark.slow
def test_cooperators_take_only_their_own_coins():
    """Where both coins lie in one cell, who comes for its own takes both."""
    game = ENVIRONMENTS.make("coin_jaxmarl", length=40)
    run = jax.jit(
        jax.vmap(lambda key: trajectory(game, seats(game, "always_cooperate", "always_cooperate"), key, 40))
    )
    path = run(jax.random.split(jax.random.key(4), 100))
    picked, together = np.asarray(path.info["picked"]), np.asarray(path.state.coins[0] == path.state.coins[1])
    wrong = picked[..., 0, 1] | picked[..., 1, 0]
    assert not wrong[~together].any()
    assert wrong[together].any()
    assert picked[..., 0, 0].mean() > 0.3


@pytest.mark.slow
def test_what_is_seen_from_elsewhere_changes_nothing():
    """The same states seen as they are, own planes first and egocentrically lead to the same moves of the same seat."""
    rng = np.random.default_rng(0)
    rows, columns, coins = (tuple(jnp.asarray(rng.integers(n, size=(2, 300)), jnp.int32)) for n in (4, 4, 16))
    states = CoinState(rows, columns, coins, jnp.zeros(300, jnp.int32))
    games = [
        CoinGame(coins="two", size=4, stay=True, **seen)
        for seen in ({}, {"own_first": True}, {"egocentric": True})
    ]
    names = ("always_cooperate", "always_defect")

    def moves(state):
        return [
            [
                jnp.stack([COIN_AGENTS.make(n, game=g, player=i)(g.observe(state)[i], ())[0] for n in names])
                for g in games
            ]
            for i in (0, 1)
        ]

    for seen in jax.jit(jax.vmap(moves))(states):
        np.testing.assert_array_equal(seen[0], seen[1])
        np.testing.assert_array_equal(seen[0], seen[2])
        assert len(np.unique(seen[0], axis=0)) > 8


@pytest.mark.parametrize("size", [2, 3, 6, 7])
def test_ways_around_a_cell_are_shortest(size):
    """Beside networkx's breadth-first search on the torus, for some goals and all shut cells."""
    walk = jax.jit(jax.vmap(lambda goal, shut: steps_around(jnp.arange(size**2), goal, shut, size)))
    goals, shut = (np.ravel(x) for x in np.mgrid[: min(size**2, 5), -1 : size**2])
    for goal, closed, found in zip(goals, shut, np.asarray(walk(goals, shut)), strict=True):
        torus = nx.grid_2d_graph(size, size, periodic=True)
        if goal == closed:
            continue
        if closed >= 0:
            torus.remove_node(divmod(int(closed), size))
            assert found[closed] == 2 * size
        for cell, far in nx.single_source_shortest_path_length(torus, divmod(int(goal), size)).items():
            assert found[cell[0] * size + cell[1]] == far


class Counter(Agent):
    """Plays as many actions on as it remembers steps."""

    def memory(self):
        return jnp.zeros((), jnp.int32)

    def __call__(self, observation, memory):
        return jnp.where(jnp.arange(4) == memory, 0.0, -1000.0), memory + 1


def test_memories_begin_anew_with_every_episode():
    game: Environment = AutoReset(CoinGame.loqa(length=3))
    path = jax.jit(lambda key: trajectory(game, [Counter(), Counter()], key, 8))(jax.random.key(0))
    np.testing.assert_array_equal(path.actions, np.array([0, 1, 2, 0, 1, 2, 0, 1])[:, None] * [1, 1])


def test_members_are_described_and_mistakes_refused():
    game = CoinGame.loqa()
    for entry in COIN_AGENTS:
        assert entry.summary.endswith(".")
        assert bibtex(entry.citation)
        made = entry.make(game=game, player=0)
        assert agent(made) is made
        assert not jax.tree.leaves(made)
        with pytest.raises(ValueError, match=r"player is 2.*0.*1"):
            entry.make(game=game, player=2)
    with pytest.raises(ValueError, match="egocentric=False"):
        tit_for_tat(CoinGame.loqa(egocentric=True), 0)
    with pytest.raises(ValueError, match=r"1 agents.*2 players.*'coin_loqa'"):
        trajectory(game, seats(game, "random"), jax.random.key(0), 1)
