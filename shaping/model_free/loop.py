"""One driving loop for all optimizers of policies."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree, UInt32

from games.base import Environment
from games.checks import as_key, check_count, shown
from games.compiler import filter_jit
from games.registry import nearest
from shaping.model_free.base import Method, Report
from shaping.model_free.es import Es
from shaping.model_free.ga import Ga
from shaping.model_free.ppo import Ppo

METHODS: dict[str, type[Method]] = {"ppo": Ppo, "es": Es, "ga": Ga}
"""The optimizers by name."""


class Progress(NamedTuple):
    """What the next iteration needs: policies and optimizer state, the words of the run's key, and how many iterations came before.

    All arrays, so that it can be kept on disk as it is.
    """

    policies: PyTree
    state: PyTree
    key: UInt32[Array, " words"]
    iteration: Int[Array, ""]


class Trained(NamedTuple):
    """A run, finished or not.

    Attributes:
        progress: where it stands; another call of `train` goes on from here.
        curve: a `Report` of numpy arrays, with one entry per iteration in front.
    """

    progress: Progress
    curve: Report

    @property
    def iterations(self) -> int:
        """How many iterations came before."""
        return len(self.curve.failed)

    def policy(self, player: int = 0) -> Any:
        """One player's policy."""
        return jax.tree.map(lambda p: p[player], self.progress.policies)


def train(
    env: Environment,
    start: Callable[[Key[Array, ""]], Any] | Trained,
    method: Method | str = "ppo",
    key: Key[Array, ""] | int = 0,
    *,
    iterations: int = 100,
    chunk: int = 10,
    watch: Callable[[Trained], Any] | None = None,
    seed: int | None = None,
) -> Trained:
    """Train one policy per player of an environment.

    Iterations run in compiled chunks; between them `watch` is handed the run as it stands, to show it or to
    keep it. Iteration t draws from `fold_in(key, t)`, so that a run in pieces is the run in one.

    Args:
        env: the environment.
        start: what draws a policy from a key, such as `gaussian(10, 5)`; or a run to go on with, whose key is
            kept.
        method: `Ppo(...)`, `Es(...)` or `Ga(...)`; or `"ppo"`, `"es"` or `"ga"` with the default settings.
        key: a seed or a typed key.
        iterations: how many in all, those of `start` included.
        chunk: how many between two looks.
        watch: called after every chunk.
        seed: another name of `key`.

    Returns:
        The run. An update that is not finite is not made; `curve.ok` says where.

    Raises:
        ValueError: for an unknown method, or a count that is no positive integer.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 4, for PPO and the genetic algorithm on one
        meta-game.
    """
    key = as_key(key, seed)
    check_count("iterations", iterations)
    check_count("chunk", chunk)
    if isinstance(method, str):
        if method not in METHODS:
            raise ValueError(f"Unknown method {method!r}; {nearest(method, METHODS)}.")
        method = METHODS[method]()
    if not isinstance(env, Environment) or not isinstance(method, Method):
        raise ValueError(
            f"A training takes an environment and a method, such as MetaGame(...) and Ppo(), not {shown(env)} and {shown(method)}."
        )
    run = start if isinstance(start, Trained) else begun(env, start, method, key)
    while run.iterations < iterations:
        due = min(chunk, iterations - run.iterations)
        progress, reports = _advance(env, method, run.progress, jnp.asarray(due), chunk)
        reports = jax.tree.map(lambda x, due=due: np.asarray(x)[:due], reports)
        run = Trained(progress, jax.tree.map(lambda a, b: np.concatenate([a, b]), run.curve, reports))
        if watch is not None:
            watch(run)
    return run


def begun(
    env: Environment, start: Callable[[Key[Array, ""]], Any], method: Method, key: Key[Array, ""] | int
) -> Trained:
    """A run before its first iteration."""
    key = as_key(key)
    policies = jax.vmap(start)(jax.random.split(jax.random.fold_in(key, 2**32 - 1), env.n_players))
    means: Float[np.ndarray, "0 player"] = np.zeros((0, env.n_players), np.float32)
    curve = Report(means, means, np.zeros(0, np.float32), np.zeros((0, env.n_players), bool))  # pyright: ignore[reportArgumentType]
    return Trained(
        Progress(policies, method.init(policies), jax.random.key_data(key), jnp.zeros((), jnp.uint32)), curve
    )


@filter_jit(large="This training")
def _advance(
    env: Environment, method: Method, progress: Progress, due: Int[Array, ""], chunk: int
) -> tuple[Progress, Report]:
    """`due` iterations, at most `chunk`; the program is the same for any number of them."""
    run = jax.random.wrap_key_data(progress.key)

    def iterate(n, carry):
        progress, reports = carry
        key = jax.random.fold_in(run, progress.iteration)
        policies, state, report = method.step(env, progress.policies, progress.state, key)
        reports = jax.tree.map(lambda buffer, x: buffer.at[n].set(x), reports, report)
        return Progress(policies, state, progress.key, progress.iteration + 1), reports

    shapes = jax.eval_shape(lambda p: method.step(env, p.policies, p.state, run)[2], progress)
    empty = jax.tree.map(lambda s: jnp.zeros((chunk, *s.shape), s.dtype), shapes)
    return jax.lax.fori_loop(0, due, iterate, (progress, empty))
