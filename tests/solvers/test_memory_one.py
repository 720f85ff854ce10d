import itertools

import numpy as np
import pytest

from games import STRATEGIES, Iterated, MatrixGame, ipd
from solvers.repeated.best_responses import repeated_payoffs
from solvers.repeated.memory_one import is_nash, is_subgame_perfect, memory_one_equilibria
from solvers.repeated.partners import partner_or_rival
from tests.reference.repeated_games import PURE_MEMORY_ONE, per_step_payoffs, random_strategy

NAMES = {
    (0, 0, 0, 0): "alld",
    (1, 0, 0, 0): "grim",
    (1, 0, 1, 0): "tft",
    (1, 0, 0, 1): "wsls",
    (1, 1, 1, 1): "allc",
}
TEMPTED = np.array([[[3.0, 0], [5, 1]], [[3, 5], [0, 1]]])
SWEET = np.array([[[4.0, 0], [5, 1]], [[4, 5], [0, 1]]])
MILD = np.array([[[3.0, 0], [4, 1]], [[3, 4], [0, 1]]])


def symmetric_rules(payoffs, discount, perfect=True):
    """The names of the rules [CC, CD, DC, DD] that both players follow in some equilibrium."""
    found = [
        e.profile[0][1:]
        for e in memory_one_equilibria(payoffs, discount, perfect)
        if (e.profile[0] == e.profile[1]).all()
    ]
    return {NAMES.get(tuple(int(x) for x in rule), str(rule)) for rule in found}


@pytest.mark.parametrize(
    ("payoffs", "discount", "expected"),
    [
        (TEMPTED, 0.3, {"alld"}),
        (TEMPTED, 0.6, {"alld", "grim"}),
        (TEMPTED, 0.9, {"alld", "grim"}),
        (TEMPTED, 0.96, {"alld", "grim"}),
        (ipd(), 0.3, {"alld"}),
        (ipd(), 0.6, {"alld", "grim"}),
        (ipd(), 0.96, {"alld", "grim"}),
        (SWEET, 0.24, {"alld"}),
        (SWEET, 0.26, {"alld", "grim"}),
        (SWEET, 0.32, {"alld", "grim"}),
        (SWEET, 0.34, {"alld", "grim", "wsls"}),
        (MILD, 0.32, {"alld"}),
        (MILD, 0.34, {"alld", "grim"}),
        (MILD, 0.49, {"alld", "grim"}),
        (MILD, 0.51, {"alld", "grim", "wsls"}),
    ],
)
def test_published_symmetric_equilibria(payoffs, discount, expected):
    assert symmetric_rules(payoffs, discount) == expected


def one_shot(profile, payoffs, discount):
    """The largest gain from deviating once, state by state, from values summed over time by an independent model."""
    largest = -np.inf
    for own, other, mine in ((profile[0], profile[1], payoffs[0]), (profile[1], profile[0], payoffs[1].T)):
        both = np.array([mine, np.zeros((2, 2))])

        def ahead(a, b, own=own, other=other, both=both):
            started = [np.r_[p[1 + 2 * x + y], p[1:]] for p, x, y in ((own, a, b), (other, b, a))]
            return per_step_payoffs(both, started, discount)[0] / (1 - discount)

        value = {(a, b): mine[a, b] + discount * ahead(a, b) for a in (0, 1) for b in (0, 1)}
        for row in range(5):
            mirrored = (0, 1, 3, 2, 4)[row]
            q, p = other[mirrored], own[row]
            choices = [q * value[a, 0] + (1 - q) * value[a, 1] for a in (0, 1)]
            largest = max(largest, *(c - p * choices[0] - (1 - p) * choices[1] for c in choices))
    return largest


@pytest.mark.parametrize("discount", [0.2, 0.7, 0.96])
def test_perfection_agrees_with_an_independent_one_shot_deviation(discount):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(25):
        payoffs = rng.integers(0, 6, (2, 2, 2)).astype(float)
        profile = [random_strategy(rng, 5, 0.9), random_strategy(rng, 5, 0.9)]
        verdict = is_subgame_perfect(payoffs, profile, discount)
        gain = one_shot(profile, payoffs, discount)
        assert bool(verdict) == (gain <= 1e-8)
        assert (
            verdict or 1e-8 < verdict.deviation.gain <= gain + 1e-8
        )  # the worst in units of payoffs in play need not be the largest
        seen.add(bool(verdict))
    assert False in seen


@pytest.mark.parametrize("discount", [0.0, 0.4, 0.9, 1.0])
def test_nash_agrees_with_all_pure_deviations(discount):
    rng = np.random.default_rng(1)
    for _ in range(12):
        payoffs = rng.normal(size=(2, 2, 2))
        profile = [random_strategy(rng, 5, 0.8), random_strategy(rng, 5, 0.8)]
        now = per_step_payoffs(payoffs, profile, discount)
        gains = [
            max(
                per_step_payoffs(payoffs, (own, profile[1]) if i == 0 else (profile[0], own), discount)[i]
                for own in PURE_MEMORY_ONE
            )
            - now[i]
            for i in (0, 1)
        ]
        verdict = is_nash(payoffs, profile, discount)
        assert bool(verdict) == (max(gains) <= 1e-8)
        assert verdict or verdict.deviation.gain == pytest.approx(gains[verdict.deviation.player], abs=1e-8)


