"""The rules of the LOLA paper's tournament once more, in plain Python, where policies follow the values at every step.

Rows of tables are start, CC, CD, DC, DD, own action first; probabilities are of action 0. Gradients are those
of the exact dilemma.
"""

import random
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from games import ipd

PAYOFFS = ((-1, -3), (0, -2))
DISCOUNT = 0.96


@jax.jit
def naive(game, a, b):
    return jax.grad(lambda x: game.values((x, b))[0])(a)


@jax.jit
def lola(game, a, b):
    """With LOLA's second-order term."""
    theirs = jax.grad(lambda y: game.values((a, y))[0])(b)
    return naive(game, a, b) + jax.grad(lambda x: theirs @ jax.grad(lambda y: game.values((x, y))[1])(b))(a)


class Q:
    shape: ClassVar = (5, 2)

    def __init__(self, rng, normal):
        self.rng, self.q, self.counts = (
            rng,
            normal.normal(size=self.shape).tolist(),
            [[0, 0] for _ in range(5)],
        )

    def worth(self, row):
        return self.q[row]

    def act(self, row):
        best, other = (0, 1) if self.worth(row)[0] >= self.worth(row)[1] else (1, 0)
        return best if self.rng.random() > 0.05 else other

    def seen(self):
        """What gradient learners are told: softmax, though what is played is mostly the best."""
        worth = np.array([self.worth(row) for row in range(5)])
        return 1 / (1 + np.exp(worth[:, 1] - worth[:, 0]))

    def update(self, time, row, own, other, reward, after):
        gap = reward + DISCOUNT * max(self.worth(after)) - self.q[row][own]
        self.q[row][own] += gap / (100 + 1e-4 * time)


class Joint(Q):
    shape: ClassVar = (5, 2, 2)

    def worth(self, row):
        counts = self.counts[row]
        total = sum(counts) + 1e-8
        return [(q[0] * counts[0] + q[1] * counts[1]) / total for q in self.q[row]]

    def update(self, time, row, own, other, reward, after):
        gap = reward + DISCOUNT * max(self.worth(after)) - self.q[row][own][other]
        self.q[row][own][other] += gap / (100 + 1e-4 * time)
        self.counts[row][other] += 1


class Climber(Q):
    def __init__(self, rng, normal):
        super().__init__(rng, normal)
        self.p, self.average, self.visits = [0.5] * 5, [0.5] * 5, [0] * 5

    def act(self, row):
        return 0 if self.rng.random() < self.p[row] else 1

    def seen(self):
        return np.array(self.p)

    def delta(self, time, row):
        return 1 / (20000 + time)

    def update(self, time, row, own, other, reward, after):
        super().update(time, row, own, other, reward, after)
        self.visits[row] += 1
        self.average[row] += (self.p[row] - self.average[row]) / self.visits[row]
        better = 1 if self.q[row][0] >= self.q[row][1] else -1
        self.p[row] = min(max(self.p[row] + better * self.delta(time, row), 1e-8), 1 - 1e-8)


class Wolf(Climber):
    def delta(self, time, row):
        winning = (self.p[row] - self.average[row]) * (self.q[row][0] - self.q[row][1]) > 0
        return (1 if winning else 2) / (100 + 5e-5 * time)


class Gradient:
    def __init__(self, rng, normal, rule, mistaken):
        self.rng, self.own, self.rule, self.mistaken, self.game = (
            rng,
            normal.normal(size=5),
            rule,
            mistaken,
            ipd(),
        )
        self.p = self.seen().tolist()

    def act(self, row):
        return 0 if self.rng.random() < self.p[row] else 1

    def seen(self):
        return 1 / (1 + np.exp(-self.own))

    def learn(self, other):
        """From the other's probabilities; if mistaken, one minus those after CD and DC stand for the exchanged ones."""
        p = np.clip(other, 1e-8, 1 - 1e-8)
        if self.mistaken:
            p[2], p[3] = 1 - p[3], 1 - p[2]
        self.own = self.own + np.asarray(
            self.rule(self.game, jnp.array(self.own), jnp.array(np.log(p) - np.log1p(-p)))
        )
        self.p = self.seen().tolist()


def play(a, b, episodes, steps, last):
    """Both players' mean normalized return over the last episodes."""
    time, returns = 0, []
    for _ in range(episodes):
        rows, gains, weight = (0, 0), [0.0, 0.0], 1 - DISCOUNT
        for _ in range(steps):
            time += 1
            x, y = a.act(rows[0]), b.act(rows[1])
            after = 1 + 2 * x + y, 1 + 2 * y + x
            for player, row, own, other, now in ((a, rows[0], x, y, after[0]), (b, rows[1], y, x, after[1])):
                if not isinstance(player, Gradient):
                    player.update(time, row, own, other, PAYOFFS[own][other], now)
            gains[0] += weight * PAYOFFS[x][y]
            gains[1] += weight * PAYOFFS[y][x]
            rows, weight = after, weight * DISCOUNT
        seen = a.seen(), b.seen()
        for player, other in ((a, seen[1]), (b, seen[0])):
            if isinstance(player, Gradient):
                player.learn(other)
        returns.append(gains)
    return np.mean(returns[-last:], axis=0)


def scores(seed, mistaken, episodes=1000, steps=200):
    """Everybody's mean over all its matches, that with its like included."""
    rng, normal = random.Random(seed), np.random.default_rng(seed)
    kinds = {"q_learning": Q, "jal_q": Joint, "phc": Climber, "wolf_phc": Wolf, "naive": naive, "lola": lola}
    found = {name: [] for name in kinds}
    names = list(kinds)
    for i, first in enumerate(names):
        for second in names[i:]:
            makers = (kinds[first], kinds[second])
            a, b = (
                make(rng, normal) if isinstance(make, type) else Gradient(rng, normal, make, mistaken)
                for make in makers
            )
            gains = play(a, b, episodes, steps, last=100)
            found[first].append(gains[0])
            found[second].append(gains[1])
    return {name: float(np.mean(x)) for name, x in found.items()}
