"""The results of solvers: a profile with its distance from equilibrium, and a set of equilibria."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from games.printing import html_table, text_table
from solvers.payoffs import Payoffs, Profile, check_profile, evaluate, is_exact
from solvers.printing import listing, rounded_text

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["solved", "not_converged", "failed"]
TOLERANCE = 1e-8
"""The largest residual of a profile whose status is `"solved"`."""


@dataclasses.dataclass(frozen=True)
class Solution:
    """One profile of mixed strategies, with its distance from equilibrium.

    Args:
        profile: one mixed strategy per player; float64, or `Fraction`s if the solver is exact.
        payoffs: each player's expected payoff.
        regret: how much each player would gain by a best response, in units of its payoffs; computed from the
            payoffs and the profile alone.
        residual: the largest regret of a player, relative to its payoffs in play; see
            `solvers.payoffs.evaluate`. It lies in [0, 1], is 0 at an exact equilibrium, and does not depend
            on the units of the payoffs.
        status: `"solved"` if the residual is within tolerance, otherwise `"not_converged"` or `"failed"`.
        message: one sentence about the solution.
        iterations: number of pivots, Newton steps or updates, depending on the method.
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
        """For each player, the actions with positive probability; above 1e-9 in floating point."""
        return tuple(
            tuple(int(a) for a in np.flatnonzero(s > (0 if is_exact(s) else 1e-9))) for s in self.profile
        )

    def __repr__(self) -> str:
        numbers = f"residual {rounded_text(self.residual)}, payoffs {rounded_text(*self.payoffs)}"
        head = f"Solution: {self.status}, {numbers}"
        rows = [f"player {i}: {text}" for i, text in enumerate(self.strategy_texts())]
        return "\n  ".join([head, *rows, *filter(None, [self.message])])

    def strategy_texts(self) -> list[str]:
        """Each player's strategy as text: the actions that are played and their probabilities."""
        names = self.actions or [[f"action {a}" for a in range(len(s))] for s in self.profile]
        return [
            listing([f"{own[a]}: {rounded_text(s[a])}" for a in used])
            for own, s, used in zip(names, self.profile, self.support, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """`profile`, `payoffs`, `support` and `residual` as data for JSON; rationals become texts `"p/q"`."""
        return {
            "profile": [[json_number(x) for x in s] for s in self.profile],
            "payoffs": [json_number(x) for x in self.payoffs],
            "support": [list(s) for s in self.support],
            "residual": float(self.residual),
        }


def json_number(number: Any) -> float | str | int:
    """Convert a number for JSON: a float stays a float, a rational becomes an integer or the text `"p/q"`."""
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
    """Make a `Solution` from a profile: compute its payoffs, regrets and residual from the game's payoffs.

    Args:
        payoffs: `(n, A1, ..., An)`, from `payoff_tensor`.
        profile: one mixed strategy per player.
        message: one sentence about the solution.
        iterations: number of iterations of the method.
        tolerance: the largest residual with the status `"solved"`; 0 for rationals.

    Raises:
        ValueError: if a strategy is not a probability distribution over the player's actions.

    Example:
        >>> from solvers.payoffs import payoff_tensor
        >>> pennies = payoff_tensor(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]))
        >>> solution(pennies, ([0.5, 0.5], [1.0, 0.0])).residual
        1.0
    """
    profile = check_profile(payoffs, profile)
    expected, regret, residual = evaluate(payoffs, profile)
    status: Status = "solved" if residual <= (0 if is_exact(payoffs) else tolerance) else "not_converged"
    return Solution(profile, expected, regret, residual, status, message, iterations)


@dataclasses.dataclass(frozen=True)
class EquilibriumSet:
    """The equilibria that a method found, and whether it proves that there are no others.

    A two-player game is degenerate if some mixed strategy has more pure best replies than actions in its
    support; only degenerate games can have infinitely many equilibria.

    Args:
        game: the payoffs `(n, A1, ..., An)`.
        method: the name of the solver in `SOLVERS`.
        equilibria: the solutions; all extreme equilibria if there are two players and the method is complete.
        complete: whether the method proves that every equilibrium is in `equilibria` or in one of `cliques`.
        degenerate: whether the game is degenerate; None if the method proves neither.
        cliques: maximal Nash subsets of a two-player game. Each is a pair (rows, columns) of indices into
            `vertices`: every mixture of these row strategies and every mixture of these column strategies
            form an equilibrium.
        vertices: for each player, the distinct strategies among the extreme equilibria.
        components: the connected components of the set of equilibria, each as indices into `equilibria`;
            empty unless the method computes them.
        status: `"solved"` if all solutions are solved.
        message: one sentence about the set.
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

    def symmetric(self, tolerance: float = 1e-9) -> "EquilibriumSet":
        """The symmetric equilibria alone: those in which all players use the same mixed strategy.

        They are the equilibria within one population of a symmetric game. Nash subsets and components are left
        out, since they may hold equilibria of both kinds.

        Args:
            tolerance: the largest difference of two players' probabilities.

        Raises:
            ValueError: if the players have different numbers of actions.

        Example:
            >>> from solvers import solve
            >>> [e.profile[0].round(2).tolist() for e in solve([[[0, 7], [2, 6]], [[0, 2], [7, 6]]]).symmetric()]
            [[0.33, 0.67]]
        """
        sizes = self.game.shape[1:]
        if len(set(sizes)) != 1:
            raise ValueError(
                f"The players have {' x '.join(map(str, sizes))} actions; symmetric equilibria need equally many."
            )
        kept = tuple(
            e
            for e in self.equilibria
            if all(abs(np.asarray(s - e.profile[0], float)).max() <= tolerance for s in e.profile)
        )
        return dataclasses.replace(
            self,
            equilibria=kept,
            complete=False,
            cliques=(),
            vertices=(),
            components=(),
            message=self.message,
        )

    def __repr__(self) -> str:
        return "\n".join(
            filter(None, [self.heading(), text_table(*self.table()) if self.equilibria else "", self.message])
        )

    def _repr_html_(self) -> str:
        return html_table(*self.table(), heading=f"{self.heading()}. {self.message}")

    def heading(self) -> str:
        """The first printed line: number of equilibria, method, size of the game and what is proven."""
        count = len(self.equilibria)
        degenerate = {True: "degenerate", False: "not degenerate", None: "not known whether degenerate"}
        return (
            f"EquilibriumSet: {count} {'equilibrium' if count == 1 else 'equilibria'} by {self.method!r} of "
            f"a game of {' x '.join(map(str, self.game.shape[1:]))} actions; {self.status}, "
            f"{'complete' if self.complete else 'not proven complete'}, {degenerate[self.degenerate]}"
        )

    def table(self, most: int = 20) -> tuple[list[str], list[list[str]]]:
        """Column names and rows of the printed table: one equilibrium per row, at most `most` of them."""
        columns = ["", *(f"player {i}" for i in range(len(self.game))), "payoffs", "residual"]
        rows = [
            [str(k), *e.strategy_texts(), rounded_text(*e.payoffs), rounded_text(e.residual)]
            for k, e in enumerate(self.equilibria[:most])
        ]
        if len(self.equilibria) > most:
            rows.append([f"and {len(self.equilibria) - most} more", *[""] * (len(columns) - 1)])
        return columns, rows

    @property
    def residual(self) -> float:
        """The largest residual among the equilibria; 0 if there are none."""
        return max((e.residual for e in self.equilibria), default=0.0)

    def to_frame(self) -> "pd.DataFrame":
        """A table with one row per equilibrium: `profile`, `payoff_i`, `residual`, `status`, `component`."""
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
        """The set as data for JSON, as the command `shaping solve --json` prints it."""
        return {
            "game": name,
            "method": self.method,
            "equilibria": [e.as_json() for e in self.equilibria],
            "degenerate": self.degenerate,
            "complete": self.complete,
            "status": self.status,
            "message": self.message,
            "vertices": [[[json_number(x) for x in s] for s in own] for own in self.vertices],
            "cliques": [[list(own) for own in clique] for clique in self.cliques],
            "components": [list(members) for members in self.components],
        }
