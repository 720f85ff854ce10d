"""Games and learners from the names and settings of a command line."""

import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.cli.game_files import game_label, holds_game, matrix_game
from games.registry import Registry, nearest

FILE = "file:"
"""The prefix of a trained learner's name; its folder follows."""


LABEL = re.compile(r"([\w-]+)=(.+)", re.DOTALL)
"""The form of a copy of a learner with a name of its own, `fast=lola`."""


def label(word: str) -> str:
    """The name of a learner of the command line: the word itself, or the part before `=`.

    Example:
        >>> label("lola"), label("fast=lola"), label("file:runs/lr=2")
        ('lola', 'fast', 'file:runs/lr=2')
    """
    own = LABEL.fullmatch(word)
    return own[1] if own else word


def labels(words: Sequence[str]) -> tuple[str, ...]:
    """The names of the learners of a command line.

    Raises:
        ValueError: for a new name that is already a game's or a learner's, or is given to two learners.

    Example:
        >>> labels(["lola", "fast=lola", "lola"])
        ('lola', 'fast', 'lola')
    """
    from analysis.cli.registries import registry
    from games import PLAYABLE

    named: dict[str, str] = {}
    for word in words:
        own = label(word)
        taken = next(
            (family.kind for family in (registry("learners"), PLAYABLE) if own != word and own in family),
            None,
        )
        if taken is not None:
            raise ValueError(
                f"{word!r} calls a learner {own!r}, which is a {taken}'s name already; choose another, such as my_{own}."
            )
        if named.setdefault(own, word) != word:
            raise ValueError(
                f"{own!r} stands for two learners, {named[own]!r} and {word!r}; give each a name of its own."
            )
    return tuple(map(label, words))


def parsed(words: Sequence[str], present: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Settings `NAME.SETTING=VALUE`, by name.

    Args:
        words: the words after `--set`.
        present: the names of the games and learners of this run.

    Raises:
        ValueError: for a word of another form, or a name that is not part of this run.

    Example:
        >>> parsed(["lola.lr=0.5", "lola.variant=taylor"], ["lola", "naive", "ipd"])
        {'lola': {'lr': 0.5, 'variant': 'taylor'}}
    """
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        target, equals, value = word.partition("=")
        name, dot, setting = target.rpartition(".")
        if not (equals and dot and name and setting and value):
            raise ValueError(
                f"The setting {word!r} is not of the form NAME.SETTING=VALUE, such as {present[0]}.lr=0.5."
            )
        if name not in present:
            raise ValueError(
                f"The setting {word!r} is for {name!r}, which is not in this run; {nearest(name, set(present))}."
            )
        found.setdefault(name, {})[setting] = literal(value)
    return found


def literal(value: str) -> Any:
    """The number, list or truth value that the text is in JSON, otherwise the text itself.

    Example:
        >>> literal("0.5"), literal("3"), literal("nan"), literal("taylor")
        (0.5, 3, nan, 'taylor')
    """
    try:
        return json.loads(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def made(
    registry: Registry,
    names: Sequence[str],
    settings: dict[str, dict[str, Any]],
    games: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Games or learners with their settings, by the names on the command line.

    `file:FOLDER` is the trained learner in that folder; `fast=lola` is a LOLA with the name `fast`. A file is
    the matrix game in it.

    Args:
        registry: the registry of games or of learners.
        names: the words of the command line.
        settings: the settings by name.
        games: the games that a trained learner is to play.

    Raises:
        ValueError: for an unknown name, an unknown setting, a value that the member refuses, or a trained
            learner of another game.
    """
    found: dict[str, Any] = {}
    for word in names:
        name, kind = (
            (label(word), word.removeprefix(f"{label(word)}="))
            if registry.kind == "learner"
            else (word, word)
        )
        given = settings.get(name, {})
        if is_file(registry, kind):
            found[name] = trained(kind, given, games or {})
            continue
        if registry.kind == "learner" and kind == "mmaml" and "logits" in given:
            found[name] = by_hand(name, given)
            continue
        if registry.kind == "game" and holds_game(name):
            found[name] = matrix_game(name, given)
            continue
        accepted = registry.get(canonical(registry, kind)).settings()
        for setting, value in given.items():
            default = accepted[setting].default if setting in accepted else None
            if isinstance(default, (int, float)) and not isinstance(value, (int, float)):
                raise ValueError(f"{name}.{setting} is {value!r}; it must be a number.")
        try:
            found[name] = registry.make(kind, **given)
        except TypeError as error:
            words = ", ".join(f"{name}.{k}={v}" for k, v in given.items()) or "no settings"
            known = ", ".join(map(str, accepted.values()))
            raise ValueError(
                f"The {registry.kind} {name!r} does not accept {words}; its settings are ({known})."
            ) from error
    return found


def canonical(registry: Registry, name: str) -> str:
    """The registry name of an alias; the name of a trained learner is unchanged.

    Raises:
        ValueError: for an unknown name, or a learner that must be trained first.
    """
    if is_file(registry, name):
        return name
    if registry.kind == "learner" and is_trained(registry, name):
        hand = ", or give its start, as --set mmaml.logits=[2,2,-2,2,-2]" if name == "mmaml" else ""
        raise ValueError(
            f"The learner {name!r} is trained before it plays, by shaping train --learner {name}; name the folder it is in, "
            f"as {FILE}FOLDER{hand}."
        )
    return registry.get(name).name


def by_hand(name: str, given: Mapping[str, Any]) -> Any:
    """M-MAML with given initial parameters instead of trained ones.

    Raises:
        ValueError: for an unknown setting or a value that the learner refuses.
    """
    from shaping import Mmaml

    if unknown := next((setting for setting in given if setting not in ("logits", "lr")), None):
        raise ValueError(f"{name} has no setting {unknown!r}; {nearest(unknown, ('logits', 'lr'))}.")
    try:
        Mmaml(given["logits"])
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}.logits is {given['logits']!r}; it must be one number, or a list with one for each parameter."
        ) from None
    return Mmaml(**given)


