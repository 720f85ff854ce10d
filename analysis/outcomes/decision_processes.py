"""Best responses in repeated games of any size and memory, over all lanes at once, by policy iteration."""

import numpy as np
from jaxtyping import Bool, Float, Int

from games.exact.iterated import own_first
from solvers.repeated.histories import Repeated, n_histories, successors, with_errors

Transitions = Float[np.ndarray, "lanes actions histories histories"]
Rewards = Float[np.ndarray, "lanes actions histories n"]
TOLERANCE = 1e-12
"""An action is better if it gains more than this share of the payoff range."""


def decision_process(
    game: Repeated, tables: tuple[Float[np.ndarray, "lanes histories _"], ...], memory: int, player: int
) -> tuple[Transitions, Rewards]:
    """A player's Markov decision process against the others' strategies, in every lane.

    The states are the histories of length 0 to k. Every action of the player is carried out with the game's
    execution errors.

    Args:
        game: the repeated game.
        tables: all players' action probabilities after every history, own action first, with execution errors.
        memory: k.
        player: the player, whose own table is ignored.

    Returns:
        Transition probabilities by action, history and next history, and all players' expected payoffs.
    """
    lanes, actions = len(tables[0]), game.n_actions[player]
    histories, following = n_histories(game.n_outcomes, memory), successors(game.n_outcomes, memory)
    own = with_errors(np.eye(actions), game.error)
    transitions = np.zeros((lanes, actions, histories, histories))
    rewards = np.empty((lanes, actions, histories, game.n_players))
    for action in range(actions):
        joint = np.ones((lanes, histories, 1))
        for i, table in enumerate(tables):
            p = table[:, own_first(game.n_actions, memory, i)]
            p = np.broadcast_to(own[action], p.shape) if i == player else p
            joint = (joint[..., :, None] * p[..., None, :]).reshape(lanes, histories, -1)
        for outcome in range(game.n_outcomes):
            transitions[:, action, np.arange(histories), following[:, outcome]] += joint[..., outcome]
        rewards[:, action] = joint @ game.rewards
    return transitions, rewards


def policy_iteration(
    transitions: Transitions,
    rewards: Float[np.ndarray, "lanes actions histories"],
    discount: float,
    allowed: Bool[np.ndarray, "lanes actions histories"] | None = None,
) -> tuple[Int[np.ndarray, "lanes histories"], Float[np.ndarray, "lanes actions histories"]]:
    r"""Optimal deterministic policies of discounted decision processes, in all lanes at once (Howard 1960).

    Args:
        transitions: by action, state and next state.
        rewards: of a step, by action and state.
        discount: d in [0, 1).
        allowed: the actions that may be taken; by default all.

    Returns:
        The policies, and the per-step action values $q = (1-d)\, r + d\, T v$.

    Example:
        >>> stay_or_go = np.array([[np.eye(2), np.eye(2)[::-1]]])
        >>> policy_iteration(stay_or_go, np.array([[[1.0, 2.0], [0.0, 0.0]]]), 0.9)[0].tolist()
        [[1, 0]]
    """
    masked = np.zeros(rewards.shape) if allowed is None else np.where(allowed, 0, -np.inf)
    margin = TOLERANCE * (np.ptp(rewards) or 1.0)
    policy = (rewards + masked).argmax(axis=1)
    while True:
        chosen = policy[:, None]
        chain = np.take_along_axis(transitions, chosen[..., None], axis=1)[:, 0]
        reward = np.take_along_axis(rewards, chosen, axis=1)[:, 0]
        v = np.linalg.solve(np.eye(chain.shape[-1]) - discount * chain, (1 - discount) * reward[..., None])
        q = (1 - discount) * rewards + discount * (transitions @ v[:, None])[..., 0]
        best = (q + masked).max(axis=1)
        better = best > np.take_along_axis(q, chosen, axis=1)[:, 0] + margin
        if not better.any():
            return policy, q
        policy = np.where(better, (q + masked).argmax(axis=1), policy)


def best_response_payoffs(
    transitions: Transitions, rewards: Rewards, discount: float, player: int
) -> Float[np.ndarray, "lanes n"]:
    """All players' per-step payoffs under a best response of a player; the worst for the others if there are several.

    Of all best responses, which take optimal actions after every history, it is the one that leaves the others
    the smallest sum of payoffs.

    Args:
        transitions: of the player's decision process.
        rewards: all players' expected payoffs.
        discount: d in [0, 1).
        player: the player.
    """
    own = rewards[..., player]
    _, q = policy_iteration(transitions, own, discount)
    optimal = q >= q.max(axis=1, keepdims=True) - 1e-10 * (np.ptp(own) or 1.0)
    spiteful, _ = policy_iteration(transitions, own - rewards.sum(axis=-1), discount, optimal)
    chosen = spiteful[:, None, :, None]
    chain = np.take_along_axis(transitions, chosen, axis=1)[:, 0]
    reward = np.take_along_axis(rewards, chosen, axis=1)[:, 0]
    return np.linalg.solve(np.eye(chain.shape[-1]) - discount * chain, (1 - discount) * reward)[:, 0]


def payoffs_in_play(
    transitions: Transitions,
    rewards: Rewards,
    own: Float[np.ndarray, "lanes histories actions"],
    discount: float,
) -> Float[np.ndarray, "lanes n"]:
    """All players' per-step payoffs if the player plays its own table of intended actions.

    Args:
        transitions: of the player's decision process.
        rewards: all players' expected payoffs.
        own: the player's intended action probabilities, in the order of the decision process's histories.
        discount: d in [0, 1).
    """
    weights = np.moveaxis(own, -1, 1)[..., None]
    chain, reward = (weights * transitions).sum(axis=1), (weights * rewards).sum(axis=1)
    return np.linalg.solve(np.eye(chain.shape[-1]) - discount * chain, (1 - discount) * reward)[:, 0]
