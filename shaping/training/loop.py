"""The loop that drives every training: compiled chunks of iterations, with callbacks between them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PyTree

from games.checks import as_key, check_count, shown
from games.compiler import filter_jit, join_arrays, split_arrays
from shaping.base import Learner
from shaping.training.trainer import Trainer


class Run(NamedTuple):
    """A training, finished or not.

    Attributes:
        trainer: the training as a value.
        key: root of its randomness.
        state: the trainer's state after the last iteration.
        record: the records of all iterations so far, as numpy arrays with a leading axis of iterations.
    """

    trainer: Any
    key: Key[Array, ""]
    state: Any
    record: Any

    @property
    def iterations(self) -> int:
        """Number of iterations done."""
        return len(jax.tree.leaves(self.record)[0])

    @property
    def learners(self) -> tuple[Learner, ...]:
        """The learners trained so far."""
        return self.trainer.learners(self.state)


def run(
    trainer: Trainer,
    key: Key[Array, ""] | int = 0,
    *,
    iterations: int = 100,
    chunk: int = 10,
    start: Run | None = None,
    callback: Callable[[Run], Any] | None = None,
    seed: int | None = None,
) -> Run:
    """Train: `iterations` steps of a trainer, in compiled chunks.

    Iteration t uses the key `trainer.iteration_key(key, t)`, by default `fold_in(key, t)`, and one program
    serves any number of iterations up to `chunk`: a training in pieces equals the training in one.

    Args:
        trainer: the training, such as `MfosTrainer(ipd(), [None, "naive"])`.
        key: a seed or a typed key.
        iterations: how many in all, including those of `start`, at least 1.
        chunk: how many between two callbacks, at least 1.
        start: a run to continue, whose key is kept.
        callback: a function of the run so far, called after every chunk.
        seed: another name of `key`.

    Returns:
        The run, with the learners and the records of all iterations.

    Raises:
        ValueError: if `trainer` is not a `Trainer`, if a count is not a positive integer, or if a training
            diverges; the runs handed to `callback` have not diverged.

    Example:
        >>> from games import ipd
        >>> from shaping.training import MmamlTrainer
        >>> trained = run(MmamlTrainer(ipd(), [None, "naive"], steps=3, lanes=2), iterations=4)
        >>> trained.learners[0].label, trained.record.per_step.shape
        ('mmaml', (4,))
        >>> run(trained.trainer, iterations=6, start=trained).iterations
        6
    """
    key = as_key(key, seed)
    if not isinstance(trainer, Trainer):
        raise ValueError(f"{shown(trainer)} is no trainer; give one that is made, such as MfosTrainer(...).")
    check_count("iterations", iterations)
    check_count("chunk", chunk)
    now = start._replace(trainer=trainer) if start else Run(trainer, key, trainer.init(key), None)
    begin = start.iterations if start else 0
    advance = _loops_chunk if trainer.loops else _plain_chunk
    records: Any = None
    for done in range(begin, iterations, chunk):
        due = min(chunk, iterations - done)
        state, record, ok = advance(trainer, now.state, now.key, jnp.uint32(done), jnp.asarray(due), chunk)
        if not ok:
            raise ValueError(
                f"The training of {trainer.label!r} left the finite numbers in iterations {done + 1} to "
                f"{done + due}; {trainer.remedy}."
            )
        if records is None:  # filled in place; what a callback was handed does not change
            records = jax.tree.map(lambda x: np.zeros((iterations, *x.shape[1:]), x.dtype), record)
            if start:
                jax.tree.map(lambda x, old: np.copyto(x[:begin], old), records, start.record)
        jax.tree.map(lambda x, new, a=done, n=due: np.copyto(x[a : a + n], new[:n]), records, record)
        now = now._replace(state=state, record=jax.tree.map(lambda x, end=done + due: x[:end], records))
        if callback is not None:
            callback(now)
    return now


def shapes(trainer: Trainer, key: Key[Array, ""], iterations: int) -> tuple[PyTree, PyTree]:
    """The shapes and types of a trainer's state and of the records after a number of iterations."""
    state = jax.eval_shape(trainer.init, key)
    record = jax.eval_shape(lambda state: _step(trainer, state, key, jnp.uint32(0))[1], state)
    return state, jax.tree.map(lambda x: jax.ShapeDtypeStruct((iterations, *x.shape), x.dtype), record)


def _step(trainer: Trainer, state: PyTree, key: Key[Array, ""], t: Int[Array, ""]) -> tuple[PyTree, PyTree]:
    """Iteration t: the next state, and the record."""
    return trainer.step(state, trainer.iteration_key(key, t))


def _chunk(
    trainer: Trainer,
    state: PyTree,
    key: Key[Array, ""],
    done: Int[Array, ""],
    due: Int[Array, ""],
    chunk: int,
) -> tuple[PyTree, PyTree, Any]:
    """Iterations `done` to `done + due` - 1: the state, records in arrays of length `chunk`, and `ok`."""
    arrays, constant = split_arrays(trainer)

    @jax.jit  # traced once, for the shapes of the records and for the loop
    def step(arrays, state, key, t):
        return _step(join_arrays(arrays, constant), state, key, t)

    def iterate(n, carry):
        state, records = carry
        state, record = step(arrays, state, key, done + n.astype(done.dtype))
        return state, jax.tree.map(lambda buffer, x: buffer.at[n].set(x), records, record)

    record = jax.eval_shape(step, arrays, state, key, done)[1]
    empty = jax.tree.map(lambda x: jnp.zeros((chunk, *x.shape), x.dtype), record)
    state, records = jax.lax.fori_loop(0, due, iterate, (state, empty))
    return state, records, trainer.ok(state, records)


_plain_chunk = filter_jit(_chunk, large="This training")
_loops_chunk = filter_jit(_chunk, loops=True, large="This training")
