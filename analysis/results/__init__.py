"""Results on disk, with their specifications and their provenance."""

from analysis.results.specification import describe, fingerprint, text
from analysis.results.store import Store, load

__all__ = ["Store", "describe", "fingerprint", "load", "text"]
