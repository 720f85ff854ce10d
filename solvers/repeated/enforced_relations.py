"""Payoffs against a fixed strategy: the feasible polygon, the enforced relation, the extortion slope."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_range
from games.strategies.zero_determinant_lines import AXELROD, COOPERATED, dilemma
from solvers.printing import result_text, rounded_text
from solvers.repeated.histories import Play, Repeated, as_repeated, from_table, play
from solvers.repeated.markov_decisions import solve, values
from solvers.repeated.polygons import Polygon, polygon_from_support

TOURNAMENT = (AXELROD, tuple(zip(*AXELROD, strict=True)))
"""Both players' payoffs in the prisoner's dilemma of Axelrod's tournaments."""
TOLERANCE = 1e-10
"""Tolerance for vertices and relations, in units of the payoff range."""


@dataclasses.dataclass(frozen=True)
class FeasiblePayoffs:
    """The pairs of per-step payoffs that are possible against a fixed strategy.

    Args:
        vertices: `(m, 2)`, own payoff first, counterclockwise; one row is a point, two are a segment.
        responses: for each vertex, a deterministic strategy of the other player that attains it; its
            histories list its own action first.
    """

    vertices: Polygon
    responses: tuple[Float[np.ndarray, "..."], ...]

    def __repr__(self) -> str:
        return result_text(
            f"FeasiblePayoffs (own, other): a polygon of {len(self.vertices)} vertices",
            {
                f"vertex {k}": f"{rounded_text(v)} against {rounded_text(r)}"
                for k, (v, r) in enumerate(zip(self.vertices, self.responses, strict=True))
            },
        )


def feasible_payoffs(strategy: Any, game: Any = TOURNAMENT, discount: float | None = None) -> FeasiblePayoffs:
    r"""The polygon of payoffs `(own, other)` of a fixed strategy against all strategies of the other player.

    $\mathcal{C}(\sigma) = \{(\pi_X(\sigma, \tau), \pi_Y(\sigma, \tau)) : \tau\}$, is a convex polygon; its
    farthest point in a direction is attained by a best response for the payoffs weighted by that direction.
    Against a memory-one strategy of a 2x2 game it has at most 11 vertices.

    Args:
        strategy: the strategy of the player in seat 0, in a form that `best_response` accepts.
        game: a `games.Iterated`, or a stage game of two players; by default the prisoner's dilemma of
            Axelrod's tournaments.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.

    Raises:
        ValueError: for a game of another number of players, and for the reasons given in `best_response`.

    Example:
        >>> feasible_payoffs("tft", discount=1.0).vertices.tolist()
        [[1.0, 1.0], [3.0, 3.0]]

    Source:
        McAvoy & Nowak (2019).
    """
    repeated = as_repeated(game, discount)
    return feasible_payoffs_in_play(play(check_two_players(repeated), (strategy, None), 1))


def check_two_players(repeated: Repeated) -> Repeated:
    """Check that a repeated game has two players, and return it."""
    if repeated.n_players != 2:
        raise ValueError(
            f"The game has {repeated.n_players} players; payoffs against a fixed strategy are a polygon for "
            "2 players."
        )
    return repeated


def feasible_payoffs_in_play(fixed_play: Play) -> FeasiblePayoffs:
    """`feasible_payoffs` of the strategy of player 0 in a `Play` that leaves player 1's strategy open."""
    repeated = fixed_play.game
    transitions, rewards = fixed_play.decision_process(1)
    states, found = np.arange(len(rewards[0])), {}

    def best(direction: np.ndarray) -> np.ndarray:
        policy = solve(transitions, rewards @ direction, repeated.discount).policy
        point = values(transitions[policy, states], rewards[policy, states], repeated.discount)[0]
        found[tuple(direction)] = policy
        return point

    vertices, directions = polygon_from_support(best, TOLERANCE * repeated.scale)
    own = np.argsort(fixed_play.rows(1))
    eye = np.eye(repeated.n_actions[1])
    return FeasiblePayoffs(vertices, tuple(from_table(eye[found[tuple(d)][own]]) for d in directions))


