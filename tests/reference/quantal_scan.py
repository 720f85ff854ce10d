"""Quantal response equilibria of 2x2 games by a scan, and a game whose principal branch bends back."""

import numpy as np

BENDING_BRANCH = np.array([[[6, 6], [7.32, 1]], [[7, 7], [6, 4]]])
"""McKelvey's example of a principal branch that bends back, from Gambit's collection of games."""


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def quantal_roots(payoffs, precision, count=200_001):
    """All probabilities of the first player's first action in a 2x2 game's quantal response equilibria, by a scan."""
    p = np.linspace(0, 1, count)
    q = sigmoid(
        precision
        * (p * (payoffs[1, 0, 0] - payoffs[1, 0, 1]) + (1 - p) * (payoffs[1, 1, 0] - payoffs[1, 1, 1]))
    )
    gap = p - sigmoid(
        precision
        * (q * (payoffs[0, 0, 0] - payoffs[0, 1, 0]) + (1 - q) * (payoffs[0, 0, 1] - payoffs[0, 1, 1]))
    )
    cross = np.flatnonzero((gap[:-1] * gap[1:] < 0) | (gap[:-1] == 0))
    return p[cross]
