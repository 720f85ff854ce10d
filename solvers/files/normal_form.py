"""A normal-form game with exact payoffs and names for the game, its players and their actions."""

import dataclasses
import html
import math
from collections.abc import Sequence
from typing import Any

from games.printing import counted, html_table, text_table
from solvers.payoffs import Payoffs, payoff_tensor
from solvers.printing import listing, rounded_text


@dataclasses.dataclass(frozen=True, eq=False)
class NormalForm:
    """A normal-form game with names; `solve` and all solvers accept it.

    Args:
        payoffs: as for `payoff_tensor`; stored as `Fraction`s `(n, A1, ..., An)`.
        name: the name of the game.
        players: the names of the players; by default `Player 1`, `Player 2`, ...
        actions: the names of each player's actions; by default `1`, `2`, ...
        comment: a comment, which files keep.

    Raises:
        ValueError: if the payoffs are not those of a game, or if the numbers of names do not match them.

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
                f"{len(players)} players are named and the payoffs are those of {len(sizes)}; name each "
                "player once."
            )
        if tuple(map(len, actions)) != sizes:
            raise ValueError(
                f"{list(map(len, actions))} actions are named and the payoffs are those of {list(sizes)}; "
                "name each action of each player."
            )
        for field, value in (("payoffs", payoffs), ("players", players), ("actions", actions)):
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        return f"{self.heading()}\n{text_table(*self.table())}" if self.is_small else self.heading()

    def _repr_html_(self) -> str:
        return (
            html_table(*self.table(), heading=self.heading())
            if self.is_small
            else f"<p>{html.escape(self.heading())}</p>"
        )

    @property
    def is_small(self) -> bool:
        """Whether the payoffs are printed: those of one or two players with at most eight actions each."""
        return self.n_players <= 2 and max(self.n_actions) <= 8

    def heading(self) -> str:
        """One line: the game's name, and each player's name and actions."""
        seats = [
            f"{player} ({listing(own)})"
            if self.names_actions
            else f"{player} ({counted(len(own), 'action')})"
            for player, own in zip(self.players, self.actions, strict=True)
        ]
        return f"NormalForm {self.name!r}: {listing(seats)}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Columns and rows of the payoff table of one or two players; rows are the first player's actions."""
        cells = self.payoffs.reshape(self.n_players, len(self.actions[0]), -1)
        columns = list(self.actions[1]) if self.n_players == 2 else ["payoff"]
        rows = [
            [own, *(rounded_text(*cells[:, a, b]) for b in range(cells.shape[2]))]
            for a, own in enumerate(self.actions[0])
        ]
        return ["", *columns], rows

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
        """Whether the actions have names other than numbers counted from 0 or from 1."""
        return not any(
            all(label == str(k + first) for own in self.actions for k, label in enumerate(own))
            for first in (0, 1)
        )


def normal_form(game: Any) -> NormalForm:
    """Convert a game, as for `solve`, to a `NormalForm` with the same names.

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


def n_payoffs(sizes: Sequence[int]) -> int:
    """Number of payoffs of a game with these numbers of actions."""
    return len(sizes) * math.prod(sizes)
