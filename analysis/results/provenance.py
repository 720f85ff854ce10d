"""The provenance of a result: versions, device and commit."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
from typing import Any

import jax


def environment() -> dict[str, Any]:
    """Everything besides the specification that the numbers may depend on, as plain data."""
    devices = jax.devices()
    return {
        "lab": version("opponent-shaping-lab"),
        "commit": commit(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("jax", "jaxlib", "numpy", "equinox", "optax")},
        "device": devices[0].device_kind,
        "platform": devices[0].platform,
        "devices": len(devices),
        "x64": x64(),
        "matmul_precision": str(jax.config.jax_default_matmul_precision),  # pyright: ignore[reportAttributeAccessIssue]
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "command": list(sys.argv),
    }


def x64() -> bool:
    """Whether JAX computes in float64 by default."""
    return bool(jax.config.read("jax_enable_x64"))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def version(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """The git commit of the code, marked `-dirty` where files differ from it; None outside a checkout."""
    here = pathlib.Path(__file__).parents[2]
    if not (here / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
