"""Checks of arguments, which raise a `ValueError` with the accepted values; traced values are not checked."""

import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Key

LARGEST_SEED = 2**32 - 1
"""JAX uses only the last 32 bits of a seed."""


def concrete(value: Any) -> bool:
    """Whether a value has numbers that can be checked: it holds no tracer and no placeholder for an array."""
    return not any(isinstance(x, (Tracer, jax.ShapeDtypeStruct)) for x in jax.tree.leaves(value))


def as_float(value: ArrayLike) -> Float[Array, "..."]:
    """A float array in JAX's default precision; a JAX array of floats is returned as it is.

    Raises:
        ValueError: if the value is not a real number or an array of them; Booleans, text and complex numbers
            are refused.
    """
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.floating):
        return value
    try:
        return jnp.asarray(_real(value) if concrete(value) else value, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{shown(value)} was given where a number, or an array of numbers, is wanted."
        ) from error


def floating(value: Any) -> Any:
    """Like `as_float`, but anything else than numbers is returned unchanged, for a later check."""
    try:
        return as_float(value)
    except ValueError:
        return value


def check_range(
    what: str, value: Any, minimum: float = -np.inf, maximum: float = np.inf, infinite: bool = False
) -> None:
    """Check that a value, or every entry of an array, is in [minimum, maximum]; infinity only if `infinite`.

    Raises:
        ValueError: naming `what`, the first offending value and the accepted range.
    """
    if not concrete(value):
        return
    accepted = (
        f"in [{minimum:g}, {maximum:g}]"
        if np.isfinite(maximum)
        else f"of at least {minimum:g}"
        if np.isfinite(minimum)
        else ""
    )
    try:
        entries = np.atleast_1d(_real(value)).astype(float).ravel()
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{what} is {shown(value)}; it must be a number {accepted}".rstrip() + "."
        ) from error
    bad = entries[~((entries >= minimum) & (entries <= maximum) & (infinite | np.isfinite(entries)))]
    if bad.size:
        kind = "finite number" if np.isinf(bad[0]) and not np.isfinite(maximum) else "number"
        raise ValueError(f"{what} is {bad[0]:g}; it must be a {kind} {accepted}".rstrip() + ".")


