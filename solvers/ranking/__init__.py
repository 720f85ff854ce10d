"""Rankings of strategies by equilibrium and evolution: alpha-rank, Nash averaging, response graphs."""

from solvers.ranking.alpha_ranking import AlphaRank, alpha_rank
from solvers.ranking.nash_averages import NashAverage, nash_averaging, nash_averaging_on_tasks
from solvers.ranking.response_graphs import response_graph, sink_components

__all__ = [
    "AlphaRank",
    "NashAverage",
    "alpha_rank",
    "nash_averaging",
    "nash_averaging_on_tasks",
    "response_graph",
    "sink_components",
]
