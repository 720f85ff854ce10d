import itertools
from fractions import Fraction

import jax
import numpy as np
import pytest

from solvers import encounters, fixation_matrix, fixation_probability, log_fixation, simulate_fixation

COORDINATION = [[3, 0], [0, 2]]
TABLES = [[[3, 0], [0, 2]], [[3, 1], [5, 1]], [[1, 4], [2, 1]], [[2, 2], [2, 2]]]
FITNESS = ["fermi", "exponential", "linear"]


@pytest.mark.parametrize(
    ("beta", "probability", "digits"),
    [
        (0.01, 0.0183388902, 9),
        (0.1, 0.0056884163, 8),
        (0.5, 4.520192e-6, 7),
        (1, 3.2066e-10, 5),
        (10, 4.0999e-87, 5),
    ],
)
def test_published_fixation_of_a_coordination_game(beta, probability, digits):
    np.testing.assert_allclose(fixation_probability(COORDINATION, 50, beta), probability, rtol=10.0**-digits)


def test_constant_fitness():
    for r, n in [(1.1, 50), (2.0, 10), (0.5, 30)]:
        exact = (1 - 1 / r) / (1 - r**-n)
        np.testing.assert_allclose(
            fixation_probability([[r, r], [1, 1]], n, fitness="linear"), exact, rtol=1e-12
        )
        np.testing.assert_allclose(
            fixation_probability([[np.log(r)] * 2, [0, 0]], n, fitness="exponential"), exact, rtol=1e-12
        )
    for mutants in range(8):
        np.testing.assert_allclose(
            fixation_probability(COORDINATION, 7, 0.0, mutants=mutants), mutants / 7, atol=1e-15
        )


def earned(table, counts):
    """Mean payoff of every type over encounters with all others."""
    n = sum(counts)
    return [
        sum(table[a][b] * (c - (a == b)) for b, c in enumerate(counts)) / (n - 1) for a in range(len(counts))
    ]


def event(table, counts, intensity, fitness):
    """Probabilities of one individual of type a turning into type b."""
    n, pi = sum(counts), earned(table, counts)
    for a, b in itertools.permutations(range(len(counts)), 2):
        if fitness == "fermi":
            yield a, b, counts[a] / n * counts[b] / n / (1 + np.exp(-intensity * (pi[b] - pi[a])))
        else:
            fit = [
                np.exp(intensity * x) if fitness == "exponential" else 1 - intensity + intensity * x
                for x in pi
            ]
            yield (
                a,
                b,
                counts[a] / n * counts[b] * fit[b] / sum(c * f for c, f in zip(counts, fit, strict=True)),
            )


def absorption(table, population, intensity, fitness):
    """From every composition of the population, who takes over: a dense linear solve of the whole chain."""
    types = len(table)
    states = [s for s in itertools.product(range(population + 1), repeat=types) if sum(s) == population]
    number = {s: k for k, s in enumerate(states)}
    system, ends = np.eye(len(states)), np.zeros((len(states), types))
    for s in states:
        if max(s) == population:
            ends[number[s], s.index(population)] = 1
            continue
        for a, b, p in event(table, s, intensity, fitness):
            if p > 0:
                after = list(s)
                after[a] -= 1
                after[b] += 1
                system[number[s], number[tuple(after)]] -= p
                system[number[s], number[s]] += p
        system[number[s], number[s]] -= 1
    found = np.linalg.solve(system, ends)
    return {s: found[k] for s, k in number.items()}


@pytest.mark.parametrize("fitness", FITNESS)
@pytest.mark.parametrize("table", TABLES)
def test_fixation_is_absorption_of_the_whole_chain(table, fitness):
    for n, intensity in [(2, 0.5), (12, 0.1), (12, 0.8)]:
        expected = absorption(table, n, intensity, fitness)
        found = np.exp(log_fixation(encounters(np.array(table, float), n), intensity, fitness))
        np.testing.assert_allclose(
            found, [expected[i, n - i][0] for i in range(n + 1)], rtol=1e-9, atol=1e-14
        )


