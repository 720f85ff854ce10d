"""Games of three and more players whose equilibria are known, and an independent regret."""

import itertools

import numpy as np


def gambit(rows, sizes):
    """Payoffs `(n, A1, ..., An)` from one row of payoffs per profile, the first player's action varying fastest."""
    table = np.array(rows, float)
    axes = tuple(reversed(range(len(sizes))))
    return np.stack([table[:, i].reshape(sizes[::-1]).transpose(axes) for i in range(len(sizes))])


IRRATIONAL = gambit(
    [[3, 0, 2], [0, 1, 0], [0, 2, 0], [1, 0, 0], [1, 0, 0], [0, 3, 0], [0, 1, 0], [2, 0, 3]], (2, 2, 2)
)
"""Nau, Gomez Canovas & Hansen (2004), section 4: one equilibrium, of irrational probabilities."""
ROOT = np.sqrt(601)
IRRATIONAL_EQUILIBRIUM = tuple(
    np.array([p, 1 - p]) for p in ((53 - ROOT) / 46, (ROOT - 13) / 24, (ROOT - 23) / 4)
)

CONTINUUM = gambit(
    [[0, 0, 2], [3, 0, 0], [0, 3, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 3]], (2, 2, 2)
)
"""The same, section 5: three pure equilibria and a continuum of completely mixed ones."""

SEGMENT = gambit(
    np.array(list("200021011102102011021200101020012201201012020101"), dtype=float).reshape(16, 3), (2, 2, 4)
)
"""The same, section 6: the equilibria are a segment."""

NINE = gambit(
    [[9, 8, 12], [0, 0, 0], [0, 0, 0], [9, 8, 2], [0, 0, 0], [3, 4, 6], [3, 4, 6], [0, 0, 0]], (2, 2, 2)
)
"""McKelvey & McLennan's example of nine regular equilibria, as many as a 2x2x2 game can have, two of them completely mixed."""


def from_rule(n, payoff):
    """The symmetric game of n players and two actions in which one earns `payoff(own action, how many others play action 0)`."""
    game = np.zeros((n, *[2] * n))
    for joint in itertools.product((0, 1), repeat=n):
        for i, own in enumerate(joint):
            game[(i, *joint)] = payoff(own, sum(a == 0 for a in joint) - (own == 0))
    return game


def stag_hunt(n, v):
    """A stag takes everybody and pays v > 1 each, a hare pays 1: all hunt, none hunts, or each with probability v^(-1/(n-1))."""
    return from_rule(n, lambda own, hunters: v * (hunters == n - 1) if own == 0 else 1.0)


def volunteers(n, v):
    """One volunteer (action 0) is worth v to everybody and costs her 1: k players mix, the others stay at home, or one volunteers.

    Of k >= 2 who mix, each stays at home with probability v^(-1/(k-1)).
    """
    return from_rule(n, lambda own, others: v - 1 if own == 0 else v * (others > 0))


def random_game(seed, shape, whole=False):
    """Normal payoffs, or integers with many ties."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(-2, 3, (len(shape), *shape)).astype(float)
        if whole
        else rng.normal(size=(len(shape), *shape))
    )


def largest_regret(payoffs, profile):
    """What anybody would gain by a best response, summed over all joint actions."""
    worst = 0.0
    for i, actions in enumerate(payoffs.shape[1:]):
        values = np.zeros(actions)
        for joint in itertools.product(*map(range, payoffs.shape[1:])):
            weight = np.prod([profile[j][joint[j]] for j in range(len(payoffs)) if j != i])
            values[joint[i]] += weight * payoffs[(i, *joint)]
        worst = max(worst, values.max() - values @ profile[i])
    return worst


def same_profiles(first, second, tolerance=1e-6):
    """Whether two lists hold the same profiles, in any order."""

    def within(profile, others):
        return any(
            all(np.abs(p - q).max() < tolerance for p, q in zip(profile, other, strict=True))
            for other in others
        )

    return (
        len(first) == len(second)
        and all(within(p, second) for p in first)
        and all(within(p, first) for p in second)
    )
