"""Partners and rivals: what a strategy of the repeated prisoner's dilemma grants to whoever meets it, with the opponent that proves it."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.repeated.enforced_relations import TOURNAMENT, feasible, two_players
from solvers.repeated.histories import play, repeated
from solvers.repeated.polygons import Polygon

MARGIN = 1e-9
"""How near, in units of the payoff range, two payoffs count as equal."""


@dataclasses.dataclass(frozen=True)
class Counterexample:
    """An opponent that proves a strategy to be no partner, or no rival.

    Args:
        reason: one sentence.
        responses: deterministic strategies of the opponent, in its own-first form; empty where the strategy
            itself defects first.
        weights: with which probability it begins to play each; usually one response with probability 1.
        payoffs: per-step payoffs `(own, other)` of the match.
    """

    reason: str
    responses: tuple[Float[np.ndarray, "..."], ...]
    weights: tuple[float, ...]
    payoffs: Float[np.ndarray, " 2"]


@dataclasses.dataclass(frozen=True)
class Standing:
    """Whether a strategy is a partner, a rival, or neither.

    Args:
        kind: `"partner"`, `"rival"`, `"friendly rival"` (both) or `"neither"`.
        nice: whether it is never the first to defect.
        not_partner: proof that it is no partner; None if it is one.
        not_rival: proof that it is no rival; None if it is one.
        feasible: vertices of the payoffs `(own, other)` that are possible against it.
    """

    kind: str
    nice: bool
    not_partner: Counterexample | None
    not_rival: Counterexample | None
    feasible: Polygon


def partner_or_rival(strategy: Any, game: Any = TOURNAMENT, discount: float | None = None) -> Standing:
    r"""Whether a strategy is a partner, a rival, both or neither, against opponents of whatever memory.

    A *partner* is nice (never the first to defect), and whoever holds it below mutual cooperation pays for
    it: $\pi_X < R \Rightarrow \pi_Y < R$. A *rival* never gets less than the other: $\pi_X \ge \pi_Y$. Both
    are read off the polygon of feasible payoffs, which best responses span.

    Args:
        strategy: of the player in seat 0, as `best_response` takes them; action 0 cooperates.
        game: a `games.Iterated`, or a stage game of two players; by default the prisoner's dilemma of
            Axelrod's tournaments.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.

    Raises:
        ValueError: for a game of another number of players, and what `best_response` refuses.

    Example:
        >>> [partner_or_rival(name, discount=0.9).kind for name in ("grim", "alld", "random")]
        ['partner', 'rival', 'neither']
        >>> partner_or_rival("wsls", discount=1.0).not_partner.payoffs.tolist()
        [0.5, 3.0]

    Source:
        Hilbe, Traulsen & Sigmund (2015); Hilbe, Chatterjee & Nowak (2018). Friendly rivals: Murase & Baek
        (2020).
    """
    rules = two_players(repeated(game, discount))
    fixed = play(rules, (strategy, None), 1)
    polygon = feasible(fixed)
    table = fixed.tables[0]
    assert table is not None, "the strategy is given"
    begins = np.cumsum(
        [0, *(rules.n_outcomes**length for length in range(fixed.memory))]
    )  # the histories of mutual cooperation
    nice = bool((table[begins, 0] == 1).all())
    margin = MARGIN * rules.scale
    no_partner = None
    if not nice:
        no_partner = Counterexample(
            "It may defect although nobody has defected before.", (), (), np.full(2, np.nan)
        )
    else:
        no_partner = unpunished(polygon.vertices, polygon.responses, rules.rewards[0], margin)
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


def unpunished(
    vertices: Polygon, responses: tuple[np.ndarray, ...], cooperation: Float[np.ndarray, " 2"], margin: float
) -> Counterexample | None:
    """A feasible point that gives the strategy less, and the opponent no less, than mutual cooperation: a vertex, else on an edge."""
    below, above = vertices[:, 0] - cooperation[0], vertices[:, 1] - cooperation[1]
    sentence = "The opponent holds it below mutual cooperation and gets no less than that itself."
    guilty = np.flatnonzero((below < -margin) & (above >= -margin))
    if len(guilty):
        most = int(guilty[above[guilty].argmax()])
        return Counterexample(sentence, (responses[most],), (1.0,), vertices[most])
    for i in np.flatnonzero(above < -margin):
        for j in np.flatnonzero(above > margin):
            share = float(above[j] / (above[j] - above[i]))  # of i, where the edge is level with cooperation
            point = share * vertices[i] + (1 - share) * vertices[j]
            if point[0] < cooperation[0] - margin:
                return Counterexample(sentence, (responses[i], responses[j]), (share, 1 - share), point)
    return None