def check_flag(what: str, value: Any) -> None:
    """Check that a value is True or False.

    Raises:
        ValueError: naming `what` and the value.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{what} is {shown(value)}; it must be True or False.")


def check_counts(what: str, values: Any, minimum: int = 1) -> None:
    """Check that a value is a sequence of integers of at least `minimum`.

    Raises:
        ValueError: naming `what` and the sequence or the first offending entry.
    """
    if not isinstance(values, (tuple, list)):
        raise ValueError(
            f"{what} is {shown(values)}; it must be a sequence of integers of at least {minimum}, such as (64,)."
        )
    for value in values:
        check_count(f"An entry of {what}", value, minimum)


def as_folder(folder: Any) -> pathlib.Path:
    """A folder's path.

    Raises:
        ValueError: if it is not a path, or is empty text, which `pathlib` takes for the current folder.
    """
    if not isinstance(folder, (str, os.PathLike)) or not str(folder):
        raise ValueError(f"The folder is {shown(folder)}; give its path, '.' for the folder you are in.")
    return pathlib.Path(folder)


def _real(value: Any) -> np.ndarray:
    """An array of real numbers.

    Raises:
        TypeError: for Booleans, text and complex numbers.
        ValueError: for rows of different length.
    """
    array = np.asarray(value)
    if array.dtype.kind in "bcSUmM" or (
        array.dtype == object
        and any(x is None or isinstance(x, (bool, str, bytes, complex)) for x in array.flat)
    ):
        raise TypeError
    return array if array.dtype.kind in "iuf" else array.astype(float)


def as_seed(seed: Any = 0, key: Any = None) -> int:
    """The seed, an integer in [0, 2**32 - 1], given as `seed` or as `key`.

    Raises:
        ValueError: if both are given, or the value is not such an integer; JAX would use it modulo 2**32.

    Example:
        >>> as_seed(np.int64(3)), as_seed(key=4)
        (3, 4)
    """
    given = _one_of(seed, key)
    whole = not isinstance(given, (bool, np.bool_)) and isinstance(given, (int, np.integer))
    if not whole or not 0 <= int(given) <= LARGEST_SEED:
        raise ValueError(f"The seed is {given!r}; it must be an integer in [0, {LARGEST_SEED}].")
    return int(given)


def as_key(key: Any = 0, seed: Any = None) -> Key[Array, ""]:
    """The typed key of a key or a seed, given as `key` or as `seed`.

    Raises:
        ValueError: if both are given, for an array of keys, and for a value that is neither a typed key nor a
            seed.
    """
    given = _one_of(key, seed)
    if isinstance(given, (jax.Array, np.ndarray)):
        if jnp.issubdtype(given.dtype, jax.dtypes.prng_key):
            if given.ndim:
                raise ValueError(
                    f"The key has shape {given.shape}; give one key, and run over several with jax.vmap."
                )
            return given  # pyright: ignore[reportReturnType]
        if given.ndim == 0 and jnp.issubdtype(given.dtype, jnp.integer):
            return jax.random.key(given if isinstance(given, Tracer) else as_seed(int(given)))
    if not isinstance(given, (int, np.integer)) or isinstance(given, bool):
        raise ValueError(
            f"The key is {shown(given)}; it must be a seed, an integer in [0, {LARGEST_SEED}], or a typed key, jax.random.key(seed)."
        )
    return jax.random.key(as_seed(given))


def _one_of(first: Any, second: Any) -> Any:
    """The one argument of two that was given; `first` is 0 if it was not."""
    if second is None:
        return first
    if isinstance(first, int) and not first:
        return second
    raise ValueError(
        f"Both a seed and a key were given, {shown(first)} and {shown(second)}; give one of them."
    )


def shown(value: Any) -> str:
    """A value for an error message: on one line, at most 80 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:60]}... (a {type(value).__name__})"


def check_pairs(what: str, value: Any) -> None:
    """Refuse a table whose cells are tuples of payoffs, as textbooks print games: its axes would be misread.

    Raises:
        ValueError: naming `what` and the accepted form, one table per player.
    """
    row = value[0] if isinstance(value, list) and value else None
    cell = row[0] if isinstance(row, list) and row else None
    while isinstance(cell, list) and cell:
        cell = cell[0]
    if isinstance(cell, tuple):
        raise ValueError(
            f"{what} is a table whose cells are tuples, such as {shown(cell)}; give one table per player, its rows as lists, which "
            "numpy.moveaxis(table, -1, 0) makes of it."
        )


def check_count(what: str, value: Any, minimum: int = 1) -> None:
    """Check that a count is an integer of at least `minimum`.

    Raises:
        ValueError: naming `what`, the value and the least accepted one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise ValueError(f"{what} is {shown(value)}; it must be an integer of at least {minimum}.")


def numeric_array(what: str, value: Any) -> Float[Array, "..."]:
    """A finite float array from nested sequences or an array.

    Raises:
        ValueError: for rows of different lengths, entries that are not numbers, and NaN or infinite entries.
    """
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(value)):
        return jnp.asarray(value, dtype=None if isinstance(value, Tracer) else float)
    try:
        array = _real(value).astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{what} must be a rectangular array of numbers; its rows differ in length or hold something else."
        ) from error
    except OverflowError:  # an integer too large for a float
        array = np.array(np.finfo(float).max)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has an entry that is NaN or infinite; every entry must be a finite number.")
    if isinstance(value, jax.Array):
        return as_float(value)
    held = jnp.finfo(jnp.result_type(float))
    if array.size and np.abs(array).max() >= held.max:
        wider = " or switch on jax_enable_x64" if held.bits < 64 else ""
        raise ValueError(
            f"{what} has an entry beyond {held.max:.2g}, the largest number of {held.dtype}; rescale it{wider}."
        )
    return as_float(array)
