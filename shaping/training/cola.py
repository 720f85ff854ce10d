"""Training COLA's networks on the consistency loss."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from games.agents.base import ACTIVATIONS, Mlp
from games.base import Game, Joint
from games.checks import as_key, check_count, check_counts, check_flag, check_range, shown
from games.compiler import filter_jit
from games.registry import nearest
from games.sampled.catalog import as_game
from shaping.base import Scalar
from shaping.calculus.consistency import gaps
from shaping.learners.cola import Cola, drawn
from shaping.match import lane_keys


@dataclasses.dataclass(frozen=True)
class ColaSettings:
    r"""How networks are made and trained.

    Args:
        look_ahead: $b$, the anticipated step of the others.
        bound: $I$: parameters are drawn from $U[-I, I]$.
        clamp: whether the learner clamps what its networks see to $[-I, I]$.
        hidden: sizes of the hidden layers.
        activation: `"tanh"` or `"relu"`.
        std: standard deviation of the initial weights.
        batch: parameters drawn per iteration.
        iterations: how many steps of Adam.
        lr: Adam's learning rate at first.
        decay: what the rate is multiplied by every `decay_every` iterations, in (0, 1].
        decay_every: at least 1.

    Raises:
        ValueError: for a number outside its range.
    """

    look_ahead: float = 1.0
    bound: float = 7.0
    clamp: bool = True
    hidden: tuple[int, ...] = (16, 16, 16)
    activation: str = "tanh"
    std: float = 0.1
    batch: int = 64
    iterations: int = 80_000
    lr: float = 1e-3
    decay: float = 1.0
    decay_every: int = 1

    def __post_init__(self):
        for what in ("look_ahead", "bound", "std", "lr"):
            check_range(what, getattr(self, what), 0.0)
        check_range("decay", self.decay, 0.0, 1.0)
        for what in ("batch", "iterations", "decay_every"):
            check_count(what, getattr(self, what))
        check_counts("hidden", self.hidden)
        check_flag("clamp", self.clamp)
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"Unknown activation {self.activation!r}; {nearest(self.activation, ACTIVATIONS)}."
            )


class Progress(NamedTuple):
    """What the next iteration needs, with a leading axis of seeds: the networks and Adam's moments."""

    networks: PyTree
    moments: PyTree


class Curve(NamedTuple):
    """What was seen after each chunk of iterations.

    Attributes:
        iterations: how many were done by then.
        losses: every seed's mean consistency loss over the chunk, on parameters not seen before.
    """

    iterations: Int[np.ndarray, " chunks"]
    losses: Float[np.ndarray, "chunks seeds"]


class ColaRun(NamedTuple):
    """A run, finished or not.

    Attributes:
        progress: where it stands.
        curve: what was seen, as numpy arrays.
    """

    progress: Progress
    curve: Curve

    @property
    def iterations(self) -> int:
        """How many iterations came before."""
        return int(self.curve.iterations[-1]) if len(self.curve.iterations) else 0


class ColaTraining(NamedTuple):
    """What came of a training, one lane per seed.

    Attributes:
        learners: the trained learners, one per seed, with `lr=1`.
        run: the losses, and what another call goes on from.
    """

    learners: tuple[Cola, ...]
    run: ColaRun

    @property
    def losses(self) -> Float[np.ndarray, "seeds chunks"]:
        """The mean consistency loss of every seed over each chunk."""
        return self.run.curve.losses.T

    @property
    def ok(self) -> Bool[np.ndarray, " seeds"]:
        """Which seeds stayed finite."""
        leaves = [np.asarray(x) for x in jax.tree.leaves(self.run.progress)]
        return np.all([np.isfinite(x).reshape(len(x), -1).all(1) for x in leaves], axis=0)

    @property
    def best(self) -> Cola:
        """The learner of the seed with the lowest loss in the last chunk.

        Raises:
            ValueError: where every seed diverged.
        """
        if not self.ok.any():
            raise ValueError(f"All {len(self.ok)} seeds diverged; train with a smaller lr or look_ahead.")
        return self.learners[int(np.argmin(np.where(self.ok, self.losses[:, -1], np.inf)))]


