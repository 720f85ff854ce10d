"""How the package's programs are compiled: the options that a CPU needs, in one place."""

import functools
import importlib.metadata
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.core import Tracer

from games.device_memory import check_room, footprint, on_cpu

SAFE: dict[str, Any] = (
    {"xla_cpu_experimental_ynn_fusion_type": ""}
    if importlib.metadata.version("jaxlib").startswith("0.10.")
    else {}
)
"""No sums and products by YNNPACK, whose transposition ends jax 0.10.2 with a segmentation fault for some shapes."""
LOOPS: dict[str, Any] = {"xla_disable_hlo_passes": "while-loop-invariant-code-motion"}
"""For loops of learners. Moving what depends on payoffs alone out of the loop comes before equal operations are merged, and gives every
occurrence a name of its own, so that no two seats or terms share their work any more: SOS took twice the time."""

SMALLER = "choose a smaller batch, fewer seeds or lanes, fewer or shorter episodes, narrower networks or a game of shorter memory"
"""What to do where memory does not suffice."""


def options(*, loops: bool = False) -> dict[str, Any]:
    """The compiler's options on the device that computes; none on anything but a CPU."""
    return SAFE | (LOOPS if loops else {}) if on_cpu() else {}


def jit(function: Callable[..., Any] | None = None, *, loops: bool = False, **how: Any) -> Any:
    """`jax.jit` with the options above, as decorator or function.

    Options belong to whole programs: inside another compiled or differentiated function, those of the outer
    program hold.

    Args:
        function: what is compiled.
        loops: whether it is a loop of learners.
        how: keywords of `jax.jit`.

    Example:
        >>> import jax.numpy as jnp
        >>> jit(lambda x: x.sum())(jnp.ones(3)).item()
        3.0
    """
    if function is None:
        return functools.partial(jit, loops=loops, **how)
    plain, chosen = jax.jit(function, **how), SAFE | (LOOPS if loops else {})
    whole = jax.jit(function, compiler_options=chosen, **how) if chosen else plain

    def call(*args: Any, **keywords: Any) -> Any:
        if whole is plain or traced((args, keywords)) or not on_cpu():
            return plain(*args, **keywords)
        try:
            return whole(*args, **keywords)
        except ValueError as error:
            if "`compiler_options` can only be passed" not in str(error):
                raise
            return plain(*args, **keywords)  # within another program

    call.lower = whole.lower  # pyright: ignore[reportFunctionMemberAccess]
    return _with_trace(function, call, plain.trace)  # what is traced once serves both


class Constant(eqx.Module):
    """What comes out of a compiled function beside arrays."""

    value: Any = eqx.field(static=True)


def filter_jit(function: Callable[..., Any] | None = None, *, loops: bool = False, large: str = "") -> Any:
    """`equinox.filter_jit` with the options above: arrays are data, all else is structure.

    Args:
        function: what is compiled.
        loops: whether it is a loop of learners.
        large: what it computes, where that can be too large for the memory: then it is refused before it is
            compiled.

    Raises:
        ValueError: by the function, with an estimate of what it needs.

    Example:
        >>> import jax.numpy as jnp
        >>> filter_jit(lambda x, power: (x**power, "done"))(jnp.ones(3), 2)[1]
        'done'
    """
    if function is None:
        return functools.partial(filter_jit, loops=loops, large=large)

    def program(arrays: Any, constant: Any) -> Any:
        args, keywords = together(arrays, constant)
        arrays, constant = apart(function(*args, **keywords))
        return arrays, Constant(constant)

    program.__name__ = getattr(function, "__name__", "program")  # which profiles and messages show
    compiled = jit(program, loops=loops, static_argnums=1)

    def call(*args: Any, **keywords: Any) -> Any:
        if large and not traced((args, keywords)):
            check_room(large, footprint(trace(*args, **keywords).jaxpr.jaxpr), SMALLER)
        arrays, constant = compiled(*apart((args, keywords)))
        return together(arrays, constant.value)

    def trace(*args: Any, **keywords: Any) -> Any:
        return compiled.trace(*apart((args, keywords)))

    return _with_trace(function, call, trace)


def _with_trace(function: Callable[..., Any], call: Any, trace: Callable[..., Any]) -> Any:
    """The compiled function under the name of the plain one, with `trace`."""
    functools.update_wrapper(call, function)
    call.trace = trace
    return call


def traced(tree: Any) -> bool:
    """Whether this is part of another compiled or differentiated function."""
    return any(isinstance(x, Tracer) for x in jax.tree.leaves(tree))


def apart(tree: Any) -> tuple[Any, Any]:
    """The arrays of a tree, and all else of it as something that can be compared; 1 is not True."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    leaves, structure = jax.tree.flatten(rest)
    return arrays, (structure, tuple(leaves), tuple(map(type, leaves)))


def together(arrays: Any, constant: Any) -> Any:
    """Undo `apart`."""
    structure, leaves, _ = constant
    return eqx.combine(arrays, jax.tree.unflatten(structure, leaves))