def test_payoffs_of_any_frequency_dependence():
    """A public good that pays once three contribute, in rational arithmetic."""
    n, w = 20, Fraction(1, 2)
    payoffs = [[Fraction(3 if j >= 3 else 0) - 1, Fraction(3 if j >= 3 else 0)] for j in range(1, n)]
    fit = [[1 - w + w * (x + 1) for x in row] for row in payoffs]
    products, total = [Fraction(1)], Fraction(1)
    for mutant, resident in fit:
        total *= resident / mutant
        products.append(total)
    expected = [float(sum(products[:i], Fraction(0)) / sum(products)) for i in range(n + 1)]
    found = np.exp(log_fixation(np.array(payoffs, float) + 1, 0.5, "linear"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_laws_far_below_the_smallest_float():
    rng = np.random.default_rng(0)
    for intensity in (0.1, 3.0, 1e4):
        table = rng.normal(size=(2, 2))
        mutants = log_fixation(encounters(table, 30), intensity)
        residents = log_fixation(encounters(table[::-1, ::-1], 30), intensity)
        np.testing.assert_allclose(np.exp(mutants) + np.exp(residents[::-1]), 1, rtol=1e-10)
        lead = np.diff(encounters(table, 30), axis=1).sum()
        np.testing.assert_allclose(
            mutants[1] - residents[1], -intensity * lead, rtol=1e-10, atol=1e-10
        )  # the ratio of fixations
        np.testing.assert_array_equal(log_fixation(encounters(table, 30), intensity, "exponential"), mutants)
        assert (np.diff(mutants) >= 0).all()


def test_matrix_of_all_pairs():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(4, 4))
    found = fixation_matrix(table, 15, 0.7)
    for resident, mutant in itertools.permutations(range(4), 2):
        pair = table[np.ix_([mutant, resident], [mutant, resident])]
        np.testing.assert_allclose(
            np.exp(found[resident, mutant]), fixation_probability(pair, 15, 0.7), rtol=1e-12
        )
    np.testing.assert_allclose(np.exp(np.diag(found)), 1 / 15)


SAMPLES = 4000


def within(sample, expected):
    """Whether frequencies lie within 4.5 standard errors of probabilities."""
    return (
        np.abs(sample.probabilities - expected)
        <= 4.5 * np.sqrt(np.maximum(expected * (1 - expected), 1 / SAMPLES) / SAMPLES)
    ).all()


@pytest.mark.parametrize("fitness", FITNESS)
def test_simulated_populations_fix_as_often_as_they_should(fitness):
    table = np.array([[1.0, 4, 2], [2, 1, 3], [3, 1, 2]])
    expected = absorption(table.tolist(), 6, 0.6, fitness)
    for k, start in enumerate([(2, 2, 2), (4, 1, 1), (3, 3, 0)]):
        sample = simulate_fixation(table, start, jax.random.key(k), SAMPLES, 0.6, fitness)
        assert sample.unfixed == 0
        assert within(sample, expected[start])
        if start[2] == 0:
            assert sample.probabilities[2] == 0
    again = simulate_fixation(table, start, jax.random.key(k), SAMPLES, 0.6, fitness)
    np.testing.assert_array_equal(again.winner, sample.winner)
    assert not within(sample, expected[4, 1, 1])


def test_coexistence_is_counted_and_not_guessed():
    snowdrift = [[0.0, 9, 0], [9, 0, 0], [0, 0, 0]]
    sample = simulate_fixation(snowdrift, (30, 30, 0), jax.random.key(0), SAMPLES, 5.0, max_steps=300)
    assert sample.unfixed == 1
    assert (sample.steps == 300).all()
    assert (sample.winner == -1).all()
    frame = sample.to_frame(["hawk", "dove", "none"])
    assert frame["probability"].sum() + sample.unfixed == 1
    fixed = simulate_fixation(snowdrift, (0, 60, 0), jax.random.key(0), SAMPLES, 5.0)
    assert (fixed.winner == 1).all()
    assert (fixed.steps == 0).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fixation_probability(np.eye(3), 10), "3 types.*two"),
        (lambda: fixation_probability(COORDINATION, 1), "population is 1"),
        (lambda: fixation_probability(COORDINATION, 10, -1), "intensity is -1"),
        (
            lambda: fixation_probability(COORDINATION, 10, 2, "linear"),
            r"intensity is 2.*\[0, 1\]",
        ),
        (
            lambda: fixation_probability([[-3, 0], [0, 1]], 10, 1, "linear"),
            "positive.*intensity",
        ),
        (lambda: fixation_probability(COORDINATION, 10, fitness="moran"), "fitness 'moran'"),
        (lambda: fixation_probability(COORDINATION, 10, mutants=11), "mutants is 11"),
        (lambda: log_fixation(np.zeros((3, 3))), r"shape \(3, 3\)"),
        (lambda: simulate_fixation(COORDINATION, [1, 0], jax.random.key(0)), "at least 2"),
        (lambda: simulate_fixation(COORDINATION, [1.5, 2], jax.random.key(0)), "counts"),
        (lambda: simulate_fixation(COORDINATION, [1, 2, 3], jax.random.key(0)), "2 counts"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
