"""What solvers' results print: a heading and one line per number that matters, rounded."""

from collections.abc import Mapping
from typing import Any

import numpy as np

WRITTEN_OUT = 32
"""Arrays with more entries than this are printed as their shape and range."""


def rounded(value: Any, digits: int = 4) -> str:
    """A number, an array or a sequence of these as text, floats with a few digits and rationals as they are.

    Example:
        >>> rounded(1 / 3), rounded(np.array([[1.0, 0.25]])), rounded((np.ones(1), None)), rounded(2 - 1e-9j)
        ('0.3333', '[[1, 0.25]]', '[[1], None]', '2')
        >>> rounded(np.linspace(0, 1, 100))
        'array (100,) from 0 to 1'
    """
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        if isinstance(value, np.ndarray) and value.size > WRITTEN_OUT:
            return (
                f"array {value.shape} from {rounded(value.min(), digits)} to {rounded(value.max(), digits)}"
            )
        return f"[{', '.join(rounded(x, digits) for x in value)}]"
    if hasattr(value, "shape"):  # a JAX array or a NumPy number
        return rounded(np.asarray(value) if np.ndim(value) else np.asarray(value).item(), digits)
    if isinstance(value, complex):
        real, imaginary = rounded(value.real, digits), rounded(abs(value.imag), digits)
        return real if abs(value.imag) < 1e-8 else f"{real}{'+-'[value.imag < 0]}{imaginary}j"
    if isinstance(value, float):
        return f"{value + 0.0:.{digits}g}"
    return str(value)


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
    return "\n".join([heading, *(f"  {name:{width}}  {rounded(value)}" for name, value in rows.items())])
