"""Games between finite automata against play step by step, memory-one games, and matches by hand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from games import (
    AUTOMATA,
    STRATEGIES,
    Automaton,
    AutomatonGame,
    automaton,
    axelrod_tournament,
    ipd,
    ipd_axelrod,
)
from games.exact.automata import memory_one_automaton
from games.strategies import policy
from shaping import LEARNERS, Fixed, FixedAutomaton, Lola, Naive, play

C, D = 0, 1
DEFINITIONS = {
    "tit_for_two_tats": lambda own, other: D if other[-2:] == [D, D] else C,
    "two_tits_for_tat": lambda own, other: D if D in other[-2:] else C,
    "hard_tit_for_tat": lambda own, other: D if D in other[-3:] else C,
    "hard_tit_for_two_tats": lambda own, other: D if "11" in "".join(map(str, other[-3:])) else C,
    "alternator": lambda own, other: len(own) % 2,
    "cycler_ccd": lambda own, other: int(len(own) % 3 == 2),
    "prober": lambda own, other: (
        [D, C, C][len(own)] if len(own) < 3 else D if other[1:3] == [C, C] else other[-1]
    ),
    "prober_2": lambda own, other: (
        [D, C, C][len(own)] if len(own) < 3 else C if other[1:3] == [D, C] else other[-1]
    ),
    "prober_3": lambda own, other: [D, C][len(own)] if len(own) < 2 else D if other[1] == C else other[-1],
    "hard_prober": lambda own, other: (
        [D, D, C, C][len(own)] if len(own) < 4 else D if other[1:3] == [C, C] else other[-1]
    ),
}
"""The strategies as functions of both histories, as papers and other libraries define them."""


def test_every_automaton_has_a_definition():
    assert {entry.name for entry in AUTOMATA} == set(DEFINITIONS)


@pytest.mark.parametrize("name", DEFINITIONS)
@given(others=st.lists(st.integers(0, 1), min_size=12, max_size=12))
def test_an_automaton_acts_by_its_definition(name, others):
    machine, state, own = automaton(name), 0, []
    for t, action in enumerate(others):
        expected = DEFINITIONS[name](own, others[:t])
        assert float(machine.probabilities[state]) == (expected == C)
        own.append(expected)
        state = int(machine.successors[state, 2 * expected + action])


def total(one, two, length, payoffs):
    """Both totals of a match played step by step."""
    histories, totals = ([], []), np.zeros(2)
    for _ in range(length):
        a, b = one(*histories), two(*histories[::-1])
        totals += [payoffs[a][b], payoffs[b][a]]
        histories[0].append(a)
        histories[1].append(b)
    return totals


def test_values_are_those_of_matches_played_step_by_step():
    game = axelrod_tournament(length=25)
    names, payoffs = list(DEFINITIONS), [[3, 0], [5, 1]]
    value = jax.jit(lambda params: game.values(params))
    for a, b in itertools.combinations_with_replacement(names, 2):
        found = value((game.policy(automaton(a)), game.policy(automaton(b))))
        np.testing.assert_allclose(found, total(DEFINITIONS[a], DEFINITIONS[b], 25, payoffs), rtol=1e-6)


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_memory_one_automata_have_the_values_of_the_iterated_game(x64, discount):
    tables = np.random.default_rng(0).uniform(0.05, 0.95, (2, 5))
    exact = ipd(discount=discount)
    game = AutomatonGame(exact.stage, discount)
    params = tuple(game.policy(memory_one_automaton(p)) for p in tables)
    logits = tuple(jnp.log(p) - jnp.log1p(-p) for p in tables)
    np.testing.assert_allclose(game.values(params), exact.values(logits), rtol=1e-10)
    np.testing.assert_allclose(game.frequencies(params), exact.frequencies(logits), rtol=1e-10)
    slopes = jax.grad(lambda own: game.values((own, params[1]))[0])(params[0])
    expected = jax.grad(lambda own: exact.values((own, logits[1]))[0])(logits[0])
    np.testing.assert_allclose(slopes["logits"][:5], expected, rtol=1e-8, atol=1e-14)
    assert not slopes["successors"].any()


def test_long_runs_of_deterministic_pairs():
    game = AutomatonGame(ipd_axelrod().stage, 1.0)
    pair = game.policy(automaton("tft")), game.policy(automaton("cycler_ccd"))
    # Tit for tat cooperates after C, C and defects after D: per cycle (C,C), (C,D), (D,C) in some order.
    np.testing.assert_allclose(game.values(pair), [(3 + 0 + 5) / 3, (3 + 5 + 0) / 3], rtol=1e-6)


def test_errors_of_execution_are_those_of_the_trembling_game(x64):
    from games import trembling

    exact = trembling(ipd_axelrod(), 0.05)
    game = AutomatonGame(ipd_axelrod().stage, 1.0, error=0.05)
    for a, b in (("tft", "tft"), ("wsls", "alld"), ("grim", "gtft")):
        found = game.values((game.policy(automaton(a)), game.policy(automaton(b))))
        np.testing.assert_allclose(found, exact.values((policy(a), policy(b))), rtol=1e-9)


def test_learners_and_automata_meet():
    duel = AutomatonGame(ipd().stage, 0.96)
    match = play(duel, [Naive(), FixedAutomaton.named("tf2t")], steps=5, seeds=3)
    assert bool(match.ok.all())
    np.testing.assert_array_equal(
        match.params[1]["successors"][0], duel.policy(automaton("tf2t"))["successors"]
    )
    against_itself = play(duel, [Lola(), Naive()], 3, steps=5, seeds=3)
    exact = play(ipd(), [Lola(), Naive()], 3, steps=5, seeds=3)
    np.testing.assert_allclose(against_itself.values, exact.values, rtol=1e-4)


def test_refusals():
    with pytest.raises(
        ValueError, match=r"'tit_for_two_tats'.*iterated_prisoners_dilemma.*axelrod_tournament"
    ):
        play("ipd", ["tf2t", "naive"], steps=1)
    with pytest.raises(ValueError, match=r"8 states.*at most 5.*states=8"):
        AutomatonGame(ipd().stage, states=5).policy(automaton("htft"))
    with pytest.raises(ValueError, match=r"shape \(1, 2\).*\(1, 4\)"):
        Automaton([1.0], [[0, 0]])
    with pytest.raises(ValueError, match=r"prober_9.*prober"):
        automaton("prober_9")


def test_every_strategy_is_entered_as_a_learner():
    for entry in (*STRATEGIES, *AUTOMATA):
        assert entry.name in LEARNERS
    assert isinstance(LEARNERS.make("prober"), FixedAutomaton)
    assert isinstance(LEARNERS.make("tft"), Fixed)
