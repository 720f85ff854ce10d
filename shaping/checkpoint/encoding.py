"""Games and learners as JSON data and back, with arrays in a separate dictionary and classes by name."""

import dataclasses
import hashlib
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from shaping.checkpoint.classes import as_now, class_name, class_of
from shaping.checkpoint.source_code import source

LARGEST = 64
"""Arrays with more entries than this are described by their shape and a hash of their bytes."""
DRAWS = ("name", "init_std")
"""Fields of a game that do not change its values: its name, and the scale of initial parameters."""


def encoded(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A module, array, container or plain value as JSON data; arrays are put into `arrays` and named.

    Raises:
        ValueError: for anything else, such as a function.

    Example:
        >>> held = {}
        >>> encoded((1, jnp.zeros(3), "a"), held), list(held)
        ({'tuple': [1, {'array': 'array_0'}, 'a']}, ['array_0'])
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return {
            "key": encoded(jax.random.key_data(value), arrays),
            "implementation": str(jax.random.key_impl(value)),
        }
    if isinstance(value, (jax.Array, np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "biufc":
        name = f"array_{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array": name} if isinstance(value, jax.Array) else {"numpy": name}
    if (
        isinstance(value, eqx.Module | tuple)
        and _fields(type(value)) is not None
        and (name := class_name(type(value)))
    ):
        return {
            "class": name,
            "fields": {f: encoded(getattr(value, f), arrays) for f in _fields(type(value)) or ()},
        }
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return {type(value).__name__: [encoded(x, arrays) for x in value]}
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"dict": {name: encoded(x, arrays) for name, x in value.items()}}
    raise ValueError(
        f"A {type(value).__name__} cannot be kept in a checkpoint; arrays, numbers, texts, containers of them, and the laboratory's, "
        "Equinox's and optax's own classes can: give the learner a name to look a function up by instead."
    )


def decoded(data: Any, arrays: dict[str, np.ndarray], told: Callable[[str], str], cast: bool = False) -> Any:
    """The value that `encoded` turned into this data.

    Args:
        data: the JSON data.
        arrays: the arrays by name.
        told: makes an error message from a description of what is wrong.
        cast: whether float64 may become float32 where JAX runs in float32.

    Raises:
        ValueError: for data of another form, an unknown class, or fields that differ from the class's.
    """
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    match data:
        case {"array": str(name)} if name in arrays:
            return _array(arrays[name], told, cast)
        case {"numpy": str(name)} if name in arrays:
            return arrays[name]
        case {"key": inner, "implementation": str(implementation)}:
            try:
                return jax.random.wrap_key_data(decoded(inner, arrays, told), impl=implementation)
            except (TypeError, ValueError) as error:
                raise ValueError(told("holds a key that is none")) from error
        case {"class": str(name), "fields": dict(fields)}:
            return _module(name, {f: decoded(x, arrays, told, cast) for f, x in fields.items()}, told)
        case {"tuple": list(items)}:
            return tuple(decoded(x, arrays, told, cast) for x in items)
        case {"list": list(items)}:
            return [decoded(x, arrays, told, cast) for x in items]
        case {"dict": dict(items)}:
            return {name: decoded(x, arrays, told, cast) for name, x in items.items()}
    raise ValueError(told(f"holds {str(data)[:60]!r}, which this version cannot read"))


def describe(value: Any, whole: bool = False) -> Any:
    """A game, a learner or one of their fields as plain data that JSON can hold and that can be compared.

    The code of classes and functions that are not the laboratory's is part of it, as a hash, and a class's
    `revision`, counted up when its results change.

    Args:
        value: a module, an array, a container, or a plain value.
        whole: write out arrays of any size, and leave the code out; otherwise an array of more than `LARGEST`
            entries is its shape, its type and a hash of its bytes.

    Example:
        >>> from shaping import Lola
        >>> describe(Lola(lr=0.5))
        {'class': 'Lola', 'lr': 0.5, 'look_ahead': 1.0, 'variant': 'exact', 'steps': 1}
    """
    if isinstance(value, eqx.Module):
        kind = type(value)
        revision = getattr(kind, "revision", 0)
        fields = {f.name: describe(getattr(value, f.name), whole) for f in dataclasses.fields(value)}
        if whole:
            return {"class": kind.__qualname__, **fields}
        return {
            "class": kind.__name__,
            **_code(kind),
            **fields,
            **({"revision": revision} if revision else {}),
        }
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.size > LARGEST and not whole:
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest}
        return _shortest(array).tolist()
    if isinstance(value, dict):
        return {str(name): describe(x, whole) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(x, whole) for x in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    name = getattr(value, "__qualname__", None)
    if whole:
        return name or type(value).__qualname__
    if name is None:
        return repr(value)
    return {"name": name, **code} if (code := _code(value)) else name


def _code(kind: Any) -> dict[str, str]:
    """A hash of the code of a class or function that is not the laboratory's."""
    found = source(kind)
    return {} if found is None else {"source code": found}


def _shortest(array: np.ndarray) -> np.ndarray:
    """Float32 numbers as doubles with the shortest decimals: 0.1 instead of 0.10000000149."""
    if array.dtype != np.float32:
        return array
    return np.array([float(str(x)) for x in array.ravel()]).reshape(array.shape)


def comparable_description(value: Any) -> Any:
    """A game's whole description without the fields in `DRAWS`: what a stored player's game must agree with."""

    def kept(data: Any) -> Any:
        if isinstance(data, dict):
            module = "class" in data
            return {name: kept(x) for name, x in data.items() if not (module and name in DRAWS)}
        return [kept(x) for x in data] if isinstance(data, list) else data

    return kept(describe(value, whole=True))


def difference(there: Any, here: Any, path: str = "it") -> str:
    """The first difference between two descriptions, as a phrase; empty if they agree, floats to 1e-6 relative.

    Example:
        >>> difference({"discount": 0.96}, {"discount": 0.9})
        'discount is 0.96 there and 0.9 here'
    """
    if isinstance(there, dict) and isinstance(here, dict):
        for name in dict.fromkeys([*there, *here]):
            if name not in there or name not in here:
                return f"{name} is only {'there' if name in there else 'here'}"
            if found := difference(there[name], here[name], name):
                return found
        return ""
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        return (
            f"{path} is {there} there and {here} here"
            if any(difference(a, b) for a, b in zip(there, here, strict=True))
            else ""
        )
    if (isinstance(there, float) and isinstance(here, (int, float))) or (
        isinstance(here, float) and isinstance(there, int)
    ):
        same = math.isclose(there, here, rel_tol=1e-6, abs_tol=1e-9)
    else:
        same = there == here
    return "" if same else f"{path} is {there} there and {here} here"


def _fields(kind: Any) -> tuple[str, ...] | None:
    """The fields of a class of modules or named tuples, and None for another."""
    if isinstance(kind, type) and issubclass(kind, eqx.Module):
        return tuple(f.name for f in dataclasses.fields(kind))
    return getattr(kind, "_fields", None) if isinstance(kind, type) and issubclass(kind, tuple) else None


def _array(array: np.ndarray, told: Callable[[str], str], cast: bool) -> jax.Array:
    """An array in its own precision."""
    loaded = jnp.asarray(array)
    if loaded.dtype != array.dtype and not cast:
        raise ValueError(
            told(
                f"holds {array.dtype} numbers, but JAX runs in {loaded.dtype}; enable float64, or load with cast=True to round them"
            )
        )
    return loaded


def _module(name: str, fields: dict[str, Any], told: Callable[[str], str]) -> Any:
    """A module from its fields, checked as its constructor would, which is not run; or a named tuple."""
    name, fields = as_now(name, fields)
    kind = class_of(name)
    expected = _fields(kind)
    if expected is None:
        raise ValueError(
            told(f"holds a {name.rpartition(':')[2] or name!r}, which this version does not have")
        )
    if set(expected) != set(fields):
        differing = ", ".join(sorted(set(expected) ^ set(fields)))
        raise ValueError(
            told(f"holds a {kind.__name__!r} whose fields are not those of this version ({differing})")
        )
    if issubclass(kind, tuple):
        return kind(**fields)
    try:
        module = object.__new__(kind)
        for field, value in fields.items():
            object.__setattr__(module, field, value)
        for part in kind.__mro__:
            if "__check_init__" in vars(part):
                part.__check_init__(module)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            told(f"holds a {kind.__name__!r} that cannot be: {str(error).rstrip('.')}")
        ) from error
    return module
