"""Every training in one form: from a game, one learner per seat (None: trained) and a seed to the trained learners and the run.

`start` is a run to go on with, `watch` is called after every chunk; all else are settings by name.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from games.base import Game
from games.checks import check_count
from games.registry import nearest
from shaping.base import Learner
from shaping.catalog import LEARNERS
from shaping.learners.mfos import Mfos
from shaping.meta.ascent import ascend
from shaping.meta.bounded_gradients import bounded
from shaping.meta.game import MetaGame
from shaping.model_free import METHODS, gaussian
from shaping.training import cola as train_cola
from shaping.training.match import train_match
from shaping.training.meva import MevaSettings, train_meva
from shaping.training.mfos import train_mfos
from shaping.training.mmaml import train_mmaml


def per_step(values: Any, ok: Any = None) -> dict[str, Any]:
    """The last of the per-step values `(iteration, ...)`, and how many updates were not finite and therefore not made."""
    skipped = {} if ok is None else {"skipped": int((~np.asarray(ok)).sum())}
    return {"per_step": np.atleast_1d(np.asarray(values[-1], float)).tolist()} | skipped


def check_settings(
    name: str, given: Mapping[str, Any], make: Callable[..., Any], more: tuple[str, ...] = ()
) -> None:
    """Refuse settings that neither `make` nor the training itself takes.

    Raises:
        ValueError: naming the first unknown one, with the nearest that there is.
    """
    accepted = {*inspect.signature(make).parameters, *more} - {
        "game",
        "learners",
        "key",
        "seed",
        "chunk",
        "start",
        "watch",
        "unknown",
    }
    for setting in given:
        if setting not in accepted:
            raise ValueError(
                f"The training of {name!r} has no setting {setting!r}; {nearest(setting, accepted)}."
            )


def cola(
    game: Game,
    learners: list[Learner | None],
    seed: int,
    *,
    start: Any,
    watch: Any,
    seeds: int = 1,
    **settings: Any,
):
    """COLA of the best seed."""
    if any(x is not None for x in learners):
        raise ValueError(
            "COLA's networks are trained together and against nobody; leave all seats open, which is against 'self'."
        )
    check_settings("cola", settings, train_cola.ColaSettings)
    settings["hidden"] = tuple(settings.get("hidden", train_cola.ColaSettings.hidden))
    training = train_cola.train(
        game, train_cola.ColaSettings(**settings), seed, seeds=seeds, start=start, watch=watch
    )
    return (training.best,), training.run


def mfos(
    game: Game,
    learners: list[Learner | None],
    seed: int,
    *,
    start: Any,
    watch: Any,
    method: str = "ppo",
    **settings: Any,
):
    """M-FOS by one of the methods, whose own settings are among the others."""
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r} of M-FOS; {nearest(method, METHODS)}.")
    check_settings("mfos", settings, METHODS[method], ("steps", "iterations", "width", "centered", "anneal"))
    own = {
        k: settings.pop(k) for k in ("steps", "iterations", "width", "centered", "anneal") if k in settings
    }
    how = METHODS[method](**settings, **({"length": own["steps"]} if "steps" in own else {}))
    training = train_mfos(game, learners, how, seed, **own, chunk=1, start=start, watch=watch)
    return training.learners, training.run


def mmaml(game: Game, learners: list[Learner | None], seed: int, **how: Any):
    """M-MAML."""
    check_settings(
        "mmaml", {name: value for name, value in how.items() if name not in ("start", "watch")}, train_mmaml
    )
    training = train_mmaml(game, learners, seed, chunk=1, **how)
    return (training.learner,), training.run


def meva(game: Game, learners: list[Learner | None], seed: int, *, start: Any, watch: Any, **settings: Any):
    """Meta-value learning."""
    check_settings("meva", settings, MevaSettings)
    training = train_meva(game, learners, MevaSettings(**settings), seed, chunk=1, start=start, watch=watch)
    return training.learners, training.run


def match(
    name: str,
    game: Game,
    learners: list[Learner | None],
    seed: int,
    *,
    iterations: int = 100,
    start: Any,
    watch: Any,
    **how: Any,
):
    """A match of a learner which plays as it is."""
    seated = [LEARNERS.make(name, **how) if x is None else x for x in learners]
    training = train_match(game, seated, seed, iterations=iterations, start=start, watch=watch)
    return tuple(
        settled for settled, x in zip(training.learners, learners, strict=True) if x is None
    ), training.run


def ascent(
    game: Game,
    learners: list[Learner | None],
    seed: int,
    *,
    start: Any,
    watch: Any,
    steps: int = 100,
    lanes: int = 64,
    width: int = 256,
    centered: bool = False,
    iterations: int = 300,
    lr: float = 0.002,
    **unknown: Any,
):
    """The policy of M-FOS, without noise, by the gradient through the match, bounded at the co-players' steps."""
    check_settings("ascent", unknown, ascent)
    check_count("width", width)
    meta = MetaGame(game, learners, steps, lanes=lanes)
    key = jax.random.key(seed)
    draw = gaussian(meta.observation_shape[0], meta.action_shape[0], width, centered=centered)
    begin = start or Mfos(draw(jax.random.fold_in(key, 1)), "mode")
    run = ascend(bounded(meta), begin, key, steps=iterations, lr=lr, chunk=1, watch=watch)
    return (run.player,), run
