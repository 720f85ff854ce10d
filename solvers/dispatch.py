"""`solve`: the equilibria of a normal-form game by a named method, or by one chosen from the game's size."""

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

MAX_POLYNOMIAL_SECONDS = 5.0
"""With three or more players, `polynomial` is the default method if its estimated time in seconds is at most
this."""
MAX_POLYNOMIAL_SUPPORTS = 100_000
"""With more supports than this, `logit` is the default method, and the time of `polynomial` is not
estimated."""


def solve(game: Any, method: str | None = None, **settings: Any) -> EquilibriumSet:
    r"""The equilibria of a normal-form game.

    Args:
        game: a `MatrixGame`, its name in `games.GAMES` or its factory, a `NormalForm` read from a file, or
            payoffs `(n, A1, ..., An)`; see `payoff_tensor`. Players with only one action are removed before
            solving, as long as two players remain, and are added to the result.
        method: a name in `SOLVERS`. By default, for two players `"vertex"`, which finds all equilibria, or
            `"lemke_howson"` for one equilibrium if the game is too large for that (the message then says
            so); for more players `"polynomial"` if it is estimated to take seconds, otherwise `"logit"` for
            one equilibrium; for one player `"pure"`.
        settings: settings of the method, such as `exact=True` or `force=True`.

    Returns:
        The equilibria, their residuals, and whether the method proves that there are no others.

    Raises:
        ValueError: if `game` is not a normal-form game, if the method or a setting does not exist, or if the
            method does not apply to this game; the message names methods that do.

    Example:
        >>> from games import stag_hunt
        >>> [[s.tolist() for s in e.profile] for e in solve(stag_hunt(), "pure")]
        [[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]
    """
    if isinstance(game, str) or callable(game):
        game = as_game(game)
    if isinstance(game, Iterated):
        raise ValueError(
            f"{game.name!r} is a repeated game; solve its stage game, game.stage, or check a profile of "
            "repeated-game strategies with is_nash."
        )
    payoffs = payoff_tensor(game, exact=bool(settings.get("exact")))
    seats = seats_with_choice(payoffs.shape[1:])
    reduced = (
        payoffs
        if len(seats) == len(payoffs)
        else payoffs[seats].reshape(len(seats), *(payoffs.shape[1 + k] for k in seats))
    )
    entry = SOLVERS.get(default_method(reduced.shape[1:]) if method is None else method)
    check_applies(entry, reduced)
    if settings.get("exact") and not entry.facts["exact"]:
        others = method_names(payoffs, lambda e: e.facts["exact"])
        raise ValueError(
            f"The method {entry.name!r} works in floating point only; methods with exact=True: {others}."
        )
    solved_game = game if reduced is payoffs else reduced
    try:
        found = SOLVERS.make(entry.name, game=solved_game, **settings)
    except TooLarge:
        if method is not None:
            raise
        found = SOLVERS.make("lemke_howson", game=solved_game, exact=settings.get("exact", False), label=0)
        size = " x ".join(map(str, reduced.shape[1:]))
        message = (
            f"A game of {size} actions is too large to find all equilibria by default; this is one "
            "equilibrium, and the method 'lemke_howson' finds more."
        )
        found = dataclasses.replace(found, message=message)
    if reduced is not payoffs:
        found = with_idle_players(found, payoff_tensor(game, exact=is_exact(found.game)), seats)
    if getattr(game, "names_actions", False):
        found = dataclasses.replace(
            found, equilibria=tuple(dataclasses.replace(e, actions=game.actions) for e in found)
        )
    return found


def seats_with_choice(sizes: tuple[int, ...]) -> list[int]:
    """The players with more than one action; if there are fewer than two, players with one action are added.

    Example:
        >>> seats_with_choice((2, 1, 3)), seats_with_choice((1, 1, 4)), seats_with_choice((3,))
        ([0, 2], [0, 2], [0])
    """
    idle = [k for k, a in enumerate(sizes) if a == 1]
    removed = idle[::-1][: max(0, len(sizes) - 2)]
    return [k for k in range(len(sizes)) if k not in removed]


def with_idle_players(found: EquilibriumSet, payoffs: Payoffs, seats: Sequence[int]) -> EquilibriumSet:
    """Extend equilibria of a game from which one-action players were removed to the whole game.

    Args:
        found: equilibria of the game among the players in `seats`.
        payoffs: the whole game.
        seats: the players of the reduced game; all others have one action.
    """
    n, one = n_players(payoffs), rationals(np.ones(1, dtype=int)) if is_exact(payoffs) else np.ones(1)

    def for_all_players(own: Sequence[Any], idle: Any) -> tuple[Any, ...]:
        return tuple(own[seats.index(k)] if k in seats else idle for k in range(n))

    equilibria = tuple(
        dataclasses.replace(e, profile=whole.profile, payoffs=whole.payoffs, regret=whole.regret)
        for e in found
        for whole in [solution(payoffs, for_all_players(e.profile, one))]
    )
    vertices = for_all_players(found.vertices, (one,)) if found.vertices else ()
    cliques = tuple(for_all_players(clique, (0,)) for clique in found.cliques)
    return dataclasses.replace(found, game=payoffs, equilibria=equilibria, vertices=vertices, cliques=cliques)


def default_method(sizes: tuple[int, ...]) -> str:
    """The default method of `solve` for a game with these numbers of actions.

    Example:
        >>> default_method((3, 3)), default_method((2, 2, 2)), default_method((9, 9, 9))
        ('vertex', 'polynomial', 'logit')
    """
    if len(sizes) == 1:
        return "pure"
    if len(sizes) == 2:
        return "vertex"
    from solvers.n_player.polynomial import estimated_cost

    feasible = math.prod(2**a - 1 for a in sizes) < MAX_POLYNOMIAL_SUPPORTS
    return "polynomial" if feasible and estimated_cost(sizes)[1] <= MAX_POLYNOMIAL_SECONDS else "logit"


def applies(entry: Entry, payoffs: Payoffs) -> bool:
    """Whether a solver applies to a game: the number of players, and whether payoffs sum to a constant."""
    return entry.facts["players"] in (None, len(payoffs)) and (
        not entry.facts["zero_sum"] or constant_sum(payoffs)
    )


def check_applies(entry: Entry, payoffs: Payoffs) -> None:
    """Check that a solver applies to a game.

    Raises:
        ValueError: if it does not; the message states the reason and names the solvers that apply.
    """
    if applies(entry, payoffs):
        return
    if entry.facts["players"] in (None, len(payoffs)):
        why = "requires payoffs that sum to a constant, and those of this game do not"
    else:
        why = f"requires games of {entry.facts['players']} players, and this one has {len(payoffs)}"
    raise ValueError(f"The method {entry.name!r} {why}; methods that apply: {method_names(payoffs)}.")


def method_names(payoffs: Payoffs, wanted: Callable[[Entry], bool] = lambda entry: True) -> str:
    """The names of the solvers that apply to a game and satisfy a condition, in one line."""
    return ", ".join(entry.name for entry in SOLVERS if applies(entry, payoffs) and wanted(entry)) or "none"
