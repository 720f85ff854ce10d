"""The code of classes and functions that are not the laboratory's own: what decides a result beside the settings."""

import ast
import dataclasses
import hashlib
import inspect
import json
import sys
import sysconfig
import textwrap
import types
from typing import Any

import equinox as eqx
import jax

LAB = ("games", "shaping", "solvers", "analysis", "paper_figs")
LIBRARIES = frozenset(
    (
        *LAB,
        "equinox",
        "jax",
        "jaxlib",
        "jaxtyping",
        "optax",
        "numpy",
        "builtins",
        "abc",
        "typing",
        "collections",
        "functools",
    )
)
"""Packages whose code is told by their version."""


def source(thing: Any) -> str | None:
    """A hash of the code behind a class or function, and None for one of the laboratory or of a library it stands on.

    It covers the class with its bases, and the functions, classes and plain constants that their code names
    in modules which are not installed, or of the same package. Comments and layout do not count.

    Example:
        >>> from shaping import Lola
        >>> source(Lola) is None
        True
    """
    found: dict[Any, tuple[str, str]] = {}
    for part in thing.__mro__ if isinstance(thing, type) else (thing,):
        if _top(part) not in LIBRARIES:
            _gather(part, found)
    return hashlib.sha256(json.dumps(sorted(found.values())).encode()).hexdigest()[:16] if found else None


def sources(value: Any) -> list[str]:
    """The hashes of all such classes in a tree of modules, in order."""
    found = set()
    for module in jax.tree.leaves(value, is_leaf=lambda x: isinstance(x, eqx.Module)):
        if isinstance(module, eqx.Module):
            found |= {
                source(type(module)),
                *sources([getattr(module, f.name) for f in dataclasses.fields(module)]),
            }
    return sorted(found - {None})


def _gather(thing: Any, found: dict[Any, tuple[str, str]]) -> None:
    """Enter a class or function, and what its code names, into `found`."""
    if thing in found:
        return
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError):  # typed at a prompt, or a part of a line
        found[thing] = (thing.__qualname__, repr(_codes(thing)))
        return
    found[thing] = (thing.__qualname__, ast.unparse(tree))
    names = vars(sys.modules.get(thing.__module__, types))
    for node in ast.walk(tree):
        value: Any = None
        if isinstance(node, ast.Name):
            value = names.get(node.id)
            if _is_plain(value):
                found[f"{thing.__module__}.{node.id}"] = (node.id, repr(value))
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and isinstance(names.get(node.value.id), types.ModuleType)
        ):
            value = getattr(names[node.value.id], node.attr, None)
        value = inspect.unwrap(value) if callable(value) else None
        if (
            isinstance(value, (type, types.FunctionType))
            and _top(value) not in LIBRARIES
            and _is_near(value, thing)
        ):
            for part in value.__mro__ if isinstance(value, type) else (value,):
                if _top(part) not in LIBRARIES:
                    _gather(part, found)


def _top(thing: Any) -> str:
    """The outermost package of what defines a class or function."""
    return str(getattr(thing, "__module__", None)).partition(".")[0]


def _is_near(thing: Any, other: Any) -> bool:
    """Whether something is of another's package, or of a module that is not installed."""
    if _top(thing) == _top(other):
        return True
    file = str(getattr(sys.modules.get(thing.__module__), "__file__", None) or "")
    installed = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))
    return bool(file) and not any(part in file for part in installed)


def _codes(thing: Any) -> list[Any]:
    """What a class's or function's code objects hold, without line numbers."""
    if isinstance(thing, type):
        members = sorted(vars(thing).items())
        return [
            [name, _codes(x)]
            for name, x in members
            if not name.startswith("__") or isinstance(x, types.FunctionType)
        ]
    if isinstance(thing, types.CodeType):
        return [thing.co_code.hex(), thing.co_names, [_codes(x) for x in thing.co_consts]]
    inner = (
        inspect.unwrap(getattr(thing, "method", thing))
        if callable(thing) or hasattr(thing, "method")
        else thing
    )
    code = getattr(inner, "__code__", None)
    if code is not None:
        return _codes(code)
    return [repr(thing) if thing is None or _is_plain(thing) else type(thing).__qualname__]


def _is_plain(value: Any) -> bool:
    """Whether a value is a number, a text or a tuple of such."""
    return (
        all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, (bool, int, float, str))
    )
