"""Stage games on grids of mixed strategies, and update rules as transition probabilities on the grid."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from games.checks import check_count
from solvers.payoffs import payoff_tensor

Rule = Float[np.ndarray, "states own"]
"""`(states, own)`: the probability of each own next policy, for each joint policy."""


@dataclasses.dataclass(frozen=True)
class PolicyGrid:
    """A stage game with two actions per player, on grids of mixed strategies.

    Args:
        probabilities: P(action 0) of the policies, the same grid from 0 to 1 for every player.
        joint: grid index of every player's policy in each state; the last player's varies fastest.
        rewards: expected payoff of every player in each state.
    """

    probabilities: Float[np.ndarray, " own"]
    joint: Int[np.ndarray, "states n"]
    rewards: Float[np.ndarray, "states n"]

    def __repr__(self) -> str:
        points, players = len(self.probabilities), self.joint.shape[1]
        return f"PolicyGrid({players} players, {points} policies each, {len(self.joint)} joint policies)"

    @property
    def policies(self) -> Float[np.ndarray, "states n"]:
        """P(action 0) of every player in each state."""
        return self.probabilities[self.joint]


def policy_grid(game: Any, points: int = 11) -> PolicyGrid:
    """The joint policies on a grid of `points` probabilities from 0 to 1 for each player.

    Args:
        game: a game as for `payoff_tensor`, with two actions for every player.
        points: number of policies of each player, at least 2.

    Raises:
        ValueError: if a player does not have two actions, or for fewer than 2 points.

    Example:
        >>> policy_grid(([[-1, -3], [0, -2]], [[-1, 0], [-3, -2]]), 2).rewards.tolist()
        [[-2.0, -2.0], [0.0, -3.0], [-3.0, 0.0], [-1.0, -1.0]]
    """
    payoffs = payoff_tensor(game)
    check_count("points", points, 2)
    n = payoffs.ndim - 1
    if set(payoffs.shape[1:]) != {2}:
        raise ValueError(
            f"The players have {payoffs.shape[1:]} actions; policy grids take games of two actions for every "
            "player."
        )
    grid = np.linspace(0, 1, points)
    mixtures = np.stack([grid, 1 - grid])
    values = payoffs
    for _ in range(n):
        values = np.tensordot(
            values, mixtures, axes=(1, 0)
        )  # the first action axis becomes the last grid axis
    joint = np.array(list(itertools.product(range(points), repeat=n)))
    return PolicyGrid(grid, joint, values.reshape(n, -1).T)


def keep_policy(grid: PolicyGrid, player: int) -> Rule:
    """The rule under which a player keeps its policy.

    Example:
        >>> keep_policy(policy_grid(([[0, 0], [0, 0]], [[0, 0], [0, 0]]), 2), 1).tolist()
        [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(len(grid.probabilities))[grid.joint[:, player]]


def rule_on_grid(
    grid: PolicyGrid, player: int, update: Callable[[Float[np.ndarray, "states n"]], Any]
) -> Rule:
    """A continuous update as a rule: it mixes the two grid points next to the new policy, with that mean.

    If the new policy were rounded to the nearest grid point, every update shorter than half a cell would be
    lost.

    Args:
        grid: the game on its grid.
        player: the player of the rule.
        update: maps P(action 0) of all players, `(states, n)`, to the player's next P(action 0), `(states,)`,
            which is clipped to [0, 1].

    Raises:
        ValueError: if the update is not finite.

    Example:
        >>> grid = policy_grid(([[0, 0], [0, 0]], [[0, 0], [0, 0]]), 3)
        >>> rule_on_grid(grid, 0, lambda p: 0.9 * p[:, 0])[-1].round(3).tolist()
        [0.0, 0.2, 0.8]
    """
    image = np.broadcast_to(np.asarray(update(grid.policies), dtype=float), (len(grid.joint),))
    if not np.isfinite(image).all():
        raise ValueError(
            "The update gives a policy that is not finite; it must map probabilities to numbers."
        )
    cells = len(grid.probabilities) - 1
    place = np.clip(image, 0, 1) * cells
    place = np.where(
        np.abs(place - place.round()) < 1e-9, place.round(), place
    )  # no transition to a neighbor by rounding error
    low = np.minimum(np.floor(place).astype(int), cells - 1)
    rule = np.zeros((len(place), cells + 1))
    states = np.arange(len(place))
    rule[states, low], rule[states, low + 1] = low + 1 - place, place - low
    return rule


def joint_chain(grid: PolicyGrid, rules: Sequence[Rule]) -> Float[np.ndarray, "states states"]:
    """Transition probabilities between joint policies when all players update at once.

    Raises:
        ValueError: for a rule that is missing, of the wrong shape, or with rows that are not probabilities.
    """
    shape = (len(grid.joint), len(grid.probabilities))
    if len(rules) != grid.joint.shape[1]:
        raise ValueError(f"{len(rules)} rules were given for {grid.joint.shape[1]} players; give one each.")
    for player, rule in enumerate(rules):
        if np.shape(rule) != shape or not (np.min(rule) >= 0 and np.allclose(np.sum(rule, axis=1), 1)):
            raise ValueError(
                f"Player {player}'s rule must hold probabilities of shape {shape}, each row summing to 1."
            )
    chain = np.ones((shape[0], 1))
    for rule in rules:
        chain = (chain[:, :, None] * rule[:, None, :]).reshape(shape[0], -1)
    return chain
