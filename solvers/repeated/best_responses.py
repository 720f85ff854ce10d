"""Best responses in repeated games: one player's Markov decision process against memory-k strategies."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from solvers.base import TOLERANCE, Status
from solvers.printing import result_text
from solvers.repeated import markov_decisions as decisions
from solvers.repeated.histories import Play, Repeated, as_repeated, from_table, play


@dataclasses.dataclass(frozen=True)
class BestResponse:
    """A best response to the others' strategies in a repeated game.

    Args:
        player: the player that responds.
        policy: the response, a deterministic strategy whose histories list the player's own action first:
            probabilities of action 0 for two actions, a table `(histories, actions)` for more.
        value: the player's per-step value from the start (of the objective, if one was given).
        values: per-step value after every history, in the order of the policy's rows.
        payoffs: per-step payoff of every player from the start under the response.
        residual: the largest per-step gain of another strategy after any history, divided by the range of the
            best one-step payoffs.
        status: `"solved"` if the residual is within tolerance.
        iterations: number of policy iterations.
    """

    player: int
    policy: Float[np.ndarray, "..."]
    value: float
    values: Float[np.ndarray, " histories"]
    payoffs: Float[np.ndarray, " n_players"]
    residual: float
    status: Status
    iterations: int

    def __repr__(self) -> str:
        return result_text(
            f"BestResponse of player {self.player}: {self.status}",
            {"policy": self.policy, "value": self.value, "payoffs": self.payoffs, "residual": self.residual},
        )


def best_response(
    game: Any,
    profile: Sequence[Any],
    player: int = 0,
    discount: float | None = None,
    objective: Sequence[float] | None = None,
    memory: int = 1,
) -> BestResponse:
    r"""A player's best response to the others' strategies, among all strategies of any memory.

    Against strategies of memory k, the last k joint actions are the state of a Markov decision process, so
    some deterministic strategy of memory k is optimal after every history (Press & Dyson 2012, appendix):

    $V(h) = \max_a E_{a_{-i} \sim \sigma_{-i}(h)} \left[ (1-d)\, u_i(a) + d\, V(h a) \right]$

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat; the player's own is ignored and may be None: a name in
            `games.STRATEGIES`, a vector of probabilities of action 0 such as `[start, CC, CD, DC, DD]`, or a
            table `(histories, actions)`.
        player: the player that responds.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.
        objective: the player maximizes the sum of all payoffs with these weights; by default its own payoff.
        memory: the smallest memory of the response; it is at least that of the others' strategies.

    Raises:
        ValueError: for invalid payoffs, strategies or discount.

    Example:
        >>> response = best_response([[[3, 0], [5, 1]], [[3, 5], [0, 1]]], (None, "tft"), discount=0.9)
        >>> response.policy.tolist(), round(response.value, 9)
        ([1.0, 1.0, 1.0, 1.0, 1.0], 3.0)
    """
    repeated = as_repeated(game, discount, errors=True)
    return respond(play(repeated, profile, player, memory), player, objective)


def respond(others: Play, player: int, objective: Sequence[float] | None = None) -> BestResponse:
    """`best_response` to strategies given as the result of `play`."""
    repeated = others.game
    weights = np.eye(repeated.n_players)[player] if objective is None else np.asarray(objective, dtype=float)
    if weights.shape != (repeated.n_players,) or not np.isfinite(weights).all():
        raise ValueError(
            f"objective is {objective}; it must hold one finite weight for each of the {repeated.n_players} "
            "players' payoffs."
        )
    transitions, rewards = others.decision_process(player)
    objectives = rewards @ weights
    unit = float(np.ptp(objectives.max(axis=0)) or np.ptp(objectives)) or 1.0
    decision = decisions.solve(transitions, objectives, repeated.discount)
    states = np.arange(len(decision.policy))
    values_in_play = decisions.values(
        transitions[decision.policy, states], rewards[decision.policy, states], repeated.discount
    )
    own = np.argsort(others.rows(player))
    return BestResponse(
        player=player,
        policy=from_table(np.eye(repeated.n_actions[player])[decision.policy[own]]),
        value=float(decision.values[0]),
        values=decision.values[own],
        payoffs=values_in_play[0],
        residual=decision.residual / unit,
        status="solved" if decision.residual <= TOLERANCE * unit else "not_converged",
        iterations=decision.iterations,
    )


def repeated_payoffs(
    game: Any, profile: Sequence[Any], discount: float | None = None
) -> Float[np.ndarray, " n_players"]:
    r"""Per-step payoffs from the start, $(1-d)\, p_0^\top (I - dT)^{-1} u$, or their limit at $d = 1$.

    Args:
        game: a `games.Iterated`, or a stage game.
        profile: one strategy per player by seat, in a form that `best_response` accepts.
        discount: in [0, 1], 1 being the long-run average; for a stage game, or to replace the game's own.

    Example:
        >>> repeated_payoffs([[[3, 0], [5, 1]], [[3, 5], [0, 1]]], ("tft", "alld"), 0.9).round(9).tolist()
        [0.9, 1.4]
    """
    return history_values(play(as_repeated(game, discount, errors=True), profile))[0]


def history_values(joint_play: Play) -> Float[np.ndarray, "histories n_players"]:
    """Per-step value of every player after every history, histories in joint order."""
    repeated: Repeated = joint_play.game
    joint = joint_play.joint()
    return decisions.values(joint_play.chain(joint), joint @ repeated.rewards, repeated.discount)
