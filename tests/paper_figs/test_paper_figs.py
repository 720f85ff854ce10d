"""Figures: their numbers meet the published ones, their files are what journals ask for, and nothing is worked out twice."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from games import bibtex
from games.registry import Entry, Registry
from paper_figs import cli, make as making
from paper_figs.catalog import FIGURES
from paper_figs.make import make
from paper_figs.style import WIDTHS, file_bytes, style

QUICK = "tandem"
NAMES = [e.name if e.name == QUICK else pytest.param(e.name, marks=pytest.mark.slow) for e in FIGURES]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module", params=NAMES)
def made(request, out):
    """Every figure, made once with the quick preset."""
    return make(request.param, "quick", out)


@pytest.fixture
def frozen(monkeypatch):
    """A registry in which a figure that computes fails."""

    def refuse(preset, seed):
        raise AssertionError("computed again")

    registry = Registry("figure")
    for entry in FIGURES:
        figure = dataclasses.replace(entry.make(), compute=refuse)
        registry.add(Entry(entry.name, lambda figure=figure: figure, entry.summary, entry.citation))
    monkeypatch.setattr(making, "FIGURES", registry)


def run(capsys, *words):
    """One command line: exit code, stdout, stderr."""
    code = 0
    try:
        cli.main([str(word) for word in words])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    return code, said.out, said.err


def refused(capsys, *words):
    """The one sentence with which a command line is refused."""
    code, out, err = run(capsys, *words)
    complaints = [line for line in err.splitlines() if not line.startswith("device:")]
    assert (code, out, len(complaints)) == (2, "", 1), (code, out, err)
    assert "Traceback" not in err
    return complaints[0]


def test_numbers_meet_the_published_ones(made):
    compared = made.comparison.dropna(subset=["published"])
    assert len(compared) == len(made.figure.published) > 0
    assert (abs(compared["ours"] - compared["published"]) <= compared["tolerance"]).all(), (
        compared.to_string()
    )
    assert compared["agrees"].all()
    assert (made.comparison["diverged"] == 0).all()


def test_a_number_off_the_published_one_is_said_to_differ(made):
    figure = made.figure
    frame = making.Store(made.folder, made.note["specification"], (figure.name,)).load(figure.name)
    off = dataclasses.replace(
        figure, published=tuple(dataclasses.replace(p, value=p.value + 1) for p in figure.published)
    )
    comparison = off.comparison(frame).dropna(subset=["published"])
    assert not comparison["agrees"].any()
    assert all("differs" in row[2] for row in making.cells(comparison))


def test_every_learner_has_a_curve_that_moves(made):
    with style():
        drawn = made.figure.draw(data(made), made.comparison, "neurips")
    lines = {
        line.get_label(): np.asarray(line.get_ydata())
        for line in drawn.axes[0].lines
        if not str(line.get_label()).startswith("_")
    }
    assert len(lines) == made.comparison["learner"].nunique()
    assert all(np.isfinite(y).all() and np.ptp(y) > 0 for y in lines.values())
    assert {text.get_text() for text in drawn.axes[0].get_legend().get_texts()} == set(lines)
    looks = {
        (line.get_color(), line.get_marker(), str(line.get_linestyle()))
        for line in drawn.axes[0].lines
        if line.get_label() in lines
    }
    assert len({marker for _, marker, _ in looks}) == len(lines)
    assert not any(np.array_equal(a, b) for k, a in lines.items() for n, b in lines.items() if k < n)


def data(made):
    return making.Store(made.folder, made.note["specification"], (made.figure.name,)).load(made.figure.name)


@pytest.mark.parametrize("width", WIDTHS)
def test_pdf_has_the_venue_width_and_embedded_type_42_fonts(made, width):
    with style():
        drawn = made.figure.draw(data(made), made.comparison, width)
    pdf = file_bytes(drawn, "pdf")
    box = re.search(rb"/MediaBox \[ *0 0 ([\d.]+) ([\d.]+) *\]", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(72 * WIDTHS[width], abs=1)
    fonts = re.findall(rb"/Type /Font\b", pdf)
    assert fonts
    assert b"/Type3" not in pdf
    assert b"/CIDFontType2" in pdf
    assert b"/FontFile2" in pdf
    assert not re.search(rb"/(CreationDate|Producer|Creator)", pdf)


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_lies_on_the_page_and_labels_apart(made, width):
    with style():
        drawn = made.figure.draw(data(made), made.comparison, width)
        drawn.draw_without_rendering()
        page = drawn.bbox
        for axes in drawn.axes:
            box = axes.get_tightbbox()
            assert page.x0 <= box.x0
            assert box.x1 <= page.x1 + 1
            assert page.y0 <= box.y0
            assert box.y1 <= page.y1 + 1
            ticks = [
                t
                for t in axes.get_xticklabels()
                if axes.get_xlim()[0] <= t.get_position()[0] <= axes.get_xlim()[1]
            ]
            ticks += [
                t
                for t in axes.get_yticklabels()
                if axes.get_ylim()[0] <= t.get_position()[1] <= axes.get_ylim()[1]
            ]
            legend = axes.get_legend()
            labels = [
                *ticks,
                axes.xaxis.label,
                axes.yaxis.label,
                *axes.texts,
                *(legend.get_texts() if legend else []),
            ]
            boxes = [
                label.get_window_extent()
                for label in labels
                if label.get_text() and label.get_rotation() % 90 == 0
            ]
            assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_second_make_recomputes_nothing(made, out, frozen):
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made.folder.iterdir()}
    again = make(made.figure.name, "quick", out)
    assert not again.computed
    assert not again.drawn
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made.folder.iterdir()}


def test_equal_data_gives_equal_bytes(made, out, frozen):
    kinds = ("parquet", "pdf", "png", "md")
    before = [made.file(kind).read_bytes() for kind in kinds]
    again = make(made.figure.name, "quick", out, redraw=True)
    assert again.drawn
    assert not again.computed
    assert before == [again.file(kind).read_bytes() for kind in kinds]


def test_equal_specification_gives_equal_pictures(out, tmp_path):
    first, second = make("tandem", "quick", out), make("tandem", "quick", tmp_path)
    assert second.computed
    assert first.note["hash"] == second.note["hash"]
    assert first.file("pdf").read_bytes() == second.file("pdf").read_bytes()


def test_provenance_and_page(made):
    note = made.note["provenance"]
    wanted = (
        "preset",
        "seed",
        "dtype",
        "device",
        "jax",
        "numpy",
        "lab",
        "commit",
        "python",
        "command",
        "wall_s",
        "compile_s",
        "start",
        "end",
    )
    assert not [key for key in wanted if key not in note]
    assert 0 <= note["compile_s"] <= note["wall_s"]
    page = made.file("md").read_text()
    assert "95 %" in made.figure.caption
    assert made.figure.caption in page
    assert bibtex(made.figure.citation) in page
    assert all(f"{p.value:.3f} ± {p.tolerance:g}" in page for p in made.figure.published)
    assert not [path for path in made.folder.iterdir() if path.name.startswith(".")]


def test_interrupted_computation_leaves_no_data(tmp_path, monkeypatch):
    def interrupt(preset, seed):
        raise KeyboardInterrupt

    registry = Registry("figure")
    registry.add(
        Entry(
            "tandem",
            lambda: dataclasses.replace(FIGURES.make("tandem"), compute=interrupt),
            "",
            "letcher2019sos",
        )
    )
    monkeypatch.setattr(making, "FIGURES", registry)
    with pytest.raises(KeyboardInterrupt):
        make("tandem", out=tmp_path)
    assert [path.name for path in (tmp_path / "tandem-quick").iterdir()] == ["specification.json"]


def test_interrupted_command_says_what_is_kept(capsys, tmp_path, monkeypatch):
    def interrupt(preset, seed):
        raise KeyboardInterrupt

    registry = Registry("figure")
    for name, figure in (
        ("tandem", FIGURES.make("tandem")),
        ("sos_ipd", dataclasses.replace(FIGURES.make("sos_ipd"), compute=interrupt)),
    ):
        registry.add(Entry(name, lambda figure=figure: figure, "", "letcher2019sos"))
    monkeypatch.setattr(making, "FIGURES", registry)
    code, _, err = run(capsys, "make", "tandem", "sos_ipd", "--out", tmp_path)
    assert code == 130
    assert "finished and kept: tandem" in err.splitlines()[-1]
    assert (tmp_path / "tandem-quick" / "tandem.pdf").exists()
    assert not (tmp_path / "sos_ipd-quick" / "sos_ipd.parquet").exists()


def test_command_says_what_it_found(made, out, capsys, frozen):
    code, said, err = run(capsys, "make", made.figure.name, "--out", out)
    assert code == 0
    assert "data found, nothing recomputed" in err
    assert str(made.file("pdf")) in said
    assert all(label in said for label in made.comparison["learner"])


def test_command_lists_every_figure(capsys):
    code, said, _ = run(capsys, "list")
    assert code == 0
    assert all(entry.name in said and entry.citation in said for entry in FIGURES)


def test_unknown_names_get_one_sentence(capsys, tmp_path):
    assert "did you mean 'tandem'?" in refused(capsys, "make", "tandam", "--out", tmp_path)
    assert "did you mean 'sos_ipd'?" in refused(capsys, "make", "tandem", "sos_idp", "--out", tmp_path)
    assert "did you mean 'quick'?" in refused(capsys, "make", "tandem", "--preset", "quik", "--out", tmp_path)
    assert "did you mean 'neurips'?" in refused(
        capsys, "make", "tandem", "--width", "neurip", "--out", tmp_path
    )
    assert "sos_ipd, tandem" in refused(capsys, "make", "--out", tmp_path)
    assert "did you mean '--redraw'?" in refused(capsys, "make", "tandem", "--redrow", "--out", tmp_path)
    assert "did you mean 'make'?" in refused(capsys, "mak", "tandem", "--out", tmp_path)
    assert "integer" in refused(capsys, "make", "tandem", "--seed", "one", "--out", tmp_path)
    assert "seed is -1" in refused(capsys, "make", "tandem", "--seed", "-1", "--out", tmp_path)
    assert not list(tmp_path.iterdir())


def test_unusable_folders_get_one_sentence(capsys, tmp_path, out):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(capsys, "make", "tandem", "--out", tmp_path / "file" / "below")
    assert "--redraw" in refused(capsys, "make", "tandem", "--redraw", "--out", tmp_path / "empty")
    assert not (tmp_path / "empty").exists()
    make("tandem", out=out)
    assert "--force" in refused(capsys, "make", "tandem", "--seed", "1", "--out", out)


def test_another_specification_replaces_only_by_force(tmp_path):
    first = make("tandem", out=tmp_path)
    with pytest.raises(ValueError, match=r"seed is 0.*1 .*--force"):
        make("tandem", out=tmp_path, seed=1)
    assert first.note["hash"] == make("tandem", out=tmp_path).note["hash"]
    second = make("tandem", out=tmp_path, seed=1, force=True)
    assert second.computed
    assert second.note["provenance"]["seed"] == 1


def test_program_prepares_before_jax(tmp_path):
    """The module runs as a program, and its process is prepared before jax is imported."""
    code = "import sys, paper_figs.cli; print('jax' in sys.modules)"
    env = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    here = pathlib.Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=env,
        cwd=here,
        timeout=600,
        check=True,
    )
    assert done.stdout.strip() == "False"
    done = subprocess.run(
        [sys.executable, "-m", "paper_figs", "list"],
        capture_output=True,
        text=True,
        env=env,
        cwd=here,
        timeout=600,
        check=True,
    )
    assert all(name in done.stdout for name in (entry.name for entry in FIGURES))
