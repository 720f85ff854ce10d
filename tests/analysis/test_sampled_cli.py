"""Sampled games by name, on the command line."""

import json
import pathlib
import re
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from analysis.cli.evaluate import trained, unfinished
from analysis.cli.main import main
from games import ENVIRONMENTS, GAMES, SAMPLED
from games.sampled.game import Sampled
from shaping.checkpoint import folder as checkpoint
from shaping.learners.fixed import Settled
from shaping.training import run_folder as training

pytestmark = pytest.mark.usefixtures("quickly_compiled")
SMALL = ["--set", "ipd_rollout.batch=4", "ipd_rollout.length=5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two naive learners' match, kept."""
    out = tmp_path_factory.mktemp("run") / "naive"
    main(
        [
            "train",
            "--learner",
            "naive",
            "--game",
            "ipd_rollout",
            "--out",
            str(out),
            *SMALL,
            "naive.iterations=3",
            "naive.lr=0.1",
        ]
    )
    return out


def test_what_was_learned_plays_on(folder, capsys):
    learners = ["--learners", f"file:{folder}", f"file:{folder}/seat_1"]
    main(["play", "--game", "ipd_rollout", *learners, "--steps", "2", "--seeds", "2", "--json", *SMALL])
    players = json.loads(capsys.readouterr().out)["players"]
    assert [p["learner"] for p in players] == learners[1:]
    assert all(-3 <= p["mean"] <= 0 for p in players)


def test_what_was_learned_is_evaluated(folder, capsys):
    """A naive table's reward against a defector is between being exploited and mutual defection, and the defector's beside it."""
    main(["evaluate", str(folder), "--game", "ipd_rollout", "--episodes", "64", "--json", *SMALL])
    rows = json.loads(capsys.readouterr().out)["rows"]
    main(["evaluate", str(folder), "--episodes", "64", "--json"])
    assert json.loads(capsys.readouterr().out)["rows"] == rows  # the folder knows its game
    found = {(row["opponent"], row["seat"]): row for row in rows}
    assert {name for name, _ in found} == {
        "self",
        "always_cooperate",
        "always_defect",
        "tit_for_tat",
        "random",
    }
    assert all(-3 <= found["always_defect", seat]["reward"] <= -2 for seat in (0, 1))
    assert found["self", 0]["reward"] == found["self", 1]["reward_other"]
    with pytest.raises(SystemExit):
        main(["evaluate", f"{folder}/seat_1", "--game", "ipd_rollout", *SMALL])
    assert "--against self" in capsys.readouterr().err


def test_a_training_that_is_not_finished_is_named(folder, tmp_path):
    def stop(done, seen):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(
            "naive",
            GAMES.make("chicken"),
            [None, None],
            {"iterations": 3},
            out=tmp_path,
            every=0.0,
            report=stop,
        )
    assert unfinished(str(tmp_path)).startswith(
        f"The training in {tmp_path} is not finished: 2 of 3 iterations are done"
    )
    assert unfinished(str(folder)) == ""


def test_what_has_no_episodes_is_named(tmp_path, capsys):
    main(
        [
            "train",
            "--learner",
            "naive",
            "--game",
            "chicken",
            "--out",
            str(tmp_path),
            "--set",
            "naive.iterations=2",
        ]
    )
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(tmp_path)])
    assert stop.value.code == 2
    assert (
        f"The folder '{tmp_path}' holds what was trained on 'chicken', whose values are exact and which has no episodes; let it play with "
        f"shaping play --game chicken --learners file:{tmp_path} OPPONENT." in capsys.readouterr().err
    )


def test_one_episode_has_no_standard_error(folder, capsys):
    main(["evaluate", str(folder), "--episodes", "1"])
    out = capsys.readouterr().out
    assert out.count("± -") == 10
    assert "nan" not in out.lower()


def test_who_cooperates_after_what_is_what_the_tables_say(folder):
    """A table's rows are these shares, but for chance: 4 standard errors of some 900 steps are .07."""
    script = runpy.run_path(
        str(pathlib.Path(__file__).parents[2] / "docs" / "experiments" / "cooperation.py")
    )
    found = script["shares"](str(folder)).drop(columns=["seat", "last"]).to_numpy()
    tables = trained(str(folder), SAMPLED.make("ipd_rollout", batch=4, length=5))
    np.testing.assert_allclose(found, jax.nn.sigmoid(jnp.stack(tables)), atol=0.07)
    assert np.ptp(tables, axis=1).min() > 0.2


def test_a_folder_that_does_not_know_its_game_asks_for_it(tmp_path, capsys):
    game = ENVIRONMENTS.make("ipd_rollout", length=5)
    checkpoint.save(Settled(jnp.zeros(5)), tmp_path, game=Sampled(game))
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path)])
    assert "--game" in capsys.readouterr().err


def test_a_folder_of_another_game_is_refused(folder, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["play", "--game", "ipd_rollout", "--learners", f"file:{folder}", "naive"])
    assert stopped.value.code == 2
    assert re.search("ipd_rollout", capsys.readouterr().err)


def test_a_training_goes_on_only_as_it_was_asked_for(folder, capsys):
    asked = [
        "train",
        "--learner",
        "naive",
        "--game",
        "ipd_rollout",
        "--out",
        str(folder),
        *SMALL,
        "naive.iterations=3",
    ]
    with pytest.raises(SystemExit):
        main([*asked, "naive.lr=0.2", "--resume"])
    assert capsys.readouterr().err.count("\n") < 3


@pytest.mark.parametrize(
    ("game", "said"),
    [("coin_lolla", "did you mean 'coin_lola'"), ("imp_rolout", "did you mean 'imp_rollout'")],
)
def test_a_mistyped_game_is_recognized(game, said, capsys):
    with pytest.raises(SystemExit):
        main(["play", "--game", game, "--learners", "naive", "naive"])
    assert said in capsys.readouterr().err


def test_learners_of_episodes_say_what_they_need(capsys):
    with pytest.raises(SystemExit):
        main(["play", "--game", "ipd", "--learners", "loqa", "naive", "--steps", "2", "--seeds", "2"])
    assert "sampled game" in capsys.readouterr().err
