"""Correlated and coarse correlated equilibria of n-player games, by linear programming."""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from games.registry import nearest
from solvers.base import TOLERANCE, Status, listing, short
from solvers.dominance import undominated
from solvers.payoffs import ROUNDED, in_own_units, n_players, payoff_tensor, rational, rationals

NOISE = 1e-9
"""The largest weight that may be left over by the tolerance of a linear program; the answer without it is tried too."""
Concept = Literal["correlated", "coarse"]
Tensor = Float[np.ndarray, "n_players *actions"]
Distribution = Float[np.ndarray, "*actions"]


@dataclasses.dataclass(frozen=True)
class CorrelatedEquilibrium:
    r"""A joint distribution that nobody gains by disobeying, and how nearly so.

    Args:
        distribution: probability of every joint action, `(A1, ..., An)`.
        payoffs: what everybody earns.
        objective: what was maximized.
        regret: what everybody would gain by the best deviation, in payoff units, recomputed from the
            distribution alone.
        residual: the largest regret of anybody relative to the payoffs in play: the mean of $|u_i(a) -
            u_i(\mu)|$ with or without the deviation, whichever is larger.
        concept: `"correlated"` or `"coarse"`.
        status: `"solved"` where the residual is within tolerance, otherwise why not.
        message: one sentence for people.
    """

    distribution: np.ndarray
    payoffs: np.ndarray
    objective: float
    regret: np.ndarray
    residual: float
    concept: Concept
    status: Status
    message: str = ""

    def __repr__(self) -> str:
        head = (
            f"CorrelatedEquilibrium ({self.concept}): {self.status}, residual {short(self.residual)}, "
            f"objective {short(self.objective)}, payoffs {short(*self.payoffs)}"
        )
        likeliest = np.argsort(-self.distribution, axis=None, kind="stable")
        played = [
            np.unravel_index(k, self.distribution.shape) for k in likeliest if self.distribution.flat[k] > 0
        ]
        joint = listing([f"({', '.join(map(str, a))}): {short(self.distribution[a])}" for a in played])
        return "\n  ".join(filter(None, [head, joint and f"joint actions {joint}", self.message]))

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "concept": self.concept,
            "distribution": self.distribution.tolist(),
            "payoffs": self.payoffs.tolist(),
            "objective": self.objective,
            "residual": self.residual,
            "status": self.status,
            "message": self.message,
        }


def correlated_equilibrium(game: Any, objective: Any = "welfare") -> CorrelatedEquilibrium:
    r"""The best correlated equilibrium by a linear objective (Aumann 1974): nobody told an action gains by another.

    $\max_\mu \langle c, \mu \rangle$ subject to $\sum_{a_{-i}} \mu(a_i, a_{-i}) \, (u_i(a_i, a_{-i}) - u_i(b,
    a_{-i})) \ge 0$ for every player i and actions $a_i \ne b$.

    Args:
        game: what `payoff_tensor` takes, n players.
        objective: `"welfare"`, the sum of payoffs; `"egalitarian"`, the least payoff; a player's index, this
            player's payoff; or an array `(A1, ..., An)`, the worth of every joint action.

    Raises:
        ValueError: for an unknown objective, or one of the wrong shape.

    Example:
        >>> chicken = ([[6, 2], [7, 0]], [[6, 7], [2, 0]])
        >>> correlated_equilibrium(chicken).distribution.round(6).tolist()
        [[0.5, 0.25], [0.25, 0.0]]

    Source:
        Aumann (1974); the names of the objectives follow Greenwald & Hall (2003).
    """
    return best(payoff_tensor(game), objective, "correlated")


def coarse_correlated_equilibrium(game: Any, objective: Any = "welfare") -> CorrelatedEquilibrium:
    r"""The best coarse correlated equilibrium by a linear objective: nobody gains by an action chosen before being told one.

    $\max_\mu \langle c, \mu \rangle$ subject to $\sum_a \mu(a) \, (u_i(a) - u_i(b, a_{-i})) \ge 0$ for every
    player i and action b.

    Args:
        game: what `payoff_tensor` takes, n players.
        objective: as `correlated_equilibrium` takes it.

    Raises:
        ValueError: for an unknown objective, or one of the wrong shape.

    Example:
        >>> float(coarse_correlated_equilibrium(([[6, 2], [7, 0]], [[6, 7], [2, 0]])).payoffs.sum().round(6))
        10.5

    Source:
        Moulin & Vial (1978).
    """
    return best(payoff_tensor(game), objective, "coarse")


