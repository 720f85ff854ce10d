"""Games and learners of a tournament by name, in every form in which they may be given."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from analysis.results.specification import describe, text
from analysis.tournaments.compositions import begin_compositions, compositions_loop
from analysis.tournaments.round_robins import begin_cells, grouped
from games.base import Game
from games.checks import shown
from games.registry import nearest
from shaping import checkpoint
from shaping.arguments import as_learner
from shaping.base import Learner
from shaping.catalog import LEARNERS
from shaping.engine import lane_keys
from shaping.learners.fixed import SCRIPTED, ScriptedCoinAgent
from shaping.sweeps import Sweep

FILE = "file:"
"""What the path of a trained learner's folder may begin with."""


def is_folder(given: Any) -> bool:
    """Whether a learner is given as the folder of a trained one, and not as a name."""
    if isinstance(given, os.PathLike):
        return True
    if not isinstance(given, str) or given in LEARNERS:
        return False
    return given.startswith(FILE) or (given != "" and pathlib.Path(given).is_dir())


def as_member(given: Any) -> Learner:
    """A learner: whatever `as_learner` takes, the folder of a trained one, or a scripted coin agent.

    Raises:
        ValueError: as `as_learner`; for a folder that holds no learner.

    Example:
        >>> as_member("coin:tit_for_tat").label, as_member("naive").label
        ('coin:tit_for_tat', 'naive')
    """
    if is_folder(given):
        return checkpoint.load(os.fspath(given).removeprefix(FILE), cast=True)
    if isinstance(given, str) and given.startswith(SCRIPTED):
        return ScriptedCoinAgent(given.removeprefix(SCRIPTED))
    return as_learner(given)


def name_of(given: Any, learner: Learner) -> str:
    """A learner's name in tables: that of its folder if it was given as one, otherwise its label."""
    return os.fspath(given) if is_folder(given) else learner.label


def by_name(
    members: Any, kind: str, as_one: Callable[[Any], Any], name: Callable[[Any, Any], str]
) -> dict[str, Any]:
    """Games or learners by name; learners with equal labels are told apart by differing settings.

    Args:
        members: a sequence, or a mapping from names.
        kind: `"games"` or `"learners"`.
        as_one: makes one member of what is given.
        name: the name of a member, from what was given and what was made of it.

    Raises:
        ValueError: for no collection, an empty one, a name that is no text, or one that occurs twice.
    """
    if isinstance(members, (str, Game, Learner, Sweep)) or not isinstance(members, Iterable):
        raise ValueError(
            f"A tournament's {kind} are a list or a mapping, and {shown(members)} is neither; put it into brackets."
        )
    if isinstance(members, Mapping):
        if not all(isinstance(x, str) and x for x in members):
            raise ValueError(
                f"The names of a tournament's {kind} are {shown(list(members))}; every name must be text that is not empty."
            )
        pairs = [(key, x) for key, x in members.items()]
    else:
        pairs = [(None, x) for x in members]
    found = []
    for key, given in pairs:
        if isinstance(given, Sweep) and kind == "learners":
            found += [(_setting_name(key or x.label, point), x) for point, x in points_of(given)]
        else:
            member = as_one(given)
            found.append((name(given, member) if key is None else key, member))
    if not found:
        raise ValueError(f"A tournament needs {kind}, and got none; give at least one.")
    labels, made = [label for label, _ in found], [member for _, member in found]
    for label in {x for x in labels if labels.count(x) > 1}:
        same = [k for k, x in enumerate(labels) if x == label]
        settings = [describe(made[k]) for k in same]
        differing = [f for f in settings[0] if len({text(s.get(f)) for s in settings}) > 1]
        for k, s in zip(same, settings, strict=True):
            labels[k] = (
                f"{label}({', '.join(f'{f}={s.get(f)}' for f in differing)})" if kind == "learners" else label
            )
    repeated = next((x for x in labels if labels.count(x) > 1), None)
    if repeated:
        raise ValueError(
            f"The tournament's {kind} hold {repeated!r} twice; leave one out, or give a mapping from names of your own."
        )
    return dict(zip(labels, made, strict=True))


def points_of(sweep: Sweep) -> list[tuple[dict[str, Any], Learner]]:
    """The settings and the learner of every point of a sweep."""
    return [
        (
            {name: np.asarray(numbers)[k] for name, numbers in sweep.points.items()},
            jax.tree.map(lambda x, k=k: x[k], sweep.learner),
        )
        for k in range(sweep.size)
    ]


