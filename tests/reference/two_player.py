"""Random two-player games of integers, and the profiles of an equilibrium set as a Python set."""

import numpy as np


def random_integer_games(count, seed, sizes=(1, 5), entries=((0, 2), (0, 3), (-9, 10))):
    """Payoffs (2, A1, A2) of random sizes; the ranges of the entries take turns, and the small ones give many ties."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        yield rng.integers(*entries[k % len(entries)], (2, *rng.integers(*sizes, 2)))


def profile_set(equilibria):
    """The profiles as a set of tuples, for a comparison in any order."""
    return {tuple(tuple(s) for s in e.profile) for e in equilibria}
