"""Stage games and strategies of repeated play, and their payoffs by the independent model of `tests/reference/chains.py`."""

import itertools

import numpy as np

from tests.reference import chains


def prisoners_dilemma(reward, sucker, temptation, punishment):
    """Payoffs (2, 2, 2) of the symmetric prisoner's dilemma; action 0 cooperates."""
    r, s, t, p = reward, sucker, temptation, punishment
    return np.array([[[r, s], [t, p]], [[r, t], [s, p]]], dtype=float)


AXELROD = prisoners_dilemma(3, 0, 5, 1)
ABREU_SANNIKOV = np.array([[[16.0, 3, 0], [21, 10, -1], [9, 5, -5]], [[9, 13, 0], [1, 4, 0], [0, -4, -15]]])
"""The example of Abreu & Sannikov (2014) at discount .3."""
PURE_MEMORY_ONE = np.array(list(itertools.product([0.0, 1.0], repeat=5)))
"""All 32 deterministic memory-one strategies of a 2x2 game, probabilities of action 0."""


def random_strategy(rng, rows, certain=0.4):
    """A random memory-k strategy of a two-action game; each row is deterministic with probability `certain`."""
    return np.where(rng.random(rows) < certain, rng.integers(0, 2, rows).astype(float), rng.random(rows))


def per_step_payoffs(payoffs, profile, discount, memory=1):
    """Everybody's per-step payoff by enumeration of histories; discount 1 is the long-run average.

    Args:
        payoffs: (n, A1, ..., An).
        profile: per player its probabilities of action 0, or a table (rows, actions).
        discount: in [0, 1].
        memory: of every strategy.
    """
    tables = [np.stack([p, 1 - p], axis=1) if np.ndim(p) == 1 else p for p in map(np.asarray, profile)]
    transitions, rewards = chains.chain(payoffs, tables, memory)
    if discount < 1:
        return (1 - discount) * np.linalg.solve(np.eye(len(rewards)) - discount * transitions, rewards)[0]
    return chains.average(payoffs, tables, memory)
