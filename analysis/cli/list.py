"""`shaping list`: the members of a registry."""

import dataclasses
import json as json_
from typing import Any, Literal

import tyro


@dataclasses.dataclass(frozen=True)
class List:
    """List the members of a family: name, one line, citation key."""

    kind: tyro.conf.Positional[
        Literal[
            "games",
            "sampled",
            "automaton_games",
            "environments",
            "learners",
            "strategies",
            "automata",
            "solvers",
            "dynamics",
            "flows",
            "outcomes",
            "rankings",
            "figures",
        ]
    ] = dataclasses.field(metadata={"positional": True})
    """Which family."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> None:
        """Print the family's entries."""
        entries = members(self.kind)
        if self.json:
            print(json_.dumps({self.kind: entries}, indent=1, default=str))
            return
        from analysis.cli.screen import TextTable, stdout

        columns = ["name", "what it is", "citation"]
        rows = [
            [" ".join([e["name"], *(f"({a})" for a in e["aliases"])]), e["summary"], e["citation"]]
            for e in entries
        ]
        stdout().print(TextTable(columns, rows))


def members(kind: str) -> list[dict[str, Any]]:
    """The entries of a family as plain data."""
    from analysis.cli.registries import registry

    return [
        {"name": e.name, "aliases": list(e.aliases), "summary": e.summary, "citation": e.citation}
        for e in registry(kind)
    ]
