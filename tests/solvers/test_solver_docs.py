"""The page on solvers: its table says what the registry says, and every line of code prints what is written beside it."""

import ast
import pathlib
import re

import pytest

import solvers
from solvers import SOLVERS

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "solvers.md").read_text()


def results(block):
    """The lines of a block with what they are said to be, where that is a value."""
    for node in ast.parse(block).body:
        code = "\n".join(block.splitlines()[node.lineno - 1 : node.end_lineno])
        _, mark, said = code.rpartition("  # ")
        try:
            yield node, ast.unparse(node), ast.literal_eval(said) if mark else None
        except (SyntaxError, ValueError):
            yield node, ast.unparse(node), None


def test_the_table_is_the_registrys():
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in re.findall(r"^\| `.*", PAGE, re.M)
        if row.count("|") == 7
    ]
    known = {
        e.name: [
            str(e.facts["players"] or "any"),
            e.facts["finds"],
            "yes" if e.facts["exact"] else "no",
            "constant sum" if e.facts["zero_sum"] else "any",
        ]
        for e in SOLVERS
    }
    assert {row[0].strip("`"): row[1:5] for row in rows} == known


@pytest.mark.filterwarnings("error")
def test_every_line_is_what_it_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space, told = {}, 0
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        for node, code, said in results(block):
            if isinstance(node, ast.Expr):
                value = eval(code, space)
                assert said is None or value == said, code
                told += said is not None
            else:
                exec(code, space)
    assert told > 20


def test_every_function_that_is_named_exists():
    """In tables a word in code is a function of the package, a method, or a game's size."""
    for row in re.findall(r"^\| [a-z].*\| (`.*)\|", PAGE, re.M):
        for name in re.findall(r"`(\w+)`", row):
            assert hasattr(solvers, name), name
