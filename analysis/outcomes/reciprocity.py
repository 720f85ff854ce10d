"""Reciprocity, and the named strategy that a policy is nearest to in behavior."""

import functools

import numpy as np
from jaxtyping import Float

from analysis.memory_one import log_chances_of, outcome_frequencies, visits
from analysis.outcomes.cooperation import cooperation_of
from analysis.outcomes.matches import PlayedMatch, kept
from analysis.outcomes.registry import Undefined, outcome
from games.strategies.named import STRATEGIES

PROBES = ("allc", "alld", "tft", "suspicious_tft", "wsls", "random")
"""The opponents against which policies are compared; together they lead to every state."""
OF_AXELROD = ("extort_2", "zdgtft_2")
"""Strategies that are defined by numbers for the payoffs (5, 3, 1, 0), and named for these payoffs only."""
AXELROD = ((3.0, 0.0), (5.0, 1.0))


def reciprocity_index(
    policy: Float[np.ndarray, "*lanes 5"], weights: Float[np.ndarray, "*lanes 5"]
) -> Float[np.ndarray, "*lanes"]:
    r"""How much likelier a player cooperates after the other's cooperation than after its defection, in [-1, 1].

    $\frac{w_{CC} p_{CC} + w_{DC} p_{DC}}{w_{CC} + w_{DC}} - \frac{w_{CD} p_{CD} + w_{DD} p_{DD}}{w_{CD} +
    w_{DD}}$, own action first. It is 1 for tit for tat and 0 for strategies that do not react to the other. For
    reactive strategies, with probabilities p and q of cooperating after cooperation and after defection, it is
    their $p - q$.

    Args:
        policy: probabilities of cooperation `[start, CC, CD, DC, DD]`.
        weights: how often each of these is visited.

    Returns:
        The difference; NaN where the other always cooperates, or never does.

    Source:
        Nowak & Sigmund 1992, "Tit for tat in heterogeneous populations".

    Example:
        >>> float(reciprocity_index(np.array([1.0, 1.0, 0.5, 1.0, 0.0]), np.full(5, 0.2)))
        0.75
    """
    means = []
    for rows in ([1, 3], [2, 4]):
        total = weights[..., rows].sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append((weights[..., rows] * policy[..., rows]).sum(axis=-1) / total)
    return means[0] - means[1]


def behavior_distance(
    policy: Float[np.ndarray, "*lanes 5"],
    other: Float[np.ndarray, "*lanes 5"],
    weights: Float[np.ndarray, "*lanes 5"],
) -> Float[np.ndarray, "*lanes"]:
    r"""How often two policies would act differently, $\sum_h w_h |p_h - q_h|$, in [0, 1].

    Args:
        policy: probabilities of cooperation `[start, CC, CD, DC, DD]`.
        other: those of the other policy.
        weights: how often each history is visited; they sum to 1.

    Example:
        >>> weights = np.array([0.04, 0.96, 0.0, 0.0, 0.0])
        >>> float(behavior_distance(np.array([1.0, 1, 0, 1, 0]), np.array([1.0, 1, 0, 0, 1]), weights))
        0.0
    """
    return (weights * np.abs(policy - other)).sum(axis=-1)


@functools.cache
def named_strategies(
    payoffs: tuple[tuple[float, ...], ...], discount: float
) -> dict[str, Float[np.ndarray, " 5"]]:
    """The strategies of `games.STRATEGIES` for a game: those that depend on payoffs are made for its payoffs.

    Args:
        payoffs: own payoffs `[[R, S], [T, P]]`.
        discount: in [0, 1].

    Returns:
        Probabilities of cooperation by name; without strategies that do not exist for these payoffs.

    Example:
        >>> sorted(set(named_strategies(AXELROD, 1.0)) - set(named_strategies(((2.0, 0.0), (1.0, 1.0)), 1.0)))
        ['extort_2', 'extortion', 'generosity', 'gtft', 'zdgtft_2']
    """
    found = {}
    for entry in STRATEGIES:
        given = {"payoffs": payoffs, "discount": discount}
        settings = {name: x for name, x in given.items() if name in entry.settings()}
        if entry.name in OF_AXELROD and payoffs != AXELROD:
            continue
        try:
            found[entry.name] = np.asarray(entry.make(**settings), dtype=float)
        except ValueError:  # no such strategy exists for these payoffs
            continue
    return found


