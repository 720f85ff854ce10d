"""Fixation in finite populations: exact probabilities for two types, simulation for more."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

from games.checks import as_key, check_count, check_range
from games.compiler import jit
from solvers.evolution.square_tables import square_table
from solvers.printing import result_text

if TYPE_CHECKING:
    import pandas as pd

Fitness = Literal["fermi", "exponential", "linear"]


def log_fixation(
    payoffs: Float[ArrayLike, "counts 2"], intensity: float = 1.0, fitness: Fitness = "fermi"
) -> Float[np.ndarray, " n"]:
    r"""The logarithm of the fixation probability from every number of mutants, for any frequency dependence.

    $\phi_i = \sum_{k<i} \prod_{j \le k} \gamma_j \big/ \sum_{k<N} \prod_{j \le k} \gamma_j$, where $\gamma_j
    = T^-_j / T^+_j$ is the probability of losing a mutant over that of gaining one when there are j mutants.
    For pairwise comparison by the Fermi rule, and for the Moran process with fitness $e^{\beta\pi}$ (which
    differs only in its time scale), $\gamma_j = e^{-\beta(\pi^A_j - \pi^B_j)}$; for the linear Moran process
    it is the fitness $1 - w + w\pi$ of a resident divided by that of a mutant.

    Args:
        payoffs: `(N - 1, 2)`; row j - 1 holds the payoff of a mutant and that of a resident in a population
            with j mutants among N.
        intensity: of selection, $\beta \ge 0$ per unit of payoff, or w in [0, 1] for `"linear"`.
        fitness: `"fermi"`, `"exponential"` or `"linear"`.

    Returns:
        N + 1 logarithms, from $-\infty$ without mutants to 0 without residents.

    Raises:
        ValueError: for numbers out of range, or a linear fitness that is not positive.

    Example:
        >>> np.exp(log_fixation(np.zeros((9, 2))))[1].round(12)
        np.float64(0.1)

    Source:
        Traulsen, Pacheco & Nowak 2007, "Pairwise Comparison and Selection Temperature in Evolutionary Game
        Dynamics"; Nowak et al. 2004, "Emergence of Cooperation and Evolutionary Stability in Finite
        Populations".
    """
    payoffs = np.asarray(payoffs, dtype=float)
    if payoffs.ndim != 2 or payoffs.shape[1] != 2 or not np.isfinite(payoffs).all():
        raise ValueError(
            f"The payoffs have shape {payoffs.shape}; they must be finite, a row (mutant, resident) for 1 to "
            "N-1 mutants."
        )
    walk = np.cumsum(log_ratios(payoffs[:, 0], payoffs[:, 1], intensity, fitness))
    sums = np.logaddexp.accumulate(np.concatenate([[0.0], walk]))
    return np.concatenate([[-np.inf], sums - sums[-1]])


def log_ratios(mutant: np.ndarray, resident: np.ndarray, intensity: float, fitness: Fitness) -> np.ndarray:
    r"""$\log \gamma$, the log ratio of the probabilities of losing and of gaining a mutant.

    Raises:
        ValueError: for an unknown fitness, an intensity out of range, or a linear fitness that is not
            positive.
    """
    if fitness not in ("fermi", "exponential", "linear"):
        raise ValueError(f"Unknown fitness {fitness!r}; accepted: fermi, exponential, linear.")
    if fitness != "linear":
        check_range("intensity", intensity, 0.0)
        return intensity * (resident - mutant)
    check_range("intensity", intensity, 0.0, 1.0)
    fit = [1 - intensity + intensity * p for p in (resident, mutant)]
    if min(f.min() for f in fit) <= 0:
        raise ValueError(
            "The linear fitness 1 - w + w * payoff must be positive; lower the intensity w or take "
            "fitness='exponential'."
        )
    return np.log(fit[0]) - np.log(fit[1])


def encounters(table: Float[np.ndarray, "2 2"], population: int) -> Float[np.ndarray, "counts 2"]:
    r"""Mean payoffs of a mutant (type 0) and a resident (type 1) against all others, for 1 to N-1 mutants.

    $\pi^A_j = ((j-1) M_{00} + (N-j) M_{01}) / (N-1)$, $\pi^B_j = (j M_{10} + (N-j-1) M_{11}) / (N-1)$;
    an individual does not meet itself.
    """
    j, n = np.arange(1, population)[:, None], population
    own, other = np.array([table[0, 0], table[1, 0]]), np.array([table[0, 1], table[1, 1]])
    met = j - np.array([1, 0])
    return (met * own + (n - 1 - met) * other) / (n - 1)


def fixation_probability(
    table: Any, population: int, intensity: float = 1.0, fitness: Fitness = "fermi", mutants: int = 1
) -> float:
    r"""The probability that mutants of type 0 take over a population of type 1.

    Each individual earns its mean payoff over encounters with all others.

    Args:
        table: 2x2, entry `[a, b]` is what a earns against b; or a symmetric game with two actions.
        population: N, at least 2.
        intensity: of selection, $\beta \ge 0$ per unit of payoff, or w in [0, 1] for `"linear"`.
        fitness: `"fermi"` (pairwise comparison), `"exponential"` or `"linear"` (Moran).
        mutants: the initial number of mutants, 0 to N.

    Raises:
        ValueError: for numbers out of range, or a linear fitness that is not positive.

    Example:
        >>> r, n = 1.1, 50
        >>> round(fixation_probability([[r, r], [1, 1]], n, fitness="linear"), 10)
        0.0916901582
        >>> round((1 - 1 / r) / (1 - r**-n), 10)
        0.0916901582
    """
    table = square_table(table)
    if len(table) != 2:
        raise ValueError(
            f"The table has {len(table)} types; two can be solved exactly, for more use `simulate_fixation`."
        )
    check_count("population", population, 2)
    check_count("mutants", mutants, 0)
    if mutants > population:
        raise ValueError(f"mutants is {mutants}; it must be at most the population, {population}.")
    return float(np.exp(log_fixation(encounters(table, population), intensity, fitness)[mutants]))


def fixation_walks(
    table: Float[np.ndarray, "types types"], population: int
) -> Float[np.ndarray, "types types population"]:
    r"""Payoff advantages $W_k = \sum_{j \le k} \pi^A_j - \pi^B_j$ of mutants (column) over residents (row).

    k runs from 0 to N-1. By the Fermi rule the fixation probability is $1 / \sum_k e^{-\beta W_k}$.
    """
    j, n = np.arange(1, population), population
    same, cross = np.diag(table), table
    lead = (
        (j - 1) * same[None, :, None]
        + (n - j) * cross.T[:, :, None]
        - j * cross[:, :, None]
        - (n - 1 - j) * same[:, None, None]
    ) / (n - 1)
    return np.concatenate([np.zeros((*table.shape, 1)), np.cumsum(lead, axis=-1)], axis=-1)


def fixation_matrix(table: Any, population: int, intensity: float = 1.0) -> Float[np.ndarray, "types types"]:
    r"""Log fixation probabilities of one mutant (column) among residents (row), by the Fermi rule.

    Args:
        table: square, entry `[a, b]` is what a earns against b.
        population: N, at least 2.
        intensity: of selection, $\beta \ge 0$ per unit of payoff.

    Raises:
        ValueError: for a table that is not square, or numbers out of range.
    """
    check_count("population", population, 2)
    check_range("intensity", intensity, 0.0)
    return -np.logaddexp.reduce(-intensity * fixation_walks(square_table(table), population), axis=-1)


@dataclasses.dataclass(frozen=True, eq=False)
class FixationSample:
    """Outcomes of simulated populations.

    Args:
        winner: the type that took over each population; -1 if none did within `max_steps`.
        steps: number of birth-death events or comparisons until then.
        n_types: number of types.
    """

    winner: Int[np.ndarray, " samples"]
    steps: Int[np.ndarray, " samples"]
    n_types: int

    def __repr__(self) -> str:
        return result_text(
            f"FixationSample of {len(self.winner)} populations",
            {"probabilities": self.probabilities, "unfixed": self.unfixed, "mean steps": self.steps.mean()},
        )

    @property
    def probabilities(self) -> Float[np.ndarray, " types"]:
        """The share of populations that each type took over; together with `unfixed` they sum to 1."""
        return np.array([(self.winner == k).mean() for k in range(self.n_types)])

    @property
    def unfixed(self) -> float:
        """The share of populations still mixed at the end; if positive, `probabilities` are lower bounds."""
        return float((self.winner < 0).mean())

    def to_frame(self, names: Any = None) -> "pd.DataFrame":
        """One row per type: `type`, `probability`, `standard_error`, `mean_steps` to fixation, `unfixed`."""
        import pandas as pd

        p = self.probabilities
        steps = [self.steps[self.winner == k].mean() if p[k] else np.nan for k in range(self.n_types)]
        error = np.sqrt(p * (1 - p) / len(self.winner))
        columns = {
            "type": range(self.n_types) if names is None else names,
            "probability": p,
            "standard_error": error,
            "mean_steps": steps,
        }
        return pd.DataFrame(columns | {"unfixed": self.unfixed})


def simulate_fixation(
    table: Any,
    start: Any,
    key: Key[Array, ""] | int = 0,
    samples: int = 1000,
    intensity: float = 1.0,
    fitness: Fitness = "fermi",
    max_steps: int = 100_000,
    seed: int | None = None,
) -> FixationSample:
    r"""Simulate populations of any number of types until one type has taken over, or for `max_steps` steps.

    By the Fermi rule two individuals are sampled, and the first adopts the type of the second with
    probability $1 / (1 + e^{-\beta(\pi_2 - \pi_1)})$; in the Moran process a parent is sampled in proportion
    to fitness, and its child replaces an individual that is sampled uniformly. Coexistence can last
    exponentially long, hence `max_steps`; populations still mixed then are counted as `unfixed`.

    Args:
        table: square, entry `[a, b]` is what a earns against b.
        start: number of individuals of each type, together at least 2.
        key: a seed or a typed key.
        samples: number of populations.
        intensity: of selection, as in `log_fixation`.
        fitness: `"fermi"`, `"exponential"` or `"linear"`.
        max_steps: the largest number of birth-death events or comparisons in each population.
        seed: another name of `key`.

    Raises:
        ValueError: for numbers out of range, or a linear fitness that is not always positive.

    Example:
        >>> sample = simulate_fixation([[0, 0], [0, 0]], [1, 1], samples=10)
        >>> float(sample.probabilities.sum()), sample.unfixed
        (1.0, 0.0)
    """
    payoffs, counts = square_table(table), np.asarray(start)
    if (
        counts.shape != payoffs.shape[:1]
        or counts.dtype.kind not in "iu"
        or (counts < 0).any()
        or counts.sum() < 2
    ):
        raise ValueError(
            f"start is {start!r}; it must hold {len(payoffs)} counts of individuals, together at least 2."
        )
    check_count("samples", samples)
    check_count("max_steps", max_steps, 0)
    log_ratios(payoffs, payoffs, intensity, fitness)
    keys = jax.random.split(as_key(key, seed), samples)
    winner, steps = _simulate(
        jnp.asarray(payoffs, float),
        jnp.asarray(counts),
        keys,
        jnp.asarray(intensity, float),
        max_steps,
        fitness,
    )
    return FixationSample(np.asarray(winner), np.asarray(steps), len(payoffs))


def _simulate_one(payoffs, start, key, intensity, max_steps, fitness: Fitness):
    """One population: the type that takes over, or -1, and the number of steps."""
    n = start.sum()

    def mean_payoffs(counts):
        """Mean payoff of each type's members over encounters with all others."""
        return (payoffs @ counts.astype(payoffs.dtype) - jnp.diag(payoffs)) / (n - 1).astype(payoffs.dtype)

    def event(counts, draws):
        present = counts.astype(payoffs.dtype)
        pi = mean_payoffs(counts)
        loser = draw(present, draws[0])
        if fitness == "fermi":
            gainer = draw(present, draws[1])
            happens = draws[2] < jax.nn.sigmoid(intensity * (pi[gainer] - pi[loser]))
        else:
            best = jnp.max(jnp.where(counts > 0, pi, -jnp.inf))
            fit = (
                jnp.exp(intensity * jnp.minimum(pi - best, 0))
                if fitness == "exponential"
                else 1 - intensity + intensity * pi
            )
            gainer, happens = draw(present * jnp.where(counts > 0, fit, 0), draws[1]), True
        change = jnp.where(happens, 1, 0).astype(counts.dtype)
        return counts.at[loser].add(-change).at[gainer].add(change)

    def step(state):
        counts, t = state
        return event(counts, jax.random.uniform(jax.random.fold_in(key, t), (3,), payoffs.dtype)), t + 1

    counts, steps = jax.lax.while_loop(
        lambda s: (s[0].max() < n) & (s[1] < max_steps), step, (start, jnp.zeros((), int))
    )
    return jnp.where(counts.max() == n, jnp.argmax(counts), -1), steps


def draw(weights: Float[Array, " types"], uniform: Float[Array, ""]) -> Int[Array, ""]:
    """Sample a type with probability proportional to its weight; a type of weight 0 is never sampled."""
    total = jnp.cumsum(weights)
    return jnp.minimum(jnp.sum(total <= uniform * total[-1]), jnp.sum(total < total[-1]))


_simulate = jit(jax.vmap(_simulate_one, in_axes=(None, None, 0, None, None, None)), static_argnums=5)
