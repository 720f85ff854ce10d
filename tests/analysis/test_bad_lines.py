"""Command lines that hold a mistake: each ends with one sentence on stderr, before anything is computed or written."""

import os
import pathlib
import subprocess
import sys

import pytest

from analysis.cli import main as cli

GOOD = {
    "list": ["list", "games"],
    "play": ["play", "--learners", "naive", "naive", "--game", "tandem", "--steps", "2", "--seeds", "2"],
    "tournament": [
        "tournament",
        "--learners",
        "naive",
        "--games",
        "tandem",
        "--steps",
        "2",
        "--seeds",
        "2",
        "--out",
        "new",
    ],
    "train": [
        "train",
        "--learner",
        "naive",
        "--game",
        "tandem",
        "--out",
        "new",
        "--against",
        "self",
        "--set",
        "naive.iterations=2",
    ],
    "evaluate": ["evaluate", "nowhere", "--game", "ipd_rollout", "--episodes", "2"],
    "solve": ["solve", "chicken"],
    "cite": ["cite", "lola"],
    "doctor": ["doctor"],
}
"""A good line of every command, into which one mistake is put."""
INTEGERS = ["", " ", "few", "1.5", "nan", "inf", "-1", "1e3", "0x10", "true", "[2]", "9" * 30, "[up]", "±"]
NAMES = [
    "",
    "nosuch",
    "[up]",
    "[/]",
    "tändem",
    "naive,naive",
    "file:",
    "file:nowhere",
    "file:afile",
    "../naive",
    "=",
    "1",
    "nan",
    "a\nb",
    "--",
]
FOLDERS = ["", " ", "afile", "afile/run", "/dev/null/run", "/proc/run"]
NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "true",
    "null",
    "[]",
    "{}",
    '"x"',
    "1e999",
    "fast",
    "[1,2]",
    "[[1],[1,2]]",
    "",
    "[",
    "±1",
]
SETTINGS = [
    "",
    "lr",
    "lr=1",
    "lr=",
    "=1",
    "{}",
    "{}.lr",
    "{}.=1",
    ".lr=1",
    "{}.lr=",
    "nosuch.lr=1",
    "{}.nosuch=1",
    "{}.lr.lr=1",
    "[/]=1",
    "{}.ĺr=1",
]
OPTIONS = {
    "play": {
        "--game": NAMES,
        "--learners": NAMES,
        "--steps": INTEGERS,
        "--seeds": INTEGERS,
        "--seed": INTEGERS,
        "--average": NAMES,
    },
    "tournament": {
        "--games": NAMES,
        "--learners": NAMES,
        "--steps": INTEGERS,
        "--seeds": INTEGERS,
        "--seed": INTEGERS,
    },
    "train": {"--learner": NAMES, "--game": NAMES, "--against": NAMES, "--preset": NAMES, "--seed": INTEGERS},
    "evaluate": {"--game": NAMES, "--episodes": INTEGERS, "--seed": INTEGERS},
    "solve": {
        "--method": NAMES,
        "--correlated": ["", "nosuch", "[/]", "nan", "2", "-1", "1.5"],
        "--qre": ["", "few", "nan", "-1", "inf"],
    },
}
ALL = [
    "--game",
    "--games",
    "--learner",
    "--learners",
    "--steps",
    "--seeds",
    "--seed",
    "--average",
    "--out",
    "--against",
    "--preset",
]
ALL += [
    "--resume",
    "--force",
    "--json",
    "--set",
    "--episodes",
    "--method",
    "--all",
    "--exact",
    "--correlated",
    "--coarse",
    "--qre",
]
FILES = {
    "afile": b"",
    "empty.nfg": b"",
    "half.nfg": b'NFG 1 R "half" { "1" "2" } { 2 2 }\n\n1 1 0 2 0',
    "binary.nfg": bytes(range(256)),
    "list.json": b"[]",
    "half.json": b'{"payoffs": [[1, 2], [3',
    "nan.json": b'{"payoffs": [[[1, NaN], [3, 4]], [[1, 2], [3, 4]]]}',
    "ragged.json": b'{"payoffs": [[[1, 2], [3]], [[1, 2], [3, 4]]]}',
    "tree.efg": b'EFG 2 R "tree" { "1" "2" }\nt "" 1 "" { 1, 2 }\n',
}


def replaced(line, option, *values):
    """The line with the values of an option replaced, or put behind it."""
    if option not in line:
        return [*line, option, *values]
    begin = line.index(option) + 1
    end = next((k for k in range(begin, len(line)) if line[k].startswith("--")), len(line))
    return [*line[:begin], *values, *line[end:]]


