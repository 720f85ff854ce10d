"""Results on disk: whole or absent, with their provenance, and never mixed with those of another specification."""

import importlib
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.results import provenance, specification
from analysis.results.store import SPECIFICATION, Store, load, read_note, write_whole
from analysis.tournaments import blocks
from analysis.tournaments.run import tournament
from games import GAMES, MatrixGame, storage as folders
from shaping import Learner, Lola, Naive

SPEC = {"steps": 3, "games": {"pd": {}, "mp": {}}, "learners": {"naive": {"lr": 0.1}}}
GAMES_ASKED = ("pd", "mp")
FRAME = pd.DataFrame({"value": [1.0, 2.0], "learner": ["a", "b"]})


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Tiny programs: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def test_rows_come_back_with_their_provenance(tmp_path):
    store = Store(tmp_path / "run", SPEC, GAMES_ASKED)
    assert store.done() == ()
    store.save("pd", FRAME, provenance.environment() | {"seed": 0})
    assert store.done() == ("pd",)
    pd.testing.assert_frame_equal(store.load("pd"), FRAME)
    note = read_note(store.path("pd"))
    assert note["specification"] == SPEC
    assert note["hash"] == specification.fingerprint(SPEC)
    known = note["provenance"]
    assert {
        "lab",
        "commit",
        "python",
        "jax",
        "jaxlib",
        "numpy",
        "device",
        "devices",
        "x64",
        "xla_flags",
        "command",
        "seed",
    } <= set(known)
    assert json.loads((tmp_path / "run" / SPECIFICATION).read_text())["specification"] == SPEC