def _setting_name(name: str, point: Mapping[str, Any]) -> str:
    """A learner's name with its settings."""
    return f"{name}({', '.join(f'{k}={float(x):g}' for k, x in point.items())})"


def with_grid(
    learners: Mapping[str, Learner], grid: Mapping[str, Sequence[float]] | None
) -> dict[str, Learner]:
    """The learners, each of those in the grid replaced by one per combination of its settings.

    Args:
        learners: learners by name.
        grid: numbers by `NAME.SETTING`.

    Raises:
        ValueError: for an unknown learner or setting, or no numbers.

    Example:
        >>> from shaping import Lola
        >>> list(with_grid({"lola": Lola()}, {"lola.lr": [0.1, 1.0]}))
        ['lola(lr=0.1)', 'lola(lr=1)']
    """
    settings: dict[str, dict[str, Sequence[float]]] = {}
    for path, numbers in (grid or {}).items():
        name, _, setting = str(path).rpartition(".")
        if name not in learners:
            raise ValueError(
                f"The grid has {shown(path)}, whose learner is not in the tournament; write NAME.SETTING, and {nearest(name, learners)}."
            )
        fields = [f.name for f in dataclasses.fields(learners[name]) if f.init]
        if setting not in fields:
            raise ValueError(f"The learner {name!r} has no setting {setting!r}; {nearest(setting, fields)}.")
        if not np.ndim(numbers) or not len(numbers):
            raise ValueError(
                f"The grid's {path} is {shown(numbers)}; give a list of numbers, such as [0.1, 1]."
            )
        settings.setdefault(name, {})[setting] = numbers
    found: dict[str, Learner] = {}
    for name, learner in learners.items():
        if name not in settings:
            found[name] = learner
            continue
        for combination in itertools.product(*settings[name].values()):
            point = dict(zip(settings[name], combination, strict=True))
            found[_setting_name(name, point)] = dataclasses.replace(learner, **point)
    return found


def suitable(
    games: Mapping[str, Game], learners: Mapping[str, Learner]
) -> tuple[dict[str, dict[str, tuple[Any, ...]]], list[tuple[str, str, str]]]:
    """Which learner can play which game; nothing is computed.

    Returns:
        For each game and each learner that can play it, the structures of its parameters by seat; and the
        others, as `(game, learner, reason)`.

    Raises:
        ValueError: for a game of one player, or if no learner can play any game.
    """
    forms: dict[str, dict[str, tuple[Any, ...]]] = {}
    skipped = []
    for name, game in games.items():
        if game.n_players < 2:
            raise ValueError(
                f"The game {name!r} is for {game.n_players} player; a tournament takes games of two or more."
            )
        forms[name], names = {}, list(learners)
        for group in grouped(tuple(learners.values())):
            try:
                form = _forms(game, group.learner, len(group.members))
            except ValueError as error:
                reason = str(error).split("\n-----")[0]  # without the note that jax appends while it traces
                skipped += [(name, names[k], reason) for k in group.members]
            else:
                forms[name] |= {names[k]: form for k in group.members}
        forms[name] = {x: forms[name][x] for x in names if x in forms[name]}
    if not any(forms.values()):
        name, _, reason = skipped[0]
        raise ValueError(f"A learner does not suit the game {name!r}: {reason}")
    return forms, skipped


def _forms(game: Game, learner: Any, members: int) -> tuple[Any, ...]:
    """The structures of a learner's parameters by seat, without the axes of the batch.

    Raises:
        ValueError: if it cannot play the game.
    """
    keys = lane_keys(0, "init", 1), lane_keys(0, "match", 1)
    if game.n_players == 2:
        layout, axes = ((tuple(range(members)),),), 3
        state = jax.eval_shape(lambda g, x, k: begin_cells(g, ((x,),), layout, k), game, learner, keys)
    else:
        one = jax.tree.map(lambda x: x[0], learner) if members > 1 else learner
        loop, axes = compositions_loop(game, [(one,) * game.n_players], 0, 1), 2
        state = jax.eval_shape(
            lambda g, x, k: begin_compositions(g, x, loop.layout, k), loop.game, loop.learners, keys
        )
    return tuple(
        (jax.tree.structure(own), tuple((x.shape[axes:], str(x.dtype)) for x in jax.tree.leaves(own)))
        for own in state.joint
    )
