import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linprog

from solvers.repeated import polygons
from solvers.repeated.histories import Repeated
from solvers.repeated.payoff_sets import equilibrium_payoffs, generate, iterate
from tests.reference.repeated_games import ABREU_SANNIKOV, AXELROD, prisoners_dilemma


def same(first, second, atol=1e-7):
    return polygons.hausdorff(polygons.hull(first), polygons.hull(second)) < atol


def test_published_sets():
    found = equilibrium_payoffs(prisoners_dilemma(9, 1, 10, 3), 0.9)
    assert found.status == "solved"
    assert same(found.inner, [(3, 3), (9.75, 3), (9, 9), (3, 9.75)])
    assert same(found.outer, found.inner)
    assert found.punishments == pytest.approx([3, 3])


def test_every_individually_rational_payoff_is_an_equilibrium_for_the_patient():
    feasible = polygons.hull(AXELROD.reshape(2, -1).T)
    rational = polygons.clip(polygons.clip(feasible, (1, 0), 1), (0, 1), 1)
    assert same(equilibrium_payoffs(AXELROD, 0.8).inner, rational)


def test_cooperation_appears_at_the_threshold_of_grim():
    """(T - R) / (T - P) = 1/2 at (3, 0, 5, 1); above it mutual cooperation is an equilibrium payoff, below it is none."""
    assert polygons.distance(np.array([3.0, 3]), equilibrium_payoffs(AXELROD, 0.4999).outer) > 0.1
    above = equilibrium_payoffs(AXELROD, 0.5001)
    assert polygons.distance(np.array([3.0, 3]), above.inner) < 1e-7
    assert above.slack == 0
    at = equilibrium_payoffs(AXELROD, 0.5)
    assert polygons.distance(np.array([3.0, 3]), at.inner) < 1e-7
    assert at.slack > 0  # no shrunk copy generates itself: the incentive constraint holds with equality


def test_impatient_players_have_the_mixtures_of_stage_equilibria():
    battle = np.array([[[2.0, 0], [0, 1]], [[1, 0], [0, 2]]])
    assert same(equilibrium_payoffs(battle, 0.1).inner, [(2, 1), (1, 2)])
    assert same(equilibrium_payoffs(AXELROD, 0.1).inner, [(1, 1)])


def test_no_pure_equilibrium_is_proven():
    found = equilibrium_payoffs(np.array([[[1.0, -1], [-1, 1]], [[-1, 1], [1, -1]]]), 0.5)
    assert (found.outer.shape, found.status) == ((0, 2), "solved")
    assert "no subgame-perfect equilibrium in pure strategies" in found.message


def support(promised, rules, direction):
    """How far B(W) reaches in a direction, by one linear program per profile of actions (Judd, Yeltekin & Conklin 2003)."""
    d, worst, edges = rules.discount, promised.min(axis=0), polygons.normals(promised)
    reach = []
    for a in np.ndindex(*rules.n_actions):
        now = rules.payoffs[(slice(None), *a)]
        best = np.array([rules.payoffs[0][:, a[1]].max(), rules.payoffs[1][a[0]].max()])
        program = linprog(
            -d * direction,
            A_ub=np.vstack([edges, -d * np.eye(2)]),
            b_ub=np.r_[(promised @ edges.T).max(axis=0), (1 - d) * now - (1 - d) * best - d * worst],
            bounds=(None, None),
        )
        if program.status == 0:
            reach.append((1 - d) * now @ direction - program.fun)
    return max(reach, default=-np.inf)


def test_operator_agrees_with_linear_programs():
    rng = np.random.default_rng(0)
    for actions in ((2, 2), (3, 3), (2, 4)):
        rules = Repeated(rng.random((2, *actions)), 0.6)
        promised = polygons.hull(rules.rewards)
        for _ in range(2):
            onwards = generate(promised, rules)
            for angle in np.linspace(0, 6, 7):
                direction = np.array([np.cos(angle), np.sin(angle)])
                reach = (onwards @ direction).max() if len(onwards) else -np.inf
                assert reach == pytest.approx(support(promised, rules, direction), abs=1e-8)
            promised = onwards if len(onwards) > 2 else promised


def test_inner_hull_generates_itself_by_linear_programs():
    for payoffs, discount in ((prisoners_dilemma(9, 1, 10, 3), 0.6), (ABREU_SANNIKOV, 0.3)):
        found = equilibrium_payoffs(payoffs, discount)
        rules = Repeated(payoffs, discount)
        for normal in polygons.normals(found.inner):
            assert support(found.inner, rules, normal) >= (found.inner @ normal).max() - 1e-7


def test_outer_hull_is_the_limit_of_the_full_operator():
    """The smaller operator R and B, from the hull of all payoffs, end at the same set."""
    rng = np.random.default_rng(1)
    for actions in ((2, 2), (2, 3), (3, 3), (3, 3)):
        rules = Repeated(rng.random((2, *actions)), 0.5)
        limit, _ = iterate(generate, polygons.hull(rules.rewards), rules, 1000)
        found = equilibrium_payoffs(rules.payoffs, 0.5).outer
        assert len(found) == 0 if len(limit) == 0 else polygons.hausdorff(found, limit) < 1e-8


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (2, 3), (3, 3)]), st.sampled_from([0.3, 0.5, 0.7]))
def test_laws(seed, actions, discount):
    """Hulls are nested and close; affine changes and exchanged seats carry over; patience never takes an equilibrium payoff away."""
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(-3, 4, (2, *actions)).astype(float)
    found = equilibrium_payoffs(payoffs, discount)
    assert polygons.one_sided_distance(found.inner, found.outer) < 1e-8
    if found.status == "solved" and len(found.inner):
        scaled = equilibrium_payoffs(
            payoffs * np.array([2.0, 5.0])[:, None, None] + np.array([1.0, -7.0])[:, None, None], discount
        )
        assert same(scaled.outer, found.outer * [2, 5] + [1, -7], 1e-6)
        swapped = equilibrium_payoffs(payoffs[::-1].transpose(0, 2, 1), discount)
        assert same(swapped.outer, found.outer[:, ::-1])
        assert (
            polygons.one_sided_distance(found.inner, equilibrium_payoffs(payoffs, (1 + discount) / 2).outer)
            < 1e-7
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((AXELROD, 0.0), "between 0 and 1"),
        ((AXELROD, 1.0), "between 0 and 1"),
        ((AXELROD,), "without a discount"),
        ((np.zeros((3, 2, 2, 2)), 0.5), "3 players"),
    ],
)
def test_bad_input_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        equilibrium_payoffs(*arguments)
