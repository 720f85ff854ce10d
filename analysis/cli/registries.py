"""The registries that the command line lists."""

import importlib
import importlib.util
from collections.abc import Sequence
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
    "rankings": ("analysis", "RANKINGS"),
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


def find(name: str, kinds: Sequence[str] = tuple(HOMES)) -> Any:
    """The first entry with this name in these registries.

    Raises:
        ValueError: for an unknown name, with the nearest match.
    """
    import difflib

    known: list[str] = []
    for kind in kinds:
        family = registry(kind)
        if name in family:
            return family.get(name)
        known += [x for e in family for x in (e.name, *getattr(e, "aliases", ()))]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(
        f"Nothing is called {name!r}; {hint}`shaping list KIND` prints the names, KIND being one of {', '.join(kinds)}."
    )
