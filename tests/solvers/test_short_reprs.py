"""What results print: a few short lines with the numbers that matter, and no arrays in full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import solvers
from games import Quadratic, balduzzi, tandem, zero_sum_cycle
from solvers import DYNAMICS, FLOWS
from solvers.repeated.policy_grids import policy_grid, rule_on_grid
from tests.reference.repeated_games import AXELROD, prisoners_dilemma

CYCLE = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
PENNIES = jnp.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
ORIGIN = (jnp.zeros(1), jnp.zeros(1))


def copying_rules():
    grid = policy_grid(AXELROD, 5)
    return solvers.active_profile(grid, [rule_on_grid(grid, i, lambda p, i=i: p[:, 1 - i]) for i in (0, 1)])


def duopoly():
    game = Quadratic([[[-2.0, -1.0], [-1.0, 0.0]], [[0.0, -1.0], [-1.0, -2.0]]], [[12.0, 0.0], [0.0, 12.0]])
    return solvers.stackelberg(game, (jnp.zeros(1), jnp.ones(1)))


RESULTS = {
    "best response": (
        lambda: solvers.best_response(AXELROD, (None, "tft"), 0, 0.9),
        ["player 0", "solved", "3"],
    ),
    "long best response": (
        lambda: solvers.best_response(AXELROD, (None, np.full(341, 0.5)), 0, 0.9),
        ["array (341,) from 0"],
    ),
    "memory-one equilibrium": (lambda: solvers.memory_one_equilibria(AXELROD, 0.6)[0], ["[1, 1, 0, 0, 0]"]),
    "verdict": (
        lambda: solvers.is_subgame_perfect(AXELROD, ("tft", "tft"), 0.9),
        ["no equilibrium", "13.68"],
    ),
    "standing": (lambda: solvers.partner_or_rival("wsls", discount=1.0), ["neither", "2.5 more per step"]),
    "feasible payoffs": (lambda: solvers.feasible_payoffs("tft", discount=1.0), ["2 vertices", "[3, 3]"]),
    "relation": (lambda: solvers.enforced_relation("extort_2", discount=1.0), ["slope 2", "baseline 1"]),
    "extortion": (lambda: solvers.extortion_slope("extort_2"), ["slope 2"]),
    "minimax": (lambda: solvers.minimax(AXELROD, 0), ["value 1", "punishment [0, 1]"]),
    "threshold": (lambda: solvers.grim_threshold(AXELROD, (0, 0)), ["discount 0.5"]),
    "payoff set": (
        lambda: solvers.equilibrium_payoffs(prisoners_dilemma(9, 1, 10, 3), 0.9),
        ["solved", "[9.75, 3]"],
    ),
    "policy grid": (lambda: policy_grid(AXELROD), ["11 policies", "121 joint policies"]),
    "active profile": (copying_rules, ["15 recurrent classes", "period 1"]),
    "alpha-rank": (lambda: solvers.alpha_rank(CYCLE), ["3 profiles", "0.3333"]),
    "Nash average": (lambda: solvers.nash_averaging(CYCLE), ["3 agents, solved", "[0.3333, 0.3333, 0.3333]"]),
    "Nash average on tasks": (
        lambda: solvers.nash_averaging_on_tasks([[3, 1], [1, 3], [0, 0]]),
        ["value       2", "[-2, -2]"],
    ),
    "stability": (
        lambda: solvers.stability([["-1", 4], [0, 2]], ["2/3", "1/3"], exact=True),
        ["evolutionarily stable", "[2/3, 1/3]"],
    ),
    "fixation": (
        lambda: solvers.simulate_fixation(np.zeros((2, 2)), [1, 1], 0, samples=10),
        ["10 populations"],
    ),
    "classification": (lambda: solvers.classify(balduzzi(), ORIGIN, ()), ["stable", "[-1+10j, -1-10j]"]),
    "fixed points": (lambda: solvers.fixed_points(zero_sum_cycle(), 16), ["of 16 starts", "unstable"]),
    "many fixed points": (lambda: solvers.fixed_points(tandem(), 32), ["the first 8", "degenerate"]),
    "fixed point": (lambda: solvers.fixed_points(zero_sum_cycle(), 16)[0], ["unstable", "[1+1j, 1-1j]"]),
    "Stackelberg": (duopoly, ["solved", "[[6], [3]]", "[18, 9]"]),
    "basins": (
        lambda: solvers.basins_of_map(lambda p: (p[0] ** 2, p[1] / 2), [0.5, 2.0], [0.0, 1.0], steps=20),
        ["2 x 2 starts", "[0, 0]", "unresolved"],
    ),
    "learning": (lambda: solvers.learn(PENNIES, DYNAMICS.make("fp")), ["NashConv", "converged"]),
    "evolution": (
        lambda: solvers.evolve(PENNIES, FLOWS.make("replicator"), ([0.9, 0.1], [0.9, 0.1]), [0.0, 1.0]),
        ["last profile", "ok"],
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_print_a_few_lines_of_rounded_numbers(name):
    make, parts = RESULTS[name]
    text = repr(make())
    for part in parts:
        assert part in text
    assert "array(" not in text
    assert len(text.splitlines()) <= 12
    assert max(map(len, text.splitlines())) <= 160


def test_results_print_inside_a_transformation():
    printed = []

    def run(payoffs):
        found = solvers.learn(payoffs, DYNAMICS.make("fp"), steps=2)
        printed.append(repr(found))
        return found.converged

    jax.vmap(run)(jnp.stack([PENNIES, PENNIES]))
    assert "LearningRun" in printed[0]
