"""Tournaments: every learner plays every learner, at every game."""

from analysis.tournaments.cell import Cell
from analysis.tournaments.results import Results
from analysis.tournaments.round_robins import RoundRobin, round_robin
from analysis.tournaments.run import tournament
from analysis.tournaments.tables import cells, standings

__all__ = ["Cell", "Results", "RoundRobin", "cells", "round_robin", "standings", "tournament"]
