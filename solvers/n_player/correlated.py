"""Correlated and coarse correlated equilibria of n-player games, by linear programming."""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from games.registry import nearest
from solvers.base import TOLERANCE, Status
from solvers.dominance import undominated_actions
from solvers.payoffs import RELATIVE_RESOLUTION, in_own_units, n_players, payoff_tensor, rational, rationals
from solvers.printing import listing, rounded_text

NOISE = 1e-9
"""Probabilities up to this times the largest one may be caused by the tolerance of the linear program; they
are set to 0 if that lowers the residual."""
Concept = Literal["correlated", "coarse"]
Tensor = Float[np.ndarray, "n_players *actions"]
Distribution = Float[np.ndarray, "*actions"]


@dataclasses.dataclass(frozen=True)
class CorrelatedEquilibrium:
    r"""A correlated or coarse correlated equilibrium, with its distance from the equilibrium conditions.

    Args:
        distribution: $\mu$, the probability of each joint action, `(A1, ..., An)`.
        payoffs: each player's expected payoff.
        objective: the value of the objective that was maximized.
        regret: how much each player would gain by the best deviation, in units of its payoffs; computed from
            the payoffs and the distribution alone.
        residual: the largest regret of a player, relative to its payoffs in play: the larger of the means of
            $|u_i(a) - u_i(\mu)|$ with and without the best deviation.
        concept: `"correlated"` or `"coarse"`.
        status: `"solved"` if the residual is within tolerance, otherwise `"not_converged"` or `"failed"`.
        message: one sentence about the solution.
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
            f"CorrelatedEquilibrium ({self.concept}): {self.status}, residual {rounded_text(self.residual)}, "
            f"objective {rounded_text(self.objective)}, payoffs {rounded_text(*self.payoffs)}"
        )
        likeliest = np.argsort(-self.distribution, axis=None, kind="stable")
        played = [
            np.unravel_index(k, self.distribution.shape) for k in likeliest if self.distribution.flat[k] > 0
        ]
        joint = listing([f"({', '.join(map(str, a))}): {rounded_text(self.distribution[a])}" for a in played])
        return "\n  ".join(filter(None, [head, joint and f"joint actions {joint}", self.message]))

    def as_json(self) -> dict[str, Any]:
        """The fields as data for JSON."""
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
    r"""The correlated equilibrium that maximizes a linear objective.

    At a correlated equilibrium no player gains by deviating from a recommended action:

    $\max_\mu \langle c, \mu \rangle$ subject to $\sum_{a_{-i}} \mu(a_i, a_{-i}) \, (u_i(a_i, a_{-i}) - u_i(b,
    a_{-i})) \ge 0$ for every player i and actions $a_i \ne b$.

    Args:
        game: a game of n players; see `payoff_tensor`.
        objective: $c$: `"welfare"`, the sum of all payoffs; the index of a player, for its payoff; an array
            `(A1, ..., An)`, one number per joint action; or `"egalitarian"`, the smallest expected payoff of
            a player.

    Raises:
        ValueError: if the objective is unknown or has the wrong shape.

    Example:
        >>> chicken = ([[6, 2], [7, 0]], [[6, 7], [2, 0]])
        >>> correlated_equilibrium(chicken).distribution.round(6).tolist()
        [[0.5, 0.25], [0.25, 0.0]]

    Source:
        Aumann (1974), "Subjectivity and correlation in randomized strategies"; the names of the objectives
        are those of Greenwald & Hall (2003), "Correlated Q-learning".
    """
    return maximize(payoff_tensor(game), objective, "correlated")


def coarse_correlated_equilibrium(game: Any, objective: Any = "welfare") -> CorrelatedEquilibrium:
    r"""The coarse correlated equilibrium that maximizes a linear objective.

    At a coarse correlated equilibrium no player gains by a fixed action chosen before the recommendation:

    $\max_\mu \langle c, \mu \rangle$ subject to $\sum_a \mu(a) \, (u_i(a) - u_i(b, a_{-i})) \ge 0$ for every
    player i and action b.

    Args:
        game: a game of n players; see `payoff_tensor`.
        objective: as in `correlated_equilibrium`.

    Raises:
        ValueError: if the objective is unknown or has the wrong shape.

    Example:
        >>> float(coarse_correlated_equilibrium(([[6, 2], [7, 0]], [[6, 7], [2, 0]])).payoffs.sum().round(6))
        10.5

    Source:
        Moulin & Vial (1978).
    """
    return maximize(payoff_tensor(game), objective, "coarse")


def payoff_ranges(game: Any, concept: Concept = "correlated") -> Float[np.ndarray, "n_players 2"]:
    """Each player's smallest and largest payoff over all correlated or coarse correlated equilibria.

    Args:
        game: a game of n players; see `payoff_tensor`.
        concept: `"correlated"` or `"coarse"`.

    Returns:
        One row `[smallest, largest]` per player.

    Raises:
        ValueError: if the concept is unknown.
        RuntimeError: if a linear program is not solved.

    Example:
        >>> payoff_ranges(([[3, 0], [0, 2]], [[2, 0], [0, 3]])).round(6).tolist()
        [[1.2, 3.0], [1.2, 3.0]]
    """
    payoffs = payoff_tensor(game)
    if concept not in ("correlated", "coarse"):
        raise ValueError(f"Unknown concept {concept!r}; {nearest(str(concept), ['correlated', 'coarse'])}.")
    rows = []
    for own in payoffs:
        ends = [maximize(payoffs, sign * own, concept) for sign in (-1, 1)]
        if failed := [end.message for end in ends if end.status != "solved"]:
            raise RuntimeError(failed[0])
        rows.append([float((own * end.distribution).sum()) for end in ends])
    return np.array(rows)


def maximize(payoffs: Tensor, objective: Any, concept: Concept) -> CorrelatedEquilibrium:
    """Maximize an objective over the equilibria of a concept, and compute the regrets of the solution."""
    from scipy.optimize import linprog
    from scipy.sparse import hstack, vstack

    rational_actions = np.ix_(*undominated_actions(payoffs))
    played = rational_actions if concept == "correlated" else np.ix_(*map(range, payoffs.shape[1:]))
    own = payoffs[(slice(None), *played)]
    joint: int = own[0].size
    losses = deviation_losses(in_own_units(own), concept)
    egalitarian = isinstance(objective, str) and objective == "egalitarian"
    if egalitarian:  # an additional variable: a lower bound on all expected payoffs
        above = own.reshape(len(own), joint) - np.median(payoffs[(slice(None), *rational_actions)])
        rows = vstack(
            [hstack([losses, np.zeros((losses.shape[0], 1))]), np.hstack([above, -np.ones((len(above), 1))])]
        )
        cost = np.append(np.zeros(joint), -1.0)
    else:
        weights = linear_objective(payoffs, objective)
        rows, cost = losses, (np.median(weights[rational_actions]) - weights[played]).ravel()
    rows, cost, units = equilibrate(rows, cost)
    found: Any = linprog(
        cost,
        A_ub=-rows,
        b_ub=np.zeros(rows.shape[0]),
        A_eq=np.where(np.arange(len(cost)) < joint, units[:joint].min() / units, 0.0)[
            None, :
        ],  # fixes the arbitrary scale of x
        b_eq=[1.0],
        bounds=[(0, None)] * joint + [(None, None)] * (len(cost) - joint),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.x is None:
        no_payoffs = np.full(n_players(payoffs), np.nan)
        no_distribution = np.full(payoffs.shape[1:], np.nan)
        return CorrelatedEquilibrium(
            no_distribution,
            no_payoffs,
            np.nan,
            no_payoffs,
            np.nan,
            concept,
            "failed",
            f"HiGHS: {found.message}",
        )
    candidates = []
    for noise in (NOISE, 0.0):
        distribution = np.zeros(payoffs.shape[1:])
        distribution[played] = np.where(found.x > noise * found.x[:joint].max(), found.x / units, 0.0)[
            :joint
        ].reshape(own.shape[1:])
        distribution /= distribution.sum()
        candidates.append((distribution, *evaluate(payoffs, distribution, concept)))
    distribution, expected, regret, residual = min(candidates, key=lambda candidate: candidate[-1])
    value = expected.min() if egalitarian else (linear_objective(payoffs, objective) * distribution).sum()
    solved = found.status == 0 and residual <= TOLERANCE
    message = (
        ""
        if solved
        else f"HiGHS: {found.message} The largest gain from a deviation is {residual:.1e} of the payoffs in "
        "play."
    )
    return CorrelatedEquilibrium(
        distribution,
        expected,
        float(value),
        regret,
        residual,
        concept,
        "solved" if solved else "not_converged",
        message,
    )


def linear_objective(payoffs: Tensor, objective: Any) -> Distribution:
    """The coefficients of an objective, one per joint action.

    Raises:
        ValueError: if the objective is unknown or has the wrong shape.
    """
    n, names = n_players(payoffs), ["welfare", "egalitarian"]
    if isinstance(objective, str):
        if objective != "welfare":
            raise ValueError(
                f"Unknown objective {objective!r}; {nearest(objective, names)}, a player's index, or one "
                "number per joint action."
            )
        return payoffs.sum(axis=0)
    if isinstance(objective, (int, np.integer)) and not isinstance(objective, bool):
        if not 0 <= objective < n:
            raise ValueError(
                f"The objective is player {objective}'s payoff; this game's players are 0 to {n - 1}."
            )
        return payoffs[objective]
    try:
        weights = np.asarray(objective, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The objective {objective!r} is not a name ({', '.join(names)}), player's index or array of "
            "numbers."
        ) from error
    if weights.shape != payoffs.shape[1:] or not np.isfinite(weights).all():
        raise ValueError(
            f"The objective has shape {weights.shape}; it must have one finite number per joint action, in "
            f"shape {payoffs.shape[1:]}."
        )
    return weights


def deviation_losses(payoffs: Tensor, concept: Concept) -> Any:
    r"""The sparse matrix L of the equilibrium constraints $L \mu \ge 0$, one row per deviation.

    An entry is the payoff that the deviation loses at a joint action. Deviations that never gain are
    omitted.
    """
    from scipy.sparse import coo_matrix, vstack

    joint = np.arange(payoffs[0].size).reshape(payoffs.shape[1:])
    blocks = []
    for player, own in enumerate(payoffs):
        table = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
        size, others = table.shape
        loss = (
            table[:, None, :] - table[None, :, :]
        )  # recommended a, played b, for each joint action of the others
        columns = np.moveaxis(joint, player, 0).reshape(size, 1, others)
        a, b = np.arange(size)[:, None, None], np.arange(size)[None, :, None]
        row = a * size + b if concept == "correlated" else b
        index = [np.broadcast_to(k, loss.shape).ravel() for k in (row, columns)]
        entries = coo_matrix(
            (loss.ravel(), index), shape=(size * size if concept == "correlated" else size, joint.size)
        )
        blocks.append(entries.tocsr())
    matrix: Any = vstack(blocks, format="csr")
    return matrix[matrix.min(axis=1).toarray().ravel() < 0]


def equilibrate(
    rows: Any, cost: Float[np.ndarray, " unknowns"]
) -> tuple[Any, Float[np.ndarray, " unknowns"], Float[np.ndarray, " unknowns"]]:
    """Rescale the rows and columns of a linear program so that the largest entry of each is near 1.

    Without this, the tolerance of the solution would be relative to the largest payoff of the game.

    Returns:
        The scaled rows, the scaled cost, and the factor by which each unknown was multiplied.

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


