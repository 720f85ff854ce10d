"""The players' indifference among the actions of a support: multilinear equations, and Newton's method for them from many starts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from solvers.payoffs import Payoffs, in_own_units, rationals
from solvers.two_player import positive_integers, unique_solution

Tensor = Float[np.ndarray, "n_players *actions"]
Points = Float[np.ndarray, "points unknowns"]
Systems = Float[np.ndarray, "points unknowns unknowns"]

ITERATIONS = 40


def solve_support(block: Tensor, draws: list[Float[np.ndarray, "points _"]]) -> list[tuple[np.ndarray, ...]]:
    r"""The distinct interior points at which everybody is indifferent among the actions of a support.

    With fewer than three players mixing, the equations are linear and solved in rationals where they have one solution. Otherwise a
    damped Newton step, $(J^T J + |F|^2) \, dx = -J^T F$, converges quadratically to isolated solutions and to continua alike.

    Args:
        block: the payoffs among the actions of the support.
        draws: starting strategies per player, on the support.
    """
    sizes = block.shape[1:]
    linear = sum(k > 1 for k in sizes) <= 2
    if linear and (exact := solve_linear(block)) is not None:
        return [exact] if all((own > 0).all() for own in exact) else []
    block = in_own_units(block)
    x = np.concatenate([draw[:, :-1] for draw in draws], axis=1)
    solved: list[np.ndarray] = []
    for step in range(4 if linear else ITERATIONS):
        gaps, jacobian = indifference(block, x)
        size = np.abs(gaps).max(axis=1, initial=0.0)
        solved.extend(x[size <= 1e-12])
        alive = (size > 1e-12) & (np.abs(x).max(axis=1, initial=0.0) < 4)
        if step == 9:
            alive &= size < 0.1
        x, gaps, jacobian = x[alive], gaps[alive], jacobian[alive]
        if not len(x):
            break
        damping = 1e-14 if linear else (gaps**2).sum(axis=1)[:, None, None] + 1e-15
        transposed = jacobian.swapaxes(1, 2)
        normal = transposed @ jacobian + damping * np.eye(x.shape[1])
        move = np.linalg.solve(normal, transposed @ gaps[:, :, None])[:, :, 0]
        x = x - move / np.maximum(1, np.abs(move).max(axis=1) / 0.5)[:, None]
    distinct: list[tuple[np.ndarray, ...]] = []
    for point in solved:
        strategies = split(point[None, :], sizes)
        interior = all((s >= 1e-9).all() for s in strategies)
        if interior and not any(max(np.abs(s[0] - t).max() for s, t in zip(strategies, other, strict=True)) < 1e-6 for other in distinct):
            distinct.append(tuple(s[0] for s in strategies))
    return distinct


def solve_linear(block: Payoffs) -> tuple[np.ndarray, ...] | None:
    """The one solution of a support on which at most two players mix, correct to the last digits; None where it is not unique.

    Example:
        >>> solve_linear(np.array([[[2.0, 0], [0, 1]], [[1, 0], [0, 1e12]]]))[0].tolist()
        [0.999999999999, 1e-12]
    """
    mixing = [i for i, k in enumerate(block.shape[1:]) if k > 1]
    found = [np.ones(1)] * len(block)
    if len(mixing) == 1:
        return None
    for player, other in (mixing, mixing[::-1]) if mixing else ():
        table = rationals(np.squeeze(block[other]))  # [first, second]
        table = positive_integers(table if player < other else table.T)  # [own, the other's]
        solved = unique_solution([*(table[:, :-1] - table[:, [-1]]).T.tolist(), [1] * len(table)], [0] * (table.shape[1] - 1) + [1])
        if solved is None:
            return None
        found[player] = np.array([x / solved[1] for x in solved[0]])
    return tuple(found)


def placed(point: Sequence[np.ndarray], support: Sequence[Sequence[int]], actions: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Strategies on a support as strategies of the whole game."""
    profile = tuple(np.zeros(a) for a in actions)
    for strategy, own, used in zip(profile, point, support, strict=True):
        strategy[list(used)] = own / own.sum()
    return profile


def split(x: Points, sizes: tuple[int, ...]) -> list[Float[np.ndarray, "points _"]]:
    """Everybody's strategy from the probabilities of all actions but each player's last."""
    ends = np.cumsum([k - 1 for k in sizes])
    parts = [x[:, end - k + 1 : end] for k, end in zip(sizes, ends, strict=True)]
    return [np.concatenate([part, 1 - part.sum(axis=1, keepdims=True)], axis=1) for part in parts]


def indifference(block: Tensor, x: Points) -> tuple[Points, Systems]:
    """What each action but the last pays beyond the last one, and its derivatives, at many points at once."""
    sizes, n = block.shape[1:], len(block)
    strategies = split(x, sizes)
    ends = np.cumsum([k - 1 for k in sizes])
    rows = [slice(end - k + 1, end) for k, end in zip(sizes, ends, strict=True)]
    gaps, jacobian = np.zeros_like(x), np.zeros((len(x), x.shape[1], x.shape[1]))
    axes = list(range(1, n + 1))  # einsum's names of the players' actions; 0 is the point
    for i in range(n):
        if sizes[i] == 1:
            continue
        for j in range(n):
            if j == i or sizes[j] == 1:
                continue
            others = [k for k in range(n) if k not in (i, j)]
            operands = [operand for k in others for operand in (strategies[k], [0, axes[k]])]
            cross = np.einsum(block[i], axes, *operands, [0, axes[i], axes[j]] if others else [axes[i], axes[j]])
            cross = np.broadcast_to(cross, (len(x), sizes[i], sizes[j]))
            relative = cross[:, :-1] - cross[:, -1:]
            jacobian[:, rows[i], rows[j]] = relative[:, :, :-1] - relative[:, :, -1:]
            gaps[:, rows[i]] = np.einsum("pab,pb->pa", relative, strategies[j])
        if all(sizes[j] == 1 for j in range(n) if j != i):
            only = block[i].ravel()
            gaps[:, rows[i]] = (only[:-1] - only[-1])[None, :]
    return gaps, jacobian