@pytest.mark.parametrize("check", [is_nash, is_subgame_perfect])
@pytest.mark.parametrize("discount", [0.5, 0.9, 1.0])
def test_certificates_prove_what_they_say(check, discount):
    """The deviating strategy earns more from the history that is named, by an independent model."""
    rng = np.random.default_rng(2)
    for _ in range(10):
        profile = [random_strategy(rng, 5, 0.8), random_strategy(rng, 5, 0.8)]
        verdict = check(TEMPTED, profile, discount)
        if verdict:
            continue
        d = verdict.deviation

        def from_there(own, d=d, profile=profile):
            both = [own if i == d.player else profile[i] for i in (0, 1)]
            if d.after:
                a, b = d.after[0]
                both = [np.r_[p[1 + 2 * x + y], p[1:]] for p, x, y in ((both[0], a, b), (both[1], b, a))]
            return per_step_payoffs(TEMPTED, both, discount)[d.player]

        assert from_there(d.policy) > from_there(profile[d.player]) + 1e-10


def test_enumeration_agrees_with_single_verdicts():
    for discount in (0.55, 1.0):
        found = {tuple(np.concatenate(e.profile)) for e in memory_one_equilibria(TEMPTED, discount)}
        nash = {
            tuple(np.concatenate(e.profile)) for e in memory_one_equilibria(TEMPTED, discount, perfect=False)
        }
        assert found < nash
        rng = np.random.default_rng(3)
        for i, j in rng.integers(0, 32, (40, 2)):
            profile = (PURE_MEMORY_ONE[i], PURE_MEMORY_ONE[j])
            assert (tuple(np.concatenate(profile)) in found) == bool(
                is_subgame_perfect(TEMPTED, profile, discount)
            )
            assert (tuple(np.concatenate(profile)) in nash) == bool(is_nash(TEMPTED, profile, discount))
        for e in memory_one_equilibria(TEMPTED, discount)[::20]:
            np.testing.assert_allclose(e.payoffs, repeated_payoffs(TEMPTED, e.profile, discount))


def test_textbook_verdicts():
    assert is_nash(TEMPTED, ("tft", "tft"), 0.9)  # (T-R)/(R-S) = 2/3
    assert not is_nash(TEMPTED, ("tft", "tft"), 0.66)
    assert not is_subgame_perfect(TEMPTED, ("tft", "tft"), 0.9)
    verdict = is_subgame_perfect(TEMPTED, ("wsls", "wsls"), 0.9)
    assert verdict.deviation.gain == pytest.approx(2 - 0.9 * 2)  # T - R - d (R - P)
    assert verdict.deviation.after in ((), ((0, 0),), ((1, 1),))
    assert verdict.deviation.action == 1


@pytest.mark.parametrize("discount", [0.5, 0.99, 0.999999])
def test_patience_does_not_cost_digits(discount):
    """At (3, 0, 5, 1) the best deviation from a pair of WSLS gains 2 - 2 d."""
    in_play = 5 - 1  # from the temptation to mutual defection, which punishes it
    assert is_subgame_perfect(TEMPTED, ("wsls", "wsls"), discount).gain * in_play == pytest.approx(
        2 - 2 * discount, rel=1e-6
    )


def test_memory_two_and_three_players():
    """Two tits for two tats are a Nash equilibrium of patient players but not perfect; grim in a public good is perfect."""
    forgiving = np.ones(21)
    forgiving[5:] = [
        0.0 if latest in (1, 3) and earlier in (1, 3) else 1.0 for earlier in range(4) for latest in range(4)
    ]
    assert not is_nash(TEMPTED, (forgiving, forgiving), 0.9)  # defecting every other time goes unpunished
    contribution = np.zeros((3, 2, 2, 2))
    for joint in itertools.product(range(2), repeat=3):
        for i in range(3):
            contribution[(i, *joint)] = 2 * (3 - sum(joint)) / 3 - (1 - joint[i])
    grim = np.r_[1.0, 1.0, np.zeros(7)]
    threshold = (4 / 3 - 1) / (4 / 3)  # a defector gets 4/3 once, cooperation is worth 1, its end 0
    for discount, holds in ((threshold - 0.01, False), (threshold + 0.01, True)):
        assert bool(is_subgame_perfect(contribution, [grim] * 3, discount)) == holds
        assert bool(is_nash(contribution, [grim] * 3, discount)) == holds


def akin_partner(p, payoffs, d):
    """The inequalities of Akin (2012) and Hilbe, Traulsen & Sigmund (2015), with discounting: margins, positive for a partner."""
    (r, s), (t, q) = payoffs
    return [
        d * (1 - p[2]) * (r - s) - (t - r) * (1 - d + d * p[3]),
        d * (1 - p[2]) * (r - q) - (t - r) * (1 - d + d * p[4]),
    ]


