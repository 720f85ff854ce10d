"""Logarithms of stationary distributions of Markov chains whose rates may differ by factors such as 1e300."""

import numpy as np
from jaxtyping import Float

REDUCIBLE = (
    "Some states cannot be reached from others, so the stationary distribution is not unique; every state "
    "must be reachable from all others."
)


def log_stationary(log_rates: Float[np.ndarray, "states states"]) -> Float[np.ndarray, " states"]:
    r"""$\log \pi$ with $\sum_i \pi_i q_{ij} = \pi_j \sum_i q_{ji}$, by elimination of states (GTH).

    The elimination of Grassmann, Taksar & Heyman (1985) adds, multiplies and divides positive numbers and
    never subtracts, so it can be carried out in logarithms: nothing underflows, and every entry of the result
    has a relative error of about 1e-16 times the largest $|\log q|$.

    Args:
        log_rates: $\log q_{ij}$, rates or probabilities of going from i to j, $-\infty$ for impossible
            transitions; the diagonal is ignored.

    Returns:
        $\log \pi$, which sums to 1 in probabilities.

    Raises:
        ValueError: if some state cannot be reached from all others.

    Example:
        >>> q = np.log([[0, 1e-200], [3e-200, 0]], where=~np.eye(2, dtype=bool), out=np.full((2, 2), -np.inf))
        >>> np.exp(log_stationary(q)).round(12).tolist()
        [0.75, 0.25]
    """
    q = np.array(log_rates, dtype=float)
    size = len(q)
    exits = np.zeros(size)
    with np.errstate(invalid="ignore"):
        for k in range(size - 1, 0, -1):
            exits[k] = log_sum(q[k, :k])
            if exits[k] == -np.inf:
                raise ValueError(REDUCIBLE)
            q[:k, :k] = log_add(q[:k, :k], (q[:k, k] - exits[k])[:, None] + q[k, :k])
        log_pi = np.zeros(size)
        for k in range(1, size):
            log_pi[k] = log_sum(log_pi[:k] + q[:k, k]) - exits[k]
    if not np.isfinite(log_pi).all():
        raise ValueError(REDUCIBLE)
    return log_pi - log_sum(log_pi)


def log_stationary_limit(
    costs: Float[np.ndarray, "states states"],
    log_rates: Float[np.ndarray, "states states"],
    tolerance: float = 1e-9,
) -> Float[np.ndarray, " states"]:
    r"""$\log \pi$ in the limit $\alpha \to \infty$ of rates $q_{ij} e^{-\alpha c_{ij}}$.

    The elimination of `log_stationary` is carried out on leading terms $q e^{-\alpha c}$: of a sum, only the
    terms of least cost c are kept. Since nothing is subtracted, leading terms do not cancel, and the result
    is the limit itself, even where several closed classes communicate only at a cost (the stochastically
    stable distribution of Wicks & Greenwald 2005).

    Args:
        costs: $c_{ij} \ge 0$, $\infty$ for impossible transitions.
        log_rates: $\log q_{ij}$.
        tolerance: costs that differ by at most this count as equal.

    Returns:
        The logarithm of the limit; $-\infty$ for states of probability 0.

    Raises:
        ValueError: if some state cannot be reached from all others.

    Example:
        >>> never = np.inf
        >>> np.exp(log_stationary_limit(np.array([[never, 2.0], [1.0, never]]), np.zeros((2, 2)))).tolist()
        [1.0, 0.0]
    """
    c, q = np.array(costs, dtype=float), np.array(log_rates, dtype=float)
    size = len(c)
    exit_cost, exits = np.zeros(size), np.zeros(size)

    def total(cost, log):
        least = cost.min()
        return least, log_sum(np.where(cost - least <= tolerance, log, -np.inf))

    with np.errstate(invalid="ignore"):
        for k in range(size - 1, 0, -1):
            exit_cost[k], exits[k] = total(c[k, :k], q[k, :k])
            if exit_cost[k] == np.inf:
                raise ValueError(REDUCIBLE)
            cost = (c[:k, k] - exit_cost[k])[:, None] + c[k, :k]
            log = (q[:k, k] - exits[k])[:, None] + q[k, :k]
            least = np.minimum(cost, c[:k, :k])
            q[:k, :k] = log_add(
                np.where(c[:k, :k] - least <= tolerance, q[:k, :k], -np.inf),
                np.where(cost - least <= tolerance, log, -np.inf),
            )
            c[:k, :k] = least
        potential, log_pi = np.zeros(size), np.zeros(size)
        for k in range(1, size):
            cost, log = total(potential[:k] + c[:k, k], log_pi[:k] + q[:k, k])
            potential[k], log_pi[k] = cost - exit_cost[k], log - exits[k]
    if not np.isfinite(potential).all():
        raise ValueError(REDUCIBLE)
    log_pi = np.where(potential - potential.min() <= tolerance, log_pi, -np.inf)
    return log_pi - log_sum(log_pi)


def log_add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    r"""$\log(e^a + e^b)$ elementwise; `np.fmin` drops the NaN of two entries of $-\infty$."""
    return np.maximum(a, b) + np.log1p(np.exp(np.fmin(-np.abs(a - b), 0)))


def log_sum(a: np.ndarray) -> float:
    r"""$\log \sum_i e^{a_i}$, $-\infty$ for an empty sum."""
    top = a.max(initial=-np.inf)
    return float(top + np.log(np.exp(a - top).sum())) if np.isfinite(top) else float(top)
