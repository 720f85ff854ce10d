import equinox as eqx
import jax
import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from games import STRATEGIES, Iterated, MatrixGame, ipd, ipd_axelrod, policy, zero_determinant
from games.exact.tables import logits
from games.strategies.zero_determinant_lines import chi_range, kappa_range, phi_range
from tests.reference.zero_determinant import (
    AXELROD,
    DONATION,
    IPD,
    PARAMETERS,
    payoffs_against,
    random_opponents,
)


@pytest.mark.parametrize(("chi", "kappa", "phi", "payoffs", "discount"), PARAMETERS)
def test_line_is_enforced_against_anybody(chi, kappa, phi, payoffs, discount):
    p = zero_determinant(chi, kappa, phi, payoffs, discount)
    assert ((p >= 0) & (p <= 1)).all()
    own, other = payoffs_against(p, random_opponents(1000, np.random.default_rng(0)), payoffs, discount).T
    assert np.ptp(other) > 0.05  # the other can choose where on the line
    np.testing.assert_allclose(own - kappa, chi * (other - kappa), atol=1e-9)


@eqx.filter_jit
def per_step(game, p, others):
    """What a policy and many others get of each other."""
    return jax.vmap(lambda q: game.per_step(game.values((p, q))))(others)


@pytest.mark.parametrize(("chi", "kappa", "phi", "payoffs", "discount"), PARAMETERS)
def test_exact_values_lie_on_the_line(x64, chi, kappa, phi, payoffs, discount):
    game = Iterated(MatrixGame.symmetric(payoffs), discount)
    p = logits(zero_determinant(chi, kappa, phi, payoffs, discount))
    own, other = np.asarray(per_step(game, p, logits(random_opponents(1000, np.random.default_rng(1))))).T
    np.testing.assert_allclose(own - kappa, chi * (other - kappa), atol=1e-9)


@settings(max_examples=150)
@given(
    chi=st.one_of(st.floats(1, 20), st.floats(-20, -1)),
    place=st.floats(0, 1),
    share=st.floats(0.01, 0.99),
    discount=st.sampled_from([0.6, 0.8, 0.9, 0.96, 0.999]),
    payoffs=st.sampled_from([AXELROD, IPD, DONATION]),
    seed=st.integers(0, 1000),
)
def test_whatever_is_feasible_works(chi, place, share, discount, payoffs, seed):
    (s_low, r), p = (payoffs[0][1], payoffs[0][0]), payoffs[1][1]
    kappa = p + place * (r - p)
    low, high = phi_range(chi, kappa, payoffs, discount)
    assume(low < high)
    strategy = zero_determinant(chi, kappa, low + share * (high - low), payoffs, discount)
    own, other = payoffs_against(
        strategy, random_opponents(20, np.random.default_rng(seed)), payoffs, discount
    ).T
    np.testing.assert_allclose(
        own - kappa, chi * (other - kappa), atol=1e-9 * max(1, abs(chi)) * (kappa - s_low)
    )


def feasible(chi, kappa, payoffs, discount, start):
    """Whether some phi makes probabilities of all moves, by trying a fine grid of phi and of starts."""
    r, s, t, p = np.asarray(payoffs, float).ravel()
    line = (np.array([r, s, t, p]) - kappa) - chi * (np.array([r, t, s, p]) - kappa)
    for p0 in np.linspace(0, 1, 41) if start is None else [start]:
        phi = np.concatenate([np.linspace(-1, 1, 4001), 1e-6 * np.array([-1, 1])])
        phi = phi[phi != 0]
        moves = (np.array([1, 1, 0, 0]) - (1 - discount) * p0 + phi[:, None] * line) / discount
        if ((moves >= -1e-9) & (moves <= 1 + 1e-9)).all(axis=1).any():
            return True
    return False


