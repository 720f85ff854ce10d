"""What tournaments do when processes are killed, files are damaged, disks are full, or folders are not theirs."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from analysis.cli import main as cli
from analysis.results import arrays as archives
from analysis.results.store import BLOCKS, SPECIFICATION
from analysis.tournaments import blocks, planning, round_robins, snapshots
from analysis.tournaments.results import Results
from analysis.tournaments.run import tournament
from games import GAMES, ipd_contribution
from games.storage import claim
from shaping import Lola, Naive, Optimized

TANDEM, HUNT = GAMES.make("tandem"), GAMES.make("stag_hunt")
LEARNERS = {"a": Naive(0.1), "b": Lola(0.1), "c": Optimized(Naive(0.1), "sgd", 0.1, {"momentum": 0.9})}


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Tiny programs are compiled without optimizations, as in the processes that are killed.

    Programs of other test modules round differently, so none of them is kept, nor are these for later modules.
    """
    for optimized in (False, True):
        jax.config.update("jax_disable_most_optimizations", not optimized)
        round_robins.trace_program.cache_clear()
        round_robins.compile_program.cache_clear()
        if not optimized:
            yield


def run(folder=None, **more):
    """A small tournament."""
    words = {"games": {"tandem": TANDEM, "hunt": HUNT}, "learners": LEARNERS, "steps": 30, "seeds": 3}
    return tournament(**words | more, out=folder)


@pytest.fixture(scope="module")
def whole():
    """The rows of the small tournament, never interrupted."""
    return run().frame


@pytest.fixture
def folder(tmp_path_factory, request):
    """A copy of the folder of a finished run, to be spoiled."""
    home = tmp_path_factory.getbasetemp() / "finished"
    if not home.exists():
        run(home)
    return pathlib.Path(shutil.copytree(home, tmp_path_factory.mktemp("copy") / "run"))


def block_files(folder):
    """The files of blocks, by game."""
    return {
        name: folder / BLOCKS / f"{planning.read_plan(folder / BLOCKS / f'{name}.json').blocks[0].hash}.npz"
        for name in ("tandem", "hunt")
    }


class Stop(Exception):
    """The end of a run in its middle."""


@pytest.mark.parametrize("after", [2, 7, 29])
def test_an_interrupted_block_goes_on_where_it_was(tmp_path, monkeypatch, whole, after):
    monkeypatch.setattr(snapshots, "SECONDS", 0.0)
    monkeypatch.setattr(snapshots, "SHARE", 0)
    monkeypatch.setattr(round_robins, "CHUNK_SECONDS", 0.0)
    seen = []

    def stop(game, stage, **facts):
        if stage == "running":
            seen.append(facts["done"])
            if facts["done"] == after and len(seen) < 100:
                raise Stop

    with pytest.raises(Stop):
        run(tmp_path, progress=stop)
    assert len(list((tmp_path / BLOCKS).glob("*.state.npz"))) == 1
    seen.clear()
    found = run(tmp_path, progress=lambda game, stage, **x: seen.append(x.get("done")))
    assert next(x for x in seen if x is not None) == after - 1  # the state is written before a chunk
    assert found.frame.equals(whole)
    assert not list((tmp_path / BLOCKS).glob("*.state.npz"))
    assert not list((tmp_path / BLOCKS).glob("*.lock"))


def test_compositions_and_records_go_on_too(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "SECONDS", 0.0)
    monkeypatch.setattr(snapshots, "SHARE", 0)
    words = {"games": {"three": ipd_contribution(n_players=3)}, "curves": 4, "steps": 12}
    expected = run(**words)

    def stop(game, stage, **facts):
        if facts.get("done") == 6:
            raise Stop

    with pytest.raises(Stop):
        run(tmp_path, **words, progress=stop)
    found = run(tmp_path, **words)
    assert found.frame.equals(expected.frame)
    cells = [x.cell("three", "a", "b", "c") for x in (found, expected, Results.load(tmp_path))]
    for cell in cells[1:]:
        np.testing.assert_array_equal(cells[0].curves, cell.curves)
    assert cells[0].curve_steps.tolist() == [0, 3, 6, 9, 12]


