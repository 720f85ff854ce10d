r"""All equilibria of batches of small two-player games in JAX: closed form for 2x2, otherwise by supports.

Every entry of the payoff matrices is a vector over the batch, all pairs of supports of one size are stacked
along one axis, and linear systems are solved by cofactors, so that the compiled program for a million games
consists of a few loops.

A game is flagged as degenerate if rounding could change the sign of a number on which the result depends. A
game that is not flagged has exactly the listed equilibria, in float32 as in float64.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from math import factorial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from games.checks import as_float
from games.compiler import jit

Vector = Float[Array, "axis *batch"]
Entries = list[list[Vector]]
Pairs = list[tuple[tuple[int, ...], tuple[int, ...]]]
Slots = Shaped[Array, "slots *batch"]

MOST = {
    (1, 1): 1,
    (1, 2): 1,
    (1, 3): 1,
    (1, 4): 1,
    (2, 2): 3,
    (2, 3): 3,
    (2, 4): 5,
    (3, 3): 7,
    (3, 4): 9,
    (4, 4): 15,
}
"""For each shape, the largest number of equilibria of a game that is not degenerate, or an upper bound: the
largest number of vertices of the best-response polytope minus one (Keiding 1997), and 15 for 4x4 games
(McLennan & Park 1999)."""


class Equilibria(eqx.Module):
    """Equilibria of a batch of games, with a fixed number of slots per game.

    Args:
        row: the row player's strategies; zeros in an empty slot.
        column: the column player's strategies; zeros in an empty slot.
        mask: whether a slot holds an equilibrium: all sign conditions hold and the residual is at most 1e-8
            in float64, 1e-4 in float32.
        residual: the larger of the two players' regrets, each divided by that player's payoff range; infinite
            in an empty slot.
        count: number of equilibria found; it exceeds the number of filled slots only in degenerate games.
        degenerate: whether the game is degenerate, or cannot be distinguished from a degenerate game in this
            precision, or is not finite. The listed profiles are equilibria, but others may be missing, such
            as those with supports of unequal size or in a continuum.
    """

    row: Float[Array, "*batch slots m"]
    column: Float[Array, "*batch slots n"]
    mask: Bool[Array, "*batch slots"]
    residual: Float[Array, "*batch slots"]
    count: Int[Array, "*batch"]
    degenerate: Bool[Array, "*batch"]


def equilibria_2x2(row: Any, column: Any) -> Equilibria:
    r"""All equilibria of 2x2 games in closed form.

    With $d_j = a_{0j} - a_{1j}$ and $e_i = b_{i0} - b_{i1}$: (0, 0) is an equilibrium where $d_0, e_0 \ge 0$,
    likewise the other corners; where both pairs of signs are opposite, $x_0 = |e_1| / (|e_0| + |e_1|)$, $y_0
    = |d_1| / (|d_0| + |d_1|)$ is one. The game is degenerate where a difference is 0; then at least one pure
    equilibrium is listed.

    Args:
        row: `(*batch, 2, 2)`, the row player's payoffs $a$.
        column: `(*batch, 2, 2)`, the column player's payoffs $b$.

    Returns:
        Three slots: the pure equilibrium in which row 0 is played, the one in which row 1 is played, and the
        mixed equilibrium.

    Raises:
        ValueError: if the games are not 2x2.

    Example:
        >>> found = equilibria_2x2([[2, 0], [0, 1]], [[1, 0], [0, 2]])
        >>> found.mask.tolist(), found.row[2].round(3).tolist()
        ([True, True, True], [0.667..., 0.333...])
    """
    row, column = matrices(row, column)
    if row.shape[-2:] != (2, 2):
        raise ValueError(
            f"The games are {row.shape[-2]}x{row.shape[-1]}; the closed form is for 2x2; use "
            "equilibria_small."
        )
    return closed_form(row, column)


def equilibria_small(row: Any, column: Any) -> Equilibria:
    r"""All equilibria of games of up to 4x4 actions by support enumeration.

    For supports $I$, $J$ of equal size $k$, $x$ on $I$ makes the columns in $J$ indifferent: it is the cross
    product of the $k - 1$ differences of these columns, normalized (Cramer's rule). It belongs to an
    equilibrium if it is positive and no column outside $J$ is a better reply, and likewise $y$. A game is
    degenerate exactly if, for some pair of supports, such an $x$ or $y$ has a best response outside them.

    Leading batch axes and `jax.vmap` give the same results; on a CPU, blocks of a few hundred games with
    `jax.lax.map` are fastest.

    Args:
        row: `(*batch, m, n)`, the row player's payoffs; m and n at most 4.
        column: `(*batch, m, n)`, the column player's payoffs.

    Returns:
        `MOST[m, n]` slots, smaller supports first. If a degenerate game has more equilibria, `count` exceeds
        the number of slots.

    Raises:
        ValueError: if the games are larger than 4x4.

    Example:
        >>> found = equilibria_small([[2, 0], [0, 1]], [[1, 0], [0, 2]])
        >>> int(found.count), bool(found.degenerate), found.row[2].round(3).tolist()
        (3, False, [0.667..., 0.333...])
    """
    row, column = matrices(row, column)
    if max(row.shape[-2:]) > 4:
        raise ValueError(
            f"The games are {row.shape[-2]}x{row.shape[-1]}; this enumeration takes up to 4x4; solve larger "
            "games one by one with solve."
        )
    return enumeration(row, column)


def matrices(row: Any, column: Any) -> tuple[Float[Array, "*batch m n"], Float[Array, "*batch m n"]]:
    """Convert both players' payoffs to arrays of one precision, and check their shapes.

    Raises:
        ValueError: if the shapes differ or are not `(*batch, m, n)`.
    """
    row, column = as_float(row), as_float(column)
    if row.ndim < 2 or row.shape != column.shape or 0 in row.shape[-2:]:
        raise ValueError(
            f"The players' payoffs have shapes {row.shape} and {column.shape}; both must be (*batch, row "
            "actions, column actions)."
        )
    dtype = jnp.promote_types(row.dtype, column.dtype)
    if dtype == jnp.float64:  # such an array may have been created while float64 was enabled
        dtype = jnp.result_type(float)
    return row.astype(dtype), column.astype(dtype)


@jit
def closed_form(row: Float[Array, "*batch 2 2"], column: Float[Array, "*batch 2 2"]) -> Equilibria:
    """The compiled part of `equilibria_2x2`."""
    a, b = entries(row), entries(column)
    d = [a[0][j] - a[1][j] for j in range(2)]
    e = [b[i][0] - b[i][1] for i in range(2)]
    sign = (1, -1)
    corner = [[(sign[i] * d[j] >= 0) & (sign[j] * e[i] >= 0) for j in range(2)] for i in range(2)]
    mixed = (d[0] * jnp.sign(d[1]) < 0) & (e[0] * jnp.sign(e[1]) < 0)
    zero = jnp.zeros_like(d[0])

    def mixture(gain: list[Vector]) -> list[Vector]:
        size = abs(gain[0]) + abs(gain[1])
        size = jnp.where(size == 0, 1, size)
        return [abs(gain[1]) / size, abs(gain[0]) / size]

    def slots(first: Any, second: Any, third: Any) -> Vector:
        return jnp.concatenate([first + zero, second + zero, third + zero])

    x, y = mixture(e), mixture(d)
    at = [corner[i][0].astype(zero.dtype) for i in range(2)]
    strategies = (
        [slots(1, 0, x[0]), slots(0, 1, x[1])],
        [slots(at[0], at[1], y[0]), slots(1 - at[0], 1 - at[1], y[1])],
    )
    accepted = jnp.concatenate([corner[0][0] | corner[0][1], corner[1][0] | corner[1][1], mixed])
    certain = reduce(jnp.logical_and, [abs(gain) > 0 for gain in (*d, *e)])[0]
    return with_residuals(a, b, strategies, accepted, accepted.astype(jnp.int32).sum(0), certain)


@jit
def enumeration(row: Float[Array, "*batch m n"], column: Float[Array, "*batch m n"]) -> Equilibria:
    """The compiled part of `equilibria_small`."""
    m, n = row.shape[-2:]
    a, b = scale_by_power_of_two(entries(row)), scale_by_power_of_two(entries(column))
    sizes = range(1, min(m, n) + 1)
    pairs = [[(i, j) for i in combinations(range(m), k) for j in combinations(range(n), k)] for k in sizes]
    rows = [indifference(b, group) for group in pairs]
    columns = [indifference(transpose(a), [(j, i) for i, j in group]) for group in pairs]

    found = jnp.concatenate(
        [
            (jnp.minimum(x.positive, y.positive) > 1) & (jnp.minimum(x.best, y.best) >= -1)
            for x, y in zip(rows, columns, strict=True)
        ]
    )
    slot, count = first_indices(found, MOST[min(m, n), max(m, n)])
    filled = slot < len(found)
    slot = jnp.minimum(slot, len(found) - 1)
    strategies = (
        strategies_of_pairs([x.mixture for x in rows], [[i for i, _ in group] for group in pairs], m, slot),
        strategies_of_pairs(
            [y.mixture for y in columns], [[j for _, j in group] for group in pairs], n, slot
        ),
    )
    decided = [(abs(jnp.minimum(side.positive, side.best)) > 1).all(0) for side in (*rows, *columns)]
    return with_residuals(a, b, strategies, filled, count, reduce(jnp.logical_and, decided))


def first_indices(found: Bool[Array, "pairs *batch"], slots: int) -> tuple[Slots, Int[Array, "*batch"]]:
    """The indices of the first `slots` True entries along the leading axis, and the number of all of them.

    Slots that stay empty hold the length of the axis.
    """

    def enter(state: tuple, pair: tuple) -> tuple[tuple, None]:
        slot, count = state
        index, here = pair
        at = jnp.arange(slots, dtype=jnp.int32).reshape(-1, *(1,) * count.ndim) == count[None]
        return (jnp.where(here[None] & at, index, slot), count + here), None

    nothing = jnp.full((slots, *found.shape[1:]), len(found), jnp.int32)
    return jax.lax.scan(enter, (nothing, nothing[0] * 0), (jnp.arange(len(found), dtype=jnp.int32), found))[0]


def strategies_of_pairs(
    mixtures: list[list[Vector]], supports: list[list[tuple[int, ...]]], actions: int, slot: Slots
) -> list[Vector]:
    """Probabilities of all actions in each slot, from the mixtures and the pair of supports in the slot."""
    places = range(len(mixtures))
    by_place = [
        jnp.concatenate([mixture[k] if k < len(mixture) else 0 * mixture[0] for mixture in mixtures])
        for k in places
    ]
    flat = [support for group in supports for support in group]
    result = []
    for action in range(actions):
        probability = jnp.zeros_like(by_place[0])
        for k in places:
            here = np.array([support[k : k + 1] == (action,) for support in flat])
            probability = jnp.where(here.reshape(-1, *(1,) * (slot.ndim - 1)), by_place[k], probability)
        result.append(jnp.take_along_axis(probability, slot, axis=0))
    return result


def with_residuals(
    a: Entries,
    b: Entries,
    strategies: tuple[list[Vector], list[Vector]],
    filled: Slots,
    count: Array,
    decided: Array,
) -> Equilibria:
    """Compute the residuals of the profiles in the slots, and move the batch axes to the front.

    The loop over slots keeps the compiler from recomputing the strategies for every use. Sums of products are
    written out because they fuse, and because jaxlib 0.10.2 computes wrong sums over large batches on a CPU.
    """
    x, y = (jnp.stack(probabilities, axis=1) for probabilities in strategies)

    def regret(_: None, slot: tuple) -> tuple[None, Vector]:
        x, y = slot
        pays_row = [sum(v[0] * q for v, q in zip(line, y, strict=True)) for line in a]
        pays_column = [sum(v[0] * p for v, p in zip(line, x, strict=True)) for line in transpose(b)]
        gain_row = largest(pays_row) - sum(p * v for p, v in zip(x, pays_row, strict=True))
        gain_column = largest(pays_column) - sum(q * v for q, v in zip(y, pays_column, strict=True))
        return None, jnp.maximum(gain_row / span(a)[0], gain_column / span(b)[0])

    residual = jax.lax.scan(regret, None, (x, y))[1]
    mask = filled & (residual <= (1e-8 if residual.dtype == jnp.float64 else 1e-4))
    x, y = (jnp.moveaxis(jnp.where(mask[:, None], strategy, 0), (0, 1), (-2, -1)) for strategy in (x, y))
    degenerate = ~decided | (mask != filled).any(0) | (count > len(filled))
    return Equilibria(
        x,
        y,
        jnp.moveaxis(mask, 0, -1),
        jnp.moveaxis(jnp.where(mask, residual, jnp.inf), 0, -1),
        count,
        degenerate,
    )


class Indifference(NamedTuple):
    r"""Mixtures over supports of size k that make the opponent indifferent, per pair of supports and game.

    Args:
        mixture: the probabilities of the actions in the support.
        positive: the smallest of them.
        best: the smallest payoff difference between the opponent's actions inside and outside its support.

    `positive` and `best` are in units of their rounding error, which is at most $2k\,k!\,\epsilon$ times the
    product of the largest differences of each column: between -1 and 1 their sign is unknown, and where
    `positive` is below -1, `best` has no meaning. If the system of a pair is exactly singular both are
    $-\infty$: its vertices are also found from other pairs.
    """

    mixture: list[Vector]
    positive: Vector
    best: Vector


def indifference(payoffs: Entries, pairs: Pairs) -> Indifference:
    r"""Mixtures on one player's supports that make the opponent indifferent on its support, by cofactors.

    Args:
        payoffs: the opponent's payoffs `payoffs[own action][opponent's action]`, scaled to a range of about
            1; each entry is a vector over the batch.
        pairs: supports (own, opponent's), all of the same size $k$.
    """
    k, n = len(pairs[0][0]), len(payoffs[0])

    def entry(own: int, other: Any) -> Vector:
        return jnp.concatenate([payoffs[i[own]][other(j)] for i, j in pairs])

    inside = [[entry(a, lambda j, b=b: j[b]) for b in range(k)] for a in range(k)]
    outside = [
        [entry(a, lambda j, c=c: [o for o in range(n) if o not in j][c]) for c in range(n - k)]
        for a in range(k)
    ]
    differences = [[inside[a][b] - inside[a][0] for a in range(k)] for b in range(1, k)]
    x = orthogonal_vector(differences) if k > 1 else [jnp.ones_like(inside[0][0])]
    total = sum(x[1:], start=x[0])
    sizes = [largest([abs(d) for d in column]) for column in differences]
    size = reduce(jnp.multiply, sizes, jnp.ones_like(total))
    singular = largest([abs(p) for p in x]) == 0
    if sizes:
        singular &= (size > 0) | (smallest(sizes) == 0)  # else the product of small numbers has underflowed
    unit = jnp.where(total < 0, -1, 1) / (2 * k * factorial(k) * jnp.finfo(size.dtype).eps * size)
    advantages = [
        sum(p * (inside[a][0] - outside[a][c]) for a, p in enumerate(x)) * unit for c in range(n - k)
    ]
    positive, best = smallest([p * unit for p in x]), smallest([*advantages, jnp.full_like(total, jnp.inf)])
    total = jnp.where(total == 0, 1, total)
    return Indifference(
        [p / total for p in x], jnp.where(singular, -jnp.inf, positive), jnp.where(singular, -jnp.inf, best)
    )


def orthogonal_vector(columns: list[list[Vector]]) -> list[Vector]:
    """The vector orthogonal to k - 1 vectors of length k (k at most 4), by cofactors."""
    if len(columns) == 1:
        return [columns[0][1], -columns[0][0]]
    if len(columns) == 2:
        (a, b, c), (d, e, f) = columns
        return [b * f - c * e, c * d - a * f, a * e - b * d]
    a, b, c = columns
    minor = {(i, j): b[i] * c[j] - b[j] * c[i] for i, j in combinations(range(4), 2)}

    def cofactor(i: int, j: int, k: int) -> Vector:
        return a[i] * minor[j, k] - a[j] * minor[i, k] + a[k] * minor[i, j]

    return [cofactor(1, 2, 3), -cofactor(0, 2, 3), cofactor(0, 1, 3), -cofactor(0, 1, 2)]


def entries(matrix: Float[Array, "*batch m n"]) -> Entries:
    """Split a batch of matrices into one vector `(1, *batch)` per entry.

    The first axis is for supports or slots.
    """
    return [[matrix[None, ..., i, j] for j in range(matrix.shape[-1])] for i in range(matrix.shape[-2])]


def transpose(matrix: Entries) -> Entries:
    """The transposed matrix."""
    return [list(column) for column in zip(*matrix, strict=True)]


def span(matrix: Entries) -> Vector:
    """The payoff range of each game, or 1 if all its payoffs are equal."""
    flat = [v for line in matrix for v in line]
    size = largest(flat) - smallest(flat)
    return jnp.where(size == 0, 1, size)


def scale_by_power_of_two(matrix: Entries) -> Entries:
    """Divide the payoffs by a power of two near their range; this is exact, so equal payoffs stay equal."""
    unit = jax.lax.stop_gradient(span(matrix))
    unit = jnp.ldexp(jnp.ones_like(unit), jnp.frexp(unit)[1])
    return [[v / unit for v in line] for line in matrix]


def largest(vectors: Sequence[Any]) -> Vector:
    """The elementwise maximum of several vectors."""
    return reduce(jnp.maximum, vectors)


def smallest(vectors: Sequence[Any]) -> Vector:
    """The elementwise minimum of several vectors."""
    return reduce(jnp.minimum, vectors)