@pytest.mark.parametrize("start", [None, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("discount", [0.35, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("payoffs", [AXELROD, IPD])
def test_ranges_agree_with_a_search(payoffs, discount, start):
    """Every pair well inside the stated ranges is found by a search over phi, and none well outside."""
    outside = 0
    for chi in (-5.0, -2.0, -0.5, 0.5, 1.2, 2.0, 6.0):
        for kappa in np.linspace(payoffs[1][1] - 0.5, payoffs[0][0] + 0.5, 7):
            for value, intervals in (
                (kappa, kappa_range(chi, payoffs, discount, start)),
                (chi, chi_range(kappa, payoffs, discount, start)),
            ):
                deep = any(low + 0.05 <= value <= high - 0.05 for low, high in intervals)
                near = any(low - 0.05 <= value <= high + 0.05 for low, high in intervals)
                if deep:
                    low, high = phi_range(chi, kappa, payoffs, discount, start)
                    assert low <= high
                if deep and high - low > 2e-3 and start is not None:
                    assert feasible(chi, kappa, payoffs, discount, start)
                if not near:
                    outside += 1
                    assert phi_range(chi, kappa, payoffs, discount, start)[0] == np.inf
                    assert not feasible(chi, kappa, payoffs, discount, start)
    assert outside > 10


@pytest.mark.parametrize(("chi", "kappa", "discount"), [(3, 1, 1.0), (3, 1, 0.9), (2, 2, 0.8), (-3, 2, 0.95)])
def test_range_of_phi_is_sharp(chi, kappa, discount):
    low, high = phi_range(chi, kappa, AXELROD, discount)
    for phi in (low, high):
        if phi:
            p = zero_determinant(chi, kappa, phi, AXELROD, discount)
            assert min(np.abs(p).min(), np.abs(1 - p).min()) < 1e-9  # one move is at its limit
    for phi in (low - 1e-3, high + 1e-3):
        with pytest.raises(ValueError, match=f"phi {phi:g}.*feasible: phi in"):
            zero_determinant(chi, kappa, phi, AXELROD, discount)


def test_published_strategies():
    np.testing.assert_allclose(zero_determinant(3, 1, 1 / 26)[1:], [11 / 13, 1 / 2, 7 / 26, 0], atol=1e-12)
    np.testing.assert_allclose(
        zero_determinant(2, 1, 1 / 18)[1:], STRATEGIES.make("extort_2")[1:], atol=1e-12
    )
    np.testing.assert_allclose(zero_determinant(2, 3, 1 / 8)[1:], STRATEGIES.make("zdgtft_2")[1:], atol=1e-12)


def test_published_extortion_of_a_cooperator():
    game = ipd_axelrod()
    np.testing.assert_allclose(
        game.values((logits(zero_determinant(3, 1, 1 / 26)), policy("allc"))), [3.7273, 1.9091], atol=1e-4
    )


@pytest.mark.parametrize(
    ("chi", "own", "other"),
    [
        (2, -0.800, -1.400),
        (3, -0.714, -1.571),
        (5, -0.636, -1.727),
        (10, -0.571, -1.857),
        (100, -0.508, -1.985),
        (1e9, -0.5, -2.0),
    ],
)
def test_published_extortion_on_the_dilemma_of_lola(x64, chi, own, other):
    game = ipd(discount=1.0)
    for share in (0.3, 1.0):
        extortioner = policy("extortion", chi=float(chi), share=share, payoffs=IPD)
        np.testing.assert_allclose(game.values((extortioner, policy("allc"))), [own, other], atol=6e-4)


def test_extortion_never_loses_and_generosity_never_wins(x64):
    rng = np.random.default_rng(4)
    for discount in (0.9, 1.0):
        others = random_opponents(200, rng)
        own, other = payoffs_against(
            STRATEGIES.make("extortion", discount=discount), others, AXELROD, discount
        ).T
        assert (own >= other - 1e-9).all()
        assert (other >= 1 - 1e-9).all()
        own, other = payoffs_against(
            STRATEGIES.make("generosity", discount=discount), others, AXELROD, discount
        ).T
        assert (own <= other + 1e-9).all()


def test_start_matters_below_discount_one():
    assert zero_determinant(3, 1, 0.05, discount=0.9)[0] == 0  # extortion must begin with defection
    assert zero_determinant(2, 3, 0.1, discount=0.9)[0] == 1  # generosity with cooperation
    with pytest.raises(
        ValueError,
        match=r"kappa 1 .*discount 0.9.*start 1.*feasible: kappa in \[",
    ):
        zero_determinant(3, 1, 0.05, discount=0.9, start=1.0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((3, 1, 0.2), r"phi in \[0, 0.0769231\]"),
        ((3, 1, -0.1), r"phi in \[0, 0.0769231\]"),
        ((3, 1, 0), "not 0"),
        ((3, 5, 0.1), r"kappa 5 .*kappa in \[1, 3\]"),
        (
            (0.5, 1, 0.1),
            r"chi 0.5 .*chi in \[-inf, -4\] or \[1, inf\]",
        ),
        ((3, 1, 0.05, AXELROD, 0.3), "chi 3 .*kappa 1 .*discount 0.3"),
        ((float("nan"), 1, 0.1), "chi is nan"),
        ((3, float("inf"), 0.1), "kappa is inf"),
        ((3, 1, 0.1, ((1, 2), (3, 4))), "T > R > P > S"),
        ((3, 1, 0.1, ((1, 2), (3,))), "rows.*length"),
        ((3, 1, 0.05, AXELROD, 0.0), "discount is 0"),
        ((3, 1, 0.05, AXELROD, 1.1), "discount is 1.1"),
        ((3, 1, 0.05, AXELROD, 0.9, 1.5), "start is 1.5"),
    ],
)
def test_infeasible_triples_are_told_what_is_feasible(arguments, says):
    with pytest.raises(ValueError, match=says):
        zero_determinant(*arguments)
