"""Trained learners on disk: equal to the last bit, whole or absent, and refused with a sentence where they do not fit."""

import json
import os
import pathlib
import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from analysis.cli import main as cli
from games import GAMES, storage as folders
from shaping import LEARNERS, Clipped, EveryK, Lola, Naive, Optimized
from shaping.checkpoint import classes, files as checkpoint_files, folder as checkpoint
from shaping.learners.cola import Cola, new_networks

TANDEM = GAMES.make("tandem")


def cola(seed=0, lr=0.1):
    """An untrained one."""
    return Cola(new_networks(TANDEM, jax.random.key(seed), hidden=(3,), activation="relu"), lr=lr, bound=1.0)


def assert_same(a, b):
    """Equal structure, types and bits."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


@pytest.mark.parametrize(
    "learner", [cola(), Optimized(Clipped(cola(), 0.3), "sgd", 0.1, {"momentum": 0.9}), EveryK(cola(), 3, 1)]
)
def test_a_trained_learner_comes_back_to_the_last_bit(tmp_path, learner):
    checkpoint.save(learner, tmp_path, game=TANDEM)
    assert_same(checkpoint.load(tmp_path, TANDEM), learner)


def test_every_learner_of_the_registry_comes_back(tmp_path):
    for entry in LEARNERS:
        if entry.facts["trained"]:
            continue
        learner = entry.make()
        checkpoint.save(learner, tmp_path / entry.name, game=None)
        assert_same(checkpoint.load(tmp_path / entry.name, TANDEM), learner)


def test_float64_stays_float64_or_is_refused(tmp_path):
    with jax.enable_x64(True):
        learner = Lola(lr=0.1)
        checkpoint.save(learner, tmp_path, game=TANDEM)
        assert_same(checkpoint.load(tmp_path), learner)
    with pytest.raises(
        ValueError,
        match=r"float64.*float32.*cast=True",
    ):
        checkpoint.load(tmp_path)
    assert jax.tree.leaves(checkpoint.load(tmp_path, cast=True))[0] == np.float32(0.1)


def test_a_training_goes_on_from_its_state(tmp_path):
    """Optimizers' states, keys and numpy arrays come back as they were, in a structure that the reader gives."""
    learner = cola()
    params: Any = {"a": jnp.arange(3.0), "b": learner.networks}
    moments: Any = optax.adam(0.1).init(params)
    state = (
        moments,
        jnp.asarray(7),
        jax.random.key_data(jax.random.key(3)),
        jax.random.key(4),
        np.arange(3.0, dtype=np.float64),
        np.zeros((0, 2), bool),
    )
    checkpoint.save(learner, tmp_path, game=TANDEM, state=state, note={"losses": [1.0, 0.5]})
    held = checkpoint.load_state(tmp_path, state)
    numbers = jax.tree.map(
        lambda x: jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x, (held, state)
    )
    assert_same(*numbers)
    assert isinstance(held[4], np.ndarray)
    assert "ScaleByAdam" not in (tmp_path / "learner.json").read_text()
    with pytest.raises(ValueError, match=r"another state.*force"):
        checkpoint.load_state(tmp_path, state[1:])
    edited(tmp_path, lambda header: header.update(state={"tuple": header["state"]}))
    with pytest.raises(ValueError, match=r"only that version.*force"):
        checkpoint.load_state(tmp_path, state)
    assert checkpoint.load_note(tmp_path)["note"] == {"losses": [1.0, 0.5]}
    edited(tmp_path, lambda header: header.update(lab="0.0"))
    with pytest.raises(
        ValueError,
        match=r"version 0.0 .*install",
    ):
        checkpoint.load_state(tmp_path, state)
    checkpoint.load(tmp_path, TANDEM)
    checkpoint.save(learner, tmp_path, game=TANDEM)
    with pytest.raises(ValueError, match="finished"):
        checkpoint.load_state(tmp_path, state)


def test_what_is_not_ours_stays(tmp_path):
    """A save clears away what a kill has left of earlier saves, and nothing else."""
    theirs = ("arrays-mine.npz", "notes.txt", "learner.txt")
    for name in (
        *theirs,
        "arrays-0123456789abcdef.npz",
        ".arrays-0123456789abcdef-x_1.npz",
        ".learner-abc.json",
    ):
        (tmp_path / name).write_text("")
    with pytest.raises(
        ValueError,
        match=r"\(arrays-mine.npz\).*force",
    ):
        checkpoint.check_empty(tmp_path)
    checkpoint.save(cola(), tmp_path, game=TANDEM)
    arrays = checkpoint.load_note(tmp_path)["arrays"]["file"]
    assert {p.name for p in tmp_path.iterdir()} == {*theirs, "learner.json", arrays}