def payoff_ranges(game: Any, concept: Concept = "correlated") -> Float[np.ndarray, "n_players 2"]:
    """The least and the largest payoff of each player over all correlated, or all coarse correlated, equilibria.

    Args:
        game: what `payoff_tensor` takes, n players.
        concept: `"correlated"` or `"coarse"`.

    Returns:
        One row `[least, largest]` per player.

    Raises:
        ValueError: for an unknown concept.
        RuntimeError: if a linear program was not solved.

    Example:
        >>> payoff_ranges(([[3, 0], [0, 2]], [[2, 0], [0, 3]])).round(6).tolist()
        [[1.2, 3.0], [1.2, 3.0]]
    """
    payoffs = payoff_tensor(game)
    if concept not in ("correlated", "coarse"):
        raise ValueError(f"Unknown concept {concept!r}; {nearest(str(concept), ['correlated', 'coarse'])}.")
    rows = []
    for own in payoffs:
        ends = [best(payoffs, sign * own, concept) for sign in (-1, 1)]
        if failed := [end.message for end in ends if end.status != "solved"]:
            raise RuntimeError(failed[0])
        rows.append([float((own * end.distribution).sum()) for end in ends])
    return np.array(rows)


def best(payoffs: Tensor, objective: Any, concept: Concept) -> CorrelatedEquilibrium:
    """The distribution that maximizes an objective among those that a concept allows, its regret recomputed."""
    from scipy.optimize import linprog
    from scipy.sparse import hstack, vstack

    sensible = np.ix_(*undominated(payoffs))
    played = sensible if concept == "correlated" else np.ix_(*map(range, payoffs.shape[1:]))
    own = payoffs[(slice(None), *played)]
    joint: int = own[0].size
    losses = obedience(in_own_units(own), concept)
    if (
        worst_off := isinstance(objective, str) and objective == "egalitarian"
    ):  # one more variable, a payoff that all exceed
        above = own.reshape(len(own), joint) - np.median(payoffs[(slice(None), *sensible)])
        rows = vstack(
            [hstack([losses, np.zeros((losses.shape[0], 1))]), np.hstack([above, -np.ones((len(above), 1))])]
        )
        cost = np.append(np.zeros(joint), -1.0)
    else:
        worth = linear_objective(payoffs, objective)
        rows, cost = losses, (np.median(worth[sensible]) - worth[played]).ravel()
    rows, cost, units = balanced(rows, cost)
    found: Any = linprog(
        cost,
        A_ub=-rows,
        b_ub=np.zeros(rows.shape[0]),
        A_eq=np.where(np.arange(len(cost)) < joint, units[:joint].min() / units, 0.0)[
            None, :
        ],  # the scale of x is free
        b_eq=[1.0],
        bounds=[(0, None)] * joint + [(None, None)] * (len(cost) - joint),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.x is None:
        nothing = np.full(n_players(payoffs), np.nan)
        lost = np.full(payoffs.shape[1:], np.nan)
        return CorrelatedEquilibrium(
            lost, nothing, np.nan, nothing, np.nan, concept, "failed", f"HiGHS: {found.message}"
        )
    answers = []
    for noise in (NOISE, 0.0):
        distribution = np.zeros(payoffs.shape[1:])
        distribution[played] = np.where(found.x > noise * found.x[:joint].max(), found.x / units, 0.0)[
            :joint
        ].reshape(own.shape[1:])
        distribution /= distribution.sum()
        answers.append((distribution, *judged(payoffs, distribution, concept)))
    distribution, earned, regret, residual = min(answers, key=lambda answer: answer[-1])
    value = earned.min() if worst_off else (linear_objective(payoffs, objective) * distribution).sum()
    solved = found.status == 0 and residual <= TOLERANCE
    message = (
        ""
        if solved
        else f"HiGHS: {found.message} The largest gain from a deviation is {residual:.1e} of the payoffs in play."
    )
    return CorrelatedEquilibrium(
        distribution,
        earned,
        float(value),
        regret,
        residual,
        concept,
        "solved" if solved else "not_converged",
        message,
    )


def linear_objective(payoffs: Tensor, objective: Any) -> Distribution:
    """The worth of every joint action.

    Raises:
        ValueError: for a name, an index or a shape that means nothing in this game.
    """
    n, names = n_players(payoffs), ["welfare", "egalitarian"]
    if isinstance(objective, str):
        if objective != "welfare":
            raise ValueError(
                f"Unknown objective {objective!r}; {nearest(objective, names)}, a player's index, or an array of worths."
            )
        return payoffs.sum(axis=0)
    if isinstance(objective, (int, np.integer)) and not isinstance(objective, bool):
        if not 0 <= objective < n:
            raise ValueError(
                f"The objective is player {objective}'s payoff; this game's players are 0 to {n - 1}."
            )
        return payoffs[objective]
    try:
        worth = np.asarray(objective, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The objective {objective!r} is neither a name ({', '.join(names)}), a player's index nor an array."
        ) from error
    if worth.shape != payoffs.shape[1:] or not np.isfinite(worth).all():
        raise ValueError(
            f"The objective has shape {worth.shape}; it must give every joint action a finite worth, in shape {payoffs.shape[1:]}."
        )
    return worth


def obedience(payoffs: Tensor, concept: Concept) -> Any:
    """The sparse matrix whose products with a distribution, what each deviation would lose, must not be negative.

    Deviations that never gain are left out.
    """
    from scipy.sparse import coo_matrix, vstack

    joint = np.arange(payoffs[0].size).reshape(payoffs.shape[1:])
    blocks = []
    for player, own in enumerate(payoffs):
        table = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
        told, others = table.shape
        loss = (
            table[:, None, :] - table[None, :, :]
        )  # told a, plays b, against each of the others' joint actions
        columns = np.moveaxis(joint, player, 0).reshape(told, 1, others)
        a, b = np.arange(told)[:, None, None], np.arange(told)[None, :, None]
        row = a * told + b if concept == "correlated" else b
        index = [np.broadcast_to(k, loss.shape).ravel() for k in (row, columns)]
        entries = coo_matrix(
            (loss.ravel(), index), shape=(told * told if concept == "correlated" else told, joint.size)
        )
        blocks.append(entries.tocsr())
    matrix: Any = vstack(blocks, format="csr")
    return matrix[matrix.min(axis=1).toarray().ravel() < 0]


def balanced(
    rows: Any, cost: Float[np.ndarray, " unknowns"]
) -> tuple[Any, Float[np.ndarray, " unknowns"], Float[np.ndarray, " unknowns"]]:
    """The rows and the cost of a linear program in units in which every row and every column has a largest entry near 1.

    So the tolerance of its solution is relative to the payoffs in play, not to the worst of all that could
    happen.

    Returns:
        The rows, the cost, and by which factor the unknowns have grown.

    Source:
        Ruiz (2001), "A scaling algorithm to equilibrate both rows and columns norms in matrices".
    """
    from scipy.sparse import csr_array, diags_array, vstack

    matrix = csr_array(vstack([rows, cost[None, :]]))
    units = np.ones(len(cost))
    for _ in range(20):
        largest = [abs(matrix).max(axis=axis).toarray().ravel() for axis in (1, 0)]
        if all(((x >= 0.5) & (x <= 2) | (x == 0)).all() for x in largest):
            break
        by_row, by_column = (1 / np.sqrt(np.where(x > 0, x, 1.0)) for x in largest)
        matrix = diags_array(by_row) @ matrix @ diags_array(by_column)
        units = units / by_column
    matrix = csr_array(matrix)
    return matrix[:-1], matrix[[-1]].toarray().ravel(), units


def judged(
    payoffs: Tensor, distribution: Distribution, concept: Concept
) -> tuple[Float[np.ndarray, " n_players"], Float[np.ndarray, " n_players"], float]:
    """What everybody earns and would gain by the best deviation, and the residual."""
    earned, regret, units = (
        np.array(column, dtype=float) for column in zip(*seats(payoffs, distribution, concept), strict=True)
    )
    return earned, regret, float(np.divide(regret, units, out=np.zeros_like(regret), where=units > 0).max())


def seats(payoffs: Tensor, distribution: Any, concept: Concept) -> Iterator[tuple[Any, Any, Any]]:
    """Everybody's payoff, regret and the unit of the regret; in rationals where the payoffs in play differ too little for floats."""
    for player, own in enumerate(payoffs):
        table = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
        weight = np.moveaxis(distribution, player, 0).reshape(table.shape)
        base = table.flat[weight.argmax()]
        earned, gain, unit = judged_seat(table - base, weight, concept)
        if unit and not ROUNDED * abs(base) <= unit < np.inf:
            table, weight = (
                rationals(table),
                np.array([Fraction(p) for p in weight.ravel().tolist()], dtype=object).reshape(weight.shape),
            )
            base = rational(base)
            earned, gain, unit = judged_seat(table - base, weight, concept)
        yield earned + base, gain, unit


def judged_seat(table: np.ndarray, weight: np.ndarray, concept: Concept) -> tuple[Any, Any, Any]:
    """A player's payoff, regret and unit, own actions in rows; `table` relative to a payoff in play."""
    switched = weight @ table.T  # [told, played]
    earned = np.trace(switched)
    best = (
        switched.argmax(axis=1)
        if concept == "correlated"
        else np.full(len(table), switched.sum(axis=0).argmax())
    )
    gain = (switched[np.arange(len(table)), best] - switched.diagonal()).sum()
    away = abs(table - earned)
    return earned, gain, max((weight * away).sum(), (weight * away[best]).sum())


def deviation_regrets(
    game: Any, distribution: Any, concept: Concept = "correlated"
) -> Float[np.ndarray, " n_players"]:
    r"""What everybody would gain by the best deviation from a joint distribution.

    Correlated: by the best swap, $\sum_a \max_b \sum_{a_{-i}} \mu(a, a_{-i}) (u_i(b, a_{-i}) - u_i(a,
    a_{-i}))$; coarse: by the best single action. For a product of independent strategies both are the regret
    of `solvers.payoffs.regrets`.

    Args:
        game: what `payoff_tensor` takes, n players.
        distribution: $\mu$, `(A1, ..., An)`.
        concept: `"correlated"` or `"coarse"`.

    Example:
        >>> deviation_regrets(([[6, 2], [7, 0]], [[6, 7], [2, 0]]), [[1, 0], [0, 0]]).tolist()
        [1.0, 1.0]
    """
    return judged(payoff_tensor(game), np.asarray(distribution, dtype=float), concept)[1]
