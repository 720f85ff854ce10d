"""`shaping doctor`: checks of the machine, the versions and the folders."""

import contextlib
import dataclasses
import importlib.metadata
import json as json_
import os
import pathlib
import platform
import sys

from analysis.cli.runner import GUARD, YNNPACK


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one check: what was found, and a remedy if something is wrong."""

    what: str
    found: str
    remedy: str = ""


@dataclasses.dataclass(frozen=True)
class Doctor:
    """Check device, versions and folders, print remedies, and exit with 1 if something is wrong."""

    json: bool = False
    """Print one JSON object."""

    def run(self) -> int:
        """Run and print all checks; 1 if one of them failed."""
        findings = [*versions(), *devices(), hang(), crash(), cache(), *working_folder()]
        failed = [f for f in findings if f.remedy]
        if self.json:
            print(
                json_.dumps(
                    {"well": not failed, "findings": [dataclasses.asdict(f) for f in findings]}, indent=1
                )
            )
            return int(bool(failed))
        from analysis.cli.screen import TextTable, stdout

        console = stdout()
        console.print(
            TextTable(
                ["", "what", "found"], [["wrong" if f.remedy else "ok", f.what, f.found] for f in findings]
            )
        )
        for f in failed:
            console.print(f"{f.what}: {f.remedy}", soft_wrap=True)
        console.print("All is well." if not failed else f"{len(failed)} check(s) failed.")
        return int(bool(failed))


def versions() -> list[Finding]:
    """Versions of Python and of the libraries."""
    found = [
        Finding(
            "python",
            platform.python_version(),
            "" if sys.version_info >= (3, 11) else "install Python 3.11 or later.",
        )
    ]
    installed: dict[str, str] = {}
    for name in (
        "opponent-shaping-lab",
        "jax",
        "jaxlib",
        "equinox",
        "optax",
        "numpy",
        "scipy",
        "pandas",
        "pyarrow",
        "matplotlib",
    ):
        try:
            installed[name] = importlib.metadata.version(name)
            found.append(Finding(name, installed[name]))
        except importlib.metadata.PackageNotFoundError:
            found.append(Finding(name, "not installed", f"pip install {name}"))
    series = {name: ".".join(installed.get(name, "").split(".")[:2]) for name in ("jax", "jaxlib")}
    if series["jax"] != series["jaxlib"]:
        found.append(
            Finding(
                "jax and jaxlib",
                "of different series",
                f"pip install --upgrade jax=={installed.get('jax')} jaxlib=={installed.get('jax')}",
            )
        )
    return found


def devices() -> list[Finding]:
    """The devices that jax uses; an NVIDIA card that jax does not use is a failure."""
    try:
        import jax

        seen = jax.devices()
    except (ImportError, RuntimeError) as error:
        return [
            Finding(
                "device", " ".join(str(error).split()), "pip install --upgrade --force-reinstall jax jaxlib"
            )
        ]
    found = [
        Finding("device", f"{len(seen)} x {seen[0].device_kind} ({seen[0].platform})"),
        Finding("float64", "on" if jax.config.read("jax_enable_x64") else "off"),
    ]
    if (
        seen[0].platform == "cpu"
        and pathlib.Path("/proc/driver/nvidia/version").exists()
        and os.environ.get("JAX_PLATFORMS", "") != "cpu"
    ):
        remedy = "pip install 'opponent-shaping-lab[cuda]', or set JAX_PLATFORMS=cpu to mean it."
        found.append(Finding("NVIDIA driver", "present, but jax computes on the CPU", remedy))
    return found


def hang() -> Finding:
    """Whether the flag against jax 0.10's hang is set."""
    if not importlib.metadata.version("jaxlib").startswith("0.10."):
        return Finding("jax 0.10's hang", "not this version")
    rest = (
        "this package's own programs hold no batched linear solve; programs of your own that vmap jnp.linalg.solve or inv over "
        "thousands of matrices can hang with the flag too: there use jax 0.11 or later, with Python 3.12"
    )
    if setting(GUARD) in ("false", "0"):
        return Finding("jax 0.10's hang", f"{GUARD}=false is set, which helps some programs; {rest}")
    return Finding(
        "jax 0.10's hang",
        "no flag",
        f"set XLA_FLAGS={GUARD}=false before jax is imported, which helps some programs; {rest}.",
    )


def crash() -> Finding:
    """Whether the flag against jax 0.10's crash is set."""
    if not importlib.metadata.version("jaxlib").startswith("0.10."):
        return Finding("jax 0.10's crash", "not this version")
    if setting(YNNPACK) == "":
        return Finding(
            "jax 0.10's crash",
            f"guarded here; in notebooks and scripts set XLA_FLAGS={YNNPACK}= before importing jax",
        )
    remedy = (
        f"jax 0.10.2 can end with a segmentation fault on the CPU; play, tournaments, trainings and solvers are compiled without what "
        f"does it, programs of your own, such as jax.jit around play, are not: set XLA_FLAGS={YNNPACK}= before jax is imported."
    )
    return Finding("jax 0.10's crash", "not guarded", remedy)


def setting(flag: str) -> str | None:
    """The last value of a flag in XLA_FLAGS; None if it is not set."""
    words = os.environ.get("XLA_FLAGS", "").split()
    return next((word.partition("=")[2] for word in reversed(words) if word.partition("=")[0] == flag), None)


def working_folder() -> list[Finding]:
    """Files and folders of the working folder that hide the laboratory's packages by their names."""
    from games import name_clashes as siblings

    root = pathlib.Path(siblings.__file__).resolve().parents[1]
    here = [
        pathlib.Path(place).resolve()
        for name in siblings.PACKAGES
        for place in (f"{name}.py", name)
        if pathlib.Path(place).exists()
    ]
    remedy = "rename it, or start Python in another folder: it has the name of one of the laboratory's packages and hides it."
    return [Finding("working folder", str(place), remedy) for place in here if root not in place.parents]


def cache() -> Finding:
    """The folder of compiled programs."""
    named = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if named is None:
        return Finding(
            "compilation cache",
            "none",
            "make ~/.cache writable, or set JAX_COMPILATION_CACHE_DIR to a folder that is.",
        )
    folder = pathlib.Path(named)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        return Finding(
            "compilation cache",
            f"{folder} cannot be written",
            "set JAX_COMPILATION_CACHE_DIR to a folder that can be.",
        )
    size = sum(file.stat().st_size for file in folder.glob("*"))
    return Finding("compilation cache", f"{folder}, {size / 1e6:.0f} MB")
