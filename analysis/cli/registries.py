"""The registries that the command line lists."""

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

HOMES = {
    "games": ("games", "GAMES"),
    "automaton_games": ("games", "AUTOMATON_GAMES"),
    "learners": ("shaping", "LEARNERS"),
    "sampled": ("games", "SAMPLED"),
    "environments": ("games", "ENVIRONMENTS"),
    "strategies": ("games", "STRATEGIES"),
    "automata": ("games", "AUTOMATA"),
    "solvers": ("solvers", "SOLVERS"),
    "dynamics": ("solvers", "DYNAMICS"),
    "flows": ("solvers", "FLOWS"),
    "outcomes": ("analysis", "OUTCOMES"),
    "figures": ("paper_figs", "FIGURES"),
}
"""The package and the name of each registry. Figures are looked up by name when they are asked for, because
`paper_figs` imports `analysis`; the command line works without that package."""


def registry(kind: str) -> Any:
    """The registry of this kind; an empty list if its package is not installed."""
    package, name = HOMES[kind]
    if importlib.util.find_spec(package) is None:
        return []
    return getattr(importlib.import_module(package), name, [])


def find(name: str, kinds: Iterable[str] = tuple(HOMES)) -> Any:
    """The first entry with this name in these registries.

    Raises:
        ValueError: for an unknown name, with the nearest match.
    """
    from games.registry import nearest

    known: dict[str, tuple[str, ...]] = {}
    for kind in kinds:
        family = registry(kind)
        if name in family:
            return family.get(name)
        known |= {e.name: tuple(getattr(e, "aliases", ())) for e in family}
    aliases = [alias for names in known.values() for alias in names]
    raise ValueError(f"Nothing is called {name!r}; {nearest(name, known, aliases)}.")
