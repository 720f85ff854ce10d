"""Sets of cells of a walled 8 by 8 grid as bits, and movement and beams on it; everything is a scalar, so that lanes are vectors."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

T = TypeVar("T")
SIZE = 8
Scalar = Int[Array, ""]
Flag = Bool[Array, ""]
Pair = tuple[Scalar, Scalar]
Board = tuple[UInt32[Array, ""], UInt32[Array, ""]]
"""A set of the 64 cells, `row * 8 + column`: a bit per cell in two words."""


def both(make: Callable[[int], T]) -> tuple[T, T]:
    """What is made for player 0 and for player 1."""
    return make(0), make(1)


def down(heading: Scalar) -> Scalar:
    """By how many rows a step leads: headings are 0 down, 1 right, 2 up, 3 left."""
    return ((heading & 3) == 0).astype(jnp.int32) - ((heading & 3) == 2)


def across(heading: Scalar) -> Scalar:
    """By how many columns a step leads."""
    return ((heading & 3) == 1).astype(jnp.int32) - ((heading & 3) == 3)


def board(places: Iterable[tuple[int, int]], like: UInt32[Array, ""]) -> Board:
    """The set of these rows and columns.

    Example:
        >>> [hex(word) for word in board([(0, 1), (7, 7)], jnp.uint32(0))]
        ['0x2', '0x80000000']
    """
    bits = sum(1 << (row * SIZE + column) for row, column in places)
    return jnp.full_like(like, bits & 0xFFFFFFFF), jnp.full_like(like, bits >> 32)


def cell_bit(cell: Int[Array, "..."]) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """The set of one cell."""
    bit = jnp.uint32(1) << (cell & 31).astype(jnp.uint32)
    return jnp.where(cell < 32, bit, 0), jnp.where(cell < 32, 0, bit)


def has(cells: Board, cell: Int[Array, "..."]) -> Int[Array, "..."]:
    """1 where a cell is in the set, else 0."""
    word = jnp.where(cell < 32, cells[0], cells[1])
    return ((word >> (cell & 31).astype(jnp.uint32)) & np.uint32(1)).astype(jnp.int32)


def without(cells: Board, gone: Sequence[Scalar]) -> Board:
    """The set less some cells."""
    low, high = cells
    for cell in gone:
        bit = cell_bit(cell)
        low, high = low & ~bit[0], high & ~bit[1]
    return low, high


def union(groups: Sequence[Sequence[Scalar]], present: Sequence[Flag]) -> Board:
    """The cells of all groups that are present."""
    low = high = jnp.zeros_like(groups[0][0], jnp.uint32)
    for cells, here in zip(groups, present, strict=True):
        for cell in cells:
            bit = cell_bit(cell)
            low, high = low | jnp.where(here, bit[0], 0), high | jnp.where(here, bit[1], 0)
    return low, high


def moved(
    rows: Pair, columns: Pair, headings: Pair, forward: tuple[Flag, Flag], first: Scalar
) -> tuple[Pair, Pair]:
    """Rows and columns after everybody's step ahead; a wall stops it, and so does a player who stands in the way.

    Args:
        rows: of both players.
        columns: of both players.
        headings: of both players.
        forward: who steps ahead.
        first: 1 if player 0 gets a cell that both step into, 0 if player 1 does.
    """
    r = tuple(jnp.clip(rows[i] + down(headings[i]) * forward[i], 0, SIZE - 1) for i in (0, 1))
    c = tuple(jnp.clip(columns[i] + across(headings[i]) * forward[i], 0, SIZE - 1) for i in (0, 1))
    went = tuple((r[i] != rows[i]) | (c[i] != columns[i]) for i in (0, 1))
    clash = (r[0] == r[1]) & (c[0] == c[1])
    back = clash & went[0] & (~went[1] | (first == 0)), clash & went[1] & (~went[0] | (first == 1))
    r0, r1 = (jnp.where(back[i], rows[i], r[i]) for i in (0, 1))
    c0, c1 = (jnp.where(back[i], columns[i], c[i]) for i in (0, 1))
    return (r0, r1), (c0, c1)


def swept(row: Scalar, column: Scalar, heading: Scalar) -> tuple[Scalar, ...]:
    """The four cells of a beam: one ahead, two ahead (both inside the walls), and left and right of the first where there is a cell."""

    def inside(r: Scalar, c: Scalar) -> Scalar:
        return jnp.clip(r, 0, SIZE - 1) * SIZE + jnp.clip(c, 0, SIZE - 1)

    r, c = row + down(heading), column + across(heading)
    near = inside(r, c)
    cells = [near, inside(r + down(heading), c + across(heading))]
    for side in (heading - 1, heading + 1):
        y, x = r + down(side), c + across(side)
        cells.append(jnp.where((y >= 0) & (y < SIZE) & (x >= 0) & (x < SIZE), y * SIZE + x, near))
    return tuple(cells)
