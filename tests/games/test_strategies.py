import itertools

import equinox as eqx
import numpy as np
import pytest

from games import CONVENTIONS, STRATEGIES, Iterated, MatrixGame, ipd, ipd_axelrod, policy
from games.exact.tables import logits

pytestmark = pytest.mark.usefixtures("quickly_compiled")

every_strategy = pytest.mark.parametrize("name", [e.name for e in STRATEGIES])
every_convention = pytest.mark.parametrize("name", [e.name for e in CONVENTIONS])

per_step = eqx.filter_jit(lambda game, params: game.per_step(game.values(params)))
AXELROD = [[3, 0], [5, 1]]
DEVIATIONS = np.array(list(itertools.product([0.0, 1.0], repeat=5)))


def pays(first, second, payoffs=AXELROD, discount=1.0):
    """Per-step payoffs of two strategies, given by name or by probabilities."""
    one, other = (policy(s) if isinstance(s, str) else logits(s) for s in (first, second))
    return np.asarray(per_step(Iterated(MatrixGame.symmetric(payoffs), discount), (one, other)))


@pytest.mark.parametrize(
    ("first", "second", "discount", "expected"),
    [
        ("tft", "alld", 0.9, (0.9, 1.4)),  # 0 then 1 for ever; 5 then 1 for ever
        ("tft", "tft", 0.9, (3, 3)),
        ("tft", "suspicious_tft", 1.0, (2.5, 2.5)),  # they take turns
        ("tft", "suspicious_tft", 0.9, (4.5 / 1.9, 5 / 1.9)),  # the suspicious one takes the first turn
        ("tft", "allc", 1.0, (3, 3)),
        ("suspicious_tft", "suspicious_tft", 1.0, (1, 1)),
        ("allc", "alld", 1.0, (0, 5)),
        ("grim", "suspicious_tft", 1.0, (1, 1)),  # trust broken once is gone
        ("grim", "random", 1.0, (3, 0.5)),
        ("random", "random", 1.0, (2.25, 2.25)),
        ("wsls", "alld", 1.0, (0.5, 3)),  # it tries cooperation every other time
        ("wsls", "wsls", 0.9, (3, 3)),
        ("wsls", "suspicious_tft", 1.0, (2, 2)),  # S, P, T round and round
        ("gtft", "alld", 1.0, (2 / 3, 1 / 3 * 5 + 2 / 3)),
        ("gtft", "suspicious_tft", 1.0, (3, 3)),  # forgiveness mends it
        ("extort_2", "extort_2", 1.0, (1, 1)),
        ("zdgtft_2", "zdgtft_2", 1.0, (3, 3)),
    ],
)
def test_strategies_pay_what_theory_says(x64, first, second, discount, expected):
    np.testing.assert_allclose(pays(first, second, discount=discount), expected, rtol=1e-9)


@pytest.mark.parametrize("discount", [0.3, 0.45, 0.499, 0.501, 0.6, 0.96])
@pytest.mark.parametrize("name", ["grim", "tft"])
def test_folk_theorem(x64, name, discount):
    """On (-1, -3, 0, -2), grim and tit for tat sustain cooperation iff the discount is at least 1/2.

    A best response to a memory-one policy may be sought among deterministic memory-one policies.
    """
    payoffs = [[-1, -3], [0, -2]]
    best = max(pays(deviation, name, payoffs, discount)[0] for deviation in DEVIATIONS)
    if discount >= 0.5:
        np.testing.assert_allclose(best, -1, rtol=1e-9)
    else:
        assert best > -1 + 1e-4


@pytest.mark.parametrize("payoffs", [AXELROD, [[-1, -3], [0, -2]], [[4, 0], [5, 1]], [[3, 0], [4, 2]]])
def test_generous_tft_forgives_as_much_as_it_can_afford(x64, payoffs):
    def best_against(policy):
        return max(pays(deviation, policy, payoffs)[0] for deviation in DEVIATIONS)

    gtft = STRATEGIES.make("gtft", payoffs=payoffs)
    np.testing.assert_allclose(best_against(gtft), payoffs[0][0], rtol=1e-9)
    assert best_against(gtft + np.array([0, 0, 0.02, 0, 0.02])) > payoffs[0][0] + 1e-3


def test_published_generosity():
    np.testing.assert_allclose(STRATEGIES.make("gtft"), [1, 1, 1 / 3, 1, 1 / 3])


def test_unequal_discount_and_average_are_told_apart(x64):
    params = (policy("tft"), policy("alld"))
    np.testing.assert_allclose(ipd_axelrod().values(params), [1, 1])
    np.testing.assert_allclose(ipd_axelrod(discount=0.9).values(params), [9, 14], rtol=1e-9)
    np.testing.assert_allclose(ipd().values((policy("grim"), policy("tft"))), [-25, -25], rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: policy("tit_for_tot"), "did you mean 'tit_for_tat'|did you mean 'tft'|accepted"),
        (lambda: policy("gtft", payoffs=[[1, 2], [3, 4]]), "T > R > P > S"),
        (lambda: policy("gtft", payoff=1), "did you mean 'payoffs'"),
        (lambda: policy("random", p=1.5), r"p is 1.5.*\[0, 1\]"),
        (lambda: policy("extortion", chi=0.5), r"chi 0.5.*\[-inf, -4\].*\[1, inf\]"),
        (lambda: policy("extortion", share=2.0), "share is 2"),
    ],
)
def test_bad_settings_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
