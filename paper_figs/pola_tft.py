"""Which of LOLA and POLA finds tit for tat in the iterated contribution game, by parameterization."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float
from matplotlib.figure import Figure

from analysis.results.specification import describe
from games import Network, Parameterized, Preconditioned, Tabular, ipd_contribution
from games.compiler import filter_jit
from games.exact.parameterized import Policy
from paper_figs.base import PaperFigure, Preset, Published, rows
from paper_figs.style import STROKES, figure, is_wide
from shaping import Learner, Lola, Pola, play

FACTORS = (1.1, 1.25, 1.33, 1.4, 1.6)
DISCOUNT = 0.96
QUANTITY = "fraction that finds tit for tat, factor {}"
AFTER_DEFECTION = np.array([2, 4])
"""Indices of the states after a defection of the other player, CD and DD."""
BASIS_CD = np.eye(5) - 2 * np.outer([1, 1, 0, 1, 1], [0, 0, 1, 0, 0])
"""The basis of an earlier revision of the public code, in which CD takes the place of DD."""
POLICIES: Mapping[str, Policy] = {
    "tabular": Tabular(),
    "network": Network(16),
    "preconditioned": Preconditioned(),
    "preconditioned_cd": Preconditioned(BASIS_CD),
}


@dataclasses.dataclass(frozen=True)
class Size(Preset):
    """The size of the experiment.

    Attributes:
        policies: names of the parameterizations to run, separated by spaces.
    """

    policies: str = " ".join(POLICIES)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A learner with a parameterization, a number of steps, and its settings at every contribution factor.

    Attributes:
        learner: `"lola"` or `"pola"`.
        policy: a name of `POLICIES`.
        steps: learning steps of the match; the paper calls them epochs.
        settings: for every factor, tuples of look-ahead, own step size and, for POLA, penalty; several tuples
            where the authors found no setting that works.
    """

    learner: str
    policy: str
    steps: int
    settings: Mapping[float, Sequence[tuple[float, ...]]]

    @property
    def name(self) -> str:
        """The name in tables."""
        return f"{self.learner} {self.policy}"

    def cells(self) -> Iterator[tuple[float, tuple[float, ...]]]:
        """All pairs of a factor and a tuple of settings."""
        return ((factor, numbers) for factor in FACTORS for numbers in self.settings[factor])

    def make(self, numbers: tuple[float, ...]) -> Learner:
        """The learner with these settings."""
        look_ahead, lr, *penalty = numbers
        return Lola(lr, look_ahead) if self.learner == "lola" else Pola(lr, look_ahead, penalty[0])

    def game(self, factor: float) -> Parameterized:
        """The contribution game with this parameterization; initial tables are sampled from N(0, .1^2)."""
        game: Any = ipd_contribution(factor, discount=DISCOUNT, init_std=0.1)
        return Parameterized(game, POLICIES[self.policy], self.name)


