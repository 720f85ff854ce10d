"""A normal-form game as files hold it: exact payoffs, with names for the game, its players and their actions."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from solvers.payoffs import Payoffs, payoff_tensor


@dataclasses.dataclass(frozen=True, eq=False)
class NormalForm:
    """A normal-form game with names; solvers take it as it is.

    Args:
        payoffs: whatever `payoff_tensor` takes; held as rationals `(n, A1, ..., An)`.
        name: of the game.
        players: one name per player; by default `Player 1`, `Player 2`, ...
        actions: the names of every player's actions; by default `1`, `2`, ...
        comment: for people.

    Raises:
        ValueError: for payoffs that are no game, or names that do not fit them.

    Example:
        >>> pennies = NormalForm(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]), "pennies")
        >>> pennies.players, pennies.actions[0], pennies.payoffs[0, 0, 0]
        (('Player 1', 'Player 2'), ('1', '2'), Fraction(1, 1))
    """

    payoffs: Payoffs
    name: str = ""
    players: Sequence[str] = ()
    actions: Sequence[Sequence[str]] = ()
    comment: str = ""

    def __post_init__(self):
        payoffs = payoff_tensor(self.payoffs, exact=True)
        sizes = payoffs.shape[1:]
        players = tuple(self.players) or tuple(f"Player {i + 1}" for i in range(len(sizes)))
        actions = tuple(map(tuple, self.actions)) or tuple(tuple(str(k + 1) for k in range(a)) for a in sizes)
        if len(players) != len(sizes):
            raise ValueError(
                f"{len(players)} players are named and the payoffs are those of {len(sizes)}; name each once."
            )
        if tuple(map(len, actions)) != sizes:
            raise ValueError(
                f"{list(map(len, actions))} actions are named and the payoffs are those of {list(sizes)}; name each player's every action."
            )
        for field, value in (("payoffs", payoffs), ("players", players), ("actions", actions)):
            object.__setattr__(self, field, value)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.payoffs.shape[1:]

    @property
    def names_actions(self) -> bool:
        """Whether the actions have names of their own, not mere numbers counted from 0 or from 1."""
        return not any(
            all(label == str(k + first) for own in self.actions for k, label in enumerate(own))
            for first in (0, 1)
        )


def normal_form(game: Any) -> NormalForm:
    """Any game that solvers take, with the names it has.

    Example:
        >>> from games import stag_hunt
        >>> normal_form(stag_hunt()).name
        'stag_hunt'
    """
    return (
        game
        if isinstance(game, NormalForm)
        else NormalForm(payoff_tensor(game, exact=True), getattr(game, "name", ""))
    )


def cells(sizes: Sequence[int]) -> int:
    """Number of payoffs of a game with so many actions each: every player's, in every cell."""
    return len(sizes) * math.prod(sizes)
