"""Results on disk, what was asked for, and where they come from."""

from analysis.results.specification import describe, fingerprint, text
from analysis.results.store import Store, load

__all__ = ["Store", "describe", "fingerprint", "load", "text"]