class Nearest:
    """The distances of policies from named strategies in behavior.

    A policy and a strategy play the probes; the weight of a history is the mean of how often it is visited by
    both, over all probes. Two policies that differ only where neither of them ever comes are at distance 0.

    Args:
        names: the strategies.
        distances: (strategies, seats, lanes).
        reciprocity: of the policies, (seats, lanes), with the weights of their own play.
    """

    def __init__(self, names: tuple[str, ...], distances: np.ndarray, reciprocity: np.ndarray):
        self.names, self.distances, self.reciprocity = names, distances, reciprocity


@functools.cache
def behavior_of_named(
    payoffs: tuple[tuple[float, ...], ...], discount: float, error: float
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Names and log-probabilities of `named_strategies`, those of the probes, and their visits against the probes."""
    named = named_strategies(payoffs, discount)
    strategies = log_chances_of(np.stack(list(named.values())), error)
    probes = log_chances_of(np.stack([STRATEGIES.make(name) for name in PROBES]), error)
    return tuple(named), strategies, probes, visits_against(strategies, probes, discount)


@kept
def compare_with_named(match: PlayedMatch) -> Nearest:
    """The behavior of both seats' policies against the probes, compared with that of named strategies.

    Raises:
        Undefined: for other than memory-one play of a game in which an action is called cooperation.
    """
    cooperation_of(match)
    play = match.play
    if not play.symmetric:
        raise Undefined(
            f"{match.game.name!r} is not symmetric, and named strategies are for symmetric games."
        )
    (r, _), (s, _), (t, _), (p, _) = play.payoffs[0].tolist()
    names, strategies, probes, others = behavior_of_named(((r, s), (t, p)), play.discount, play.error)
    own = visits_against(play.log_chances, probes, play.discount)
    weights = (own[None] + others[:, None, None]) / 2
    probabilities = np.exp(strategies[..., 0])[:, None, None]
    distances = behavior_distance(play.policies[None], probabilities, weights)
    first_action = np.abs(play.policies[None, ..., 0] - probabilities[..., 0])
    distances = (
        np.clip(distances, 0, 1) + 1e-9 * first_action
    )  # of equally near ones, that with the nearer start
    return Nearest(names, distances, reciprocity_index(play.policies, own))


def visits_against(
    log_chances: Float[np.ndarray, "*any 5 2"], probes: Float[np.ndarray, "probes 5 2"], discount: float
) -> Float[np.ndarray, "*any 5"]:
    """How often policies choose an action after start, CC, CD, DC and DD, on average over the probes.

    Example:
        >>> tft, alld = log_chances_of(np.array([[1.0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]))
        >>> visits_against(tft, alld[None], 0.9).round(3).tolist()
        [0.1, 0.0, 0.09, 0.0, 0.81]
    """
    found = outcome_frequencies(log_chances[..., None, :, :], probes, discount)
    return visits(found, discount).mean(axis=-2)


@outcome("reciprocity", "nowak1992gtft")
def _reciprocity(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """How much likelier the player cooperates after cooperation than after defection, against a set of probes."""
    return compare_with_named(match).reciprocity


@outcome("reciprocity_in_play", "nowak1992gtft")
def _reciprocity_in_play(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """How much likelier the player cooperates after this opponent's cooperation than after its defection."""
    cooperation_of(match)
    return reciprocity_index(match.play.policies, visits(match.frequencies, match.play.discount))


@outcome("nearest_strategy", "mcavoy2019reactive", labels=True)
def _nearest_strategy(match: PlayedMatch) -> np.ndarray:
    """The named strategy whose behavior against a set of probes is nearest to the player's."""
    compared = compare_with_named(match)
    return np.array(compared.names)[compared.distances.argmin(axis=0)]


@outcome("nearest_distance", "mcavoy2019reactive")
def _nearest_distance(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
    """How often the player would act differently from its nearest named strategy, against a set of probes."""
    return compare_with_named(match).distances.min(axis=0)
