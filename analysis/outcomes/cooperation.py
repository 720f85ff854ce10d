"""How often players cooperate: overall, and after every joint action."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from analysis.memory_one import STATES
from analysis.outcomes.matches import PlayedMatch
from analysis.outcomes.registry import FACTS, OUTCOMES, Undefined, outcome
from games.registry import Entry


def action_frequency(
    joint_actions: Float[np.ndarray, "lanes *actions"], action: int = 0
) -> Float[np.ndarray, "n lanes"]:
    """How often every player takes an action, from the frequencies of all joint actions.

    Args:
        joint_actions: frequencies with one axis per player after the axis of lanes; they sum to 1.
        action: the action.

    Example:
        >>> action_frequency(np.array([[[0.5, 0.2], [0.2, 0.1]]])).tolist()
        [[0.7], [0.7]]
    """
    n = joint_actions.ndim - 1
    return np.stack(
        [joint_actions.sum(axis=tuple(1 + j for j in range(n) if j != i))[:, action] for i in range(n)]
    )


def cooperation_of(match: PlayedMatch) -> int:
    """The game's cooperative action.

    Raises:
        Undefined: if no action of the game is called cooperation.
    """
    action = match.facts.cooperation
    if action is None:
        raise Undefined(f"No action of {match.game.name!r} is called cooperation.")
    return action


@outcome("cooperation", "axelrod1984evolution")
def _cooperation(match: PlayedMatch) -> Float[np.ndarray, "n seeds"]:
    """How often the player cooperates: discounted frequency, or in the long run at discount 1."""
    return action_frequency(match.joint_actions, cooperation_of(match))


def after_history(row: int) -> Callable[[PlayedMatch], Float[np.ndarray, "2 seeds"]]:
    """The measure of the probability of cooperation in one row of `[start, CC, CD, DC, DD]`."""

    def measure(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
        cooperation_of(match)
        return match.play.policies[..., row]

    return measure


def of_outcome(column: int) -> Callable[[PlayedMatch], Float[np.ndarray, "2 seeds"]]:
    """The measure of the frequency of one of CC, CD, DC and DD."""

    def measure(match: PlayedMatch) -> Float[np.ndarray, "2 seeds"]:
        cooperation_of(match)
        return match.frequencies[..., column]

    return measure


def register_states() -> None:
    """Register the measures by state."""
    for row, state in enumerate(("start", *STATES)):
        when = "in the first step" if row == 0 else f"after {state}, own action first"
        summary = f"Probability that the player cooperates {when}."
        name = f"cooperation_{state}"
        OUTCOMES.add(Entry(name, after_history(row), summary, "axelrod1984evolution", (), FACTS))
    for column, state in enumerate(STATES):
        summary = f"How often the outcome is {state}, own action first: discounted, or in the long run at discount 1."
        name = f"frequency_{state}"
        OUTCOMES.add(Entry(name, of_outcome(column), summary, "axelrod1984evolution", (), FACTS))


register_states()
