"""Iterated elimination of dominated actions.

For every removed action a dominating strategy is found, and the dominance is verified in exact rationals.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from jaxtyping import Shaped

from games.printing import counted
from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.payoffs import Payoffs, Profile, n_players, payoff_tensor, restrict
from solvers.printing import listing

MARGIN = 1e-9
"""The margin by which a mixed strategy must dominate for the linear program to find it, in units of the
largest payoff difference."""

Kind = Literal["strict", "weak"]
Dominators = Literal["pure", "mixed"]


@dataclasses.dataclass(frozen=True)
class Elimination:
    """The removal of one action.

    Args:
        player: the player.
        action: the index of the removed action in the original game.
        by: the probabilities of the strategy that dominates it, over the player's actions in the original
            game.
    """

    player: int
    action: int
    by: Shaped[np.ndarray, " actions"]


@dataclasses.dataclass(frozen=True)
class Reduction:
    """A game without its dominated actions.

    Args:
        payoffs: the reduced game.
        kept: for each player, the indices of the remaining actions in the original game.
        rounds: the removed actions of each round. An action is dominated in the game that remained before the
            round, or before its player's turn if an order of the players was given.
        sizes: the number of actions of each player in the original game.
    """

    payoffs: Payoffs
    kept: tuple[tuple[int, ...], ...]
    rounds: tuple[tuple[Elimination, ...], ...]
    sizes: tuple[int, ...]

    def __repr__(self) -> str:
        count = sum(map(len, self.rounds))
        left = [f"player {i}: {listing([f'action {a}' for a in own])}" for i, own in enumerate(self.kept)]
        removed = f"{counted(count, 'action')} of {sum(self.sizes)} removed"
        head = f"Reduction: {removed} in {counted(len(self.rounds), 'round')}; actions left"
        return "\n  ".join([head, *left])

    @property
    def solved(self) -> bool:
        """Whether a single action remains for each player."""
        return all(len(k) == 1 for k in self.kept)

    def lift(self, profile: Sequence[Any]) -> Profile:
        """Convert a profile of the reduced game to a profile of the original game."""
        lifted = []
        for strategy, kept, size in zip(profile, self.kept, self.sizes, strict=True):
            entries = np.asarray(strategy)
            full = np.zeros(size, dtype=int).astype(entries.dtype)
            full[list(kept)] = entries
            lifted.append(full)
        return tuple(lifted)


def iterated_dominance(
    game: Any,
    kind: Kind = "strict",
    by: Dominators = "mixed",
    order: Sequence[int] | None = None,
    exact: bool = False,
) -> Reduction:
    r"""Remove dominated actions, then those that are dominated in the reduced game, and so on.

    Action a of player i is strictly dominated by $\sigma_i$ if $u_i(\sigma_i, a_{-i}) > u_i(a, a_{-i})$ for
    all remaining $a_{-i}$, and weakly if $\ge$ for all and $>$ for some. Strict elimination keeps every
    equilibrium, and its result does not depend on the order. Weak elimination may lose equilibria, and its
    result depends on the order.

    Args:
        game: a game of any number of players; see `payoff_tensor`.
        kind: `"strict"` or `"weak"`.
        by: `"pure"` for dominance by pure strategies only, `"mixed"` for mixed strategies too. Dominance by a
            pure strategy is decided in rationals. A dominating mixed strategy is found by linear programming,
            which detects margins above 1e-9 of the largest payoff difference, and is then verified in
            rationals.
        order: the order of the players in each round; each removes all its actions that are dominated in the
            game left by the previous player. By default all players remove actions simultaneously.
        exact: whether the reduced game and the dominating strategies are `Fraction`s instead of float64.

    Raises:
        ValueError: if `game` is not a game, for an unknown `kind` or `by`, or if `order` is not a permutation
            of the players.

    Example:
        >>> reduced = iterated_dominance(([[3, 0], [5, 1]], [[3, 5], [0, 1]]))  # the prisoner's dilemma
        >>> reduced.kept, [(e.player, e.action) for e in reduced.rounds[0]]
        (((1,), (1,)), [(0, 0), (1, 0)])

    Source:
        Pearce (1984); mixed dominance by linear programming as in Conitzer and Sandholm (2005).
    """
    for what, value, accepted in (("kind", kind, ("strict", "weak")), ("by", by, ("pure", "mixed"))):
        if value not in accepted:
            raise ValueError(f"{what} is {value!r}; accepted: {', '.join(accepted)}.")
    payoffs = payoff_tensor(game, exact=True)
    n, sizes = n_players(payoffs), payoffs.shape[1:]
    if order is not None and sorted(order) != list(range(n)):
        raise ValueError(f"order is {order!r}; it must name each of the players 0 to {n - 1} once.")
    kept = [list(range(a)) for a in sizes]
    rounds = []
    while True:
        before, removed = [list(k) for k in kept], []
        for player in range(n) if order is None else order:
            gone = list(dominated_actions(payoffs, before if order is None else kept, player, kind, by))
            kept[player] = [a for a in kept[player] if a not in {e.action for e in gone}]
            removed += gone
        if not removed:
            break
        rounds.append(tuple(e if exact else dataclasses.replace(e, by=e.by.astype(float)) for e in removed))
    reduced = restrict(payoffs if exact else payoff_tensor(game), kept)
    return Reduction(reduced, tuple(map(tuple, kept)), tuple(rounds), sizes)


def undominated_actions(payoffs: Payoffs) -> tuple[list[int], ...]:
    """Each player's actions after iterated elimination of actions that another action strictly dominates.

    Only payoffs are compared, so the result is exact in floats too.

    Example:
        >>> undominated_actions(payoff_tensor(([[3, 0], [5, 1], [-1e12, -1e12]], [[3, 5], [0, 1], [0, 0]])))
        ([1], [1])
    """
    kept = tuple(list(range(a)) for a in payoffs.shape[1:])
    before = 0
    while before != (before := sum(map(len, kept))):
        for player, own in enumerate(kept):
            table = np.moveaxis(payoffs[player][np.ix_(*kept)], player, 0).reshape(len(own), -1)
            own[:] = [a for a, row in zip(own, table, strict=True) if not (table > row).all(axis=1).any()]
    return kept


def dominated_actions(
    payoffs: Payoffs, kept: Sequence[Sequence[int]], player: int, kind: Kind, by: Dominators
) -> Iterator[Elimination]:
    """Yield each action of a player that is dominated in the game restricted to the kept actions."""
    table = positive_integers(
        np.moveaxis(restrict(payoffs, kept)[player], player, 0).reshape(len(kept[player]), -1)
    )
    for k, action in enumerate(kept[player]):
        strategy = pure_dominator(table, k, kind)
        if strategy is None and by == "mixed" and len(table) > 2:
            strategy = mixed_dominator(table, k, kind)
        if strategy is not None:
            full = np.full(payoffs.shape[1 + player], Fraction(0), dtype=object)
            full[kept[player]] = strategy
            yield Elimination(player, action, full)


def dominates(gain: Shaped[np.ndarray, "... others"], kind: Kind) -> Any:
    """Whether a strategy dominates an action, from its gain at each joint action of the others."""
    return (gain > 0).all(axis=-1) if kind == "strict" else (gain >= 0).all(axis=-1) & (gain > 0).any(axis=-1)


def pure_dominator(
    table: Shaped[np.ndarray, "own others"], action: int, kind: Kind
) -> Shaped[np.ndarray, " own"] | None:
    """The first action that dominates the given one, as a pure strategy; None if there is none."""
    found = np.flatnonzero(dominates(table - table[action], kind))
    return None if found.size == 0 else np.array([Fraction(int(k == found[0])) for k in range(len(table))])


def mixed_dominator(
    table: Shaped[np.ndarray, "own others"], action: int, kind: Kind
) -> Shaped[np.ndarray, " own"] | None:
    r"""A mixed strategy of the other actions that dominates the given one, in rationals.

    None if none is found.

    Strict: $\max_{\sigma, \epsilon} \epsilon$ such that $\sum_b \sigma_b (u_{bj} - u_{aj}) \ge \epsilon$ for
    all j. Weak: $\max_\sigma \sum_{bj} \sigma_b (u_{bj} - u_{aj})$ such that no term j is negative.
    """
    from scipy.optimize import linprog

    gain = table - table[action]
    own, others = gain.shape
    candidate = np.array(
        [not (gain[b] < 0).all() for b in range(own)]
    )  # False for an action that is worse at every joint action of the others
    if not candidate.any():
        return None
    units = [
        max(int(abs(gain[candidate, j]).max()), 1) for j in range(others)
    ]  # one for each joint action of the others
    scaled = np.array(
        [
            [float(Fraction(int(g), unit)) for g, unit in zip(row, units, strict=True)]
            if use
            else [0.0] * others
            for row, use in zip(gain, candidate, strict=True)
        ]
    )
    strict = float(kind == "strict")
    program = linprog(
        np.append(-(1 - strict) * scaled.sum(axis=1), -strict),
        A_ub=np.hstack([-scaled.T, np.full((others, 1), strict)]),
        b_ub=np.zeros(others),
        A_eq=np.append(np.ones(own), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None if use and b != action else 0) for b, use in enumerate(candidate)] + [(0, None)],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if program.x is None or -program.fun <= MARGIN:
        return None
    weights = np.maximum(program.x[:own], 0)
    candidates = (
        [round_weights(weights, limit) for limit in (100, 10**5, 10**10, 10**18)]
        if strict
        else [exact_dominator(gain, weights, weights @ scaled)]
    )
    return next((s for s in candidates if s is not None and dominates(s @ gain, kind)), None)


def round_weights(weights: np.ndarray, limit: int) -> np.ndarray | None:
    """Round weights to rationals with denominators up to `limit`, and normalize them; None if all are 0."""
    fractions = np.array([Fraction(w).limit_denominator(limit) for w in weights.tolist()], dtype=object)
    return fractions / fractions.sum() if fractions.sum() else None


def exact_dominator(gain: np.ndarray, weights: np.ndarray, gains: np.ndarray) -> np.ndarray | None:
    """The rational mixed strategy at the vertex of the linear program that float weights approximate.

    It has the same support, and its gain is exactly 0 at the joint actions of the others where the gain of
    the weights is within `MARGIN` of 0; None if these equations do not have one nonnegative solution.
    """
    played, idle = np.flatnonzero(weights > MARGIN), np.flatnonzero(np.abs(gains) <= MARGIN)
    rows = [[1] * len(played), *([int(gain[b, j]) for b in played] for j in idle)]
    solved = unique_solution(rows, [1] + [0] * len(idle)) if len(rows) >= len(played) else None
    strategy = np.full(len(gain), Fraction(0), dtype=object)
    if solved is None or min(solved[0]) < 0:
        return None
    strategy[played] = [Fraction(x, solved[1]) for x in solved[0]]
    return strategy
