"""Zero-determinant strategies, random opponents, and payoffs against many opponents at once by numpy."""

import numpy as np

from tests.reference import chains

AXELROD = ((3, 0), (5, 1))
IPD = ((-1, -3), (0, -2))
DONATION = ((2, -1), (3, 0))

PARAMETERS = [
    (3, 1, 1 / 26, AXELROD, 1.0),
    (2, 3, 1 / 8, AXELROD, 1.0),
    (1.5, 2, 0.05, AXELROD, 1.0),
    (-2, 2, -0.05, AXELROD, 1.0),
    (1, 0, 0.1, AXELROD, 1.0),
    (5, -2, 1 / 40, IPD, 1.0),
    (3, 1, 0.05, AXELROD, 0.9),
    (3, 1, 0.03, AXELROD, 0.96),
    (2, 3, 0.1, AXELROD, 0.9),
    (2, 2, 0.11, AXELROD, 0.8),
    (-2, 2, -0.06, AXELROD, 0.96),
    (3, -2, 0.1, IPD, 0.96),
    (2, -1, 0.15, IPD, 0.9),
    (2, 1, 0.1, DONATION, 0.9),
]
"""Feasible strategies: slope chi, baseline kappa, scale phi, own payoffs, discount."""


def random_opponents(count, rng):
    """Random memory-one strategies (count, 5); in the first third some of the probabilities are 0 or 1."""
    policies = rng.random((count, 5))
    certain = rng.random((count, 5)) < 0.4
    certain[count // 3 :] = False
    return np.where(certain, rng.integers(0, 2, (count, 5)), policies)


def payoffs_against(p, q, payoffs, discount):
    """Per-step payoffs (count, 2), own first, of strategy p against each row of q.

    By a resolvent where the discount is below 1, otherwise by the stationary distribution.
    """
    r = np.asarray(payoffs, float)
    stage = np.stack([r.ravel(), r.T.ravel()], axis=1)
    y = q[:, [0, 1, 3, 2, 4]]
    joint = np.stack([p * y, p * (1 - y), (1 - p) * y, (1 - p) * (1 - y)], axis=-1)
    if discount < 1:
        ahead = np.linalg.solve(np.eye(4) - discount * joint[:, 1:], np.broadcast_to(stage, (len(q), 4, 2)))
        return (1 - discount) * np.einsum("no,nok->nk", joint[:, 0], ahead)
    return np.array([chains.memory_one(p, other, [r, r.T], 1.0) for other in q])
