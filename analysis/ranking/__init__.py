"""Rankings of learners, and the tournament as a game whose actions are the learners."""

from analysis.ranking.comparisons import (
    improvement,
    improvements,
    performance_profile,
    probability_of_improvement,
)
from analysis.ranking.learners_game import LearnersGame, equilibria_of_learners, game_of, response_graph_of
from analysis.ranking.means import interquartile_mean, mean_score
from analysis.ranking.pairwise import copeland, duels, win_rate
from analysis.ranking.population import (
    alpha_rank_mass,
    fixation_probabilities,
    moran_shares,
    nash_average_skill,
    population_shares,
    replicator_shares,
)
from analysis.ranking.rank import ranking
from analysis.ranking.ratings import bayesian_elo, elo
from analysis.ranking.registry import RANKINGS
from analysis.ranking.scores import Scores, scores_of

__all__ = [
    "RANKINGS",
    "LearnersGame",
    "Scores",
    "alpha_rank_mass",
    "bayesian_elo",
    "copeland",
    "duels",
    "elo",
    "equilibria_of_learners",
    "fixation_probabilities",
    "game_of",
    "improvement",
    "improvements",
    "interquartile_mean",
    "mean_score",
    "moran_shares",
    "nash_average_skill",
    "performance_profile",
    "population_shares",
    "probability_of_improvement",
    "ranking",
    "replicator_shares",
    "response_graph_of",
    "scores_of",
    "win_rate",
]
