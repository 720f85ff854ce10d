"""The registry of social outcomes, and the error of a measure that is not defined for a game."""

from collections.abc import Callable
from typing import Any

from games.registry import Registry

OUTCOMES = Registry("outcome")
"""Social outcomes: functions of one match (`analysis.outcomes.PlayedMatch`), over all its lanes at once."""

UNITS = ("payoff", "welfare", "difference", "product", "ratio", "none")
"""How a measure changes if all payoffs u become $a u + b$ with $a > 0$, for n players.

A payoff x becomes $a x + b$, a welfare $a x + n b$, a difference of payoffs $a x$, a product $a^n x$; a ratio keeps
its value if b is 0, and all others keep it for every b."""
FACTS = {"units": "none", "labels": False, "slow": False, "whole_match": False}
"""The facts of a measure that states no others."""


class Undefined(ValueError):
    """A measure is not defined for a game or a match; the message is the reason."""


def outcome(
    name: str, citation: str, *also: str, aliases: tuple[str, ...] = (), **facts: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a measure, with the first line of its docstring as its summary.

    The function takes a `PlayedMatch` and returns one number or label per seat and lane, an array (n, seeds),
    per lane, (seeds,), or for the match, a single number. It raises `Undefined` with the reason where the
    measure is not defined.

    Args:
        name: its name, which is the name of a column of `analysis.outcomes.outcomes`.
        citation: key of its source in the bibliography.
        *also: keys of further sources.
        aliases: other names.
        **facts: `units`, see `UNITS`; `labels`, true if the function returns labels; `slow`, true if `outcomes`
            computes the measure only when it is asked for; `whole_match`, true if it is no function of each
            lane by itself.
    """
    return OUTCOMES.register(citation, *aliases, name=name, also=also, **(FACTS | facts))
