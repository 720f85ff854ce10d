"""Files that are not what was written: altered bits, other runs' files in the folder, headers that are no headers."""

import collections
import json
import pathlib
import re
import shutil

import jax
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.cli import main as cli
from analysis.results import store
from analysis.results.store import KEY, SPECIFICATION, Store, load
from analysis.tournaments.run import tournament
from games import GAMES, storage as folders
from shaping import Lola, Naive, Optimized
from shaping.checkpoint import folder as checkpoint

TANDEM = GAMES.make("tandem")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a tournament of two games."""
    folder = tmp_path_factory.mktemp("run")
    tournament(
        {"a": TANDEM, "b": GAMES.make("hamiltonian")}, [Naive(0.1), Lola(0.1)], steps=3, seeds=3, out=folder
    )
    return folder


@pytest.fixture
def copied(run, tmp_path):
    """A copy, to be spoiled."""
    return pathlib.Path(shutil.copytree(run, tmp_path / "copied"))


def flipped(content: bytes, bit: int) -> bytes:
    """The same bytes but for one bit."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def outcomes(path: pathlib.Path, flips: int, read, same) -> collections.Counter:
    """How often a file with one bit changed is refused, read as before, or read as something else."""
    content, found = path.read_bytes(), collections.Counter()
    for bit in np.random.default_rng(0).choice(8 * len(content), flips, replace=False):
        path.write_bytes(flipped(content, int(bit)))
        try:
            found["same" if same(read()) else "other"] += 1
        except ValueError as error:
            found["refused" if "\n" not in str(error) else "lines"] += 1
    path.write_bytes(content)
    return found


@pytest.mark.parametrize("flips", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_no_changed_bit_of_a_results_file_changes_what_is_read(copied, flips):
    frame = load(copied)
    for name in ("a.parquet", SPECIFICATION):
        found = outcomes(copied / name, flips, lambda: load(copied), frame.equals)
        assert set(found) <= {"refused", "same"}, found
        assert found["refused"] > flips / 2, found


def equal(a, b):
    """The same structure and bits."""
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        np.asarray(x).tobytes() == np.asarray(y).tobytes()
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@pytest.mark.parametrize("flips", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_no_changed_bit_of_a_checkpoint_changes_the_learner(tmp_path, flips):
    learner = Optimized(Lola(0.1), "sgd", 0.1, {"momentum": 0.9})
    checkpoint.save(learner, tmp_path, game=TANDEM, note={"seed": 0})
    note = checkpoint.load_note(tmp_path)
    for path in tmp_path.iterdir():
        found = outcomes(
            path,
            flips,
            lambda: (checkpoint.load(tmp_path, TANDEM), checkpoint.load_note(tmp_path)),
            lambda x: equal(x[0], learner) and x[1] == note,
        )
        assert set(found) <= {"refused", "same"}, found
        assert found["refused"] > flips / 2, found


def unsigned(folder):
    """A results folder as it was before files had hashes."""
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        note = {
            name: x for name, x in json.loads(table.schema.metadata[KEY]).items() if name in store.UNSIGNED
        }
        pq.write_table(
            table.replace_schema_metadata({**table.schema.metadata, KEY: json.dumps(note).encode()}),
            path,
            compression="zstd",
        )


def test_folders_without_hashes_are_read(copied, tmp_path):
    frame = load(copied)
    unsigned(copied)
    assert load(copied).equals(frame)
    again = tournament(
        {"a": TANDEM, "b": GAMES.make("hamiltonian")}, [Naive(0.1), Lola(0.1)], steps=3, seeds=3, out=copied
    ).frame
    assert again.equals(frame)
    shutil.copy(copied / "a.parquet", copied / "b.parquet")
    with pytest.raises(ValueError, match=r"'a'.*'b'"):
        load(copied)
    checkpoint.save(Lola(0.1), tmp_path / "learner", game=TANDEM)
    path = tmp_path / "learner" / "learner.json"
    path.write_text(
        json.dumps({name: x for name, x in json.loads(path.read_text()).items() if name != folders.SUM})
    )
    assert equal(checkpoint.load(tmp_path / "learner", TANDEM), Lola(0.1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 1}, "seed is 1 "),
        ({"steps": 4}, "steps is 4 "),
        ({"seeds": 4}, "seeds is 4 "),
        ({"games": {"a": {"lr": 1}, "b": {}}}, "games.a"),
        ({"learners": {"naive": {}}}, "learners"),
    ],
    ids=["seed", "steps", "seeds", "game", "learners"],
)
def test_a_file_of_another_run_is_refused_and_named(copied, tmp_path, change, says):
    asked = json.loads((copied / SPECIFICATION).read_text())["specification"]
    frame = load(copied)
    path = Store(tmp_path / "other", asked | change, ("a", "b")).save("a", frame[frame["game"] == "a"], {})
    shutil.copy(path, copied / "a.parquet")
    for read in (Store(copied, asked, ("a", "b"), grows=True).load, lambda _: load(copied)):
        with pytest.raises(ValueError, match=r"copied/a\.parquet' .*remove") as error:
            read("a")
        assert says in str(error.value)
    (copied / "a.parquet").unlink()
    pd.testing.assert_frame_equal(load(copied), frame[frame["game"] == "b"].reset_index(drop=True))