@pytest.mark.parametrize("discount", [0.6, 0.9, 1.0])
def test_partners_are_those_of_the_inequalities(discount):
    rng = np.random.default_rng(4)
    kinds = []
    for _ in range(60):
        policy = random_strategy(rng, 5, 0.3)
        policy[:2] = 1
        policy[2] *= 0.5
        margins = akin_partner(policy, TEMPTED[0], discount)
        if min(abs(m) for m in margins) > 1e-6:
            kinds.append(min(margins) > 0)
            standing = partner_or_rival(policy, TEMPTED, discount)
            assert (standing.not_partner is None) == kinds[-1]
    assert {True, False} == set(kinds)


@pytest.mark.parametrize("discount", [0.6, 0.9, 1.0])
def test_rivals_are_those_of_the_inequalities(discount):
    """Competitive: never cooperate first nor after DD, and d (p_CD + p_DC) <= 1, Hilbe, Traulsen & Sigmund (2015)."""
    rng = np.random.default_rng(5)
    kinds = []
    for _ in range(60):
        policy = 0.95 * random_strategy(rng, 5, 0.2)
        policy[[0, 4]] *= rng.random(2) < 0.5
        total = discount * (policy[2] + policy[3])
        if abs(total - 1) > 1e-6:
            kinds.append(policy[4] == 0 and total < 1 and (policy[0] == 0 or discount == 1))
            assert (partner_or_rival(policy, TEMPTED, discount).not_rival is None) == kinds[-1]
    assert {True, False} == set(kinds)


def test_named_strategies_stand_where_the_literature_puts_them():
    def kind(name, discount=1.0, payoffs=TEMPTED):
        return partner_or_rival(name, payoffs, discount).kind

    assert kind("alld", 0.9) == kind("extort_2") == "rival"
    assert kind("allc") == kind("random") == "neither"
    assert kind("zdgtft_2") == "partner"
    assert kind("wsls") == "neither"  # 2 R = T + P
    assert kind("wsls", payoffs=SWEET) == "partner"  # 2 R > T + P
    assert kind("grim", 0.9) == "partner"
    assert kind("grim", 0.4) == "neither"
    assert kind("tft", 0.9) == "partner"
    assert kind("tft") == "friendly rival"


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_counterexamples_prove_what_they_say(discount):
    rng = np.random.default_rng(6)
    for _ in range(20):
        policy = random_strategy(rng, 5, 0.5)
        policy[:2] = 1
        standing = partner_or_rival(policy, TEMPTED, discount)
        for proof in (standing.not_partner, standing.not_rival):
            if proof is not None:
                met = sum(
                    w * repeated_payoffs(TEMPTED, (policy, r), discount)
                    for w, r in zip(proof.weights, proof.responses, strict=True)
                )
                np.testing.assert_allclose(met, proof.payoffs, atol=1e-9)
        if standing.not_partner:
            own, other = standing.not_partner.payoffs
            assert own < 3
            assert other >= 3 - 1e-8
        if standing.not_rival:
            own, other = standing.not_rival.payoffs
            assert own < other


def test_mixtures_of_responses_can_prove_that_a_strategy_is_no_partner():
    """Where alternating pays more than cooperation (2R < T+S), an edge of the polygon may offend although no vertex does."""
    alternating = np.array([[[3.0, 0], [8, 1]], [[3, 8], [0, 1]]])
    rng, weighted = np.random.default_rng(7), 0
    for _ in range(150):
        policy = random_strategy(rng, 5, 0.5)
        policy[:2] = 1
        proof = partner_or_rival(policy, alternating, 0.95).not_partner
        if proof is not None and len(proof.responses) == 2:
            weighted += 1
            assert proof.payoffs[1] == pytest.approx(3)
            assert proof.payoffs[0] < 3
    assert weighted > 0


def test_strategies_of_longer_memory_are_judged_too():
    forgiving = np.ones(21)
    assert partner_or_rival(forgiving, TEMPTED, 0.9).kind == "neither"
    grim = np.zeros(21)
    grim[[0, 1, 5]] = 1
    assert partner_or_rival(grim, TEMPTED, 0.9).kind == "partner"
    assert not partner_or_rival(np.r_[1.0, 0.5, np.ones(19)], TEMPTED, 0.9).nice


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: is_nash(TEMPTED, ("tft", "tft")), "without a discount"),
        (lambda: is_nash(TEMPTED, ("tft",), 0.9), "2 strategies"),
        (lambda: is_nash(TEMPTED, ("tft", "tft"), 0.9, -1.0), "tolerance is -1"),
        (lambda: is_subgame_perfect(TEMPTED, ("tft", np.ones(4)), 0.9), "one row per history"),
        (lambda: memory_one_equilibria(np.zeros((2, 3, 3)), 0.9), "2x2"),
        (lambda: partner_or_rival("tft", np.zeros((3, 2, 2, 2)), 0.9), "3 players"),
    ],
)
def test_bad_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_game_is_taken_as_it_stands():
    game = Iterated(MatrixGame.symmetric([[3, 0], [5, 1]]), 0.6)
    assert is_subgame_perfect(game, ("grim", STRATEGIES.make("grim")))
    assert not is_subgame_perfect(game, ("grim", "grim"), 0.4)
