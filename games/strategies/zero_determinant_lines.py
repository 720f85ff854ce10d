"""Zero-determinant strategies: one player enforces a linear relation between both players' payoffs."""

from typing import Any

import numpy as np
from jaxtyping import Float

from games.checks import check_range, numeric_array

Vector = Float[np.ndarray, " 4"]

AXELROD = ((3.0, 0.0), (5.0, 1.0))
"""The prisoner's dilemma of Axelrod's tournaments, `[[R, S], [T, P]]`."""
COOPERATED = np.array([1.0, 1.0, 0.0, 0.0])
"""Whether the player itself cooperated, by state CC, CD, DC, DD."""
TINY = 1e-12


def dilemma(payoffs: Any) -> tuple[Vector, Vector]:
    """Own and other's payoffs in the states CC, CD, DC, DD of a prisoner's dilemma `[[R, S], [T, P]]`.

    Raises:
        ValueError: unless T > R > P > S.
    """
    numeric_array("The payoffs", payoffs)
    table = np.asarray(payoffs, dtype=float)
    if table.shape != (2, 2) or not table[1, 0] > table[0, 0] > table[1, 1] > table[0, 1]:
        raise ValueError(
            f"The payoffs are {table.tolist()}; a prisoner's dilemma is [[R, S], [T, P]] with T > R > P > S."
        )
    return table.ravel(), table.T.ravel()


def zero_determinant(
    chi: float,
    kappa: float,
    phi: float,
    payoffs: Any = AXELROD,
    discount: float = 1.0,
    start: float | None = None,
) -> Float[np.ndarray, " 5"]:
    r"""The memory-one strategy that enforces $s_X - \kappa = \chi (s_Y - \kappa)$ on per-step payoffs.

    $s_X$ is the player's own per-step payoff and $s_Y$ the other's. Let $g_t$ be the probability that the
    player cooperates at time t, $p_0 = g_0$, and $v_t$ the distribution of states. Then $d g_{t+1} - g_t =
    \langle d\,p - (1,1,0,0), v_t \rangle$, and the discounted sum of this telescopes to $-p_0$. So the policy

    $p = \frac1d \left[ (1,1,0,0) - (1-d)\, p_0 + \phi \left( (S_X - \kappa) - \chi (S_Y - \kappa) \right)
    \right]$

    enforces the line exactly at discount d (Hilbe, Traulsen & Sigmund 2015; Ichinose & Masuda 2018), and at
    $d = 1$ in the long run, whatever the start (Press & Dyson 2012).

    Args:
        chi: slope $\chi$, the ratio of the own to the other's surplus over $\kappa$; at least 1, or negative.
        kappa: baseline $\kappa$, where the line crosses the diagonal: P for extortion, R for generosity.
        phi: scale $\phi$ of the strategy's reactions; not 0.
        payoffs: own payoffs `[[R, S], [T, P]]` of a symmetric prisoner's dilemma.
        discount: d in (0, 1]; 1 is the average reward.
        start: probability of cooperation at the start; by default the largest that is feasible.

    Returns:
        Probabilities of cooperation `[start, CC, CD, DC, DD]`, float64.

    Raises:
        ValueError: if no such strategy exists; the message gives the feasible range of a parameter.

    Example:
        >>> zero_determinant(chi=3, kappa=1, phi=1 / 26)[1:].round(4).tolist()
        [0.8462, 0.5, 0.2692, 0.0]
    """
    check_range("phi", phi, -1e12, 1e12)
    own, other = dilemma(payoffs)
    low, high = phi_range(chi, kappa, payoffs, discount, start)
    if not low <= high:
        where = f"at discount {discount:g}" + ("" if start is None else f" and start {start:g}")
        kappas, chis = kappa_range(chi, payoffs, discount, start), chi_range(kappa, payoffs, discount, start)
        for what, number, accepted, given in (
            ("kappa", kappa, kappas, f"chi {chi:g}"),
            ("chi", chi, chis, f"kappa {kappa:g}"),
        ):
            if accepted:
                raise ValueError(
                    f"{what} {number:g} is infeasible with {given} {where}; feasible: {what} in {interval_text(accepted)}."
                )
        raise ValueError(
            f"Neither chi {chi:g} nor kappa {kappa:g} is feasible {where}; at discount 1, chi of at least 1 is feasible with kappa in "
            f"{interval_text([(own[3], own[0])])}."
        )
    slack = TINY * max(1.0, abs(low), abs(high))
    if not low - slack <= phi <= high + slack or phi == 0:
        accepted = interval_text([(low, high)]) + (", not 0" if low <= 0 <= high else "")
        raise ValueError(
            f"phi {phi:g} is infeasible with chi {chi:g} and kappa {kappa:g}; feasible: phi in {accepted}."
        )
    target = COOPERATED + phi * ((own - kappa) - chi * (other - kappa))
    if start is None:
        start = 1.0 if discount == 1 else min(1.0, max(0.0, float(target.min()) / (1 - discount)))
    return np.clip(np.concatenate([[start], (target - (1 - discount) * start) / discount]), 0.0, 1.0)


