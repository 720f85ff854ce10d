"""Sets of cells of an 8 by 8 grid as bits, movement and beams, all in scalars, so that lanes are vectors."""

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
"""A set of cells: bit `row * 8 + column` of two 32-bit words is set for each of its cells."""


def both(function: Callable[[int], T]) -> tuple[T, T]:
    """The values of a function at 0 and at 1, the two players or the two kinds of coins."""
    return function(0), function(1)


def down(heading: Scalar) -> Scalar:
    """Change of the row by a step in a direction: 0 down, 1 right, 2 up, 3 left."""
    return ((heading & 3) == 0).astype(jnp.int32) - ((heading & 3) == 2)


def across(heading: Scalar) -> Scalar:
    """Change of the column by a step in a direction."""
    return ((heading & 3) == 1).astype(jnp.int32) - ((heading & 3) == 3)


def board(places: Iterable[tuple[int, int]], like: UInt32[Array, ""]) -> Board:
    """The set of these cells, given as rows and columns.

    Example:
        >>> [hex(word) for word in board([(0, 1), (7, 7)], jnp.uint32(0))]
        ['0x2', '0x80000000']
    """
    bits = sum(1 << (row * SIZE + column) for row, column in places)
    return jnp.full_like(like, bits & 0xFFFFFFFF), jnp.full_like(like, bits >> 32)


def cell_bit(cell: Int[Array, "..."]) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """The set that contains one cell."""
    bit = jnp.uint32(1) << (cell & 31).astype(jnp.uint32)
    return jnp.where(cell < 32, bit, 0), jnp.where(cell < 32, 0, bit)


def has(cells: Board, cell: Int[Array, "..."]) -> Int[Array, "..."]:
    """1 if a cell is in the set, else 0."""
    word = jnp.where(cell < 32, cells[0], cells[1])
    return ((word >> (cell & 31).astype(jnp.uint32)) & np.uint32(1)).astype(jnp.int32)


def without(cells: Board, gone: Sequence[Scalar]) -> Board:
    """The set without some cells."""
    low, high = cells
    for cell in gone:
        bit = cell_bit(cell)
        low, high = low & ~bit[0], high & ~bit[1]
    return low, high


def union(groups: Sequence[Sequence[Scalar]], present: Sequence[Flag]) -> Board:
    """The set of the cells of all groups that are flagged as present."""
    low = high = jnp.zeros_like(groups[0][0], jnp.uint32)
    for cells, here in zip(groups, present, strict=True):
        for cell in cells:
            bit = cell_bit(cell)
            low, high = low | jnp.where(here, bit[0], 0), high | jnp.where(here, bit[1], 0)
    return low, high


def move(
    rows: Pair, columns: Pair, headings: Pair, forward: tuple[Flag, Flag], first: Scalar
) -> tuple[Pair, Pair]:
    """Rows and columns after the players' steps ahead, which walls and standing players stop.

    Args:
        rows: of both players.
        columns: of both players.
        headings: of both players.
        forward: whether each player steps ahead.
        first: 1 if player 0 gets a cell that both players step into, 0 if player 1 gets it.
    """
    r = tuple(jnp.clip(rows[i] + down(headings[i]) * forward[i], 0, SIZE - 1) for i in (0, 1))
    c = tuple(jnp.clip(columns[i] + across(headings[i]) * forward[i], 0, SIZE - 1) for i in (0, 1))
    moves = tuple((r[i] != rows[i]) | (c[i] != columns[i]) for i in (0, 1))
    clash = (r[0] == r[1]) & (c[0] == c[1])
    back = clash & moves[0] & (~moves[1] | (first == 0)), clash & moves[1] & (~moves[0] | (first == 1))
    r0, r1 = (jnp.where(back[i], rows[i], r[i]) for i in (0, 1))
    c0, c1 = (jnp.where(back[i], columns[i], c[i]) for i in (0, 1))
    return (r0, r1), (c0, c1)


def beam_cells(row: Scalar, column: Scalar, heading: Scalar) -> tuple[Scalar, ...]:
    """The four cells of a beam: one and two cells ahead, and those left and right of the first.

    Cells ahead are clipped to the grid; cells at the sides outside the grid are replaced by the first cell.
    """

    def inside(r: Scalar, c: Scalar) -> Scalar:
        return jnp.clip(r, 0, SIZE - 1) * SIZE + jnp.clip(c, 0, SIZE - 1)

    r, c = row + down(heading), column + across(heading)
    near = inside(r, c)
    cells = [near, inside(r + down(heading), c + across(heading))]
    for side in (heading - 1, heading + 1):
        y, x = r + down(side), c + across(side)
        cells.append(jnp.where((y >= 0) & (y < SIZE) & (x >= 0) & (x < SIZE), y * SIZE + x, near))
    return tuple(cells)
