"""What the documents tell a newcomer to type: every command and block of Python runs, on a small budget, and prints what is shown."""

import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("quickly_compiled")

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", README, re.S)
    for line in block.splitlines()
]
SMALL = {"--steps": "3", "--seeds": "2"}


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.S)


def numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?\d+\.\d+", text)]


def shrunk(words: list[str], folder: pathlib.Path) -> list[str]:
    """The same command with a small budget, writing elsewhere."""
    budget = SMALL | {"--out": str(folder)}
    return [budget.get(before, word) for before, word in zip(["", *words], words, strict=False)]


def test_the_readme_has_commands():
    assert {c.split()[0] for c in COMMANDS} == {"make", "shaping", "python"}


def test_the_notebook_example_prints_what_the_readme_shows(capsys):
    code = blocks(README)[0]
    shown = re.search(r"```python\n.*?```\n\n```text\n(.*?)```", README, re.S)
    assert shown is not None
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    strip = lambda text: re.sub(r"-?\d+\.\d+", "", text)  # noqa: E731
    assert strip(printed) == strip(shown[1])
    ours, theirs = (np.array(numbers(text)).reshape(-1, 2) for text in (printed, shown[1]))
    # LOLA amplifies rounding, so that another version of jax is another sample: allow four standard errors and the last digit
    assert (np.abs(ours[:, 0] - theirs[:, 0]) <= 4 * np.hypot(ours[:, 1], theirs[:, 1]) + 0.01).all()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_make_target(command):
    """Each target is known to make; CI runs `make test` itself."""
    done = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_demo_with_two_learners(tmp_path, capsys):
    """`make demo` is one command line, here with fewer learners."""
    from analysis.cli.main import main

    done = subprocess.run(["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True)
    words = shlex.split(next(line for line in done.stdout.splitlines() if "shaping tournament" in line))[1:]
    words = [
        *shrunk(words, tmp_path / "demo"),
        "--steps",
        "2",
        "--seeds",
        "2",
        "--learners",
        "naive",
        "optimistic",
    ]
    main(words)
    first = capsys.readouterr()
    assert (tmp_path / "demo" / "heatmap.png").exists()
    main(words)
    second = capsys.readouterr()
    assert "nothing was computed again" in second.err
    assert second.out == first.out


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("shaping")])
def test_shaping_command(command, tmp_path, capsys):
    words = shrunk(shlex.split(command)[1:], tmp_path / "out")
    if words == ["doctor"]:  # it judges the process, so it gets one of its own
        done = subprocess.run(
            [sys.executable, "-c", "from analysis.cli.main import main; main(['doctor'])"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return
    from analysis.cli.main import main

    main(words)
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("python -m paper_figs")])
def test_paper_figs_command(command, tmp_path, capsys):
    from paper_figs.cli import main

    words = [
        word for word in shlex.split(command)[3:] if word != "sos_ipd"
    ]  # which takes minutes to compile; test_paper_figs has it
    main([*words, "--out", str(tmp_path)] if words[0] == "make" else words)
    assert "tandem" in capsys.readouterr().out


@pytest.mark.slow
def test_recipes_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for code in blocks((ROOT / "docs" / "recipes.md").read_text()):
        exec(compile(code, "docs/recipes.md", "exec"), space)
    assert (tmp_path / "curves.png").exists()
