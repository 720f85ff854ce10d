"""The registry of ranking methods."""

from collections.abc import Callable
from typing import Any

from games.registry import Registry

RANKINGS = Registry("ranking method")
"""Ranking methods: functions of scores (learners, learners, seeds) that return one number per learner."""


def register(
    name: str, citation: str, *also: str, aliases: tuple[str, ...] = (), **facts: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a ranking method, with the first line of its docstring as its summary.

    Args:
        name: its name.
        citation: key of its source in the bibliography.
        *also: keys of further sources.
        aliases: other names.
        **facts: `draws`, a faster function of scores, resampled lanes and settings that returns the numbers of
            all resamples; `posterior`, a function of scores and settings that returns the mean and the
            covariance of the posterior distribution; and `whole_table`, true for methods that need finite
            scores of all pairs.
    """
    return RANKINGS.register(citation, *aliases, name=name, also=also, **facts)
