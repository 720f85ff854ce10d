"""The command line: what it prints, what it refuses and how, and what it leaves on disk."""

import json
import os
import pathlib
import re
import runpy
import signal
import subprocess
import sys

import numpy as np
import pytest

from analysis.cli import doctor, main as cli, runner as program
from analysis.cli.registries import find
from analysis.tournaments import blocks
from games import GAMES
from shaping import LEARNERS, Lola, Naive, play

pytestmark = pytest.mark.usefixtures("quickly_compiled")

SHAPING = [sys.executable, "-c", "from analysis.cli.main import main; main()"]
SMALL = [
    "--games",
    "tandem",
    "hamiltonian",
    "--learners",
    "naive",
    "lola",
    "--steps",
    "5",
    "--seeds",
    "3",
    "--set",
    "naive.lr=0.1",
]


def run(capsys, *words):
    """Run a command line in this process: its exit code, stdout and stderr."""
    code = 0
    try:
        cli.main([str(w) for w in words])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "kind",
    ["games", "sampled", "environments", "learners", "strategies", "solvers", "dynamics", "flows", "figures"],
)
def test_lists_are_complete(capsys, kind):
    code, out, _ = run(capsys, "list", kind, "--json")
    entries = json.loads(out)[kind]
    assert code == 0
    assert entries
    assert all(e["name"] and e["summary"] and e["citation"] for e in entries)
    for e in entries:
        assert run(capsys, "cite", e["name"])[1].startswith("@")
    text = run(capsys, "list", kind)[1]
    assert all(e["name"] in text for e in entries)


@pytest.mark.parametrize(("name", "registry"), [("ipd", GAMES), ("lola", LEARNERS)])
def test_cite_finds_aliases_and_names(capsys, name, registry):
    assert registry.get(name).citation in run(capsys, "cite", name)[1]
    assert find(name).name == registry.get(name).name


def test_play_prints_what_play_returns(capsys):
    words = [
        "play",
        "--game",
        "tandem",
        "--learners",
        "lola",
        "naive",
        "--steps",
        10,
        "--seeds",
        5,
        "--seed",
        3,
    ]
    words += ["--set", "lola.lr=0.05", "naive.lr=0.1", "--set", "lola.look_ahead=0.1", "--json"]
    code, out, _ = run(capsys, *words)
    match = play(GAMES.make("tandem"), [Lola(0.05, 0.1), Naive(0.1)], 3, steps=10, seeds=5)
    found = json.loads(out)
    assert code == 0
    assert list(found) == ["game", "steps", "seeds", "average", "diverged", "players"]
    assert (found["game"], found["steps"], found["seeds"], found["diverged"]) == ("tandem", 10, 5, 0)
    values = np.asarray(match.values)
    for seat, player in enumerate(found["players"]):
        assert list(player) == ["learner", "mean", "sd", "ci95"]
        assert player["learner"] == ("lola", "naive")[seat]
        assert player["mean"] == pytest.approx(values[:, -1, seat].mean())
        assert player["sd"] == pytest.approx(values[:, -1, seat].std(ddof=1))
        assert player["ci95"][0] < player["mean"] < player["ci95"][1]
    along = json.loads(run(capsys, *words, "--average", "trajectory")[1])
    assert along["players"][0]["mean"] == pytest.approx(values[..., 0].mean())
    published = json.loads(
        run(capsys, *words, "--average", "steps")[1]
    )  # without the draw before the first step
    assert published["players"][0]["mean"] == pytest.approx(values[:, 1:, 0].mean())
    assert published["average"] == "steps"


