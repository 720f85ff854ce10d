"""All discounts at which a profile of memory-k strategies is an equilibrium, as roots of polynomials."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.payoffs import payoff_tensor
from solvers.repeated.histories import Play, Repeated, as_repeated, play

Intervals = tuple[tuple[float, float], ...]
Conditions = Callable[[Float[np.ndarray, " d"]], Float[np.ndarray, "d conditions"]]
NEAR = 1e-7
"""Discounts closer than this are merged."""
CLOSE = 1e-9
"""Gains below this, in units of the largest, count as zero at an isolated discount."""
VANISHING = 1e-11
"""Conditions at most this large everywhere, in units of the payoff range, hold with equality."""
DEVIATIONS = 5000
"""The largest number of deviating strategies per player for which Nash equilibria are computed."""


def equilibrium_discounts(game: Any, profile: Sequence[Any], perfect: bool = True) -> Intervals:
    r"""All discounts in [0, 1) at which a profile is an equilibrium.

    The per-step value after each history is a rational function of the discount d with denominator $q(d) =
    \prod (1 - d \lambda) > 0$, where $\lambda$ runs over the eigenvalues of the transition matrix T, leaving
    out one eigenvalue 1 for each recurrent class. So the sign of every incentive condition is that of a
    polynomial of known degree. Its values at Chebyshev nodes determine it, the eigenvalues of its colleague
    matrix are its roots, and roots that bound an interval are refined by Brent's method on the condition
    itself.

    Args:
        game: a stage game, or a `games.Iterated`, whose own discount is ignored.
        profile: one strategy per player by seat, in a form that `best_response` accepts.
        perfect: whether the profile must be subgame perfect (one-shot deviations after any history);
            otherwise a Nash equilibrium from the start, against all deterministic strategies of the same
            memory.

    Returns:
        Disjoint closed intervals `(low, high)` in increasing order; `high = 1` means up to but not including
        1, and two equal ends mean one discount.

    Raises:
        ValueError: for invalid strategies, and for Nash equilibria with too many deviating strategies to try.

    Example:
        >>> axelrod = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
        >>> [(round(low, 9), high) for low, high in equilibrium_discounts(axelrod, ("grim", "grim"))]
        [(0.5, 1.0)]
        >>> equilibrium_discounts(axelrod, ("wsls", "wsls"))
        ()

    Source:
        Trefethen (2013), Theorem 18.1, for roots by the colleague matrix.
    """
    joint_play = play(in_own_units(as_repeated(game, 0.5), getattr(game, "stage", game)), profile)
    size = len(joint_play.next_histories)
    parts = [
        one_shot_gains(joint_play, i) if perfect else strategy_gains(joint_play, i)
        for i in range(joint_play.game.n_players)
    ]
    degree = size + 1 if perfect else 2 * size + 1

    def gains(d: Float[np.ndarray, " d"]) -> Float[np.ndarray, "d conditions"]:
        return np.concatenate([conditions(d) for conditions in parts], axis=1)

    return intervals_without_gain(gains, degree)


def in_own_units(game: Repeated, stage: Any) -> Repeated:
    """The repeated game with each player's payoffs rescaled to [0, 1] in rationals, then rounded."""
    exact = [(own - own.min()) / ((own.max() - own.min()) or 1) for own in payoff_tensor(stage, exact=True)]
    return dataclasses.replace(game, payoffs=np.stack(exact).astype(float))


def one_shot_gains(joint_play: Play, player: int) -> Conditions:
    r"""Gains of one-shot deviations after each history, times $(1-d)\, q(d)$: polynomials in the discount."""
    transitions, rewards = joint_play.decision_process(player)
    joint, own = joint_play.joint(), joint_play.tables[player]
    assert own is not None, "every player's table is given"
    chain, rewards_in_play = joint_play.chain(joint), joint @ joint_play.game.rewards[:, player]
    q = denominator(chain)

    def gains(d: Float[np.ndarray, " d"]) -> Float[np.ndarray, "d conditions"]:
        systems = np.eye(len(chain)) - d[:, None, None] * chain
        values = np.linalg.solve(systems, np.broadcast_to(rewards_in_play[:, None], (len(d), len(chain), 1)))[
            ..., 0
        ]
        ahead = rewards[..., player] + d[:, None, None] * np.einsum("ahk,dk->dah", transitions, values)
        now = np.einsum("ha,dah->dh", own, ahead)
        return (ahead - now[:, None]).reshape(len(d), -1) * ((1 - d) * q(d))[:, None]

    return gains


def strategy_gains(joint_play: Play, player: int) -> Conditions:
    """Gains per step of all deterministic strategies, times q(d) of both chains: polynomials."""
    transitions, rewards = joint_play.decision_process(player)
    histories, actions = transitions.shape[1], len(transitions)
    if actions**histories > DEVIATIONS:
        raise ValueError(
            f"Player {player} has {actions}^{histories} deterministic strategies of this memory, more than "
            f"{DEVIATIONS}; use perfect=True, or is_nash at a single discount."
        )
    policies = np.array(list(itertools.product(range(actions), repeat=histories)))
    states = np.arange(histories)
    chains, rewards_in_play = transitions[policies, states], rewards[policies, states, player]
    joint = joint_play.joint()
    chain, now = joint_play.chain(joint), joint @ joint_play.game.rewards[:, player]
    denominators = [denominator(each) for each in (chain, *chains)]

    def values_at(d: float, matrices: np.ndarray, incomes: np.ndarray) -> np.ndarray:
        return np.linalg.solve(np.eye(histories) - d * matrices, (1 - d) * incomes[..., None])[..., 0, 0]

    def gains(d: Float[np.ndarray, " d"]) -> Float[np.ndarray, "d conditions"]:
        above = np.array(
            [values_at(each, chains, rewards_in_play) - values_at(each, chain, now) for each in d]
        )
        own_q, *deviating_q = (q(d) for q in denominators)
        return above * np.stack(deviating_q, axis=1) * own_q[:, None]

    return gains