@pytest.mark.parametrize(
    ("game", "found"),
    [
        (GAMES.make("hamiltonian"), "'iterated_prisoners_dilemma'.*'hamiltonian'"),
        (
            GAMES.make("ipd", discount=0.9),
            "discount is 0.96.*0.9 ",
        ),
        (GAMES.make("ipd", memory=2), "memory is 1.*2 "),
        (GAMES.make("ipd", payoffs=[[-1, -4], [0, -2]]), "payoffs"),
    ],
    ids=["name", "discount", "memory", "payoffs"],
)
def test_another_game_is_refused(tmp_path, game, found):
    checkpoint.save(cola(), tmp_path, game=GAMES.make("ipd"))
    with pytest.raises(ValueError, match=found):
        checkpoint.load(tmp_path, game)


def test_the_same_game_begun_elsewhere_is_accepted(tmp_path):
    checkpoint.save(cola(), tmp_path, game=GAMES.make("ipd", init_std=0.1))
    checkpoint.load(tmp_path, GAMES.make("iterated_prisoners_dilemma", init_std=2.0))


def edited(folder, change):
    """The header with something changed, as though it had been written so."""
    path = folder / checkpoint_files.HEADER
    header = json.loads(path.read_text())
    change(header)
    header.pop("sha256")
    path.write_text(json.dumps(folders.signed(header)))


def of_another_format(folder):
    edited(folder, lambda h: h.update(format=99, lab="9.9"))


def of_another_learner(folder):
    edited(folder, lambda h: h["learner"]["settings"].update({"class": "shaping.learners.cola:Fanta"}))


def from_elsewhere(folder):
    edited(folder, lambda h: h["learner"]["settings"].update({"class": "os:system"}))


def of_other_fields(folder):
    edited(folder, lambda h: h["learner"]["settings"]["fields"].pop("bound"))


def without_a_part(folder):
    edited(folder, lambda h: h.pop("arrays"))


def with_a_short_header(folder):
    path = folder / checkpoint_files.HEADER
    path.write_text(path.read_text()[:200])


def with_short_arrays(folder):
    path = next(folder.glob("*.npz"))
    path.write_bytes(path.read_bytes()[:-40])


def without_arrays(folder):
    next(folder.glob("*.npz")).unlink()


def without_anything(folder):
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (of_another_format, "format 99.*version 9.9"),
        (of_another_learner, "'Fanta'.*version"),
        (from_elsewhere, "'system'.*version"),
        (of_other_fields, r"'Cola'.*\(bound\)"),
        (without_a_part, "lacks arrays.*restore"),
        (with_a_short_header, "cannot be read"),
        (with_short_arrays, "truncated.*restore"),
        (without_arrays, r"lacks arrays-.*\.npz.*restore"),
        (without_anything, "no learner.json"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path, spoil, said, capsys):
    checkpoint.save(cola(), tmp_path, game=TANDEM)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=said) as error:
        checkpoint.load(tmp_path, TANDEM)
    assert str(error.value).count("\n") == 0
    with pytest.raises(SystemExit) as stop:
        cli.main(["play", "--game", "tandem", "--learners", f"file:{tmp_path}", "naive"])
    assert stop.value.code == 2
    assert str(error.value) in capsys.readouterr().err


def test_a_save_that_fails_leaves_the_last_one_whole(tmp_path, monkeypatch):
    """Killed before the header's move, which comes last: the folder still holds the learner of before."""
    checkpoint.save(cola(0), tmp_path, game=TANDEM)
    replace = os.replace

    def killed(source, target):
        if str(target).endswith(checkpoint_files.HEADER):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(cola(1), tmp_path, game=TANDEM)
    monkeypatch.undo()
    assert_same(checkpoint.load(tmp_path), cola(0))
    checkpoint.save(cola(1), tmp_path, game=TANDEM)
    assert_same(checkpoint.load(tmp_path), cola(1))
    assert len(list(tmp_path.iterdir())) == 2


def test_another_learner_or_game_is_not_overwritten(tmp_path):
    checkpoint.save(cola(), tmp_path, game=TANDEM)
    for learner, game in ((Lola(), TANDEM), (cola(), GAMES.make("hamiltonian"))):
        with pytest.raises(
            ValueError,
            match=r"'cola' for 'tandem'.*force=True",
        ):
            checkpoint.save(learner, tmp_path, game=game)
        assert_same(checkpoint.load(tmp_path), cola())
    checkpoint.save(Lola(), tmp_path, game=TANDEM, force=True)
    assert_same(checkpoint.load(tmp_path), Lola())


