"""Compilation of the package's programs with the compiler options that a CPU needs."""

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
"""Options for every program: no YNNPACK, which crashes jaxlib 0.10.2 for some shapes."""
LOOPS: dict[str, Any] = {"xla_disable_hlo_passes": "while-loop-invariant-code-motion"}
"""Options for loops over learning steps: no loop-invariant code motion.

It would run before equal operations are merged, and keep the equal terms of the two seats from being computed
only once; with it SOS took twice the time."""

SMALLER = "choose a smaller batch, fewer seeds or lanes, fewer or shorter episodes, narrower networks or a game of shorter memory"
"""The remedy in the error message about too little memory."""


def options(*, loops: bool = False) -> dict[str, Any]:
    """The compiler options for the current device: none unless it is a CPU."""
    return SAFE | (LOOPS if loops else {}) if on_cpu() else {}


def jit(function: Callable[..., Any] | None = None, *, loops: bool = False, **how: Any) -> Any:
    """`jax.jit` with the options above, as a decorator or a function.

    Inside another compiled or differentiated function the options are ignored: they belong to whole programs.

    Args:
        function: the function to compile.
        loops: whether it is a loop over learning steps.
        how: keyword arguments of `jax.jit`.

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
            return plain(*args, **keywords)  # called inside another program

    call.lower = whole.lower  # pyright: ignore[reportFunctionMemberAccess]
    return _with_trace(function, call, plain.trace)  # one trace serves both


class Constant(eqx.Module):
    """Outputs of a compiled function that are not arrays."""

    value: Any = eqx.field(static=True)


def filter_jit(function: Callable[..., Any] | None = None, *, loops: bool = False, large: str = "") -> Any:
    """`equinox.filter_jit` with the options above: arrays are traced, everything else is static.

    Args:
        function: the function to compile.
        loops: whether it is a loop over learning steps.
        large: a name of the computation for error messages. If given, every call first estimates the memory
            it needs and is refused if too little is free.

    Raises:
        ValueError: on a call, with the estimate, if too little memory is free.

    Example:
        >>> import jax.numpy as jnp
        >>> filter_jit(lambda x, power: (x**power, "done"))(jnp.ones(3), 2)[1]
        'done'
    """
    if function is None:
        return functools.partial(filter_jit, loops=loops, large=large)

    def program(arrays: Any, constant: Any) -> Any:
        args, keywords = join_arrays(arrays, constant)
        arrays, constant = split_arrays(function(*args, **keywords))
        return arrays, Constant(constant)

    program.__name__ = getattr(function, "__name__", "program")  # which profiles and messages show
    compiled = jit(program, loops=loops, static_argnums=1)

    def call(*args: Any, **keywords: Any) -> Any:
        if large and not traced((args, keywords)):
            check_room(large, footprint(trace(*args, **keywords).jaxpr.jaxpr), SMALLER)
        arrays, constant = compiled(*split_arrays((args, keywords)))
        return join_arrays(arrays, constant.value)

    def trace(*args: Any, **keywords: Any) -> Any:
        return compiled.trace(*split_arrays((args, keywords)))

    return _with_trace(function, call, trace)


def _with_trace(function: Callable[..., Any], call: Any, trace: Callable[..., Any]) -> Any:
    """The compiled function with the name and docstring of the original one and a method `trace`."""
    functools.update_wrapper(call, function)
    call.trace = trace
    return call


def traced(tree: Any) -> bool:
    """Whether a tree holds tracers: its function is then part of another compiled or differentiated one."""
    return any(isinstance(x, Tracer) for x in jax.tree.leaves(tree))


def split_arrays(tree: Any) -> tuple[Any, Any]:
    """The arrays of a tree, and the rest of it in a hashable form in which 1 and True differ."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    leaves, structure = jax.tree.flatten(rest)
    return arrays, (structure, tuple(leaves), tuple(map(type, leaves)))


def join_arrays(arrays: Any, constant: Any) -> Any:
    """The inverse of `split_arrays`."""
    structure, leaves, _ = constant
    return eqx.combine(arrays, jax.tree.unflatten(structure, leaves))