def is_trained(registry: Registry, name: str) -> bool:
    """Whether a learner of this name plays only after a training."""
    return name in registry and registry.get(name).facts["trained"]


def is_file(registry: Registry, name: str) -> bool:
    """Whether a name has the form `file:FOLDER` of a trained learner."""
    return registry.kind == "learner" and name.startswith(FILE)


def trained(name: str, settings: Mapping[str, Any], games: Mapping[str, Any]) -> Any:
    """The learner of `file:FOLDER`, checked against the games it is to play, with the given numbers.

    Raises:
        ValueError: for a folder without a learner, another game, an unknown setting or a number that the
            learner refuses.
    """
    import dataclasses

    import equinox as eqx

    from games.checks import as_float, check_range
    from shaping.checkpoint import folder as checkpoint

    folder = name.removeprefix(FILE)
    learner = checkpoint.load(folder, cast=True)
    for game in games.values():
        checkpoint.check_game(folder, game)
    ranges = {f.name: f.metadata["range"] for f in dataclasses.fields(learner) if "range" in f.metadata}
    for setting, value in settings.items():
        if setting not in ranges:
            raise ValueError(f"The learner {name!r} has no number {setting!r}; {nearest(setting, ranges)}.")
        number = as_float(value)
        check_range(f"{name}: {setting}", number, *ranges[setting])
        learner = eqx.tree_at(lambda x, setting=setting: getattr(x, setting), learner, number)
    return learner


def once(kind: str, registry: Registry, names: Sequence[str]) -> None:
    """Refuse a name that is given twice, also under an alias.

    Raises:
        ValueError: naming the repetition.
    """
    seen: dict[str, str] = {}
    for name in names:
        if registry.kind == "learner" and (label(name) != name or is_trained(registry, name)):
            canonical = label(name)
        elif is_file(registry, name):
            canonical = str(pathlib.Path(name.removeprefix(FILE)).resolve())
        elif registry.kind == "game" and holds_game(name):
            canonical = game_label(name)
        else:
            canonical = registry.get(name).name
        if canonical in seen:
            also = "" if seen[canonical] == name else f", once as {seen[canonical]!r}"
            raise ValueError(
                f"The {kind} {name!r} is given twice{also}; every {kind} of a tournament plays both seats and itself already."
            )
        seen[canonical] = name


def usual_seeds(names: Sequence[str]) -> int:
    """The default number of seeds, as in `tournament`, from the games' names alone.

    Example:
        >>> usual_seeds(["ipd"]), usual_seeds(["ipd", "coin_lola"])
        (64, 4)
    """
    from games import SAMPLED
    from shaping.match import FEW_SEEDS, MANY_SEEDS

    return FEW_SEEDS if any(name in SAMPLED for name in names) else MANY_SEEDS