def test_play_counts_diverged_seeds_and_writes_no_nan(capsys):
    words = [
        "play",
        "--game",
        "tandem",
        "--learners",
        "naive",
        "naive",
        "--steps",
        200,
        "--seeds",
        4,
        "--set",
        "naive.lr=9",
    ]
    code, out, err = run(capsys, *words, "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert code == 1
    assert "diverged" in err
    assert found["diverged"] == 4
    assert found["players"][0] == {"learner": "naive", "mean": None, "sd": None, "ci95": [None, None]}
    assert "4 of 4 seeds diverged" in run(capsys, *words)[1]


def test_play_keeps_its_rows_and_finds_them_again(capsys, tmp_path):
    words = [
        "play",
        "--game",
        "tandem",
        "--learners",
        "naive",
        "naive",
        "--steps",
        6,
        "--seeds",
        3,
        "--set",
        "naive.lr=.1",
        "--out",
        tmp_path,
    ]
    first = run(capsys, *words, "--json")[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "curves.png",
        "specification.json",
        "tandem.parquet",
    ]
    _, second, err = run(capsys, *words, "--json")
    assert second == first
    assert "found" in err
    drawn = (tmp_path / "curves.png").read_bytes()
    (tmp_path / "curves.png").unlink()
    assert run(capsys, *words, "--json")[1] == first
    assert (tmp_path / "curves.png").read_bytes() == drawn
    code, _, err = run(capsys, *words, "--seed", 4)
    assert code == 2
    assert re.search("seed is 0.*4 ", err)
    assert run(capsys, *words, "--seed", 4, "--force")[0] == 0


def test_one_seed_has_no_interval(capsys):
    words = ["play", "--game", "tandem", "--learners", "naive", "naive", "--steps", 2, "--seeds", 1]
    assert json.loads(run(capsys, *words, "--json")[1])["players"][0]["ci95"] == [None, None]
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "nan" not in out
    assert out.splitlines()[2].split()[-4:] == ["-", "1", "of", "1"]


def test_a_copy_of_a_learner_has_a_name_and_settings_of_its_own(capsys, tmp_path):
    words = ["--learners", "naive", "fast=naive", "--set", "naive.lr=0.05", "fast.lr=0.1"]
    out = run(capsys, "play", "--game", "tandem", *words, "--steps", 10, "--seeds", 5, "--json")[1]
    match = play(GAMES.make("tandem"), [Naive(0.05), Naive(0.1)], 0, steps=10, seeds=5)
    players = json.loads(out)["players"]
    assert [p["learner"] for p in players] == ["naive", "fast"]
    assert [p["mean"] for p in players] == pytest.approx(np.asarray(match.values)[:, -1].mean(0).tolist())
    code, out, _ = run(
        capsys,
        "tournament",
        "--games",
        "tandem",
        *words,
        "--steps",
        10,
        "--seeds",
        5,
        "--json",
        "--out",
        tmp_path,
    )
    cell = json.loads(out)["cells"][1]
    assert (code, cell["row"], cell["column"]) == (0, "naive", "fast")
    assert [cell["row_mean"], cell["column_mean"]] == pytest.approx([p["mean"] for p in players])


def test_a_start_for_mmaml_is_given_by_hand(capsys):
    words = [
        "--learners",
        "mmaml",
        "alld",
        "--set",
        "mmaml.logits=[9,9,9,9,9]",
        "mmaml.lr=0",
        "--steps",
        1,
        "--seeds",
        1,
        "--json",
    ]
    players = json.loads(run(capsys, "play", *words)[1])["players"]
    assert [p["mean"] for p in players] == pytest.approx([-3, 0], abs=0.05)  # a cooperator and a defector
    assert "mmaml.logits" in run(capsys, "play", "--learners", "mmaml", "alld")[2]


def test_cite_prints_every_paper_that_an_entry_stands_for(capsys):
    keys = {
        "lola": ["foerster2018dice", "foerster2018lola"],
        "hola2": ["willi2022cola", "foerster2018lola"],
        "cola": ["willi2022cola"],
    }
    for name, expected in keys.items():
        assert re.findall(r"^@\w+{(\w+),", run(capsys, "cite", name)[1], re.MULTILINE) == expected


def test_tournament_prints_its_cells_and_resumes(capsys, tmp_path, monkeypatch):
    words = ["tournament", *SMALL, "--out", tmp_path / "run"]
    code, out, err = run(capsys, *words, "--json")
    cells = json.loads(out)["cells"]
    assert code == 0
    assert err.startswith("device: ")
    assert len(cells) == 2 * 4
    assert list(cells[0]) == [
        "game",
        "row",
        "column",
        "row_mean",
        "row_ci95",
        "column_mean",
        "column_ci95",
        "diverged",
    ]
    assert {(c["row"], c["column"]) for c in cells} == {
        (a, b) for a in ("naive", "lola") for b in ("naive", "lola")
    }
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "blocks", "hamiltonian.parquet", "heatmap.png", "specification.json", "tandem.parquet"
    ]  # fmt: skip
    monkeypatch.setattr(blocks, "compute_block", lambda *a, **k: pytest.fail("computed again"))
    code, again, err = run(capsys, *words, "--json")
    assert (code, again) == (0, out)
    assert "again" in err
    text = run(capsys, *words)[1]
    assert "vs others" in text
    assert "±" in text