def test_rows_that_were_taken_out_are_missed(copied):
    path = copied / "a.parquet"
    pq.write_table(pq.read_table(path).slice(4), path)  # pyarrow keeps the note
    with pytest.raises(ValueError, match=r"a\.parquet'.*damaged.*remove"):
        load(copied)
    unsigned(copied)
    with pytest.raises(ValueError, match=r"'a' .*20 rows.*3 seeds.*2 x 2"):
        tournament(
            {"a": TANDEM, "b": GAMES.make("hamiltonian")},
            [Naive(0.1), Lola(0.1)],
            steps=3,
            seeds=3,
            out=copied,
        )


def test_force_deletes_nothing_outside_the_folder(copied):
    outside = copied.parent / "x.parquet"
    outside.write_text("mine")
    specification = {"specification": {"games": {"../x": {}, "a": {}}}}
    (copied / SPECIFICATION).write_text(json.dumps(specification))
    with pytest.raises(ValueError, match=r"'\.\./x'.*remove"):
        Store(copied, {"games": {"a": {}}}, ("a",), force=True)
    assert outside.read_text() == "mine"
    assert (copied / "a.parquet").exists()


@pytest.mark.parametrize("games", [None, [], "a", {}, 3])
def test_force_takes_any_damaged_specification(copied, games):
    (copied / SPECIFICATION).write_text(json.dumps({"specification": {"games": games}}))
    assert Store(copied, {"games": {"a": {}}}, ("a",), force=True).done() == ()


HEADERS = {
    "null": b"null",
    "list": b"[]",
    "number": b"3",
    "text": b'"learner"',
    "nothing": b"",
    "truncated": b'{"format": 2, "lab"',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "zeros": bytes(100),
} | {
    f"{part} {value}": {part: json.loads(value)}
    for part in ("format", "lab", "game", "learner", "note", "arrays", "state")
    for value in ("null", "[]", "3", '"x"', "{}")
    if (part, value) not in {("lab", "null"), ("lab", '"x"'), ("game", "null"), ("note", "{}")}
    and (part != "state" or value in "[]{}")
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned")
    checkpoint.save(Naive(0.1), folder, game=TANDEM)
    return folder


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_what_is_no_header_is_refused_in_a_sentence(learned, tmp_path, header, signed):
    folder = pathlib.Path(shutil.copytree(learned, tmp_path / "copied"))
    path = folder / "learner.json"
    if isinstance(header, dict):
        whole = {
            name: x for name, x in (json.loads(path.read_text()) | header).items() if name != folders.SUM
        }
        header = json.dumps(folders.signed(whole) if signed else whole).encode()
    path.write_bytes(header)
    with pytest.raises(ValueError, match="copied") as error:
        checkpoint.load_state(folder, np.zeros(2)), checkpoint.load(folder, TANDEM)
    assert "\n" not in str(error.value)


SETTINGS = (
    3,
    None,
    "x",
    [],
    {"class": "games.base:Game", "fields": {}},
    {"array": "array_9"},
    {"key": {"array": "array_0"}, "implementation": "x"},
)


@pytest.mark.parametrize("value", SETTINGS, ids=str)
@pytest.mark.parametrize("field", ["lr", "variant", "steps"])
def test_a_setting_that_cannot_be_is_refused_in_a_sentence(tmp_path, field, value):
    """In a header that has no hash, or was written so."""
    checkpoint.save(Lola(0.1), tmp_path, game=TANDEM)
    path = tmp_path / "learner.json"
    header = json.loads(path.read_text())
    header["learner"]["settings"]["fields"][field] = value
    path.write_text(json.dumps({name: x for name, x in header.items() if name != folders.SUM}))
    if value == 3 and field != "variant":
        assert getattr(checkpoint.load(tmp_path), field) == 3
        return
    with pytest.raises(ValueError, match=re.escape(str(tmp_path))) as error:
        checkpoint.load(tmp_path)
    assert "\n" not in str(error.value)


COMMANDS = (
    ["play", "--game", "tandem", "--learners", "file:{}", "naive"],
    ["tournament", "--games", "tandem", "--learners", "file:{}", "naive"],
    ["train", "--learner", "mfos", "--game", "tandem", "--resume", "--out", "{}"],
    ["train", "--learner", "mfos", "--game", "tandem", "--out", "{}"],
    ["train", "--learner", "mfos", "--game", "tandem", "--against", "file:{}", "--out", "nowhere"],
    ["evaluate", "{}"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_refuses_a_damaged_learner(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for content in (b"null", b"[]", b'{"format": 2, "note": null}', bytes(range(256)), b"{"):
        (tmp_path / "d" / "learner.json").write_bytes(content)
        with pytest.raises(SystemExit) as stop:
            cli.main([word.format("d") for word in words])
        assert stop.value.code == 2
        error = capsys.readouterr().err.splitlines()
        assert "learner.json" in error[-1]
        assert error[-1].startswith("shaping:")
    assert [p.name for p in tmp_path.rglob("*") if p.is_file() and "runs" not in p.parts] == ["learner.json"]
