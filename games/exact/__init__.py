"""Games whose values are closed forms: matrix games, repeated games valued exactly, smooth games."""

from games.exact.automata import Automaton, AutomatonGame, memory_one_automaton
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.parameterized import (
    ExecutionErrors,
    Network,
    Parameterized,
    Policy,
    Preconditioned,
    Tabular,
    trembling,
)
from games.exact.smooth import Quadratic, Smooth
from games.exact.tables import as_table, logits, longer_memory_rows, probabilities, table_shape

__all__ = [
    "Automaton",
    "AutomatonGame",
    "ExecutionErrors",
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
    "longer_memory_rows",
    "memory_one_automaton",
    "probabilities",
    "table_shape",
    "trembling",
]
