"""One call for the equilibria of a game, with the method that suits it."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from games.exact.iterated import Iterated
from games.registry import Entry
from games.sampled.catalog import as_game
from solvers.base import EquilibriumSet, solution
from solvers.payoffs import Payoffs, is_exact, n_players, payoff_tensor, rationals
from solvers.registry import SOLVERS
from solvers.two_player.vertex import TooLarge
from solvers.two_player.zero_sum_games import constant_sum

QUICK = 5.0
"""Seconds of estimated work up to which all equilibria of three or more players are looked for unasked."""
MANY = 100_000
"""Supports of which no estimate is needed to say that they are too many for that."""


def solve(game: Any, method: str | None = None, **settings: Any) -> EquilibriumSet:
    r"""The equilibria of a normal-form game.

    Args:
        game: what `payoff_tensor` takes: a `MatrixGame`, its name in `games.GAMES` or its factory, a
            `NormalForm` read from a file, or payoffs `(n, A1, ..., An)`. Of three or more players, those with
            one action are set aside while there are more than two.
        method: a name in `SOLVERS`. By default the one that `default_method` names: two players, all
            equilibria by `"vertex"`, or one by `"lemke_howson"` where these are too many to look for, which
            the message says; more players, `"polynomial"` where that takes seconds, otherwise one equilibrium
            by `"logit"`; one player, `"pure"`.
        settings: of the method, such as `exact=True` or `force=True`.

    Returns:
        The equilibria with their residuals, and whether they are proven to be all.

    Raises:
        ValueError: for what is no game or a repeated one, for an unknown method or setting, and for a method
            that cannot take this game, naming those that can.

    Example:
        >>> from games import stag_hunt
        >>> [[s.tolist() for s in e.profile] for e in solve(stag_hunt(), "pure")]
        [[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    if isinstance(game, Iterated):
        raise ValueError(
            f"{game.name!r} is a repeated game; solve its stage game, game.stage, or judge profiles of strategies by is_nash."
        )
    payoffs = payoff_tensor(game, exact=bool(settings.get("exact")))
    seats = choosing_seats(payoffs.shape[1:])
    few = (
        payoffs
        if len(seats) == len(payoffs)
        else payoffs[seats].reshape(len(seats), *(payoffs.shape[1 + k] for k in seats))
    )
    entry = SOLVERS.get(default_method(few.shape[1:]) if method is None else method)
    check_takes(entry, few)
    if settings.get("exact") and not entry.facts["exact"]:
        raise ValueError(
            f"The method {entry.name!r} works in floating point; exact: {listed(payoffs, lambda e: e.facts['exact'])}."
        )
    shown = game if few is payoffs else few
    try:
        found = SOLVERS.make(entry.name, game=shown, **settings)
    except TooLarge:
        if method is not None:
            raise
        found = SOLVERS.make("lemke_howson", game=shown, exact=settings.get("exact", False), label=0)
        size = " x ".join(map(str, few.shape[1:]))
        says = f"All equilibria of a game of {size} actions are too many to look for unasked; this is one, and 'lemke_howson' finds more."
        found = dataclasses.replace(found, message=says)
    if few is not payoffs:
        found = with_idle_players(found, payoff_tensor(game, exact=is_exact(found.game)), seats)
    if getattr(game, "names_actions", False):
        found = dataclasses.replace(
            found, equilibria=tuple(dataclasses.replace(e, actions=game.actions) for e in found)
        )
    return found


def choosing_seats(sizes: tuple[int, ...]) -> list[int]:
    """The players that a solver is given: those who have a choice, and others only where there would be fewer than two.

    Example:
        >>> choosing_seats((2, 1, 3)), choosing_seats((1, 1, 4)), choosing_seats((3,))
        ([0, 2], [0, 2], [0])
    """
    idle = [k for k, a in enumerate(sizes) if a == 1]
    dropped = idle[::-1][: max(0, len(sizes) - 2)]
    return [k for k in range(len(sizes)) if k not in dropped]


def with_idle_players(found: EquilibriumSet, payoffs: Payoffs, seats: Sequence[int]) -> EquilibriumSet:
    """Equilibria among some of the players as equilibria of the whole game, in which all others have one action."""
    n, one = n_players(payoffs), rationals(np.ones(1, dtype=int)) if is_exact(payoffs) else np.ones(1)

    def every(own: Sequence[Any], idle: Any) -> tuple[Any, ...]:
        return tuple(own[seats.index(k)] if k in seats else idle for k in range(n))

    equilibria = tuple(
        dataclasses.replace(e, profile=whole.profile, payoffs=whole.payoffs, regret=whole.regret)
        for e in found
        for whole in [solution(payoffs, every(e.profile, one))]
    )
    vertices = every(found.vertices, (one,)) if found.vertices else ()
    cliques = tuple(every(clique, (0,)) for clique in found.cliques)
    return dataclasses.replace(found, game=payoffs, equilibria=equilibria, vertices=vertices, cliques=cliques)


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
    from solvers.n_player.polynomial import cost

    few = math.prod(2**a - 1 for a in sizes) < MANY
    return "polynomial" if few and cost(sizes)[1] <= QUICK else "logit"


def takes(entry: Entry, payoffs: Payoffs) -> bool:
    """Whether a solver is made for a game: its number of players, and payoffs that sum to a constant where it wants that."""
    return entry.facts["players"] in (None, len(payoffs)) and (
        not entry.facts["zero_sum"] or constant_sum(payoffs)
    )


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
