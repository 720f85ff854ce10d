"""Trainings in folders: resumed to the last bit, refused in a sentence, told from the command line."""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from analysis.cli import main as cli
from analysis.cli.train import ProgressLine
from games import GAMES, storage as folders
from games.registry import Entry
from shaping import LEARNERS, Lola, Naive, play
from shaping.base import number
from shaping.checkpoint import folder as checkpoint
from shaping.learners.fixed import Settled
from shaping.training import Trainer, Values, catalog, run_folder as training
from shaping.training.presets import PRESETS, preset

CHICKEN = GAMES.make("chicken")
SIZES: dict[str, dict[str, Any]] = {
    "cola": {"hidden": (), "batch": 4, "iterations": 2500, "bound": 1.0},
    "mfos": {"steps": 2, "width": 4, "episodes": 4, "iterations": 4},
    "meva": {"steps": 2, "stride": 1, "width": 4, "quantiles": 2, "batch": 2, "iterations": 4},
    "ascent": {"steps": 2, "lanes": 2, "width": 4, "iterations": 4},
    "mmaml": {"steps": 2, "lanes": 2, "iterations": 4},
}
"""Trainings of a second; every learner that is trained must have one."""
GA = SIZES["mfos"] | {"method": "ga", "population": 4, "parents": 2, "trials": 4}


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Tiny programs: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def seats(learner, other=None):
    """The usual opponent of a training in the second seat, or another."""
    return [None, None if catalog.trainer_entry(learner).facts["against"] == "self" else other or Naive()]


def train(learner, out, settings=None, **words):
    """A tiny training on chicken that keeps what it does at once."""
    return training.train(
        learner,
        CHICKEN,
        words.pop("learners", seats(learner)),
        settings or SIZES[learner],
        out=out,
        every=0.0,
        **words,
    )


def assert_same(a, b):
    """Equal to the last bit."""
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(numbers(x), numbers(y)), a, b)


def numbers(x):
    """An array, of a key its integers."""
    is_key = isinstance(x, jax.Array) and jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(x) if is_key else x


