"""Training of model-free opponent shaping against learners."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
from jaxtyping import Array, Key

from games.base import Game
from games.checks import check_flag, check_range, floating, shown
from games.registry import nearest
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, Scalar, count
from shaping.learners.mfos import Mfos
from shaping.learners.naive import Naive
from shaping.meta.game import MetaGame
from shaping.model_free import METHODS, Annealed, Apart, Method, Ppo, Report, gaussian
from shaping.training.policies import PolicyState, PolicyTrainer
from shaping.training.trainer import Trainer, check_names


class MfosTrainer(Trainer):
    r"""Train one policy per open seat on the meta-game against the learners in the other seats.

    With several open seats the policies learn with each other, but at first mostly against naive learners: in
    iteration t = 1, 2, ..., with probability $\max(0, 1 - r t)$, every policy plays a match of its own in
    which the other open seats are naive. One coin decides for all. On the iterated prisoner's dilemma they
    then come to cooperate; trained with each other from the start, to defect.

    Args:
        game: the game.
        seats: one learner per seat, in order; None leaves a seat to a policy.
        method: `Ppo(...)`, `Es(...)` or `Ga(...)`, whose `length` must be `steps`; by default PPO, with the
            published step size for one open seat (.002) or several (.0002).
        steps: meta-steps of an episode.
        width: hidden units of actor and critic.
        centered: whether they see probabilities o as 2o - 1, in place of the published o; see `Gaussian`.
        anneal: r, in [0, 1]: by how much the probability of naive opponents falls per iteration; None for no
            naive opponents. With one open seat it has no meaning.

    Raises:
        ValueError: for a length other than `steps`; also as `MetaGame`.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 3; for several open seats section 4 and the
        published code, which trains both agents against naive learners in the same seat, while here each
        keeps its own.

    Example:
        >>> from games import matching_pennies
        >>> from shaping.training import run
        >>> small = MfosTrainer(matching_pennies(), [None, "naive"], Ppo(episodes=4, length=2), steps=2, width=4)
        >>> trained = run(small, iterations=2)
        >>> trained.learners[0].label, trained.record.per_step.shape
        ('mfos', (2, 1))
    """

    game: Game
    seats: Sequence[Any]
    method: Any = None
    steps: int = count(100)
    width: int = count(256)
    centered: bool = eqx.field(static=True, default=False)
    anneal: Scalar | None = eqx.field(converter=floating, default=0.0015)

    def __post_init__(self):
        self.game = as_game(self.game)
        self.seats = as_learners(self.seats, self.game, opens=True)
        if self.method is None:
            self.method = Ppo(lr=0.0002 if self.seats.count(None) > 1 else 0.002, length=self.steps)

    def __check_init__(self):
        check_flag("centered", self.centered)
        check_range("anneal", 0.0 if self.anneal is None else self.anneal, 0.0, 1.0)
        if not isinstance(self.method, Method):
            raise ValueError(
                f"method is {shown(self.method)}; it must be one that is made, such as Ppo(length={self.steps})."
            )
        if self.method.length != self.steps:
            raise ValueError(
                f"The method plays {self.method.length} steps of a meta-game of {self.steps}; give it length={self.steps}."
            )
        MetaGame(self.game, self.seats, self.steps)  # refuses seats that are all taken, or of different sizes

    @classmethod
    def with_settings(
        cls, game: Game, seats: Sequence[Learner | None], method: str = "ppo", **settings: Any
    ) -> "MfosTrainer":
        """A trainer from flat settings, of the training and of the optimizer `method`.

        Raises:
            ValueError: for an unknown method or setting.

        Example:
            >>> from games import ipd
            >>> MfosTrainer.with_settings(ipd(), [None, "naive"], "es", steps=5, pairs=3).method.length
            5
        """
        if method not in METHODS:
            raise ValueError(f"Unknown method {method!r} of M-FOS; {nearest(method, METHODS)}.")
        fields = {f.name for f in dataclasses.fields(cls)} - {"game", "seats", "method"}
        accepted = fields | {f.name for f in dataclasses.fields(METHODS[method])} - {"length"}
        check_names("mfos", settings, accepted)
        own = {name: value for name, value in settings.items() if name in fields}
        rest = {name: value for name, value in settings.items() if name not in fields}
        kind: Any = METHODS[method]
        return cls(game, seats, kind(**rest, length=own.get("steps", 100)), **own)

    @property
    def policies(self) -> PolicyTrainer:
        """The training of the policies on the meta-game."""
        meta, method = MetaGame(self.game, self.seats, self.steps), self.method
        if self.anneal is not None and self.seats.count(None) > 1:
            method = Annealed(method, Apart(against_naive(meta)), self.anneal)
        sizes = meta.observation_shape[0], meta.action_shape[0]
        return PolicyTrainer(meta, gaussian(*sizes, self.width, centered=self.centered), method)

    def init(self, key: Key[Array, ""]) -> PolicyState:
        """New policies."""
        return self.policies.init(key)

    def step(self, state: PolicyState, key: Key[Array, ""]) -> tuple[PolicyState, Report]:
        """One iteration of the optimizer; the record's `per_step` is the mean over the meta-steps."""
        return self.policies.step(state, key)

    def learners(self, state: PolicyState) -> tuple[Learner, ...]:
        """The policies as learners, which act as the method does in training."""
        acts = getattr(self.method, "acts", "sample")
        return tuple(Mfos(policy, acts) for policy in self.policies.learners(state))


def against_naive(meta: MetaGame) -> tuple[MetaGame, ...]:
    """For every open seat the same meta-game with naive learners in the other open seats."""
    return tuple(
        MetaGame(
            meta.game,
            [Naive() if x is None and j != seat else x for j, x in enumerate(meta.learners)],
            meta.steps,
            meta.warm_up,
        )
        for seat in meta.open
    )
