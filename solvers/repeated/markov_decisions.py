"""Policy iteration for small Markov decision processes: discounted, and multichain average reward."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int, Shaped

from solvers.integer_pivoting import rational_solution
from solvers.payoffs import rationals

Matrix = Float[np.ndarray, "s s"]
MAX_ITERATIONS = 1000
"""The largest number of policy iterations; fewer than ten usually suffice."""
MAX_EXACT_PAIRS = 50
"""Average rewards are recomputed in rationals only up to this number of state-action pairs."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """A deterministic policy and its values.

    Args:
        policy: the action in every state.
        values: per-step value of every state under the policy.
        residual: the largest violation of the optimality equations in any state, per step in units of payoff;
            no other policy gains more than this.
        iterations: number of policy iterations.
    """

    policy: Int[np.ndarray, " s"]
    values: Float[np.ndarray, " s"]
    residual: float
    iterations: int


def long_run_average(transitions: Matrix, rewards: Float[np.ndarray, "s m"]) -> Float[np.ndarray, "s m"]:
    r"""Long-run average reward of a Markov chain from each state, $\lim_{d \to 1} (1-d)(I - dT)^{-1} r$.

    The chain may be reducible or periodic. States are eliminated one by one without any subtraction
    (Grassmann, Taksar & Heyman 1985). A state that can only return to itself when it would be eliminated
    represents its recurrent class; the averages of the other states follow from the probabilities with which
    they are absorbed in each class.

    Args:
        transitions: `(s, s)`, rows that sum to 1; the probability of an impossible transition is exactly 0.
        rewards: `(s, m)`, the expected reward of a step from each state, one column per kind of reward.

    Example:
        >>> chain = np.array([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])
        >>> long_run_average(chain, np.array([[0.0], [3.0], [4.0]])).ravel().tolist()
        [3.0, 3.0, 4.0]
    """
    t, r, time = transitions.copy(), rewards.copy(), np.ones(len(transitions), rewards.dtype)
    class_representatives: list[int] = []
    for k in range(len(t) - 1, -1, -1):
        left = np.r_[np.arange(k), class_representatives].astype(int)
        escape = t[k, left].sum()
        if escape == 0:
            class_representatives.append(k)
            continue
        share = t[:k, k] / escape
        t[:k, left] += share[:, None] * t[k, left]
        r[:k] += share[:, None] * r[k]
        time[:k] += share * time[k]
        t[k] /= escape
    found = np.zeros_like(r)
    found[class_representatives] = r[class_representatives] / time[class_representatives, None]
    for k in range(len(t)):
        if k not in class_representatives:
            before = np.r_[np.arange(k), [c for c in class_representatives if c > k]].astype(int)
            found[k] = t[k, before] @ found[before]
    return found


def values(
    transitions: Matrix, rewards: Float[np.ndarray, "s m"], discount: float
) -> Float[np.ndarray, "s m"]:
    r"""Per-step value of each state, $(1-d)(I - dT)^{-1} r$, or its limit at $d = 1$."""
    if discount == 1:
        return long_run_average(transitions, rewards)
    return np.linalg.solve(np.eye(len(transitions)) - discount * transitions, (1 - discount) * rewards)


def solve(
    transitions: Float[np.ndarray, "a s s"], rewards: Float[np.ndarray, "a s"], discount: float
) -> Decision:
    """A deterministic stationary policy that is optimal from every state.

    Args:
        transitions: by action, state and next state.
        rewards: expected reward by action and state.
        discount: in [0, 1]; 1 is the long-run average.

    Example:
        >>> stay_or_go = np.array([np.eye(2), np.eye(2)[::-1]])
        >>> solve(stay_or_go, np.array([[1.0, 2.0], [0.0, 0.0]]), 1.0).policy.tolist()
        [1, 0]
    """
    return (
        solve_average(transitions, rewards)
        if discount == 1
        else solve_discounted(transitions, rewards, discount)
    )


def solve_discounted(
    transitions: Float[np.ndarray, "a s s"], rewards: Float[np.ndarray, "a s"], discount: float
) -> Decision:
    """Howard's policy iteration for a discounted process; of equally good actions, the first is chosen."""
    states, unit = np.arange(rewards.shape[1]), reward_unit(rewards)
    tolerance = unit * (1e-12 * (1 - discount) + 1e-15)
    policy, count = rewards.argmax(axis=0), 0
    while True:
        count += 1
        v = values(transitions[policy, states], rewards[policy, states][:, None], discount)[:, 0]
        q = (1 - discount) * rewards + discount * transitions @ v
        better = q.max(axis=0) > q[policy, states] + tolerance
        if not better.any() or count == MAX_ITERATIONS:
            break
        policy = np.where(better, q.argmax(axis=0), policy)
    policy = (q >= q.max(axis=0) - tolerance).argmax(axis=0)
    v = values(transitions[policy, states], rewards[policy, states][:, None], discount)[:, 0]
    q = (1 - discount) * rewards + discount * transitions @ v
    return Decision(policy, v, float(np.max(q - v)) / (1 - discount), count)