def test_random_keys_in_a_state_come_back():
    keys = jax.random.split(jax.random.key(3), 4)
    back = snapshots.as_leaf(snapshots.as_numbers(keys), keys.dtype)
    assert (jax.random.key_data(back) == jax.random.key_data(keys)).all()


KILLED = """
import sys, jax
jax.config.update("jax_disable_most_optimizations", True)
from analysis.tournaments import round_robins, snapshots
from analysis.tournaments.run import tournament
from games import GAMES
from shaping import Lola, Naive
snapshots.SECONDS, snapshots.SHARE, round_robins.CHUNK_SECONDS = 0.05, 0, 0.01
games = {"tandem": GAMES.make("tandem"), "hunt": GAMES.make("stag_hunt")}
learners = {"a": Naive(0.1), "b": Lola(0.1)}
say = lambda game, stage, **facts: print(game, stage, *facts.values(), flush=True)
tournament(games, learners, steps=int(sys.argv[2]), seeds=3, out=sys.argv[1], progress=say)
"""


def started(folder, steps):
    """A process that plays a tournament."""
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(steps)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(tmp_path, kills):
    steps, rng = 20_000 * kills, np.random.default_rng(kills)
    for _ in range(kills):
        with started(tmp_path / "killed", steps) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if "running" in line:
                    time.sleep(rng.uniform(0.05, 1.0))
                    break
            process.send_signal(signal.SIGKILL)
    learners = {"a": Naive(0.1), "b": Lola(0.1)}
    words = {"learners": learners, "steps": steps}
    found = run(tmp_path / "killed", **words)
    assert found.frame.equals(run(tmp_path / "whole", **words).frame)
    assert sorted(os.listdir(tmp_path / "killed" / BLOCKS)) == sorted(os.listdir(tmp_path / "whole" / BLOCKS))


@pytest.mark.parametrize("harm", ["truncated", "flipped", "emptied", "removed"])
@pytest.mark.parametrize("what", ["block", "rows"])
def test_damaged_files_are_named_and_computed_again(folder, whole, harm, what):
    path = block_files(folder)["hunt"] if what == "block" else folder / "hunt.parquet"
    content = path.read_bytes()
    if harm == "removed":
        path.unlink()
    else:
        middle = bytearray(content)
        for k in range(1, 40):  # some bits of a Parquet file have no meaning
            middle[k * len(content) // 40] ^= 16
        path.write_bytes({"truncated": content[:-50], "flipped": bytes(middle), "emptied": b""}[harm])
        with pytest.raises(ValueError, match=rf"{path.name}.*(computed|computes).*anew|{path.name}.*remove"):
            Results.load(folder).cell("hunt", "a", "b")
    if harm == "removed":
        found = run(folder)
    else:
        with pytest.warns(UserWarning, match=rf"{path.name}.*damaged"):
            found = run(folder)
    assert found.frame.equals(whole)
    assert Results.load(folder).frame.equals(whole)
    assert Results.load(folder).cell("hunt", "a", "b").params is not None
    assert run(folder).frame.equals(whole)  # without a warning


def test_no_changed_bit_of_a_block_is_read(folder):
    path = block_files(folder)["hunt"]
    content = path.read_bytes()
    note, held = archives.read_arrays(path)
    for bit in np.random.default_rng(0).choice(8 * len(content), 80, replace=False):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(changed))
        try:
            found, arrays = archives.read_arrays(path)
        except ValueError:
            continue
        else:  # a bit that has no meaning
            assert found == note
            assert all(np.array_equal(arrays[x], held[x], equal_nan=True) for x in held)


def test_a_damaged_state_is_named_and_left(tmp_path, monkeypatch, whole):
    monkeypatch.setattr(snapshots, "SECONDS", 0.0)

    def stop(game, stage, **facts):
        if facts.get("done", 0) > 1:
            raise Stop

    with pytest.raises(Stop):
        run(tmp_path, progress=stop)
    (path,) = (tmp_path / BLOCKS).glob("*.state.npz")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.warns(UserWarning, match=rf"{path.name}.*damaged"):
        assert run(tmp_path).frame.equals(whole)


