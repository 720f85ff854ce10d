"""Specifications of runs as plain data: hashed to identify a cell, compared before results are reused."""

import hashlib
import json
from typing import Any

from shaping.checkpoint.encoding import describe as describe


def text(value: Any) -> str:
    """Plain data as JSON with sorted keys, so that equal data gives equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of plain data.

    Example:
        >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(text(value).encode()).hexdigest()[:16]


def differences(there: Any, here: Any, path: str = "") -> list[str]:
    """The differences between two specifications, one phrase each.

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
    """The part of a tournament's specification that another has too: common learners and games, fewer seeds.

    Example:
        >>> shared({"seeds": 8, "games": {"a": 1, "b": 2}}, {"seeds": 4, "games": {"a": 0}})
        {'seeds': 4, 'games': {'a': 1}}
    """
    cut = dict(here)
    for part in ("learners", "games", "opponents"):
        if isinstance(here.get(part), dict) and isinstance(there.get(part), dict):
            cut[part] = {name: x for name, x in here[part].items() if name in there[part]}
    if isinstance(there.get("seeds"), int) and isinstance(here.get("seeds"), int):
        cut["seeds"] = min(here["seeds"], there["seeds"])
    return cut
