"""A check that no other module hides one of the laboratory's packages."""

import importlib.util
import pathlib

PACKAGES = ("games", "shaping", "solvers", "analysis", "paper_figs")


def hidden() -> list[str]:
    """One sentence for every package of the laboratory that is hidden by another module of the same name.

    A file `analysis.py` or a folder `games` in the working folder hides it in notebooks and scripts started
    there.
    """
    found = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        place = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
        if place and pathlib.Path(__file__).resolve().parents[1] not in pathlib.Path(place).resolve().parents:
            found.append(
                f"{place} hides the laboratory's package {name!r}; rename it, or start Python in another folder."
            )
    return found