def reward_unit(rewards: Float[np.ndarray, "a s"]) -> float:
    r"""The unit of rounding errors: $\max_s |\max_a r_{as}|$, or 1 if it is 0.

    The rewards of actions that are never the best in their state have no influence.
    """
    return float(np.abs(rewards.max(axis=0)).max()) or 1.0


def solve_average(transitions: Float[np.ndarray, "a s s"], rewards: Float[np.ndarray, "a s"]) -> Decision:
    """Multichain policy iteration in float64, repeated in rationals if the residual is too large.

    An example is a set of states that is left with a probability of 1e-12 per step.
    """
    unit = reward_unit(rewards)
    found = multichain_policy_iteration(transitions, rewards, 1e-11 * unit)
    if found.residual > 1e-9 * unit and rewards.size <= MAX_EXACT_PAIRS:
        exact = rationals(transitions)
        return multichain_policy_iteration(exact / exact.sum(axis=2, keepdims=True), rationals(rewards), 0.0)
    return found


def multichain_policy_iteration(
    transitions: Shaped[np.ndarray, "a s s"], rewards: Shaped[np.ndarray, "a s"], tolerance: float
) -> Decision:
    """Policy iteration on the gain, then on the bias of gain-optimal actions (Puterman 1994, 9.2)."""
    states = np.arange(rewards.shape[1])
    policy, count = rewards.argmax(axis=0), 0
    while True:
        count += 1
        gain, bias = evaluate(transitions[policy, states], rewards[policy, states])
        ahead = transitions @ gain - gain
        advantage = np.where(ahead >= -tolerance, rewards - gain + transitions @ bias - bias, -np.inf)
        better, choice = ahead.max(axis=0) > tolerance, ahead
        if not better.any():
            better, choice = (
                advantage.max(axis=0) > tolerance * max(1.0, float(np.abs(bias).max())),
                advantage,
            )
        if not better.any() or count == MAX_ITERATIONS:
            residual = max(float(ahead.max()), float(advantage.max()), 0.0)
            return Decision(policy, gain.astype(float), residual, count)
        policy = np.where(better, choice.argmax(axis=0), policy)


def evaluate(
    transitions: Shaped[np.ndarray, "s s"], rewards: Shaped[np.ndarray, " s"]
) -> tuple[np.ndarray, np.ndarray]:
    r"""Gain $g = T^* r$ and bias $h = (I - T + T^*)^{-1}(r - g)$; $T^*$ is the Cesaro limit of $T^t$."""
    exact = transitions.dtype == object
    eye = rationals(np.eye(len(transitions))) if exact else np.eye(len(transitions))
    gain = long_run_average(transitions, rewards[:, None])[:, 0]
    matrix, right = eye - transitions + long_run_average(transitions, eye), rewards - gain
    bias = rational_solution(matrix, right) if exact else np.linalg.solve(matrix, right)
    assert bias is not None, "I - T + T* is invertible for every stochastic matrix T"
    return gain, bias