def evaluate(
    payoffs: Tensor, distribution: Distribution, concept: Concept
) -> tuple[Float[np.ndarray, " n_players"], Float[np.ndarray, " n_players"], float]:
    """Each player's expected payoff and regret, and the residual."""
    rows = evaluate_players(payoffs, distribution, concept)
    expected, regret, units = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return expected, regret, float(np.divide(regret, units, out=np.zeros_like(regret), where=units > 0).max())


def evaluate_players(payoffs: Tensor, distribution: Any, concept: Concept) -> Iterator[tuple[Any, Any, Any]]:
    """Each player's expected payoff and regret, and the unit by which the regret is divided.

    They are computed in rationals if the differences of the payoffs are too small for float64.
    """
    for player, own in enumerate(payoffs):
        table = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
        weight = np.moveaxis(distribution, player, 0).reshape(table.shape)
        base = table.flat[weight.argmax()]
        expected, gain, unit = evaluate_player(table - base, weight, concept)
        if unit and not RELATIVE_RESOLUTION * abs(base) <= unit < np.inf:
            table, weight = (
                rationals(table),
                np.array([Fraction(p) for p in weight.ravel().tolist()], dtype=object).reshape(weight.shape),
            )
            base = rational(base)
            expected, gain, unit = evaluate_player(table - base, weight, concept)
        yield expected + base, gain, unit