def stopping(when):
    """A report that is interrupted after so many calls."""
    calls = []

    def report(done, seen):
        calls.append(done)
        if len(calls) == when:
            raise KeyboardInterrupt

    return report


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """An interrupted training of M-FOS; copied before anything is done to it."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.raises(KeyboardInterrupt):
        train("mfos", folder, report=stopping(2))
    return folder


@pytest.fixture
def copied(begun, tmp_path):
    """The interrupted training, to be spoiled."""
    return pathlib.Path(shutil.copytree(begun, tmp_path / "copied"))


def resumes_and_plays(folder, learner, settings, *others):
    """Interrupted and gone on with, a training ends as it does in one; what it leaves plays against these."""
    with pytest.raises(KeyboardInterrupt, match=r"\d+ iterations.*'.*pieces'"):
        train(learner, folder / "pieces", settings, report=stopping(2))
    part = checkpoint.load(folder / "pieces", CHICKEN)
    seen = []
    resumed = train(
        learner, folder / "pieces", settings, resume=True, report=lambda done, _: seen.append(done)
    )
    whole = train(learner, folder / "whole", settings)
    assert seen[0] > 1
    assert_same((resumed.run.state, resumed.run.record), (whole.run.state, whole.run.record))
    loaded = checkpoint.load(folder / "pieces", CHICKEN)
    assert_same(loaded, checkpoint.load(folder / "whole", CHICKEN))
    assert type(part) is type(loaded)
    for other in others:
        assert play(CHICKEN, [loaded, other], steps=2, seeds=2).ok.all()
    again = train(learner, folder / "pieces", settings, resume=True)
    assert (again.run, again.iterations, again.seen) == (None, settings["iterations"], whole.seen)
    assert_same(again.learners, whole.learners)


def test_an_interrupted_training_goes_on_to_the_same_end_and_plays(tmp_path):
    """Against a learner that it was not trained against."""
    resumes_and_plays(tmp_path, "mfos", SIZES["mfos"], Lola(0.1))


@pytest.mark.slow
@pytest.mark.parametrize(("learner", "settings"), [*SIZES.items(), ("mfos", GA)], ids=[*SIZES, "ga"])
def test_every_training_goes_on_to_the_same_end_and_plays(tmp_path, learner, settings):
    resumes_and_plays(
        tmp_path, learner, settings, Naive(0.1), Lola(0.1), checkpoint.load(train_once(tmp_path / "mfos"))
    )


def train_once(folder):
    """A folder with M-FOS."""
    train("mfos", folder)
    return folder


def test_every_training_has_presets_and_sizes_that_its_function_accepts():
    """The names in a preset are all that can be set; a tiny training with them all runs."""
    assert {entry.name for entry in catalog.TRAINERS} == set(SIZES) <= {p.learner for p in PRESETS}
    for p in PRESETS:
        assert preset(p.learner, p.game or "ipd", p.size, p.against or "naive", p.settings.get("method")) is p
        assert p.published(p.game or "ipd", p.against or "naive")
        if p.learner in SIZES:
            assert set(SIZES[p.learner]) - {"episodes"} <= set(p.settings)
        else:
            assert LEARNERS.make(
                p.learner, **{k: v for k, v in p.settings.items() if k != "iterations"}
            ).label
            assert p.make_game().name == p.game


@pytest.mark.slow
@pytest.mark.parametrize(
    "p",
    [p for p in PRESETS if p.game in (None, "tandem") and p.size == "quick"],
    ids=lambda p: str(p.settings.get("method")),
)
def test_the_settings_of_presets_are_those_of_the_training(p, tmp_path):
    tiny = {
        "iterations": 1,
        "steps": 2,
        "width": 4,
        "episodes": 2,
        "population": 4,
        "trials": 2,
        "pairs": 2,
        "lanes": 2,
        "batch": 2,
        "stride": 1,
    }
    settings = dict(p.settings) | {name: n for name, n in tiny.items() if name in p.settings}
    learners = [None, None] if p.against == "self" else [None, Naive()]
    outcome = train(p.learner, tmp_path, settings, learners=learners)
    assert outcome.run.iterations == 1
    assert (tmp_path / "seat_1").exists() == (p.learner == "mfos" and p.against == "self")


CASES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"seed": 1}, "holds another training: seed is 0 there and 1 here"),
    ({"settings": SIZES["mfos"] | {"episodes": 8}}, "another training: episodes is 4 there and 8 here"),
    ({"learners": [None, Naive(0.5)]}, "another training: lr is 1.0 there and 0.5 here"),
    ({"learners": [None, Lola()]}, "another training: class is Naive there and Lola here"),
    ({"learners": [None, None]}, "another training: seat 1 is .*Naive.* there and trained here"),
    ({"learner": "mmaml"}, "another training: training is mfos there and mmaml here"),
    ({"game": GAMES.make("tandem")}, "was trained for 'chicken', not 'tandem'"),
    (
        {"game": GAMES.make("chicken", payoffs=[[0, -1], [1, -9]])},
        "'chicken'.*payoffs",
    ),
    (
        {"resume": False},
        "'mfos'.*'chicken'.*force",
    ),
    (
        {"force": True},
        "(?i)resum.*force.*one of the two",
    ),
    ({"learner": "mofs"}, "'mofs'.*did you mean 'mfos'"),
)


@pytest.mark.parametrize(
    ("wrong", "said"), CASES, ids=[next(iter(wrong)) + str(k) for k, (wrong, _) in enumerate(CASES)]
)
def test_another_training_is_refused_and_nothing_is_lost(begun, wrong, said):
    before = {p.name: p.read_bytes() for p in begun.iterdir()}
    words = {
        "learner": "mfos",
        "game": CHICKEN,
        "learners": [None, Naive()],
        "settings": SIZES["mfos"],
        "resume": True,
    } | wrong
    with pytest.raises(ValueError, match=said):
        training.train(**words, out=begun)
    assert {p.name: p.read_bytes() for p in begun.iterdir()} == before


def of_another_format(folder):
    edited(folder, format=1)


def of_another_version(folder):
    edited(folder, lab="0.0")


def edited(folder, **changes):
    path = folder / "learner.json"
    header = json.loads(path.read_text()) | changes
    header.pop("sha256")
    path.write_text(json.dumps(folders.signed(header)))


def with_short_arrays(folder):
    path = next(folder.glob("*.npz"))
    path.write_bytes(path.read_bytes()[:-40])


def with_a_short_header(folder):
    path = folder / "learner.json"
    path.write_text(path.read_text()[:200])


def without_anything(folder):
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (of_another_format, "format 1.*version"),
        (
            of_another_version,
            "version 0.0 .*install",
        ),
        (with_short_arrays, "truncated.*restore"),
        (with_a_short_header, "cannot be read"),
        (
            without_anything,
            "copied.*leave resume out",
        ),
    ],
)
def test_a_spoiled_folder_is_refused_in_a_sentence(copied, spoil, said):
    spoil(copied)
    before = {p.name: p.read_bytes() for p in copied.iterdir()}
    with pytest.raises(ValueError, match=said) as error:
        train("mfos", copied, resume=True)
    assert "\n" not in str(error.value)
    assert {p.name: p.read_bytes() for p in copied.iterdir()} == before


def test_precision_is_part_of_a_training(begun):
    with (
        jax.enable_x64(True),
        pytest.raises(ValueError, match=r"x64 is False.*True"),
    ):
        train("mfos", begun, resume=True)


def test_a_trained_opponent_is_known_by_its_numbers(begun):
    """The same folder with other networks inside is another opponent; short ones are told by their settings."""
    first, second = (training.identity(checkpoint.load(begun)) for _ in range(2))
    other = training.identity(jax.tree.map(lambda x: x + 1, checkpoint.load(begun)))
    assert first == second != other
    assert set(first) == {"class", "sha256"}
    assert training.identity(Naive(0.5)) == {"class": "Naive", "lr": 0.5}


class Killed(BaseException):
    """What a training cannot catch."""


def naive(out, learners, lr=0.1, **words):
    """A match that is kept."""
    return training.train(
        "naive", CHICKEN, learners, {"iterations": 2, "lr": lr}, out=out, every=0.0, **words
    )


@pytest.mark.parametrize("resume", [False, True])
def test_killed_between_two_seats_first_saves_a_training_begins_again(tmp_path, monkeypatch, resume):
    put, out = checkpoint.put, tmp_path / "run"

    def killed(folder, *rest, **more):
        if folder == out:
            raise Killed
        put(folder, *rest, **more)

    monkeypatch.setattr(checkpoint, "put", killed)
    with pytest.raises(Killed):
        naive(out, [None, None])
    monkeypatch.undo()
    assert [p.name for p in out.iterdir()] == ["seat_1"]
    ended, whole = naive(out, [None, None], resume=resume), naive(tmp_path / "whole", [None, None])
    assert_same(ended.learners, whole.learners)
    assert_same(naive(out, [None, None], resume=True).learners, whole.learners)


def test_a_training_killed_before_its_first_save_is_resumed(tmp_path):
    (tmp_path / folders.LOCK).write_text("")
    assert naive(tmp_path, [None, Naive()], resume=True).iterations == 2
    assert folders.LOCK not in {p.name for p in tmp_path.iterdir()}


def test_another_trainings_folder_inside_is_kept(tmp_path):
    naive(tmp_path / "seat_1", [None, Naive()])
    with pytest.raises(ValueError, match=r"\(seat_1\)"):
        naive(tmp_path, [None, None])


def test_one_training_at_a_time(tmp_path):
    tried = []

    def meanwhile(done, seen):
        for words in ({}, {"resume": True}, {"force": True}):
            with pytest.raises(ValueError, match=r"in use.*name another folder"):
                naive(tmp_path, [None, Naive()], 0.2, **words)
            tried.append(done)

    naive(tmp_path, [None, Naive()], report=meanwhile)
    assert len(tried) >= 3
    assert checkpoint.load_note(tmp_path)["note"]["settings"]["lr"] == 0.1


def test_code_of_ones_own_is_part_of_a_training(begun, monkeypatch):
    monkeypatch.setattr(training, "sources", lambda parts: ["abc"])
    with pytest.raises(ValueError, match="source code is None"):
        train("mfos", begun, resume=True)


def test_force_replaces_and_other_files_stay(copied):
    (copied / "notes.txt").write_text("mine")
    train("mfos", copied, seed=1, force=True)
    assert checkpoint.load_note(copied)["note"]["seed"] == 1
    assert (copied / "notes.txt").read_text() == "mine"


def test_an_interrupt_before_anything_is_done_says_so(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "run", interrupted)
    with pytest.raises(KeyboardInterrupt, match="first iteration"):
        train("mfos", tmp_path)
    assert not list(tmp_path.iterdir())


class Toy(Trainer):
    """Moves parameters towards a point by random fractions, and keeps them as a learner that plays them."""

    game: Any
    seats: Any
    target: jax.Array = number(1.0)

    def init(self, key):
        return self.game.init(key)

    def step(self, state, key):
        share = jax.random.uniform(key)
        state = jax.tree.map(lambda x: x + share * (self.target - x), state)
        return state, Values(-sum(jnp.abs(self.target - x).mean() for x in state))

    def learners(self, state):
        return tuple(Settled(own, "toy") for own, x in zip(state, self.seats, strict=True) if x is None)


@pytest.mark.parametrize("open_seats", [1, 2])
def test_a_new_trainer_is_trained_killed_resumed_saved_loaded_and_played(tmp_path, monkeypatch, open_seats):
    """Nothing but the class and its entry is needed."""
    entry = Entry("toy", Toy, "A toy.", "lu2022mfos", (), {"against": "naive", "iterations": 9})
    monkeypatch.setitem(catalog.TRAINERS._entries, "toy", entry)
    monkeypatch.setitem(catalog.TRAINERS._names, "toy", "toy")
    learners = [None, Naive()] if open_seats == 1 else [None, None]
    with monkeypatch.context() as patch:  # a kill while the third iteration is saved
        put, saves = checkpoint.put, []

        def killed(folder, *rest, **more):
            saves.extend([folder] * (folder == tmp_path / "toy"))
            if len(saves) == 3:
                raise Killed
            put(folder, *rest, **more)

        patch.setattr(checkpoint, "put", killed)
        with pytest.raises(Killed):
            train("toy", tmp_path / "toy", {"target": 2.0}, learners=learners)
    part = checkpoint.load(tmp_path / "toy", CHICKEN)
    ended = train("toy", tmp_path / "toy", {"target": 2.0}, learners=learners, resume=True)
    whole = train("toy", tmp_path / "whole", {"target": 2.0}, learners=learners)
    assert ended.iterations == len(ended.run.record.per_step) == 9
    assert_same((ended.run.state, ended.run.record), (whole.run.state, whole.run.record))
    loaded = checkpoint.load(tmp_path / "toy", CHICKEN)
    assert_same(loaded, whole.learners[0])
    assert abs(float(loaded.own[0]) - 2) < abs(float(part.own[0]) - 2)
    assert play(CHICKEN, [loaded, Naive()], steps=2).ok.all()
    with pytest.raises(ValueError, match="'toy' has no setting 'targt'; did you mean 'target'"):
        train("toy", tmp_path / "other", {"targt": 2.0}, learners=learners)


def test_a_training_of_an_earlier_layout_is_refused_and_its_learner_is_read(copied):
    """States used to be kept with the names of their classes."""
    edited(copied, state={"class": "shaping.training.run_folder:Old", "fields": {}})
    with pytest.raises(ValueError, match=r"only that version can continue.*force"):
        train("mfos", copied, resume=True)
    assert checkpoint.load(copied, CHICKEN).label == "mfos"


@pytest.mark.slow  # a process of its own, which compiles anew
def test_a_killed_training_goes_on_to_the_same_end(tmp_path):
    """Killed by the system after its first save: no more is lost than was done since."""
    code = (
        "from tests.shaping.test_training import *\n"
        "settings = SIZES['mfos'] | {'iterations': 100}\n"
        "slow = lambda done, seen: time.sleep(0.1)\n"
        "training.train('mfos', CHICKEN, seats('mfos'), settings, out=sys.argv[1], resume='resume' in sys.argv, every=0.0, report=slow)"
    )
    words = [sys.executable, "-c", code]
    process = subprocess.Popen([*words, str(tmp_path / "killed")])
    deadline = time.monotonic() + 300
    while not (tmp_path / "killed" / "learner.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = checkpoint.load_note(tmp_path / "killed")["note"]["iterations"]
    assert 1 <= done < 100
    subprocess.run([*words, str(tmp_path / "killed"), "resume"], check=True)
    subprocess.run([*words, str(tmp_path / "whole")], check=True)
    ended = [checkpoint.load_note(tmp_path / name)["note"]["iterations"] for name in ("killed", "whole")]
    assert ended == [100, 100]
    assert_same(checkpoint.load(tmp_path / "killed", CHICKEN), checkpoint.load(tmp_path / "whole", CHICKEN))


@pytest.mark.slow  # processes of their own
@pytest.mark.timeout(1200)
def test_a_training_of_two_seats_restarted_after_kills_ends_as_one_that_was_not_killed(tmp_path):
    """Killed at random moments, the first of which come before the first save; what goes on is always told to resume."""
    code = (
        "from tests.shaping.test_training import *\n"
        "settings = SIZES['mfos'] | {'iterations': 60}\n"
        "slow = lambda done, seen: time.sleep(0.05)\n"
        "training.train('mfos', CHICKEN, [None, None], settings, out=sys.argv[1], resume='resume' in sys.argv, every=0.0, report=slow)"
    )
    words = [sys.executable, "-c", code]
    for seconds in np.random.default_rng(1).uniform(4, 14, 6):
        begun = any((tmp_path / "killed").glob("*")) or any((tmp_path / "killed").glob(".lock"))
        process = subprocess.Popen([*words, str(tmp_path / "killed"), *["resume"] * begun])
        try:
            assert process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    subprocess.run(
        [*words, str(tmp_path / "killed"), *["resume"] * (tmp_path / "killed").exists()], check=True
    )
    subprocess.run([*words, str(tmp_path / "killed"), "resume"], check=True)
    subprocess.run([*words, str(tmp_path / "whole")], check=True)
    for seat in ("", "seat_1"):
        assert_same(*(checkpoint.load(tmp_path / name / seat, CHICKEN) for name in ("killed", "whole")))


def shaping(capsys, *words) -> tuple[int, str, str]:
    """One command line: exit code and output."""
    code: Any = 0
    try:
        cli.main([str(w) for w in words])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


TINY = [f"mfos.{name}={n}" for name, n in SIZES["mfos"].items()]


def test_the_command_line_trains_what_then_plays(tmp_path, capsys):
    words = [
        "train",
        "--learner",
        "mfos",
        "--game",
        "chicken",
        "--out",
        tmp_path / "a",
        "--set",
        *TINY,
        "naive.lr=0.5",
    ]
    code, out, err = shaping(capsys, *words, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert list(found) == ["learner", "game", "against", "iterations", "per_step", "skipped"]
    assert (found["against"], found["iterations"], len(found["per_step"])) == (["naive"], 4, 1)
    opponents = checkpoint.load_note(tmp_path / "a")["note"]["opponents"]
    assert opponents == {"seat 0": "trained", "seat 1": {"class": "Naive", "lr": 0.5}}
    code, out, err = shaping(capsys, *words, "--force")
    assert out.startswith("mfos on chicken against naive: per-step value ")
    assert re.search(r"Published: 0\.969 .*-1\.027", out)
    assert f"file:{tmp_path / 'a'}" in out
    words = [
        "play",
        "--game",
        "chicken",
        "--learners",
        f"file:{tmp_path / 'a'}",
        "lola",
        "--steps",
        2,
        "--seeds",
        2,
        "--json",
    ]
    assert json.loads(shaping(capsys, *words)[1])["diverged"] == 0


@pytest.mark.slow
def test_the_command_line_trains_against_what_was_trained_and_with_itself(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # short names, which a picture has room for
    words = ["train", "--learner", "mfos", "--game", "chicken", "--json", "--set", *TINY, "--out"]
    trained = [f"file:{name}" for name in ("a", "b", "c", "c/seat_1")]
    assert shaping(capsys, *words, tmp_path / "a")[0] == 0
    code, out, err = shaping(capsys, *words, tmp_path / "b", "--against", trained[0])
    assert code == 0, err
    assert json.loads(out)["against"] == [trained[0]]
    code, out, err = shaping(capsys, *words, tmp_path / "c", "--against", "self")
    assert code == 0, err
    assert len(json.loads(out)["per_step"]) == 2
    code, _, err = shaping(
        capsys,
        "tournament",
        "--games",
        "chicken",
        "--learners",
        *trained,
        "naive",
        "--steps",
        2,
        "--out",
        tmp_path / "t",
    )
    assert code == 0, err


MISTAKES: tuple[tuple[list[str], str], ...] = (
    (["mofs"], "There is no training of the learner 'mofs'; did you mean 'mfos'? accepted: "),
    (
        ["mfos", "--preset", "papr"],
        "of 'mfos' of the size 'papr'; did you mean 'paper'? accepted: paper, quick",
    ),
    (["mfos", "--against", "naiv"], "Unknown learner 'naiv'; did you mean 'naive'?"),
    (
        ["mfos", "--against", "mmaml"],
        "'mmaml' is trained before it plays, by shaping train --learner mmaml; name the folder",
    ),
    (
        ["mfos", "--against", "file:nowhere"],
        "The folder 'nowhere' holds no trained learner: there is no learner.json",
    ),
    (
        ["mfos", "--against", "naive", "lola"],
        "2 opponents were given for the 1 other seats of 'ipd'; give one for all",
    ),
    (
        ["mfos", "--against", "self", "lola"],
        "'self' is for the training of every seat at once; give no other opponent beside it",
    ),
    (["cola", "--against", "naive"], "There is no preset of 'cola' against 'naive'; accepted: self"),
    (
        ["cola", "--game", "imp"],
        "There is no preset of 'cola' for the game 'iterated_matching_pennies'; did you mean",
    ),
    (
        ["pola_dice", "--game", "ipd_gru", "--preset", "papr"],
        "of the size 'papr'; did you mean 'paper'? accepted: paper, quick",
    ),
    (
        ["mfos", "--set", "mfos.method=gax"],
        "of 'mfos' by the method 'gax'; did you mean 'ga'? accepted: es, ga, ppo",
    ),
    (
        ["mfos", "--preset", "paper", "--set", "mfos.method=es"],
        "no preset of 'mfos' by 'es' of the size 'paper'; accepted: quick",
    ),
    (["mfos", "--set", "mfos.rate=1"], "mfos has no setting 'rate' here;"),
    (["mfos", "--set", "mfos.episodes=1.5"], "mfos.episodes is 1.5; it must be an integer, such as 128"),
    (["mfos", "--set", "mfos.lr=-1"], "lr"),
    (["mfos", "--set", "lola.lr=1"], "The setting 'lola.lr=1' is for 'lola', which is not in this run"),
    (["mfos", "--resume"], "There is nothing to resume in"),
)


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_mistakes_on_the_command_line(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = shaping(capsys, "train", "--out", tmp_path / "out", "--learner", *words)
    sentence = err.splitlines()[-1]
    assert (code, out) == (2, "")
    assert said in sentence
    assert not (tmp_path / "out").exists()


def test_an_interrupt_tells_how_to_go_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ProgressLine, "__call__", staticmethod(stopping(3)))
    words = ["train", "--learner", "mfos", "--game", "chicken", "--out", tmp_path / "x", "--set", *TINY]
    code, _, err = shaping(capsys, *words)
    assert code == 130
    assert "3 iterations" in err
    assert str(tmp_path / "x") in err
    assert "--resume" in err
    monkeypatch.undo()
    code, _, err = shaping(capsys, *words)
    assert code == 2
    assert re.search("'mfos' for 'chicken'.*resum", err)
    assert shaping(capsys, *words, "--resume")[0] == 0
    code, out, err = shaping(capsys, *words, "--resume")
    assert code == 0
    assert re.search(f"{tmp_path / 'x'}.*finished", err)
    for words_of_the_result in ("4 iterations", "0.969", "-1.027", str(tmp_path / "x")):
        assert words_of_the_result in out
    code, _, err = shaping(capsys, *words)
    assert code == 2
    assert re.search("finished 'mfos' for 'chicken'.*force", err)


def test_the_progress_says_what_is_earned_and_how_long_it_takes(capsys, monkeypatch):
    clock = iter([0.0, 20.0, 40.0])
    with ProgressLine(10) as line:
        line.printed = -100.0
        monkeypatch.setattr("time.monotonic", lambda: next(clock))
        line(1, {"per_step": [-1.0]})
        line(5, {"per_step": [-0.51234], "skipped": 2})
    assert (
        capsys.readouterr().err
        == "5 of 10 iterations, per-step value -0.512, updates skipped 2, about 25 s left\n"
    )
