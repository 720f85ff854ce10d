"""Training meta-value learning: its meta-value, by temporal differences on everybody's learning."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from games.base import Game
from games.checks import as_key, check_count, check_range, shown
from games.compiler import filter_jit
from games.sampled.catalog import as_game
from shaping.base import Learner
from shaping.catalog import as_learners
from shaping.learners.meva import Meva
from shaping.match import BEFORE
from shaping.networks.meta_value import ValueNetwork
from shaping.training.fit_meva import Fit, Progress, adam, iterations as advanced


@dataclasses.dataclass(frozen=True)
class MevaSettings:
    r"""How a meta-value is made and trained; the defaults are those of the paper's matrix games.

    Args:
        width: units of every layer.
        blocks: residual blocks before the players meet, and as many after.
        quantiles: how many.
        batch: matches side by side.
        steps: steps of a match of explorers, a multiple of `stride`.
        stride: steps of a rollout, and how far explorers go between two rollouts.
        iterations: matches of explorers; each gives `steps / stride` steps of Adam.
        lr: Adam's learning rate; its averages decay by .9 and .99.
        decay: weight decay per step, as a multiple of `lr`.
        target: how slowly the target network follows, in [0, 1].
        mixing: $\lambda$ of TD($\lambda$), in [0, 1].
        flip: how probably an explorer flips the sign of a unit of the last layer, in [0, 1].
        inner_lr: $a$, the players' step on un-normalized returns.
        discount: $\gamma$ of the learners that come out; in training it is drawn from Beta(1/2, 1/2).

    Raises:
        ValueError: for a number outside its range.

    Example:
        >>> MevaSettings(width=64, quantiles=32, batch=64, iterations=500).stride
        10

    Source:
        Cooijmans, Aghajohari & Courville 2023, "Meta-value learning", sections 4 and 5.3 and the published
        code (matrix.ipynb).
    """

    width: int = 128
    blocks: int = 1
    quantiles: int = 64
    batch: int = 128
    steps: int = 100
    stride: int = 10
    iterations: int = 1000
    lr: float = 1e-3
    decay: float = 0.01
    target: float = 0.99
    mixing: float = 0.9
    flip: float = 1 / 16
    inner_lr: float = 1.0
    discount: float = 0.95

    def __post_init__(self):
        for what in ("width", "quantiles", "batch", "steps", "stride", "iterations"):
            check_count(what, getattr(self, what))
        check_count("blocks", self.blocks, 0)
        for what in ("lr", "decay", "inner_lr"):
            check_range(what, getattr(self, what), 0.0)
        for what in ("target", "mixing", "flip", "discount"):
            check_range(what, getattr(self, what), 0.0, 1.0)
        if self.steps % self.stride:
            raise ValueError(
                f"stride is {self.stride}, which does not divide steps, {self.steps}; choose a divisor."
            )


class MevaRun(NamedTuple):
    """A run, finished or not: where it stands, and a `Fit` of numpy arrays with one entry per iteration in front."""

    progress: Progress
    curve: Fit

    @property
    def iterations(self) -> int:
        """How many iterations came before."""
        return len(self.curve.loss)


class MevaTraining(NamedTuple):
    """What came of a training: one learner per open seat, and the run."""

    learners: tuple[Meva, ...]
    run: MevaRun


def train_meva(
    game: Game,
    learners: Sequence[Learner | None],
    settings: MevaSettings | None = None,
    key: Key[Array, ""] | int = 0,
    *,
    iterations: int | None = None,
    chunk: int = 10,
    start: MevaRun | None = None,
    watch: Callable[[MevaRun], Any] | None = None,
    seed: int | None = None,
) -> MevaTraining:
    r"""Train a meta-value on everybody's learning, the seats left open following it themselves.

    Explorers, who ascend a meta-value with signs flipped in its last layer, walk away from the game's draw.
    Every `stride` steps, rollouts start where they are: with fresh discounts $\gamma_i \sim
    \mathrm{Beta}(1/2, 1/2)$ the open seats ascend $(1-\gamma) V + \gamma U$, the others learn as they do, and
    the quantiles of U are fitted to TD($\lambda$) targets of $U(\theta) = (1-\gamma)\, V(\theta') + \gamma\,
    U(\theta')$. The learners hold the target network.

    Args:
        game: the game; of two players or more.
        learners: one per seat, in order; None leaves a seat to the meta-value. All seats open is self-play.
        settings: how; by default those of the paper.
        key: a seed or a typed key; iteration t draws from `fold_in(key, t)`, so that a run in pieces is the
            run in one.
        iterations: how many in all, those of `start` included; by default those of the settings.
        chunk: iterations between two looks.
        start: a run to go on with, whose key is kept.
        watch: called with the run after every chunk.
        seed: another name of `key`.

    Returns:
        The learners and the run.

    Raises:
        ValueError: if the learners are not one per seat, no seat is open, the game has one player, or a count
            is no positive integer.

    Source:
        Cooijmans, Aghajohari & Courville 2023, "Meta-value learning: a general framework for learning with
        learning awareness".
    """
    game = as_game(game)
    learners, key = as_learners(learners, game, opens=True), as_key(key, seed)
    settings = MevaSettings() if settings is None else settings
    if not isinstance(settings, MevaSettings):
        raise ValueError(f"settings is {shown(settings)}; give MevaSettings(...).")
    iterations = settings.iterations if iterations is None else iterations
    check_count("iterations", iterations)
    check_count("chunk", chunk)
    seats = [seat for seat, learner in enumerate(learners) if learner is None]
    if not seats or game.n_players < 2:
        raise ValueError(
            f"{len(seats)} of the {game.n_players} seats of {game.name!r} are open; put None in place of those learners that are to follow "
            "the meta-value, in a game of two players or more."
        )
    run = (
        start
        if start is not None
        else begun(game, len(seats) == game.n_players and alike(game), settings, key)
    )
    numbers = {
        k: jnp.asarray(getattr(settings, k), float)
        for k in ("lr", "decay", "target", "mixing", "flip", "inner_lr")
    }
    counts = (settings.batch, settings.steps // settings.stride, settings.stride, chunk)
    while run.iterations < iterations:
        due = min(chunk, iterations - run.iterations)
        progress, fits = advanced(game, tuple(learners), run.progress, numbers, jnp.asarray(due), counts)
        fits = jax.tree.map(lambda x, due=due: np.asarray(x)[:due], fits)
        run = MevaRun(progress, jax.tree.map(lambda a, b: np.concatenate([a, b]), run.curve, fits))
        if watch is not None:
            watch(run)
    together = len(seats) == game.n_players
    network = run.progress.target
    return MevaTraining(
        tuple(Meva(network, settings.inner_lr, settings.discount, None if together else s) for s in seats),
        run,
    )


@filter_jit(large="The network")
def _drawn(*how: Any) -> ValueNetwork:
    """A new network."""
    return ValueNetwork(*how)


def begun(game: Game, shared: bool, settings: MevaSettings, key: Key[Array, ""] | int) -> MevaRun:
    """A run before its first iteration."""
    key = as_key(key)
    size = max(sum(leaf.size for leaf in jax.tree.leaves(own)) for own in jax.eval_shape(game.init, key))
    roles = None if shared else game.n_players
    network = _drawn(
        jax.random.fold_in(key, BEFORE), size, settings.width, settings.blocks, settings.quantiles, roles
    )
    moments: Any = adam().init(network)  # pyright: ignore[reportArgumentType]
    words, none = jax.random.key_data(key), np.zeros(0, np.float32)
    curve: Any = Fit(none, none, np.zeros((0, game.n_players), np.float32), np.zeros(0, bool))  # pyright: ignore[reportArgumentType]
    return MevaRun(Progress(network, network, moments, words, jnp.zeros((), jnp.uint32)), curve)


def alike(game: Game) -> bool:
    """Whether relabeling the players relabels the values, and nothing else: tried on a draw."""
    params = game.init(jax.random.key(0))
    shapes = [jax.tree.map(jnp.shape, own) for own in params]
    if any(shape != shapes[0] for shape in shapes):
        return False
    values = game.values(params, jax.random.key(1))
    n = game.n_players
    for order in ([*range(1, n), 0], [1, 0, *range(2, n)]):  # these two make every permutation
        exchanged = game.values(tuple(params[j] for j in order), jax.random.key(1))
        if not np.allclose(exchanged, values[jnp.array(order)], rtol=1e-4):
            return False
    return True
