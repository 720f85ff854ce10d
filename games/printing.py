"""How objects print: short numbers, arrays by entries or shape, and tables as text and HTML."""

import dataclasses
import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from games.checks import concrete

WRITTEN_OUT = 8
"""Arrays with more entries than this are printed as their type and shape."""
INITIAL = "init_std"
"""The field of a game that only sets how initial parameters are drawn; it is not printed."""


def as_text(value: Any) -> str:
    """A value as text, without computing on a device: a traced array is printed as its type and shape.

    Args:
        value: a number, an array, a module, a container of these, or anything else, for which `repr` is used.

    Example:
        >>> as_text(jnp.float32(0.3)), as_text(np.arange(3)), as_text(jnp.zeros((4, 5)))
        ('0.3', '[0, 1, 2]', 'float32[4,5]')
    """
    if isinstance(value, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)):
        return _array_text(value)
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, eqx.Module):
        return repr(value) if _prints_itself(value) else module_text(value)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"({', '.join(map(as_text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(as_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {as_text(x)}' for key, x in value.items())}}}"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return repr(value)


def module_text(module: eqx.Module) -> str:
    """A module as a call of its constructor, `Class(field=value, ...)`; a network by its number of parameters.

    A field that says how often something is repeated is left out where it is 1, its default.
    """
    parameters = sum(x.size for x in jax.tree.leaves(module) if hasattr(x, "size"))
    fields = {
        name: value for name, value in field_values(module).items() if not _is_default_count(module, name)
    }
    if parameters > WRITTEN_OUT and not _prints_itself(module):
        return f"{type(module).__name__}({parameters} parameters)"
    return f"{type(module).__name__}({', '.join(f'{name}={as_text(x)}' for name, x in fields.items())})"


def named_text(module: Any, *first: str) -> str:
    """A game or environment as text: class, name, the given facts, numbers, and settings that are not defaults."""
    words = [repr(module.name), *first]
    rules = {f.name: f for f in dataclasses.fields(module)}
    longer = []
    for name, value in field_values(module).items():
        if name in ("name", "n_players", INITIAL) or value is None:
            continue
        if _is_number(value):
            words.append(f"{name} {as_text(value)}")
        elif isinstance(value, (str, bool, tuple)) or callable(value):
            if not isinstance(value, eqx.Module) and _equal(value, rules[name].default):
                continue
            longer.append(f"{name} {as_text(value)}")
        else:
            longer.append(f"{name} {as_text(value)}")
    return f"{type(module).__name__}({', '.join([*words, *longer])})"


def field_values(module: eqx.Module) -> dict[str, Any]:
    """The fields of a module that are set, by name: a module may print itself while it is being made."""
    names = (f.name for f in dataclasses.fields(module))  # pyright: ignore[reportArgumentType]
    return {name: vars(module)[name] for name in names if name in vars(module)}


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "player"), counted(2, "player")
        ('1 player', '2 players')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def text_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as lines of text, columns aligned.

    Example:
        >>> print(text_table(["name", "value"], [["lola", "1"], ["sos", "2"]]))
        name  value
        lola  1
        sos   2
    """
    lines = [list(columns), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]], heading: str = "") -> str:
    """A table as HTML under a heading, every cell escaped.

    Example:
        >>> html_table(["name"], [["a<b"]])
        '<table><thead><tr><th>name</th></tr></thead><tbody><tr><td>a&lt;b</td></tr></tbody></table>'
    """

    def line(kind: str, cells: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<{kind}>{html.escape(cell)}</{kind}>' for cell in cells)}</tr>"

    body = "".join(line("td", row) for row in rows)
    above = f"<p>{html.escape(heading)}</p>" if heading else ""
    return f"{above}<table><thead>{line('th', columns)}</thead><tbody>{body}</tbody></table>"


def _array_text(value: Any) -> str:
    """The entries of a small array that can be read, and otherwise its type and shape."""
    kind = f"{value.dtype}[{','.join(map(str, value.shape))}]"
    if not concrete(value) or value.size > WRITTEN_OUT or jnp.issubdtype(value.dtype, jax.dtypes.extended):
        return kind
    if isinstance(value, jax.Array) and (value.is_deleted() or not value.is_fully_addressable):
        return kind
    return str(_shortest(np.asarray(value)))


def _shortest(array: np.ndarray) -> Any:
    """The entries as Python numbers, floats rounded to the digits of their precision: 7 in float32."""
    if array.ndim:
        return [_shortest(x) for x in array]
    if not np.issubdtype(array.dtype, np.floating):
        return array.item()
    return float(f"{array.item():.{np.finfo(array.dtype).precision + 1}g}")


def _is_number(value: Any) -> bool:
    """Whether a value is one number."""
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or getattr(
        value, "shape", None
    ) == ()


def _is_default_count(module: Any, name: str) -> bool:
    """Whether a field counts repetitions, and is 1 as by default."""
    field = next(f for f in dataclasses.fields(module) if f.name == name)
    return "minimum" in field.metadata and field.default == 1 and vars(module)[name] == 1


def _equal(value: Any, default: Any) -> bool:
    """Whether a setting is its default."""
    return type(value) is type(default) and value == default


def _prints_itself(module: Any) -> bool:
    """Whether a module's class has a way of printing of its own."""
    own: Callable[..., str] = type(module).__repr__
    return own is not eqx.Module.__repr__