def train(
    game: Game,
    settings: ColaSettings | None = None,
    key: Key[Array, ""] | int = 0,
    *,
    seeds: int = 1,
    chunks: int = 100,
    start: ColaRun | None = None,
    watch: Callable[[ColaRun], Any] | None = None,
    seed: int | None = None,
) -> ColaTraining:
    r"""Train networks on the consistency loss $E_\theta \sum_i |d_i(\theta) - \nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))|^2$.

    Adam on fresh $\theta \sim U[-I, I]$ at every iteration; all seeds side by side in one compiled loop.

    Args:
        game: the game.
        settings: how; those of the paper are in `shaping.training.presets`.
        key: a seed or a typed key; lane s uses its own stream of it, whatever the number of lanes.
        seeds: how many independent trainings; the paper's does not always succeed.
        chunks: how many losses to record.
        start: a run to go on with, which had the same settings and key; the end is the same as in one run.
        watch: called with the run after every chunk.
        seed: another name of `key`.

    Returns:
        The training; `best` is a learner for tournaments.

    Raises:
        ValueError: for counts that are no positive integers.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", section 4.3.

    Example:
        >>> from games import hamiltonian
        >>> small = ColaSettings(bound=1.0, hidden=(4,), batch=4, iterations=20, lr=0.01)
        >>> train(hamiltonian(), small, chunks=2).losses.shape
        (1, 2)
    """
    game, key = as_game(game), as_key(key, seed)
    settings = ColaSettings() if settings is None else settings
    if not isinstance(settings, ColaSettings):
        raise ValueError(f"settings is {shown(settings)}; give ColaSettings(...).")
    check_count("seeds", seeds)
    check_count("chunks", chunks)
    keys = lane_keys(key, "parameters", seeds)
    numbers = {
        k: jnp.asarray(getattr(settings, k), float)
        for k in ("look_ahead", "bound", "lr", "decay", "decay_every")
    }
    ends = np.linspace(0, settings.iterations, min(chunks, settings.iterations) + 1).round().astype(int)
    run = start or begun(game, settings, key, seeds)
    for end in ends[ends > run.iterations]:
        (networks, moments), (iterations, losses) = run
        begin = jnp.asarray(run.iterations)
        networks, moments, loss = _chunk(
            game, networks, moments, keys, numbers, begin, jnp.asarray(end), settings.batch
        )
        run = ColaRun(
            Progress(networks, moments),
            Curve(np.append(iterations, end), np.concatenate([losses, np.asarray(loss)[None]])),
        )
        if watch is not None:
            watch(run)
    bound = settings.bound if settings.clamp else float("inf")
    learners = tuple(
        Cola(jax.tree.map(lambda x, s=s: x[s], run.progress.networks), bound=bound) for s in range(seeds)
    )
    return ColaTraining(learners, run)


def begun(game: Game, settings: ColaSettings, key: Key[Array, ""] | int, seeds: int) -> ColaRun:
    """A run before its first iteration."""
    make = functools.partial(
        drawn, game, hidden=settings.hidden, activation=settings.activation, std=settings.std
    )
    networks = jax.vmap(make)(lane_keys(key, "networks", seeds))
    moments = jax.vmap(lambda n: optax.scale_by_adam().init(n))(networks)
    return ColaRun(
        Progress(networks, moments),
        Curve(np.zeros(0, int), np.zeros((0, seeds), jax.dtypes.canonicalize_dtype(float))),
    )


def mean_loss(game: Game, networks: tuple[Mlp, ...], batch: Joint, look_ahead: Scalar) -> Float[Array, ""]:
    """The networks' consistency loss, its mean over a batch of everybody's parameters."""
    learner = Cola(networks)

    def loss(params: Joint) -> Float[Array, ""]:
        gap = gaps(
            game, lambda p, seat: learner.direction(networks[seat], p, seat), game.split(params), look_ahead
        )
        return jnp.asarray(optax.tree.norm(gap, squared=True))

    return jax.vmap(loss)(batch).mean()


def sampled(game: Game, key: Key[Array, ""], bound: Scalar, batch: int) -> Joint:
    r"""A batch of everybody's parameters from $U[-I, I]$."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(game.init, key))
    keys = (jax.random.fold_in(key, k) for k in range(len(leaves)))
    drawn = [
        jax.random.uniform(k, (batch, *x.shape), x.dtype, -bound, bound)
        for k, x in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, drawn)


@filter_jit(large="This training")
def _chunk(
    game: Game, networks: PyTree, moments: PyTree, keys, numbers: dict[str, Any], begin, end, batch: int
):
    """Iterations `begin` to `end` of every seed: the networks, Adam's moments and the mean loss."""
    adam = optax.scale_by_adam()

    def lane(networks, moments, key):
        def iterate(t, carry):
            networks, moments, total = carry
            params = sampled(game, jax.random.fold_in(key, t), numbers["bound"], batch)
            loss, slope = jax.value_and_grad(lambda n: mean_loss(game, n, params, numbers["look_ahead"]))(
                networks
            )
            step, moments = adam.update(slope, moments)
            rate = numbers["lr"] * numbers["decay"] ** (t // numbers["decay_every"])
            return optax.tree.add_scale(networks, -rate, step), moments, total + loss

        networks, moments, total = jax.lax.fori_loop(begin, end, iterate, (networks, moments, jnp.zeros(())))
        return networks, moments, total / (end - begin)

    return jax.vmap(lane)(networks, moments, keys)
