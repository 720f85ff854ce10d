"""How the results of solvers are printed: rounded numbers, lists cut to a length, and one line per field."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

WRITTEN_OUT = 32
"""Arrays with more entries than this are printed as their shape and range."""


def rounded_text(*values: Any) -> str:
    """Numbers, arrays and nested sequences as text, separated by commas.

    Floats have four significant digits; integers and rationals `p/q` are exact.

    Example:
        >>> rounded_text(1 / 3, np.array([[1.0, 0.25]]), (np.ones(1), None), 2 - 1e-9j)
        '0.3333, [[1, 0.25]], [[1], None], 2'
        >>> rounded_text(np.linspace(0, 1, 100))
        'array (100,) from 0 to 1'
    """
    return ", ".join(map(_entry_text, values))


def _entry_text(value: Any) -> str:
    """The text of one value; see `rounded_text`."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        if isinstance(value, np.ndarray) and value.size > WRITTEN_OUT:
            return f"array {value.shape} from {rounded_text(value.min())} to {rounded_text(value.max())}"
        return f"[{rounded_text(*value)}]"
    if hasattr(value, "shape"):  # a JAX array or a NumPy number
        return rounded_text(np.asarray(value) if np.ndim(value) else np.asarray(value).item())
    if isinstance(value, complex):
        real, imaginary = rounded_text(value.real, abs(value.imag)).split(", ")
        return real if abs(value.imag) < 1e-8 else f"{real}{'+-'[value.imag < 0]}{imaginary}j"
    if isinstance(value, float):
        return f"{value + 0.0:.4g}"
    return str(value)


def listing(entries: Sequence[str], most: int = 8) -> str:
    """Join texts with commas; of more than `most`, only the first ones, with the number of the rest.

    Example:
        >>> listing(["a", "b", "c"], most=2)
        'a, b, and 1 more'
    """
    more = [f"and {len(entries) - most} more"] if len(entries) > most else []
    return ", ".join([*entries[:most], *more])


def result_text(heading: str, rows: Mapping[str, Any]) -> str:
    """A heading and one indented line per entry, names aligned; entries that are None are left out.

    Example:
        >>> print(result_text("BestResponse of player 0", {"value": 3.0, "payoffs": np.array([3.0, 2 / 3])}))
        BestResponse of player 0
          value    3
          payoffs  [3, 0.6667]
    """
    rows = {name: value for name, value in rows.items() if value is not None}
    width = max(map(len, rows), default=0)
    return "\n".join([heading, *(f"  {name:{width}}  {rounded_text(value)}" for name, value in rows.items())])
