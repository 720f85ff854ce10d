"""Training model-free opponent shaping against learners."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaxtyping import Array, Key

from games.base import Game
from games.checks import as_key, check_count, check_range, shown
from games.sampled.catalog import as_game
from shaping.base import Learner
from shaping.catalog import as_learners
from shaping.learners.mfos import Mfos
from shaping.learners.naive import Naive
from shaping.meta.game import MetaGame
from shaping.model_free import Annealed, Apart, Method, Ppo, Trained, gaussian, train


class MfosTraining(NamedTuple):
    """What came of a training.

    Attributes:
        learners: one per open seat.
        run: curves, and what another call goes on from.
    """

    learners: tuple[Mfos, ...]
    run: Trained


def train_mfos(
    game: Game,
    learners: Sequence[Learner | None],
    method: Method | None = None,
    key: Key[Array, ""] | int = 0,
    *,
    steps: int = 100,
    iterations: int = 1024,
    width: int = 256,
    centered: bool = False,
    anneal: float | None = 0.0015,
    chunk: int = 10,
    start: Trained | None = None,
    watch: Callable[[Trained], Any] | None = None,
    seed: int | None = None,
) -> MfosTraining:
    """Train one policy per open seat on the meta-game against the learners in the others.

    With several open seats the policies learn with each other, but at first mostly against naive learners: in
    iteration t, with probability max(0, 1 - `anneal` t), every policy plays a match of its own in which the
    other open seats are naive. One coin decides for all. On the iterated prisoner's dilemma they then come to
    cooperate; from the start together, to defect.

    Args:
        game: the game.
        learners: one per seat, in order; None leaves a seat to a policy.
        method: `Ppo(...)`, `Es(...)` or `Ga(...)`, whose `length` must be `steps`; by default PPO, with the
            published step size for one open seat (.002) or several (.0002).
        key: a seed or a typed key.
        steps: meta-steps of an episode.
        iterations: how many in all, those of `start` included.
        width: hidden units of actor and critic.
        centered: whether they see probabilities o as 2o - 1, in place of the published o; see `Gaussian`.
        anneal: by how much the probability of naive opponents falls per iteration, in [0, 1]; None for none
            from the start. With one open seat it has no meaning.
        chunk: iterations between two looks.
        start: a run to go on with.
        watch: called with the run after every chunk.
        seed: another name of `key`.

    Returns:
        The learners, which act as the method does in training, and the run; `run.curve.per_step` is the mean
        over the meta-steps.

    Raises:
        ValueError: for a length other than `steps`; also as `MetaGame` and `train`.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 3; for several open seats section 4 and the
        published code, which trains both agents against naive learners in the same seat, while here each
        keeps its own.

    Example:
        >>> from games import matching_pennies
        >>> from shaping import Naive
        >>> small = Ppo(episodes=4, length=2)
        >>> training = train_mfos(matching_pennies(), [None, Naive()], small, steps=2, iterations=2, width=4, chunk=2)
        >>> training.learners[0].label, training.run.curve.per_step.shape
        ('mfos', (2, 1))
    """
    game = as_game(game)
    learners, key = as_learners(learners, game, opens=True), as_key(key, seed)
    check_count("iterations", iterations)
    check_range("anneal", 0.0 if anneal is None else anneal, 0.0, 1.0)
    if method is not None and not isinstance(method, Method):
        raise ValueError(
            f"method is {shown(method)}; it must be one that is made, such as Ppo(length={steps})."
        )
    several = list(learners).count(None) > 1
    method = Ppo(lr=0.0002 if several else 0.002, length=steps) if method is None else method
    if method.length != steps:
        raise ValueError(
            f"The method plays {method.length} steps of a meta-game of {steps}; give it length={steps}."
        )
    meta = MetaGame(game, learners, steps=steps)
    begin = gaussian(meta.observation_shape[0], meta.action_shape[0], width, centered=centered)
    how = method if anneal is None or not several else Annealed(method, Apart(alone(meta)), anneal)
    run = train(meta, start or begin, how, key, iterations=iterations, chunk=chunk, watch=watch)
    acts = getattr(method, "acts", "sample")
    return MfosTraining(tuple(Mfos(run.policy(k), acts) for k in range(meta.n_players)), run)


def alone(meta: MetaGame) -> tuple[MetaGame, ...]:
    """For every open seat the same meta-game with naive learners in the other open ones."""

    def seated(seat: int) -> MetaGame:
        learners = [
            Naive() if learner is None and j != seat else learner for j, learner in enumerate(meta.learners)
        ]
        return MetaGame(meta.game, learners, meta.steps, meta.warm_up)

    return tuple(seated(seat) for seat in meta.open)
