"""Evolutionary stability in symmetric two-player games: strategies that no rare mutant can invade."""

import dataclasses
import itertools
from typing import Any, Literal

import numpy as np
from jaxtyping import Shaped

from solvers.base import EquilibriumSet, solution
from solvers.dominance import undominated_actions
from solvers.evolution.square_tables import Table, square_table
from solvers.integer_pivoting import rational_solution
from solvers.payoffs import check_profile, is_exact, payoff_range
from solvers.printing import result_text

Verdict = Literal["evolutionarily stable", "neutrally stable", "invaded", "not an equilibrium"]
Strategy = Shaped[np.ndarray, " actions"]
TOLERANCE = 1e-9
"""Numbers below this count as zero in float64, in units of the range of the payoffs in play."""


@dataclasses.dataclass(frozen=True, eq=False)
class Stability:
    """Whether a population that plays one strategy resists mutants.

    Args:
        strategy: p, the strategy of the population.
        verdict: `"evolutionarily stable"`: every rare mutant earns less than the population; `"neutrally
            stable"`: none earns more; `"invaded"`: (p, p) is an equilibrium, but some alternative best reply
            q earns more against q than p does; `"not an equilibrium"`: some q earns more against p than p
            does.
        mutant: a strategy q that proves the verdict: for neutral stability, one that earns as much as p; in
            the last two cases, one that earns more; None for an evolutionarily stable strategy.
    """

    strategy: Strategy
    verdict: Verdict
    mutant: Strategy | None = None

    @property
    def is_stable(self) -> bool:
        """Whether the strategy is evolutionarily stable."""
        return self.verdict == "evolutionarily stable"

    def __repr__(self) -> str:
        return result_text(f"Stability: {self.verdict}", {"strategy": self.strategy, "mutant": self.mutant})


def stability(game: Any, strategy: Any, exact: bool = False) -> Stability:
    r"""Whether a strategy is evolutionarily or neutrally stable, and a mutant that proves it if it is not.

    p is evolutionarily stable if for all $q \ne p$ either $p \cdot Mp > q \cdot Mp$, or both are equal and $p
    \cdot Mq > q \cdot Mq$; neutrally stable if the last inequality holds with $\ge$. Among the best replies
    to p the second condition is a quadratic form in $q - p$, whose coordinates are free on the support of p
    and nonnegative outside it. After elimination of the coordinates of the support, the remaining matrix must
    be strictly copositive (for neutral stability, copositive); this is decided on its principal submatrices
    in the order of their size.

    Args:
        game: a symmetric two-player game, or the square table of what each strategy earns against each.
        strategy: p, probabilities of the actions.
        exact: whether to compute in rationals; in float64, numbers below 1e-9 of the range of the payoffs in
            play count as zero.

    Raises:
        ValueError: for a game that is not symmetric or a strategy off the simplex.

    Example:
        >>> hawk_dove = [["-1", 4], [0, 2]]
        >>> stability(hawk_dove, ["2/3", "1/3"], exact=True).verdict
        'evolutionarily stable'
        >>> stability([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.ones(3) / 3).verdict
        'neutrally stable'

    Source:
        Maynard Smith & Price 1973, "The Logic of Animal Conflict"; Haigh 1975, "Game Theory and Evolution",
        with the correction of Abakuks 1980; copositivity: Hadeler 1983.
    """
    table = square_table(game, exact)
    p = check_profile(np.stack([table, table.T]), (strategy, strategy))[0]
    if exact and p.sum() != 1:
        raise ValueError(
            f"The probabilities sum to {p.sum()}, not to 1; write rationals as they are, such as '1/3'."
        )
    zero = 0 if exact else TOLERANCE
    support = [int(i) for i in np.flatnonzero(p > zero)]
    values, unit = relative_values(table, p, support)
    if values.max() - p @ values > zero * unit:
        return Stability(p, "not an equilibrium", pure(table, int(np.argmax(values))))
    replies = [int(i) for i in np.flatnonzero(values >= values.max() - zero * unit)]
    anchor, free, outside = support[0], support[1:], [i for i in replies if i not in support]
    form = deviation_form(table, anchor, free + outside) / payoff_range(
        table[np.ix_(support + outside, support + outside)]
    )
    verdicts: tuple[Verdict, Verdict] = ("invaded", "neutrally stable")
    for strict, verdict in enumerate(verdicts):
        direction = nonpositive_direction(form, len(free), bool(strict), zero)
        if direction is not None:
            return Stability(p, verdict, mutant_in_direction(p, anchor, free + outside, direction))
    return Stability(p, "evolutionarily stable")