def bad_lines():
    """One mistake in every line."""
    for word in [
        "",
        " ",
        "nosuch",
        "Play",
        "[up]",
        "[/]",
        "play tournament",
        "--nosuch",
        "-x",
        "--out",
        "±",
        "\n",
    ]:
        yield [word]
        yield [word, "--learners", "naive"]
    for command, line in GOOD.items():
        yield [*line, "--nosuch"]
        yield [*line, "--[up]", "1"]
        yield [*line, "--Json"]
        yield [*line, "--json=yes"]
        yield [*line, "--json", "true"]
        yield [*line, "-x"]
        yield [*line, ""]
        has = {*OPTIONS.get(command, {}), "--json"} | ({"--set"} if command in OPTIONS else set())
        has |= {
            "tournament": {"--out", "--force"},
            "play": {"--out", "--force"},
            "train": {"--out", "--force", "--resume"},
        }.get(command, set())
        has |= {"solve": {"--all", "--exact", "--coarse", "--force"}}.get(command, set())
        for option in ALL:
            if option not in has:
                yield [*line, option, "1"]  # of another command
        for option, values in OPTIONS.get(command, {}).items():
            yield replaced(line, option)  # nothing behind it
            yield [*line, option, "1", option, "1"]  # twice
            yield from (replaced(line, option, value) for value in values)
        if command in OPTIONS:
            own = {
                "play": "naive",
                "tournament": "naive",
                "train": "naive",
                "evaluate": "ipd_rollout",
                "solve": "chicken",
            }[command]
            yield from (
                replaced(line, "--set", word.format(own) if "{}." in word else word) for word in SETTINGS
            )
            setting = {"evaluate": "discount", "solve": "payoffs"}.get(command, "lr")
            yield from (replaced(line, "--set", f"{own}.{setting}={number}") for number in NUMBERS)
    for option in ("--steps", "--seeds"):
        yield replaced(GOOD["play"], option, "0")
        yield replaced(GOOD["tournament"], option, "0")
    for command in ("play", "tournament", "train"):
        yield from (replaced(GOOD[command], "--out", folder) for folder in FOLDERS)
    yield from (
        ["solve", name]
        for name in [*FILES, "nowhere.nfg", ".", "adir", "./", "nowhere/x", "[/]", "", "tandem", "coin_lola"]
    )
    yield from (["evaluate", name] for name in ["", "nowhere", "afile", "adir", "[/]", "afile/x", "/"])
    yield ["evaluate"]
    yield ["solve"]
    yield ["solve", "chicken", "pd"]
    yield ["cite"]
    yield from (["cite", word] for word in ["", "nosuch", "[/]", "±", "--all", "lola naive"])
    yield ["cite", "lola", "naive"]
    yield ["list"]
    yield from (["list", word] for word in ["", "nosuch", "Games", "[/]", "game"])
    yield ["doctor", "all"]
    for learners in (
        ["naive"],
        ["naive"] * 3,
        ["tft", "naive"],
        ["naive", "nosuch=naive=lola"],
        ["a=naive", "a=lola"],
        ["cola", "naive"],
    ):
        yield replaced(GOOD["play"], "--learners", *learners)
    yield replaced(GOOD["tournament"], "--learners", "naive", "nl")
    yield replaced(GOOD["tournament"], "--games", "tandem", "tandem")
    yield ["solve", "chicken", "--qre", "1", "--exact"]
    yield ["solve", "chicken", "--correlated", "welfare", "--method", "lemke_howson"]
    yield ["solve", "chicken", "--all", "--method", "lemke_howson"]


LINES = [list(line) for line in dict.fromkeys(map(tuple, bad_lines()))]
SAMPLE = LINES[:: len(LINES) // 40]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with damaged files."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "adir").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entries(folder: pathlib.Path):
    """Everything that it holds."""
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def check(folder, capsys, line):
    """One sentence, exit code 2, nothing printed and nothing written."""
    before = entries(folder)
    with pytest.raises(SystemExit) as stopped:
        cli.main(line)
    out, err = capsys.readouterr()
    said = [x for x in err.splitlines() if not x.startswith("device: ")]
    assert stopped.value.code == 2
    assert out == ""
    assert len(said) == 1
    assert said[0].startswith("shaping: ")
    assert said[0].endswith((".", ")"))
    assert "Traceback" not in err
    assert len(said[0]) < 2000
    assert entries(folder) == before


def test_there_are_as_many_as_were_asked_for():
    assert len(LINES) >= 300


@pytest.mark.parametrize("line", SAMPLE, ids=repr)
def test_a_mistake_gets_one_sentence(folder, capsys, line):
    check(folder, capsys, line)


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if line not in SAMPLE], ids=repr)
def test_every_mistake_gets_one_sentence(folder, capsys, line):
    check(folder, capsys, line)


@pytest.mark.slow
@pytest.mark.parametrize("line", SAMPLE[::8], ids=repr)
def test_a_process_of_its_own_says_the_same(folder, line):
    done = subprocess.run(
        [sys.executable, "-m", "analysis", *line],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=os.environ | {"PYTHONPATH": str(pathlib.Path(cli.__file__).parents[2])},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("shaping: ")
    assert done.stderr.count("\n") == 1
