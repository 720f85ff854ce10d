"""The state of an unfinished block on disk, so that a run that is killed goes on from there."""

import pathlib
import time
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from analysis.results.arrays import read_arrays, write_arrays

SECONDS = 30.0
"""How often the state is written: a kill costs at most this, and the compilation."""
SHARE = 20
"""The state of a large block is written less often, so that writing takes at most one part in so many."""


class Snapshots:
    """The file of one block's state, written every `SECONDS`.

    Args:
        path: the file.
    """

    def __init__(self, path: pathlib.Path):
        self.path, self.last, self.took = path, time.monotonic(), 0.0

    def read(self, shapes: Callable[[], PyTree]) -> tuple[PyTree, int, list[np.ndarray]] | None:
        """The state, the number of steps done and the records so far; None without a file.

        A damaged file is named by a warning and removed.

        Args:
            shapes: a function that gives placeholders for the state's arrays.
        """
        if not self.path.exists():
            return None
        try:
            note, arrays = read_arrays(self.path)
        except ValueError:
            warnings.warn(f"{str(self.path)!r} is damaged; its block starts anew.", stacklevel=2)
            self.remove()
            return None
        self.last = time.monotonic()
        leaves, structure = jax.tree.flatten(shapes())
        held = [as_leaf(arrays[f"leaf{k}"], leaf.dtype) for k, leaf in enumerate(leaves)]
        curves = [arrays[f"record{k}"] for k in range(note["records"])]
        return jax.tree.unflatten(structure, held), note["done"], curves

    def write(self, state: PyTree, done: int, curves: list[np.ndarray]) -> None:
        """Write the state, if it is time to."""
        before = time.monotonic()
        if before - self.last < max(SECONDS, SHARE * self.took):
            return
        arrays = {f"leaf{k}": as_numbers(x) for k, x in enumerate(jax.tree.leaves(state))}
        arrays |= {f"record{k}": x for k, x in enumerate(curves)}
        write_arrays(self.path, arrays, {"done": done, "records": len(curves)})
        self.last = time.monotonic()
        self.took = self.last - before

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def as_numbers(x: Any) -> np.ndarray:
    """An array as numbers; random keys by their data."""
    return np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)


def as_leaf(x: np.ndarray, dtype: Any) -> jax.Array:
    """The inverse of `as_numbers`."""
    held = jnp.asarray(x)
    return jax.random.wrap_key_data(held) if jnp.issubdtype(dtype, jax.dtypes.prng_key) else held
