import itertools
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linprog

from games import STRATEGIES, Iterated, MatrixGame, ipd, ipd_axelrod
from games.exact.tables import logits
from solvers.payoffs import rationals
from solvers.repeated.best_responses import best_response, repeated_payoffs
from solvers.repeated.histories import as_repeated, history, play
from solvers.repeated.markov_decisions import evaluate, long_run_average, multichain_policy_iteration, solve
from tests.reference.repeated_games import AXELROD, PURE_MEMORY_ONE, per_step_payoffs, random_strategy

LOLA = np.array([[[-1.0, -3], [0, -2]], [[-1, 0], [-3, -2]]])
DISCOUNTS = [0.0, 0.5, 0.96, 0.999, 1.0]


def test_payoffs_known_in_closed_form():
    np.testing.assert_allclose(repeated_payoffs(AXELROD, ("tft", "alld"), 0.9), [0.9, 1.4], atol=1e-14)
    assert repeated_payoffs(AXELROD, ("tft", "tft"), 1.0).tolist() == [3, 3]
    assert repeated_payoffs(AXELROD, ("tft", "suspicious_tft"), 1.0).tolist() == [
        2.5,
        2.5,
    ]  # the chain is periodic and reducible


@pytest.mark.parametrize("discount", DISCOUNTS)
def test_payoffs_agree_with_enumeration_of_histories(discount):
    rng = np.random.default_rng(0)
    for _ in range(10):
        profile = [random_strategy(rng, 5), random_strategy(rng, 5)]
        payoffs = rng.normal(size=(2, 2, 2))
        np.testing.assert_allclose(
            repeated_payoffs(payoffs, profile, discount),
            per_step_payoffs(payoffs, profile, discount),
            atol=1e-10,
        )


def test_payoffs_are_those_of_the_game(x64):
    rng = np.random.default_rng(1)
    for discount in (0.96, 1.0):
        game = ipd(discount=discount)
        profile = [random_strategy(rng, 5, 0), random_strategy(rng, 5, 0)]
        expected = game.per_step(game.values(tuple(logits(jnp.asarray(p)) for p in profile)))
        np.testing.assert_allclose(repeated_payoffs(game, profile), expected, atol=1e-9)


@pytest.mark.parametrize("discount", DISCOUNTS)
@pytest.mark.parametrize("player", [0, 1])
def test_no_pure_or_random_strategy_beats_the_response(player, discount):
    """A best response to a memory-one strategy can be taken memory-one, so that 32 policies are all there is."""
    rng = np.random.default_rng(2)
    for certain in (0.0, 0.5, 1.0):
        payoffs, other = rng.normal(size=(2, 2, 2)), random_strategy(rng, 5, certain)
        response = best_response(payoffs, (other, other), player, discount)

        def earned(own, payoffs=payoffs, other=other):
            return per_step_payoffs(payoffs, (own, other) if player == 0 else (other, own), discount)

        every = np.array([earned(own)[player] for own in PURE_MEMORY_ONE])
        assert response.status == "solved"
        np.testing.assert_allclose(response.value, every.max(), atol=1e-9)
        np.testing.assert_allclose(response.payoffs, earned(response.policy), atol=1e-9)
        assert response.payoffs[player] == pytest.approx(response.value, abs=1e-12)
        assert max(earned(rng.random(5))[player] for _ in range(10)) <= response.value + 1e-9


def started(policy, joint):
    """A memory-one policy of player 0 that begins as if `joint` had just been played."""
    return np.r_[policy[1 + 2 * joint[0] + joint[1]], policy[1:]]


@pytest.mark.parametrize("discount", [0.5, 0.96, 1.0])
def test_every_history_has_its_value(discount):
    rng = np.random.default_rng(3)
    other = random_strategy(rng, 5, 0.6)
    response = best_response(AXELROD, (None, other), 0, discount)
    for joint in itertools.product(range(2), repeat=2):
        seen = started(other, joint[::-1])
        best = max(per_step_payoffs(AXELROD, (own, seen), discount)[0] for own in PURE_MEMORY_ONE)
        assert response.values[1 + 2 * joint[0] + joint[1]] == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_longer_memory(discount):
    """Against a strategy of memory two the response is optimal, and beats or equals those of memory one."""
    rng = np.random.default_rng(4)
    other = random_strategy(rng, 21, 0.5)
    response = best_response(AXELROD, (None, other), 0, discount)
    assert response.policy.shape == (21,)
    assert per_step_payoffs(AXELROD, (response.policy, other), discount, 2)[0] == pytest.approx(
        response.value, abs=1e-9
    )
    for _ in range(60):
        assert (
            per_step_payoffs(AXELROD, (rng.integers(0, 2, 21).astype(float), other), discount, 2)[0]
            <= response.value + 1e-9
        )
    for own in PURE_MEMORY_ONE[::5]:
        assert repeated_payoffs(AXELROD, (own, other), discount)[0] <= response.value + 1e-9