def test_a_block_that_another_process_holds_is_left_to_it(tmp_path, whole):
    """The second run computes the other game, waits, and takes over when the first ends without a result."""
    plan_of = {}
    run(tmp_path / "plan")
    for name in ("tandem", "hunt"):
        plan_of[name] = planning.read_plan(tmp_path / "plan" / BLOCKS / f"{name}.json")
    block = plan_of["tandem"].blocks[0]
    told, held = [], claim(blocks.block_path(tmp_path / "run", block, ".lock"))
    assert held.__enter__()

    def progress(game, stage, **facts):
        told.append((game, stage))
        if stage == "waiting":
            held.__exit__(None, None, None)

    assert run(tmp_path / "run", progress=progress).frame.equals(whole)
    assert told.index(("hunt", "finished")) < told.index(("tandem", "waiting"))
    assert told[-1][0] == "tandem"


def test_two_processes_help_each_other(tmp_path):
    """Both end with the same rows, and no file is left over."""
    processes = [started(tmp_path / "run", 60_000) for _ in range(2)]
    for process in processes:
        with process:
            assert process.wait(600) == 0
    words = {"learners": {"a": Naive(0.1), "b": Lola(0.1)}, "steps": 60_000}
    assert Results.load(tmp_path / "run").frame.equals(run(**words).frame)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        BLOCKS, "hunt.parquet", SPECIFICATION, "tandem.parquet"
    ]  # fmt: skip
    assert {p.suffix for p in (tmp_path / "run" / BLOCKS).iterdir()} == {".json", ".npz"}


def test_a_run_in_another_folders_state_is_refused_while_one_runs(tmp_path):
    (tmp_path / "run").mkdir()
    with claim(tmp_path / "run" / ".lock"), pytest.raises(ValueError, match=r"in use.*another folder"):
        run(tmp_path / "run")


def test_a_full_disk_is_said_and_finished_blocks_stay(tmp_path, monkeypatch, whole):
    savez = np.savez

    def full(path, **held):
        if json.loads(held[archives.NOTE].tobytes())["block"]["game"] == "hunt":
            pathlib.Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        savez(path, **held)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(ValueError, match=r"No space left on device.*make room") as caught:
        run(tmp_path)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "tandem.parquet").exists()
    assert not list((tmp_path / BLOCKS).glob(".*"))
    monkeypatch.undo()
    told = []
    assert run(tmp_path, progress=lambda *event, **_: told.append(event)).frame.equals(whole)
    assert ("tandem", "found") in told


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_small_disk_is_said_and_goes_on_when_there_is_room(tmp_path, whole):
    home = tmp_path / "small"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=28k", "none", str(home)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no mounts here")
    try:
        with pytest.raises(ValueError, match="No space left on device"):
            run(home / "run")
        subprocess.run(["mount", "-o", "remount,size=4m", str(home)], check=True)
        assert run(home / "run").frame.equals(whole)
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_lanes_that_do_not_fit_become_blocks_that_resume(tmp_path, monkeypatch):
    """A plan is kept: a run with more memory goes on with the blocks of the first."""
    words = {"games": {"tandem": TANDEM}, "seeds": 6}
    monkeypatch.setattr(planning, "in_chunks_of_lanes", lambda plan, block: blocks_of_two(plan, block))

    def stop(game, stage, **facts):
        if facts.get("done", 0) >= 15:
            raise Stop

    with pytest.raises(Stop):
        run(tmp_path, **words, progress=stop)
    monkeypatch.undo()
    found = run(tmp_path, **words)
    assert len(planning.read_plan(tmp_path / BLOCKS / "tandem.json").blocks) == 3
    assert found.frame["seed"].nunique() == 6
    whole, cross = run(**words).frame, "value_cross_seed"
    numbers = whole.select_dtypes("number").columns.drop(cross)
    np.testing.assert_allclose(found.frame[numbers], whole[numbers], rtol=1e-5)
    assert found.cell("tandem", "a", "b").params[0].shape[0] == 6


