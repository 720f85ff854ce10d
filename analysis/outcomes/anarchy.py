"""The price of anarchy and the price of stability of a game's equilibria."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from analysis.outcomes.game_facts import GameFacts
from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import Undefined, outcome


class EquilibriumWelfare(NamedTuple):
    """Sums of all players' payoffs.

    Attributes:
        highest: the highest of a joint action.
        best: the highest of an equilibrium.
        worst: the lowest of an equilibrium.
    """

    highest: float
    best: float
    worst: float


def equilibrium_welfare(facts: GameFacts) -> EquilibriumWelfare:
    """The highest welfare, and that of the best and the worst Nash equilibrium of the stage game, mixed ones included.

    In a degenerate game of two players the equilibria are the products of polytopes whose vertices the solver
    lists. Welfare is bilinear on them, so its extremes are at the vertices.

    Raises:
        Undefined: if the solver does not prove that it finds every equilibrium, or the game has no payoffs.

    Example:
        >>> from games import prisoners_dilemma
        >>> equilibrium_welfare(GameFacts(prisoners_dilemma()))
        EquilibriumWelfare(highest=-2.0, best=-4.0, worst=-4.0)
    """
    found = [float(np.sum(e.payoffs)) for e in facts.equilibria]
    return EquilibriumWelfare(float(facts.welfare.max()), max(found), min(found))


def price_ratio(payoffs: Float[np.ndarray, "n *actions"], highest: float, equilibrium: float) -> float:
    r"""The welfare that an equilibrium loses, as a ratio of at least 1.

    If no payoff is negative, payoffs are utilities and the ratio is $W_{max} / W_{eq}$, the convention of
    utility games. If no payoff is positive, they are negative costs and it is $W_{eq} / W_{max}$, the cost of
    the equilibrium over the lowest cost. It is infinite if only the denominator is 0.

    Args:
        payoffs: of all players.
        highest: the highest sum of payoffs, $W_{max}$.
        equilibrium: the sum of payoffs in an equilibrium, $W_{eq}$.

    Raises:
        Undefined: if there are payoffs of both signs, since adding a constant to all payoffs would change the
            ratio, and no zero is distinguished; and for 0/0.

    Source:
        Koutsoupias & Papadimitriou 1999, "Worst-case equilibria".

    Example:
        >>> price_ratio(np.array([[-1.0, -3.0], [0.0, -2.0]]), -2.0, -4.0)
        2.0
    """
    low, high = payoffs.min(), payoffs.max()
    if low < 0 < high:
        raise Undefined(
            "The game has positive and negative payoffs, and a ratio of welfares depends on where zero is; efficiency does not."
        )
    top, bottom = (highest, equilibrium) if low >= 0 else (equilibrium, highest)
    if bottom == 0:
        if top == 0:
            raise Undefined("The highest welfare and that of the equilibrium are both 0.")
        return np.inf
    return top / bottom


def price_of_anarchy(facts: GameFacts) -> float:
    """The `price_ratio` of the worst Nash equilibrium of the stage game.

    Raises:
        Undefined: as `equilibrium_welfare` and `price_ratio`.

    Source:
        Koutsoupias & Papadimitriou 1999, "Worst-case equilibria".

    Example:
        >>> from games import stag_hunt
        >>> price_of_anarchy(GameFacts(stag_hunt()))
        4.0
    """
    welfare = equilibrium_welfare(facts)
    return price_ratio(facts.payoffs, welfare.highest, welfare.worst)


def price_of_stability(facts: GameFacts) -> float:
    """The `price_ratio` of the best Nash equilibrium of the stage game.

    Raises:
        Undefined: as `equilibrium_welfare` and `price_ratio`.

    Source:
        Anshelevich et al. 2008, "The price of stability for network design with fair cost allocation".

    Example:
        >>> from games import stag_hunt
        >>> price_of_stability(GameFacts(stag_hunt()))
        1.0
    """
    welfare = equilibrium_welfare(facts)
    return price_ratio(facts.payoffs, welfare.highest, welfare.best)


@outcome("price_of_anarchy", "koutsoupias1999worst", units="ratio")
def _price_of_anarchy(match: PlayedMatch) -> float:
    """Highest welfare over that of the stage game's worst equilibrium, for payoffs of one sign (costs inverted)."""
    return price_of_anarchy(match.facts)


@outcome("price_of_stability", "anshelevich2008stability", units="ratio")
def _price_of_stability(match: PlayedMatch) -> float:
    """Highest welfare over that of the stage game's best equilibrium, for payoffs of one sign (costs inverted)."""
    return price_of_stability(match.facts)
