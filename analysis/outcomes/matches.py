"""One match with everything that measures derive from it, over all lanes at once."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from analysis.memory_one import (
    MemoryOnePlay,
    log_chances_of,
    log_chances_of_logits,
    outcome_frequencies,
    payoffs_against_all,
)
from analysis.outcomes.game_facts import GameFacts
from analysis.outcomes.registry import Undefined
from analysis.tournaments.cell import Cell
from games.base import Game, Joint
from games.compiler import filter_jit
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame, outer
from games.exact.parameterized import ExecutionErrors, Parameterized
from games.sampled.game import Sampled
from shaping.base import Learner


class PlayedMatch:
    """The argument of every measure: the numbers of one match, and what follows from them.

    Numbers are computed when they are first asked for, in float64, and kept. A property raises `Undefined`
    with the reason where the game has no such number.

    Args:
        cell: the match.
        learners: learners by name, for measures that let them learn; None for one that could not be rebuilt.
        facts: the game's facts, if they have been computed before.

    Example:
        >>> from games import ipd
        >>> from games.strategies import policy
        >>> params = tuple(np.asarray(policy(name))[None] for name in ("tft", "alld"))
        >>> values = np.array([[-2.04], [-1.92]])
        >>> match = PlayedMatch(Cell(ipd(), ("tft", "alld"), params, values, values, np.array([True]), 0))
        >>> match.play.policies[0, 0].tolist()
        [1.0, 1.0, 0.0, 1.0, 0.0]
    """

    def __init__(
        self,
        cell: Cell,
        learners: Mapping[str, Learner | None] | None = None,
        facts: GameFacts | None = None,
    ):
        self.cell = cell
        self.learners = dict(learners or {})
        self.facts = GameFacts(cell.game) if facts is None else facts
        self.kept: dict[Callable[..., Any], Any] = {}

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.cell.values)

    @property
    def ok(self) -> Bool[np.ndarray, " seeds"]:
        """In which lanes all numbers are finite."""
        return np.asarray(self.cell.ok, dtype=bool)

    @functools.cached_property
    def values(self) -> Float[np.ndarray, "n seeds"]:
        """Final per-step values."""
        return np.asarray(self.cell.values, dtype=float)

    @property
    def game(self) -> Game:
        """The game."""
        return self.facts.game

    @functools.cached_property
    def params(self) -> Joint:
        """Final joint parameters in the game's own form, every leaf with a leading axis of lanes."""
        if self.cell.params is None:
            kind = "those of a sampled game are not" if isinstance(self.game, Sampled) else "they were not"
            raise Undefined(
                f"The measure needs the final parameters, and {kind} kept in a tournament's results."
            )
        return tuple(in_form(*pair) for pair in zip(self.cell.params, self.facts.params_form, strict=True))

    @functools.cached_property
    def intended_tables(self) -> Joint:
        """Final tables of logits of a repeated game, (lanes, histories) for two actions, without execution errors."""
        game, params = self.game, self.params
        _ = self.facts.iterated
        with jax.enable_x64(True):
            params = jax.tree.map(lambda x: jnp.asarray(x, dtype=float), params)
            if isinstance(game, Parameterized):
                policy = game.policy.policy if isinstance(game.policy, ExecutionErrors) else game.policy
                params = jax.vmap(Parameterized(game.game, policy).tables)(params)
            return tuple(np.asarray(own) for own in params)

    @functools.cached_property
    def play(self) -> MemoryOnePlay:
        """Memory-one play of two players with two actions."""
        game = self.facts.iterated
        if game.memory != 1 or game.n_actions != (2, 2):
            raise Undefined(
                f"{game.name!r} is not a game of two players with two actions and a memory of one joint action."
            )
        logs = log_chances_of_logits(np.stack(self.intended_tables))
        if self.facts.error:
            logs = log_chances_of(np.exp(logs[..., 0]), self.facts.error)
        own = self.facts.payoffs.reshape(2, 4).T
        payoffs = np.stack([own, own[[0, 2, 1, 3]][:, ::-1]])
        if self.facts.cooperation == 1:
            logs, payoffs = logs[..., [0, 4, 3, 2, 1], ::-1], payoffs[:, ::-1]
        return MemoryOnePlay(logs, payoffs, self.facts.repeated.discount, self.facts.error)

    @functools.cached_property
    def frequencies(self) -> Float[np.ndarray, "2 seeds 4"]:
        """Frequencies of CC, CD, DC and DD of memory-one play, own action first, for both seats."""
        (own, other), discount = self.play.log_chances, self.play.discount
        found = outcome_frequencies(own, other, discount)
        return np.stack([found, found[..., [0, 2, 1, 3]]])

    @functools.cached_property
    def exact_values(self) -> Float[np.ndarray, "2 seeds"]:
        """Per-step values of memory-one play, from its outcome frequencies."""
        return np.einsum("pso,po->ps", self.frequencies, self.play.payoffs[..., 0])

    @functools.cached_property
    def against_all(self) -> Float[np.ndarray, "2 seeds 32 2"]:
        """Payoffs (own, other's) of both seats' strategies against all deterministic memory-one strategies."""
        play = self.play
        return payoffs_against_all(play.log_chances, play.payoffs[:, None], play.discount, play.error)

    @functools.cached_property
    def joint_actions(self) -> Float[np.ndarray, "seeds *actions"]:
        """The frequency of every joint action, one axis per seat: discounted, or in the long run at discount 1."""
        game = self.game
        if isinstance(game, MatrixGame):
            mixed: Any = self.mixed_strategies
            return np.asarray(outer(mixed, np.multiply))  # pyright: ignore[reportArgumentType]
        repeated = self.facts.iterated
        if repeated.memory == 1 and repeated.n_actions == (2, 2):
            found = self.frequencies[0].reshape(-1, 2, 2)
            return found[:, ::-1, ::-1] if self.facts.cooperation == 1 else found
        if self.facts.error:
            raise Undefined(
                "Execution errors are supported for memory-one play of two players with two actions."
            )
        with jax.enable_x64(True):
            found = np.asarray(_joint_frequencies(repeated, tuple(map(jnp.asarray, self.intended_tables))))
        return found.reshape(-1, *repeated.n_actions)

    @functools.cached_property
    def mixed_strategies(self) -> tuple[Float[np.ndarray, "seeds actions"], ...]:
        """Final mixed strategies of a one-shot game, in float64."""
        game = self.game
        if not isinstance(game, MatrixGame):
            raise Undefined(f"{game.name!r} is not a one-shot game with a table of payoffs.")
        with jax.enable_x64(True):
            params = jax.tree.map(lambda x: jnp.asarray(x, dtype=float), self.params)
            return tuple(np.asarray(p) for p in jax.vmap(game.strategies)(params))

    @property
    def symmetric(self) -> bool:
        """Whether two players have the same payoffs."""
        payoffs = self.facts.payoffs
        return (
            payoffs.shape[0] == 2
            and payoffs[0].shape == payoffs[1].T.shape
            and np.allclose(payoffs[0], payoffs[1].T)
        )

    @property
    def unit(self) -> float:
        """The range of the game's payoffs, or 1 if it is 0 or unknown; a unit for tolerances."""
        try:
            return float(np.ptp(self.facts.payoffs)) or 1.0
        except Undefined:
            return 1.0


def kept(function: Callable[[PlayedMatch], Any]) -> Callable[[PlayedMatch], Any]:
    """The same function of a match, which computes its result once per match."""

    @functools.wraps(function)
    def call(match: PlayedMatch) -> Any:
        if function not in match.kept:
            match.kept[function] = function(match)
        return match.kept[function]

    return call


@filter_jit
def _joint_frequencies(game: Iterated, tables: Any) -> Any:
    """`Iterated.frequencies` of all lanes."""
    return jax.vmap(game.frequencies)(tables)


def in_form(flat: Float[np.ndarray, "seeds size"], form: Any) -> Any:
    """Parameters of one seat in the game's own form, from one row of numbers per lane.

    Example:
        >>> in_form(np.arange(6.0).reshape(2, 3), {"a": np.zeros(1), "b": np.zeros(2)})["b"].tolist()
        [[1.0, 2.0], [4.0, 5.0]]
    """
    leaves, structure = jax.tree.flatten(form)
    ends = np.cumsum([int(np.prod(leaf.shape)) for leaf in leaves])
    parts = np.split(np.asarray(flat), ends[:-1], axis=1)
    shaped = [part.reshape(len(flat), *leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, shaped)
