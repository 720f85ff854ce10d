"""Payoffs are the numbers that were given, to the last digit, whatever holds them; what is no number is named."""

import json
from decimal import Decimal
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from solvers import read_game, solve
from solvers.files.normal_form import normal_form
from solvers.payoffs import payoff_tensor, rational

BIG = 2**63
DOMINANT = [[BIG, -1], [BIG + 1, -1]], [[1, 0], [1, 0]]
"""The column player's first action is dominant, and against it the row player's second is better by 1: one equilibrium."""

numbers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.fractions(max_denominator=10**6),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
    st.integers(-(10**20), 10**20).map(str),
    st.booleans(),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(np.float32),
    st.integers(0, 2**64 - 1).map(np.uint64),
)


def one_by_one(x):
    """The rational that one number stands for, by Python's own reading of its shortest decimal."""
    return (
        Fraction(str(x))
        if isinstance(x, (float, np.floating))
        else Fraction(int(x))
        if isinstance(x, np.integer)
        else Fraction(x)
    )


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4))
def test_every_entry_is_the_number_that_was_given(rows):
    table = [list(row) for row in rows]
    read = payoff_tensor((table, table), exact=True)
    assert read.tolist() == [[[one_by_one(x) for x in row] for row in table]] * 2


@pytest.mark.parametrize("kind", ["list", "tuple", "objects", "texts", "decimals", "halves", "json", "nfg"])
@pytest.mark.parametrize("method", ["vertex", "support", "lemke_howson", "pure"])
def test_integers_beyond_float64_are_not_rounded(kind, method, tmp_path):
    row, column = DOMINANT
    game = {
        "list": [row, column],
        "tuple": (row, column),
        "objects": np.array([row, column], dtype=object),
        "texts": ([[str(x) for x in r] for r in row], column),
        "decimals": ([[Decimal(x) for x in r] for r in row], column),
        "halves": (row, [[0.5, 0], [0.5, 0.0]]),
    }.get(kind)
    if kind == "json":
        (tmp_path / "big.json").write_text(json.dumps({"payoffs": [row, column]}))
        game = read_game(tmp_path / "big.json")
    if kind == "nfg":
        (tmp_path / "big.nfg").write_text(f'NFG 1 R "" {{ "a" "b" }} {{ 2 2 }} {BIG} 1 {BIG + 1} 1 -1 0 -1 0')
        game = read_game(tmp_path / "big.nfg")
    (only,) = solve(game, method, exact=True)
    assert only.as_json()["profile"] == [[0, 1], [1, 0]]
    assert only.payoffs[0] == BIG + 1


def test_arrays_of_different_types_keep_their_numbers():
    tenth = np.array([[0.1]], np.float32)
    assert payoff_tensor((tenth, np.array([[0.1]])), exact=True).ravel().tolist() == [Fraction(1, 10)] * 2
    assert payoff_tensor((jnp.asarray(tenth), [[2**70]]), exact=True).ravel().tolist() == [
        Fraction(1, 10),
        2**70,
    ]
    unsigned = np.array([[2**64 - 1]], np.uint64), np.array([[-1]])
    assert payoff_tensor(unsigned, exact=True).ravel().tolist() == [2**64 - 1, -1]
    assert payoff_tensor([[jnp.float32(0.1), 2, np.array(0.5)]], exact=True).ravel().tolist() == [
        Fraction(1, 10),
        2,
        Fraction(1, 2),
    ]
    assert normal_form(DOMINANT).payoffs[0, 1, 0] == BIG + 1
    assert payoff_tensor([[1e23, 1e22, 1e-7]], exact=True).ravel().tolist() == [
        10**23,
        10**22,
        Fraction(1, 10**7),
    ]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("1e999999999", "'1e999999999'.*400"),
        ("1e-999999999", "1e-999999999.*400"),
        (Decimal("1e999999999"), "999999999.*400"),
        ("9" * 10**6, "1000000 .*4000"),
        ("1/" + "9" * 5000, "5002 .*4000"),
        ("1/0", "1/0.*0"),
        ("a", "'a'.*decimal"),
        ("nan", "'nan'.*number"),
        (float("nan"), "nan .*finite"),
        (np.float32("inf"), "inf .*finite"),
        (Decimal("NaN"), "NaN.*finite"),
        (Decimal("-Infinity"), "-Infinity.*finite"),
        (None, "None .*payoff"),
        (1j, "1j .*payoff"),
    ],
)
def test_what_is_no_number_is_named(entry, says, exact):
    for game in ([[1, entry]], ([[1.5, entry]], [[0, 2**80]]), np.array([[1, entry]], dtype=object)):
        with pytest.raises(ValueError, match=says):
            payoff_tensor(game, exact)
    with pytest.raises(ValueError, match=says):
        rational(entry)


@pytest.mark.parametrize("entry", ["1e309", 10**400])
def test_what_float64_cannot_hold_is_solved_exactly_or_refused(entry):
    with pytest.raises(ValueError, match=r"1\.8e308"):
        payoff_tensor([[entry, 0]])
    assert payoff_tensor([[entry, 0]], exact=True)[0, 0] == Fraction(entry)
