"""Social outcomes written a second time, plainly and lane by lane; nothing is taken from the packages."""

import itertools

import numpy as np

OTHER = [0, 1, 3, 2, 4]
"""The rows of a strategy [start, CC, CD, DC, DD] in the order of the other player's states."""


def state_frequencies(p, q, discount, steps=2000):
    """Frequencies of CC, CD, DC, DD by stepping the chain forward; at discount 1 the mean over the last half of the steps.

    The number of steps is even, so that a chain of period 2 is averaged over whole periods.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)[OTHER]
    rows = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], axis=1)
    state, weight, total = rows[0], 1.0, np.zeros(4)
    for t in range(steps):
        if discount < 1:
            total += (1 - discount) * weight * state
            weight *= discount
        elif t >= steps // 2:
            total += state / (steps - steps // 2)
        state = state @ rows[1:]
    return total


def payoffs_against_all(p, payoffs, discount):
    """Payoffs (own, other's) against each of the 32 deterministic strategies, first cooperation and then defection."""
    own, other = np.asarray(payoffs[0]).ravel(), np.asarray(payoffs[1]).ravel()
    found = []
    for q in itertools.product([1.0, 0.0], repeat=5):
        frequencies = state_frequencies(p, q, discount)
        found.append((frequencies @ own, frequencies @ other))
    return np.array(found)


def gini(values):
    """By the formula of sorted values, 2 sum_k k x_(k) / (n sum x) - (n + 1) / n."""
    x = np.sort(np.asarray(values, float))
    n = len(x)
    return 2 * (np.arange(1, n + 1) @ x) / (n * x.sum()) - (n + 1) / n


def pareto_gap(payoffs, point, grid=60):
    """Distance of a point from the mixtures of joint actions, on a grid, that no other mixture of the grid dominates."""
    corners = np.asarray(payoffs).reshape(2, -1).T
    weights = np.array(
        [w for w in itertools.product(range(grid + 1), repeat=len(corners)) if sum(w) == grid], float
    )
    mixtures = np.unique((weights @ corners / grid).round(9), axis=0)
    best, kept = -np.inf, []
    for x, y in mixtures[np.lexsort((mixtures[:, 1], mixtures[:, 0]))[::-1]]:
        if y > best + 1e-9:
            kept.append((x, y))
            best = y
    return np.hypot(*(np.array(kept) - point).T).min()


def nearest_distances(policy, strategies, probes, discount):
    """For each strategy, the mean over probes and over both policies' visits of the difference in the next action."""
    found = []
    for strategy in strategies:
        total = 0.0
        for probe in probes:
            for visitor in (policy, strategy):
                visits = np.concatenate(
                    [[1 - discount], discount * state_frequencies(visitor, probe, discount)]
                )
                total += visits @ np.abs(np.subtract(policy, strategy)) / (2 * len(probes))
        found.append(total)
    return np.array(found)
