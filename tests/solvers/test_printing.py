"""What solutions and games print in a notebook."""

import jax
import jax.numpy as jnp
import pytest

from games import stag_hunt
from solvers import (
    SOLVERS,
    NormalForm,
    correlated_equilibrium,
    iterated_dominance,
    principal_branch,
    pure_equilibria,
    quantal_response,
    solve,
)
from solvers.registry import ORDER

COIN = (("heads", "tails"), ("heads", "tails"))
PENNIES = NormalForm(([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]), "pennies", ("even", "odd"), COIN)


def test_a_solution_prints_its_profile_and_how_far_it_is_from_equilibrium():
    mixed = solve(stag_hunt(), exact=True)[1]
    assert repr(mixed).splitlines() == [
        "Solution: solved, residual 0, payoffs 2, 2",
        "  player 0: action 0: 1/2, action 1: 1/2",
        "  player 1: action 0: 1/2, action 1: 1/2",
    ]


def test_a_set_prints_one_row_per_equilibrium():
    found = solve(stag_hunt())
    head, columns, *rows = repr(found).splitlines()
    assert "3 equilibria by 'vertex'" in head
    assert "complete, not degenerate" in head
    assert columns.split() == ["player", "0", "player", "1", "payoffs", "residual"]
    assert len(rows) == 3
    assert "action 0: 0.5" in rows[1]
    assert found._repr_html_().count("<tr>") == 4


def test_names_of_actions_are_printed_where_the_game_has_them():
    found = solve(PENNIES)
    assert "heads: 0.5, tails: 0.5" in repr(found)
    assert "heads: 0.5, tails: 0.5" in repr(found[0])
    with_bystander = NormalForm(
        PENNIES.payoffs[[0, 1, 0]][..., None], actions=(*COIN, ("watch",)), players=("a", "b", "c")
    )
    assert "player 2: watch: 1" in repr(solve(with_bystander)[0])


def test_an_empty_set_says_why():
    assert repr(pure_equilibria(PENNIES)).startswith("EquilibriumSet: 0 equilibria by 'pure'")
    assert "mixed" in repr(pure_equilibria(PENNIES))


def test_many_equilibria_and_many_actions_are_cut_short():
    found = pure_equilibria(jnp.zeros((2, 7, 7)))
    assert repr(found).splitlines()[-2] == "and 29 more"
    uniform = solve(([[0.0] * 12] * 12, [[0.0] * 12] * 12), "logit")[0]
    assert "and 4 more" in repr(uniform)


def test_a_normal_form_prints_its_names_and_a_small_table():
    lines = repr(PENNIES).splitlines()
    assert lines[0] == "NormalForm 'pennies': even (heads, tails), odd (heads, tails)"
    assert lines[2].split() == ["heads", "1,", "-1", "-1,", "1"]
    assert "<td>heads</td>" in PENNIES._repr_html_()
    cube = NormalForm(jnp.zeros((3, 2, 2, 2)), "<cube>")
    assert "Player 3 (2 actions)" in repr(cube)
    assert "&lt;cube&gt;" in cube._repr_html_()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (lambda: correlated_equilibrium(([[6, 2], [7, 0]], [[6, 7], [2, 0]])), "(0, 0): 0.5, (0, 1): 0.25"),
        (lambda: iterated_dominance(([[3, 0], [5, 1]], [[3, 5], [0, 1]])), "player 1: action 1"),
        (lambda: principal_branch(PENNIES, 2.0), "precision 2 reached"),
        (lambda: quantal_response(PENNIES, [0.0, 2.0]), "solved"),
    ],
)
def test_other_results_print_what_they_are(found, says):
    made = found()
    assert repr(made).startswith(type(made).__name__)
    assert says in repr(made)


def test_a_traced_result_prints_its_shape():
    printed = []

    def traced(payoffs):
        found = quantal_response(payoffs, [1.0, 2.0])
        printed.append(repr(found))
        return found.residual

    jax.eval_shape(traced, jnp.zeros((2, 2, 2)))
    assert printed == ["QuantalResponse: 2 players, precisions float32[2]"]


def test_solvers_are_listed_in_the_declared_order():
    assert tuple(entry.name for entry in SOLVERS) == ORDER
