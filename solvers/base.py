"""What solvers return: profiles, how far each is from equilibrium, and whether all were found."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from games.printing import html_table, text_table
from solvers.payoffs import Payoffs, Profile, check_profile, is_exact, judged

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["solved", "not_converged", "failed"]
TOLERANCE = 1e-8
"""The largest residual of a solved profile."""


@dataclasses.dataclass(frozen=True)
class Solution:
    """One profile of mixed strategies, and how far it is from equilibrium.

    Args:
        profile: one strategy per player; float64, or rationals where the solver is exact.
        payoffs: what everybody earns.
        regret: what everybody would gain by a best response, in payoff units, recomputed from the payoffs
            alone.
        residual: the largest regret relative to the payoffs in play, as `solvers.payoffs.judged` defines them
            for each player: between 0 and 1, 0 for an exact equilibrium, and the same in whatever units the
            players' payoffs are.
        status: `"solved"` where the residual is within tolerance, otherwise why not.
        message: one sentence for people.
        iterations: pivots, Newton steps or updates, whatever the method counts.
        actions: the names of each player's actions, for printing; indices where it is empty.
    """

    profile: Profile
    payoffs: np.ndarray
    regret: np.ndarray
    residual: float
    status: Status
    message: str = ""
    iterations: int = 0
    actions: Sequence[Sequence[str]] = ()

    @property
    def support(self) -> tuple[tuple[int, ...], ...]:
        """The actions that everybody plays with positive probability (in floats: above 1e-9)."""
        return tuple(
            tuple(int(a) for a in np.flatnonzero(s > (0 if is_exact(s) else 1e-9))) for s in self.profile
        )

    def __repr__(self) -> str:
        head = f"Solution: {self.status}, residual {short(self.residual)}, payoffs {short(*self.payoffs)}"
        rows = [f"player {i}: {text}" for i, text in enumerate(self.strategy_texts())]
        return "\n  ".join([head, *rows, *filter(None, [self.message])])

    def strategy_texts(self) -> list[str]:
        """Each player's strategy as text: the actions that are played and their probabilities."""
        names = self.actions or [[f"action {a}" for a in range(len(s))] for s in self.profile]
        return [
            listing([f"{own[a]}: {short(s[a])}" for a in used])
            for own, s, used in zip(names, self.profile, self.support, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """Plain data: `profile`, `payoffs`, `support`, `residual`; rationals as `"p/q"`."""
        return {
            "profile": [[plain(x) for x in s] for s in self.profile],
            "payoffs": [plain(x) for x in self.payoffs],
            "support": [list(s) for s in self.support],
            "residual": float(self.residual),
        }


def short(*numbers: Any) -> str:
    """Numbers as people read them: floats to four digits, rationals as integers or p/q."""
    return ", ".join(str(x) if isinstance(x, str) else f"{x:.4g}" for x in map(plain, numbers))


def listing(entries: Sequence[str], most: int = 8) -> str:
    """Entries in one line, the first few of many."""
    more = [f"and {len(entries) - most} more"] if len(entries) > most else []
    return ", ".join([*entries[:most], *more])


def plain(number: Any) -> float | str | int:
    """A number as JSON has it: floats as they are, rationals as integers or `"p/q"`."""
    if hasattr(number, "denominator") and not isinstance(number, (float, np.floating)):
        return int(number) if number.denominator == 1 else f"{number.numerator}/{number.denominator}"
    return float(number)


def solution(
    payoffs: Payoffs,
    profile: Sequence[Any],
    message: str = "",
    iterations: int = 0,
    tolerance: float = TOLERANCE,
) -> Solution:
    """A profile with its payoffs and its residual, recomputed here by a best response whatever the solver believes.

    Args:
        payoffs: as `payoff_tensor` gives them.
        profile: one strategy per player.
        message: one sentence for people.
        iterations: what the method counts.
        tolerance: the largest residual that is called solved.

    Raises:
        ValueError: for a profile off the simplex.

    Example:
        >>> from solvers.payoffs import payoff_tensor
        >>> solution(payoff_tensor(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])), ([0.5, 0.5], [1.0, 0.0])).residual
        1.0
    """
    profile = check_profile(payoffs, profile)
    earned, regret, residual = judged(payoffs, profile)
    status: Status = "solved" if residual <= (0 if is_exact(payoffs) else tolerance) else "not_converged"
    return Solution(profile, earned, regret, residual, status, message, iterations)


@dataclasses.dataclass(frozen=True)
class EquilibriumSet:
    """The equilibria a method found, and what is known about those it did not.

    Args:
        game: the payoffs they belong to.
        method: the solver's registry name.
        equilibria: for two players and a complete method, all extreme equilibria.
        complete: True only where the method proves that nothing is missing: every equilibrium is in the list
            or in a maximal Nash subset.
        degenerate: whether the game was proven degenerate (True), proven not to be (False), or neither
            (None).
        cliques: maximal Nash subsets of two-player games: pairs of index tuples into `equilibria`' distinct
            row and column strategies (`vertices`); every mixture of the rows with every mixture of the
            columns is an equilibrium.
        vertices: the distinct strategies of each player among the extreme equilibria, which `cliques` index.
        components: indices of equilibria by connected component.
        status: `"solved"` unless something went wrong.
        message: one sentence for people.
    """

    game: Payoffs
    method: str
    equilibria: tuple[Solution, ...]
    complete: bool = False
    degenerate: bool | None = None
    cliques: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()
    vertices: tuple[tuple[np.ndarray, ...], ...] = ()
    components: tuple[tuple[int, ...], ...] = ()
    status: Status = "solved"
    message: str = ""

    def __len__(self) -> int:
        return len(self.equilibria)

    def __iter__(self) -> Iterator[Solution]:
        return iter(self.equilibria)

    def __getitem__(self, index: int) -> Solution:
        return self.equilibria[index]

    def __repr__(self) -> str:
        return "\n".join(
            filter(None, [self.heading(), text_table(*self.table()) if self.equilibria else "", self.message])
        )

    def _repr_html_(self) -> str:
        return html_table(*self.table(), heading=f"{self.heading()}. {self.message}")

    def heading(self) -> str:
        """One line: how many equilibria of which game, by which method, and what is proven about them."""
        count = len(self.equilibria)
        degenerate = {True: "degenerate", False: "not degenerate", None: "not known whether degenerate"}
        return (
            f"EquilibriumSet: {count} {'equilibrium' if count == 1 else 'equilibria'} by {self.method!r} of a game of "
            f"{' x '.join(map(str, self.game.shape[1:]))} actions; {self.status}, "
            f"{'complete' if self.complete else 'not proven complete'}, {degenerate[self.degenerate]}"
        )

    def table(self, most: int = 20) -> tuple[list[str], list[list[str]]]:
        """The columns and the rows of a table with one equilibrium per row, at most so many."""
        columns = ["", *(f"player {i}" for i in range(len(self.game))), "payoffs", "residual"]
        rows = [
            [str(k), *e.strategy_texts(), short(*e.payoffs), short(e.residual)]
            for k, e in enumerate(self.equilibria[:most])
        ]
        if len(self.equilibria) > most:
            rows.append([f"and {len(self.equilibria) - most} more", *[""] * (len(columns) - 1)])
        return columns, rows

    @property
    def residual(self) -> float:
        """The largest residual of any member."""
        return max((e.residual for e in self.equilibria), default=0.0)

    def to_frame(self) -> "pd.DataFrame":
        """One row per equilibrium: `profile`, `payoff_i`, `residual`, `status`, `component`."""
        import pandas as pd

        where = {index: k for k, members in enumerate(self.components) for index in members}
        rows = [
            {"profile": e.as_json()["profile"]}
            | {f"payoff_{i}": float(v) for i, v in enumerate(e.payoffs)}
            | {"residual": e.residual, "status": e.status, "component": where.get(k, -1)}
            for k, e in enumerate(self.equilibria)
        ]
        return pd.DataFrame(rows)

    def as_json(self, name: str = "") -> dict[str, Any]:
        """Plain data, as `shaping solve --json` prints it."""
        return {
            "game": name,
            "method": self.method,
            "equilibria": [e.as_json() for e in self.equilibria],
            "degenerate": self.degenerate,
            "complete": self.complete,
            "status": self.status,
            "message": self.message,
            "vertices": [[[plain(x) for x in s] for s in own] for own in self.vertices],
            "cliques": [[list(own) for own in clique] for clique in self.cliques],
            "components": [list(members) for members in self.components],
        }