def blocks_of_two(plan, block):
    """The block in ranges of two lanes."""
    return [
        plan.block(block.game, block.rows, block.columns, (), block.first + k, 2)
        for k in range(0, block.seeds, 2)
    ]


def test_an_engine_computes_the_blocks(tmp_path, whole):
    seen = []

    def engine(pending, compute):
        seen.extend(pending)
        assert all(compute(block) for block in reversed(pending))

    assert run(tmp_path, engine=engine).frame.equals(whole)
    assert [block.game for block in seen] == ["tandem", "hunt"]


def test_a_folder_without_blocks_is_read_and_grows(folder, whole):
    """As earlier versions left it: rows without arrays."""
    shutil.rmtree(folder / BLOCKS)
    assert run(folder).frame.equals(whole)
    assert not (folder / BLOCKS).exists()
    assert Results.load(folder).cell("hunt", "a", "b").params is None
    more = run(folder, learners=LEARNERS | {"d": Naive(0.3)})
    kept = more.frame.query("learner_0 != 'd' and learner_1 != 'd'").reset_index(drop=True)
    assert kept.equals(whole)
    assert more.cell("hunt", "a", "d").params is not None
    (folder / "hunt.parquet").unlink()
    again = run(folder, learners=LEARNERS | {"d": Naive(0.3)})
    assert again.cell("hunt", "a", "b").params is not None


def test_folders_that_are_not_ones_own_are_refused_in_a_sentence(folder, tmp_path):
    with pytest.raises(ValueError, match="no finished game"):
        Results.load(tmp_path)
    renamed = {"x" if name == "c" else name: learner for name, learner in LEARNERS.items()}
    with pytest.raises(ValueError, match=r"learners\.c is only there.*--force"):
        run(folder, learners=renamed)
    path = folder / BLOCKS / "hunt.json"
    data = planning.read_data(path)
    assert data is not None
    planning.write_data(path, {k: x for k, x in data.items() if k != "sha256"} | {"format": 99})
    for read in (run, Results.load):
        with pytest.raises(ValueError, match=r"format 99.*version"):
            read(folder)
    path = folder / SPECIFICATION
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 7}))
    for read in (run, Results.load):
        with pytest.raises(ValueError, match=r"format 7.*version"):
            read(folder)


def test_the_command_names_damaged_files(folder, capsys):
    words = ["tournament", "--games", "tandem", "--learners", "naive", "--steps", "3", "--seeds", "2"]
    cli.main([*words, "--out", str(folder.parent / "cli")])
    (path,) = (folder.parent / "cli" / BLOCKS).glob("*.npz")
    path.write_bytes(b"")
    capsys.readouterr()
    cli.main([*words, "--out", str(folder.parent / "cli")])
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "damaged" in x]
    assert path.name in line
    assert "Warning" not in line


@pytest.mark.parametrize(
    ("games", "opponents"), [({"three": ipd_contribution(n_players=3)}, None), ({"hunt": HUNT}, ["a", "b"])]
)
def test_compositions_and_rectangles_grow(tmp_path, x64, games, opponents):
    """New learners and new lanes are computed, old rows stay to the last bit, and all are those of a whole run."""
    few, all_three = {"b": LEARNERS["b"], "a": LEARNERS["a"]}, LEARNERS
    old = run(tmp_path, games=games, learners=few, opponents=opponents, steps=4, seeds=2).frame
    words = {"games": games, "learners": all_three, "opponents": opponents, "steps": 4, "seeds": 3}
    grown, whole = run(tmp_path, **words).frame, run(**words).frame
    assert len(grown) == len(whole)
    seats = [name for name in whole if name.startswith("learner_")]
    keys = ["cell", "seat", "seed", "value", "value_auc", "welfare"]
    assert len(old[keys].merge(grown[keys])) == len(old)
    if opponents:
        both = grown.merge(whole, on=["cell", "seat", "seed"])
        assert len(both) == len(whole)
        np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=1e-9)
    else:  # the seats are alike, and a composition may stand in another order
        met = [sorted(map(sorted, x[seats].to_numpy().tolist())) for x in (grown, whole)]
        assert met[0] == met[1]
    assert run(tmp_path, **words).frame.equals(grown)
