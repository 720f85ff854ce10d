"""Two-player games with known equilibria: payoffs in integers, extreme equilibria in rationals, each with its source or an argument."""

import dataclasses
from fractions import Fraction
from itertools import combinations

Strategy = tuple[Fraction, ...]
Matrix = list[list[int]]


@dataclasses.dataclass(frozen=True)
class TextbookGame:
    """A game and all its extreme equilibria; where it is not degenerate, all its equilibria."""

    name: str
    row: Matrix
    column: Matrix
    equilibria: frozenset[tuple[Strategy, Strategy]]
    degenerate: bool
    why: str

    @property
    def payoffs(self):
        return [self.row, self.column]

    @property
    def zero_sum(self):
        sums = {a + b for r, c in zip(self.row, self.column, strict=True) for a, b in zip(r, c, strict=True)}
        return len(sums) == 1


def strategy(text: str) -> Strategy:
    return tuple(Fraction(p) for p in text.split())


def game(name, row, column, equilibria, why, degenerate=False):
    profiles = frozenset(tuple(strategy(s) for s in e.split(";")) for e in equilibria)
    return TextbookGame(name, row, column, profiles, degenerate, why)


def negative(matrix: Matrix) -> Matrix:
    return [[-x for x in row] for row in matrix]


def transpose(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]


def symmetric(name, row, equilibria, why, degenerate=False):
    return game(name, row, transpose(row), equilibria, why, degenerate)


def coordination(n: int) -> TextbookGame:
    """Both get 1 where they meet: every set of actions, played uniformly by both, is an equilibrium, and nothing else is."""
    identity = [[int(i == j) for j in range(n)] for i in range(n)]
    supports = [s for k in range(1, n + 1) for s in combinations(range(n), k)]
    uniform = [tuple(Fraction(int(i in s), len(s)) for i in range(n)) for s in supports]
    why = (
        "best replies to y are the actions y plays most, so both play one set, uniformly: 2^n - 1 equilibria"
    )
    return TextbookGame(
        f"coordination on {n}", identity, identity, frozenset((x, x) for x in uniform), False, why
    )


def zeros(m: int, n: int) -> TextbookGame:
    """Nothing matters: every pair of pure strategies is an extreme equilibrium."""
    units = [[tuple(Fraction(int(i == j)) for j in range(k)) for i in range(k)] for k in (m, n)]
    none = [[0] * n for _ in range(m)]
    pairs = frozenset((x, y) for x in units[0] for y in units[1])
    return TextbookGame(
        f"zero {m} x {n}",
        none,
        none,
        pairs,
        True,
        "every profile is an equilibrium; the extreme ones are pure",
    )


PENNIES = [[1, -1], [-1, 1]]
RPS = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
BIASED_RPS = [[0, -25, 50], [25, 0, -5], [-50, 5, 0]]

TEXTBOOK = [
    symmetric("prisoner's dilemma", [[3, 0], [5, 1]], ["0 1;0 1"], "defection dominates strictly"),
    game(
        "battle of the sexes",
        [[2, 0], [0, 1]],
        [[1, 0], [0, 2]],
        ["1 0;1 0", "0 1;0 1", "2/3 1/3;1/3 2/3"],
        "Luce and Raiffa (1957)",
    ),
    game("matching pennies", PENNIES, negative(PENNIES), ["1/2 1/2;1/2 1/2"], "von Neumann (1928)"),
    game(
        "rock-paper-scissors",
        RPS,
        negative(RPS),
        ["1/3 1/3 1/3;1/3 1/3 1/3"],
        "the kernel of its skew-symmetric payoffs",
    ),
    game(
        "biased rock-paper-scissors",
        BIASED_RPS,
        negative(BIASED_RPS),
        ["1/16 10/16 5/16;1/16 10/16 5/16"],
        "value 0 by symmetry; a completely mixed optimal strategy spans the kernel of the skew-symmetric payoffs, (5, 50, 25)",
    ),
    symmetric(
        "chicken",
        [[6, 2], [7, 0]],
        ["1 0;0 1", "0 1;1 0", "2/3 1/3;2/3 1/3"],
        "Aumann (1974); 6p + 2(1 - p) = 7p",
    ),
    symmetric("stag hunt", [[4, 0], [3, 3]], ["1 0;1 0", "0 1;0 1", "3/4 1/4;3/4 1/4"], "4p = 3"),
    game(
        "Shapley's game",
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        ["1/3 1/3 1/3;1/3 1/3 1/3"],
        "Shapley (1964): the row player wants to meet, the column player to be one ahead",
    ),
    game(
        "three against two",
        [[3, 3], [2, 5], [0, 6]],
        [[3, 2], [2, 6], [3, 1]],
        ["1 0 0;1 0", "4/5 1/5 0;2/3 1/3", "0 1/3 2/3;1/3 2/3"],
        "von Stengel (2007), equation (3.3)",
    ),
    game(
        "three against two, degenerate",
        [[3, 3], [2, 5], [0, 6]],
        [[3, 3], [2, 6], [3, 1]],
        ["1 0 0;1 0", "1 0 0;2/3 1/3", "0 1/3 2/3;1/3 2/3"],
        "von Stengel (2007), equation (3.7): a segment and an isolated equilibrium",
        degenerate=True,
    ),
    game(
        "weakly dominated equilibrium",
        [[1, 0], [0, 0]],
        [[1, 0], [0, 0]],
        ["1 0;1 0", "0 1;0 1"],
        "whoever plays the first action at all makes it the other's only best reply; the second is an equilibrium all the same",
        degenerate=True,
    ),
    game(
        "entry deterrence",
        [[0, 0], [1, -1]],
        [[2, 2], [1, -1]],
        ["0 1;1 0", "1 0;0 1", "1 0;1/2 1/2"],
        "staying out is a best reply while fighting has probability 1/2 or more; fighting is weakly dominated and must be kept",
        degenerate=True,
    ),
    game(
        "segment",
        [[-3, 3], [-3, 5]],
        [[2, 7], [4, 2]],
        ["0 1;1 0", "2/7 5/7;1 0"],
        "the second row dominates weakly and ties against column 0, which is best up to x = 2/7",
        degenerate=True,
    ),
    game(
        "isolated with unequal supports",
        [[0, 1, 1], [0, 0, 0]],
        [[0, 1, -1], [0, -1, 1]],
        ["1 0;0 1 0", "1/2 1/2;1 0 0"],
        "column 0 is a best reply at x = 1/2 only; against any other column row 0 is the only best reply, and column 1 answers it",
        degenerate=True,
    ),
    game(
        "one row",
        [[4, 0, 2]],
        [[1, 3, 2]],
        ["1;0 1 0"],
        "one player has no choice and the other takes the best",
    ),
    game(
        "one row, tied",
        [[4, 0, 2]],
        [[1, 3, 3]],
        ["1;0 1 0", "1;0 0 1"],
        "either of two best actions",
        degenerate=True,
    ),
    game(
        "one column",
        [[1], [5]],
        [[7], [0]],
        ["0 1;1"],
        "one player has no choice and the other takes the best",
    ),
    game("nobody chooses", [[3]], [[-2]], ["1;1"], "the only profile"),
    coordination(2),
    coordination(3),
    coordination(4),
    zeros(2, 2),
    zeros(3, 3),
]
"""Names are unique; `[g for g in TEXTBOOK if not g.degenerate]` are those whose list is complete."""


def profiles(found) -> set[tuple[Strategy, Strategy]]:
    """What an exact solver found, as the table above states it."""
    return {tuple(tuple(s.tolist()) for s in e.profile) for e in found}
