"""Alpha-rank: the stationary distribution of an evolutionary process over pure strategies or profiles."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from games.checks import check_count, check_range
from solvers.evolution.moran import fixation_walks
from solvers.evolution.square_tables import square_table
from solvers.payoffs import payoff_tensor
from solvers.printing import result_text
from solvers.ranking.response_graphs import TIE, is_table, moves
from solvers.ranking.stationary_distributions import log_stationary, log_stationary_limit

if TYPE_CHECKING:
    import pandas as pd

Selection = Literal["local", "population"]


@dataclasses.dataclass(frozen=True, eq=False)
class AlphaRank:
    """The alpha-rank of pure strategies or pure profiles: their probabilities in a stationary distribution.

    Args:
        profiles: tuples of actions, one per population; tuples of length 1 for a single population.
        distribution: the stationary probability of each profile.
        log_distribution: its logarithm, exact even where the probability underflows; -inf where it vanishes
            in the limit.
        log_fixation: the logarithm of the probability that one mutant takes over, from profile (row) to
            profile (column); -inf where more than one population would have to change, and in the limit of
            infinite alpha for mutants that earn less.
        sinks: indices of the profiles in each sink component of the response graph, in which ties are edges
            both ways.
        alpha: ranking intensity.
        population_size: individuals in each population.
    """

    profiles: tuple[tuple[int, ...], ...]
    distribution: Float[np.ndarray, " profiles"]
    log_distribution: Float[np.ndarray, " profiles"]
    log_fixation: Float[np.ndarray, "profiles profiles"]
    sinks: tuple[tuple[int, ...], ...]
    alpha: float
    population_size: int

    def __repr__(self) -> str:
        order = np.argsort(-self.log_distribution, kind="stable")[:5]
        labels = self._labels(None)
        rows = {str(labels[k]): self.distribution[k] for k in order}
        return result_text(
            f"AlphaRank of {len(self.profiles)} profiles, alpha {self.alpha:g}, population size "
            f"{self.population_size}" + ("; the first 5:" if len(self.profiles) > 5 else ":"),
            rows | {"sinks": f"{len(self.sinks)} of sizes {[len(s) for s in self.sinks]}"},
        )

    @property
    def transitions(self) -> Float[np.ndarray, "profiles profiles"]:
        """The transition matrix: a uniformly sampled neighbor appears as a mutant and may take over."""
        neighbors = sum(max(column) for column in zip(*self.profiles, strict=True))
        matrix = np.exp(self.log_fixation) / max(neighbors, 1)
        np.fill_diagonal(matrix, 0)
        np.fill_diagonal(matrix, 1 - matrix.sum(axis=1))
        return matrix

    @property
    def marginals(self) -> tuple[Float[np.ndarray, " actions"], ...]:
        """The stationary probability of each strategy, one array per population."""
        return tuple(np.bincount(column, weights=self.distribution) for column in np.array(self.profiles).T)

    def to_frame(self, names: Sequence[Any] | None = None) -> "pd.DataFrame":
        """The ranking, best first: `rank` (ties share a rank), `profile`, `mass`, `log_mass`, `in_sink`.

        Args:
            names: one name per strategy; for several populations one such sequence per population.

        Raises:
            ValueError: if there are too few or too many names.
        """
        import pandas as pd

        labels = self._labels(names)
        frame = pd.DataFrame(
            {
                "profile": labels,
                "mass": self.distribution,
                "log_mass": self.log_distribution,
                "in_sink": np.isin(np.arange(len(labels)), [s for sink in self.sinks for s in sink]),
            }
        )
        frame.insert(0, "rank", frame["log_mass"].round(6).rank(method="min", ascending=False).astype(int))
        return frame.sort_values("rank", kind="stable").reset_index(drop=True)

    def _labels(self, names: Sequence[Any] | None) -> list[Any]:
        counts = [max(column) + 1 for column in zip(*self.profiles, strict=True)]
        if names is None:
            return [s[0] if len(s) == 1 else s for s in self.profiles]
        columns = [names] if len(counts) == 1 else list(names)
        if [len(c) for c in columns] != counts:
            raise ValueError(
                f"There are names for {[len(c) for c in columns]} strategies; the game has {counts}."
            )
        labels = [tuple(c[a] for c, a in zip(columns, s, strict=True)) for s in self.profiles]
        return [label[0] for label in labels] if len(counts) == 1 else labels


def alpha_rank(
    game: Any,
    alpha: float = math.inf,
    population_size: int = 50,
    selection: Selection = "local",
    max_profiles: int = 4000,
) -> AlphaRank:
    r"""Alpha-rank of a game's pure profiles, or of one population's strategies, for any alpha up to infinity.

    A mutant takes over profile s with probability $\rho(u) = (1 - e^{-u}) / (1 - e^{-mu})$, $\rho(0) = 1/m$,
    where $u = \alpha (u_i(t) - u_i(s))$ with several populations, i being the one whose action changes, and
    $u = \alpha (M_{rs} - M_{sr})$ in a single population: a mutant r among s earns $M_{rs}$. All neighbors
    are equally likely as mutants, and mutations are so rare that one mutant is fixed or lost before the next
    appears. Profiles are ranked by the stationary distribution of this chain. It is computed in logarithms,
    so that a large $\alpha$ does not overflow. For $\alpha = \infty$ the limit itself is computed: mutants
    that earn more take over with probability 1, those that earn the same with probability 1/m and those that
    earn less with probability 0, so the distribution is concentrated on the sink components of the response
    graph; if there are several, their probabilities follow from the rare transitions between them, $\rho \sim
    e^{-\alpha (m-1) |\Delta u|}$.

    OpenSpiel's `alpharank.compute` differs: its default alpha of 100 overflows for large payoffs and fails if
    there are several sink components; with `use_inf_alpha`, mutants that earn less take over with probability
    0.01 and ties with 1/2 instead of 1/m, and payoffs within a relative 1e-5 are ties. Both share the
    population size (50), equally likely mutants, and selection against the resident alone. A symmetric game
    given as two players' payoffs is ranked by its profiles; for one population give the row player's matrix.

    Args:
        game: payoffs `(n, A1, ..., An)` or a game that has them, for n populations; or a square table whose
            entry `[a, b]` is what a earns against b, such as a cross-play table, for one.
        alpha: ranking intensity $\alpha \ge 0$ per unit of payoff; `math.inf` for the limit, where payoffs
            within 1e-9 of the mover's payoff range are ties.
        population_size: m, individuals in each population, at least 2.
        selection: for a single population, `"local"` as above, or `"population"`: individuals earn their mean
            payoff over encounters with all others and imitate by the Fermi rule (see `fixation_matrix`).
        max_profiles: the largest number of profiles to rank; time grows with its cube, memory with its
            square.

    Raises:
        ValueError: for payoffs of neither shape, too many profiles, numbers out of range, or
            `"population"` with several populations.

    Example:
        >>> alpha_rank([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]).distribution.round(6).tolist()
        [0.333333, 0.333333, 0.333333]

    Source:
        Omidshafiei et al. 2019, "alpha-Rank: Multi-Agent Evaluation by Evolution", Scientific Reports 9; the
        infinite alpha: Rowland et al. 2019, "Multiagent Evaluation under Incomplete Information".
    """
    check_range("alpha", alpha, 0.0, infinite=True)
    check_count("population_size", population_size, 2)
    if selection not in ("local", "population"):
        raise ValueError(f"Unknown selection {selection!r}; accepted: local, population.")
    if selection == "population" and not is_table(game):
        raise ValueError(
            "Selection over a population takes a square table; with several populations every mutant meets "
            "residents only."
        )
    count = len(square_table(game)) if is_table(game) else payoff_tensor(game)[0].size
    if count > max_profiles:
        raise ValueError(
            f"The game has {count} profiles, more than max_profiles = {max_profiles}; raise it to rank them "
            "all."
        )
    profiles, (source, target, player, gain), units = moves(game)
    gains, unit = np.where(np.abs(gain) <= TIE * units[player], 0.0, gain), units.max()
    size, m = len(profiles), population_size
    walks = (
        np.moveaxis(fixation_walks(square_table(game), m), -1, 0)[:, source, target]
        if selection == "population"
        else None
    )
    cost, count = leading_terms(gains / unit, m) if walks is None else leading_terms_of_walks(walks / unit)
    log_fixation = np.full((size, size), -np.inf)
    if alpha < math.inf:
        log_fixation[source, target] = (
            log_fixation_probability(alpha * gain, m)
            if walks is None
            else -np.logaddexp.reduce(-alpha * walks, axis=0)
        )
        log_pi = log_stationary(log_fixation)
    else:
        costs = np.full((size, size), np.inf)
        costs[source, target], log_fixation[source, target] = cost, -np.log(count)
        log_pi = log_stationary_limit(costs, log_fixation, TIE)
        log_fixation[costs > 0] = -np.inf
    sinks = closed_classes(size, source[cost == 0], target[cost == 0])
    return AlphaRank(tuple(profiles), np.exp(log_pi), log_pi, log_fixation, sinks, float(alpha), m)


def log_fixation_probability(u: Float[np.ndarray, " moves"], m: int) -> Float[np.ndarray, " moves"]:
    r"""The log fixation probability $\log\, (1 - e^{-u}) / (1 - e^{-mu})$, which is $-\log m$ at 0."""
    v = np.where(u == 0, 1.0, np.abs(u))
    return np.where(
        u == 0, -np.log(m), (m - 1) * np.minimum(u, 0) + np.log(-np.expm1(-v)) - np.log(-np.expm1(-m * v))
    )


def leading_terms(gain: Float[np.ndarray, " moves"], m: int) -> tuple[np.ndarray, np.ndarray]:
    r"""The cost c in units of m - 1 and the count k in $\rho \sim e^{-\alpha c} / k$ for large $\alpha$."""
    return np.maximum(-gain, 0.0), np.where(gain == 0, m, 1)


def leading_terms_of_walks(walks: Float[np.ndarray, "m moves"]) -> tuple[np.ndarray, np.ndarray]:
    r"""The terms of `leading_terms` for $1 / \rho = \sum_j e^{-\alpha W_j}$, W from `fixation_walks`."""
    lowest = walks.min(axis=0)
    cost = np.where(lowest < -TIE, -lowest, 0.0)
    return cost, (walks + cost <= TIE).sum(axis=0)


def closed_classes(size: int, source: np.ndarray, target: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """The strongly connected components that no edge leaves."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    _, label = connected_components(
        csr_array((np.ones(len(source)), (source, target)), shape=(size, size)), connection="strong"
    )
    open_labels = set(label[source[label[source] != label[target]]].tolist())
    return tuple(
        sorted(tuple(np.flatnonzero(label == k).tolist()) for k in set(label.tolist()) - open_labels)
    )
