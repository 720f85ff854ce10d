"""The `shaping` command: results are printed on stdout, everything else on stderr."""

from collections.abc import Mapping, Sequence

from analysis.cli import runner as program


def commands() -> Mapping[str, type]:
    """All subcommands, imported after the process has set up its response to Ctrl-C."""
    from analysis.cli.cite import Cite
    from analysis.cli.doctor import Doctor
    from analysis.cli.evaluate import Evaluate
    from analysis.cli.list import List
    from analysis.cli.play import Play
    from analysis.cli.rank import Rank
    from analysis.cli.solve import Solve
    from analysis.cli.tournament import Tournament
    from analysis.cli.train import Train

    return {
        "list": List,
        "play": Play,
        "tournament": Tournament,
        "rank": Rank,
        "train": Train,
        "evaluate": Evaluate,
        "solve": Solve,
        "cite": Cite,
        "doctor": Doctor,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line: the words after `shaping`, by default those of the process.

    Raises:
        SystemExit: with 2 after a mistake in the command line, 1 after a failed check, 130 after Ctrl-C.
    """
    program.run("shaping", commands, "A laboratory for opponent shaping.", argv)


if __name__ == "__main__":
    main()
