"""The registry of solvers for normal-form games."""

from collections.abc import Callable, Iterator
from typing import Any

from games.registry import Entry, Registry, first_line
from solvers.base import EquilibriumSet
from solvers.payoffs import Payoffs, n_players, payoff_tensor

ORDER = ("vertex", "support", "lemke_howson", "zero_sum", "pure", "polynomial", "logit")
"""The order in which solvers are listed: those for two players, then those for any number of players; solvers
that are not named here follow in alphabetical order."""


class Solvers(Registry):
    """A registry that lists its entries in `ORDER`, whatever the order of the imports."""

    def __iter__(self) -> Iterator[Entry]:
        place = {name: k for k, name in enumerate(ORDER)}
        return iter(sorted(super().__iter__(), key=lambda e: (place.get(e.name, len(ORDER)), e.name)))


SOLVERS = Solvers("solver")
"""The solvers: `make(game, **settings)` of an entry solves a game and returns an `EquilibriumSet`."""

Solver = Callable[..., EquilibriumSet]


def solver(name: str, citation: str, *aliases: str, **facts: Any) -> Callable[[Solver], Solver]:
    """Decorator that adds a function to `SOLVERS`; the first line of its docstring becomes the summary.

    Args:
        name: the solver's name.
        citation: key of the paper in games/references.bib.
        aliases: other names.
        facts: `players`, the number of players that the method requires (2, or None for any number); `finds`,
            `"all"` (every equilibrium of a game that is not degenerate), `"some"` or `"one"`; `exact`,
            whether the method has the setting `exact=True` for rational arithmetic; `zero_sum`, whether it
            requires payoffs that sum to a constant.

    Raises:
        ValueError: for an unknown fact.
    """
    known = {"players": None, "finds": "some", "exact": False, "zero_sum": False}
    if unknown := set(facts) - set(known):
        raise ValueError(f"A solver has no fact {sorted(unknown)[0]!r}; accepted: {', '.join(known)}.")

    def register(function: Solver) -> Solver:
        summary = first_line(function)
        SOLVERS.add(Entry(name, function, summary, citation, aliases, known | facts))
        return function

    return register


def two_player_payoffs(game: Any, method: str, exact: bool = True) -> Payoffs:
    """The payoffs `(2, m, n)` of a game, which must have two players.

    Args:
        game: a game as for `payoff_tensor`.
        method: the solver's name, for the error message.
        exact: whether to return `Fraction`s instead of float64.

    Raises:
        ValueError: if the number of players is not 2 (the message names solvers for any number), or if `game`
            is not a game.

    Example:
        >>> two_player_payoffs(([[0.5, 0]], [[1, 2]]), "support")[0, 0, 0]
        Fraction(1, 2)
    """
    payoffs = payoff_tensor(game, exact)
    if n_players(payoffs) != 2:
        others = ", ".join(entry.name for entry in SOLVERS if entry.facts["players"] is None) or "none"
        raise ValueError(
            f"The method {method!r} requires a game of 2 players and this one has {n_players(payoffs)}; "
            f"methods for any number: {others}."
        )
    return payoffs
