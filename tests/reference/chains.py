"""An independent model of repeated play, in numpy and by enumeration of histories; it shares nothing with the packages."""

import itertools

import numpy as np


def row(history, player, n_actions):
    """The row of a player's own table: histories by length, latest action fastest, own action first and then the others by seat."""
    seats = [player] + [j for j in range(len(n_actions)) if j != player]
    n_joint = int(np.prod(n_actions))
    number = 0
    for joint in history:
        digit = 0
        for j in seats:
            digit = digit * n_actions[j] + joint[j]
        number = number * n_joint + digit
    return sum(n_joint**length for length in range(len(history))) + number


def chain(payoffs, tables, memory):
    """Transitions between histories of length 0 to k and everybody's expected reward in each; the first history is the start.

    Args:
        payoffs: (n, A1, ..., An).
        tables: per player the action probabilities (rows, actions), in its own order.
    """
    n_actions = payoffs.shape[1:]
    joints = list(itertools.product(*(range(a) for a in n_actions)))
    histories = [h for length in range(memory + 1) for h in itertools.product(joints, repeat=length)]
    index = {h: i for i, h in enumerate(histories)}
    transitions, rewards = np.zeros((len(histories),) * 2), np.zeros((len(histories), len(n_actions)))
    for h in histories:
        for joint in joints:
            p = np.prod([tables[i][row(h, i, n_actions), a] for i, a in enumerate(joint)])
            transitions[index[h], index[(*h, joint)[-memory:]]] += p
            rewards[index[h]] += p * np.array([payoffs[(i, *joint)] for i in range(len(n_actions))])
    return transitions, rewards


def discounted(payoffs, tables, memory, discount, tail=1e-13):
    """Everybody's return, summed step by step until what follows cannot matter."""
    transitions, rewards = chain(payoffs, tables, memory)
    state, weight, total = np.eye(len(rewards))[0], 1.0, np.zeros(rewards.shape[1])
    while weight > tail * (1 - discount):
        total += weight * state @ rewards
        state, weight = state @ transitions, weight * discount
    return total


def average(payoffs, tables, memory, doublings=40):
    """Everybody's mean reward over the first 2^40 steps from the start, by doubling the horizon."""
    transitions, rewards = chain(payoffs, tables, memory)
    power, mean = transitions, np.eye(len(rewards))
    for _ in range(doublings):
        mean = (mean + power @ mean) / 2
        power = power @ power
        power /= power.sum(axis=1, keepdims=True)
    return (mean @ rewards)[0]


def memory_one(p, q, payoffs, discount):
    """Per-step payoffs of two memory-one policies [start, CC, CD, DC, DD] by a linear solve; discount 1 is the long-run average."""
    tables = [np.stack([x, 1 - x], axis=-1) for x in (np.asarray(p, float), np.asarray(q, float))]
    transitions, rewards = chain(np.asarray(payoffs, float), tables, 1)
    if discount < 1:
        return (1 - discount) * np.linalg.solve(np.eye(5) - discount * transitions, rewards)[0]
    return average(np.asarray(payoffs, float), tables, 1)
