"""Iterated elimination of dominated strategies, each removal certified by a strategy that dominates exactly."""

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from jaxtyping import Shaped

from games.printing import counted
from solvers.base import listing
from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.payoffs import Payoffs, Profile, n_players, payoff_tensor, restrict

MARGIN = 1e-9
"""How far a mixed strategy must dominate for the linear program to tell, in units of the largest difference for the others' actions."""

Kind = Literal["strict", "weak"]
Dominators = Literal["pure", "mixed"]


@dataclasses.dataclass(frozen=True)
class Elimination:
    """One action that went, and why.

    Args:
        player: whose.
        action: which, as the original game numbers them.
        by: the strategy over the player's original actions that dominates it.
    """

    player: int
    action: int
    by: Shaped[np.ndarray, " actions"]


@dataclasses.dataclass(frozen=True)
class Reduction:
    """What remains of a game.

    Args:
        payoffs: the reduced game.
        kept: everybody's remaining actions, as the original game numbers them.
        rounds: the removals, round by round; each is certified against what remained when its player looked.
        sizes: everybody's number of actions in the original game.
    """

    payoffs: Payoffs
    kept: tuple[tuple[int, ...], ...]
    rounds: tuple[tuple[Elimination, ...], ...]
    sizes: tuple[int, ...]

    def __repr__(self) -> str:
        count = sum(map(len, self.rounds))
        left = [f"player {i}: {listing([f'action {a}' for a in own])}" for i, own in enumerate(self.kept)]
        head = f"Reduction: {counted(count, 'action')} of {sum(self.sizes)} removed in {counted(len(self.rounds), 'round')}; actions left"
        return "\n  ".join([head, *left])

    @property
    def solved(self) -> bool:
        """Whether one profile remains."""
        return all(len(k) == 1 for k in self.kept)

    def lift(self, profile: Sequence[Any]) -> Profile:
        """A profile of the reduced game as one of the original game."""
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
    r"""Remove dominated actions, then those dominated in what remains, and so on.

    Action a of player i is strictly dominated by $\sigma_i$ if $u_i(\sigma_i, a_{-i}) > u_i(a, a_{-i})$ for
    all remaining $a_{-i}$, and weakly if $\ge$ for all and $>$ for some. Strict elimination keeps every
    equilibrium and ends at the same game in whatever order. Weak elimination may lose equilibria, and what
    remains depends on the order.

    Args:
        game: what `payoff_tensor` takes; any number of players.
        kind: `"strict"` or `"weak"`.
        by: whether `"pure"` strategies dominate or `"mixed"` ones too. Pure dominance is decided in
            rationals. Mixed dominance is found by linear programming, which sees margins above 1e-9 of what
            the player's choice can matter, and confirmed in rationals.
        order: the order in which players look in each round; whoever looks removes all actions that are
            dominated in what remains. By default everybody looks at the game as it was at the beginning of
            the round.
        exact: whether the reduced game and the dominating strategies stay rationals.

    Raises:
        ValueError: for what is no game, an unknown kind, and an order that is no permutation of the players.

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
            gone = list(dominated(payoffs, before if order is None else kept, player, kind, by))
            kept[player] = [a for a in kept[player] if a not in {e.action for e in gone}]
            removed += gone
        if not removed:
            break
        rounds.append(tuple(e if exact else dataclasses.replace(e, by=e.by.astype(float)) for e in removed))
    reduced = restrict(payoffs if exact else payoff_tensor(game), kept)
    return Reduction(reduced, tuple(map(tuple, kept)), tuple(rounds), sizes)


def undominated(payoffs: Payoffs) -> tuple[list[int], ...]:
    """Everybody's actions after iterated elimination of those that another action strictly dominates; exact in floats too.

    Example:
        >>> undominated(payoff_tensor(([[3, 0], [5, 1], [-1e12, -1e12]], [[3, 5], [0, 1], [0, 0]])))
        ([1], [1])
    """
    kept = tuple(list(range(a)) for a in payoffs.shape[1:])
    before = 0
    while before != (before := sum(map(len, kept))):
        for player, own in enumerate(kept):
            table = np.moveaxis(payoffs[player][np.ix_(*kept)], player, 0).reshape(len(own), -1)
            own[:] = [a for a, row in zip(own, table, strict=True) if not (table > row).all(axis=1).any()]
    return kept


def dominated(
    payoffs: Payoffs, kept: Sequence[Sequence[int]], player: int, kind: Kind, by: Dominators
) -> Iterator[Elimination]:
    """The player's actions that are dominated in the game of the kept ones."""
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
    """Whether a strategy that gains this much over an action, profile by profile of the others, dominates it."""
    return (gain > 0).all(axis=-1) if kind == "strict" else (gain >= 0).all(axis=-1) & (gain > 0).any(axis=-1)


