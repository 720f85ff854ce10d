"""Correlated and coarse correlated equilibria of n-player games, by linear programming."""

import dataclasses
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from games.registry import nearest
from solvers.base import TOLERANCE, Status
from solvers.payoffs import n_players, payoff_range, payoff_tensor

Concept = Literal["correlated", "coarse"]
Tensor = Float[np.ndarray, "n_players *actions"]
Distribution = Float[np.ndarray, "*actions"]


@dataclasses.dataclass(frozen=True)
class CorrelatedEquilibrium:
    """A joint distribution that nobody gains by disobeying, and how nearly so.

    Args:
        distribution: probability of every joint action, `(A1, ..., An)`.
        payoffs: what everybody earns.
        objective: what was maximized.
        regret: what everybody would gain by the best deviation, in payoff units, recomputed from the distribution alone.
        residual: the largest regret over the payoff range.
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

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "concept": self.concept,
            "distribution": self.distribution.tolist(),
            "payoffs": self.payoffs.tolist(),
            "objective": self.objective,
            "residual": self.residual,
            "status": self.status,
        }


def correlated_equilibrium(game: Any, objective: Any = "welfare") -> CorrelatedEquilibrium:
    r"""The best correlated equilibrium by a linear objective (Aumann 1974): nobody told an action gains by another.

    $\max_\mu \langle c, \mu \rangle$ subject to
    $\sum_{a_{-i}} \mu(a_i, a_{-i}) \, (u_i(a_i, a_{-i}) - u_i(b, a_{-i})) \ge 0$ for every player i and actions $a_i \ne b$.

    Args:
        game: what `payoff_tensor` takes, n players.
        objective: `"welfare"`, the sum of payoffs; `"egalitarian"`, the least payoff; a player's index, this player's payoff; or an
            array `(A1, ..., An)`, the worth of every joint action.

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

    $\max_\mu \langle c, \mu \rangle$ subject to $\sum_a \mu(a) \, (u_i(a) - u_i(b, a_{-i})) \ge 0$ for every player i and action b.

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

    joint: int = payoffs[0].size
    losses: Any = obedience(payoffs, concept)
    if worst_off := isinstance(objective, str) and objective == "egalitarian":  # one more variable, a payoff that all exceed
        scale = payoff_range(payoffs)
        rows = (payoffs.reshape(n_players(payoffs), joint) - payoffs.min()) / scale
        bounds = np.hstack([-rows, np.ones((len(rows), 1))])
        gains: Any = vstack([hstack([-losses, np.zeros((losses.shape[0], 1))]), bounds], format="csr")
        cost = np.append(np.zeros(joint), -1.0)
    else:
        worth = linear_objective(payoffs, objective)
        gains, cost = -losses, -(worth - worth.mean()).ravel() / (np.ptp(worth) or 1)
    found: Any = linprog(
        cost,
        A_ub=gains,
        b_ub=np.zeros(gains.shape[0]),
        A_eq=(np.arange(len(cost)) < joint)[None, :].astype(float),
        b_eq=[1.0],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.x is None:
        nothing = np.full(n_players(payoffs), np.nan)
        lost = np.full(payoffs.shape[1:], np.nan)
        return CorrelatedEquilibrium(lost, nothing, np.nan, nothing, np.nan, concept, "failed", f"HiGHS: {found.message}")
    distribution = np.maximum(found.x[:joint], 0).reshape(payoffs.shape[1:])
    distribution /= distribution.sum()
    earned = np.array([(own * distribution).sum() for own in payoffs])
    value = earned.min() if worst_off else (linear_objective(payoffs, objective) * distribution).sum()
    regret = deviation_regrets(payoffs, distribution, concept)
    residual = float(regret.max() / payoff_range(payoffs))
    solved = found.status == 0 and residual <= TOLERANCE
    message = "" if solved else f"HiGHS: {found.message} The largest gain from a deviation is {residual:.1e} of the payoff range."
    return CorrelatedEquilibrium(
        distribution, earned, float(value), regret, residual, concept, "solved" if solved else "not_converged", message
    )


def linear_objective(payoffs: Tensor, objective: Any) -> Distribution:
    """The worth of every joint action.

    Raises:
        ValueError: for a name, an index or a shape that means nothing in this game.
    """
    n, names = n_players(payoffs), ["welfare", "egalitarian"]
    if isinstance(objective, str):
        if objective != "welfare":
            raise ValueError(f"Unknown objective {objective!r}; {nearest(objective, names)}, a player's index, or an array of worths.")
        return payoffs.sum(axis=0)
    if isinstance(objective, (int, np.integer)) and not isinstance(objective, bool):
        if not 0 <= objective < n:
            raise ValueError(f"The objective is player {objective}'s payoff; this game's players are 0 to {n - 1}.")
        return payoffs[objective]
    try:
        worth = np.asarray(objective, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The objective {objective!r} is neither a name ({', '.join(names)}), a player's index nor an array.") from error
    if worth.shape != payoffs.shape[1:] or not np.isfinite(worth).all():
        raise ValueError(
            f"The objective has shape {worth.shape}; it must give every joint action a finite worth, in shape {payoffs.shape[1:]}."
        )
    return worth


def obedience(payoffs: Tensor, concept: Concept) -> Any:
    """The sparse matrix whose products with a distribution, what each deviation would lose, must not be negative.

    Every player's payoffs are in units of their own range, so that one tolerance suits all.
    """
    from scipy.sparse import coo_matrix, vstack

    joint = np.arange(payoffs[0].size).reshape(payoffs.shape[1:])
    blocks = []
    for player, own in enumerate(payoffs):
        table = np.moveaxis(own / (np.ptp(own) or 1), player, 0).reshape(own.shape[player], -1)
        told, others = table.shape
        loss = table[:, None, :] - table[None, :, :]  # told a, plays b, against each of the others' joint actions
        columns = np.moveaxis(joint, player, 0).reshape(told, 1, others)
        a, b = np.arange(told)[:, None, None], np.arange(told)[None, :, None]
        row = a * told + b if concept == "correlated" else b
        index = [np.broadcast_to(k, loss.shape).ravel() for k in (row, columns)]
        entries = coo_matrix((loss.ravel(), index), shape=(told * told if concept == "correlated" else told, joint.size))
        blocks.append(entries.tocsr())
    matrix: Any = vstack(blocks, format="csr")
    matrix.eliminate_zeros()
    return matrix[np.diff(matrix.indptr) > 0]


def deviation_regrets(game: Any, distribution: Any, concept: Concept = "correlated") -> Float[np.ndarray, " n_players"]:
    r"""What everybody would gain by the best deviation from a joint distribution.

    Correlated: by the best swap, $\sum_a \max_b \sum_{a_{-i}} \mu(a, a_{-i}) (u_i(b, a_{-i}) - u_i(a, a_{-i}))$; coarse: by the best
    single action. For a product of independent strategies both are the regret of `solvers.payoffs.regrets`.

    Args:
        game: what `payoff_tensor` takes, n players.
        distribution: $\mu$, `(A1, ..., An)`.
        concept: `"correlated"` or `"coarse"`.

    Example:
        >>> deviation_regrets(([[6, 2], [7, 0]], [[6, 7], [2, 0]]), [[1, 0], [0, 0]]).tolist()
        [1.0, 1.0]
    """
    payoffs, mu = payoff_tensor(game), np.asarray(distribution, dtype=float)
    gains = []
    for player, own in enumerate(payoffs):
        actions = own.shape[player]
        value = np.moveaxis(own, player, 0).reshape(actions, -1)
        weight = np.moveaxis(mu, player, 0).reshape(actions, -1)
        switched = weight @ value.T  # [told, played]
        kept = np.diag(switched)
        gains.append((switched.max(axis=1) - kept).sum() if concept == "correlated" else switched.sum(axis=0).max() - kept.sum())
    return np.array(gains)