def evaluate_player(table: np.ndarray, weight: np.ndarray, concept: Concept) -> tuple[Any, Any, Any]:
    """One player's expected payoff, regret and unit, from a table and weights with own actions in rows."""
    switched = weight @ table.T  # [recommended, played]
    expected = np.trace(switched)
    best = (
        switched.argmax(axis=1)
        if concept == "correlated"
        else np.full(len(table), switched.sum(axis=0).argmax())
    )
    gain = (switched[np.arange(len(table)), best] - switched.diagonal()).sum()
    deviation = abs(table - expected)
    return expected, gain, max((weight * deviation).sum(), (weight * deviation[best]).sum())


def deviation_regrets(
    game: Any, distribution: Any, concept: Concept = "correlated"
) -> Float[np.ndarray, " n_players"]:
    r"""How much each player would gain by the best deviation from a joint distribution.

    Correlated: by the best swap of actions,
    $\sum_a \max_b \sum_{a_{-i}} \mu(a, a_{-i}) (u_i(b, a_{-i}) - u_i(a, a_{-i}))$; coarse: by the best
    single action. For a product of independent strategies both equal the regret of `solvers.payoffs.regrets`.

    Args:
        game: a game of n players; see `payoff_tensor`.
        distribution: $\mu$, `(A1, ..., An)`.
        concept: `"correlated"` or `"coarse"`.

    Example:
        >>> deviation_regrets(([[6, 2], [7, 0]], [[6, 7], [2, 0]]), [[1, 0], [0, 0]]).tolist()
        [1.0, 1.0]
    """
    return evaluate(payoff_tensor(game), np.asarray(distribution, dtype=float), concept)[1]
