"""`shaping cite`: the sources of a member of a registry."""

import dataclasses

import tyro


@dataclasses.dataclass(frozen=True)
class Cite:
    """Print the BibTeX of a learner, a game, a strategy, a solver or a figure."""

    name: tyro.conf.Positional[str] = dataclasses.field(metadata={"positional": True})
    """Its name or alias."""

    def run(self) -> None:
        """Print the entry's BibTeX."""
        from analysis.cli.registries import find
        from games import bibtex

        print(bibtex(*find(self.name).citations))