def test_a_tournament_of_another_specification_is_refused_without_force(capsys, tmp_path):
    words = ["tournament", *SMALL, "--out", tmp_path]
    run(capsys, *words)
    code, out, err = run(capsys, *words, "--seed", 1)
    assert (code, out) == (2, "")
    assert "--force" in err
    assert run(capsys, *words, "--seed", 1, "--force")[0] == 0


def test_an_interrupted_tournament_keeps_finished_games(capsys, tmp_path, monkeypatch):
    compute = blocks.compute_block

    def interrupted(plan, block, *a):
        if block.game == "hamiltonian":
            raise KeyboardInterrupt
        return compute(plan, block, *a)

    monkeypatch.setattr(blocks, "compute_block", interrupted)
    code, out, err = run(capsys, "tournament", *SMALL, "--out", tmp_path)
    assert (code, out) == (130, "")
    assert "1 of 2 games" in err
    assert "same command" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocks", "specification.json", "tandem.parquet"]
    monkeypatch.undo()
    _, _, err = run(capsys, "tournament", *SMALL, "--out", tmp_path)
    assert "tandem: found" in err


@pytest.mark.slow  # waits for a progress line; moments before it are tested below
def test_ctrl_c_stops_within_seconds(tmp_path):
    words = [
        "tournament",
        "--games",
        "irps",
        "--learners",
        "naive",
        "--steps",
        "1000000000",
        "--seeds",
        "9",
        "--out",
        str(tmp_path),
    ]
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # background jobs inherit that it is ignored
    command = [*SHAPING[:-1], heard + SHAPING[-1], *words]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stderr is not None
        try:
            while "left" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=600)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "0 of 1 games" in err
    assert "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocks", "specification.json"]


def outcome(code, *options, **environment):
    """What a Python process ends with: its exit code, stdout and stderr."""
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs inherit that it is ignored
    done = subprocess.run(
        [sys.executable, *options, "-c", heard + code],
        capture_output=True,
        timeout=600,
        env=os.environ | environment,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


INTERRUPTED = {
    "while jax is imported": """
import os, sys
class Interrupt:
    def find_spec(name, path=None, target=None):
        if name == "jax.core":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt)
from analysis.cli.main import main
sys.argv[1:] = ["list", "games"]
main()
""",
    "where Python drops it": """
from analysis.cli import runner as program
program.own_process("shaping:")
program.BEGUN.set()
class Dropped:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
Dropped()
""",
    "where it is not heeded": """
from analysis.cli import runner as program
program.GRACE = 0.01
program.own_process("shaping:")
program.BEGUN.set()
while True:
    try:
        signal.raise_signal(signal.SIGINT)
        while True:
            pass
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, lambda *_: None)
""",
    "and a library makes another error of it": """
import dataclasses
from analysis.cli import runner as program
@dataclasses.dataclass
class Work:
    def run(self):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("half a module") from None
program.prepare = lambda: None
program.parse = lambda *words: Work()
import sys
program.run("shaping", lambda: {}, "")
""",
}


@pytest.mark.parametrize("moment", INTERRUPTED)
def test_ctrl_c_ends_the_process_with_one_line(moment):
    assert outcome(INTERRUPTED[moment]) == (130, "", "shaping: interrupted.\n")


SAYS = "import sys; from analysis.cli import runner as program; program.own_process('shaping:'); "


def test_a_reader_that_has_gone_ends_the_process_quietly():
    """As it ends every program, also where output is only written at the end."""
    code = SAYS + "import os, signal; r, w = os.pipe(); os.close(r); os.dup2(w, 1); print('words')"
    assert outcome(code) == (-signal.SIGPIPE, "", "")


def test_signs_that_the_output_lacks_are_written_in_ascii():
    code = (
        SAYS
        + "from analysis.cli.screen import stdout, TextTable; c = stdout(); c.print(TextTable(['mean ±', 'b'], [['1 ± 2', 'ü']]))"
    )
    code, out, err = outcome(code, PYTHONIOENCODING="ascii")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [["mean", "+-", "b"], ["1", "+-", "2", "\\xfc"]]
    assert out.splitlines()[0].index("b") == out.splitlines()[1].index("\\")


def test_a_device_that_is_not_there_is_named():
    code = "import sys; from analysis.cli.main import main; sys.argv[1:] = ['play', '--learners', 'naive', 'naive']; main()"
    code, out, err = outcome(code, JAX_PLATFORMS="nosuch")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"shaping: .*'nosuch'.*JAX_PLATFORMS=cpu.*\n", err)


