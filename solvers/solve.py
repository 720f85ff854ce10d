"""One call for the equilibria of a game, with the method that suits it."""

import math
from collections.abc import Callable
from typing import Any

from games.iterated import Iterated
from games.registry import Entry
from games.sampled_catalog import as_game
from solvers.base import EquilibriumSet
from solvers.payoffs import Payoffs, payoff_tensor
from solvers.registry import SOLVERS

QUICK = 5.0
"""Seconds of estimated work up to which all equilibria of three or more players are looked for unasked."""
MANY = 100_000
"""Supports of which no estimate is needed to say that they are too many for that."""


def solve(game: Any, method: str | None = None, **settings: Any) -> EquilibriumSet:
    r"""The equilibria of a normal-form game.

    Args:
        game: what `payoff_tensor` takes: a `MatrixGame`, its name in `games.GAMES` or its factory, a `NormalForm` read from a file, or
            payoffs `(n, A1, ..., An)`.
        method: a name in `SOLVERS`. By default the one that `default_method` names: two players, all equilibria by `"vertex"`; more
            players, `"polynomial"` where that takes seconds, otherwise one equilibrium by `"logit"`; one player, `"pure"`.
        settings: of the method, such as `exact=True` or `force=True`.

    Returns:
        The equilibria with their residuals, and whether they are proven to be all.

    Raises:
        ValueError: for what is no game or a repeated one, for an unknown method or setting, and for a method that cannot take this
            game, naming those that can.

    Example:
        >>> from games import stag_hunt
        >>> [[s.tolist() for s in e.profile] for e in solve(stag_hunt(), "pure")]
        [[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    if isinstance(game, Iterated):
        raise ValueError(f"{game.name!r} is a repeated game; solve its stage game, game.stage, or judge profiles of strategies by is_nash.")
    payoffs = payoff_tensor(game, exact=True)
    entry = SOLVERS.get(default_method(payoffs.shape[1:]) if method is None else method)
    check_takes(entry, payoffs)
    if settings.get("exact") and not entry.facts["exact"]:
        raise ValueError(f"The method {entry.name!r} works in floating point; exact: {listed(payoffs, lambda e: e.facts['exact'])}.")
    return SOLVERS.make(entry.name, game=game, **settings)


def default_method(sizes: tuple[int, ...]) -> str:
    """The method that `solve` takes for a game with so many actions each.

    Example:
        >>> default_method((3, 3)), default_method((2, 2, 2)), default_method((9, 9, 9))
        ('vertex', 'polynomial', 'logit')
    """
    if len(sizes) == 1:
        return "pure"
    if len(sizes) == 2:
        return "vertex"
    from solvers.polynomial import cost

    few = math.prod(2**a - 1 for a in sizes) < MANY
    return "polynomial" if few and cost(sizes)[1] <= QUICK else "logit"


def takes(entry: Entry, payoffs: Payoffs) -> bool:
    """Whether a solver is made for a game: its number of players, and payoffs that sum to a constant where it wants that."""
    total = payoffs.sum(axis=0)
    return entry.facts["players"] in (None, len(payoffs)) and (not entry.facts["zero_sum"] or (total == total.flat[0]).all())


def check_takes(entry: Entry, payoffs: Payoffs) -> None:
    """Refuse a game that a solver is not made for.

    Raises:
        ValueError: saying why, and which solvers take it.
    """
    if takes(entry, payoffs):
        return
    if entry.facts["players"] in (None, len(payoffs)):
        why = "takes games whose payoffs sum to a constant, and those of this game do not"
    else:
        why = f"takes games of {entry.facts['players']} players, and this one has {len(payoffs)}"
    raise ValueError(f"The method {entry.name!r} {why}; these take it: {listed(payoffs)}.")


def listed(payoffs: Payoffs, wanted: Callable[[Entry], bool] = lambda entry: True) -> str:
    """The names of the solvers that take a game and are otherwise as wanted."""
    return ", ".join(entry.name for entry in SOLVERS if takes(entry, payoffs) and wanted(entry)) or "none"
