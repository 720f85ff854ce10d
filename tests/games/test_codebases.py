"""Conventions of other codes: their tables, seats and step sizes in terms of the laboratory."""

import numpy as np
import pytest

from games import CONVENTIONS, STRATEGIES, bibtex, ipd, policy

every_strategy = pytest.mark.parametrize("name", [e.name for e in STRATEGIES])
every_convention = pytest.mark.parametrize("name", [e.name for e in CONVENTIONS])


# Tit for tat as each source writes its two players: probability 1 of what the sigmoid means is "+", 0 is "-".
TIT_FOR_TAT = {
    "sos": ("++-+-", "+++--"),  # start CC CD DC DD, first player's action first
    "lola": ("+-+-+", "++--+"),  # CC CD DC DD start, first player's action first
    "lola_dice": ("-+-+-", "-+-+-"),  # start DD DC CD CC, own action first, probability of D
    "pola": ("-+-++", "--+++"),  # DD DC CD CC start, first player's action first
    "mfos": ("++-+-", "++-+-"),  # start CC CD DC DD, own action first
    "meva": ("+-+-+", "+-+-+"),  # start DD DC CD CC, own action first
    "cola": ("++-+-", "+++--"),  # start CC CD DC DD, first player's action first
    "pax": ("+-+-+", "+-+-+"),  # CC CD DC DD start, own action first
}


@every_convention
@pytest.mark.parametrize("seat", [0, 1])
def test_tit_for_tat_of_every_source_is_tit_for_tat(name, seat):
    written = np.array([1000.0 if sign == "+" else -1000.0 for sign in TIT_FOR_TAT[name][seat]])
    convention = CONVENTIONS.make(name)
    np.testing.assert_array_equal(convention.to_lab(written, seat), policy("tft"))
    np.testing.assert_array_equal(convention.from_lab(policy("tft"), seat), written)


@every_convention
@pytest.mark.parametrize("seat", [0, 1])
def test_conventions_round_trip(name, seat):
    convention = CONVENTIONS.make(name)
    table = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
    np.testing.assert_array_equal(convention.from_lab(convention.to_lab(table, seat), seat), table)
    np.testing.assert_array_equal(convention.to_lab(convention.from_lab(table, seat), seat), table)
    assert bibtex(CONVENTIONS.get(name).citation)


@every_convention
def test_conventions_agree_about_what_is_played(x64, name):
    """The value of two policies in a source's own terms is the laboratory's."""
    convention, rng = CONVENTIONS.make(name), np.random.default_rng(1)
    written = rng.normal(size=(2, 5))
    cooperation = []
    for seat in (0, 1):
        p = 1 / (1 + np.exp(-written[seat]))
        p = p if convention.sigmoid_means == "C" else 1 - p
        by_state = dict(zip(convention.order, p, strict=True))
        mirrored = seat == 1 and convention.own_first
        cooperation.append(
            [by_state[s[::-1] if mirrored and len(s) == 2 else s] for s in ("start", "CC", "CD", "DC", "DD")]
        )
    x, y = np.array(cooperation)  # both in the joint order
    joint = np.stack([x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)], axis=-1)
    ahead = np.linalg.solve(np.eye(4) - 0.96 * joint[1:], np.array([[-1, -1], [-3, 0], [0, -3], [-2, -2.0]]))
    params = tuple(convention.to_lab(written[seat], seat) for seat in (0, 1))
    np.testing.assert_allclose(ipd().values(params), joint[0] @ ahead, rtol=1e-9)


def test_step_sizes_of_sources():
    assert CONVENTIONS.make("meva").lr_to_lab(25.0) == pytest.approx(1.0)
    assert CONVENTIONS.make("lola").lr_to_lab(0.3) == 0.3


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CONVENTIONS.make("lola").to_lab(np.zeros(4), 0), "5 states"),
        (lambda: CONVENTIONS.make("lola").to_lab(np.zeros(5), 2), "seat is 2"),
        (lambda: CONVENTIONS.make("lolla"), "did you mean 'lola'"),
        (lambda: CONVENTIONS.make("meva").lr_to_lab(-1), "lr is -1"),
    ],
)
def test_bad_conversions_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