def test_the_module_is_the_command():
    """Without docstrings too."""
    done = subprocess.run(
        [sys.executable, "-OO", "-m", "analysis.cli", "list", "learners"],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert "lola" in done.stdout


def test_the_package_is_the_command(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["analysis", "list", "learners"])
    runpy.run_module("analysis", run_name="__main__")
    assert "lola" in capsys.readouterr().out


MISTAKES = [
    ("plya", "did you mean 'play'"),
    ("play --game ipdd --learners naive naive", "did you mean 'ipd'"),
    ("play --learners naiv naive", "did you mean 'naive'"),
    ("play --learners naive", "one per seat"),
    ("play --learners naive naive naive", "one per seat"),
    ("play", "learners"),
    ("play --learners naive naive --steps 0", "steps is 0"),
    ("play --learners naive naive --seeds 0", "seeds is 0"),
    ("play --learners naive naive --seeds few", "few.*integer"),
    ("play --learners naive naive --seed -1", "seed is -1"),
    ("play --learners naive naive --sedes 3", "did you mean '--seeds'"),
    ("play --learners naive naive --average middle", "middle.*final.*trajectory"),
    ("play --learners naive naive --set naive.lr=-1", "lr is -1"),
    ("play --learners naive naive --set naive.lr=nan", "lr is nan"),
    ("play --learners naive naive --set naive.lr=fast", "lr is '?fast.*number"),
    ("play --learners naive naive --set naive.lr=[1,2]", r"lr is \[1.*number"),
    ("play --learners naive naive --set naive.rl=1", "did you mean 'lr'"),
    ("play --learners naive naive --set lola.lr=1", "lola.*run"),
    ("play --learners naive naive --set lr=1", "NAME.SETTING=VALUE"),
    ("play --learners lola naive --set lola.look=1", "did you mean 'look_ahead'"),
    ("play --game tandem --learners tft naive", "tft"),
    ("tournament --games tandem --learners tft --out new", "tft"),
    ("tournament --games ipd --learners naive --steps 99999999999", "steps is 99999999999"),
    ("tournament --games ipd --learners naive --seed 99999999999999999999999", "seed is 9999"),
    ("play --learners naive naive --set ipd.discount=1.5", "discount is 1.5"),
    ("play --learners naive naive --set ipd.payoffs=[[1,2],[3]]", "rectangular"),
    ("play --learners naive naive --set ipd.payoffs=[[1,NaN],[3,4]]", "NaN"),
    ("tournament --games ipd nosuch --learners naive", "game 'nosuch'"),
    ("tournament --games ipd --learners naive nl", "'nl'.*twice"),
    ("tournament --games ipd --learners naive --steps 0", "steps is 0"),
    ("play --learners lola=naive naive", "lola.*name"),
    ("play --learners fast=naive fast=lola", "fast.*two"),
    ("play --learners fast=naiv naive", "did you mean 'naive'"),
    ("play --learners fast=naive naive --set slow.lr=1", "slow.*run"),
    ("tournament --games ipd --learners fast=naive fast=naive", "fast.*twice"),
    ("play --learners mmaml naive --set mmaml.logits=[1,2] mmaml.start=1", "accepted: logits, lr"),
    ("play --learners mmaml naive --set mmaml.logits=up", "logits.*up"),
    ("play --learners naive naive --steps 3 --steps 4", "--steps.*twice"),
    ("play --learners naive naive --json --json", "--json.*twice"),
    ("tournament --games ipd --learners naive --out=", "empty.*--out"),
    ("tournament --games ipd --learners naive --out /dev/null/run", "/dev/null/run.*written"),
    ("cite nobody", "'nobody'"),
    ("list lerners", "learners"),
]


@pytest.mark.parametrize(("line", "says"), MISTAKES)
def test_mistakes_get_one_sentence(capsys, tmp_path, monkeypatch, line, says):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *line.split())
    assert (code, out) == (2, "")
    said = [x for x in err.splitlines() if not x.startswith("device:")]
    assert len(said) == 1
    assert said[0].startswith("shaping: ")
    assert re.search(says, said[0])
    assert "Traceback" not in err
    assert not any(tmp_path.iterdir())