@dataclasses.dataclass(frozen=True)
class Relation:
    r"""A relation $\alpha s_X + \beta s_Y + \gamma = 0$ that a strategy enforces between per-step payoffs.

    Args:
        alpha, beta, gamma: the coefficients, with $\max(|\alpha|, |\beta|) = 1$; the first of $\alpha, \beta$
            that is not 0 is positive.
        zero_determinant: whether the strategy is zero-determinant: its vector lies in the span of the payoffs
            (Press & Dyson 2012). Otherwise the payoffs lie on a line for another reason, as with the strategy
            that always defects.
        phi: the scale $\phi$ with $d\,p - (1,1,0,0) + (1-d) p_0 = \phi (\alpha S_X + \beta S_Y + \gamma)$; 0
            where not zero-determinant.
        residual: the largest distance of feasible payoffs from the line, over the payoff range.
    """

    alpha: float
    beta: float
    gamma: float
    zero_determinant: bool
    phi: float
    residual: float

    def __repr__(self) -> str:
        kind = "zero-determinant" if self.zero_determinant else "not zero-determinant"
        return (
            f"Relation({rounded_text(self.alpha)} s_X + {rounded_text(self.beta)} s_Y + "
            f"{rounded_text(self.gamma)} = 0, slope {rounded_text(self.slope)}, baseline "
            f"{rounded_text(self.baseline)}, {kind})"
        )

    @property
    def slope(self) -> float:
        r"""$\chi = -\beta / \alpha$ in $s_X - \kappa = \chi (s_Y - \kappa)$; infinite if $\alpha = 0$."""
        return -self.beta / self.alpha if self.alpha else np.inf

    @property
    def baseline(self) -> float:
        r"""$\kappa = -\gamma / (\alpha + \beta)$, where the line crosses the diagonal; NaN if it does not."""
        return -self.gamma / (self.alpha + self.beta) if abs(self.alpha + self.beta) > TOLERANCE else np.nan


def enforced_relation(
    strategy: Any, game: Any = TOURNAMENT, discount: float | None = None
) -> Relation | None:
    r"""The linear relation of both players' payoffs that a strategy enforces against any opponent, or None.

    With $v$ the discounted state frequencies, $\langle d\,p - (1,1,0,0) + (1-d) p_0, v \rangle = 0$ against
    any opponent. The relation is enforced if that vector equals $\phi (\alpha S_X + \beta S_Y + \gamma)$.
    Otherwise the payoffs can still lie on a line, which is decided by the polygon of feasible payoffs.

    Args:
        strategy: the strategy of the player in seat 0, in a form that `best_response` accepts.
        game: a `games.Iterated`, or a stage game of two players; by default the prisoner's dilemma of
            Axelrod's tournaments.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.

    Returns:
        The relation; None if the feasible payoffs are two-dimensional or a single point.

    Raises:
        ValueError: for a game of another number of players, and for the reasons given in `best_response`.

    Example:
        >>> relation = enforced_relation("extort_2", discount=1.0)
        >>> round(relation.slope, 9), round(relation.baseline, 9), relation.zero_determinant
        (2.0, 1.0, True)

    Source:
        Press & Dyson (2012); Hilbe, Traulsen & Sigmund (2015) with discounting.
    """
    repeated = check_two_players(as_repeated(game, discount))
    fixed_play = play(repeated, (strategy, None), 1)
    vertices = feasible_payoffs_in_play(fixed_play).vertices
    if fixed_play.memory == 1 and repeated.n_actions == (2, 2):
        table = fixed_play.tables[0]
        assert table is not None
        found = zero_determinant_coefficients(table[:, 0], repeated, repeated.discount)
        if found is not None:
            return normalized_relation(*found, True, vertices, repeated.scale)
    if len(vertices) != 2:
        return None
    (x, y), (u, v) = vertices
    return normalized_relation(np.array([v - y, x - u, u * y - x * v]), 0.0, False, vertices, repeated.scale)


def akin_vector(policy: Float[np.ndarray, " 5"], discount: float) -> Float[np.ndarray, " 4"]:
    r"""The vector $d\,p - (1,1,0,0) + (1-d) p_0$, orthogonal to the state frequencies (Akin 2012)."""
    return discount * policy[1:] - COOPERATED + (1 - discount) * policy[0]


