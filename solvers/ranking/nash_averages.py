"""Nash averaging: the skill of agents against the maximum-entropy equilibrium of a zero-sum game."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from solvers.evolution.square_tables import square_table
from solvers.payoffs import payoff_tensor
from solvers.printing import result_text

if TYPE_CHECKING:
    import pandas as pd

ACTIVE = 1e-10
"""Constraints that are violated by less than this, in units of the largest score, count as satisfied."""


@dataclasses.dataclass(frozen=True, eq=False)
class NashAverage:
    """Skills of agents against the maximum-entropy equilibrium.

    Args:
        agents: the equilibrium distribution over agents.
        skill: score of each agent against the equilibrium distribution over tasks (or agents).
        tasks: the equilibrium distribution over tasks; if agents play each other, the same as `agents`.
        difficulty: minus the mean score of the equilibrium distribution over agents on each task; between
            agents the same as `skill`.
        value: the value of the zero-sum game; 0 between agents.
        residual: the largest gain of any agent or task against the equilibrium, over the largest score.
        status: `"solved"` if the residual is at most 1e-8 and the search for the largest entropy converged.
    """

    agents: Float[np.ndarray, " agents"]
    skill: Float[np.ndarray, " agents"]
    tasks: Float[np.ndarray, " tasks"]
    difficulty: Float[np.ndarray, " tasks"]
    value: float
    residual: float
    status: str

    def __repr__(self) -> str:
        rows = {"skill": self.skill, "agents": self.agents}
        if self.tasks is not self.agents:
            rows |= {"difficulty": self.difficulty, "tasks": self.tasks, "value": self.value}
        return result_text(f"NashAverage of {len(self.agents)} agents, {self.status}", rows)

    def to_frame(self, names: Sequence[Any] | None = None) -> "pd.DataFrame":
        """The ranking: `rank` (1 is best, ties share a rank), `agent`, `skill`, `mass`, best first.

        Raises:
            ValueError: if there are too few or too many names.
        """
        import pandas as pd

        if names is not None and len(names) != len(self.skill):
            raise ValueError(f"There are {len(names)} names for {len(self.skill)} agents.")
        frame = pd.DataFrame(
            {
                "agent": range(len(self.skill)) if names is None else names,
                "skill": self.skill,
                "mass": self.agents,
            }
        )
        unit = np.abs(self.skill - self.value).max() or 1.0
        scores = ((frame["skill"] - self.value) / unit).round(7)
        frame.insert(0, "rank", scores.rank(method="min", ascending=False).astype(int))
        return frame.sort_values(["rank", "mass"], ascending=[True, False], kind="stable").reset_index(
            drop=True
        )


def nash_averaging(table: Any) -> NashAverage:
    r"""Nash averaging of agents that play each other.

    The meta-game $A = (T - T^\top) / 2$ is antisymmetric, hence a zero-sum game in which two players choose
    agents. Its equilibrium p of largest entropy is unique, and an agent's skill is $(A p)_i$: 0 for agents in
    the support of p, less for the others. Copies of an agent share its mass equally. If the equilibrium is
    unique, they change no skill; otherwise they shift the maximum of the entropy, and with it the skills of
    agents outside the support.

    In a cross-play table of a game that is not zero-sum, this ranks agents by payoff differences, not by
    joint payoffs. OpenSpiel's `nash_averaging` requires A to be exactly antisymmetric.

    Args:
        table: `[a, b]` is what agent a scores against agent b, such as a cross-play table of mean values; if
            it is antisymmetric, A = T.

    Raises:
        ValueError: for a table that is not square or has an entry that is not a finite number.

    Example:
        >>> nash_averaging([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]).agents.round(6).tolist()
        [0.333333, 0.333333, 0.333333]

    Source:
        Balduzzi, Tuyls, Perolat & Graepel 2018, "Re-evaluating Evaluation", section 4.
    """
    scores = square_table(table)
    return nash_average((scores - scores.T) / 2, between_agents=True)


def nash_averaging_on_tasks(scores: Any) -> NashAverage:
    r"""Nash averaging of agents on tasks.

    Two players choose agents and tasks; the first maximizes the score $S_{at}$, the second minimizes it. The
    equilibrium of largest entropy consists of one distribution p over agents and one, q, over tasks; skill is
    $S q$ and difficulty $-S^\top p$.

    OpenSpiel's `nash_averaging(AvA=False)` solves the game of the antisymmetric matrix $(0, S; -S^\top, 0)$
    instead, whose equilibria are those of S only where the value of S is 0.

    Args:
        scores: `[a, t]` is what agent a scores on task t.

    Raises:
        ValueError: for rows of different length or an entry that is not a finite number.

    Example:
        >>> found = nash_averaging_on_tasks([[3, 1], [1, 3], [0, 0]])
        >>> found.agents.round(6).tolist(), found.skill.round(6).tolist()
        ([0.5, 0.5, 0.0], [2.0, 2.0, 0.0])

    Source:
        Balduzzi, Tuyls, Perolat & Graepel 2018, "Re-evaluating Evaluation", appendix D.
    """
    try:
        matrix = payoff_tensor((scores, scores))[0]
    except ValueError as error:
        raise ValueError(
            "The scores must be a rectangular table of finite numbers, entry [a, t] being agent a's score on "
            "task t."
        ) from error
    return nash_average(matrix, between_agents=False)


def nash_average(scores: Float[np.ndarray, "agents tasks"], between_agents: bool) -> NashAverage:
    """The maximum-entropy equilibrium of a zero-sum game, and the scores of agents and tasks against it."""
    unit = np.abs(scores).max() or 1.0
    game = scores / unit
    rows, columns = essential_actions(game)
    agents, converged = max_entropy(game, rows, columns)
    tasks, tasks_converged = (agents, converged) if between_agents else max_entropy(-game.T, columns, rows)
    value = 0.0 if between_agents else float(agents @ game @ tasks)
    residual = float(max((game @ tasks).max() - value, value - (agents @ game).min()))
    status = "solved" if residual <= 1e-8 and converged and tasks_converged else "not_converged"
    return NashAverage(
        agents, scores @ tasks, tasks, -scores.T @ agents, float(value * unit), residual, status
    )


def essential_actions(
    game: Float[np.ndarray, "rows columns"],
) -> tuple[Bool[np.ndarray, " rows"], Bool[np.ndarray, " columns"]]:
    r"""The rows and the columns that some equilibrium of a zero-sum game plays.

    Some equilibrium is strictly complementary: each action is either played or earns less than the value, not
    both (Goldman & Tucker 1956). The linear program maximizes the smallest margin of these inequalities.
    """
    from scipy.optimize import linprog

    m, n = game.shape
    one = np.ones
    # unknowns: p, q, value, margin
    inequalities = np.block(
        [
            [np.zeros((m, m)), game, -one((m, 1)), np.zeros((m, 1))],  # S q <= v
            [-game.T, np.zeros((n, n)), one((n, 1)), np.zeros((n, 1))],  # S'p >= v
            [-np.eye(m), game, -one((m, 1)), one((m, 1))],  # p + v - S q >= margin
            [-game.T, -np.eye(n), one((n, 1)), one((n, 1))],  # q + S'p - v >= margin
        ]
    )
    sums = np.block([[one((1, m)), np.zeros((1, n + 2))], [np.zeros((1, m)), one((1, n)), np.zeros((1, 2))]])
    bounds = [(0, None)] * (m + n) + [(None, None)] * 2
    found = linprog(
        -np.eye(m + n + 2)[-1],
        inequalities,
        np.zeros(len(inequalities)),
        sums,
        one(2),
        bounds,
        method="highs",
    )
    if found.status != 0:
        raise ValueError(f"The linear program of the equilibrium failed: {found.message}")
    p, q, value = found.x[:m], found.x[m : m + n], found.x[m + n]
    return p > value - game @ q, q > game.T @ p - value


def max_entropy(
    game: Float[np.ndarray, "rows columns"],
    rows: Bool[np.ndarray, " rows"],
    columns: Bool[np.ndarray, " columns"],
) -> tuple[Float[np.ndarray, " rows"], bool]:
    r"""The maximin strategy of largest entropy, $p \propto e^{-C^\top y}$, and whether the search converged.

    It lies on the essential rows; all essential columns give the same score, the other columns no less. An
    active set method adds violated inequalities one by one, and drops those whose multiplier has the wrong
    sign.
    """
    support = game[rows]
    first = int(np.flatnonzero(columns)[0])
    differences = (support - support[:, [first]]).T
    equal, others = differences[columns], differences[~columns]
    binding: list[int] = []
    weights = np.full(len(support), 1 / len(support))
    for _ in range(10 * (len(others) + 1)):
        weights, multipliers = max_entropy_subject_to(np.concatenate([equal, others[binding]]))
        dropped = [k for k, y in zip(binding, multipliers[len(equal) :], strict=True) if y > ACTIVE]
        scores = others @ weights
        if dropped:
            binding.remove(dropped[0])
        elif scores.size and scores.min() < -ACTIVE and int(scores.argmin()) not in binding:
            binding.append(int(scores.argmin()))
        else:
            break
    else:
        return with_zeros(weights, rows), False
    return with_zeros(weights, rows), True


def with_zeros(
    weights: Float[np.ndarray, " essential"], rows: Bool[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """A distribution over the essential rows, with zeros for the other rows."""
    result = np.zeros(len(rows))
    result[rows] = weights
    return result


def max_entropy_subject_to(
    constraints: Float[np.ndarray, "constraints actions"],
) -> tuple[Float[np.ndarray, " actions"], Float[np.ndarray, " constraints"]]:
    r"""$p \propto e^{-C^\top y}$ with $C p = 0$, and y, by Newton's method on $\log \sum e^{-C^\top y}$."""
    u, s, vh = np.linalg.svd(constraints, full_matrices=False)
    kept = s > 1e-9
    basis, y = vh[kept], np.zeros(kept.sum())

    def at(y):
        logits = -basis.T @ y
        top = logits.max()
        weights = np.exp(logits - top)
        return top + np.log(weights.sum()), weights / weights.sum()

    dual, p = at(y)
    for _ in range(200):
        gradient = basis @ p
        if np.abs(gradient).max(initial=0) < 1e-15:
            break
        hessian = (basis * p) @ basis.T - np.outer(gradient, gradient)
        step, size = np.linalg.lstsq(hessian, gradient, rcond=None)[0], 1.0
        while (candidate := at(y + size * step))[0] > dual - 1e-4 * size * (
            gradient @ step
        ) + 1e-15 and size > 1e-10:
            size /= 2
        y, (dual, p) = y + size * step, candidate
    return p, u[:, kept] @ (y / s[kept])