def test_results_alone_are_on_stdout_and_the_device_is_named_first():
    words = [
        "play",
        "--game",
        "tandem",
        "--learners",
        "naive",
        "naive",
        "--steps",
        "2",
        "--seeds",
        "2",
        "--json",
    ]
    done = subprocess.run([*SHAPING, *words], capture_output=True, text=True, timeout=600)
    assert json.loads(done.stdout)["game"] == "tandem"
    assert done.stderr.startswith("device: ")


def test_the_process_is_prepared_before_jax(tmp_path):
    """On jax 0.10 the guard against its hang; everywhere a compilation cache that takes small programs too."""
    code = (
        "import sys; from analysis.cli import main as cli\n"
        "assert 'jax' not in sys.modules, 'the command line loads jax before it is prepared'\n"
        "cli.program.prepare(); import jax, os\n"
        "c = jax.config; print(c.jax_compilation_cache_dir, c.jax_persistent_cache_min_compile_time_secs, os.environ.get('XLA_FLAGS', ''))"
    )
    bare = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR")} | {
        "XDG_CACHE_HOME": str(tmp_path)
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, env=bare)
    folder, seconds, *flags = done.stdout.split()
    assert pathlib.Path(folder).parent.parent == tmp_path
    assert float(seconds) == 0
    import jax

    for flag in (f"{program.GUARD}=false", f"{program.YNNPACK}="):
        assert (flag in flags) == jax.__version__.startswith("0.10.")


def test_lists_load_nothing_heavy():
    code = (
        "import sys; from analysis.cli.main import main; main(['list', 'games', '--json'])\n"
        "print([m for m in ('pandas', 'scipy', 'matplotlib', 'networkx', 'pyarrow') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stderr.strip() == "[]"


def test_doctor_finds_the_unguarded_hang(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "cache", lambda: doctor.Finding("compilation cache", "somewhere"))
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "0.10.2")
    monkeypatch.setenv("XLA_FLAGS", f"{program.GUARD}=false {program.YNNPACK}=")
    assert run(capsys, "doctor")[0] == 0
    monkeypatch.setenv("XLA_FLAGS", f"{program.GUARD}=true {program.YNNPACK}=")
    code, out, _ = run(capsys, "doctor")
    assert code == 1
    assert re.search(r"XLA_FLAGS=\S+=false", out)
    found = json.loads(run(capsys, "doctor", "--json")[1])
    assert found["well"] is False


def test_doctor_names_what_protects_programs_of_ones_own_from_the_crash(monkeypatch):
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "0.10.2")
    monkeypatch.setenv("XLA_FLAGS", f"{program.YNNPACK}=")
    assert not doctor.crash().remedy
    monkeypatch.setenv("XLA_FLAGS", "")
    assert f"XLA_FLAGS={program.YNNPACK}= " in doctor.crash().remedy
    assert "can hang with the flag too" in doctor.hang().remedy


def test_doctor_finds_an_unwritable_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert doctor.cache().remedy


def test_doctor_finds_what_would_hide_a_package(tmp_path, monkeypatch):
    assert doctor.working_folder() == []
    (tmp_path / "analysis.py").write_text("")
    monkeypatch.chdir(tmp_path)
    (found,) = doctor.working_folder()
    assert found.found == str(tmp_path / "analysis.py")
    assert found.remedy


def test_help_is_no_mistake(capsys):
    for words in ([], ["--help"], ["play", "--help"]):
        code, out, _ = run(capsys, *words)
        assert code == 0
        assert "usage: shaping" in out
