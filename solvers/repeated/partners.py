"""Partners and rivals in the repeated prisoner's dilemma, with an opponent as proof of a negative answer."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.printing import result_text
from solvers.repeated.enforced_relations import TOURNAMENT, check_two_players, feasible_payoffs_in_play
from solvers.repeated.histories import as_repeated, play
from solvers.repeated.polygons import Polygon

MARGIN = 1e-9
"""Payoffs closer than this, in units of the payoff range, count as equal."""


@dataclasses.dataclass(frozen=True)
class Counterexample:
    """An opponent that proves that a strategy is not a partner, or not a rival.

    Args:
        reason: one sentence that states the violated condition.
        responses: deterministic strategies of the opponent, its own action first; empty if the strategy is
            not nice.
        weights: the probability with which the opponent plays each response for the whole match; usually one
            response with probability 1.
        payoffs: per-step payoffs `(own, other)` of the match.
    """

    reason: str
    responses: tuple[Float[np.ndarray, "..."], ...]
    weights: tuple[float, ...]
    payoffs: Float[np.ndarray, " 2"]

    def __repr__(self) -> str:
        return result_text(
            f"Counterexample: {self.reason}",
            {"responses": self.responses, "weights": self.weights, "payoffs": self.payoffs},
        )


@dataclasses.dataclass(frozen=True)
class Standing:
    """Whether a strategy is a partner, a rival, or neither.

    Args:
        kind: `"partner"`, `"rival"`, `"friendly rival"` (both) or `"neither"`.
        nice: whether the strategy is never the first to defect.
        not_partner: proof that the strategy is not a partner; None if it is one.
        not_rival: proof that the strategy is not a rival; None if it is one.
        feasible: vertices of the polygon of payoffs `(own, other)` that are feasible with the strategy.
    """

    kind: str
    nice: bool
    not_partner: Counterexample | None
    not_rival: Counterexample | None
    feasible: Polygon

    def __repr__(self) -> str:
        return result_text(
            f"Standing: {self.kind}",
            {
                "nice": self.nice,
                "not partner": None if self.not_partner is None else self.not_partner.reason,
                "not rival": None if self.not_rival is None else self.not_rival.reason,
                "feasible (own, other)": self.feasible,
            },
        )


def partner_or_rival(strategy: Any, game: Any = TOURNAMENT, discount: float | None = None) -> Standing:
    r"""Whether a strategy is a partner, a rival, both or neither, against opponents of any memory.

    Let $\pi_X$ be the strategy's payoff, $\pi_Y$ the opponent's, and R the payoff of mutual cooperation. A
    *partner* is nice (never the first to defect), and $\pi_X < R$ implies $\pi_Y < R$. A *rival* never gets
    less than its opponent, $\pi_X \ge \pi_Y$. Both properties are decided at the vertices of the polygon of
    feasible payoffs, which the opponent reaches by best responses to weighted payoffs.

    Args:
        strategy: the strategy of the player in seat 0, in a form that `best_response` accepts; action 0 is
            cooperation.
        game: a `games.Iterated`, or a stage game of two players; by default the prisoner's dilemma of
            Axelrod's tournaments.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.

    Raises:
        ValueError: for a game of another number of players, and for the reasons given in `best_response`.

    Example:
        >>> [partner_or_rival(name, discount=0.9).kind for name in ("grim", "alld", "random")]
        ['partner', 'rival', 'neither']
        >>> partner_or_rival("wsls", discount=1.0).not_partner.payoffs.tolist()
        [0.5, 3.0]

    Source:
        Hilbe, Traulsen & Sigmund (2015); Hilbe, Chatterjee & Nowak (2018). Friendly rivals: Murase & Baek
        (2020).
    """
    repeated = check_two_players(as_repeated(game, discount))
    fixed_play = play(repeated, (strategy, None), 1)
    polygon = feasible_payoffs_in_play(fixed_play)
    table = fixed_play.tables[0]
    assert table is not None, "the strategy is given"
    cooperative_histories = np.cumsum(
        [0, *(repeated.n_outcomes**length for length in range(fixed_play.memory))]
    )  # indices of the histories of mutual cooperation
    nice = bool((table[cooperative_histories, 0] == 1).all())
    margin = MARGIN * repeated.scale
    no_partner = None
    if not nice:
        no_partner = Counterexample(
            "It may defect although no player has defected before.", (), (), np.full(2, np.nan)
        )
    else:
        no_partner = partner_counterexample(polygon.vertices, polygon.responses, repeated.rewards[0], margin)
    ahead = polygon.vertices[:, 0] - polygon.vertices[:, 1]
    worst, no_rival = int(ahead.argmin()), None
    if ahead[worst] < -margin:
        sentence = f"The opponent gets {-ahead[worst]:.4g} more per step."
        no_rival = Counterexample(sentence, (polygon.responses[worst],), (1.0,), polygon.vertices[worst])
    kind = {
        (True, True): "friendly rival",
        (True, False): "partner",
        (False, True): "rival",
        (False, False): "neither",
    }
    return Standing(kind[no_partner is None, no_rival is None], nice, no_partner, no_rival, polygon.vertices)


def partner_counterexample(
    vertices: Polygon, responses: tuple[np.ndarray, ...], cooperation: Float[np.ndarray, " 2"], margin: float
) -> Counterexample | None:
    r"""A feasible payoff with $\pi_X < R$ and $\pi_Y \ge R$, at a vertex or between two vertices, if any."""
    below, above = vertices[:, 0] - cooperation[0], vertices[:, 1] - cooperation[1]
    sentence = "The opponent gets at least its payoff of mutual cooperation and the strategy gets less."
    violations = np.flatnonzero((below < -margin) & (above >= -margin))
    if len(violations):
        most = int(violations[above[violations].argmax()])
        return Counterexample(sentence, (responses[most],), (1.0,), vertices[most])
    for i in np.flatnonzero(above < -margin):
        for j in np.flatnonzero(above > margin):
            share = float(above[j] / (above[j] - above[i]))  # weight of vertex i at which the opponent gets R
            point = share * vertices[i] + (1 - share) * vertices[j]
            if point[0] < cooperation[0] - margin:
                return Counterexample(sentence, (responses[i], responses[j]), (share, 1 - share), point)
    return None
