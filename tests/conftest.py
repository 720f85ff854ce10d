"""What every test runs under: the guard against jax 0.10's hang, the compilation cache, strict ranks and float64 where asked for."""

import importlib.metadata
import os
import pathlib

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_cpu_enable_concurrency_optimized_scheduler=false"
    # jax 0.10's older way to compile loops takes two thirds of the time; later versions do not know it
    + importlib.metadata.version("jaxlib").startswith("0.10.")
    * " --xla_cpu_use_fusion_emitters=false --xla_cpu_experimental_ynn_fusion_type="  # and its YNNPACK crashes
)

import hypothesis
import jax
import pytest
import tyro  # noqa: F401  # now, since doctests leave values in `builtins._` that tyro, imported later, tries to hash

# No test depends on time or chance: no example has a deadline, and the examples are the same in every run.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

collect_ignore_glob = ["data/*"]  # scripts that make data with other libraries

jax.config.update(
    "jax_compilation_cache_dir",
    os.environ.get("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(__file__).parents[1] / ".jax_cache")),
)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def x64():
    """Float64 for one test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def quickly_compiled():
    """For modules of formulas, whose many programs run a few times each: the compiler need not do its best."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


class QuickExamples:
    """Examples in docstrings run once each: the compiler need not do its best."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """Around every test, in whatever folder."""
        if not isinstance(item, pytest.DoctestItem):
            return (yield)
        jax.config.update("jax_disable_most_optimizations", True)
        try:
            return (yield)
        finally:
            jax.config.update("jax_disable_most_optimizations", False)


def pytest_configure(config):
    """For doctests outside this folder too."""
    config.pluginmanager.register(QuickExamples())
