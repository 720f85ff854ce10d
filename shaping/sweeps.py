"""A grid of hyperparameters as one batched learner."""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from games.checks import shown
from games.printing import as_text, counted
from games.registry import nearest
from shaping.base import Learner
from shaping.catalog import LEARNERS


class Sweep(eqx.Module):
    """Learners of one structure, with their numbers stacked along a leading axis.

    Attributes:
        learner: the stacked learner.
        points: the swept settings, each an array with one entry per point.
    """

    learner: Learner
    points: dict[str, Float[Array, " points"]]

    @property
    def size(self) -> int:
        """Number of points."""
        return len(next(iter(self.points.values())))

    def __repr__(self) -> str:
        return f"Sweep({counted(self.size, 'point')}: {', '.join(f'{k}={as_text(x)}' for k, x in self.points.items())}; {self.learner!r})"


def sweep(make: Callable[..., Learner] | str, **settings: Sequence[float]) -> Sweep:
    """All combinations of the given settings as one batched learner, played side by side in one program.

    Args:
        make: a learner class, a function that builds one, or a name in `LEARNERS`.
        **settings: a sequence of numbers for each setting to sweep.

    Raises:
        ValueError: if `make` does not make a learner; without settings; for a setting that is one number, empty
            or unknown; or if the learners differ in more than numbers.

    Example:
        >>> from shaping import Lola
        >>> sweep(Lola, lr=[0.1, 1.0], look_ahead=[0.0, 1.0]).size
        4
    """
    if isinstance(make, str):
        make = functools.partial(LEARNERS.make, LEARNERS.get(make).name)
    if not callable(make):
        raise ValueError(
            f"A sweep makes its learners, and {shown(make)} is one already; give the class, as in sweep(Lola, lr=[0.1, 1.0])."
        )
    for name, numbers in settings.items():
        if isinstance(numbers, (str, Mapping)) or not isinstance(numbers, Iterable) or not np.ndim(numbers):
            raise ValueError(
                f"The setting {name} is {shown(numbers)}; a sweep runs over several, as in sweep(Lola, lr=[0.1, 1.0])."
            )
    if not settings or not all(len(numbers) for numbers in settings.values()):
        raise ValueError(
            "A sweep needs at least one setting with at least one number, such as sweep(Lola, lr=[0.1, 1.0])."
        )
    try:
        accepted = inspect.signature(make).parameters
    except ValueError as error:
        raise ValueError(
            f"{shown(make)} makes no learners; give a learner class, as in sweep(Lola, lr=[0.1, 1.0])."
        ) from error
    if not any(p.kind == p.VAR_KEYWORD for p in accepted.values()):
        for name in settings:
            if name not in accepted:
                raise ValueError(
                    f"{getattr(make, '__name__', 'The learner')} has no setting {name!r}; {nearest(name, accepted)}."
                )
    combinations = list(itertools.product(*settings.values()))
    members = [make(**dict(zip(settings, numbers, strict=True))) for numbers in combinations]
    if not all(isinstance(x, Learner) for x in members):
        raise ValueError(
            f"A sweep makes learners, and got {shown(members[0])}; give a learner class, as in sweep(Lola, lr=[0.1, 1.0])."
        )
    if len({jax.tree.structure(m) for m in members}) > 1:
        raise ValueError(
            "A sweep runs over numbers; a setting that changes the algorithm needs a match of its own."
        )
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    return Sweep(
        stacked,
        {
            name: jnp.asarray(column, float)
            for name, column in zip(settings, zip(*combinations, strict=True), strict=True)
        },
    )