def settings_grid(look_aheads: Sequence[float], lrs: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """All pairs of a look-ahead and an own step size."""
    return tuple(itertools.product(look_aheads, lrs))


def by_factor(*numbers: tuple[float, ...]) -> dict[float, tuple[tuple[float, ...], ...]]:
    """Settings by factor, one tuple for each."""
    return {factor: (n,) for factor, n in zip(FACTORS, numbers, strict=True)}


NETWORK_GRID = settings_grid((0.05, 0.1, 0.2, 0.4), (0.02, 0.05, 0.1, 0.2))
BASIS_GRID = settings_grid((0.1, 0.3, 1.0, 3.0), (0.05, 0.5, 5.0, 25.0))
POLA_BASIS_SETTINGS = by_factor(*[(b, 0.05, 0.5) for b in (0.4, 0.5, 0.4, 0.3, 0.3)])
VARIANTS = (
    Variant("lola", "tabular", 30, by_factor(*[(3.0, 25.0)] * 5)),
    Variant("pola", "tabular", 2, by_factor(*[(5.0, 0.3, 0.1)] * 3, (4.0, 0.3, 0.1), (2.5, 0.3, 0.1))),
    Variant(
        "lola",
        "network",
        100,
        {
            1.1: NETWORK_GRID,
            1.25: NETWORK_GRID,
            1.33: ((0.4, 0.05),),
            1.4: ((0.3, 0.1),),
            1.6: ((0.12, 0.05),),
        },
    ),
    Variant(
        "pola",
        "network",
        2,
        by_factor(
            (0.3, 0.03, 0.1), (0.25, 0.03, 0.13), (0.25, 0.02, 0.13), (0.2, 0.03, 0.1), (0.12, 0.03, 0.05)
        ),
    ),
    Variant("lola", "preconditioned", 100, dict.fromkeys(FACTORS, BASIS_GRID)),
    Variant("pola", "preconditioned", 10, POLA_BASIS_SETTINGS),
    Variant("lola", "preconditioned_cd", 100, dict.fromkeys(FACTORS, BASIS_GRID)),
    Variant("pola", "preconditioned_cd", 10, POLA_BASIS_SETTINGS),
)


def settings() -> dict[str, Any]:
    """The game, the parameterizations and all settings in JSON types."""
    variants = {
        v.name: {"steps": v.steps, "settings": [[factor, *numbers] for factor, numbers in v.cells()]}
        for v in VARIANTS
    }
    return {"game": describe(ipd_contribution(discount=DISCOUNT, init_std=0.1)), "variants": variants}


@filter_jit
def runs(games: Parameterized, learners: Learner, key: Array, steps: int, seeds: int) -> dict[str, Array]:
    """Self-play at all factors, settings and seeds of one variant, in one compiled program."""

    def cell(game: Parameterized, learner: Learner) -> dict[str, Array]:
        match = play(game, [learner] * 2, key, steps=steps, seeds=seeds, trajectory=True)
        assert match.trajectory is not None
        tables = tuple(
            jax.vmap(jax.vmap(functools.partial(game.table, i)))(own)
            for i, own in enumerate(match.trajectory)
        )
        cooperation = game.per_step(jnp.zeros(2)).sum() + 2 * game.game.stage.payoffs[0, 0, 0]
        share = match.values.sum(-1) / cooperation
        unsolved = sum((s.unsolved for s in match.states if hasattr(s, "unsolved")), jnp.zeros(seeds, int))
        return {
            "found": finds_tit_for_tat(tables, share),
            "share": share[:, -1],
            "ok": match.ok,
            "unsolved": unsolved,
        }

    return jax.vmap(cell)(games, learners)


def finds_tit_for_tat(
    tables: tuple[Float[Array, "seeds records 5"], ...], share: Float[Array, "seeds records"]
) -> Bool[Array, " seeds"]:
    """Mask of the seeds that find tit for tat.

    A seed does if, after some learning step, both players cooperate with probability below .65 after the
    other's defection and earn on average more than .8 of the return of mutual cooperation.
    """
    retaliates = jnp.stack([(jax.nn.sigmoid(t[..., AFTER_DEFECTION]) < 0.65).all(-1) for t in tables]).all(0)
    return (retaliates & (share > 0.8))[:, 1:].any(-1)


def stack(members: Sequence[Any]) -> Any:
    """Games or learners of the same structure as one, with their arrays stacked along a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)


def fraction(hits: Bool[np.ndarray, " seeds"], ok: Bool[np.ndarray, " seeds"]) -> dict[str, float]:
    """The fraction of hits among the finite seeds, with its Clopper-Pearson 95 % interval.

    Example:
        >>> fraction(np.array([True, False, True]), np.array([True, True, False]))["mean"]
        0.5
    """
    from scipy.stats import binomtest

    n, k = int(ok.sum()), int((hits & ok).sum())
    if n == 0:
        return {"mean": np.nan, "low": np.nan, "high": np.nan, "seeds": 0, "diverged": len(ok)}
    exact = binomtest(k, n).proportion_ci(0.95)
    return {
        "mean": k / n,
        "low": float(exact.low),
        "high": float(exact.high),
        "seeds": n,
        "diverged": len(ok) - n,
    }


def compute(preset: Preset, seed: int) -> pd.DataFrame:
    """Self-play of all variants at all factors and settings: returns, and fractions that find tit for tat."""
    assert isinstance(preset, Size)
    records: list[dict[str, Any]] = []
    for variant in (v for v in VARIANTS if v.policy in preset.policies.split()):
        cells = list(variant.cells())
        games, learners = (
            stack([variant.game(f) for f, _ in cells]),
            stack([variant.make(n) for _, n in cells]),
        )
        steps = min(variant.steps, preset.steps)
        out = jax.device_get(runs(games, learners, jax.random.key(seed), steps, preset.seeds))
        for k, (factor, (look_ahead, lr, *penalty)) in enumerate(cells):
            settings_row = {
                "learner": variant.name,
                "factor": factor,
                "look_ahead": look_ahead,
                "lr": lr,
                "penalty": sum(penalty),
                "steps": steps,
            }
            results = {"share": float(out["share"][k].mean()), "unsolved": int(out["unsolved"][k].sum())}
            records.append({**settings_row, **fraction(out["found"][k], out["ok"][k]), **results})
    return pd.DataFrame(records)


def measure(frame: pd.DataFrame) -> pd.DataFrame:
    """The fraction of seeds that find tit for tat at every factor, with the best of its settings."""
    best = frame.loc[frame.groupby(["learner", "factor"], sort=False)["mean"].idxmax()]
    return best.assign(quantity=[QUANTITY.format(f) for f in best["factor"]], ours=best["mean"])[
        ["learner", "quantity", "ours", "low", "high", "seeds", "diverged"]
    ]


def draw(frame: pd.DataFrame, comparison: pd.DataFrame, width: str) -> Figure:
    """Draw returns over factors in panel (a), and fractions of seeds that find tit for tat in (b)."""
    names = comparison["learner"].drop_duplicates().tolist()
    grid = {"ncols": 2, "width_ratios": [1, 1.35]} if is_wide(width) else {"nrows": 2}
    drawn, (curves, cells) = figure(width, 2.9 if is_wide(width) else 5.2, **grid)
    best = frame.loc[frame.groupby(["learner", "factor"], sort=False)["mean"].idxmax()]
    for name, (marker, dash) in zip(names, LINE_STYLES, strict=False):
        part = rows(best, learner=name)
        color = STROKES["lola_taylor"].color if name.startswith("lola") else STROKES["sos"].color
        curves.plot(
            part["factor"], part["share"], color=color, marker=marker, linestyle=dash, label=label(name)
        )
    curves.set(
        xlabel="contribution factor",
        ylabel="return / that of cooperation",
        ylim=(-0.05, 1.7),
        yticks=(0, 0.5, 1),
    )
    curves.set_title("(a) final return", loc="left")
    curves.legend(loc="upper left", ncols=1 if len(names) < 4 else 2, fontsize=5, handlelength=2.6)
    table = comparison["ours"].to_numpy().reshape(len(names), len(FACTORS))
    cells.imshow(table, cmap="Greys", vmin=0, vmax=2.2, aspect="auto")
    for row, column in itertools.product(range(len(names)), range(len(FACTORS))):
        cells.text(column, row, f"{table[row, column]:.2f}", ha="center", va="center")
    cells.set_xticks(range(len(FACTORS)), [f"{f:g}" for f in FACTORS])
    cells.set_yticks(range(len(names)), [label(name) for name in names])
    cells.set_xlabel("contribution factor")
    cells.set_title(f"(b) fraction of {comparison['seeds'].max()} seeds", loc="left")
    return drawn


LINE_STYLES = (
    ("o", "-"),
    ("s", "-"),
    ("^", "--"),
    ("D", "--"),
    ("v", ":"),
    ("P", ":"),
    ("X", "-."),
    (">", "-."),
)
"""Marker and dash of each curve."""


def label(name: str) -> str:
    """A variant's label in the figure."""
    learner, policy = name.split()
    return f"{learner.upper()} {policy.replace('preconditioned', 'basis').replace('_cd', ' CD')}"


POLA_TFT = PaperFigure(
    name="pola_tft",
    title="Which learner finds tit for tat in which parameterization",
    caption=(
        "Self-play of LOLA (exact look-ahead) and outer POLA on the iterated contribution game (discount "
        ".96, memory one, exact values). A policy is a table of logits, a network of 16 tanh units, or a "
        "table in another basis. In this basis, a step in the coordinate DD moves the logits of all other "
        "states in the opposite direction; in 'basis CD', as in an earlier revision of the public code, "
        "CD takes the place of DD. A seed finds tit for tat if after some step both players cooperate with "
        "probability below .65 after every defection of the other, and earn on average more than .8 of "
        "the return of mutual cooperation. Settings and numbers of steps are those of the public code; "
        "where the paper's authors found no setting that works, the best of a grid of 16 is shown. (a) Mean "
        "final return, relative to mutual cooperation. (b) Fraction of the seeds that find tit for tat; "
        "the 95 % intervals are in the table. The paper states that LOLA works with tables, works less "
        "well with networks and fails in the other basis, and that POLA works in all three at every "
        "factor; the statement for tables is compared as a published fraction of 1."
    ),
    citation="zhao2022pola",
    presets={"quick": Size(20, 100, "tabular"), "paper": Size(20, 100)},
    settings=settings,
    compute=compute,
    measure=measure,
    draw=draw,
    published=tuple(
        Published(f"{learner} tabular", QUANTITY.format(f), 1.0, 0.1)
        for learner in ("lola", "pola")
        for f in FACTORS
    ),
)
