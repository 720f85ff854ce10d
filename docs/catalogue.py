"""Write the catalogue page from the registries: `python docs/catalogue.py > docs/catalogue.md`."""

from analysis import OUTCOMES, RANKINGS
from games import AUTOMATA, AUTOMATON_GAMES, ENVIRONMENTS, GAMES, SAMPLED
from games.agents.coin_scripted import COIN_AGENTS
from games.registry import Registry
from games.strategies.named import STRATEGIES
from paper_figs import FIGURES
from shaping import LEARNERS
from solvers import DYNAMICS, FLOWS, SOLVERS


def table(registry: Registry) -> str:
    """A Markdown table with one row per member, in the order of registration."""
    rows = [
        f"| `{e.name}` | {', '.join(f'`{a}`' for a in e.aliases)} | {e.summary} | `{e.citation}` |"
        for e in registry
    ]
    return "\n".join(["| name | also | what it is | citation |", "|---|---|---|---|", *rows])


def page() -> str:
    """The whole page."""
    sections = {
        "Games": GAMES,
        "Games between automata": AUTOMATON_GAMES,
        "Sampled games": SAMPLED,
        "Learners": LEARNERS,
        "Environments": ENVIRONMENTS,
        "Agents of the coin game": COIN_AGENTS,
        "Strategies": STRATEGIES,
        "Automata": AUTOMATA,
        "Solvers": SOLVERS,
        "Dynamics": DYNAMICS,
        "Flows": FLOWS,
        "Social outcomes": OUTCOMES,
        "Rankings": RANKINGS,
        "Figures": FIGURES,
    }
    body = "\n\n".join(f"## {title} ({len(list(r))})\n\n{table(r)}" for title, r in sections.items())
    head = "Made from the registries by `make catalogue`. `shaping cite NAME` prints the BibTeX of a member."
    return f"# Catalogue\n\n{head}\n\n{body}\n"


if __name__ == "__main__":
    print(page(), end="")