def evolutionarily_stable(game: Any, exact: bool = False, max_supports: int = 2**16) -> EquilibriumSet:
    """All evolutionarily stable strategies of a symmetric two-player game, by enumeration of supports.

    At most one evolutionarily stable strategy has a given support. If the support of another symmetric
    equilibrium strategy q lies within the best replies to p, p is not evolutionarily stable (Bishop &
    Cannings 1976). So once p is found, subsets of its best replies and supersets of its support are skipped.

    Args:
        game: a symmetric two-player game, or the square table of what each strategy earns against each.
        exact: whether to compute in rationals; in float64, numbers below 1e-9 of the range of the payoffs in
            play count as zero.
        max_supports: the largest number of supports to try; 2^actions - 1 are needed.

    Returns:
        The symmetric profiles (p, p), possibly none; `complete` is False, because other equilibria of the
        game are not listed.

    Raises:
        ValueError: for a game that is not symmetric, or one with too many supports.

    Example:
        >>> [e.as_json()["profile"][0] for e in evolutionarily_stable([[-1, 4], [0, 2]], exact=True)]
        [['2/3', '1/3']]

    Source:
        Haigh 1975, "Game Theory and Evolution"; Bishop & Cannings 1976, "Models of Animal Conflict"; Bomze
        1992, "Detecting All Evolutionarily Stable Strategies".
    """
    table = square_table(game, exact)
    n = len(table)
    if 2**n - 1 > max_supports:
        raise ValueError(
            f"{n} actions have {2**n - 1} supports, more than max_supports = {max_supports}; raise it to try "
            "them all."
        )
    zero, tensor = 0 if exact else TOLERANCE, np.stack([table, table.T])
    found: list[tuple[Strategy, set[int], set[int]]] = []
    for size in range(1, n + 1):
        for support in itertools.combinations(range(n), size):
            actions = set(support)
            if any(actions <= replies or actions >= other_support for _, other_support, replies in found):
                continue
            p = equalizing_strategy(table, list(support))
            if p is None or not stability(table, p, exact).is_stable:
                continue
            values, unit = relative_values(table, p, list(support))
            replies = set(np.flatnonzero(values >= values.max() - zero * unit).tolist())
            found.append((p, actions, replies))
    message = f"All evolutionarily stable strategies: {len(found)}."
    return EquilibriumSet(
        tensor, "evolutionarily_stable", tuple(solution(tensor, (p, p)) for p, _, _ in found), message=message
    )


def relative_values(table: Table, p: Strategy, support: list[int]) -> tuple[Strategy, Any]:
    r"""The payoff of each action against p, up to a constant, and the unit for comparing them.

    The unit is the largest $\sum_b p_b |M_{ab} - p \cdot Mp|$ over the actions a that are played or not
    strictly dominated; otherwise a dominated action with a very low payoff would make all others count as
    equal.
    """
    against = table[:, support] - table[support[0], support[0]]
    values, sensible = against @ p[support], {*support, *undominated_actions(np.stack([table, table.T]))[0]}
    away = abs(against[sorted(sensible)] - p @ values)
    return values, (away @ p[support]).max()


def pure(table: Table, action: int) -> Strategy:
    """The pure strategy of one action, in floats or rationals as the table is."""
    p = table[0] * 0
    p[action] += 1
    return p


def equalizing_strategy(table: Table, support: list[int]) -> Strategy | None:
    """The unique strategy with this support against which its actions earn the same, or None."""
    size = len(support)
    system = np.full((size + 1, size + 1), table[0, 0] * 0 + 1)
    block = table[np.ix_(support, support)]
    system[:size, :size] = (block - block[0, 0]) / payoff_range(block)
    system[size, size] = 0
    right = system[0] * 0
    right[size] += 1
    weights = solve_linear_system(system, right, 0 if is_exact(table) else TOLERANCE)
    if weights is None or not (weights[:size] > (0 if is_exact(table) else TOLERANCE)).all():
        return None
    p = table[0] * 0
    p[support] = weights[:size]
    return p


