"""Laws that every outcome obeys: changes of units, exchange of the seats, and lanes computed together or apart."""

import functools

import jax
import numpy as np
import pytest

from analysis import Cell
from analysis.outcomes import OUTCOMES, PlayedMatch
from analysis.outcomes.registry import UNITS
from analysis.outcomes.table import rows_of_matches, stacked, values_of
from games import MatrixGame
from games.exact.iterated import Iterated
from games.strategies import policy
from tests.reference.repeated_games import random_strategy

TABLE = np.array([[3.0, 0.5], [5.0, 1.0]])
ROW, COLUMN = np.array([[3.0, 0.0], [5.0, 1.0]]), np.array([[2.0, 4.0], [1.0, 0.5]])
FAST = [entry for entry in OUTCOMES if not entry.facts["slow"]]
LANES = [entry for entry in FAST if not entry.facts["whole_match"]]


def match_of(stage, params, discount=0.75):
    """A match at these final parameters, with learning curves that lead to its values."""
    game = stage if discount is None else Iterated(stage, discount, 1, "own game")
    with jax.enable_x64(True):
        values = np.asarray(jax.vmap(lambda joint: game.per_step(game.values(joint)))(params)).T.astype(float)
    curves = np.stack([values * 0 + values.mean(), values, values])
    ok, steps = np.ones(values.shape[1], bool), np.array([0, 5, 10])
    return PlayedMatch(Cell(game, ("a", "b"), params, values, values, ok, 10, curves, steps))


def some_params(shape, lanes=6):
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(2, lanes, *shape))
    if shape == (5,):
        drawn[:, 0] = np.asarray(policy("tft"))  # certain strategies too
        drawn[0, 1], drawn[1, 1] = np.asarray(policy("alld")), np.asarray(policy("grim"))
        p = random_strategy(rng, 5)
        drawn[0, 2] = np.where(p == 1, 1000, np.where(p == 0, -1000, p))
    return tuple(drawn)


@functools.cache
def in_units(a, b, discount):
    """The match with payoffs a u + b."""
    params = some_params((1,) if discount is None else (5,))
    return match_of(MatrixGame.symmetric(a * TABLE + b), params, discount)


@functools.cache
def seats_exchanged(exchanged, symmetric):
    """The match of a game, or of the same game with its seats exchanged."""
    first, second = (TABLE, TABLE.T) if symmetric else (ROW, COLUMN)
    params = some_params((5,))
    if exchanged:
        return match_of(MatrixGame.bimatrix(second.T, first.T), params[::-1])
    return match_of(MatrixGame.bimatrix(first, second), params)


def check_change(units, found, changed, a, b, n=2):
    expected = {
        "payoff": lambda: a * found + b,
        "welfare": lambda: a * found + n * b,
        "difference": lambda: a * found,
        "product": lambda: a**n * found,
        "ratio": lambda: found,
        "none": lambda: found,
    }[units]()
    if found.dtype.kind == "U":
        assert found.tolist() == changed.tolist()
    else:
        np.testing.assert_allclose(changed, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("entry", FAST, ids=lambda entry: entry.name)
@pytest.mark.parametrize("discount", [0.75, 1.0, None])
def test_a_change_of_units_changes_outcomes_as_stated(entry, discount):
    assert entry.facts["units"] in UNITS
    found = values_of(in_units(1.0, 0.0, discount), entry)
    for a, b in ((2.0, 0.0), (0.5, 0.0), (2.0, -16.0), (0.25, 4.0)):
        if entry.facts["units"] == "ratio" and b:
            continue
        changed = values_of(in_units(a, b, discount), entry)
        if isinstance(found, str):
            assert changed == found
        else:
            check_change(entry.facts["units"], found, changed, a, b)


@pytest.mark.parametrize("entry", FAST, ids=lambda entry: entry.name)
def test_exchanging_the_seats_exchanges_outcomes(entry):
    for symmetric in (True, False):
        found, swapped = (values_of(seats_exchanged(x, symmetric), entry) for x in (False, True))
        if isinstance(found, str):
            assert swapped == found
        elif entry.facts["labels"]:
            assert swapped[::-1].tolist() == found.tolist()
        else:
            np.testing.assert_allclose(swapped[::-1], found, atol=1e-6)


@pytest.mark.parametrize("entry", LANES, ids=lambda entry: entry.name)
def test_lanes_are_computed_together_as_apart(entry):
    match = in_units(1.0, 0.0, 0.75)
    together, cell = values_of(match, entry), match.cell
    for lane in (0, 3):
        one = cell._replace(
            params=tuple(own[lane : lane + 1] for own in cell.params),
            values=cell.values[:, lane : lane + 1],
            ok=cell.ok[:1],
            curves=cell.curves[..., lane : lane + 1],
        )
        apart = values_of(PlayedMatch(one), entry)
        if entry.facts["labels"]:
            assert apart[:, 0].tolist() == together[:, lane].tolist()
        else:
            np.testing.assert_allclose(apart[:, 0], together[:, lane], atol=1e-12)


def test_matches_are_computed_together_as_apart():
    first = in_units(1.0, 0.0, 0.75)
    second = PlayedMatch(stacked([first.cell, first.cell])._replace(ok=np.arange(12) % 3 > 0))
    together = rows_of_matches([first, second], "game", FAST)
    apart = [*rows_of_matches([first], "game", FAST), *rows_of_matches([second], "game", FAST)]
    for one, other in zip(together, apart, strict=True):
        assert list(one) == list(other)
        for name, value in one.items():
            np.testing.assert_equal(other[name], value) if isinstance(
                value, (str, int)
            ) else np.testing.assert_allclose(other[name], value, atol=1e-12)
