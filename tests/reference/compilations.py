"""Count what jax traces and compiles."""

import contextlib

import jax

_listening: list[list[str]] = []


def _heard(event: str, *_: object, **__: object) -> None:
    if event.startswith("/jax/core/compile"):
        for events in _listening:
            events.append(event)


jax.monitoring.register_event_duration_secs_listener(_heard)


@contextlib.contextmanager
def compilations():
    """The tracing and compiling events inside the block."""
    events: list[str] = []
    _listening.append(events)
    try:
        yield events
    finally:
        _listening.remove(events)