def zero_determinant_coefficients(
    policy: Float[np.ndarray, " 5"], repeated: Repeated, discount: float
) -> tuple[np.ndarray, float] | None:
    r"""$(\alpha, \beta, \gamma)$ and $\phi = 1$ with $v = \phi (\alpha S_X + \beta S_Y + \gamma)$, or None.

    v is the `akin_vector` of the strategy.
    """
    vector = akin_vector(policy, discount)
    unit = np.abs(vector).max()
    payoffs = repeated.rewards / repeated.scale
    basis = np.column_stack([payoffs, np.ones(4)])
    found = np.linalg.lstsq(basis, vector, rcond=None)[0]
    if (
        unit <= TOLERANCE
        or np.abs(basis @ found - vector).max() > TOLERANCE * unit
        or np.abs(found[:2]).max() <= TOLERANCE * unit
    ):
        return None
    found[:2] /= repeated.scale
    return found, 1.0


def normalized_relation(
    coefficients: Float[np.ndarray, " 3"], phi: float, zero_determinant: bool, vertices: Polygon, scale: float
) -> Relation:
    """The relation with normalized coefficients, and its residual at the vertices of the feasible payoffs."""
    largest = np.abs(coefficients[:2]).max()
    coefficients = np.where(np.abs(coefficients) < 1e-13 * largest, 0.0, coefficients)
    first = coefficients[np.flatnonzero(coefficients[:2])[0]]
    unit = largest * np.sign(first)
    alpha, beta, gamma = (coefficients / unit + 0.0).tolist()
    residual = float(np.abs(vertices @ [alpha, beta] + gamma).max()) / scale
    return Relation(alpha, beta, gamma, zero_determinant, float(phi * unit), residual)


@dataclasses.dataclass(frozen=True)
class Extortion:
    r"""The least-squares fit of an extortionate relation to a strategy.

    Args:
        slope: $\chi = -\beta / \alpha$; above 1 the strategy extorts, if the residual is small.
        alpha, beta: the fitted coefficients of $S_X - P$ and $S_Y - P$.
        residual: the sum of squared errors, 0 for an extortionate strategy; the SSE of Knight et al.
    """

    slope: float
    alpha: float
    beta: float
    residual: float

    def __repr__(self) -> str:
        return f"Extortion(slope {rounded_text(self.slope)}, residual {rounded_text(self.residual)})"


def extortion_slope(policy: Any, payoffs: Any = AXELROD, discount: float = 1.0) -> Extortion:
    r"""Fit an extortionate relation to a strategy by least squares.

    $\min_{\alpha, \beta} \left\| \tilde p - \alpha (S_X - P) - \beta (S_Y - P) \right\|^2$ with $\tilde p = p
    - (1, 1, 0, 0)$ in the order CC, CD, DC, DD; with discounting, $\tilde p = d\,p - (1, 1, 0, 0) + (1-d)
    p_0$.

    Args:
        policy: probabilities of cooperation `[start, CC, CD, DC, DD]`, own action first, for instance
            frequencies measured in play; or a name in `games.STRATEGIES`.
        payoffs: own payoffs `[[R, S], [T, P]]` of a symmetric prisoner's dilemma.
        discount: in (0, 1]; 1, the default, is the published measure.

    Raises:
        ValueError: for payoffs that are not a prisoner's dilemma, or numbers that are not probabilities.

    Example:
        >>> fit = extortion_slope("extort_2")
        >>> round(fit.slope, 9), round(fit.residual, 9)
        (2.0, 0.0)

    Source:
        Knight, Harper, Glynatsi & Gillard (2024).
    """
    check_range("discount", discount, 1e-12, 1.0)
    own, other = dilemma(payoffs)
    repeated = Repeated(np.stack([own, other]).reshape(2, 2, 2), discount)
    fixed_play = play(repeated, (policy, None), 1)
    table = fixed_play.tables[0]
    if table is None or fixed_play.memory != 1:
        raise ValueError(
            "The strategy remembers more than one joint action; give the five probabilities [start, CC, CD, "
            "DC, DD]."
        )
    target = akin_vector(table[:, 0], discount)
    basis = np.column_stack([own - own[3], other - own[3]])
    alpha, beta = np.linalg.lstsq(basis, target, rcond=None)[0]
    errors = target - basis @ [alpha, beta]
    slope = -beta / alpha if abs(alpha) > 1e-14 * max(abs(beta), 1e-300) else np.nan
    return Extortion(float(slope), float(alpha), float(beta), float(errors @ errors))
