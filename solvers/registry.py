"""The registry of normal-form solvers: what `solve`, the command line and the laws of the tests iterate over."""

from collections.abc import Callable
from typing import Any

from games.registry import Entry, Registry, first_line
from solvers.base import EquilibriumSet

SOLVERS = Registry("solver")
"""An entry's `make(game, **settings)` solves: it takes what `payoff_tensor` takes and returns an `EquilibriumSet`."""

Solver = Callable[..., EquilibriumSet]


def solver(name: str, citation: str, *aliases: str, **facts: Any) -> Callable[[Solver], Solver]:
    """Enter a function in `SOLVERS`, with the first line of its docstring.

    Args:
        name: under which it is found.
        citation: key in references.bib.
        aliases: other names.
        facts: `players`, how many the method takes (2, or None for any number); `finds`, one of `"all"`
            (every equilibrium of a game that is not degenerate), `"some"` and `"one"`; `exact`, whether it
            offers rationals by `exact=True`; `zero_sum`, whether it takes zero-sum games only.
    """
    known = {"players": None, "finds": "some", "exact": False, "zero_sum": False}
    if unknown := set(facts) - set(known):
        raise ValueError(f"A solver has no fact {sorted(unknown)[0]!r}; accepted: {', '.join(known)}.")

    def enter(function: Solver) -> Solver:
        summary = first_line(function)
        SOLVERS.add(Entry(name, function, summary, citation, aliases, known | facts))
        return function

    return enter
