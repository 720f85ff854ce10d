"""Named memory-one strategies: probabilities of action 0 in `[start, CC, CD, DC, DD]`, own action first."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from games.checks import check_range, shown
from games.exact.tables import logits
from games.registry import Registry
from games.strategies.zero_determinant_lines import AXELROD, dilemma, phi_range, zero_determinant

Policy = Float[np.ndarray, " 5"]

STRATEGIES = Registry("strategy")


def policy(name: str, **settings: Any) -> Float[Array, " 5"]:
    """The logits of a named strategy, large enough that probabilities 0 and 1 are recovered exactly by the sigmoid.

    Args:
        name: a name or an alias in `STRATEGIES`.
        **settings: arguments of the strategy.

    Raises:
        ValueError: for an unknown name or setting, or a value that is not accepted.

    Example:
        >>> policy("tft").tolist()
        [1000.0, 1000.0, -1000.0, 1000.0, -1000.0]
    """
    return logits(STRATEGIES.make(name, **settings))


def fixed(*probabilities: float) -> Policy:
    """A strategy from its five probabilities."""
    for p in probabilities:
        if np.ndim(p):
            raise ValueError(f"A probability is {shown(p)}; it must be one number.")
    return np.array(probabilities, dtype=float)


@STRATEGIES.register("axelrod1984evolution", "always_cooperate")
def allc() -> Policy:
    """Always cooperate."""
    return fixed(1, 1, 1, 1, 1)


@STRATEGIES.register("axelrod1984evolution", "always_defect")
def alld() -> Policy:
    """Always defect."""
    return fixed(0, 0, 0, 0, 0)


@STRATEGIES.register("axelrod1984evolution", "tit_for_tat")
def tft() -> Policy:
    """Cooperate, then repeat the other's last action."""
    return fixed(1, 1, 0, 1, 0)


@STRATEGIES.register("axelrod1984evolution", "stft")
def suspicious_tft() -> Policy:
    """Defect, then repeat the other's last action."""
    return fixed(0, 1, 0, 1, 0)


@STRATEGIES.register("friedman1971supergames", "grim_trigger")
def grim() -> Policy:
    """Cooperate until anybody defects, then defect for ever."""
    return fixed(1, 1, 0, 0, 0)


@STRATEGIES.register("nowak1993wsls", "pavlov")
def wsls() -> Policy:
    """Win-stay, lose-shift: repeat the own action after R and T, change it after S and P."""
    return fixed(1, 1, 0, 0, 1)


@STRATEGIES.register("axelrod1984evolution")
def joss(p: float = 0.9) -> Policy:
    """Tit for tat, but after the other cooperated it cooperates only with probability p."""
    check_range("p", p, 0.0, 1.0)
    return fixed(1, p, 0, p, 0)


@STRATEGIES.register("axelrod1984evolution")
def random(p: float = 0.5) -> Policy:
    """Cooperate with probability p after every history."""
    check_range("p", p, 0.0, 1.0)
    return fixed(p, p, p, p, p)


@STRATEGIES.register("nowak1992gtft", "generous_tft")
def gtft(payoffs: Any = AXELROD) -> Policy:
    """Tit for tat that forgives a defection with probability min(1 - (T-R)/(R-S), (R-P)/(T-P))."""
    (r, s, t, p), _ = dilemma(payoffs)
    forgiveness = max(0.0, min(1 - (t - r) / (r - s), (r - p) / (t - p)))
    return fixed(1, 1, forgiveness, 1, forgiveness)


@STRATEGIES.register("stewart2012extortion")
def extort_2(start: float = 1.0) -> Policy:
    """Zero-determinant extortion at (5, 3, 1, 0): one's surplus over P is twice the other's."""
    check_range("start", start, 0.0, 1.0)
    return fixed(start, 8 / 9, 1 / 2, 1 / 3, 0)


@STRATEGIES.register("stewart2012extortion")
def zdgtft_2(start: float = 1.0) -> Policy:
    """Zero-determinant generosity at (5, 3, 1, 0): one's shortfall below R is twice the other's."""
    check_range("start", start, 0.0, 1.0)
    return fixed(start, 1, 1 / 8, 1, 1 / 4)


@STRATEGIES.register("press2012zd", "extort")
def extortion(chi: float = 3.0, share: float = 0.5, payoffs: Any = AXELROD, discount: float = 1.0) -> Policy:
    """Zero-determinant extortion: one's surplus over P is chi times the other's.

    Args:
        chi: extortion factor, at least 1.
        share: position of phi in its feasible range, from 0, the lower end (refused at discount 1), to 1, the
            upper end.
        payoffs: own payoffs `[[R, S], [T, P]]`.
        discount: d in (0, 1]; 1 is the average reward.
    """
    return at_share(chi, dilemma(payoffs)[0][3], share, payoffs, discount)


@STRATEGIES.register("stewart2012extortion", "generous")
def generosity(chi: float = 2.0, share: float = 0.5, payoffs: Any = AXELROD, discount: float = 1.0) -> Policy:
    """Zero-determinant generosity: one's shortfall below R is chi times the other's.

    Args:
        chi: factor, at least 1.
        share: position of phi in its feasible range, from 0, the lower end (refused at discount 1), to 1, the
            upper end.
        payoffs: own payoffs `[[R, S], [T, P]]`.
        discount: d in (0, 1]; 1 is the average reward.
    """
    return at_share(chi, dilemma(payoffs)[0][0], share, payoffs, discount)


def at_share(chi: float, kappa: float, share: float, payoffs: Any, discount: float) -> Policy:
    """The zero-determinant strategy whose phi is at this share of its feasible range."""
    check_range("share", share, 0.0, 1.0)
    low, high = phi_range(chi, kappa, payoffs, discount)
    phi = low + share * (high - low) if low <= high else 1.0  # zero_determinant refuses an infeasible pair
    return zero_determinant(chi, kappa, phi, payoffs, discount)
