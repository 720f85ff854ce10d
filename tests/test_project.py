"""The project as a whole: light imports, a current catalogue, citations that exist, safety from the known hang."""

import ast
import importlib
import importlib.util
import os
import pathlib
import pkgutil
import subprocess
import sys

import pytest

import analysis
import games
import paper_figs
import shaping
import solvers
from games import ENVIRONMENTS, GAMES
from games.bibliography import bibtex
from games.strategies.named import STRATEGIES
from paper_figs import FIGURES
from shaping import LEARNERS
from solvers import DYNAMICS, FLOWS, SOLVERS

ROOT = pathlib.Path(__file__).parents[1]


def run(code: str, timeout: float = 600, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env=os.environ | environment,
    )


@pytest.mark.parametrize("package", ["games", "shaping", "solvers"])
def test_import_stays_light(package):
    heavy = [
        "pandas",
        "matplotlib",
        "networkx",
        "scipy.optimize",
        "scipy.stats",
        "pyarrow",
        "diffrax",
        "optimistix",
        "gymnasium",
    ]
    code = f"import jax, sys; before = set(sys.modules); import {package}; print([m for m in {heavy} if m in set(sys.modules) - before])"
    assert run(code).stdout.strip() == "[]"


def test_import_leaves_jax_as_it_was():
    keys = [
        "jax_enable_x64",
        "jax_compilation_cache_dir",
        "jax_numpy_rank_promotion",
        "jax_default_matmul_precision",
        "jax_platforms",
    ]
    code = (
        f"import os, jax; state = lambda: [getattr(jax.config, k) for k in {keys}] + [os.environ.get('XLA_FLAGS')]; before = state();"
        "import games, shaping, solvers, analysis, paper_figs; print(state() == before)"
    )
    assert run(code).stdout.strip() == "True"


@pytest.mark.parametrize(
    "registry",
    [GAMES, ENVIRONMENTS, LEARNERS, STRATEGIES, SOLVERS, DYNAMICS, FLOWS, FIGURES],
    ids=lambda r: r.kind,
)
def test_every_member_has_a_summary_and_a_citation_that_exists(registry):
    for entry in registry:
        assert entry.summary, entry.name
        assert bibtex(entry.citation).startswith("@"), entry.name


def test_the_catalogue_is_current():
    spec = importlib.util.spec_from_file_location("catalogue", ROOT / "docs" / "catalogue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "catalogue.md").read_text() == module.page(), "run `make catalogue`"


@pytest.mark.slow  # test_tournament runs as many lanes by the round robin itself
def test_a_tournament_step_of_12000_lanes_returns():
    """jax 0.10 can hang on the CPU when one program holds several large batched LAPACK calls; a match step holds none."""
    code = (
        "from analysis.tournaments.run import tournament\n"
        "from games import ipd\n"
        "from shaping import Lola\n"
        "frame = tournament([ipd()], {'lola': Lola(), 'half': Lola(lr=0.5)}, steps=2, seeds=3000).frame\n"
        "print(len(frame), bool(frame['ok'].all()))"
    )
    done = run(code, timeout=600, XLA_FLAGS="")
    assert done.stdout.split()[-2:] == ["24000", "True"], done.stderr


@pytest.mark.parametrize(
    ("name", "code"),
    [("games", "import shaping"), ("games", "import solvers"), ("analysis.py", "import games")],
)
def test_what_hides_a_package_is_named_at_import(tmp_path, name, code):
    place = tmp_path / name
    if place.suffix:
        place.write_text("")
    else:
        place.mkdir()
        (place / "__init__.py").write_text("")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
        env=environment,
    )
    assert f"{place}" in done.stderr
    assert f"hides the laboratory's package {place.stem!r}; rename it" in done.stderr


def test_no_function_hides_a_module_of_its_name():
    """`import shaping.match` gives the module whichever package was imported before, and every name of `__all__` is there."""
    modules = [
        m.name
        for package in (games, shaping, solvers, analysis, paper_figs)
        for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not m.name.endswith("__main__")
    ]
    for name in modules:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            assert getattr(module, public, None) is not None, f"{name}.{public}"
    for name in modules:
        parent, _, last = name.rpartition(".")
        assert getattr(importlib.import_module(parent), last) is importlib.import_module(name), name


def test_no_test_imports_a_test():
    """What several tests share is in `tests/reference`."""
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module or ''}.{name}" for name in names]
            imported = [
                part for name in names if name.startswith(("tests.", ".")) for part in name.split(".")
            ]
            assert not [part for part in imported if part.startswith("test_")], f"{path}, line {node.lineno}"


def test_what_documents_of_earlier_versions_import_is_there():
    from analysis.tournament import cells as cells_before, tournament as before

    from analysis import cells, tournament
    from analysis.plots import curves, heatmap
    from games import ipd
    from shaping import Lola, checkpoint, play, training

    assert before is tournament
    assert cells_before is cells
    assert all(
        map(callable, (curves, heatmap, ipd, Lola, play, checkpoint.load, checkpoint.save, training.train))
    )
