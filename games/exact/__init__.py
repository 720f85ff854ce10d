"""Games whose values are closed forms: matrix games, repeated games valued exactly, smooth games."""

from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.parameterized import Network, Parameterized, Policy, Preconditioned, Tabular
from games.exact.smooth import Quadratic, Smooth
from games.exact.tables import as_table, logits, probabilities, table_shape

__all__ = [
    "Iterated",
    "MatrixGame",
    "Network",
    "Parameterized",
    "Policy",
    "Preconditioned",
    "Quadratic",
    "Smooth",
    "Tabular",
    "as_table",
    "logits",
    "probabilities",
    "table_shape",
]
