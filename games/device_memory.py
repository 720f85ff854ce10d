"""Estimates of the memory of a computation, so that one that is too large is refused by a message."""

import pathlib
import weakref
from typing import Any

import jax

SHARE = 0.6
"""The share of the free memory that a program may need by its estimate, which is up to a third too small."""
SMALL = 1e8
"""Smaller needs, in bytes, are not checked."""


def on_cpu() -> bool:
    """Whether JAX computes on a CPU."""
    device = jax.config.jax_default_device or jax.default_backend()  # pyright: ignore[reportAttributeAccessIssue]
    return getattr(device, "platform", device) == "cpu"


def free_memory() -> int | None:
    """Free bytes of the device that JAX computes on; None if unknown.

    On a CPU this is `host_memory`, on another device what the device reports.
    """
    if not on_cpu():
        device = jax.config.jax_default_device or jax.devices()[0]  # pyright: ignore[reportAttributeAccessIssue]
        stats = getattr(device, "memory_stats", dict)() or {}
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0) if "bytes_limit" in stats else None
    return host_memory()


def host_memory() -> int | None:
    """Free bytes of this machine, as Linux reports them, within the limits of control groups."""
    found = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found.append(1024 * int(line.split()[1]))
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        numbers = [line.strip() for path in (limit, used) for line in _lines(path)]
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            found.append(max(0, int(numbers[0]) - int(numbers[1])))
    return min(found, default=None)


def lacking(needed: float, *, on_host: bool = False) -> int | None:
    """The number of free bytes if it is too small for `needed` bytes; None if it suffices or is unknown."""
    if needed <= SMALL:
        return None
    free = host_memory() if on_host else free_memory()
    return free if free is not None and needed > SHARE * free else None


def check_room(what: str, needed: float, remedy: str, *, on_host: bool = False) -> None:
    """Check that a computation fits into memory.

    Args:
        what: the computation, as the subject of the error message.
        needed: bytes that it needs.
        remedy: what the user can do instead.
        on_host: whether the memory of this machine counts even if JAX computes on another device.

    Raises:
        ValueError: with the estimate and the remedy.

    Example:
        >>> check_room("A table of 8 numbers", 64, "give fewer")
    """
    free = lacking(needed, on_host=on_host)
    if free is not None:
        raise ValueError(
            f"{what} needs about {gigabytes(needed)} of memory where {gigabytes(free)} are free; {remedy}."
        )


def gigabytes(size: float) -> str:
    """A number of bytes as text, in GB.

    Example:
        >>> gigabytes(91.4e9), gigabytes(1.5e8)
        ('91 GB', '0.15 GB')
    """
    return f"{size / 1e9:,.0f} GB" if size >= 1e10 else f"{size / 1e9:.2g} GB"


def _lines(path: str) -> list[str]:
    """The lines of a file; none if it cannot be read."""
    try:
        return pathlib.Path(path).read_text().splitlines()
    except OSError:
        return []


def footprint(jaxpr: Any) -> int:
    """Estimate the peak memory of a program in bytes, without its inputs, from the shapes of its arrays.

    The peak is the largest total size of the arrays that are still needed by a later equation. It was 0.7 to
    1.15 times what XLA allocated on a CPU, over exact and sampled games.

    Example:
        >>> import jax.numpy as jnp
        >>> traced = jax.make_jaxpr(lambda x: jnp.outer(x, x).sum())(jnp.ones(1000, jnp.float32))
        >>> footprint(traced.jaxpr) >= 4 * 1000**2
        True
    """
    if jaxpr in _footprints:
        return _footprints[jaxpr]
    last = {id(v): k for k, equation in enumerate(jaxpr.eqns) for v in equation.invars}
    last |= {id(v): len(jaxpr.eqns) for v in jaxpr.outvars}
    kept, live, most = {}, 0, 0
    for k, equation in enumerate(jaxpr.eqns):
        inner = max(map(footprint, _inner_programs(equation.params)), default=0)
        new = {id(v): _bytes(v.aval) for v in equation.outvars if id(v) in last}
        live += sum(new.values())
        most = max(most, live + inner)
        kept |= new
        live -= sum(kept.pop(v) for v in {id(v) for v in equation.invars} if last[v] == k and v in kept)
    _footprints[jaxpr] = most
    return most


_footprints: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def _inner_programs(params: Any) -> list[Any]:
    """The inner programs (jaxprs) of an equation, such as the body of a loop."""
    found = [x for value in params.values() for x in (value if isinstance(value, tuple | list) else (value,))]
    return [jaxpr for x in found if hasattr(jaxpr := getattr(x, "jaxpr", x), "eqns")]


def size_of(tree: Any) -> int:
    """Total size in bytes of the arrays of a tree, or of the placeholders for arrays."""
    return sum(map(_bytes, jax.tree.leaves(tree)))


def _bytes(aval: Any) -> int:
    """The size of an array in bytes."""
    return getattr(aval, "size", 0) * getattr(getattr(aval, "dtype", None), "itemsize", 0)
