"""Refuse bad numbers where they enter: one sentence with the accepted values; traced values pass, since they are data."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float


def concrete(value: Any) -> bool:
    """Whether a value can be looked at: it is no tracer and no placeholder that stands for one."""
    return isinstance(value, (int, float, np.ndarray, np.generic)) or (isinstance(value, jax.Array) and not isinstance(value, Tracer))


def as_float(value: ArrayLike) -> Float[Array, "..."]:
    """A float array of JAX's default precision; a value that already is an inexact JAX array keeps its own.

    Raises:
        ValueError: for something that is no number and no array of numbers.
    """
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.inexact):
        return value
    try:
        return jnp.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{value!r} was given where a number, or an array of numbers, is wanted.") from error


def check_range(what: str, value: Any, minimum: float = -np.inf, maximum: float = np.inf) -> None:
    """Refuse a number, or an array with an entry, that is NaN or outside [minimum, maximum].

    Raises:
        ValueError: naming `what`, the first offending value and the accepted range.
    """
    if not concrete(value):
        return
    entries = np.atleast_1d(np.asarray(value, dtype=float)).ravel()
    bad = entries[~((entries >= minimum) & (entries <= maximum))]
    if bad.size:
        accepted = f"in [{minimum:g}, {maximum:g}]" if np.isfinite(maximum) else f"of at least {minimum:g}"
        raise ValueError(f"{what} is {bad[0]:g}; it must be a number {accepted}.")


def check_count(what: str, value: Any, minimum: int = 1) -> None:
    """Refuse a count that is no integer or below `minimum`.

    Raises:
        ValueError: naming `what`, the value and the least accepted one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise ValueError(f"{what} is {value!r}; it must be an integer of at least {minimum}.")


def numeric_array(what: str, value: Any) -> Float[Array, "..."]:
    """A finite float array from nested sequences or an array.

    Raises:
        ValueError: for ragged rows, entries that are no numbers, and NaN or infinite entries.
    """
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(value)):
        return jnp.asarray(value, dtype=None if isinstance(value, Tracer) else float)
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be a rectangular array of numbers; its rows differ in length or hold something else.") from error
    except OverflowError:  # an integer that no float can hold
        array = np.array(np.finfo(float).max)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has an entry that is NaN or infinite; every entry must be a finite number.")
    if isinstance(value, jax.Array):
        return as_float(value)
    held = jnp.finfo(jnp.result_type(float))
    if array.size and np.abs(array).max() >= held.max:
        wider = " or switch on jax_enable_x64" if held.bits < 64 else ""
        raise ValueError(f"{what} has an entry beyond {held.max:.2g}, the largest number of {held.dtype}; rescale it{wider}.")
    return as_float(array)