def test_the_same_specification_goes_on(tmp_path):
    Store(tmp_path, SPEC, GAMES_ASKED).save("pd", FRAME, {})
    assert Store(tmp_path, SPEC, GAMES_ASKED).done() == ("pd",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 4}, "steps is 3.*4 "),
        ({"learners": {"naive": {"lr": 0.2}}}, r"learners\.naive\.lr is 0.1.*0.2 "),
        ({"learners": {"naive": {"lr": 0.1}, "lola": {}}}, r"learners\.lola.*here"),
        ({"games": {"pd": {}}}, r"games\.mp.*there"),
    ],
)
def test_another_specification_is_refused_and_says_what_differs(tmp_path, change, says):
    Store(tmp_path, SPEC, GAMES_ASKED).save("pd", FRAME, {})
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=says) as caught:
        Store(tmp_path, SPEC | change, GAMES_ASKED)
    assert "--force" in str(caught.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_force_removes_what_the_old_specification_left_and_nothing_else(tmp_path):
    Store(tmp_path, SPEC, GAMES_ASKED).save("mp", FRAME, {})
    (tmp_path / "notes.txt").write_text("mine")
    store = Store(tmp_path, {"steps": 4, "games": {"pd": {}}}, ("pd",), force=True)
    assert store.done() == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", SPECIFICATION]
    assert json.loads((tmp_path / SPECIFICATION).read_text())["specification"]["steps"] == 4


def test_files_of_unknown_origin_are_refused(tmp_path):
    FRAME.to_parquet(tmp_path / "pd.parquet")
    with pytest.raises(ValueError, match=r"specification\.json"):
        Store(tmp_path, SPEC, GAMES_ASKED)
    with pytest.raises(ValueError, match=r"pd\.parquet.*provenance"):
        read_note(tmp_path / "pd.parquet")


def test_a_broken_specification_is_refused(tmp_path):
    (tmp_path / SPECIFICATION).write_text("{")
    with pytest.raises(ValueError, match="JSON object"):
        Store(tmp_path, SPEC, GAMES_ASKED)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        Store(tmp_path / "file" / "run", SPEC, GAMES_ASKED)


def test_a_pickle_under_our_name_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    store = Store(tmp_path, SPEC, GAMES_ASKED)
    store.path("pd").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"pd\.parquet.*Parquet"):
        store.load("pd")
    assert not (tmp_path / "sprung").exists()


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    target = tmp_path / "pd.parquet"
    target.write_text("old")

    def fail(path: pathlib.Path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(target, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["pd.parquet"]
    assert target.read_text() == "old"


def test_a_tournament_resumes_with_the_games_that_are_missing(tmp_path):
    told = []
    games = {"tandem": GAMES.make("tandem"), "rotation": GAMES.make("hamiltonian")}

    def run(stop=None, **more):
        def progress(game, stage, **facts):
            told.append((game, stage))
            if (game, stage) == stop:
                raise KeyboardInterrupt

        return tournament(
            games, [Naive(0.1), Lola(0.1, 0.1)], steps=5, seeds=3, out=tmp_path, progress=progress, **more
        ).frame

    with pytest.raises(KeyboardInterrupt):
        run(stop=("rotation", "running"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocks", SPECIFICATION, "tandem.parquet"]
    written = (tmp_path / "tandem.parquet").stat().st_mtime_ns
    told.clear()
    frame = run()
    assert told[0] == ("tandem", "found")
    assert {game for game, stage in told if stage == "finished"} == {"rotation"}
    assert (tmp_path / "tandem.parquet").stat().st_mtime_ns == written
    pd.testing.assert_frame_equal(run(), frame)
    pd.testing.assert_frame_equal(load(tmp_path), frame)
    assert list(frame["game"].unique()) == ["tandem", "rotation"]
    note = read_note(tmp_path / "rotation.parquet")["provenance"]
    assert {"compile_s", "run_s", "wall_s", "start", "end"} <= set(note)
    assert note["compile_s"] + note["run_s"] <= note["wall_s"]
    told.clear()
    run(force=True)
    assert ("tandem", "finished") in told


def test_there_is_nothing_to_load_where_no_run_is(tmp_path):
    with pytest.raises(ValueError, match="no finished game"):
        load(tmp_path)


def test_descriptions_are_plain_and_tell_games_apart():
    small, large = (
        MatrixGame.symmetric([[0.1, 2], [3, 4]]),
        MatrixGame.symmetric([[float(i * j) for j in range(9)] for i in range(9)]),
    )
    described = specification.describe(small)
    assert described["payoffs"][0] == [[0.1, 2.0], [3.0, 4.0]]
    assert json.loads(specification.text(described)) == described
    assert set(specification.describe(large)["payoffs"]) == {"shape", "dtype", "sha256"}
    assert len({specification.fingerprint(specification.describe(entry.make())) for entry in GAMES}) == len(
        list(GAMES)
    )


def test_parquet_is_readable_without_the_laboratory(tmp_path):
    path = Store(tmp_path, SPEC, GAMES_ASKED).save("pd", FRAME, {})
    assert pq.read_table(path).column_names == ["value", "learner"]


LEARNERS = {"a": Naive(0.1), "b": Lola(0.1)}


def test_a_finished_tournament_grows_by_its_new_cells_alone(tmp_path, x64, monkeypatch):
    """Old numbers stay to the last bit, and new ones are, up to rounding, those of a tournament played whole."""
    games = {"tandem": GAMES.make("tandem"), "hunt": GAMES.make("stag_hunt")}
    small = tournament({"hunt": games["hunt"]}, LEARNERS, steps=4, seeds=2, out=tmp_path).frame
    played, whole = [], blocks.compute_block

    def counted(plan, block, *rest):
        played.append(len(block.rows) * len(block.columns) * block.seeds)
        return whole(plan, block, *rest)

    monkeypatch.setattr(blocks, "compute_block", counted)
    learners = {"b": LEARNERS["b"], "c": Naive(0.3), "a": LEARNERS["a"]}
    words = {"games": games, "learners": learners, "steps": 4, "seeds": 3}
    grown = tournament(**words, out=tmp_path).frame
    assert sum(played) == 2 * 9 * 3 - 4 * 2
    assert load(tmp_path).equals(grown)
    assert tournament(**words, out=tmp_path).frame.equals(grown)
    assert len(played) == 4
    assert read_note(tmp_path / "hunt.parquet")["provenance"]["earlier"]["seed"] == 0
    keys = ["game", "learner_0", "learner_1", "seat", "seed"]
    kept = small[keys].merge(grown, on=keys, how="left")[list(small)]
    pd.testing.assert_frame_equal(kept, small, check_exact=True)
    played_whole, cross = tournament(**words).frame, "value_cross_seed"  # of neighboring lanes of a block
    pd.testing.assert_frame_equal(grown.drop(columns=cross), played_whole.drop(columns=cross), rtol=1e-9)
    with pytest.raises(ValueError, match=r"learners\.c .*there"):
        tournament(games, LEARNERS, steps=4, seeds=3, out=tmp_path)
    with pytest.raises(ValueError, match=r"seeds is 3.*2 "):
        tournament(**words | {"seeds": 2}, out=tmp_path)
    with pytest.raises(ValueError, match=r"learners\.a\.lr is 0.1.*0.2 "):
        tournament(**words | {"learners": learners | {"a": Naive(0.2)}}, out=tmp_path)


def test_an_interrupted_growth_goes_on(tmp_path):
    """One game has grown, the other not yet."""
    games = {"tandem": GAMES.make("tandem"), "other": GAMES.make("stag_hunt")}
    tournament(games, LEARNERS, steps=4, seeds=2, out=tmp_path)

    def stop(game, stage, **_):
        if (game, stage) == ("other", "running"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tournament(games, LEARNERS, steps=4, seeds=5, out=tmp_path, progress=stop)
    with pytest.raises(
        ValueError,
        match=r"other\.parquet'.*seeds is 2.*5 .*command",
    ):
        load(tmp_path)
    frame = tournament(games, LEARNERS, steps=4, seeds=5, out=tmp_path).frame
    assert frame.groupby("game", sort=False)["seed"].nunique().to_dict() == {"tandem": 5, "other": 5}
    assert load(tmp_path).equals(frame)


MODULE = """
from shaping import Learner
{above}

class Mine(Learner):
    # {comment}
    def update(self, state, view):
        return {step}, state
"""
HELPED = "RATE = 0.1\ndef helped(own):\n    return RATE * own"


def own(folder, monkeypatch, *, step="tuple(map(helped, view.own))", above=HELPED, comment="one"):
    """A learner of one's own, from a module of one's own."""
    name = f"mine_{folder.parent.name}_{len(list(folder.iterdir()))}"
    (folder / f"{name}.py").write_text(MODULE.format(step=step, above=above, comment=comment))
    monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module(name).Mine()


def test_the_code_of_learners_of_ones_own_is_part_of_the_specification(tmp_path, monkeypatch):
    first = specification.describe(own(tmp_path, monkeypatch))
    assert specification.describe(own(tmp_path, monkeypatch, comment="two")) == first
    changes = (
        {"step": "view.own"},
        {"above": HELPED.replace("0.1", "0.2")},
        {"above": HELPED.replace("RATE *", "2 * RATE *")},
    )
    for change in changes:
        (found,) = specification.differences(
            first, specification.describe(own(tmp_path, monkeypatch, **change))
        )
        assert found.startswith("source code is")
    assert "source code" not in specification.describe(Lola())


def test_an_edited_learner_is_not_answered_with_old_numbers(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    words = {"steps": 2, "seeds": 2, "out": tmp_path / "run"}
    tournament([GAMES.make("tandem")], {"mine": own(tmp_path / "code", monkeypatch)}, **words)
    with pytest.raises(ValueError, match=r"learners\.mine\.source code"):
        tournament(
            [GAMES.make("tandem")], {"mine": own(tmp_path / "code", monkeypatch, step="view.own")}, **words
        )


def test_a_class_without_source_is_told_by_its_code():
    def typed(step):
        names: Any = {"Learner": Learner, "__name__": "prompt"}
        exec(f"class Mine(Learner):\n    def update(self, state, view):\n        return {step}, state", names)
        return specification.describe(names["Mine"]())

    assert typed("view.own") == typed("view.own") != typed("2 * view.own")


HOLD = """
import sys, time
from analysis.results.store import Store
with Store(sys.argv[1], {"steps": 3}, ("pd",)) as store:
    store.write("heatmap.png", lambda path: (print(path.name, flush=True), time.sleep(60)))
"""


def test_one_run_at_a_time_and_a_kill_lets_go(tmp_path):
    """A folder that a living process holds is refused, whatever is asked; when it is killed, what it left is cleared away."""
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        temporary = process.stdout.readline().strip()
        for asked in (3, 4):
            with pytest.raises(ValueError, match=r"in use.*name another folder"):
                Store(folder, {"steps": asked}, ("pd",), force=True)
        store = Store(folder, {"steps": 3}, ("pd",))
        with pytest.raises(ValueError, match="in use"), store:
            pass
        folders.remove_temporaries(folder, {"heatmap"})
        assert (folder / temporary).exists()
        process.send_signal(signal.SIGKILL)
    (folder / ".mine-abcdefgh.png").write_text("not ours")
    assert {p.name for p in folder.iterdir()} == {
        SPECIFICATION,
        temporary,
        folders.LOCK,
        ".mine-abcdefgh.png",
    }
    with Store(folder, {"steps": 3}, ("pd",)) as store:
        store.save("pd", FRAME, {})
    assert {p.name for p in folder.iterdir()} == {SPECIFICATION, "pd.parquet", ".mine-abcdefgh.png"}


def full(table, path, **_):
    """A disk without room for the second half."""
    pathlib.Path(path).write_text("half")
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_named_and_finished_files_stay(tmp_path, monkeypatch):
    with Store(tmp_path, SPEC, GAMES_ASKED) as store:
        store.save("pd", FRAME, {})
        monkeypatch.setattr(pq, "write_table", full)
        with pytest.raises(
            ValueError,
            match=r"mp\.parquet'.*\(No space left on device\).*room",
        ):
            store.save("mp", FRAME, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pd.parquet", SPECIFICATION]
    pd.testing.assert_frame_equal(store.load("pd"), FRAME)


def test_every_kind_of_column_comes_back(tmp_path):
    """Numbers that are none, signed zeros, texts with gaps: what is written is what is read, and is not taken for damage."""
    frame = pd.DataFrame(
        {
            "float": np.array([np.nan, -0.0, np.inf], np.float32),
            "int": [1, 2, 3],
            "flag": [True, False, True],
            "text": ["a", None, "ü"],
            "none": [None, None, None],
            "time": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
        }
    )
    store = Store(tmp_path, SPEC, GAMES_ASKED)
    store.save("pd", frame, {})
    back = store.load("pd")
    assert np.signbit(back["float"][1])
    pd.testing.assert_frame_equal(back, pd.read_parquet(store.path("pd")))
    pd.testing.assert_frame_equal(back[["float", "int", "flag"]], frame[["float", "int", "flag"]])


@pytest.mark.slow  # processes of their own
@pytest.mark.timeout(1200)
def test_a_tournament_killed_at_random_moments_ends_as_one_that_was_not(tmp_path):
    code = (
        "import sys; from analysis.cli import main as cli\n"
        "cli.main(['tournament', '--games', 'tandem', 'stag_hunt', '--steps', '200', '--out', *sys.argv[1:]])"
    )
    words = ["--seeds", "40", "--learners", "naive", "lola"]

    def run(name, *more, seconds=None):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / name), *more], stderr=subprocess.DEVNULL
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    for seconds in np.random.default_rng(0).uniform(3, 15, 6):
        run("killed", *words, seconds=seconds)
    assert run("killed", *words) == 0
    assert run("whole", *words) == 0
    assert load(tmp_path / "killed").equals(load(tmp_path / "whole"))
    assert {p.name for p in (tmp_path / "killed").iterdir()} == {
        p.name for p in (tmp_path / "whole").iterdir()
    }