@pytest.mark.parametrize("discount", [0.0, 0.7, 0.96, 1.0])
def test_memory_beyond_the_others_gains_nothing(discount):
    rng = np.random.default_rng(5)
    for _ in range(5):
        other = random_strategy(rng, 5)
        short, long = (best_response(AXELROD, (other, None), 1, discount, memory=k) for k in (1, 3))
        assert short.value == pytest.approx(long.value, abs=1e-10)
        assert (len(short.policy), len(long.policy)) == (5, 85)


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_three_players_and_three_actions(discount):
    rng = np.random.default_rng(6)
    payoffs = rng.normal(size=(3, 2, 3, 2))
    tables = [rng.dirichlet(np.ones(a), size=13) for a in (2, 3, 2)]
    response = best_response(payoffs, (tables[0], None, tables[2]), 1, discount)
    assert response.policy.shape == (13, 3)
    assert set(response.policy.ravel()) == {0.0, 1.0}
    earned = per_step_payoffs(payoffs, (tables[0], response.policy, tables[2]), discount)
    np.testing.assert_allclose(response.payoffs, earned, atol=1e-9)
    for _ in range(40):
        own = np.eye(3)[rng.integers(0, 3, 13)]
        assert per_step_payoffs(payoffs, (tables[0], own, tables[2]), discount)[1] <= response.value + 1e-9


@pytest.mark.parametrize("discount", [0.6, 0.9, 1.0])
def test_textbook_responses(discount):
    assert best_response(AXELROD, (None, "alld"), 0, discount).value == pytest.approx(1.0)
    assert best_response(AXELROD, (None, "allc"), 0, discount).value == pytest.approx(5.0)
    against_tft = max(
        3, (1 - discount) * 5 + discount, (5 + 0 * discount) / (1 + discount)
    )  # cooperate, defect, or alternate
    assert best_response(AXELROD, (None, "tft"), 0, discount).value == pytest.approx(against_tft)


def test_objective_is_what_is_maximized():
    spiteful = best_response(AXELROD, (None, "tft"), 0, 0.9, objective=(0, -1))
    assert spiteful.value == pytest.approx(-0.9)  # always defecting leaves tit for tat .9
    welfare = best_response(AXELROD, ("tft", None), 1, 0.9, objective=(1, 1))
    np.testing.assert_allclose(welfare.payoffs, [3, 3])


def multichain_program(transitions, rewards):
    """The gain of every state by linear programming (Puterman 1994, section 9.3)."""
    actions, states = rewards.shape
    eye = np.eye(states)
    keep = np.concatenate(
        [np.hstack([transitions[a] - eye, np.zeros((states, states))]) for a in range(actions)]
    )
    grow = np.concatenate([np.hstack([-eye, transitions[a] - eye]) for a in range(actions)])
    found = linprog(
        np.r_[np.ones(states), np.zeros(states)],
        A_ub=np.concatenate([keep, grow]),
        b_ub=np.r_[np.zeros(actions * states), -rewards.ravel()],
        bounds=(None, None),
    )
    return found.x[:states]


@settings(max_examples=60)
@given(st.integers(2, 7), st.integers(2, 3), st.integers(0, 10_000), st.floats(0, 1))
def test_average_of_any_chain_structure_agrees_with_linear_programming(states, actions, seed, certain):
    rng = np.random.default_rng(seed)
    spread = rng.dirichlet(np.full(states, 0.4), size=(actions, states))
    jump = np.eye(states)[rng.integers(0, states, (actions, states))]
    transitions = np.where((rng.random((actions, states)) < certain)[..., None], jump, spread)
    rewards = rng.integers(-3, 4, (actions, states)).astype(float)
    decision = solve(transitions, rewards, 1.0)
    np.testing.assert_allclose(decision.values, multichain_program(transitions, rewards), atol=1e-7)
    assert decision.residual < 1e-8


