"""Reproductions of published figures, with citations and the published numbers."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Import `FIGURES` at its first use, after the command line has set the options that JAX reads."""
    if name == "FIGURES":
        from paper_figs.catalog import FIGURES

        return FIGURES
    raise AttributeError(f"module 'paper_figs' has no attribute {name!r}")
