"""What solvers return: profiles, how far each is from equilibrium, and whether all were found."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

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
    """

    profile: Profile
    payoffs: np.ndarray
    regret: np.ndarray
    residual: float
    status: Status
    message: str = ""
    iterations: int = 0

    @property
    def support(self) -> tuple[tuple[int, ...], ...]:
        """The actions that everybody plays with positive probability (in floats: above 1e-9)."""
        return tuple(
            tuple(int(a) for a in np.flatnonzero(s > (0 if is_exact(s) else 1e-9))) for s in self.profile
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data: `profile`, `payoffs`, `support`, `residual`; rationals as `"p/q"`."""
        return {
            "profile": [[plain(x) for x in s] for s in self.profile],
            "payoffs": [plain(x) for x in self.payoffs],
            "support": [list(s) for s in self.support],
            "residual": float(self.residual),
        }


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
