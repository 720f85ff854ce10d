r"""Active equilibria: each player's update rule is optimal in the long run, given the others' update rules.

The players of a stage game hold mixed strategies on finite grids. In each step they observe the joint policy,
earn its expected payoff, and change their own policy by an update rule. Given the others' rules, a player
faces a Markov decision process whose states are the joint policies and whose actions are its own next
policies, and maximizes the average reward (Kim et al. 2022, without environment states). If the rules leave
all policies as they are, an active equilibrium is a Nash equilibrium of the stage game.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_count
from solvers.printing import result_text, rounded_text
from solvers.repeated.markov_decisions import long_run_average, solve
from solvers.repeated.policy_grids import (
    PolicyGrid,
    Rule,
    joint_chain,
    keep_policy,
    policy_grid,
    rule_on_grid,
)


def active_best_response(
    grid: PolicyGrid, rules: Sequence[Rule], player: int
) -> tuple[Rule, Float[np.ndarray, " states"]]:
    """One player's optimal update rule against the others' rules, and its average reward from each state.

    Args:
        grid: the game on its grid.
        rules: one per player; the player's own is ignored.
        player: the player that responds.

    Returns:
        A deterministic rule that is optimal from every state, found by multichain policy iteration, and its
        average reward from each state.

    Raises:
        ValueError: if the decision process needs more than 4 GB, or its solution violates the optimality
            equations.

    Example:
        >>> grid = policy_grid(([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]), 2)
        >>> copy = rule_on_grid(grid, 1, lambda p: p[:, 0])  # player 1 copies the policy of player 0
        >>> active_best_response(grid, [copy, copy], 0)[1].tolist()
        [-1.0, -1.0, -1.0, -1.0]
    """
    size, choices = len(grid.joint), np.eye(len(grid.probabilities))
    if (needed := 8e-9 * size**2 * len(choices)) > 4:
        raise ValueError(
            f"A grid of {len(choices)} policies each gives a decision process of {needed:.0f} GB; take fewer "
            "points."
        )
    processes = np.stack(
        [
            joint_chain(
                grid,
                [np.tile(choice, (size, 1)) if seat == player else rule for seat, rule in enumerate(rules)],
            )
            for choice in choices
        ]
    )
    found = solve(processes, np.tile(grid.rewards[:, player], (len(choices), 1)), 1.0)
    if not found.residual <= 1e-6 * (np.ptp(grid.rewards) or 1.0):
        raise ValueError(
            f"Policy iteration ended with a residual of {found.residual:.1e}; take another number of points."
        )
    return choices[found.policy], found.values


@dataclasses.dataclass(frozen=True)
class RecurrentClass:
    """A recurrent class of joint policies.

    Args:
        states: indices of the joint policies.
        period: the period of the class; above 1 the policies cycle.
        payoffs: average reward of each player.
    """

    states: tuple[int, ...]
    period: int
    payoffs: Float[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class ActiveProfile:
    """A profile of update rules, and what each player would gain by another rule.

    Args:
        rules: one per player.
        gains: average reward of each player from each initial state.
        regrets: each player's largest average reward over its own initial policies and all rules on the grid,
            minus `gains`.
        classes: recurrent classes of the Markov chain of joint policies.
        settled: whether a search for mutual best responses converged to this profile.
        rounds: number of rounds of that search; 0 without a search.
    """

    rules: tuple[Rule, ...]
    gains: Float[np.ndarray, "states n"]
    regrets: Float[np.ndarray, "states n"]
    classes: tuple[RecurrentClass, ...]
    settled: bool = False
    rounds: int = 0

    def __repr__(self) -> str:
        rows = {
            f"class {k}": f"{len(c.states)} states, period {c.period}, payoffs {rounded_text(c.payoffs)}"
            for k, c in enumerate(self.classes[:5])
        }
        starts = f"{len(self.equilibrium_starts())} of {len(self.gains)}"
        return result_text(
            f"ActiveProfile of {len(self.rules)} players, {len(self.classes)} recurrent classes",
            {"equilibrium starts": starts, "largest regret": self.regrets.max(), "settled": self.settled}
            | rows,
        )

    def equilibrium_starts(self, tolerance: float = 1e-9) -> Int[np.ndarray, " starts"]:
        """Initial states from which the rules are an active equilibrium: no regret exceeds the tolerance."""
        return np.flatnonzero(self.regrets.max(axis=1) <= tolerance)


def active_profile(grid: PolicyGrid, rules: Sequence[Rule]) -> ActiveProfile:
    r"""Evaluate a profile of update rules: average rewards, regrets on the grid, recurrent classes.

    $\rho_i(x, U) = \lim_T \frac1T E \sum_t u_i(x_t)$ with $x_{t+1} \sim U(x_t)$; the profile is an active
    equilibrium from x where $\rho_i(x, U) \ge \rho_i((x_i', x_{-i}), (U_i', U_{-i}))$ for all $i, x_i',
    U_i'$.

    Args:
        grid: the game on its grid.
        rules: one per player.

    Raises:
        ValueError: for rules with rows that are not probabilities.

    Example:
        >>> grid = policy_grid(([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]), 2)
        >>> rules = [rule_on_grid(grid, i, lambda p, i=i: p[:, 1 - i]) for i in (0, 1)]
        >>> copying = active_profile(grid, rules)
        >>> copying.equilibrium_starts().tolist(), [(c.states, c.period) for c in copying.classes]
        ([3], [((0,), 1), ((1, 2), 2), ((3,), 1)])

    Source:
        Kim et al. 2022, section 3.
    """
    chain = joint_chain(grid, rules)
    gains = long_run_average(chain, grid.rewards)
    points, n = len(grid.probabilities), grid.joint.shape[1]
    best = np.stack([active_best_response(grid, rules, player)[1] for player in range(n)], axis=1)
    by_policies = best.reshape(*(points,) * n, n)
    best_over_own_start = np.stack(
        [
            np.broadcast_to(by_policies[..., i].max(axis=i, keepdims=True), by_policies.shape[:-1]).ravel()
            for i in range(n)
        ],
        axis=1,
    )
    return ActiveProfile(
        tuple(rules),
        gains,
        np.maximum(best_over_own_start - gains, 0),
        recurrent_classes(chain, grid.rewards),
    )


def mutual_best_responses(
    grid: PolicyGrid, rules: Sequence[Rule], rounds: int = 50, tolerance: float = 1e-9
) -> ActiveProfile:
    """Search for mutual best responses: players in turn adopt a best response until none gains.

    A rule that is already optimal is kept. The profile found is one of many active equilibria; if the search
    does not converge within `rounds`, `settled` is False.

    Args:
        grid: the game on its grid.
        rules: initial rules, one per player.
        rounds: the largest number of rounds, at least 1.
        tolerance: the largest gain that counts as 0, in units of payoff.
    """
    check_count("rounds", rounds)
    current, count, changed = list(rules), 0, True
    while changed and count < rounds:
        count, changed = count + 1, False
        for player in range(len(current)):
            gains = long_run_average(joint_chain(grid, current), grid.rewards)[:, player]
            response, best = active_best_response(grid, current, player)
            if np.max(best - gains) > tolerance:
                current[player], changed = response, True
    return dataclasses.replace(active_profile(grid, current), settled=not changed, rounds=count)


def recurrent_classes(
    chain: Float[np.ndarray, "states states"], rewards: Float[np.ndarray, "states n"]
) -> tuple[RecurrentClass, ...]:
    """The recurrent classes of a chain with their periods and average rewards."""
    import networkx as nx

    graph = nx.from_numpy_array(chain > 0, create_using=nx.DiGraph)
    found = []
    for members in nx.attracting_components(graph):
        states = sorted(members)
        depth = nx.single_source_shortest_path_length(graph, states[0])
        period = math.gcd(*(depth[a] + 1 - depth[b] for a in states for b in graph.successors(a)))
        found.append(
            RecurrentClass(
                tuple(states), period, long_run_average(chain[np.ix_(states, states)], rewards[states])[0]
            )
        )
    return tuple(sorted(found, key=lambda c: c.states))


def discretization_error(
    game: Any, updates: Sequence[Callable[[Any], Any]], player: int, points: int = 11
) -> float:
    """The largest change of a best response's average reward when every cell of the grid is halved.

    The maximum is over the states of the coarser grid. It is an estimate of the discretization error, not a
    bound.

    Args:
        game: a game as for `policy_grid`.
        updates: one continuous update per player, as for `rule_on_grid`; that of `player` is ignored.
        player: the player that responds.
        points: number of policies of each player on the coarser grid, at least 2.

    Example:
        >>> coordination = ([[4, 0], [0, 8]], [[4, 0], [0, 8]])
        >>> discretization_error(coordination, [None, lambda p: p[:, 0]], 0, 3)
        0.0
    """
    values = []
    for size in (points, 2 * points - 1):
        grid = policy_grid(game, size)
        n = grid.joint.shape[1]
        rules = [keep_policy(grid, i) if i == player else rule_on_grid(grid, i, updates[i]) for i in range(n)]
        values.append(active_best_response(grid, rules, player)[1].reshape((size,) * n))
    coarse, fine = values
    return float(np.abs(fine[(slice(None, None, 2),) * fine.ndim] - coarse).max())