def test_long_run_keeps_the_digits_of_rare_transitions():
    """Two classes of states that exchange visits at rates of 1e-15 and 3e-15: the shares are 3/4 and 1/4."""
    t = np.array([[1 - 1e-15, 1e-15], [3e-15, 1 - 3e-15]])
    np.testing.assert_allclose(long_run_average(t, np.eye(2))[:, 0], 0.75, rtol=1e-12)


@pytest.mark.parametrize("tremble", [1e-6, 1e-9, 1e-12, 1e-15])
@pytest.mark.parametrize("name", ["grim", "tft", "wsls"])
def test_rare_trembles_do_not_mislead_the_patient(name, tremble):
    """The other errs so rarely that one class of histories is left once in 1 / tremble steps."""
    other = STRATEGIES.make(name)
    other = (1 - tremble) * other + tremble * (1 - other)
    response = best_response(AXELROD, (None, other), 0, 1.0)
    assert response.status == "solved"
    assert response.value == pytest.approx(
        max(repeated_payoffs(AXELROD, (own, other), 1.0)[0] for own in PURE_MEMORY_ONE), abs=1e-9
    )


def test_policy_iteration_in_rationals_is_exact():
    transitions = rationals(np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]))
    transitions[1, 0] = [1 - Fraction(1, 10**30), Fraction(1, 10**30)]
    rewards = rationals(np.array([[1, 2], [0, 0]]))
    found = multichain_policy_iteration(transitions, rewards, 0.0)
    assert (found.policy.tolist(), found.residual) == ([1, 0], 0)
    gain, bias = evaluate(transitions[found.policy, [0, 1]], rewards[found.policy, [0, 1]])
    assert gain.tolist() == [2, 2]
    assert bias[1] - bias[0] == 2 * 10**30


def test_histories_are_those_of_the_game():
    assert history(0, (2, 2), 2) == ()
    assert history(4, (2, 3), 1) == ((1, 0),)
    assert history(5 + 4 * 1 + 2, (2, 2), 2) == ((0, 1), (1, 0))
    assert play(as_repeated(ipd()), ("tft", "tft")).rows(1).tolist() == [0, 1, 3, 2, 4]


def test_discount_is_read_as_it_was_written():
    assert as_repeated(ipd()).discount == 0.96
    assert as_repeated(ipd_axelrod()).discount == 1.0
    assert as_repeated(Iterated(MatrixGame.symmetric([[0.1, 0], [1, 2]]), 0.9)).payoffs[0, 0, 0] == 0.1
    assert as_repeated(ipd(), 0.5).discount == 0.5


@pytest.mark.parametrize("name", [entry.name for entry in STRATEGIES])
def test_named_strategies_are_taken(name):
    assert best_response(LOLA, (None, name), 0, 0.96).status == "solved"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((AXELROD, (None, "tft"), 0), "without a discount"),
        ((AXELROD, (None, "tft"), 0, 1.5), "discount is 1.5"),
        ((AXELROD, (None, np.ones(4)), 0, 0.9), "5 .*21 "),
        ((AXELROD, (None, np.full(5, 1.2)), 0, 0.9), r"\[0, 1\]"),
        ((AXELROD, (None, np.full(5, np.nan)), 0, 0.9), r"\[0, 1\]"),
        ((AXELROD, ("tft",), 0, 0.9), "2 strategies"),
        ((AXELROD, ("tft", "tft"), 2, 0.9), "players 0 to 1"),
        ((AXELROD, (None, "tit for two"), 0, 0.9), "'tit for two'"),
        ((AXELROD, (None, "tft"), 0, 0.9, (1, 2, 3)), "finite weight"),
        (([[[1, 2]]], (None,), 0, 0.9), "entry per player"),
        (
            (Iterated(MatrixGame.symmetric([[1, 0], [0, 1]]), [0.5, 0.9]), (None, "tft"), 0),
            "one discount",
        ),
    ],
)
def test_bad_input_is_refused_with_what_is_accepted(arguments, says):
    with pytest.raises(ValueError, match=says):
        best_response(*arguments)
