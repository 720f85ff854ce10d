r"""Active equilibria: everybody's way of updating is optimal in the long run, given the others' ways of updating.

The players of a stage game hold mixed strategies from finite grids, see everybody's, and change their own by
update rules; each is paid the expected payoff of every joint policy passed. Given the others' rules one
player faces a decision process whose states are the joint policies and whose actions are its own next
policies, and maximizes the average reward (Kim et al. 2022, without states of an environment). Nash
equilibrium is the case in which the rules leave all policies as they are.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_count
from solvers.repeated.markov_decisions import long_run, solve
from solvers.repeated.policy_grids import PolicyGrid, Rule, joint_chain, policy_grid, rule_on_grid, staying


def active_best_response(
    grid: PolicyGrid, rules: Sequence[Rule], player: int
) -> tuple[Rule, Float[np.ndarray, " states"]]:
    """One player's optimal update rule against the others' rules, by multichain policy iteration, and its average reward by state.

    Args:
        grid: the game on its grid.
        rules: everybody's; the player's own is not used.
        player: who responds.

    Returns:
        A deterministic rule that is optimal from every state, and the average reward it earns from each.

    Raises:
        ValueError: if the decision process would take more than 4 GB, or its solution is not certified by the
            optimality equations.

    Example:
        >>> grid = policy_grid(([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]), 2)
        >>> copy = rule_on_grid(grid, 1, lambda p: p[:, 0])  # the other does next what one does now
        >>> active_best_response(grid, [copy, copy], 0)[1].tolist()
        [-1.0, -1.0, -1.0, -1.0]
    """
    size, choices = len(grid.joint), np.eye(len(grid.probabilities))
    if (needed := 8e-9 * size**2 * len(choices)) > 4:
        raise ValueError(
            f"A grid of {len(choices)} policies each gives a decision process of {needed:.0f} GB; take fewer points."
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
    """Joint policies that are visited for ever.

    Args:
        states: their indices.
        period: 1 for an aperiodic class; above, the policies cycle for ever.
        payoffs: everybody's average reward.
    """

    states: tuple[int, ...]
    period: int
    payoffs: Float[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class ActiveProfile:
    """Everybody's update rules, and who gains by another one.

    Args:
        rules: everybody's.
        gains: everybody's average reward by starting state.
        regrets: what everybody would gain in the long run by another start of its own and another rule, of
            all rules on the grid.
        classes: recurrent classes of the joint chain.
        settled: whether a search for mutual best responses ended in this profile.
        rounds: rounds of best responses of that search.
    """

    rules: tuple[Rule, ...]
    gains: Float[np.ndarray, "states n"]
    regrets: Float[np.ndarray, "states n"]
    classes: tuple[RecurrentClass, ...]
    settled: bool = False
    rounds: int = 0

    def equilibrium_starts(self, tolerance: float = 1e-9) -> Int[np.ndarray, " starts"]:
        """The states from which the rules are an active equilibrium: nobody gains by another start and rule of its own."""
        return np.flatnonzero(self.regrets.max(axis=1) <= tolerance)


def active_profile(grid: PolicyGrid, rules: Sequence[Rule]) -> ActiveProfile:
    r"""Judge a profile of update rules: gains, regrets against every rule on the grid, and recurrent classes with their periods.

    $\rho_i(x, U) = \lim_T \frac1T E \sum_t u_i(x_t)$ with $x_{t+1} \sim U(x_t)$; the profile is an active
    equilibrium from x where $\rho_i(x, U) \ge \rho_i((x_i', x_{-i}), (U_i', U_{-i}))$ for all $i, x_i',
    U_i'$.

    Args:
        grid: the game on its grid.
        rules: everybody's.

    Raises:
        ValueError: for rules that are not made of probabilities.

    Example:
        >>> grid = policy_grid(([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]), 2)
        >>> copying = active_profile(grid, [rule_on_grid(grid, i, lambda p, i=i: p[:, 1 - i]) for i in (0, 1)])
        >>> copying.equilibrium_starts().tolist(), [(c.states, c.period) for c in copying.classes]
        ([3], [((0,), 1), ((1, 2), 2), ((3,), 1)])

    Source: Kim et al. 2022, section 3.
    """
    chain = joint_chain(grid, rules)
    gains = long_run(chain, grid.rewards)
    points, n = len(grid.probabilities), grid.joint.shape[1]
    best = np.stack([active_best_response(grid, rules, player)[1] for player in range(n)], axis=1)
    cube = best.reshape(*(points,) * n, n)
    freest = np.stack(
        [np.broadcast_to(cube[..., i].max(axis=i, keepdims=True), cube.shape[:-1]).ravel() for i in range(n)],
        axis=1,
    )
    return ActiveProfile(
        tuple(rules), gains, np.maximum(freest - gains, 0), recurrent_classes(chain, grid.rewards)
    )


def mutual_best_responses(
    grid: PolicyGrid, rules: Sequence[Rule], rounds: int = 50, tolerance: float = 1e-9
) -> ActiveProfile:
    """Let players in turn replace their rule by a best response until nobody gains from any state, or rounds are spent.

    A rule that is optimal already is kept. The profile found is one of many active equilibria; where the
    search cycles, `settled` is False.

    Args:
        grid: the game on its grid.
        rules: to start from.
        rounds: at most so many rounds, at least 1.
        tolerance: gains that count as none.
    """
    check_count("rounds", rounds)
    current, count, changed = list(rules), 0, True
    while changed and count < rounds:
        count, changed = count + 1, False
        for player in range(len(current)):
            gains = long_run(joint_chain(grid, current), grid.rewards)[:, player]
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
            RecurrentClass(tuple(states), period, long_run(chain[np.ix_(states, states)], rewards[states])[0])
        )
    return tuple(sorted(found, key=lambda c: c.states))


def discretization_error(
    game: Any, updates: Sequence[Callable[[Any], Any]], player: int, points: int = 11
) -> float:
    """How much a best response's average reward changes when every cell of the grid is halved, at most over the coarser grid's states.

    A change, not a bound: a small one says that the grid no longer matters much.

    Args:
        game: what `policy_grid` takes.
        updates: everybody's continuous updates, as `rule_on_grid` takes them.
        player: who responds.
        points: of the coarser grid, at least 2.

    Example:
        >>> coordination = ([[4, 0], [0, 8]], [[4, 0], [0, 8]])
        >>> discretization_error(coordination, [None, lambda p: p[:, 0]], 0, 3)
        0.0
    """
    values = []
    for size in (points, 2 * points - 1):
        grid = policy_grid(game, size)
        n = grid.joint.shape[1]
        rules = [staying(grid, i) if i == player else rule_on_grid(grid, i, updates[i]) for i in range(n)]
        values.append(active_best_response(grid, rules, player)[1].reshape((size,) * n))
    coarse, fine = values
    return float(np.abs(fine[(slice(None, None, 2),) * fine.ndim] - coarse).max())
