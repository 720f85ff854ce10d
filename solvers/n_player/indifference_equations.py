"""The indifference equations of a support, and their solutions by Newton's method from many starts."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from jaxtyping import Float

from solvers.integer_pivoting import positive_integers, unique_solution
from solvers.payoffs import Payoffs, in_own_units, rationals

Tensor = Float[np.ndarray, "n_players *actions"]
Points = Float[np.ndarray, "points unknowns"]
Systems = Float[np.ndarray, "points unknowns unknowns"]

MAX_ITERATIONS = 40
"""The largest number of Newton steps from each start."""


def solve_support(block: Payoffs, start: Sequence[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    """Positive solutions of the indifference equations of a support, from one start.

    If at most two players mix, the equations are linear; if they have exactly one solution, it is computed in
    rationals. Otherwise Newton's method is used.

    Args:
        block: the payoffs restricted to the support.
        start: one strategy per player on the support.
    """
    if sum(k > 1 for k in block.shape[1:]) <= 2 and (exact := solve_linear(block)) is not None:
        return [exact] if all((own > 0).all() for own in exact) else []
    return solve_supports(in_own_units(block)[None], [own[None, None, :] for own in start])[0]


def solve_supports(
    blocks: Float[np.ndarray, "supports n *sizes"], starts: Sequence[Float[np.ndarray, "supports starts _"]]
) -> list[list[tuple[np.ndarray, ...]]]:
    r"""The distinct positive solutions of the indifference equations of many supports of the same sizes.

    The damped Newton step $(J^T J + |F|^2) \, dx = -J^T F$ converges quadratically to isolated solutions and
    to continua of solutions.

    Args:
        blocks: the payoffs restricted to each support, each player's scaled to a range of 1.
        starts: for each player, the initial strategies on each support, `(supports, starts, size)`.
    """
    sizes, count = blocks.shape[2:], starts[0].shape[1]
    x = np.concatenate(
        [own_starts[:, :, :-1].reshape(len(blocks) * count, -1) for own_starts in starts], axis=1
    )
    support_index = np.repeat(np.arange(len(blocks)), count)
    tables = blocks[support_index]
    solved, support_indices = [x[:0]], [support_index[:0]]
    for step in range(MAX_ITERATIONS):
        gaps, jacobian = indifference(tables, x)
        size = np.abs(gaps).max(axis=1, initial=0.0)
        solved.append(x[size <= 1e-12])
        support_indices.append(support_index[size <= 1e-12])
        active = (size > 1e-12) & (np.abs(x).max(axis=1, initial=0.0) < 4)
        if step == 9:
            active &= size < 0.1
        if not active.all():
            x, gaps, jacobian, tables, support_index = (
                x[active],
                gaps[active],
                jacobian[active],
                tables[active],
                support_index[active],
            )
        if not len(x):
            break
        damping = (gaps**2).sum(axis=1)[:, None, None] + 1e-15
        transposed = jacobian.swapaxes(1, 2)
        normal = transposed @ jacobian + damping * np.eye(x.shape[1])
        move = np.linalg.solve(normal, transposed @ gaps[:, :, None])[:, :, 0]
        x = x - move / np.maximum(1, np.abs(move).max(axis=1) / 0.5)[:, None]
    points = np.concatenate([*strategies_from_unknowns(np.concatenate(solved), sizes)], axis=1)
    support_index = np.concatenate(support_indices)
    interior = (points >= 1e-9).all(axis=1)
    return [distinct_profiles(points[interior & (support_index == k)], sizes) for k in range(len(blocks))]


def distinct_profiles(points: Points, sizes: Sequence[int]) -> list[tuple[np.ndarray, ...]]:
    """The points as profiles, without those that are within 1e-6 of an earlier one."""
    found = []
    while len(points):
        found.append(tuple(np.split(points[0], np.cumsum(sizes)[:-1])))
        points = points[np.abs(points - points[0]).max(axis=1) >= 1e-6]
    return found


def solve_linear(block: Payoffs) -> tuple[np.ndarray, ...] | None:
    """The solution of the linear indifference equations if at most two players mix, computed in rationals.

    None if there is no solution or more than one.

    Example:
        >>> solve_linear(np.array([[[2.0, 0], [0, 1]], [[1, 0], [0, 3]]]))[0].tolist()
        [0.75, 0.25]
    """
    mixing = [i for i, k in enumerate(block.shape[1:]) if k > 1]
    found = [np.ones(1)] * len(block)
    if len(mixing) == 1:
        return None
    for player, other in (mixing, mixing[::-1]) if mixing else ():
        table = rationals(np.squeeze(block[other]))  # [first, second]
        table = positive_integers(table if player < other else table.T)  # [own, the other's]
        solved = unique_solution(
            [*(table[:, :-1] - table[:, [-1]]).T.tolist(), [1] * len(table)], [0] * (table.shape[1] - 1) + [1]
        )
        if solved is None:
            return None
        found[player] = np.array([x / solved[1] for x in solved[0]])
    return tuple(found)


def strategies_from_unknowns(x: Points, sizes: Sequence[int]) -> list[Float[np.ndarray, "points _"]]:
    """Each player's strategy, from the unknowns: the probabilities of all actions but the player's last."""
    parts, end = [], 0
    for k in sizes:
        part = np.empty((len(x), k))
        part[:, :-1] = x[:, end : end + k - 1]
        part[:, -1] = 1 - part[:, :-1].sum(axis=1)
        parts.append(part)
        end += k - 1
    return parts


def indifference(blocks: Float[np.ndarray, "points n *sizes"], x: Points) -> tuple[Points, Systems]:
    """Payoffs of all actions minus that of the last, and their Jacobian; each point has its own payoffs."""
    sizes, n = blocks.shape[2:], blocks.shape[1]
    strategies = strategies_from_unknowns(x, sizes)
    ends = list(accumulate(k - 1 for k in sizes))
    rows = [slice(end - k + 1, end) for k, end in zip(sizes, ends, strict=True)]
    gaps, jacobian = np.zeros_like(x), np.zeros((len(x), x.shape[1], x.shape[1]))
    axes = list(range(1, n + 1))  # the axes of the players' actions in einsum; axis 0 is the point
    for i in range(n):
        if sizes[i] == 1:
            continue
        own = blocks[:, i]
        last = own[(slice(None), *[slice(None)] * i, slice(-1, None))]
        relative = own[(slice(None), *[slice(None)] * i, slice(0, -1))] - last
        for j in range(n):
            if j == i or sizes[j] == 1:
                continue
            others = [
                operand for k in range(n) if k not in (i, j) for operand in (strategies[k], [0, axes[k]])
            ]
            cross = np.einsum(relative, [0, *axes], *others, [0, axes[i], axes[j]])
            jacobian[:, rows[i], rows[j]] = cross[:, :, :-1] - cross[:, :, -1:]
            gaps[:, rows[i]] = (cross * strategies[j][:, None, :]).sum(axis=2)
        if all(sizes[j] == 1 for j in range(n) if j != i):
            gaps[:, rows[i]] = relative.reshape(len(x), -1)
    return gaps, jacobian