def test_a_function_cannot_be_kept(tmp_path):
    class Odd(Naive):
        rule: object = eqx.field(static=True, default=print)

    with pytest.raises(ValueError, match=r"Odd.*checkpoint"):
        checkpoint.save(Odd(), tmp_path / "odd", game=TANDEM)
    assert not (tmp_path / "odd").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        checkpoint.save(cola(), tmp_path / "file" / "inside", game=TANDEM)


def play(capsys, *words):
    """One command line: exit code and output."""
    code = 0
    try:
        cli.main([str(w) for w in words])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


def test_the_command_line_plays_a_trained_learner_with_other_numbers(tmp_path, capsys):
    name = f"file:{tmp_path}"
    checkpoint.save(cola(lr=0.5), tmp_path, game=TANDEM)
    words = ["play", "--game", "tandem", "--learners", name, "naive", "--steps", 5, "--seeds", 2, "--json"]
    code, out, _ = play(capsys, *words, "--set", "naive.lr=0.1", f"{name}.lr=0.0")
    assert code == 0
    assert json.loads(out)["players"][0]["learner"] == name
    for setting, said in (
        ("lr=-1", "lr is -1; it must be"),
        ("rate=1", "has no number 'rate'"),
        ("lr=fast", "'fast' was given where a number"),
    ):
        code, _, err = play(capsys, *words, "--set", f"{name}.{setting}")
        assert code == 2
        assert said in err


def test_the_command_line_says_what_a_learner_must_be_trained_for(tmp_path, capsys):
    checkpoint.save(cola(), tmp_path, game=TANDEM)
    code, _, err = play(
        capsys,
        "tournament",
        "--games",
        "tandem",
        "hamiltonian",
        "--learners",
        f"file:{tmp_path}",
        "--out",
        tmp_path / "out",
    )
    assert code == 2
    assert re.search("'tandem'.*'hamiltonian'", err)
    code, _, err = play(
        capsys, "tournament", "--games", "tandem", "--learners", f"file:{tmp_path}", f"file:{tmp_path}/"
    )
    assert code == 2
    assert "twice" in err
    code, _, err = play(capsys, "play", "--learners", "cola", "naive")
    assert code == 2
    assert (
        "'cola' is trained before it plays, by shaping train --learner cola; name the folder it is in, as file:FOLDER."
        in err
    )


FORMAT_2 = sorted((pathlib.Path(__file__).parents[1] / "data" / "format_2").rglob("learner.json"))


@pytest.mark.parametrize("header", FORMAT_2, ids=lambda path: str(path.parent.relative_to(path.parents[1])))
def test_folders_of_format_2_are_read_and_written_anew_under_registered_names(tmp_path, header):
    """Their classes are named by modules that need not exist any more; their numbers are all there, to the last bit."""
    learner = checkpoint.load(header.parent)
    held = np.load(header.parent / json.loads(header.read_text())["arrays"]["file"])
    kept = [np.asarray(x).tobytes() for x in jax.tree.leaves(learner) if isinstance(x, jax.Array)]
    assert set(kept) <= {held[name].tobytes() for name in held.files}
    assert learner.label == json.loads(header.read_text())["learner"]["name"]
    checkpoint.save(learner, tmp_path, game=None)
    assert_same(*(eqx.filter(x, eqx.is_array) for x in (checkpoint.load(tmp_path), learner)))
    assert ":" not in (tmp_path / "learner.json").read_text().replace("equinox.nn:", "").replace('": ', "")


def test_files_know_every_learner_by_the_name_it_has_in_the_registry():
    for name, home in classes.CLASSES.items():
        assert classes.class_name(classes.class_of(name)) == name, home
    for entry in LEARNERS:
        if entry.facts["trained"]:
            continue
        kind = type(entry.make())
        assert classes.class_of(classes.class_name(kind)) is kind
        if entry.make is kind:
            assert classes.class_name(kind) == entry.name


def test_a_file_of_another_format_names_nothing_that_is_not_listed():
    for name in (
        "os:system",
        "shaping.training.run_folder:train",
        "shaping.nowhere:Lola",
        "games.checks:shown",
        "lolas",
        "optax:nothing",
    ):
        assert classes.class_of(name) is None
