"""What the measures need to know about a game: its stage payoffs, equilibria, security levels and cooperation."""

import functools
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from analysis.outcomes.registry import Undefined
from games.base import Game, Joint
from games.catalog import AUTOMATON_GAMES, GAMES
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.exact.parameterized import ExecutionErrors, Parameterized
from solvers.base import EquilibriumSet
from solvers.dispatch import solve
from solvers.payoffs import payoff_tensor
from solvers.repeated.folk_theorems import feasible_set, minimax_values
from solvers.repeated.histories import Repeated, as_repeated
from solvers.repeated.polygons import Polygon


class GameFacts:
    """Numbers of a game, each computed when it is first asked for.

    Args:
        game: the game; None if it could not be rebuilt from a folder.
    """

    def __init__(self, game: Game | None):
        self._game = game

    @property
    def game(self) -> Game:
        """The game.

        Raises:
            Undefined: if it could not be rebuilt from a folder.
        """
        if self._game is None:
            raise Undefined(
                "The game could not be rebuilt from the folder, and the measure needs its payoffs."
            )
        return self._game

    @functools.cached_property
    def params_form(self) -> Joint:
        """The structure and the shapes of the joint parameters, without numbers."""
        return jax.eval_shape(self.game.init, jax.random.key(0))

    @functools.cached_property
    def iterated(self) -> Iterated:
        """The infinitely repeated game with exact values, without the map from parameters to tables.

        Raises:
            Undefined: for another kind of game.
        """
        game = self.game.game if isinstance(self.game, Parameterized) else self.game
        if not isinstance(game, Iterated):
            raise Undefined(f"{game.name!r} is not an infinitely repeated game with exact values.")
        return game

    @property
    def error(self) -> float:
        """The probability of execution errors (`games.trembling`)."""
        policy = getattr(self.game, "policy", None)
        return float(policy.error) if isinstance(policy, ExecutionErrors) else 0.0

    @property
    def repeated_game(self) -> Game:
        """The repeated game, with its execution errors if it has any, for the functions of `solvers`.

        Raises:
            Undefined: for another kind of game.
        """
        return self.game if self.error else self.iterated

    @functools.cached_property
    def repeated(self) -> Repeated:
        """The repeated game in the form of the solvers: payoffs, discount and execution errors.

        Raises:
            Undefined: for another kind of game.
        """
        return as_repeated(self.repeated_game, errors=True)

    @functools.cached_property
    def payoffs(self) -> Float[np.ndarray, "n *actions"]:
        """The payoffs of the game, or of the stage game that is repeated.

        Raises:
            Undefined: for a game without a table of payoffs.
        """
        game = self.game.game if isinstance(self.game, Parameterized) else self.game
        stage = game if isinstance(game, MatrixGame) else getattr(game, "stage", None)
        if not isinstance(stage, MatrixGame):
            raise Undefined(f"{game.name!r} has no table of payoffs.")
        return payoff_tensor(stage)

    @functools.cached_property
    def welfare(self) -> Float[np.ndarray, " outcomes"]:
        """The sum of all players' payoffs for every joint action."""
        return self.payoffs.sum(axis=0).ravel()

    @functools.cached_property
    def polygon(self) -> Polygon:
        """The payoff polygon: the convex hull of both players' payoffs, counterclockwise.

        Raises:
            Undefined: for another number of players.
        """
        if len(self.payoffs) != 2:
            raise Undefined(
                f"{self.game.name!r} has {len(self.payoffs)} players; the payoff polygon is for two."
            )
        return feasible_set(self.payoffs)

    @functools.cached_property
    def security(self) -> Float[np.ndarray, " n"]:
        """Every player's minimax payoff, the lowest that the others can force on it."""
        return minimax_values(self.payoffs)

    @functools.cached_property
    def equilibria(self) -> EquilibriumSet:
        """All equilibria of the stage game, by the default method of `solvers.solve`.

        Raises:
            Undefined: if the solver does not prove that there are no others.
        """
        found = solve(self.payoffs)
        if not found.complete:
            raise Undefined(
                f"The solver {found.method!r} does not prove that it finds every equilibrium of {self.game.name!r}."
            )
        return found

    @functools.cached_property
    def cooperation(self) -> int | None:
        """The action that is called cooperation; None if there is none.

        For a game of the catalogue it is the fact `cooperation`. In another symmetric game of two players with
        two actions it is the action whose payoffs make the game a social dilemma.
        """
        game = self.game.game if isinstance(self.game, Parameterized) else self.game
        for registry in (GAMES, AUTOMATON_GAMES):
            if game.name in registry:
                return registry.get(game.name).facts.get("cooperation")
        try:
            return cooperative_action(self.payoffs)
        except Undefined:
            return None


def cooperative_action(payoffs: Any) -> int | None:
    r"""The action that is cooperation in a social dilemma of two players with two actions; None in other games.

    With R and P the payoffs of both cooperating and both defecting, S and T those of a lone cooperator and a
    lone defector, a symmetric game is a social dilemma if $R > P$, $R > S$, $2R \ge T + S$, and defection pays
    out of greed, $T > R$, or fear, $P > S$.

    Args:
        payoffs: `(2, 2, 2)`.

    Source:
        Macy & Flache 2002, "Learning dynamics in social dilemmas".

    Example:
        >>> cooperative_action([[[1, 5], [0, 3]], [[1, 0], [5, 3]]])
        1
    """
    table = np.asarray(payoffs, dtype=float)
    if table.shape != (2, 2, 2) or not np.allclose(table[1], table[0].T):
        return None
    for action in (0, 1):
        (r, s), (t, p) = table[0][np.ix_([action, 1 - action], [action, 1 - action])]
        if r > p and r > s and 2 * r >= t + s and (t > r or p > s):
            return action
    return None
