"""Measurement of wall-clock time, and of the part of it that JAX spends on tracing and compiling."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

STAGES = ("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration", "backend_compile_duration")
"""Events of `jax.monitoring` for tracing, lowering and compiling."""


class Clock:
    """A stopwatch: seconds since its creation, and those spent on tracing, lowering and compiling."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.spans: list[tuple[float, float]] = []

    def record(self, event: str, seconds: float, **_: Any) -> None:
        """Record the time span of an event; `jax.monitoring` calls this when the event ends."""
        if event.rsplit("/", 1)[-1] in STAGES:
            now = time.perf_counter()
            self.spans.append((max(now - seconds, self.started), now))

    def read(self) -> dict[str, float]:
        """Wall-clock seconds `wall_s` and compilation seconds `compile_s`; overlapping spans count once.

        Example:
            >>> clock = Clock()
            >>> clock.spans = [(0.0, 3.0), (1.0, 2.0), (5.0, 6.0)]
            >>> clock.read()["compile_s"]
            4.0
        """
        total, end = 0.0, float("-inf")
        for start, stop in sorted(self.spans):
            total += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return {"wall_s": round(time.perf_counter() - self.started, 3), "compile_s": round(total, 3)}


@contextlib.contextmanager
def clock() -> Iterator[Clock]:
    """Measure the time of the body of a `with` statement.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> with clock() as timed:
        ...     _ = jax.jit(lambda x: x + 1)(jnp.ones(3))
        >>> 0 < timed.read()["compile_s"] < timed.read()["wall_s"]
        True
    """
    import jax.monitoring

    timed = Clock()
    listener: Any = timed.record
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        yield timed
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