def denominator(
    chain: Float[np.ndarray, "s s"],
) -> Callable[[Float[np.ndarray, " d"]], Float[np.ndarray, " d"]]:
    r"""$q(d) = \det(I - dT) / (1-d)^c$ with c recurrent classes, scaled to maximum 1; positive on [0, 1]."""
    from scipy.sparse.csgraph import connected_components

    n, component = connected_components(chain > 0, connection="strong")
    leaves = {int(component[i]) for i, j in np.argwhere(chain > 0) if component[i] != component[j]}
    spectrum = np.linalg.eigvals(chain)
    kept = spectrum[np.argsort(np.abs(spectrum - 1))[n - len(leaves) :]]

    def q(d: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
        return np.prod(1 - d[:, None] * kept, axis=1).real

    largest = q(np.linspace(0, 1, 64)).max()
    return lambda d: q(d) / largest


def chebyshev_nodes(degree: int) -> Float[np.ndarray, " nodes"]:
    """Chebyshev nodes on [0, 1] that determine a polynomial of this degree."""
    from numpy.polynomial import chebyshev

    return (chebyshev.chebpts1(degree + 1) + 1) / 2


def breakpoints(gains: Conditions, degree: int) -> Float[np.ndarray, " n"]:
    """0, 1, and the discounts in between at which one of the conditions may change sign, ascending."""
    from numpy.polynomial import chebyshev

    nodes = chebyshev_nodes(degree)
    basis = chebyshev.chebvander(2 * nodes - 1, degree)
    roots_and_ends = {0.0, 1.0}
    for column in gains(nodes).T:
        coefficients = np.linalg.solve(basis, column)
        for end in (
            1.0,
            0.0,
        ):  # divide out roots at 0 and 1: they bound no interval, and multiple roots are ill-conditioned
            while abs(chebyshev.chebval(2 * end - 1, coefficients)) < 1e-10 * np.abs(column).max():
                column = column / np.abs(end - nodes)
                coefficients = np.linalg.solve(basis, column)
        roots = (
            chebyshev.chebroots(chebyshev.chebtrim(coefficients, tol=1e-12 * np.abs(coefficients).max())) + 1
        ) / 2
        real = roots[np.abs(roots.imag) < 1e-5].real
        roots_and_ends |= set(real[(real > 0) & (real < 1)].tolist())
    ordered = np.array(sorted(roots_and_ends))
    distinct = ordered[np.r_[True, np.diff(ordered) > NEAR]]
    distinct[-1] = 1.0
    return distinct


def intervals_without_gain(conditions: Conditions, degree: int) -> Intervals:
    """Intervals of discounts in [0, 1) on which no gain is positive; gains are polynomials up to a degree."""
    from scipy.optimize import brentq

    nonzero = (
        np.abs(conditions(chebyshev_nodes(degree))).max(axis=0) > VANISHING
    )  # the others have the sign of a rounding error

    def gains(d: Float[np.ndarray, " d"]) -> Float[np.ndarray, "d conditions"]:
        return conditions(d)[:, nonzero]

    ends = breakpoints(gains, degree)
    midpoints = (ends[1:] + ends[:-1]) / 2
    at_midpoints, at_ends = gains(midpoints), gains(ends[:-1])
    unit = np.abs(np.concatenate([at_midpoints, at_ends])).max(axis=0)
    fails = at_midpoints > 1e-11 * unit
    inside, isolated = ~fails.any(axis=1), (at_ends <= CLOSE * unit).all(axis=1)

    def boundary(holding: int, failing: int) -> float:
        """The boundary between two neighboring midpoints: the root at which the first condition fails."""
        found = [float(ends[max(holding, failing)])]
        for c in np.flatnonzero(fails[failing] & (at_midpoints[holding] < 0)):
            root: Any = brentq(
                lambda d, c=c: float(gains(np.array([d]))[0, c]),
                midpoints[holding],
                midpoints[failing],
                xtol=1e-15,
            )
            found.append(float(root))
        return min(found[1:] or found, key=lambda d: abs(d - midpoints[holding]))

    intervals: list[tuple[float, float]] = []
    last = len(midpoints) - 1
    for k in range(len(midpoints)):
        if inside[k]:
            low = 0.0 if k == 0 else intervals.pop()[0] if inside[k - 1] else boundary(k, k - 1)
            intervals.append((low, 1.0 if k == last or inside[k + 1] else boundary(k, k + 1)))
        elif isolated[k] and (k == 0 or not inside[k - 1]):
            intervals.append((float(ends[k]), float(ends[k])))
    return tuple(intervals)