def deviation_form(table: Table, anchor: int, others: list[int]) -> Table:
    r"""The symmetric A with $y^\top A y = -2 z \cdot Mz$ where $z_i = y_i$, $z_{anchor} = -\sum_i y_i$."""
    m = (
        table[np.ix_(others, others)]
        - table[anchor, others][None, :]
        - table[others, anchor][:, None]
        + table[anchor, anchor]
    )
    return -(m + m.T)


def mutant_in_direction(p: Strategy, anchor: int, others: list[int], direction: Strategy) -> Strategy:
    """The boundary point of the simplex reached from p in a direction given as in `deviation_form`."""
    z = p * 0
    z[others] = direction
    z[anchor] = -direction.sum()
    down = z < 0
    q = p + z * min(p[down] / -z[down])
    return q if is_exact(p) else np.maximum(q, 0) / np.maximum(q, 0).sum()


def nonpositive_direction(form: Table, n_free: int, strict: bool, zero: float) -> Strategy | None:
    r"""A direction $y \ne 0$ with $y^\top A y \le 0$ and $y_i \ge 0$ for $i \ge$ `n_free`, or None.

    Args:
        form: A, symmetric.
        n_free: how many coordinates may be negative.
        strict: whether $y^\top A y = 0$ is accepted; otherwise $y^\top A y < 0$ is required.
        zero: the largest absolute value that counts as zero.
    """
    a, size = form.copy(), len(form)
    eliminated: list[int] = []

    def complete_direction(y):
        """The direction with eliminated coordinates that minimize the form given the others."""
        for k in reversed(eliminated):
            y[k] = -(a[k, k + 1 :] @ y[k + 1 :]) / a[k, k]
        return y

    for k in range(n_free):
        y, rest = form[0] * 0, np.arange(k + 1, size)
        if a[k, k] < -zero or (strict and a[k, k] <= zero):
            y[k] += 1
            return complete_direction(y)
        if a[k, k] > zero:
            a[np.ix_(rest, rest)] = a[np.ix_(rest, rest)] - np.outer(a[rest, k], a[k, rest]) / a[k, k]
            eliminated.append(k)
        elif coupled := [
            j for j in rest if abs(a[k, j]) > 10 * zero**0.5
        ]:  # no curvature along k, so a nonzero cross term with j makes the form negative
            y[coupled[0]] += 1
            y[k] = -(abs(a[coupled[0], coupled[0]]) + 1) / a[k, coupled[0]]
            return complete_direction(y)
    least = copositivity_violation(a[n_free:, n_free:], strict, zero)
    return None if least is None else complete_direction(np.concatenate([form[0, :n_free] * 0, least]))


def copositivity_violation(a: Table, strict: bool, zero: float) -> Strategy | None:
    r"""Some $y \ge 0$, $y \ne 0$ with $y^\top A y < 0$ (strict: $\le 0$); None if A is (strictly) copositive.

    On a smallest principal submatrix that is not (strictly) copositive, the minimum over the simplex is
    interior, where $A y = \lambda 1$. It is found by solving $A w = 1$ if $\lambda < 0$ (then all w are
    negative), or as a positive null vector if $\lambda = 0$ (Hadeler 1983).
    """
    for size in range(1, len(a) + 1):
        for chosen in itertools.combinations(range(len(a)), size):
            block = a[np.ix_(chosen, chosen)]
            w = solve_linear_system(block, block[0] * 0 + 1, zero)
            if w is None and strict:
                tail = solve_linear_system(block[:-1, :-1], -block[:-1, -1], zero)
                w = None if tail is None else -np.append(tail, block[0, 0] * 0 + 1)
            if w is not None and (w < 0).all():
                y = a[0] * 0
                y[list(chosen)] = w / w.sum()
                return y
    return None


def solve_linear_system(matrix: Table, right: Strategy, zero: float) -> Strategy | None:
    """The solution of a square linear system, or None if it is singular.

    It is computed exactly in rationals, and in floats by Gauss-Jordan elimination with partial pivoting; a
    matrix of floats counts as singular if the absolute value of a pivot is at most `zero`.
    """
    if is_exact(matrix):
        return rational_solution(matrix, right)
    m, size = np.column_stack([matrix, right]), len(matrix)
    for k in range(size):
        pivot = k + int(np.argmax(abs(m[k:, k])))
        if abs(m[pivot, k]) <= zero:
            return None
        m[[k, pivot]] = m[[pivot, k]]
        m[k] = m[k] / m[k, k]
        others = np.arange(size) != k
        m[others] = m[others] - np.outer(m[others, k], m[k])
    return m[:, size]
