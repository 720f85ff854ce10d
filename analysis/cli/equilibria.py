"""Tables of equilibria."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.cli.screen import TextTable, stdout

if TYPE_CHECKING:
    from solvers import CorrelatedEquilibrium, EquilibriumSet, NormalForm


def shown(number: Any) -> str:
    """A probability or a payoff as text: rationals unchanged, floats to four digits.

    Example:
        >>> from fractions import Fraction
        >>> shown(Fraction(1, 3)), shown(1 / 3), shown(2.0)
        ('1/3', '0.3333', '2')
    """
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def distinct(names: Sequence[str]) -> list[str]:
    """Names on one line each; blank and repeated ones get their position, counted from 1.

    Example:
        >>> distinct(["up", "", "up", "down"])
        ['up (1)', '(2)', 'up (3)', 'down']
    """
    lines = [" ".join(name.split()) for name in names]
    count = Counter(lines)
    return [
        f"{line} ({k + 1})".lstrip() if not line or count[line] > 1 else line for k, line in enumerate(lines)
    ]


def every_profile(payoffs: Any) -> bool:
    """Whether every profile is an equilibrium because no player's payoff depends on its own action."""
    return all((own == own.take([0], axis=i)).all() for i, own in enumerate(payoffs))


EVERY = "Every profile is an equilibrium, since nobody's payoff depends on the own action."


def strategy(probabilities: Any, labels: Sequence[str], named: bool) -> str:
    """A mixed strategy as text: all probabilities in order, or the names of the actions in its support.

    Example:
        >>> strategy([0.25, 0.75], ("up", "down"), True), strategy([0.25, 0.75], ("1", "2"), False)
        ('up 0.25, down 0.75', '(0.25, 0.75)')
    """
    if not named:
        return f"({', '.join(map(shown, probabilities))})"
    return ", ".join(
        label if p == 1 else f"{label} {shown(p)}"
        for label, p in zip(labels, probabilities, strict=True)
        if p > 0
    )


def show(found: "EquilibriumSet", game: "NormalForm", name: str) -> None:
    """Print a table with one row per equilibrium, and whether there may be others."""
    console = stdout()
    if found.message == EVERY:
        console.print(f"{name}: {EVERY[0].lower()}{EVERY[1:]}", soft_wrap=True)
        return
    players, actions = distinct(game.players), list(map(distinct, game.actions))
    count = f"{len(found)} equilibri{'um' if len(found) == 1 else 'a'}"
    known = "all there are" if found.complete else "there may be others"
    spanned = subsets(found)
    if found.degenerate and spanned:
        count = count.replace(" ", " extreme ", 1)
        known = "every other is a mixture within one of the Nash subsets below" if found.complete else known
    heading = (
        f"{count} by {found.method}; {known}"
        if found.status == "solved"
        else f"{found.method} did not converge; where it stopped:"
    )
    console.print(f"{name}: {heading}", soft_wrap=True)
    several = 1 < len(found.components) < len(found)
    where = {k: str(c) for c, members in enumerate(found.components) for k in members}
    rows = [
        [
            str(k),
            *(strategy(s, labels, game.names_actions) for s, labels in zip(e.profile, actions, strict=True)),
            f"({', '.join(map(shown, e.payoffs))})",
            f"{e.residual:.1e}" if e.residual else "0",
            *([where.get(k, "")] if several else []),
        ]
        for k, e in enumerate(found)
    ]
    if rows:
        console.print(
            TextTable(
                ["", *players, "payoffs", "residual", *(["component"] if several else [])], rows, right=(0,)
            )
        )
    for inside in spanned:
        console.print(
            f"Nash subset: every mixture of the strategies in rows {', '.join(map(str, inside))}",
            soft_wrap=True,
        )
    if found.message:
        console.print(found.message, soft_wrap=True)


def subsets(found: "EquilibriumSet") -> list[list[int]]:
    """The indices of the equilibria in each maximal Nash subset that holds more than one."""

    def inside(profile: Any, clique: Any) -> bool:
        held = ([found.vertices[seat][v] for v in own] for seat, own in enumerate(clique))
        return all(any(np.array_equal(s, v) for v in own) for s, own in zip(profile, held, strict=True))

    members = ([k for k, e in enumerate(found) if inside(e.profile, clique)] for clique in found.cliques)
    return [m for m in members if len(m) > 1]


def show_correlated(found: "CorrelatedEquilibrium", game: "NormalForm", name: str, objective: str) -> None:
    """Print the recommended joint actions with their probabilities."""
    console = stdout()
    console.print(f"{name}: best {found.concept} equilibrium by {objective}", soft_wrap=True)
    players, actions = distinct(game.players), list(map(distinct, game.actions))
    rows = [
        [*(actions[i][a] for i, a in enumerate(joint)), shown(float(found.distribution[joint]))]
        for joint in np.ndindex(*game.n_actions)
        if found.distribution[joint] > 1e-9
    ]
    console.print(TextTable([*players, "probability"], rows, right=(game.n_players,)))
    payoffs = ", ".join(shown(float(x)) for x in found.payoffs)
    console.print(f"payoffs ({payoffs}), residual {found.residual:.1e}", soft_wrap=True)


def quantal(row: dict[str, Any], payoffs: Any) -> dict[str, Any]:
    """One quantal response equilibrium as plain data, with payoffs; None for numbers that are not finite."""
    from analysis.cli.screen import number
    from solvers.payoffs import expected_payoffs

    profile = [np.array(s) for s in row["profile"]]
    return {
        "precision": row["precision"],
        "profile": [[number(x) for x in s] for s in profile],
        "payoffs": [number(x) for x in expected_payoffs(payoffs, tuple(profile))],
        "support": [np.flatnonzero(s > 0).tolist() for s in profile],
        "residual": number(row["residual"]),
        "status": row["status"],
    }


def show_quantal(members: list[dict[str, Any]], game: "NormalForm", name: str) -> None:
    """Print a table with one row per precision."""
    console = stdout()
    console.print(f"{name}: logit quantal response equilibria, by precision", soft_wrap=True)
    players, actions = distinct(game.players), list(map(distinct, game.actions))
    rows = [
        [
            shown(e["precision"]),
            *(
                strategy(s, labels, game.names_actions)
                for s, labels in zip(e["profile"], actions, strict=True)
            ),
            f"({', '.join(map(shown, e['payoffs']))})",
            f"{e['residual']:.1e}",
        ]
        if e["status"] == "solved"
        else [shown(e["precision"]), *("not reached" for _ in players), "", ""]
        for e in members
    ]
    console.print(TextTable(["precision", *players, "payoffs", "residual"], rows, right=(0,)))
