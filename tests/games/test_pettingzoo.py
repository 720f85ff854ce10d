"""The PettingZoo adapter: PettingZoo's own tests on every environment, and the same play as the environment's."""

import importlib
import sys

import equinox as eqx
import jax
import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test
from pettingzoo.test.render_test import render_test
from pettingzoo.utils.conversions import parallel_to_aec

from games import MatrixGame
from games.adapters.pettingzoo import Parallel
from games.environments.catalog import ENVIRONMENTS
from games.environments.repeated_matrix import Repetition
from tests.reference.compilations import compilations

pytestmark = pytest.mark.usefixtures("quickly_compiled")
LENGTH = 4
every_environment = pytest.mark.parametrize("name", [entry.name for entry in ENVIRONMENTS])


@every_environment
def test_pettingzoos_own_tests_pass(name):
    """Its tests of the interface, of seeds and of rendering; warnings are errors, and an episode's end is reached."""
    env = Parallel(name, length=LENGTH)
    parallel_api_test(env, num_cycles=2 * LENGTH)
    parallel_seed_test(lambda: Parallel(name, length=LENGTH), num_cycles=LENGTH + 1)
    assert all(env.observation_space(agent).contains(seen) for agent, seen in env.reset(seed=1)[0].items())
    assert isinstance(env.render(), str)


def test_pettingzoos_test_of_rendering_passes():
    def made(render_mode):  # it also makes one in a mode for people to look at, and does not use it
        return parallel_to_aec(
            Parallel("coin_loqa", length=LENGTH, render_mode=render_mode.replace("human", "ansi"))
        )

    assert made("ansi").metadata["render_modes"] == ["ansi"]
    render_test(made)


@pytest.mark.parametrize("name", ["coin_mfos", "imp_rollout"])
def test_play_is_the_environments(name):
    """What the names say is what the arrays say, step by step to the end of an episode."""
    env, rng = Parallel(name, length=LENGTH), np.random.default_rng(0)
    step = eqx.filter_jit(env.environment.step)
    observations, infos = env.reset(seed=3)
    assert infos == {agent: {} for agent in env.possible_agents}
    for t in range(LENGTH):
        assert env.agents == env.possible_agents
        _, key = jax.random.split(env._key)
        state, joint = env._state, [int(rng.integers(n)) for n in env.environment.n_actions]
        np.testing.assert_array_equal(np.stack(list(observations.values())), env.environment.observe(state))
        observations, rewards, terminations, truncations, infos = env.step(
            dict(zip(env.agents, joint, strict=True))
        )
        seen, after, expected, _, _, info = step(key, state, np.array(joint, np.int32))
        np.testing.assert_array_equal(np.stack(list(observations.values())), seen)
        np.testing.assert_array_equal(list(rewards.values()), expected)
        assert env.render() == env.environment.render(after)
        assert set(terminations.values()) == {False}
        assert set(truncations.values()) == {t == LENGTH - 1}
        jax.tree.map(np.testing.assert_array_equal, infos["player_1"], info)
    assert env.agents == []
    with pytest.raises(ValueError, match=r"episode.*reset"):
        env.step({"player_0": 0, "player_1": 0})


def test_seeds_decide_and_play_goes_on_without():
    env, twin = Parallel("coin_loqa"), Parallel("coin_loqa")

    def first(env, seed=None):
        return env.reset(seed=seed)[0]["player_0"]

    starts = [first(env, 5), *(first(env) for _ in range(20))]
    again = [first(twin, 5), *(first(twin) for _ in range(20))]
    np.testing.assert_array_equal(starts, again)
    assert len({x.tobytes() for x in starts}) > 10
    assert len({first(Parallel("coin_loqa")).tobytes() for _ in range(10)}) > 1


def test_nothing_is_compiled_twice():
    """Neither for a second episode nor for a second instance with other numbers."""
    counts = []
    for scale in (1.0, 2.0):
        game = Repetition(MatrixGame.symmetric([[-scale, -3], [0, -2]]), length=5)
        with compilations() as events:
            env = Parallel(game)
            for _ in range(2):
                env.reset(seed=1)
                env.step({"player_0": 0, "player_1": 1})
        counts.append(len(events))
    assert counts[0] > counts[1] == 0


def test_players_may_be_many_and_differ():
    env = Parallel(Repetition(MatrixGame(np.zeros((3, 2, 3, 4))), length=3, encoding="index"))
    assert env.possible_agents == ["player_0", "player_1", "player_2"]
    assert [env.action_space(agent).n for agent in env.possible_agents] == [2, 3, 4]
    observations, _ = env.reset(seed=0)
    assert all(env.observation_space(agent).contains(seen) for agent, seen in observations.items())


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="did you mean 'coin_loqa'"):
        Parallel("coin_loka")
    with pytest.raises(ValueError, match=r"'lenght'.*did you mean 'length'"):
        Parallel("coin_loqa", lenght=3)
    with pytest.raises(ValueError, match=r"'human'.*accepted: ansi"):
        Parallel("coin_loqa", render_mode="human")
    env = Parallel("coin_loqa")
    with pytest.raises(ValueError, match=r"'length'.*environment"):
        Parallel(env.environment, length=3)
    with pytest.raises(ValueError, match="reset"):
        env.render()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="player_1"):
        env.step({"player_0": 0})
    with pytest.raises(ValueError, match=r"4 of player_1.*0 to 3"):
        env.step({"player_0": 0, "player_1": 4})


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pettingzoo", None)
    monkeypatch.delitem(sys.modules, "games.adapters.pettingzoo")
    with pytest.raises(ImportError, match=r"pip install 'opponent-shaping-lab\[pettingzoo\]'"):
        importlib.import_module("games.adapters.pettingzoo")