def constraints(
    discount: float, start: float | None
) -> tuple[Float[np.ndarray, "m 4"], Float[np.ndarray, " m"]]:
    r"""The matrix A and vector b for which the bracket w in `zero_determinant` is feasible iff $A w \le b$.

    With a given start, $(1-d) p_0 \le w \le d + (1-d) p_0$; otherwise w lies in [0, 1] and its entries
    differ by at most d.
    """
    eye = np.eye(4)
    if start is not None or discount == 1:
        low = (1 - discount) * (start or 0.0)
        return np.concatenate([eye, -eye]), np.repeat([discount + low, -low], 4)
    pairs = np.array([eye[i] - eye[j] for i in range(4) for j in range(4) if i != j])
    return np.concatenate([eye, -eye, pairs]), np.repeat([1.0, 0.0, discount], [4, 4, 12])


def phi_range(
    chi: float, kappa: float, payoffs: Any = AXELROD, discount: float = 1.0, start: float | None = None
) -> tuple[float, float]:
    """The smallest and the largest feasible phi; (inf, -inf) if only 0 is feasible.

    Example:
        >>> low, high = phi_range(chi=3, kappa=1)
        >>> low, round(1 / high, 9)
        (0.0, 13.0)

    Raises:
        ValueError: for a number outside its range.
    """
    check_range("chi", chi, -1e12, 1e12)
    check_range("kappa", kappa, -1e12, 1e12)
    check_range("discount", discount, TINY, 1.0)
    check_range("start", 0.5 if start is None else start, 0.0, 1.0)
    own, other = dilemma(payoffs)
    sides, bounds = constraints(discount, start)
    slopes, room = sides @ ((own - kappa) - chi * (other - kappa)), bounds - sides @ COOPERATED
    flat = np.abs(slopes) < TINY * max(1.0, np.abs(own).max() * (1 + abs(chi)))
    if (room[flat] < -TINY).any():
        return np.inf, -np.inf
    ratios = room[~flat] / slopes[~flat]
    low, high = ratios[slopes[~flat] < 0].max(), ratios[slopes[~flat] > 0].min()
    empty = low > high + TINY or max(-low, high) < TINY
    return (np.inf, -np.inf) if empty else (float(low) + 0.0, float(high) + 0.0)


def kappa_range(
    chi: float, payoffs: Any = AXELROD, discount: float = 1.0, start: float | None = None
) -> list[tuple[float, float]]:
    """The intervals of kappa for which some phi is feasible with this chi.

    Example:
        >>> kappa_range(chi=3)
        [(1.0, 3.0)]
    """
    own, other = dilemma(payoffs)
    if chi == 1:  # kappa cancels
        low, high = phi_range(1.0, 0.0, payoffs, discount, start)
        return [(-np.inf, np.inf)] if low <= high else []
    return ratios(own - chi * other, (chi - 1) * np.ones(4), discount, start)


def chi_range(
    kappa: float, payoffs: Any = AXELROD, discount: float = 1.0, start: float | None = None
) -> list[tuple[float, float]]:
    """The intervals of chi for which some phi is feasible with this kappa.

    Example:
        >>> chi_range(kappa=1)
        [(-inf, -4.0), (1.0, inf)]
    """
    own, other = dilemma(payoffs)
    return ratios(own - kappa, kappa - other, discount, start)


def ratios(first: Vector, second: Vector, discount: float, start: float | None) -> list[tuple[float, float]]:
    r"""The intervals of $y/x$ over all feasible $w = (1,1,0,0) + x\,first + y\,second$, one per sign of x."""
    sides, bounds = constraints(discount, start)
    plane, room = sides @ np.stack([first, second], axis=1), bounds - sides @ COOPERATED
    i, j = np.triu_indices(len(plane), 1)
    det = plane[i, 0] * plane[j, 1] - plane[i, 1] * plane[j, 0]
    scale = np.abs(plane).max()
    i, j, det = (v[np.abs(det) > TINY * scale**2] for v in (i, j, det))
    across, along = (
        room[i] * plane[j, 1] - room[j] * plane[i, 1],
        plane[i, 0] * room[j] - plane[j, 0] * room[i],
    )
    corners = np.stack([across / det, along / det], axis=1)
    corners = corners[(corners @ plane.T <= room + 1e-9).all(axis=1)]
    near = 1e-9 / scale
    zero = corners[np.abs(corners[:, 0]) <= near, 1]
    found = []
    for sign in (1, -1):
        side, beyond = corners[sign * corners[:, 0] > near], corners[sign * corners[:, 0] < -near]
        if not len(side):
            continue
        crossings = [a[1] - a[0] * (b[1] - a[1]) / (b[0] - a[0]) for a in side for b in beyond]
        limits = sign * np.concatenate([zero, crossings])
        slopes = np.concatenate([side[:, 1] / side[:, 0], np.sign(limits[np.abs(limits) > near]) * np.inf])
        found.append((float(slopes.min().round(9)) + 0.0, float(slopes.max().round(9)) + 0.0))
    return sorted(found)


def interval_text(intervals: list[tuple[float, float]]) -> str:
    """Intervals as text."""
    return " or ".join(f"[{low:.6g}, {high:.6g}]" for low, high in intervals)
