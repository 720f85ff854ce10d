"""What was asked for, as plain data: hashed into a cell's name and compared before results are added to."""

import dataclasses
import hashlib
import json
from typing import Any

import equinox as eqx
import jax
import numpy as np

from shaping.checkpoint.source_code import source

LARGEST = 64
"""Arrays with more entries than this are described by their shape and a hash of their bytes."""


def describe(value: Any) -> Any:
    """A game, a learner or one of their fields as plain data that JSON can hold; of classes of one's own, their code too.

    Example:
        >>> from shaping import Lola
        >>> describe(Lola(lr=0.5))
        {'class': 'Lola', 'lr': 0.5, 'look_ahead': 1.0, 'variant': 'exact', 'steps': 1}
    """
    if isinstance(value, eqx.Module):
        fields = {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__name__, **_code(type(value)), **fields}
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.size > LARGEST:
            return {
                "shape": list(array.shape),
                "dtype": str(array.dtype),
                "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
            }
        return _short(array).tolist()
    if isinstance(value, dict):
        return {str(name): describe(x) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(x) for x in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if (name := getattr(value, "__qualname__", None)) is None:
        return repr(value)
    return {"name": name, **code} if (code := _code(value)) else name


def _code(kind: Any) -> dict[str, str]:
    """A hash of the code of a class or function that is not the laboratory's."""
    found = source(kind)
    return {} if found is None else {"source code": found}


def _short(array: np.ndarray) -> np.ndarray:
    """A float32 number as the double that prints the same, so that 0.1 reads 0.1."""
    if array.dtype != np.float32:
        return array
    return np.array([float(str(x)) for x in array.ravel()]).reshape(array.shape)


def text(value: Any) -> str:
    """Plain data as JSON, its keys sorted: equal data gives equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of plain data.

    Example:
        >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(text(value).encode()).hexdigest()[:16]


def differences(there: Any, here: Any, path: str = "") -> list[str]:
    """Where two specifications differ, one phrase each.

    Example:
        >>> differences({"steps": 100, "seeds": 64}, {"steps": 200, "seeds": 64})
        ['steps is 100 there and 200 here']
    """
    if isinstance(there, dict) and isinstance(here, dict):
        found = []
        for name in dict.fromkeys([*there, *here]):
            where = f"{path}.{name}" if path else str(name)
            if name not in here or name not in there:
                found.append(f"{where} is only {'there' if name in there else 'here'}")
            else:
                found += differences(there[name], here[name], where)
        return found
    return [] if there == here else [f"{path} is {json.dumps(there)} there and {json.dumps(here)} here"]


def shared(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """A tournament's specification without the learners and games that another lacks, and with its seeds where those are fewer.

    Example:
        >>> shared({"seeds": 8, "games": {"a": 1, "b": 2}}, {"seeds": 4, "games": {"a": 0}})
        {'seeds': 4, 'games': {'a': 1}}
    """
    cut = dict(here)
    for part in ("learners", "games"):
        if isinstance(here.get(part), dict) and isinstance(there.get(part), dict):
            cut[part] = {name: x for name, x in here[part].items() if name in there[part]}
    if isinstance(there.get("seeds"), int) and isinstance(here.get("seeds"), int):
        cut["seeds"] = min(here["seeds"], there["seeds"])
    return cut