def pure_dominator(
    table: Shaped[np.ndarray, "own others"], action: int, kind: Kind
) -> Shaped[np.ndarray, " own"] | None:
    """The first action that dominates another one, as a strategy."""
    found = np.flatnonzero(dominates(table - table[action], kind))
    return None if found.size == 0 else np.array([Fraction(int(k == found[0])) for k in range(len(table))])


def mixed_dominator(
    table: Shaped[np.ndarray, "own others"], action: int, kind: Kind
) -> Shaped[np.ndarray, " own"] | None:
    r"""A mixed strategy of the other actions that dominates an action, in rationals.

    Strict: $\max_{\sigma, \epsilon} \epsilon$ such that $\sum_b \sigma_b (u_{bj} - u_{aj}) \ge \epsilon$ for
    all j. Weak: $\max_\sigma \sum_{bj} \sigma_b (u_{bj} - u_{aj})$ such that no term j is negative.
    """
    from scipy.optimize import linprog

    gain = table - table[action]
    own, others = gain.shape
    useful = np.array(
        [not (gain[b] < 0).all() for b in range(own)]
    )  # what is worse everywhere helps no mixture
    if not useful.any():
        return None
    units = [max(int(abs(gain[useful, j]).max()), 1) for j in range(others)]  # of each profile of the others
    scaled = np.array(
        [
            [float(Fraction(int(g), unit)) for g, unit in zip(row, units, strict=True)]
            if use
            else [0.0] * others
            for row, use in zip(gain, useful, strict=True)
        ]
    )
    strict = float(kind == "strict")
    program = linprog(
        np.append(-(1 - strict) * scaled.sum(axis=1), -strict),
        A_ub=np.hstack([-scaled.T, np.full((others, 1), strict)]),
        b_ub=np.zeros(others),
        A_eq=np.append(np.ones(own), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None if use and b != action else 0) for b, use in enumerate(useful)] + [(0, None)],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if program.x is None or -program.fun <= MARGIN:
        return None
    weights = np.maximum(program.x[:own], 0)
    candidates = (
        [rounded(weights, limit) for limit in (100, 10**5, 10**10, 10**18)]
        if strict
        else [vertex(gain, weights, weights @ scaled)]
    )
    return next((s for s in candidates if s is not None and dominates(s @ gain, kind)), None)


def rounded(weights: np.ndarray, limit: int) -> np.ndarray | None:
    """Weights as rationals of a denominator up to `limit`, normalized."""
    fractions = np.array([Fraction(w).limit_denominator(limit) for w in weights.tolist()], dtype=object)
    return fractions / fractions.sum() if fractions.sum() else None


def vertex(gain: np.ndarray, weights: np.ndarray, gains: np.ndarray) -> np.ndarray | None:
    """The strategy that plays the actions of positive weight and gains exactly nothing where the weights gain nothing."""
    played, idle = np.flatnonzero(weights > MARGIN), np.flatnonzero(np.abs(gains) <= MARGIN)
    rows = [[1] * len(played), *([int(gain[b, j]) for b in played] for j in idle)]
    solved = unique_solution(rows, [1] + [0] * len(idle)) if len(rows) >= len(played) else None
    strategy = np.full(len(gain), Fraction(0), dtype=object)
    if solved is None or min(solved[0]) < 0:
        return None
    strategy[played] = [Fraction(x, solved[1]) for x in solved[0]]
    return strategy
