"""Two-player games in .csv files: one table with a pair of payoffs in each cell, or one table per player."""

import csv
import io
import re
from fractions import Fraction
from typing import Any

from solvers.files.normal_form import NormalForm
from solvers.payoffs import number


def parse(text: str) -> NormalForm:
    r"""Read a game from comma-separated values; tabs and semicolons are also separators.

    Args:
        text: one table with cells such as `3 0`, `"3,0"` or `(3; 0)`, the row player's payoff first; or two
            tables of numbers with an empty line between them, the row player's first. A first row and a first
            column that hold no payoffs are the names of the actions. Decimals have a point; decimals and
            `p/q` are read exactly.

    Raises:
        ValueError: if a cell does not hold payoffs (the message names the line and the cell); if rows have
            different lengths, or tables different shapes.

    Example:
        >>> game = parse(",left,right\nup,3 3,0 5\ndown,5 0,1 1")
        >>> game.actions, game.payoffs[1].astype(int).tolist()
        ((('up', 'down'), ('left', 'right')), [[3, 5], [0, 1]])
    """
    bare = re.sub(r'"[^"]*"', "", text)
    separator = next((s for s in "\t;," if s in bare), ",")
    blocks: list[list[tuple[int, list[str]]]] = [[]]
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                blocks[-1].append((reader.line_num, cells))
            elif blocks[-1]:
                blocks.append([])
    except csv.Error as error:
        raise ValueError(f"The file is not a table: {error} at line {reader.line_num}.") from None
    blocks = [block for block in blocks if block]
    if len(blocks) not in (1, 2):
        raise ValueError(
            f"The file holds {len(blocks)} tables; it must hold one whose cells are pairs, or the row "
            "player's table, an empty line and the column player's."
        )
    size = 2 if len(blocks) == 1 else 1
    tables = [table(block, size) for block in blocks]
    shapes = [(len(entries), len(entries[0])) for entries, *_ in tables]
    if len(set(shapes)) > 1:
        raise ValueError(
            f"The players' tables are {shapes[0][0]}x{shapes[0][1]} and {shapes[1][0]}x{shapes[1][1]}; they "
            "must have the same shape."
        )
    if any(any(names) and names != list(tables[0][1:]) for _, *names in tables[1:]):
        raise ValueError(
            "The players' tables name different actions; use the same names, or name them only in the first."
        )
    cells = [
        [[x for (entries, *_) in tables for x in entries[a][b]] for b in range(shapes[0][1])]
        for a in range(shapes[0][0])
    ]
    _, rows, columns = tables[0]
    actions = [
        own or [str(k + 1) for k in range(count)]
        for own, count in zip((rows, columns), shapes[0], strict=True)
    ]
    payoffs: Any = [[[cell[i] for cell in row] for row in cells] for i in range(2)]
    return NormalForm(payoffs, actions=actions)


def table(
    block: list[tuple[int, list[str]]], size: int
) -> tuple[list[list[list[Fraction]]], list[str], list[str]]:
    """The payoffs of a table, `size` in each cell, and the names of its rows and columns, if any.

    Raises:
        ValueError: if a cell does not hold payoffs (the message names the line and the cell), or if rows have
            different lengths.
    """
    (_, head), below = block[0], block[1:]
    corner = not head[0]
    has_column_names = corner or not any(read(cell, size) for cell in head)
    body = below if has_column_names else block
    expected = "a pair of payoffs, such as 3 0" if size == 2 else "a payoff, such as 3"
    if not body:
        raise ValueError(f"The file is not a table: no cell in it holds {expected}.")
    has_row_names = corner or all(read(cells[0], size) is None for _, cells in body)
    entries, rows = [], []
    for line, cells in body:
        values = [read(cell, size) for cell in cells[has_row_names:]]
        for k, (value, cell) in enumerate(zip(values, cells[has_row_names:], strict=True)):
            if value is None:
                raise ValueError(
                    f"The file is not a table: {cell!r} stands where {expected}, is expected at line {line}, "
                    f"cell {k + 1 + has_row_names}."
                )
        if not values or (entries and len(values) != len(entries[0])):
            count = len(entries[0]) if entries else "at least one"
            raise ValueError(
                f"The file is not a table: line {line} has {len(values)} cells of payoffs where {count} are "
                "expected."
            )
        entries.append(values)
        rows.append(cells[0])
    columns = head[1:] if len(head) > len(entries[0]) else head
    if has_column_names and len(columns) != len(entries[0]):
        raise ValueError(
            f"The file is not a table: it names {len(columns)} columns and holds {len(entries[0])}."
        )
    return entries, rows if has_row_names else [], columns if has_column_names else []


def read(cell: str, size: int) -> Any:
    """The payoffs in a cell, or None if it holds something else."""
    parts = re.split(r"\s*[\s,;|]\s*", cell.strip("()[]{} "))
    try:
        return [number(part) for part in parts] if len(parts) == size else None
    except ValueError:
        return None
