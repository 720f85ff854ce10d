r"""Indifference of one player over a support, for many games and many pairs of supports at once, by cofactors.

A payoff matrix is a nested list with one vector `(1, *batch)` per entry; pairs of supports are stacked along
the leading axis.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from math import factorial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Vector = Float[Array, "axis *batch"]
Entries = list[list[Vector]]
Pairs = list[tuple[tuple[int, ...], tuple[int, ...]]]


class Indifference(NamedTuple):
    r"""Mixtures over supports of size k, one per pair of supports and game.

    Args:
        mixture: the probabilities of the support's actions, in order.
        positive: the smallest of them.
        best: the smallest advantage of the other's support over any action outside it.

    Both margins are in units of their rounding error, at most $2k\,k!\,\epsilon$ times the product of the
    sizes of the columns' differences: within 1 of zero their sign is unknown, and where the first is below -1
    the second says nothing. A pair whose system is exactly singular is none (both are $-\infty$): the
    vertices it stands for belong to other pairs too.
    """

    mixture: list[Vector]
    positive: Vector
    best: Vector


def indifference(payoffs: Entries, pairs: Pairs) -> Indifference:
    r"""Mixtures on one player's supports that make the other indifferent over theirs, and by how much they are equilibrium strategies.

    Args:
        payoffs: what the other player earns, `payoffs[own action][other's action]`, in units of about the
            payoff range.
        pairs: supports (own, other's), all of one size $k$.
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
    x = cross(differences) if k > 1 else [jnp.ones_like(inside[0][0])]
    total = sum(x[1:], start=x[0])
    sizes = [largest([abs(d) for d in column]) for column in differences]
    size = reduce(jnp.multiply, sizes, jnp.ones_like(total))
    singular = largest([abs(p) for p in x]) == 0
    if sizes:
        singular &= (size > 0) | (
            smallest(sizes) == 0
        )  # otherwise the product of small numbers has underflowed
    unit = jnp.where(total < 0, -1, 1) / (2 * k * factorial(k) * jnp.finfo(size.dtype).eps * size)
    advantages = [
        sum(p * (inside[a][0] - outside[a][c]) for a, p in enumerate(x)) * unit for c in range(n - k)
    ]
    positive, best = smallest([p * unit for p in x]), smallest([*advantages, jnp.full_like(total, jnp.inf)])
    total = jnp.where(total == 0, 1, total)
    return Indifference(
        [p / total for p in x], jnp.where(singular, -jnp.inf, positive), jnp.where(singular, -jnp.inf, best)
    )


def cross(columns: list[list[Vector]]) -> list[Vector]:
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
    """One vector `(1, *batch)` per entry; the leading axis becomes that of supports, or of slots."""
    return [[matrix[None, ..., i, j] for j in range(matrix.shape[-1])] for i in range(matrix.shape[-2])]


def transposed(matrix: Entries) -> Entries:
    """Rows and columns exchanged."""
    return [list(column) for column in zip(*matrix, strict=True)]


def span(matrix: Entries) -> Vector:
    """The payoff range, 1 where all payoffs are equal."""
    flat = [v for line in matrix for v in line]
    size = largest(flat) - smallest(flat)
    return jnp.where(size == 0, 1, size)


def scaled(matrix: Entries) -> Entries:
    """The payoffs over a power of two near their range: exact, so that ties stay ties."""
    unit = jax.lax.stop_gradient(span(matrix))
    unit = jnp.ldexp(jnp.ones_like(unit), jnp.frexp(unit)[1])
    return [[v / unit for v in line] for line in matrix]


def largest(vectors: Sequence[Any]) -> Vector:
    """Their elementwise maximum."""
    return reduce(jnp.maximum, vectors)


def smallest(vectors: Sequence[Any]) -> Vector:
    """Their elementwise minimum."""
    return reduce(jnp.minimum, vectors)
